"""One writer's files: whole or not there, and nobody else's."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from vipcast.files.writer import Writer
from vipcast.model.errors import ConflictError, SourceError
from vipcast.model.objects import Key
from vipcast.model.raw import NODE, SECRET, SERVICE, Ref

PATH = "status/controller/Service/default/web.yaml"


@pytest.fixture
def writer(tmp_path: Path) -> Writer:
    return Writer(tmp_path, "controller")


def every_file(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_the_path_of_an_object_says_its_kind_namespace_and_name(writer: Writer) -> None:
    assert writer.path_of(Ref(SERVICE, Key("default", "web"))) == PATH
    assert (
        writer.path_of(Ref(NODE, Key("", "n1.example")))
        == "status/controller/Node/_/n1.example.yaml"
    )


def test_a_name_that_is_too_long_for_a_file_keeps_its_beginning(writer: Writer) -> None:
    paths = {writer.path_of(Ref(SERVICE, Key("x", "a" * 250 + end))) for end in ("a", "b")}
    assert len(paths) == 2
    assert all(len(Path(path).name.encode()) <= 255 - len(".4194304.tmp") for path in paths)


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".", "..", "a\0b"])
def test_a_name_never_leads_out_of_the_writers_directory(writer: Writer, name: str) -> None:
    with pytest.raises(SourceError, match="is no name that an object can have"):
        writer.path_of(Ref(SERVICE, Key("default", name)))
    with pytest.raises(ValueError, match="a writer needs a name"):
        Writer(Path("/"), name)


def test_nothing_is_made_before_something_is_written(writer: Writer, tmp_path: Path) -> None:
    assert writer.read(PATH) == ""
    writer.remove(PATH)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced_and_never_half_there(writer: Writer, tmp_path: Path) -> None:
    writer.write(PATH, {"a": 1})
    before = (tmp_path / PATH).stat().st_ino
    with (tmp_path / PATH).open() as old:
        writer.write(PATH, {"a": 2})
        assert old.read() == "---\na: 1\n"
    assert writer.read(PATH) == "---\na: 2\n"
    assert (tmp_path / PATH).stat().st_ino != before
    assert every_file(tmp_path) == [PATH]


def test_a_file_that_says_it_already_is_left_alone(writer: Writer, tmp_path: Path) -> None:
    writer.write(PATH, {"a": 1})
    before = (tmp_path / PATH).stat()
    writer.write(PATH, {"a": 1})
    after = (tmp_path / PATH).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_file_can_be_read_by_everybody_who_may_read_the_directory(
    writer: Writer, tmp_path: Path
) -> None:
    mask = os.umask(0o022)
    try:
        writer.write(PATH, {"a": 1})
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / PATH).stat().st_mode) == 0o644


def test_a_secret_is_its_owners_alone_from_the_first_byte_on(
    writer: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[str, int]] = []
    really = os.open

    def watched(path: str, flags: int, mode: int = 0o777) -> int:
        descriptor = really(path, flags, mode)
        found = os.fstat(descriptor)
        opened.append((Path(path).suffix, stat.S_IMODE(found.st_mode)))
        assert found.st_size == 0
        return descriptor

    path = writer.path_of(Ref(SECRET, Key("default", "memberlist")))
    mask = os.umask(0)
    try:
        with monkeypatch.context() as patched:
            patched.setattr(os, "open", watched)
            writer.create(path, {"a": 1})
            writer.write(path, {"a": 2})
    finally:
        os.umask(mask)
    assert opened == [(".tmp", 0o600)] * 2
    assert stat.S_IMODE((tmp_path / path).stat().st_mode) == 0o600


def test_what_a_killed_writer_of_the_same_number_has_left_is_in_nobodys_way(
    writer: Writer, tmp_path: Path
) -> None:
    target = tmp_path / PATH
    target.parent.mkdir(parents=True)
    target.with_name(f".{target.name}.{os.getpid()}.tmp").write_text("half a")
    writer.write(PATH, {"a": 1})
    assert every_file(tmp_path) == [PATH]


def test_a_file_is_created_once(writer: Writer, tmp_path: Path) -> None:
    writer.create(PATH, {"a": 1})
    with pytest.raises(ConflictError, match="exists already"):
        writer.create(PATH, {"a": 2})
    assert writer.read(PATH) == "---\na: 1\n"
    assert every_file(tmp_path) == [PATH]


def test_a_file_is_removed_once_or_twice(writer: Writer, tmp_path: Path) -> None:
    writer.write(PATH, {"a": 1})
    writer.remove(PATH)
    writer.remove(PATH)
    assert every_file(tmp_path) == []


def test_what_the_file_system_refuses_is_an_error_that_names_the_file(
    writer: Writer, tmp_path: Path
) -> None:
    (tmp_path / "status").write_text("in the way")
    message = f"{tmp_path / PATH} cannot be written: Not a directory. Make room for it, or give the"
    for call in (writer.write, writer.create):
        with pytest.raises(SourceError) as caught:
            call(PATH, {"a": 1})
        assert str(caught.value).startswith(message)
        assert not isinstance(caught.value, ConflictError)
    for call_path in (writer.remove, writer.read):
        with pytest.raises(SourceError, match="Not a directory"):
            call_path(PATH)


def test_a_directory_in_place_of_the_file_is_an_error_and_leaves_nothing_behind(
    writer: Writer, tmp_path: Path
) -> None:
    (tmp_path / PATH).mkdir(parents=True)
    with pytest.raises(SourceError, match="Is a directory"):
        writer.write(PATH, {"a": 1})
    assert every_file(tmp_path) == []


def test_a_directory_that_is_gone_is_not_made_anew(tmp_path: Path) -> None:
    gone = Writer(tmp_path / "gone", "controller")
    with pytest.raises(SourceError, match="is gone; put it back"):
        gone.write(PATH, {"a": 1})
    assert not (tmp_path / "gone").exists()
