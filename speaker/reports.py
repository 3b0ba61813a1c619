"""What the speaker says about itself and what it holds: views in, report values out. PURE.

Nothing here ages: a report changes only when something has changed, so an unchanged report is not
written again. Times come in as text, made once when a holding began.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from speaker.bgp.routes import Routes
from speaker.leadership import SegmentView
from speaker.plan import Claim, Unannounced
from speaker.ports import Attachment
from speaker.routers import NeighbourView
from vipcast.model import status
from vipcast.model.addresses import Address
from vipcast.model.errors import Finding
from vipcast.model.objects import Key
from vipcast.model.peer import Peer
from vipcast.model.reasons import Reason, sentence

Since = Callable[[int, Address, int], str]
"""(ifindex, VIP, counter of the claim) → RFC 3339 time at which that holding began."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One segment at this moment: its interface, MAC (6 bytes), program and view.

    `hellos` counts hellos sent, `greeted` gratuitous frames by VIP, `ungreeted` those that failed.
    """

    interface: str
    mac: bytes
    attachment: Attachment
    view: SegmentView
    hellos: int
    greeted: Mapping[Address, int]
    ungreeted: int


@dataclass(frozen=True, slots=True)
class Past:
    """What segments that were closed have counted, so that totals never fall."""

    lapses: int = 0
    ungreeted: int = 0

    def plus(self, seen: Seen) -> Past:
        """With one segment more."""
        return Past(self.lapses + seen.view.lapses, self.ungreeted + seen.ungreeted)


@dataclass(frozen=True, slots=True)
class Skipped:
    """An interface that VIPs are not announced on, and why."""

    name: str
    ifindex: int
    mac: bytes
    reason: Reason
    message: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """The whole speaker at one moment, as reports and metrics need it.

    `yields`: another speaker has this node's name, and reports under it. `routes` are what it tells
    of each Service, `peers` are those that the node is to speak with, `blocked` those that it
    cannot, and why.
    """

    boot: int
    term: int
    seen: tuple[Seen, ...]
    skipped: tuple[Skipped, ...]
    failed: tuple[tuple[bytes, Attachment], ...]
    claims: Mapping[Address, Claim]
    refusals: tuple[Unannounced, ...]
    problems: tuple[Finding, ...]
    past: Past = Past()
    yields: bool = False
    routes: Mapping[Key, Routes] = field(default_factory=dict)
    peers: tuple[Peer, ...] = ()
    neighbours: tuple[NeighbourView, ...] = ()
    blocked: Mapping[str, str] = field(default_factory=dict)


def mac_text(mac: bytes) -> str:
    """Six bytes as aa:bb:cc:dd:ee:ff."""
    return mac.hex(":")


def l2_statuses(
    node: str, seen: Iterable[Seen], claims: Mapping[Address, Claim], since: Since
) -> dict[Key, status.L2Status]:
    """What this node holds, by Service."""
    holdings: dict[Key, list[status.Holding]] = {}
    for segment in seen:
        for vip, entry in segment.view.vips.items():
            if not entry.answering or vip not in claims:
                continue
            holding = status.Holding(
                interface=segment.interface,
                address=str(vip),
                epoch=entry.counter,
                reason=entry.reason,
                since=since(segment.view.link, vip, entry.counter),
                mac=mac_text(segment.mac),
            )
            for service in claims[vip].services:
                holdings.setdefault(service, []).append(holding)
    return {
        service: status.L2Status(node, service, tuple(sorted(held, key=_by_place)))
        for service, held in holdings.items()
    }


def _by_place(holding: status.Holding) -> tuple[str, str]:
    return holding.interface, holding.address


def interface_reports(
    seen: Iterable[Seen], failed: Iterable[tuple[bytes, Attachment]], skipped: Iterable[Skipped]
) -> tuple[status.InterfaceReport, ...]:
    """Every interface, those that answer first."""
    attached = [(segment.mac, segment.attachment) for segment in seen] + list(failed)
    answering = [
        status.InterfaceReport(
            name=one.interface,
            index=one.ifindex,
            mac=mac_text(mac),
            answering=one.answering,
            mode=one.mode or "",
            mode_wanted=one.wanted,
            reason=one.reason,
            message=one.detail,
        )
        for mac, one in attached
    ]
    silent = [
        status.InterfaceReport(
            name=one.name,
            index=one.ifindex,
            mac=mac_text(one.mac),
            answering=False,
            mode="",
            mode_wanted="",
            reason=one.reason,
            message=one.message or sentence(one.reason),
        )
        for one in skipped
    ]
    return tuple(sorted(answering, key=_by_index) + sorted(silent, key=_by_index))


def _by_index(report: status.InterfaceReport) -> tuple[int, str]:
    return report.index, report.name


def segment_reports(seen: Iterable[Seen]) -> tuple[status.SegmentReport, ...]:
    """Each segment: who is heard there, and what is wrong."""
    return tuple(
        status.SegmentReport(
            interface=segment.interface,
            learning=Reason.LEARNING in segment.view.conditions,
            key=Reason.NO_KEY not in segment.view.conditions,
            members=tuple(
                status.MemberReport(
                    node=member.node,
                    address=member.address,
                    mac=mac_text(member.mac),
                    away=member.away > 0,
                )
                for member in sorted(segment.view.members, key=lambda member: member.node)
                if member.live
            ),
            problems=tuple(sorted(segment.view.conditions - {Reason.LEARNING})),
        )
        for segment in seen
    )


def unannounced_reports(refusals: Iterable[Unannounced]) -> tuple[status.Unannounced, ...]:
    """Addresses that this node does not announce; Services without any are not its business."""
    return tuple(
        status.Unannounced(
            service=one.service,
            address=one.address,
            reason=one.reason,
            message=one.message,
            protocol=one.protocol,
        )
        for one in sorted(refusals, key=lambda one: (one.service, one.address))
        if one.address
    )
