"""Which interfaces of which nodes are on one segment, and who is heard there no more. PURE.

A speaker reports whom it hears on each of its interfaces, by node name and MAC; the MAC leads to
the other node's interface. What is joined that way is one segment. Reports carry no ages, and a
node that died leaves its last one behind, in which it still hears the others: so it is lost if it
names somebody who does not name it, and nobody who is not lost himself names it. The words of a
node count for nothing from then on, and neither do those of one that gives no sign of life. One of
which nobody knows is lost unless somebody names it whose words count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from vipcast.model.status import SegmentReport, SpeakerReport


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """One interface of one node."""

    node: str
    interface: str


@dataclass(frozen=True, slots=True)
class Segment:
    """One layer-2 domain as the speakers' reports show it.

    `name` is the name of its interfaces; where two segments would have the same, "@" and the first
    node of the segment follow. `reports` holds what each place says about it.
    """

    name: str
    places: tuple[Place, ...]
    lost: frozenset[str]
    reports: Mapping[Place, SegmentReport]

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes on it, each once, lost ones too."""
        return tuple(dict.fromkeys(place.node for place in self.places))

    @property
    def live(self) -> tuple[str, ...]:
        """The nodes on it that are not lost."""
        return tuple(node for node in self.nodes if node not in self.lost)

    def hears(self, place: Place) -> int:
        """How many others the place hears."""
        report = self.reports.get(place)
        return len(report.members) if report else 0


def find_segments(
    reports: Iterable[SpeakerReport],
    others: Iterable[Place] = (),
    silent: Collection[str] = (),
    unsure: Collection[str] = (),
) -> tuple[Segment, ...]:
    """All segments, by name. `others` are places that no report names but that hold something.

    `silent` are nodes that are known to be gone, `unsure` those of which nobody knows.
    """
    reports = tuple(reports)
    seen = {
        Place(report.node, segment.interface): segment
        for report in reports
        for segment in report.segments
    }
    hears = _who_hears_whom(reports, seen)
    places = {*seen, *others}
    gone = {place for place in places if place.node in silent}
    lost = _lost(hears, gone, {place for place in places if place.node in unsure})
    groups = _joined(places, hears)
    names = [_plain_name(group) for group in groups]
    counted = Counter(names)
    return tuple(
        Segment(
            name=f"{name}@{_first(group, lost)}" if counted[name] > 1 else name,
            places=group,
            lost=frozenset(place.node for place in group if place in lost),
            reports={place: seen[place] for place in group if place in seen},
        )
        for name, group in sorted(zip(names, groups, strict=True))
    )


def _who_hears_whom(
    reports: tuple[SpeakerReport, ...], seen: Mapping[Place, SegmentReport]
) -> dict[Place, set[Place]]:
    by_mac = {
        (report.node, interface.mac): Place(report.node, interface.name)
        for report in reports
        for interface in report.interfaces
        if Place(report.node, interface.name) in seen
    }
    return {
        place: {
            by_mac[member.node, member.mac]
            for member in segment.members
            if (member.node, member.mac) in by_mac
        }
        for place, segment in seen.items()
    }


def _lost(hears: Mapping[Place, set[Place]], gone: set[Place], unsure: set[Place]) -> set[Place]:
    """Those that are gone, and whoever only they hear, or only those of which nobody knows."""
    lost = set(gone)
    while True:
        counts = hears.keys() - lost - unsure
        heard = set().union(*(hears[place] for place in counts))
        more = {
            place
            for place, names in hears.items()
            if place not in lost
            and place not in heard
            and (place in unsure or any(place not in hears[other] for other in names - gone))
        }
        if not more:
            return lost
        lost |= more


def _joined(places: set[Place], hears: Mapping[Place, set[Place]]) -> list[tuple[Place, ...]]:
    """The places in groups that hear one another, directly or through others."""
    group = {place: {place} for place in places}
    for place, names in hears.items():
        for other in names:
            if group[place] is not group[other]:
                group[place] |= group[other]
                for member in group[other]:
                    group[member] = group[place]
    return sorted({tuple(sorted(members)) for members in group.values()})


def _plain_name(group: tuple[Place, ...]) -> str:
    return "/".join(sorted({place.interface for place in group}))


def _first(group: tuple[Place, ...], lost: set[Place]) -> str:
    return min((place.node for place in group if place not in lost), default=group[0].node)
