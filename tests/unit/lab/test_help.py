"""What `python -m lab` and `make` say of themselves fits into a terminal of 80 columns."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab.__main__ import main

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("verb", ["", "up", "down", "exec", "status", "objects", "serve"])
def test_help_of_the_lab_fits_into_80_columns(
    verb: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit, match="0"):
        main([*verb.split(), "--help"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"usage: python -m lab {verb}".rstrip())
    assert max(map(len, lines)) <= 80


def test_help_of_make_names_every_target_in_80_columns() -> None:
    done = subprocess.run(
        ["make", "--silent", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    targets = {line.split()[1] for line in lines}
    (phony,) = [
        line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith(".PHONY:")
    ]
    assert targets == set(phony.split()[1:])
    assert max(map(len, lines)) <= 80
