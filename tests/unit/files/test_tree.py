"""Which files count, which changed, and what a file that goes takes with it: nothing too early."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from vipcast.files.tree import MAX_BYTES, SETTLE, Scan, Tree
from vipcast.model.objects import Key
from vipcast.model.raw import CONFIGURATION_STATE, SERVICE, Ref

SERVICE_TEXT = "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{x: {x}}}\n"


def text(name: str, x: int = 0) -> str:
    return SERVICE_TEXT.format(name=name, x=x)


class Bench:
    """A tree on a directory, with a clock that is moved by hand."""

    def __init__(self, path: Path) -> None:
        self.root = path / "objects"
        self.root.mkdir()
        self.tree = Tree(self.root, [SERVICE])
        self.now = 100.0

    def write(self, name: str, content: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    def scan(self, *changed: str) -> Scan:
        """Look at the changed files, or at everything."""
        names = [str(self.root / name) for name in changed]
        return self.tree.scan(self.now, names or None)

    def settled(self) -> Scan:
        """Look at everything, and once more after what is in doubt has settled."""
        found = self.scan()
        assert found.again is not None
        assert found.again == pytest.approx(self.now + SETTLE)
        self.now = found.again
        return self.scan()

    def names(self) -> list[str]:
        """The Services that are there."""
        known = (Ref(SERVICE, Key("default", name)) for name in "abcdefgh")
        return [ref.key.name for ref in known if self.tree.view.get(ref) is not None]


def changes(scan: Scan) -> dict[str, int | None]:
    """What each changed Service says now."""
    return {
        delta.ref.key.name: None if delta.raw is None else delta.raw["spec"]["x"]
        for delta in scan.deltas
    }


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_yaml_and_json_files_count_wherever_they_are(bench: Bench) -> None:
    bench.write("a.yaml", text("a"))
    bench.write("b.yml", text("b"))
    bench.write("c.json", '{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "c"}}')
    bench.write("deep/er/d.yaml", text("d"))
    bench.scan()
    assert bench.names() == ["a", "b", "c", "d"]


def test_hidden_files_and_those_of_editors_do_not_count(bench: Bench) -> None:
    for name in (
        ".a.yaml",
        "a.yaml~",
        ".a.yaml.swp",
        "#a.yaml#",
        ".#a.yaml",
        "a.txt",
        ".git/a.yaml",
    ):
        bench.write(name, text("a"))
    assert bench.scan() == Scan()
    assert bench.scan(".a.yaml", "a.yaml~", ".git/a.yaml", "#a.yaml#", "a.txt") == Scan()
    assert bench.names() == []


def test_a_changed_file_is_the_only_one_that_is_read_again(bench: Bench) -> None:
    for name in "abc":
        bench.write(f"{name}.yaml", text(name))
    bench.scan()
    held = bench.tree.view.reading("a.yaml"), bench.tree.view.reading("c.yaml")
    bench.write("b.yaml", text("b", 1))
    assert changes(bench.scan()) == {"b": 1}
    assert (bench.tree.view.reading("a.yaml"), bench.tree.view.reading("c.yaml")) == held
    assert bench.tree.view.reading("a.yaml") is held[0]


def test_a_named_file_is_read_also_where_size_and_time_say_nothing_changed(bench: Bench) -> None:
    path = bench.write("a.yaml", text("a", 1))
    os.utime(path, ns=(1, 1))
    bench.scan()
    path.write_text(text("a", 2))
    os.utime(path, ns=(1, 1))
    assert changes(bench.scan()) == {}
    assert changes(bench.scan("a.yaml")) == {"a": 2}


def test_a_named_directory_or_link_makes_everything_be_looked_at(bench: Bench) -> None:
    bench.scan()
    bench.write("new/a.yaml", text("a"))
    assert changes(bench.scan("new")) == {"a": 0}


def test_a_vanished_file_takes_its_objects_with_it_once_that_is_certain(bench: Bench) -> None:
    path = bench.write("a.yaml", text("a"))
    bench.scan()
    path.unlink()
    assert changes(bench.settled()) == {"a": None}
    assert bench.scan() == Scan()


def test_a_file_that_comes_back_at_once_was_never_gone(bench: Bench) -> None:
    path = bench.write("a.yaml", text("a"))
    bench.scan()
    path.unlink()
    assert changes(bench.scan()) == {}
    bench.write("a.yaml", text("a", 1))
    found = bench.scan()
    assert (changes(found), found.again) == ({"a": 1}, None)


def test_a_file_that_is_renamed_moves_its_objects(bench: Bench) -> None:
    path = bench.write("a.yaml", text("a"))
    bench.scan()
    path.rename(path.with_name("b.yaml"))
    found = bench.scan()
    assert (changes(found), found.problems) == ({}, ())
    assert found.again is not None
    bench.now = found.again
    assert bench.scan() == Scan()
    assert bench.names() == ["a"]


def test_a_file_that_is_half_written_takes_nothing_away(bench: Bench) -> None:
    whole = f"{text('a')}---\n{text('b')}"
    bench.write("x.yaml", whole)
    bench.scan()
    for half in ("", text("a"), whole[:-40], "apiVersion: v1\nki"):
        bench.write("x.yaml", half)
        found = bench.scan()
        assert (changes(found), found.problems) == ({}, ())
        assert bench.names() == ["a", "b"]
    bench.write("x.yaml", f"{whole}---\n{text('c')}")
    found = bench.scan()
    assert (changes(found), found.again) == ({"c": 0}, None)


def test_a_file_that_goes_on_changing_is_not_believed_before_it_rests(bench: Bench) -> None:
    bench.write("x.yaml", f"{text('a')}---\n{text('b')}")
    bench.scan()
    for number in range(5):
        bench.write("x.yaml", f"# {'#' * number}\n{text('a')}")
        bench.now += SETTLE / 2
        assert changes(bench.scan()) == {}
    assert bench.names() == ["a", "b"]
    assert changes(bench.settled()) == {"b": None}


def test_a_file_that_cannot_be_read_is_named_once_that_is_certain(bench: Bench) -> None:
    bench.write("a.yaml", text("a"))
    bench.scan()
    bench.write("a.yaml", "kind: [\n")
    found = bench.settled()
    assert [(one.object, one.field) for one in found.problems] == [("file a.yaml", "line 1")]
    assert bench.names() == ["a"]
    assert bench.tree.unreadable()
    bench.write("a.yaml", text("a", 1))
    found = bench.scan()
    assert (changes(found), found.problems) == ({"a": 1}, ())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a: \xff\n", "Line 1 is not text in UTF-8."),
        (b"a: 1\nb: \xc3\x28\n", "Line 2 is not text in UTF-8."),
        (b"\xff\xfea\x00", "Line 1 is not text in UTF-8."),
    ],
)
def test_a_file_that_is_no_text_is_named(bench: Bench, data: bytes, message: str) -> None:
    (bench.root / "a.yaml").write_bytes(data)
    (found,) = bench.scan().problems
    assert (found.object, found.message) == ("file a.yaml", message)


def test_a_file_that_is_far_too_large_is_not_read(bench: Bench) -> None:
    with (bench.root / "a.yaml").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    (found,) = bench.scan().problems
    assert found.message == "It is larger than 32 MiB."


def test_a_pipe_is_named_and_nobody_waits_for_it(bench: Bench) -> None:
    os.mkfifo(bench.root / "a.yaml")
    (found,) = bench.scan().problems
    assert (found.object, found.message) == ("file a.yaml", "It is no file.")


def test_a_link_that_leads_nowhere_is_named_and_its_objects_stay(
    bench: Bench, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    target.write_text(text("a"))
    (bench.root / "a.yaml").symlink_to(target)
    bench.scan()
    target.unlink()
    (found,) = bench.settled().problems
    assert (found.object, found.message) == ("file a.yaml", "The link leads nowhere.")
    assert bench.names() == ["a"]


def test_links_in_a_circle_are_named(bench: Bench) -> None:
    (bench.root / "a.yaml").symlink_to("b.yaml")
    (bench.root / "b.yaml").symlink_to("a.yaml")
    messages = {found.message for found in bench.scan().problems}
    assert messages == {"It cannot be read: Too many levels of symbolic links."}


def test_a_directory_that_links_to_the_one_around_it_is_walked_once(bench: Bench) -> None:
    bench.write("deep/a.yaml", text("a"))
    (bench.root / "deep" / "up").symlink_to(bench.root)
    found = bench.scan()
    assert (changes(found), found.problems) == ({"a": 0}, ())


def test_a_volume_of_a_config_map_is_followed_through_its_links(bench: Bench) -> None:
    for version in ("..1", "..2"):
        bench.write(f"{version}/a.yaml", text("a", int(version[-1])))
    (bench.root / "..data").symlink_to("..1")
    (bench.root / "a.yaml").symlink_to("..data/a.yaml")
    assert changes(bench.scan()) == {"a": 1}
    (bench.root / "..new").symlink_to("..2")
    (bench.root / "..new").rename(bench.root / "..data")
    assert changes(bench.scan("..data")) == {"a": 2}


def test_a_directory_that_is_gone_takes_nothing_away(bench: Bench) -> None:
    bench.write("a.yaml", text("a"))
    bench.scan()
    shutil.rmtree(bench.root)
    lost = f"The directory {bench.root} cannot be read: No such file or directory."
    for _ in range(3):
        bench.now += 1
        assert bench.scan() == Scan(lost=lost)
    assert bench.tree.lost == lost


def test_an_empty_directory_in_its_place_takes_nothing_away_either(
    bench: Bench, tmp_path: Path
) -> None:
    bench.write("a.yaml", text("a"))
    bench.scan()
    bench.root.rename(tmp_path / "away")
    bench.root.mkdir()
    bench.write("status/controller/Service/default/a.yaml", "")
    bench.now += 1
    assert bench.scan().lost == f"The directory {bench.root} was replaced by an empty one."
    bench.write("b.yaml", text("b"))
    assert changes(bench.scan()) == {"b": 0}
    bench.now += 1
    assert changes(bench.scan()) == {"a": None}


def test_a_directory_that_is_emptied_is_empty(bench: Bench) -> None:
    path = bench.write("a.yaml", text("a"))
    bench.scan()
    path.unlink()
    assert changes(bench.settled()) == {"a": None}


def test_a_file_in_place_of_the_directory_is_named(bench: Bench, tmp_path: Path) -> None:
    bench.scan()
    bench.root.rename(tmp_path / "away")
    bench.root.write_text("")
    assert bench.scan().lost == f"{bench.root} is not a directory any more."


def test_what_programs_report_is_not_read_where_nobody_follows_it_or_another_wrote_it(
    bench: Bench,
) -> None:
    state = "apiVersion: metallb.io/v1beta1\nkind: ConfigurationState\nmetadata: {name: x}\n"
    bench.write("status/controller/ConfigurationState/default/x.yaml", state)
    bench.scan()
    ref = Ref(CONFIGURATION_STATE, Key("default", "x"))
    assert bench.tree.view.get(ref) is None
    assert bench.scan("status/controller/ConfigurationState/default/x.yaml") == Scan()
    follows = Tree(bench.root, [CONFIGURATION_STATE])
    assert [delta.ref for delta in follows.scan(0).deltas] == [ref]
    for writer, deltas in (("controller", [ref]), ("speaker-node1", [])):
        mine = Tree(bench.root, [CONFIGURATION_STATE], writer, [CONFIGURATION_STATE])
        assert [delta.ref for delta in mine.scan(0).deltas] == deltas


def test_a_name_that_is_no_text_can_be_named_all_the_same(bench: Bench) -> None:
    path = os.fsencode(bench.root) + b"/\xff.yaml"
    with open(path, "wb") as file:  # noqa: PTH123 - a Path cannot be made of these bytes
        file.write(b"kind: [\n")
    (found,) = bench.scan().problems
    assert found.object == "file \ufffd.yaml"
