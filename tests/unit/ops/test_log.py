"""Log lines: one shape for everything, exact keys, and nothing that a log line could break."""

from __future__ import annotations

import gc
import ipaddress
import json
import logging
import os
import pty
import re
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path
from typing import Any

import pytest

from tests.support.parity import shows
from tests.support.waiting import eventually
from vipcast.model.reasons import Reason
from vipcast.ops import log
from vipcast.ops.lines import Lines
from vipcast.ops.values import LogFormat, LogLevel

ours = logging.getLogger("speaker.app")
library = logging.getLogger("some.library")

Record = dict[str, Any]


class Written:
    """A log into a file, and what stands in it after the log was closed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(
        self, act: Callable[[], object], level: LogLevel, form: LogFormat = LogFormat.JSON
    ) -> list[str]:
        with self._path.open("w") as stream, log.start(level, form, stream):
            act()
        return self._path.read_text().splitlines()

    def records(self, act: Callable[[], object], level: LogLevel = LogLevel.INFO) -> list[Record]:
        return [json.loads(line) for line in self(act, level)]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return Written(tmp_path / "log")


def test_an_event_is_one_json_object_with_metallbs_keys(written: Written) -> None:
    def announce() -> None:
        log.event(
            ours,
            "serviceAnnounced",
            "service has IP, announcing",
            service="default/web",
            ip=ipaddress.ip_address("192.0.2.10"),
            pool="home",
            protocol="layer2",
            reason=Reason.HOLDER_LOST,
        )

    (record,) = written.records(announce)
    stamp, caller = record.pop("ts"), record.pop("caller")
    assert record == {
        "level": "info",
        "event": "serviceAnnounced",
        "msg": "service has IP, announcing",
        "service": "default/web",
        "ip": "192.0.2.10",
        "pool": "home",
        "protocol": "layer2",
        "reason": "holderLost",
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", stamp)
    assert caller == f"ops/test_log.py:{announce.__code__.co_firstlineno + 1}"


def test_a_word_can_be_searched_for_as_in_metallbs_log(written: Written) -> None:
    (line,) = written(lambda: log.event(ours, "serviceAnnounced", "m"), LogLevel.INFO)
    assert '"event":"serviceAnnounced"' in line


def test_a_failure_has_the_operation_and_the_error(written: Written) -> None:
    (record,) = written.records(
        lambda: log.failure(
            ours, "attach", "interface cannot answer", OSError(16, "busy"), interface="lan0"
        )
    )
    assert {key: record[key] for key in record if key not in ("ts", "caller")} == {
        "level": "error",
        "op": "attach",
        "msg": "interface cannot answer",
        "error": "[Errno 16] busy",
        "interface": "lan0",
    }


def test_an_error_without_text_is_named_by_its_class(written: Written) -> None:
    (record,) = written.records(lambda: log.failure(ours, "read", "no answer", TimeoutError()))
    assert record["error"] == "TimeoutError"


def test_a_fault_carries_its_trace_and_says_that_it_is_a_bug(written: Written) -> None:
    def fail() -> None:
        try:
            os.environ["VIPCAST_ABSENT"]
        except KeyError as error:
            log.fault(ours, "plan", "cannot plan", error, service="default/web")

    (record,) = written.records(fail)
    assert (record["bug"], record["error"], record["service"]) == (
        "true",
        "'VIPCAST_ABSENT'",
        "default/web",
    )
    assert record["trace"].startswith("Traceback (most recent call last):\n")


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        (LogLevel.ALL, ["debug", "info", "warn", "error", "library debug", "library warn"]),
        (LogLevel.DEBUG, ["debug", "info", "warn", "error", "library warn"]),
        (LogLevel.INFO, ["info", "warn", "error", "library warn"]),
        (LogLevel.WARN, ["warn", "error", "library warn"]),
        (LogLevel.ERROR, ["error"]),
        (LogLevel.NONE, []),
    ],
)
def test_levels_are_metallbs_and_libraries_speak_up_only_at_all(
    written: Written, level: LogLevel, shown: list[str]
) -> None:
    def speak() -> None:
        ours.debug("debug")
        ours.info("info")
        ours.warning("warn")
        ours.critical("error")
        library.debug("library debug")
        library.warning("library warn")

    records = written.records(speak, level)
    assert [record["msg"] for record in records] == shown
    for record in records:
        assert record["level"] == record["msg"].removeprefix("library ")


def test_text_is_for_people_and_has_no_colours_in_a_file(written: Written) -> None:
    def speak() -> None:
        log.event(ours, "configLoaded", "new config", pools=2, names=["a b", "c"], quote='x"y')
        log.event(ours, "x", "careful", level=logging.WARNING, error="it is so", empty="")

    first, second = written(speak, LogLevel.INFO, LogFormat.TEXT)
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d\.\d{3} info  new config  caller=ops/test_log\.py:\d+ event=configLoaded"
        r' pools=2 names="a b",c quote="x\\"y"',
        first,
    )
    assert second.endswith(' event=x empty="" error="it is so"')


def test_a_list_in_text_is_its_items_between_commas(written: Written) -> None:
    def speak() -> None:
        log.event(
            ours, "x", "look", ips=["192.0.2.1"], pools=("a", "b,c", ""), none=[],
            both={2, 1}, reason=[Reason.HOLDER_LOST], at=ipaddress.ip_address("192.0.2.7"),
        )  # fmt: skip

    (line,) = written(speak, LogLevel.INFO, LogFormat.TEXT)
    assert line.endswith(
        ' event=x ips=192.0.2.1 pools=a,"b,c","" none=[] both=1,2 reason=holderLost at=192.0.2.7'
    )


def test_text_has_colours_on_a_terminal_unless_the_user_wants_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def shown() -> str:
        far, near = pty.openpty()
        with os.fdopen(far, "rb", buffering=0) as screen, os.fdopen(near, "w") as stream:
            with log.start(LogLevel.INFO, LogFormat.TEXT, stream):
                log.event(ours, "x", "look")
            return screen.read(4096).decode()

    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[32minfo \x1b[0m look" in shown()
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in shown()


class Unshowable:
    """Something whose text cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize("form", list(LogFormat))
def test_a_field_that_cannot_be_shown_makes_a_line_that_says_so(
    written: Written, form: LogFormat
) -> None:
    (line,) = written(
        lambda: log.event(ours, "x", "still here", field=Unshowable()), LogLevel.INFO, form
    )
    assert "still here" in line
    assert "RuntimeError('no text')" in line
    assert "bug" in line


def test_arguments_that_do_not_fit_the_message_lose_neither(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    # pytest's own handler raises for a record that cannot be formatted.
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    (record,) = written.records(lambda: ours.info("%d services", "many"))
    assert record["msg"].startswith("%d services (TypeError(")


def test_fields_keep_their_json_types_and_odd_ones_become_text(written: Written) -> None:
    (record,) = written.records(
        lambda: log.event(
            ours,
            "x",
            "m",
            count=3,
            share=0.5,
            on=True,
            none=None,
            names={"b", "a"},
            msg2=Path("/x"),
        )
    )
    fields = ("count", "share", "on", "none", "names", "msg2")
    assert [record[key] for key in fields] == [3, 0.5, True, None, ["a", "b"], "/x"]


def test_a_field_cannot_take_the_place_of_what_every_line_has(written: Written) -> None:
    (record,) = written.records(lambda: log.event(ours, "x", "message", ts="never", msg="other"))
    assert record["msg"] == "message"
    assert record["ts"].startswith("2")


def test_warnings_come_through_the_same_stream(written: Written) -> None:
    def warn() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("this is old", DeprecationWarning, stacklevel=1)

    (record,) = written.records(warn)
    assert record["level"] == "warn"
    assert "DeprecationWarning: this is old" in record["msg"]


def test_what_libraries_log_with_a_trace_has_the_same_keys(written: Written) -> None:
    def fail() -> None:
        try:
            raise ValueError("odd")
        except ValueError:
            library.exception("it failed")

    (record,) = written.records(fail)
    assert (record["msg"], record["error"]) == ("it failed", "odd")
    assert "ValueError: odd" in record["trace"]


def test_an_exception_that_ends_a_thread_is_a_line(written: Written) -> None:
    def fail() -> None:
        thread = threading.Thread(target=lambda: 1 // 0)
        thread.start()
        thread.join()

    (record,) = written.records(fail)
    assert (record["op"], record["bug"]) == ("uncaught", "true")
    assert "ZeroDivisionError" in record["trace"]


class FailsToDie:
    """Raises where nobody can catch it."""

    def __del__(self) -> None:
        raise RuntimeError("in __del__")


def test_an_exception_that_nobody_can_catch_is_a_line(written: Written) -> None:
    def fail() -> None:
        FailsToDie()
        gc.collect()

    (record,) = written.records(fail)
    assert (record["op"], record["error"]) == ("uncaught", "in __del__")


def test_closing_puts_logging_back_to_how_it_was(written: Written) -> None:
    def state() -> list[object]:
        names = ("", *log.OURS)
        levels: list[object] = [logging.getLogger(name).level for name in names]
        hooks = [sys.excepthook, threading.excepthook, sys.unraisablehook]
        return [*levels, *hooks, *logging.getLogger().handlers]

    before, inside = state(), list[object]()
    written(lambda: inside.extend(state()), LogLevel.DEBUG)
    assert state() == before
    assert inside != before


@pytest.fixture
def pipe() -> Iterator[tuple[FileIO, FileIO]]:
    out, into = os.pipe()
    with FileIO(out, "rb") as reader, FileIO(into, "wb") as writer:
        yield reader, writer


@shows("a log that nobody reads stalls the program")
def test_a_reader_that_stalls_holds_nobody_up_and_learns_how_many_lines_it_missed(
    pipe: tuple[FileIO, FileIO],
) -> None:
    reader, writer = pipe
    lines = Lines(writer.fileno(), lambda count: f"{count} lost", capacity=10)
    sent = [f"line {number} {'x' * 1000}" for number in range(200)]
    for line in sent:
        lines.put(line)
    os.set_blocking(reader.fileno(), False)
    got = b""

    def told() -> bool:
        """Offers one more line, as a program that goes on logging does."""
        nonlocal got
        lines.put("more")
        got += reader.read(1 << 20) or b""
        return b"lost" in got

    eventually(told, what="the count of lost lines")
    lines.close()
    got += reader.read(1 << 20) or b""
    received = got.decode().splitlines()
    lost = sum(int(line.split()[0]) for line in received if line.endswith("lost"))
    kept = [line for line in received if line.startswith("line")]
    assert kept == sent[: len(kept)]
    assert len(kept) < len(sent)
    assert lost >= len(sent) - len(kept)


def test_a_reader_that_went_away_is_told_on_stderr_once(
    pipe: tuple[FileIO, FileIO], capfd: pytest.CaptureFixture[str]
) -> None:
    reader, writer = pipe
    reader.close()
    lines = Lines(writer.fileno(), str)
    for _ in range(3):
        lines.put("nobody reads this")
    lines.close()
    assert capfd.readouterr().err == "The log ends here, for it cannot be written: Broken pipe.\n"


def test_a_pipe_that_does_not_block_gets_every_line_all_the_same(
    pipe: tuple[FileIO, FileIO],
) -> None:
    reader, writer = pipe
    os.set_blocking(writer.fileno(), False)
    lines = Lines(writer.fileno(), str)
    sent = [f"line {number} {'x' * 1000}" for number in range(200)]
    for line in sent:
        lines.put(line)
    size = sum(len(line) + 1 for line in sent)
    got = b""
    while len(got) < size:
        got += reader.read(size)
    lines.close()
    assert got.decode().splitlines() == sent
