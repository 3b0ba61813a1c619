"""MetalLB's controller and speaker, built from the Go module proxy, and its manifest.

Go checks what it fetches against its public database of checksums, so the version names every byte.
The first build takes some minutes at low priority; the result is kept in the cache of
lab.kubernetes, under a name that follows from MetalLB's version and Go's.
"""

from __future__ import annotations

import platform
import shutil
import time
from pathlib import Path

from lab.kubernetes import cache, commands, toolchain
from lab.kubernetes.cache import Say
from lab.kubernetes.programs import Progress, clock
from lab.kubernetes.toolchain import Toolchain

VERSION = "v0.15.2"
MANIFEST = "metallb-native.yaml"
_MODULE = f"go.universe.tf/metallb@{VERSION}"
_PROGRAMS = ("controller", "speaker")
_OLDEST_GO = "1.24.1"
_PACKAGES = 660
"""How many a first build compiles, for its progress; where Kubernetes was built they are fewer."""


def provide(say: Say) -> Path:
    """The folder with `controller`, `speaker` and MANIFEST, made if this is the first call.

    Raises LabError, with the words of the step that failed; the next call goes on from there.
    """
    go = toolchain.find(_OLDEST_GO, say)
    name = f"metallb-{VERSION}-go{go.version}-{platform.machine()}"
    return cache.made_once(name, lambda draft, lock: _make(draft, lock, go, say), say)


def _make(draft: Path, lock: int, go: Toolchain, say: Say) -> None:
    env = go.environment()
    say(f"building MetalLB {VERSION} at low priority: at most {_PACKAGES} packages, some minutes")
    install: list[str | Path] = ["nice", "-n", "19", go.go, "install", "-v", "-ldflags", "-s -w"]
    install += [_MODULE.replace("@", f"/{program}@") for program in _PROGRAMS]
    began = time.monotonic()
    line = Progress(_PACKAGES, say).line
    commands.follow(install, line, cwd=draft, env={**env, "GOBIN": str(draft)}, lock=lock)
    module = Path(env["GOMODCACHE"], _MODULE)
    shutil.copy(module / "config" / "manifests" / MANIFEST, draft)
    say(f"MetalLB is built after {clock(time.monotonic() - began)}")
