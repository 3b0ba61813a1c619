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
from pathlib import Path
from typing import Any

from lab.errors import CommandFailed

NAMESPACES = Path("/run/netns")
"""Where `ip netns` keeps the names of network namespaces (ip-netns(8))."""


def inside(namespace: str, argv: Sequence[str]) -> list[str]:
    """The command line that runs `argv` in a namespace; `ip` becomes the program itself."""
    return ["ip", "netns", "exec", namespace, *argv]


def call(argv: Sequence[str], text: str | None = None, timeout: float = 30.0) -> str:
    """Run a short command to its end and return its output; `text` is its standard input.

    Raises CommandFailed with the command's own words when it fails or takes over `timeout` seconds.
    """
    try:
        done = subprocess.run(
            argv, input=text, capture_output=True, text=True, check=False, timeout=timeout
        )
    except subprocess.TimeoutExpired:
        raise CommandFailed(f"{shlex.join(argv)}: no end after {timeout:g} s") from None
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip()
        raise CommandFailed(f"{shlex.join(argv)}: exit status {done.returncode}: {words}")
    return done.stdout


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
