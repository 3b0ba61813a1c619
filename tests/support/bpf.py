"""BPF for tests: a file system for pins, sources with a change, and a bench for packets."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from pathlib import Path
from types import TracebackType
from typing import Self

from bpf import SOURCES, Sources
from bpf.abi import INDEX, SLOT, SLOT_NODE, SLOT_WORDS, VERDICTS, Verdict
from native.bpfmap import Map, open_pin, run
from speaker.layer2.packing import pack_entry, pack_key
from speaker.layer2.table import Entry, EntryKey, EntryState

ROOT = Path(__file__).resolve().parents[2]
SECOND = 1_000_000_000

VIP = IPv4Address("192.0.2.240")
MAC = bytes.fromhex("0200c0000201")
ASKER = IPv4Address("192.0.2.101")
ASKER_MAC = bytes.fromhex("0200c0000265")
IFINDEX = 1
"""A test run comes in by `lo` unless it is told otherwise."""


@contextmanager
def mounted() -> Iterator[Path]:
    """A directory with a BPF file system on it, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="vipcast-bpf-") as name:
        subprocess.run(["mount", "-t", "bpf", "-o", "mode=0700", "vipcast-test", name], check=True)
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", name], check=True)


def run_loader(
    pin_path: Path, sources: Sources = SOURCES, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the loader as the process that it is; `env` is added to the environment."""
    process = start_loader(pin_path, sources, env)
    output, error = process.communicate(timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, output, error)


def start_loader(
    pin_path: Path, sources: Sources = SOURCES, env: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start the loader without waiting for it."""
    words = [sys.executable, "-m", "speaker.adapters.loader"]
    words += ["--pin-path", str(pin_path), "--sources", str(sources.directory)]
    return subprocess.Popen(
        words,
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def loaded(pin_path: Path, sources: Sources = SOURCES) -> Sources:
    """The sources, once their program is pinned."""
    done = run_loader(pin_path, sources)
    assert done.returncode == 0, done.stderr
    return sources


def changed(directory: Path, file: str, old: str, new: str) -> Sources:
    """A copy of the sources in a new directory, with one text in one file put for another."""
    shutil.copytree(SOURCES.directory, directory, ignore=shutil.ignore_patterns("*.py", "__*"))
    text = (directory / file).read_text()
    assert old in text, f"{file} has no {old!r}"
    (directory / file).write_text(text.replace(old, new))
    return Sources(directory)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one frame: the action (linux/bpf.h), the frame, and what was counted."""

    action: str
    frame: bytes
    counted: dict[Verdict, int]


class Bench:
    """A loaded program and its maps, empty but for a node that is alive and a lease in force."""

    ENTRY = Entry(EntryState.ANSWER, slot=5, term=1, epoch=1, counter=7, mac=MAC)

    def __init__(self, pin_path: Path, sources: Sources) -> None:
        pins = sources.pins(pin_path)
        self.entries = Map.open(pins / "entries")
        self.slots = Map.open(pins / "slots")
        self.counters = Map.open(pins / "counters")
        self.program = open_pin(sources.program_pin(pin_path))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for one in (self.entries, self.slots, self.counters):
            one.close()
        os.close(self.program)

    def reset(self) -> None:
        """No entry, a heartbeat of now, and a lease of a minute."""
        self.entries.remove_many([key for key, _ in self.entries.items()])
        self.node()
        self.lease(60)

    def node(self, *, fenced: int = 0, heartbeat: float = 0) -> None:
        """The node's words; `heartbeat` in seconds from now."""
        now = time.monotonic_ns() + round(heartbeat * SECOND)
        self._slot(SLOT_NODE, 1, 1, fenced, now)

    def lease(self, seconds: float) -> None:
        """The lease of the entry's slot ends in so many seconds."""
        self._slot(self.ENTRY.slot, time.monotonic_ns() + round(seconds * SECOND))

    def put(self, state: EntryState = EntryState.ANSWER, *, ifindex: int = IFINDEX) -> None:
        """An entry for the VIP."""
        key = EntryKey(ifindex, VIP)
        self.entries.put(pack_key(key), pack_entry(replace(self.ENTRY, state=state)))

    def run(self, frame: bytes, ifindex: int = 0) -> Outcome:
        """Hand the program one frame."""
        before = self._counts()
        action, after, _ = run(self.program, frame, ifindex)
        counted = {
            verdict: now - then
            for verdict, now, then in zip(VERDICTS, self._counts(), before, strict=True)
            if now != then
        }
        return Outcome(("ABORTED", "DROP", "PASS", "TX", "REDIRECT")[action], after, counted)

    def _counts(self) -> tuple[int, ...]:
        return self.counters.sums([self.ENTRY.counter])[0]

    def _slot(self, index: int, *words: int) -> None:
        rest = (0,) * (SLOT_WORDS - len(words))
        self.slots.put(INDEX.pack(index), SLOT.pack(*words, *rest))
