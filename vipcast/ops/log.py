"""The log: one line per happening on stdout, JSON with MetalLB's keys or text for people.

    {"ts":"2026-01-31T12:00:00.000000Z","level":"info","caller":"speaker/reporter.py:77",
     "msg":"service has IP, announcing","event":"serviceAnnounced","service":"default/web",…}

`event` logs a change of state and `failure` an operation that went wrong; both take the name as a
word that can be searched for. All of a process's lines have this one shape: warnings, uncaught
exceptions of threads, and what libraries say come through the same stream. Logging never raises.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from types import NoneType, TracebackType
from typing import Any, Final, Self, TextIO

from vipcast.ops.lines import Lines
from vipcast.ops.values import LogFormat, LogLevel

OURS: Final = ("vipcast", "controller", "speaker", "native")
"""Packages whose debug lines are ours; those of libraries appear at level `all` only."""

LEVELS: Final[Mapping[LogLevel, int]] = {
    LogLevel.ALL: 1,
    LogLevel.DEBUG: logging.DEBUG,
    LogLevel.INFO: logging.INFO,
    LogLevel.WARN: logging.WARNING,
    LogLevel.ERROR: logging.ERROR,
    LogLevel.NONE: logging.CRITICAL + 1,
}

COMPACT: Final = (",", ":")
"""No blanks, as MetalLB writes: people search for "event":"serviceAnnounced"."""

_IN_JSON: Final = (bool, NoneType, dict, list, tuple)
"""Types that a text line shows as JSON does; all others it shows as their own text."""

_COLOURS: Final = {"debug": "2", "info": "32", "warn": "33", "error": "31"}

logger = logging.getLogger(__name__)


def event(
    to: logging.Logger,
    name: str,
    message: str,
    /,
    *,
    level: int = logging.INFO,
    error: BaseException | str | None = None,
    **fields: object,
) -> None:
    """Log a change of state under its name; `fields` become keys of the line."""
    _log(to, level, "event", name, message, error, fields)


def failure(
    to: logging.Logger,
    operation: str,
    message: str,
    /,
    error: BaseException | str,
    *,
    level: int = logging.ERROR,
    **fields: object,
) -> None:
    """Log that an operation went wrong, with the error's text (for a trace use `fault`)."""
    _log(to, level, "op", operation, message, error, fields)


def fault(
    to: logging.Logger, operation: str, message: str, /, error: BaseException, **fields: object
) -> None:
    """Log an error that nobody foresaw, with its trace; the line carries `bug: "true"`."""
    trace = "".join(traceback.format_exception(error))
    fields = {**fields, "bug": "true", "trace": trace}
    _log(to, logging.ERROR, "op", operation, message, error, fields)


def start(level: LogLevel, form: LogFormat, stream: TextIO | None = None) -> Log:
    """Send everything that this process logs to `stream` (stdout) until the answer is closed."""
    return Log(level, form, stream or sys.stdout)


class Log(logging.Handler):
    """The process's log while it runs; as a context manager it closes itself."""

    def __init__(self, level: LogLevel, form: LogFormat, stream: TextIO) -> None:
        super().__init__()
        colours = stream.isatty() and "NO_COLOR" not in os.environ
        self.setFormatter(JsonLines() if form is LogFormat.JSON else TextLines(colours))
        self._lines = Lines(stream.fileno(), self._lost)
        self._levels = _set_levels(level)
        self._hooks = (sys.excepthook, threading.excepthook, sys.unraisablehook)
        sys.excepthook = _uncaught
        threading.excepthook = lambda args: _uncaught(
            args.exc_type, args.exc_value, args.exc_traceback
        )
        sys.unraisablehook = lambda args: _uncaught(
            args.exc_type, args.exc_value, args.exc_traceback
        )
        logging.captureWarnings(capture=True)
        logging.getLogger().addHandler(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def emit(self, record: logging.LogRecord) -> None:
        """Hand the record's line to the writing thread."""
        self._lines.put(self.format(record))

    def close(self) -> None:
        """Write what waits and put logging back to how it was; a second call does nothing."""
        root = logging.getLogger()
        if self in root.handlers:
            root.removeHandler(self)
            logging.captureWarnings(capture=False)
            sys.excepthook, threading.excepthook, sys.unraisablehook = self._hooks
            for name, level in self._levels.items():
                logging.getLogger(name).setLevel(level)
            self._lines.close()
        super().close()

    def _lost(self, count: int) -> str:
        record = logger.makeRecord(
            logger.name,
            logging.WARNING,
            __file__,
            0,
            "lines were lost: nobody read the log",
            (),
            None,
            extra={"vipcast": {"event": "logLinesLost", "count": count}},
        )
        return self.format(record)


class JsonLines(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON; a field that cannot be shown makes a line that says so."""
        line = _line(record)
        try:
            return json.dumps(line, default=_plain, allow_nan=False, separators=COMPACT)
        except Exception as error:  # noqa: BLE001 - a field's own __str__ may raise anything
            fields = {key: line[key] for key in ("ts", "level", "caller", "msg")}
            fields = {**fields, "bug": "true", "error": f"cannot be shown: {error!r}"}
            return json.dumps(fields, separators=COMPACT)


class TextLines(logging.Formatter):
    """Time of day (UTC), level, message, then the fields; coloured if asked for."""

    def __init__(self, colours: bool) -> None:
        super().__init__()
        self._colours = colours

    def format(self, record: logging.LogRecord) -> str:
        """The record as text; the trace of a fault follows on lines of its own."""
        line = _line(record)
        stamp, level, message = str(line.pop("ts"))[11:23], line.pop("level"), line.pop("msg")
        trace = str(line.pop("trace", "")).rstrip()
        try:
            shown = " ".join(f"{key}={_word(value)}" for key, value in line.items())
        except Exception as error:  # noqa: BLE001 - a field's own __str__ may raise anything
            shown = f"bug=true error={error!r}"
        head = f"{level:5}"
        if self._colours:
            head, shown = f"\x1b[{_COLOURS[str(level)]}m{head}\x1b[0m", f"\x1b[2m{shown}\x1b[0m"
        return f"{stamp} {head} {message}  {shown}" + (f"\n{trace}" if trace else "")


def _log(
    to: logging.Logger,
    level: int,
    key: str,
    name: str,
    message: str,
    error: BaseException | str | None,
    fields: Mapping[str, object],
) -> None:
    if to.isEnabledFor(level):
        told = {} if error is None else {"error": str(error) or type(error).__name__}
        extra = {"vipcast": {key: name, **fields, **told}}
        to.log(level, "%s", message, extra=extra, stacklevel=3)


def _line(record: logging.LogRecord) -> dict[str, object]:
    """What every line has, then the fields, none of which can take the place of the former."""
    seconds = datetime.fromtimestamp(record.created, UTC)
    line: dict[str, object] = {
        "ts": seconds.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "level": _level(record.levelno),
        "caller": f"{_file(record.pathname)}:{record.lineno}",
        "msg": _message(record),
    }
    fields: Mapping[str, object] = getattr(record, "vipcast", {})
    for key, value in fields.items():
        line.setdefault(key, value)
    if record.exc_info and record.exc_info[1]:
        line.setdefault("error", str(record.exc_info[1]) or type(record.exc_info[1]).__name__)
        line.setdefault("trace", "".join(traceback.format_exception(record.exc_info[1])))
    return line


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage().strip()
    except Exception as error:  # noqa: BLE001 - arguments that do not fit may raise anything
        return f"{record.msg} ({error!r})"


def _level(number: int) -> str:
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warn"
    return "info" if number >= logging.INFO else "debug"


@lru_cache
def _file(path: str) -> str:
    """The last two parts: `app.py` alone would fit both programs."""
    return "/".join(path.split("/")[-2:])


def _plain(value: object) -> object:
    """What JSON has no form for: sets as sorted lists, all else as its text."""
    if isinstance(value, set | frozenset):
        return sorted(str(item) for item in value)
    return str(value)


def _word(value: object) -> str:
    """A value as one word; the items of a list between commas, quoted where they hold one."""
    if isinstance(value, set | frozenset):
        value = sorted(str(item) for item in value)
    if isinstance(value, list | tuple) and value:
        return ",".join(_quoted(item, ' "=\n,') for item in value)
    return _quoted(value, ' "=\n')


def _quoted(value: object, apart: str) -> str:
    """A value in quotes if it is empty or holds one of the characters that keep things apart."""
    text = json.dumps(value, default=_plain) if isinstance(value, _IN_JSON) else str(value)
    return json.dumps(text) if not text or any(c in text for c in apart) else text


def _set_levels(level: LogLevel) -> dict[str, int]:
    """Set the levels of all loggers; returns what they were."""
    wanted = dict.fromkeys(OURS, LEVELS[level])
    wanted[""] = LEVELS[level] if level is LogLevel.ALL else max(LEVELS[level], logging.WARNING)
    before = {name: logging.getLogger(name).level for name in wanted}
    for name, number in wanted.items():
        logging.getLogger(name).setLevel(number)
    return before


def _uncaught(
    kind: type[BaseException], error: BaseException | None, _: TracebackType | None
) -> Any:
    fault(logger, "uncaught", "an exception was not caught", error or kind())
