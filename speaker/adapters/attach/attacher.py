"""What is done on one interface: attach, replace, adopt or leave alone, then test.

    nothing there               attach; the first mode of the order that the driver takes
    our program, the same       adopt: nothing is done, not a single frame is missed
    our program, an older one   replace it in its mode, atomically
    ours, but the other mode    only if that mode was asked for: off, then on (some ms without it)
    a foreign program           stays; the interface does not answer

Order of modes: a virtual link (veth, bridge, vlan, …) generic first, because native costs bulk
traffic on a veth a factor of five and its answers need a native program at the other end; a network
card native first. Whatever came out is only called answering once the program answered a question.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bpf import SOURCES, Sources, layouts, lock_of
from native.bpfmap import open_pin, program_info
from speaker.adapters.attach import pins, selftest
from speaker.adapters.attach.netlink import Attached, Netlink, Refused, netlink
from speaker.layer2.interfaces import Link
from speaker.ports import Attachment, How
from vipcast.model.errors import AttachError
from vipcast.model.reasons import Reason
from vipcast.model.xdp import XdpMode

_VETH_WARNING = (
    " On a veth, native answers leave only if the other end has a native XDP program, too."
)


@dataclass(frozen=True, slots=True)
class _Program:
    fd: int
    id: int


class XdpAttacher:
    """The port `Attacher`. Thread-safe: one call at a time does its work, the others wait."""

    def __init__(self, pin_path: Path, sources: Sources = SOURCES) -> None:
        self._pin_path = pin_path
        self._sources = sources
        self._lock = threading.Lock()

    def attach(self, link: Link, wanted: XdpMode) -> Attachment:
        none = Attachment(
            interface=link.name,
            ifindex=link.ifindex,
            wanted=wanted,
            mode=None,
            program=0,
            how=How.NONE,
            answering=False,
            reason=Reason.ATTACH_FAILED,
            detail="",
        )
        try:
            with self._lock, self._program() as program, netlink() as kernel:
                return self._attach(kernel, program, link, none)
        except _Foreign as error:
            return replace(none, reason=Reason.FOREIGN_PROGRAM, detail=str(error))
        except (OSError, AttachError) as error:
            return replace(none, detail=f"{link.name}: {error}")

    def stands(self, attachment: Attachment) -> bool:
        try:
            with netlink() as kernel:
                there = kernel.attached(attachment.ifindex)
        except OSError:
            return False  # the whole attempt that follows says what is wrong
        return there is not None and (there.mode, there.program) == (
            attachment.mode,
            attachment.program,
        )

    def detach(self, ifindex: int) -> bool:
        try:
            with self._lock, netlink() as kernel:
                there = kernel.attached(ifindex)
                return there is not None and _detach(kernel, ifindex, there, self._pin_path)
        except OSError as error:
            if error.errno == errno.ENODEV:
                return False
            raise AttachError(f"the program cannot be taken off: {error}") from error

    def retire_older(self) -> tuple[str, ...]:
        ours = self._sources.pins(self._pin_path)
        with self._lock, netlink() as kernel:
            running = [one.program for _, one in kernel.everywhere().values()]
            try:
                used = frozenset().union(*(pins.maps_of(each, self._pin_path) for each in running))
            except PermissionError:
                return ()  # it may be an older one of ours, so all pins stay
            removed = []
            for directory in layouts(self._pin_path):
                if directory != ours and pins.map_ids([directory]).isdisjoint(used):
                    pins.remove(directory)
                    removed.append(str(directory))
        return tuple(removed)

    @contextmanager
    def _program(self) -> Iterator[_Program]:
        pin = self._sources.program_pin(self._pin_path)
        try:
            fd = open_pin(pin)
        except OSError as error:
            raise AttachError(
                f"the program is not pinned: {error}. Run the loader: "
                f"python -m speaker.adapters.loader --pin-path {self._pin_path}"
            ) from error
        try:
            yield _Program(fd, program_info(fd).id)
        finally:
            os.close(fd)

    def _attach(
        self, kernel: Netlink, program: _Program, link: Link, none: Attachment
    ) -> Attachment:
        there = kernel.attached(link.ifindex)
        mode = None if there is None else self._mode_of_ours(there)
        if there is not None and none.wanted not in (XdpMode.AUTO, mode):
            _detach(kernel, link.ifindex, there, self._pin_path)
            there = None
        if there is None or mode is None:
            how, why = How.ATTACHED, _attach_first(kernel, link, none.wanted, program.fd)
        elif there.program == program.id:
            how, why = How.ADOPTED, "The program was attached already."
        else:
            how, why = How.REPLACED, "An older program of ours was replaced without a gap."
            with pins.opened(there.program, self._pin_path) as expected:
                kernel.replace(link.ifindex, mode, program.fd, expected)
        now = kernel.attached(link.ifindex)
        if now is None or now.mode is None or now.program != program.id:
            raise AttachError(f"attached, but netlink then named {now}: somebody else changed it.")
        if now.mode is XdpMode.NATIVE and link.kind == "veth":
            why += _VETH_WARNING
        done = replace(none, mode=now.mode, program=program.id, how=how)
        failure = selftest.failure_of(program.fd, self._sources.pins(self._pin_path), link.mac)
        if failure:
            return replace(done, reason=Reason.SELF_TEST_FAILED, detail=failure)
        return replace(done, answering=True, reason=Reason.ATTACHED, detail=why)

    def _mode_of_ours(self, there: Attached) -> XdpMode:
        """The mode of our program; _Foreign if it is somebody else's."""
        try:
            info = pins.info_of(there.program, self._pin_path)
        except PermissionError as error:
            raise _Foreign(
                f"XDP program {there.program} is attached, is not pinned below {self._pin_path}, "
                "and may not be looked at without SYS_ADMIN. Take it off, or use another interface."
            ) from error
        if there.mode is None or not pins.is_ours(info, self._pin_path):
            raise _Foreign(
                f"XDP program {info.id} ({info.name or 'without a name'}) is attached in mode "
                f"{there.mode or 'hardware or several'}. Take it off, or use another interface."
            )
        return there.mode


class _Foreign(AttachError):
    """Somebody else's program is there."""


@dataclass(frozen=True, slots=True)
class Uninstalled:
    """What was taken away, by name and path, and what could not be."""

    interfaces: tuple[str, ...]
    pins: tuple[str, ...]
    failures: tuple[str, ...]


def uninstall(pin_path: Path) -> Uninstalled:
    """Take our programs off every interface of this network namespace, and remove all pins.

    The only way that detaches for good. Does what it can and reports what it could not. An empty
    directory of pins goes too, unless a file system is mounted on it. The caller holds the lock of
    the pins, where there is one.
    """
    interfaces, failures = [], []
    with netlink() as kernel:
        for ifindex, (name, there) in kernel.everywhere().items():
            try:
                if _detach(kernel, ifindex, there, pin_path):
                    interfaces.append(name)
            except OSError as error:
                failures.append(f"{name}: {error}")
    directories = layouts(pin_path)
    for directory in directories:
        pins.remove(directory)
    if lock_of(pin_path).is_dir():
        lock_of(pin_path).rmdir()
    if directories and not pin_path.is_mount() and not any(pin_path.iterdir()):
        pin_path.rmdir()
    return Uninstalled(tuple(interfaces), tuple(map(str, directories)), tuple(failures))


def _detach(kernel: Netlink, ifindex: int, there: Attached, pin_path: Path) -> bool:
    """Take a program off if it is ours."""
    try:
        info = pins.info_of(there.program, pin_path)
    except PermissionError:
        return False
    if there.mode is None or not pins.is_ours(info, pin_path):
        return False
    with pins.opened(there.program, pin_path) as expected:
        kernel.detach(ifindex, there.mode, expected)
    return True


def _attach_first(kernel: Netlink, link: Link, wanted: XdpMode, fd: int) -> str:
    """Attach in the first mode that the driver takes; returns why it is that one."""
    modes, why = order_of(link.kind, wanted)
    refusals, denied = [], False
    for mode in modes:
        try:
            kernel.attach(link.ifindex, mode, fd)
        except Refused as error:
            refusals.append(f"{mode} was refused ({error})")
            denied = denied or error.errno == errno.EPERM
            continue
        return f"{'; '.join(refusals)}, so {mode}." if refusals else why
    hint = " Allow NET_ADMIN." if denied else ""
    raise AttachError(f"no XDP mode can be used: {'; '.join(refusals)}.{hint}")


def order_of(kind: str, wanted: XdpMode) -> tuple[tuple[XdpMode, ...], str]:
    """The modes to try for a link of some kind, and a sentence on the first."""
    if wanted is not XdpMode.AUTO:
        return (wanted,), f"Mode {wanted} was asked for."
    if kind:
        return (XdpMode.GENERIC, XdpMode.NATIVE), f"Generic first, as the link is virtual ({kind})."
    return (XdpMode.NATIVE, XdpMode.GENERIC), "Native first, as the link is a network card."
