"""The command `vipcast` on a directory of the test's own, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cli.cluster import SINCE, VIP
from vipcast.cli.main import main

Explain = Callable[..., tuple[int, list[str], str]]
"""Explains one thing: exit code, lines, and what stands on stderr."""

ADDRESS = [
    f"Service default/web has {VIP} from pool home (allocated, since {SINCE}).",
    "An address was taken from the pool.",
]
"""How the explanation of the Service web begins."""
ENDPOINTS = ["", "Endpoints: 3 can serve, on node1, node2, node3 (traffic policy Cluster)."]


class Vipcast:
    """Runs a command; called, it returns exit code and lines, and stderr has to be empty."""

    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._directory = directory
        self._capsys = capsys

    def __call__(self, *arguments: str) -> tuple[int, list[str]]:
        code, lines, errors = self.said(*arguments)
        assert errors == ""
        return code, lines

    def said(self, *arguments: str) -> tuple[int, list[str], str]:
        """Exit code, lines, and stderr."""
        code, text, errors = self.printed(*arguments)
        return code, text.splitlines(), errors

    def printed(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr, both to the letter."""
        code = main([*arguments, f"--directory={self._directory}"])
        shown = self._capsys.readouterr()
        return code, shown.out, shown.err
