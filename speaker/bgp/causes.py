"""Which of the ends of its connections says why there is no session with a router.

A router that has refused an OPEN drops what comes too soon after it, mostly without a word; one
that has shut a neighbour down, or goes down itself, refuses what comes then. So an end that
explains nothing does not take the place of one that does: both are kept. Where the two take turns,
both stay as they are, and so does what is reported.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from speaker.bgp.codes import Cease, ErrorCode
from speaker.bgp.notices import Down, DownReason

_BARE: Final = frozenset(
    {
        DownReason.STOPPED,
        DownReason.RESTARTING,
        DownReason.RESET,
        DownReason.UNREACHABLE,
        DownReason.CONNECT_TIMED_OUT,
        DownReason.CLOSED_BY_PEER,
    }
)


@dataclass(frozen=True, slots=True)
class Causes:
    """`telling` is the last end that explains itself, `bare` the last one since that does not."""

    telling: Down | None = None
    bare: Down | None = None

    @property
    def cause(self) -> Down | None:
        """Why there is no session, as far as it is known; None before anything has ended."""
        return self.telling or self.bare

    @property
    def aftermath(self) -> Down | None:
        """How connections have ended since the cause, where it is another one."""
        return None if self.telling is None else self.bare

    def after(self, down: Down) -> Causes:
        """The same once another connection has ended; where a session stood, all is new."""
        before = self if down.stood is None else Causes()
        if not _explains(down):
            return replace(before, bare=down)
        same = before.telling is not None and _what(before.telling) == _what(down)
        return Causes(down, before.bare if same else None)


def _explains(down: Down) -> bool:
    """A router says "connection rejected" of what comes too soon, as others say nothing."""
    if down.reason is not DownReason.NOTIFIED or down.said is None:
        return down.reason not in _BARE
    said = down.said.notification
    return (said.code, said.subcode) != (ErrorCode.CEASE, Cease.CONNECTION_REJECTED)


def _what(down: Down) -> tuple[DownReason, str]:
    return down.reason, down.sentence
