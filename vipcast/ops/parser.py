"""How a flag is declared, and argparse that keeps values as text and whose errors are sentences."""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from typing import Any, Generic, NoReturn, TypeVar

from vipcast.ops import values

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Flag(Generic[T]):
    """One flag. `default` is text, read as if it had been given; without one it must be given."""

    name: str
    parse: Callable[[str], T]
    help: str
    metavar: str
    default: str | None = None
    metallb: str | None = None
    kubectl: str | None = None
    short: str | None = None

    @property
    def variable(self) -> str:
        """The environment variable of ours."""
        return "VIPCAST_" + self.name.upper().replace("-", "_")

    @property
    def variables(self) -> tuple[str, ...]:
        """Every environment variable that stands for the flag, in the order in which they count."""
        others = (self.metallb, self.kubectl)
        return (self.variable, *(other for other in others if other is not None))

    @property
    def destination(self) -> str:
        """The name under which argparse keeps the value."""
        return self.name.replace("-", "_")


def version() -> str:
    """The version of the installed package."""
    try:
        return installed_version("vipcast")
    except PackageNotFoundError:
        return "unknown (run from a directory that is not installed)"


class _ShowVersion(argparse.Action):
    """--version, looked up only when asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        sys.stdout.write(f"{parser.prog} {version()}\n")
        parser.exit()


class Parser(argparse.ArgumentParser):
    """argparse that keeps values as text, and whose errors are sentences."""

    def __init__(self, prog: str, description: str | None = None, **more: Any) -> None:
        super().__init__(prog=prog, description=description, allow_abbrev=False, **more)
        self.add_argument("--version", action=_ShowVersion, nargs=0, help="show the version")

    def add(self, flags: Sequence[Flag[Any]]) -> None:
        """Declare flags; one that is on or off may stand without a value."""
        needed = self.add_argument_group("must be given, here or by a variable")
        for flag in flags:
            names = (f"--{flag.name}",) if flag.short is None else (flag.short, f"--{flag.name}")
            default = "" if flag.default in (None, "false") else f"; default {flag.default}"
            (needed if flag.default is None else self).add_argument(
                *names,
                nargs="?" if flag.parse is values.switch else None,
                const="true" if flag.parse is values.switch else None,
                metavar=flag.metavar,
                help=f"{flag.help} [{', '.join(flag.variables)}{default}]",
            )

    def error(self, message: str) -> NoReturn:
        """One line for each thing that is wrong, without the usage in front of it."""
        if not message.endswith("."):
            message = f"{message}. See {self.prog} --help."
        lines = (f"{self.prog}: {line}" for line in message.splitlines())
        self.exit(2, "".join(f"{part}\n" for line in lines for part in _fitted(line)))


def _fitted(line: str) -> list[str]:
    """The line, wrapped where stderr is a terminal; in a pipe one sentence is one line."""
    if not sys.stderr.isatty():
        return [line]
    width = max(os.get_terminal_size(sys.stderr.fileno()).columns or 80, 40)
    return textwrap.wrap(
        line, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
