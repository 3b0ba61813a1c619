"""What a control plane runs: Kubernetes' programs built from source, and Debian's etcd.

The four programs of Kubernetes are one file, which `programs/main.go` explains; its go.mod and
go.sum pin every byte of source. The first build takes minutes of every core (at low priority), the
result is kept in the cache under a name that follows from the sources and the Go version. etcd
comes out of Debian's package without installing it: that would start a service on the machine.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import time
from pathlib import Path

from lab.errors import CommandFailed, Unfit
from lab.kubernetes import cache, commands, toolchain
from lab.kubernetes.cache import Say
from lab.kubernetes.toolchain import Toolchain

SOURCES = Path(__file__).parent / "programs"
NAMES = ("kube-apiserver", "kube-controller-manager", "kube-proxy", "kubectl")
PACKAGES = {
    "apt-get": "apt",
    "curl": "curl",
    "dpkg-deb": "dpkg",
    "nice": "coreutils",
    "openssl": "openssl",
}
"""Commands that this room calls, and Debian's packages; every lab's stand in lab.preflight."""

_STEP = 15.0
"""Seconds between two lines about the progress of a build."""


def version() -> str:
    """Which Kubernetes it is, as v1.34.4."""
    return _of_go_mod(r"^\s*k8s\.io/kubernetes (v\S+)$")


def provide(say: Say) -> Path:
    """The folder with NAMES and etcd in it, made if this is the first call on this machine.

    Raises Unfit when the machine lacks a command, and CommandFailed, with the words of the step
    that failed; the next call goes on from there.
    """
    if missing := sorted({PACKAGES[name] for name in PACKAGES if not shutil.which(name)}):
        raise Unfit(f"a control plane needs more: run `apt-get install {' '.join(missing)}`")
    go = toolchain.find(_of_go_mod(r"^go (\S+)$"), say)
    name = f"kubernetes-{version()}-{_key(go)}"
    return cache.made_once(name, lambda draft, lock: _make(draft, lock, go, say), say)


def _of_go_mod(pattern: str) -> str:
    found = re.search(pattern, (SOURCES / "go.mod").read_text(), re.MULTILINE)
    assert found is not None, f"go.mod has a line {pattern}"
    return found[1]


def _key(go: Toolchain) -> str:
    """Names all that the programs follow from."""
    words = [go.version, platform.machine(), toolchain.FLAGS, _flags()]
    digest = hashlib.sha256("\n".join(words).encode())
    for name in ("go.mod", "go.sum", "main.go"):
        digest.update((SOURCES / name).read_bytes())
    return digest.hexdigest()[:12]


def _make(draft: Path, lock: int, go: Toolchain, say: Say) -> None:
    began = time.monotonic()
    _extract_etcd(draft, lock, say)
    _build(draft / "kubernetes", lock, go, say)
    for name in NAMES:
        (draft / name).symlink_to("kubernetes")
    say(f"done after {clock(time.monotonic() - began)}; all of it is in {cache.folder()},")
    say("where the folder go (4 GB) only speeds up another build and may be removed")


def _extract_etcd(draft: Path, lock: int, say: Say) -> None:
    say("fetching etcd out of Debian's package etcd-server")
    package = draft / "etcd-server"
    package.mkdir()

    def run(*argv: str | Path) -> None:
        commands.follow(argv, lambda _line: None, cwd=package, env=dict(os.environ), lock=lock)

    try:
        run("apt-get", "-q", "download", "etcd-server")
    except CommandFailed:
        # The lists of packages may be older than the packages, or not there at all.
        run("apt-get", "-q", "-o", "DPkg::Lock::Timeout=300", "update")
        run("apt-get", "-q", "download", "etcd-server")
    (downloaded,) = package.glob("*.deb")
    run("dpkg-deb", "-x", downloaded, package)
    (package / "usr" / "bin" / "etcd").rename(draft / "etcd")
    shutil.rmtree(package)


def _build(program: Path, lock: int, go: Toolchain, say: Say) -> None:
    env = go.environment()
    stale: list[str] = []
    say(f"fetching the sources of Kubernetes {version()}, for Go {go.version}")
    wanted = "{{if .Stale}}{{.ImportPath}}{{end}}"
    listing: list[str | Path] = [go.go, "list", "-deps", "-f", wanted, "."]
    commands.follow(listing, stale.append, cwd=SOURCES, env=env, lock=lock)
    count = sum(1 for line in stale if _is_package(line))
    say(f"compiling at low priority: {count:,} packages (all 2,500 take some 5 to 10 minutes)")
    argv: list[str | Path] = ["nice", "-n", "19", go.go, "build", "-v", "-o", program]
    argv += ["-ldflags", _flags(), "."]
    commands.follow(argv, Progress(count, say).line, cwd=SOURCES, env=env, lock=lock)


def _flags() -> str:
    major, minor, _patch = version().removeprefix("v").split(".")
    values = {"gitVersion": version(), "gitMajor": major, "gitMinor": minor}
    stamps = [f"-X k8s.io/component-base/version.{name}={values[name]}" for name in values]
    return " ".join(["-s", "-w", *stamps])


def _is_package(line: str) -> bool:
    """Whether a line of `go` names a package; the others speak of downloads."""
    return bool(line) and " " not in line


class Progress:
    """Says from time to time how far a build is: it names each package that it begins."""

    def __init__(self, count: int, say: Say) -> None:
        self._count = count
        self._say = say
        self._done = 0
        self._began = self._said = time.monotonic()

    def line(self, text: str) -> None:
        """One line of `go build -v`."""
        self._done += _is_package(text)
        now = time.monotonic()
        if now - self._said >= _STEP and self._count:
            self._said = now
            share = min(100 * self._done // self._count, 99)
            self._say(f"{share:3} % of the packages after {clock(now - self._began)}")


def clock(seconds: float) -> str:
    """Minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
