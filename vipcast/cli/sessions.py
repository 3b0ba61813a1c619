"""The BGP sessions as the speakers report them, and why one does not stand. PURE."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Self

from vipcast.model.status import PeerReport, SpeakerReport

UNKNOWN = "Its speaker reports no such session."
LOST = "Its speaker is not heard."


@dataclass(frozen=True, slots=True)
class Session:
    """A node and a router. `lost`: the speaker is not heard, so that what it said was once."""

    node: str
    peer: PeerReport
    lost: bool = False

    @classmethod
    def unknown(cls, node: str, name: str, *, lost: bool) -> Self:
        """One that no report tells of."""
        return cls(node, PeerReport(name, "", 0, 0, 0, "", ""), lost)

    @property
    def stands(self) -> bool:
        """Whether routes are told now."""
        return self.peer.established and not self.lost

    @property
    def place(self) -> str:
        """The router's address and port."""
        peer = self.peer
        return (
            f"[{peer.address}]:{peer.port}"
            if ":" in peer.address
            else f"{peer.address}:{peer.port}"
        )

    @property
    def problem(self) -> str:
        """Why it does not stand, and what to look at; "" if it does."""
        peer = self.peer
        if self.stands:
            return ""
        if self.lost:
            return LOST
        if not peer.state:
            return UNKNOWN
        if peer.blocked:
            return f"No session is tried: {peer.blocked}"
        if not peer.error:
            return "It is being tried for the first time."
        return f"{peer.error} {peer.hint}".rstrip()

    @property
    def remark(self) -> str:
        """The last NOTIFICATION, where the problem does not say it; "" if there was none."""
        peer = self.peer
        known = peer.reason == "notificationReceived"
        if self.lost or not peer.notification or (known and not self.stands):
            return ""
        hint = f" {peer.hint}" if known else ""
        return f"The last NOTIFICATION was {peer.notification}.{hint}"


def sessions_of(reports: Iterable[SpeakerReport], lost: Collection[str]) -> tuple[Session, ...]:
    """Every session that a speaker tells of, by node and router."""
    return tuple(
        Session(report.node, peer, report.node in lost)
        for report in reports
        for peer in report.peers
    )
