"""The lab's door to the kernel: `ip`, `nft` and `sysctl`, each called once per namespace.

Nothing here touches the namespace of the caller: links are made with both ends in namespaces of the
lab, and every command names the namespace it works in.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sysconfig
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from lab import lock, signals
from lab.errors import CommandFailed

NAMESPACES = Path("/run/netns")
"""Where `ip netns` keeps the names of network namespaces (ip-netns(8))."""


def inside(namespace: str, argv: Sequence[str]) -> list[str]:
    """The command line that runs `argv` in a namespace; `ip` becomes the program itself."""
    return ["ip", "netns", "exec", namespace, *argv]


def run(
    argv: Sequence[str], text: str | None = None, *, timeout: float = 30.0, whole: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run a short command to its end; `text` is its standard input.

    It does not outlive this call: an exception, that of a signal too, ends it. If it is to be run
    as a `whole`, no Ctrl-C reaches it, and no lab of this process is free before it has ended, not
    even when this process is killed. Raises CommandFailed when it takes over `timeout` seconds.
    """
    process = None
    try:
        # A signal that came between its start and our knowing its number would lose it.
        with signals.deferred(), signals.blocked() if whole else nullcontext():
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL if text is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                pass_fds=tuple(lock.descriptors) if whole else (),
            )
        out, err = process.communicate(text, timeout)
        return subprocess.CompletedProcess(argv, process.returncode, out, err)
    except subprocess.TimeoutExpired:
        raise CommandFailed(f"{shlex.join(argv)}: no end after {timeout:g} s") from None
    finally:
        if process is not None:
            with signals.deferred(), process:
                process.kill()


def checked(done: subprocess.CompletedProcess[str]) -> str:
    """Output of a command; raises CommandFailed, with its own words, when it has failed."""
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip()
        raise CommandFailed(f"{shlex.join(done.args)}: exit status {done.returncode}: {words}")
    return done.stdout


def call(argv: Sequence[str], text: str | None = None, timeout: float = 30.0) -> str:
    """Build or look at something with a command, run as a whole; returns its output.

    Raises CommandFailed when it fails or takes over `timeout` seconds.
    """
    return checked(run(argv, text, timeout=timeout, whole=True))


def ip(namespace: str | None, lines: Sequence[str]) -> None:
    """One `ip -batch` in a namespace; None is for `netns add` and `netns del` alone."""
    if lines:
        where = [] if namespace is None else ["-n", namespace]
        call(["ip", *where, "-batch", "-"], "\n".join(lines) + "\n")


def nft(namespace: str, rules: str) -> None:
    """Load rules in one transaction: all of them, or none."""
    call(inside(namespace, ["nft", "-f", "-"]), rules)


def sysctl(namespace: str, values: Mapping[str, str]) -> None:
    """Set kernel parameters of a namespace."""
    words = [f"{key}={value}" for key, value in values.items()]
    call(inside(namespace, ["sysctl", "-q", "-w", *words]))


def compile_bpf(source: Path, program: Path) -> None:
    """Compile one C file for the kernel's BPF machine. Raises CommandFailed."""
    # The kernel's headers include asm/types.h, which Debian keeps in the architecture's directory.
    include = f"-I/usr/include/{sysconfig.get_config_var('MULTIARCH')}"
    clang = ["clang", "-O2", "-g", "-Wall", "-Wextra", "-target", "bpf", include]
    call([*clang, "-c", str(source), "-o", str(program)])


def links(namespace: str) -> dict[str, dict[str, Any]]:
    """Every link of a namespace by name, as `ip -json -details link` tells it."""
    listed = json.loads(call(["ip", "-n", namespace, "-json", "-details", "link"]))
    return {link["ifname"]: link for link in listed}


def namespaces(prefix: str) -> list[str]:
    """Names of the network namespaces that begin with `prefix`."""
    if not NAMESPACES.is_dir():
        return []
    return sorted(path.name for path in NAMESPACES.glob(f"{prefix}*"))
