"""What the directory adds to the port: its layout, its economy, and its misfortunes."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Collection
from pathlib import Path

import pytest

from tests.support.sources import KINDS, START, DirectoryHarness, Follower, service, service_ref
from tests.support.waiting import DEADLINE, eventually_async
from vipcast.config.nodes import Node
from vipcast.config.yamltext import Chunk, compose
from vipcast.files import DirectorySource, watch
from vipcast.files import source as module
from vipcast.files.tree import Scan, Tree
from vipcast.files.writer import Writer
from vipcast.kube.render import secret, secret_ref, whole
from vipcast.model.errors import HostError, SourceError
from vipcast.model.objects import Key
from vipcast.ports import CONFIGURATION_STATE, EVENT, SERVICE, Batch, EventNote, EventType, Raw, Ref

WEB, DB = service_ref("web"), service_ref("db")
SHOWN = {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}
WEB_STATUS = "status/controller/Service/default/web.yaml"
EVENTS = "status/controller/Event/events.yaml"


@pytest.fixture
def harness(tmp_path: Path) -> DirectoryHarness:
    return DirectoryHarness(tmp_path)


def source(harness: DirectoryHarness, writer: str = "controller") -> DirectorySource:
    return DirectorySource(harness.root, writer, KINDS, clock=lambda: START)


async def following(opened: DirectorySource) -> Follower:
    """A reader that has the snapshot."""
    follower = Follower(opened)
    await follower.until(lambda: follower.batches, "the snapshot has come")
    return follower


def note(name: str) -> EventNote:
    return EventNote(service_ref(name), EventType.NORMAL, "IPAllocated", "An address.")


async def test_a_directory_that_is_missing_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(HostError) as caught:
        async with DirectorySource(tmp_path / "gone", "controller", KINDS):
            pytest.fail("it was opened")
    assert str(caught.value) == (
        f"The directory {tmp_path / 'gone'} cannot be read: No such file or directory. Create it,"
        " or name another one with --directory."
    )


async def test_a_file_instead_of_a_directory_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HostError, match="Not a directory"):
        async with DirectorySource(tmp_path / "file", "controller", KINDS):
            pytest.fail("it was opened")


async def test_a_change_among_a_thousand_files_costs_a_look_at_its_own_file(
    harness: DirectoryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watch alone brings it: nothing is looked at besides, however many files there are."""
    monkeypatch.setattr(module, "RESCAN", 3600.0)
    looks: list[frozenset[str] | None] = []
    original = Tree.scan

    def noting(self: Tree, now: float, changed: Collection[str] | None = None) -> Scan:
        looks.append(None if changed is None else frozenset(changed))
        return original(self, now, changed)

    monkeypatch.setattr(Tree, "scan", noting)
    for number in range(1000):
        harness.apply(service(f"other-{number}"))
    async with source(harness) as opened:
        follower = await following(opened)
        looks.clear()
        for port in range(1, 16):
            harness.apply(service("web", port=port))
            await follower.until_port(WEB, port)
        looked = list(looks)
    assert None not in looked
    assert {path for look in looked if look for path in look} == {
        str(harness.file("Service", WEB.key))
    }
    assert [delta.ref for batch in follower.batches[1:] for delta in batch.deltas] == [WEB] * 15


async def test_one_changed_file_of_a_thousand_is_the_only_one_that_is_parsed(
    harness: DirectoryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1000):
        harness.apply(service(f"other-{number}"))
    async with source(harness) as opened:
        follower = await following(opened)
        composed: list[str] = []

        def counting(chunk: Chunk, name: str) -> Node | None:
            composed.append(name)
            return compose(chunk, name)

        monkeypatch.setattr("vipcast.files.reading.compose", counting)
        harness.apply(service("other-5", port=81))
        await follower.until_port(service_ref("other-5"), 81)
        assert set(composed) == {"file Service-default-other-5.yaml"}


async def test_nothing_is_read_or_written_on_the_event_loop(
    harness: DirectoryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[str] = set()
    for name in ("read_bytes", "write_bytes", "stat", "replace", "unlink", "mkdir"):
        original = getattr(Path, name)

        def noting(self: Path, *args: object, original=original, **kwargs: object) -> object:  # type: ignore[no-untyped-def]
            if self.is_relative_to(harness.root):
                threads.add(threading.current_thread().name)
            return original(self, *args, **kwargs)

        monkeypatch.setattr(Path, name, noting)
    harness.apply(service())
    threads.clear()
    async with source(harness) as opened:
        follower = await following(opened)
        await opened.write_status(WEB, SHOWN)
        await opened.record(note("web"))
        await follower.until(lambda: follower.status(WEB) == SHOWN, "the status is there")
    assert {name.rpartition("_")[0] for name in threads} == {"vipcast-files"}


async def test_each_writer_writes_in_its_own_directory(harness: DirectoryHarness) -> None:
    harness.apply(service())
    state = Ref(CONFIGURATION_STATE, Key("metallb-system", "controller"))
    key = secret_ref("metallb-system")
    async with source(harness) as one, source(harness, "speaker-n1") as two:
        await one.write_status(WEB, SHOWN, {"a": "b"})
        await one.put(state, whole(state))
        await one.create(key, secret(key, b"key"))
        await one.record(note("web"))
        await two.record(note("web"))
    written = sorted(
        str(path.relative_to(harness.root / "status"))
        for path in (harness.root / "status").rglob("*")
        if path.is_file()
    )
    assert written == [
        "controller/ConfigurationState/metallb-system/controller.yaml",
        "controller/Event/events.yaml",
        "controller/Secret/metallb-system/memberlist.yaml",
        "controller/Service/default/web.yaml",
        "speaker-n1/Event/events.yaml",
    ]
    assert (harness.root / WEB_STATUS).read_text() == (
        "---\n"
        "apiVersion: v1\n"
        "kind: Service\n"
        "metadata:\n"
        "  name: web\n"
        "  namespace: default\n"
        "  annotations:\n"
        "    a: b\n"
        "status:\n"
        "  loadBalancer:\n"
        "    ingress:\n"
        '    - ip: "192.0.2.7"\n'
    )


async def test_a_reader_that_writes_nothing_leaves_nothing(harness: DirectoryHarness) -> None:
    async with source(harness, "cli") as opened:
        await following(opened)
    assert list(harness.root.iterdir()) == []


async def test_kinds_of_users_are_not_written_as_a_whole(harness: DirectoryHarness) -> None:
    harness.apply(service())
    state = Ref(CONFIGURATION_STATE, Key("metallb-system", "controller"))
    async with source(harness) as opened:
        with pytest.raises(ValueError, match="a Service belongs to the users"):
            await opened.put(WEB, service())
        with pytest.raises(ValueError, match="a Service belongs to the users"):
            await opened.create(WEB, service())
        with pytest.raises(ValueError, match="a ConfigurationState is written as a whole"):
            await opened.write_status(state, {"result": "Valid"})


async def test_a_thousand_events_at_once_are_few_writes(
    harness: DirectoryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes: list[str] = []
    original = Path.write_bytes

    def counting(self: Path, data: bytes) -> int:
        writes.append(self.name)
        return original(self, data)

    monkeypatch.setattr(Path, "write_bytes", counting)
    async with source(harness) as opened:
        follower = await following(opened)
        for number in range(1000):
            await opened.record(note(f"other-{number}"))
        await follower.until(lambda: len(follower.objects) == 1000, "all Events are there")
    assert 1 <= len(writes) <= 3


async def test_the_last_events_are_written_when_the_source_is_closed(
    harness: DirectoryHarness,
) -> None:
    async with source(harness) as opened:
        await opened.record(note("web"))
    assert (harness.root / EVENTS).read_text().count("kind: Event") == 1


async def test_events_that_wait_for_the_disk_are_written_when_the_source_is_closed(
    harness: DirectoryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.apply(service())
    free = threading.Event()
    original = Writer.write

    def slow(self: Writer, path: str, content: Raw | str) -> None:
        if path == WEB_STATUS:
            free.wait(DEADLINE)
        original(self, path, content)

    async def turns() -> None:
        """Let everybody who can go on do so."""
        for _ in range(10):
            await asyncio.sleep(0)

    async def let_go() -> None:
        await turns()
        free.set()

    monkeypatch.setattr(Writer, "write", slow)
    async with source(harness) as opened:
        writing = asyncio.create_task(opened.write_status(WEB, SHOWN))
        await turns()
        await opened.record(note("web"))
        await turns()
        letting_go = asyncio.create_task(let_go())
    await asyncio.gather(writing, letting_go)
    assert (harness.root / EVENTS).read_text().count("kind: Event") == 1


async def test_events_are_counted_on_after_a_restart(harness: DirectoryHarness) -> None:
    for _ in range(2):
        async with source(harness) as opened:
            await opened.record(note("web"))
    async with source(harness) as opened:
        follower = await following(opened)
        assert [raw["count"] for raw in follower.objects.values()] == [2]


async def test_events_that_cannot_be_written_are_said_so_and_written_later(
    harness: DirectoryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY", 0.02)
    async with source(harness) as opened:
        follower = await following(opened)
        with harness.refusing():
            await opened.record(note("web"))
            await eventually_async(
                lambda: "Events cannot be written" in opened.health().message, what="health says so"
            )
            assert opened.health().alive
        await follower.until(lambda: follower.objects, "the Event is there")
        await eventually_async(lambda: not opened.health().message, what="all is well again")


async def test_events_that_could_never_be_written_do_not_hinder_closing(
    harness: DirectoryHarness, caplog: pytest.LogCaptureFixture
) -> None:
    (harness.root / "status").write_text("in the way")
    async with source(harness) as opened:
        await opened.record(note("web"))
    assert "the last Events were not written" in caplog.text


async def test_an_events_file_that_was_spoilt_is_begun_anew(harness: DirectoryHarness) -> None:
    path = harness.root / EVENTS
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\xff{[")
    async with source(harness) as opened:
        follower = await following(opened)
        assert len(follower.problems) == 1
        await opened.record(note("web"))
        await follower.until(lambda: follower.objects and not follower.problems, "it is mended")


async def test_a_closed_source_refuses(harness: DirectoryHarness) -> None:
    harness.apply(service())
    async with source(harness) as opened:
        pass
    with pytest.raises(SourceError, match="The source is closed"):
        await opened.write_status(WEB, SHOWN)
    assert not opened.health().alive


async def test_no_thread_is_left(harness: DirectoryHarness) -> None:
    async with source(harness) as opened:
        await following(opened)
        assert any(thread.name.startswith("vipcast-") for thread in threading.enumerate())
    with pytest.raises(HostError):
        async with DirectorySource(harness.root / "gone", "x", KINDS):
            pytest.fail("it was opened")
    assert not [one.name for one in threading.enumerate() if one.name.startswith("vipcast-")]


async def test_statuses_of_services_that_went_meanwhile_are_removed_at_the_start(
    harness: DirectoryHarness,
) -> None:
    harness.apply(service("web"), service("db"))
    async with source(harness) as opened, source(harness, "other") as other:
        await opened.write_status(WEB, SHOWN)
        await opened.write_status(DB, SHOWN)
        await other.write_status(WEB, SHOWN)
    harness.remove(WEB)
    async with source(harness) as opened:
        follower = await following(opened)
        assert follower.status(DB) == SHOWN
    assert not (harness.root / WEB_STATUS).exists()
    assert (harness.root / WEB_STATUS.replace("controller", "other")).exists()


async def test_no_status_is_removed_while_a_file_cannot_be_read(harness: DirectoryHarness) -> None:
    harness.apply(service())
    async with source(harness) as opened:
        await opened.write_status(WEB, SHOWN)
    harness.spoil(WEB)
    async with source(harness) as opened:
        follower = await following(opened)
        assert WEB not in follower.objects
        harness.apply(service())
        await follower.until(lambda: follower.status(WEB) == SHOWN, "it has its address again")


async def test_a_directory_that_was_replaced_at_once_is_noticed(harness: DirectoryHarness) -> None:
    harness.apply(service("web"), service("db"))
    async with source(harness) as opened:
        follower = await following(opened)
        shutil.rmtree(harness.root)
        harness.root.mkdir()
        await eventually_async(
            lambda: "replaced by an empty one" in opened.health().message, what="it is empty"
        )
        harness.apply(service("web", port=81))
        await follower.until_port(WEB, 81)


async def test_the_directory_may_go_and_come_back_with_other_things_in_it(
    harness: DirectoryHarness,
) -> None:
    harness.apply(service("web"), service("db"))
    async with source(harness) as opened:
        follower = await following(opened)
        shutil.rmtree(harness.root)
        await eventually_async(lambda: not opened.health().alive, what="it is gone")
        harness.root.mkdir()
        await eventually_async(
            lambda: "replaced by an empty one" in opened.health().message, what="it is empty"
        )
        assert follower.objects.keys() == {WEB, DB}
        harness.apply(service("web", port=81))
        await follower.until(lambda: follower.objects.keys() == {WEB}, "it is as it is now")
        assert follower.port(WEB) == 81
        harness.apply(service("web", port=82))
        await follower.until_port(WEB, 82)


async def test_a_file_behind_a_link_out_of_the_directory_is_looked_at_again_and_again(
    harness: DirectoryHarness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RESCAN", 0.05)
    outside = DirectoryHarness(tmp_path / "objects").file("Service", WEB.key)
    shutil.rmtree(outside.parent)
    target = tmp_path / "target.yaml"
    harness.apply(service())
    harness.file("Service", WEB.key).rename(target)
    harness.file("Service", WEB.key).symlink_to(target)
    async with source(harness) as opened:
        follower = await following(opened)
        target.write_text(target.read_text().replace("80", "81"))
        await follower.until_port(WEB, 81)


async def test_without_a_watch_everything_is_looked_at_often(
    harness: DirectoryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_kwargs: object) -> None:
        raise OSError("OS file watch limit reached")

    monkeypatch.setattr(watch, "RustNotify", refuse)
    async with source(harness) as opened:
        follower = await following(opened)
        harness.apply(service())
        await follower.until(lambda: WEB in follower.objects, "it was found")
        assert opened.health().alive
        assert opened.health().message == (
            "Changes are looked for every 0.1 s: OS file watch limit reached."
        )


async def test_a_new_directory_below_is_followed(harness: DirectoryHarness) -> None:
    async with source(harness) as opened:
        follower = await following(opened)
        below = harness.root / "team" / "a"
        below.mkdir(parents=True)
        harness.apply(service())
        harness.file("Service", WEB.key).rename(below / "web.yaml")
        await follower.until_port(WEB, 80)
        (below / "web.yaml").write_text((below / "web.yaml").read_text().replace("80", "81"))
        await follower.until_port(WEB, 81)


async def test_an_editor_that_renames_its_way_to_a_new_file_takes_nothing_away(
    harness: DirectoryHarness,
) -> None:
    harness.apply(service())
    path = harness.file("Service", WEB.key)
    async with source(harness) as opened:
        follower = await following(opened)
        for port in range(81, 86):
            content = path.read_text()
            path.rename(path.with_name(path.name + "~"))
            path.write_text(content.replace(f'"port": {port - 1}', f'"port": {port}'))
            await follower.until_port(WEB, port)
        assert gone(follower.batches) == []


async def test_a_directory_may_be_named_from_where_one_stands(
    harness: DirectoryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(harness.root.parent)
    async with DirectorySource(Path("objects"), "controller", [SERVICE, EVENT]) as opened:
        follower = await following(opened)
        monkeypatch.chdir("/")
        harness.apply(service())
        await follower.until(lambda: WEB in follower.objects, "it was found")


def gone(batches: list[Batch]) -> list[Ref]:
    """What was ever reported as gone."""
    return [delta.ref for batch in batches for delta in batch.deltas if delta.raw is None]


async def test_many_files_that_change_at_once_all_arrive(harness: DirectoryHarness) -> None:
    async with source(harness) as opened:
        follower = await following(opened)
        for port in (80, 81):
            for number in range(200):
                harness.apply(service(f"other-{number}", port=port))
        refs = [service_ref(f"other-{number}") for number in range(200)]
        await follower.until(
            lambda: all(follower.port(ref) == 81 for ref in refs), "all are as they are now"
        )
        for ref in refs:
            harness.remove(ref)
        await follower.until(lambda: not follower.objects, "all are gone")
