"""One connection to a peer: the port `PeerLink` on a TCP socket.

    reading    in slices of a millisecond, so that a router that pours in a million routes delays
               nothing else on the event loop; what is not read yet stays in the kernel, whose
               window then closes
    writing    at once as much as the kernel takes; the rest waits here, and leaves before anything
               else: nothing ever gets between two halves of a message
    ending     close: what waits, FIN, and reading on until the peer's FIN, for a socket that is
               closed with unread bytes is reset, and a reset may overtake the last NOTIFICATION
               abort: RST

The pacemaker's thread writes, too. So all that belongs to writing is under a lock; everything else
belongs to the event loop.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from typing import Final

from speaker.adapters.bgp_tcp import failures
from speaker.adapters.bgp_tcp.pacemaker import Pacemaker
from speaker.ports import Footing, LinkOwner, Target

SLICE: Final = 0.0005
"""Seconds after which nothing more is read before other callbacks get their turn."""

LINGER: Final = 3.0
"""Seconds that a connection may take to end in good order."""

_READ: Final = 2048  # at most 40 UPDATEs: half a millisecond, too
_GRACE: Final = 0.05  # seconds that the loop's own timers may be late
_RESET: Final = struct.pack("ii", 1, 0)  # struct linger: on, 0 seconds


class _Phase(Enum):
    NEW = 1
    OPEN = 2
    LEAVING = 3
    GONE = 4


class TcpLink:
    """The port `PeerLink`."""

    def __init__(
        self,
        sock: socket.socket,
        target: Target,
        footing: Footing,
        pacemaker: Pacemaker,
        gone: Callable[[TcpLink], None],
    ) -> None:
        """`gone` is called once, when the socket is closed."""
        self.stood_in = 0
        self._socket = sock
        self._target = target
        self._footing = footing
        self._pacemaker = pacemaker
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        self._phase = _Phase.NEW
        self._owner: LinkOwner | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._attentive = False  # the loop tells when there is room
        self._lock = threading.Lock()
        self._waiting = b""
        self._error: OSError | None = None
        self._every = 0.0
        self._message = b""
        self._due = 0.0

    @property
    def footing(self) -> Footing:
        return self._footing

    @property
    def free(self) -> bool:
        return not self._waiting

    @property
    def leaving(self) -> bool:
        """Whether it is ending, in good order."""
        return self._phase is _Phase.LEAVING

    @property
    def due(self) -> float:
        """For the pacemaker."""
        return self._due

    def open(self, owner: LinkOwner) -> None:
        self._owner = owner
        self._phase = _Phase.OPEN
        self._loop.add_reader(self._socket, self._readable)

    def send(self, data: bytes) -> None:
        if self._phase not in (_Phase.NEW, _Phase.OPEN):
            return
        with self._lock:
            self._waiting += data
            self._write()
        self._attend()

    def keep_alive(self, every: float, message: bytes) -> None:
        if not every:
            self._pacemaker.forget(self)
        with self._lock:
            self._every, self._message = every, message
            self._due = time.monotonic() + every + _GRACE
        if every:
            self._pacemaker.watch(self)

    def beat(self, now: float) -> None:
        """From the pacemaker: nothing was written for too long."""
        with self._lock:
            if now < self._due:
                return
            self._due = now + self._every / 4  # but for what _write says
            if not self._waiting and self._error is None:
                self._waiting = self._message
                self.stood_in += 1
            self._write()
            if self._waiting:
                # The peer reads nothing now; as soon as it does, it finds messages there.
                self._loop.call_soon_threadsafe(self._attend)

    def catch_up(self) -> None:
        if self._phase is _Phase.OPEN:
            self._readable()

    def close(self) -> None:
        if self._phase in (_Phase.LEAVING, _Phase.GONE):
            return
        if self._phase is _Phase.NEW:
            self._loop.add_reader(self._socket, self._readable)
        self._phase = _Phase.LEAVING
        self._owner = None
        self.keep_alive(0.0, b"")
        self._deadline = self._loop.call_later(LINGER, self._cut)
        self._say_goodbye()

    def abort(self) -> None:
        if self._phase is not _Phase.GONE:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._finish()

    # Reading

    def _readable(self) -> None:
        end = time.monotonic() + SLICE
        while self._phase in (_Phase.OPEN, _Phase.LEAVING):
            try:
                data = self._socket.recv(_READ)
            except BlockingIOError:
                if self._error is not None:
                    self._lose(self._error)
                return
            except OSError as error:
                self._lose(self._error or error)
                return
            if not data:
                self._lose(self._error)
                return
            if self._owner is not None:
                self._owner.received(data)
            if len(data) < _READ or time.monotonic() >= end:
                return

    def _lose(self, error: OSError | None) -> None:
        """The connection has ended; None is the peer's FIN."""
        owner = self._owner
        self._finish()
        if owner is None:
            return
        if error is None:
            owner.lost(failures.closed(self._target))
        else:
            owner.lost(failures.failed(error, self._target, connected=True))

    # Writing

    def _write(self) -> None:
        """Write what waits, as far as the kernel takes it. Under the lock."""
        while self._waiting and self._error is None:
            try:
                written = self._socket.send(self._waiting)
            except BlockingIOError:
                return
            except OSError as error:
                # Told by whoever reads: what the peer said before may still be there.
                self._error = error
                self._loop.call_soon_threadsafe(self._readable)
                break
            self._waiting = self._waiting[written:]
        self._waiting = b""
        if self._every:
            self._due = time.monotonic() + self._every + _GRACE

    def _attend(self) -> None:
        """Learn when there is room for what waits."""
        if self._waiting and not self._attentive and self._phase is not _Phase.GONE:
            self._attentive = True
            self._loop.add_writer(self._socket, self._writable)

    def _writable(self) -> None:
        with self._lock:
            self._write()
        if self._waiting:
            return
        self._attentive = False
        self._loop.remove_writer(self._socket)
        if self._phase is _Phase.LEAVING:
            self._say_goodbye()
        elif self._owner is not None:
            self._owner.room()

    # Ending

    def _say_goodbye(self) -> None:
        """FIN, once nothing waits any more."""
        if not self._waiting:
            with suppress(OSError):  # the peer may have ended it already
                self._socket.shutdown(socket.SHUT_WR)

    def _cut(self) -> None:
        """The peer has not said goodbye. What is in the kernel still leaves; half a message not."""
        if self._waiting:
            self.abort()
        else:
            self._finish()

    def _finish(self) -> None:
        self._phase = _Phase.GONE
        self._owner = None
        self.keep_alive(0.0, b"")
        if self._deadline is not None:
            self._deadline.cancel()
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket.close()
        self._gone(self)
