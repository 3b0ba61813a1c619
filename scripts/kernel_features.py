"""Asks the running kernel for what Vipcast and its lab need; names the first thing that it lacks.

Run by scripts/setup with Debian's own Python before anything is installed, so it uses the standard
library alone: the bpf() system call by number, rtnetlink and nfnetlink messages by hand. All of it
happens in namespaces of this process's own, which end with it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import struct
import sys
import tempfile
from collections.abc import Callable

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000  # linux/sched.h
MS_REC, MS_PRIVATE = 0x4000, 0x40000  # linux/mount.h
BPF_PROG_LOAD, BPF_PROG_TYPE_XDP = 5, 6  # linux/bpf.h
BPF_CALL = {"x86_64": 321, "aarch64": 280}  # asm/unistd.h
RTM_NEWLINK = 16  # linux/rtnetlink.h
NFT_GETGEN = (10 << 8) | 16  # linux/netfilter/nfnetlink.h: subsystem nf_tables, message GETGEN
NLM_F_REQUEST, NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL = 0x1, 0x4, 0x400, 0x200  # linux/netlink.h
NLMSG_ERROR, NETLINK_NETFILTER = 2, 12  # linux/netlink.h
IFLA_IFNAME, IFLA_LINKINFO, IFLA_INFO_KIND = 3, 18, 1  # linux/if_link.h

libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def network_namespace() -> None:
    """Move this process into a network and a mount namespace of its own."""
    _checked(libc.unshare(CLONE_NEWNET | CLONE_NEWNS))
    _checked(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))


def bpf_filesystem() -> None:
    """Mount a bpffs (seen by this process only)."""
    with tempfile.TemporaryDirectory() as place:
        _checked(libc.mount(b"bpf", place.encode(), b"bpf", 0, None))
        _checked(libc.umount2(place.encode(), 0))


def xdp_program() -> None:
    """Load the smallest XDP program there is: return XDP_PASS."""
    code = ctypes.create_string_buffer(struct.pack("<BBhiBBhi", 0xB7, 0, 0, 2, 0x95, 0, 0, 0), 16)
    licence = ctypes.create_string_buffer(b"GPL")
    attributes = struct.pack(
        "=IIQQ", BPF_PROG_TYPE_XDP, 2, ctypes.addressof(code), ctypes.addressof(licence)
    )
    buffer = ctypes.create_string_buffer(attributes.ljust(128, b"\0"), 128)
    call = ctypes.c_long(BPF_CALL[platform.machine()])
    os.close(_checked(libc.syscall(call, BPF_PROG_LOAD, buffer, 128)))


def _ask(family: int, kind: int, flags: int, body: bytes) -> None:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, family) as netlink:
        netlink.bind((0, 0))
        header = struct.pack("=IHHII", 16 + len(body), kind, NLM_F_REQUEST | flags, 1, 0)
        netlink.send(header + body)
        answer = netlink.recv(8192)
    if struct.unpack_from("=H", answer, 4)[0] == NLMSG_ERROR:
        number = -struct.unpack_from("=i", answer, 16)[0]
        if number:
            raise OSError(number, os.strerror(number))


def _attribute(kind: int, value: bytes) -> bytes:
    padded = value.ljust((len(value) + 3) // 4 * 4, b"\0")
    return struct.pack("=HH", 4 + len(value), kind) + padded


def link(kind: str) -> Callable[[], None]:
    """A probe that makes an interface of this kind."""

    def probe() -> None:
        info = _attribute(IFLA_LINKINFO, _attribute(IFLA_INFO_KIND, kind.encode()))
        name = _attribute(IFLA_IFNAME, f"probe-{kind}".encode() + b"\0")
        flags = NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL
        _ask(socket.NETLINK_ROUTE, RTM_NEWLINK, flags, bytes(16) + name + info)

    return probe


def nftables() -> None:
    """Ask nf_tables for its generation."""
    _ask(NETLINK_NETFILTER, NFT_GETGEN, NLM_F_ACK, bytes(4))


PROBES: tuple[tuple[str, str, Callable[[], None]], ...] = (
    ("network namespaces", "CONFIG_NET_NS, CONFIG_NAMESPACES", network_namespace),
    ("mounts of the bpf file system", "CONFIG_BPF_SYSCALL", bpf_filesystem),
    ("XDP programs", "CONFIG_BPF_SYSCALL, CONFIG_BPF_JIT", xdp_program),
    ("bridges", "CONFIG_BRIDGE", link("bridge")),
    ("veth pairs", "CONFIG_VETH", link("veth")),
    ("nftables", "CONFIG_NF_TABLES", nftables),
)


def _cause(error: OSError, option: str) -> str:
    if error.errno in (errno.EPERM, errno.EACCES):
        return (
            f"({error.strerror}: root may not use them here). Run outside of the container or"
            " sandbox that takes this away, or make it a privileged one."
        )
    return (
        f"in the running kernel ({error.strerror})."
        f" Boot a kernel that has {option}, as Debian 12's own does."
    )


def main() -> int:
    if platform.machine() not in BPF_CALL:
        print(
            f"set-up: missing: a processor that Vipcast knows (this is {platform.machine()})."
            " Use an x86-64 or arm64 machine.",
            file=sys.stderr,
        )
        return 1
    for what, option, probe in PROBES:
        try:
            probe()
        except OSError as error:
            print(f"set-up: missing: {what} {_cause(error, option)}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
