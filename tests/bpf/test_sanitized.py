"""native/bpfmap.c under sanitizers: no call touches a byte beyond its buffers, nor lets the kernel.

`sanitized/` is a C program that calls every function with buffers that end at protected pages.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from native import bpfmap
from tests.support.sanitizers import STRICT, run_sanitized

CALLS = Path(__file__).with_name("sanitized")
NATIVE = Path(bpfmap.__file__).parent
SOURCE = NATIVE / "bpfmap.c"


def called(
    directory: Path, pin_path: Path, source: Path = SOURCE
) -> subprocess.CompletedProcess[str]:
    """What the program says, built with a bpfmap.c; for its pins it gets a directory of its own."""
    program, texts = directory / "calls", sorted(CALLS.glob("*.c"))
    includes = [f"-I{CALLS}", f"-I{NATIVE}"]
    subprocess.run(["gcc", *STRICT, *includes, *texts, source, "-o", program], check=True)
    pin_path.mkdir()
    return run_sanitized([program, pin_path, str(bpfmap.possible_cpus())], symbols=False)


def test_every_call_keeps_to_its_buffers_also_when_they_are_too_short_or_missing(
    tmp_path: Path, pin_path: Path
) -> None:
    done = called(tmp_path, pin_path)
    assert (done.returncode, done.stdout) == (0, "every call kept to its buffers\n")


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("cpu < cpus", "cpu <= cpus"),
        ("words * sizeof(*sums)", "(words + 1) * sizeof(*sums)"),
        ("about.nr_map_ids = room", "about.nr_map_ids = 2 * room"),
        ("next[LONGEST_KEY]", "next[4]"),
        ("if (*out_length > 0)", "if (out)"),
    ],
    ids=[
        "a CPU too many is read",
        "a sum too many is written",
        "the kernel writes a map too many",
        "the kernel writes a key over the stack",
        "the kernel writes where there is no room",
    ],
)
def test_a_mistake_is_found(tmp_path: Path, pin_path: Path, right: str, wrong: str) -> None:
    text = SOURCE.read_text()
    assert right in text, f"bpfmap.c has no {right!r}"
    mistaken = tmp_path / "bpfmap.c"
    mistaken.write_text(text.replace(right, wrong))
    done = called(tmp_path, pin_path, mistaken)
    assert done.returncode != 0, done.stdout
