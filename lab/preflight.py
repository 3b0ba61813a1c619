"""What every lab needs of a machine, looked at before anything is built."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from lab.errors import Unfit

_CAP_NET_ADMIN = 12
_CAP_SYS_ADMIN = 21
_OLDEST_KERNEL = (5, 10)
_PACKAGES = {
    "ip": "iproute2",
    "nft": "nftables",
    "sysctl": "procps",
    "mount": "mount",
    "umount": "mount",
}


def check() -> None:
    """Raise Unfit when something is missing; its first line says what, and what to do."""
    if os.geteuid() != 0:
        raise Unfit("the lab needs root rights: run it again with sudo, or as root")
    effective = _capabilities()
    if not (effective >> _CAP_NET_ADMIN & 1 and effective >> _CAP_SYS_ADMIN & 1):
        raise Unfit(
            "root lacks the capabilities NET_ADMIN and SYS_ADMIN here: run it on the machine "
            "itself, or in a privileged container"
        )
    missing = {tool: package for tool, package in _PACKAGES.items() if not shutil.which(tool)}
    if missing:
        packages = " ".join(sorted(set(missing.values())))
        raise Unfit(f"not found: {', '.join(missing)}: run `apt-get install {packages}`")
    release = os.uname().release
    version = tuple(int(part) for part in release.split("-")[0].split(".")[:2])
    if version < _OLDEST_KERNEL:
        raise Unfit(f"kernel {release} is too old: the lab needs Linux 5.10 or newer")
    if not Path("/proc/self/ns/net").exists():
        raise Unfit("this kernel has no network namespaces: use one with CONFIG_NET_NS")
    if "bpf" not in Path("/proc/filesystems").read_text().split():
        raise Unfit("this kernel has no BPF file system: use one with CONFIG_BPF_SYSCALL")


def _capabilities() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    raise Unfit("/proc/self/status tells no capabilities: mount /proc")
