"""What one peer has been told, and what it is still to be told: the Adj-RIB-Out of one session.

    want(changes) ─► pending, the difference to what was told ─► flush() ─► steps, in their order

One path for each change, for a session that just came up and for a router that asks again: say
what should be true, and the difference is what is sent (RFC 4271, section 9.2). A route that flaps
between two flushes is sent once as it stands, or not at all. In a flush withdrawals come first, and
all of them, however many announcements wait (section 9.2.1.1 would hold both back alike).

An AdjRibOut lives as long as its session is Established: the next one begins anew with an empty
table at the router, is told all of it, and that it is all (RFC 4724, section 2).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from speaker.bgp.messages import AfiSafi, Attributes
from speaker.bgp.prefixes import SIZES, Record

Changes = Mapping[Record, Attributes | None]
"""Routes as they should be from now on; None: there should be none."""


@dataclass(frozen=True, slots=True)
class Withdraw:
    """These prefixes lead nowhere any more."""

    family: AfiSafi
    prefixes: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Announce:
    """All of these prefixes with the same attributes."""

    family: AfiSafi
    attributes: Attributes
    prefixes: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class EndOfRib:
    """The first table of the session has been told wholly (RFC 4724, section 2)."""

    family: AfiSafi


@dataclass(frozen=True, slots=True)
class BeginRefresh:
    """From here on all is told again (RFC 7313, section 4.1)."""

    family: AfiSafi


@dataclass(frozen=True, slots=True)
class EndRefresh:
    """All has been told again: what was not is gone (RFC 7313, section 4.1)."""

    family: AfiSafi


Step = Withdraw | Announce | EndOfRib | BeginRefresh | EndRefresh


class AdjRibOut:
    """The routes of one session, in the families that it speaks.

    `enhanced`: the peer wants to know where a refresh begins and ends (RFC 7313).
    """

    def __init__(self, families: Iterable[AfiSafi], *, enhanced: bool = False) -> None:
        self._lanes = {family: _Lane(family, enhanced=enhanced) for family in families}

    @property
    def announced(self) -> int:
        """How many routes the peer has been told and not been told to forget."""
        return sum(len(lane.told) for lane in self._lanes.values())

    @property
    def pending(self) -> int:
        """How many routes the peer knows otherwise than they should be, or is to hear again."""
        return sum(lane.waiting() for lane in self._lanes.values())

    @property
    def prefixes(self) -> tuple[Record, ...]:
        """All that the peer has been told or is to be told: what to name to withdraw it all."""
        return tuple(prefix for lane in self._lanes.values() for prefix in lane.prefixes())

    @property
    def due(self) -> bool:
        """Whether a flush has anything to say."""
        return any(lane.due() for lane in self._lanes.values())

    def want(self, changes: Changes) -> None:
        """From now on these should be so; what is not named stays as it is.

        Raises ValueError for a route of a family that the session does not speak.
        """
        parts = {
            family: {prefix: route for prefix, route in changes.items() if len(prefix) == size}
            for family, size in SIZES.items()
        }
        if sum(len(parts[family]) for family in self._lanes) != len(changes):
            raise ValueError("There are routes of a family that the session does not speak.")
        for family, lane in self._lanes.items():
            lane.want(parts[family])

    def resync(self, family: AfiSafi | None = None) -> None:
        """Tell all routes of a family again, or of every one: the peer asks for it (RFC 2918).

        A family that the session does not speak is passed over (RFC 2918, section 4).
        """
        for each, lane in self._lanes.items():
            if family in (None, each):
                lane.ask()

    def flush(self, most: int | None = None) -> tuple[Step, ...]:
        """What to send now, which from here on counts as told.

        `most` is how many routes are announced at the most. Who flushes again when these have left
        lets a later withdrawal overtake the rest. Do not flush before all objects have been read:
        the End-of-RIB at the end of the first table lets the peer drop what is missing in it.
        """
        steps: list[Step] = [step for lane in self._lanes.values() for step in lane.withdraw()]
        left = most
        for lane in self._lanes.values():
            for step in lane.announce(left):
                if left is not None and isinstance(step, Announce):
                    left -= len(step.prefixes)
                steps.append(step)
        return tuple(steps)


class _Lane:
    """One family: the routes that the router has, and how the wanted ones differ from these.

    `_again` are routes that the router has and is to hear a second time.
    """

    def __init__(self, family: AfiSafi, *, enhanced: bool) -> None:
        self.told: dict[Record, Attributes] = {}
        self._family = family
        self._enhanced = enhanced
        self._gone: dict[Record, None] = {}
        self._new: dict[Record, Attributes] = {}
        self._again: dict[Record, Attributes] = {}
        self._complete = False
        self._asked = False
        self._refreshing = False

    def waiting(self) -> int:
        return len(self._gone) + len(self._new) + len(self._again.keys() - self._new.keys())

    def prefixes(self) -> Iterable[Record]:
        return self.told | self._new

    def due(self) -> bool:
        waits = self._gone or self._new or self._again
        return bool(waits or self._asked or self._refreshing or not self._complete)

    def ask(self) -> None:
        if self._enhanced:
            self._asked = True
        else:
            self._again = dict(self.told)

    def want(self, changes: Changes) -> None:
        told, new, gone = self.told, self._new, self._gone
        for prefix, route in changes.items():
            before = told.get(prefix)
            if route is None:
                new.pop(prefix, None)
                if before is not None:
                    gone[prefix] = None
                continue
            gone.pop(prefix, None)
            if route is before or route == before:
                new.pop(prefix, None)
            else:
                new[prefix] = route

    def withdraw(self) -> Iterator[Step]:
        if self._gone:
            gone, self._gone = self._gone, {}
            for prefix in gone:
                del self.told[prefix]
                self._again.pop(prefix, None)
            yield Withdraw(self._family, tuple(gone))

    def announce(self, most: int | None) -> Iterator[Step]:
        """What is new, then the rest of a refresh; markers where either is whole.

        What a marker begins does not begin before the End-of-RIB, nor twice (RFC 7313, section 4).
        """
        if self._asked and self._complete and not self._refreshing:
            self._asked, self._refreshing = False, True
            self._again = dict(self.told)
            yield BeginRefresh(self._family)
        new = _take(self._new, most)
        self.told.update(new)
        for prefix in new if self._again else ():
            self._again.pop(prefix, None)
        left = None if most is None else most - len(new)
        again = _take(self._again, left)
        yield from _grouped(self._family, new | again)
        if self._new or self._again:
            return
        if self._refreshing:
            self._refreshing = False
            yield EndRefresh(self._family)
        elif not self._complete:
            self._complete = True
            yield EndOfRib(self._family)
            if self._asked:
                yield from self.announce(left)


def _take(routes: dict[Record, Attributes], most: int | None) -> dict[Record, Attributes]:
    """Move the first of these out of them, all by default."""
    if most is None or most >= len(routes):
        taken = dict(routes)
        routes.clear()
    else:
        taken = {prefix: routes.pop(prefix) for prefix in list(islice(routes, most))}
    return taken


def _grouped(family: AfiSafi, routes: Mapping[Record, Attributes]) -> Iterator[Announce]:
    """All with equal attributes together, in the order of these."""
    alike: dict[int, tuple[Attributes, list[Record]]] = {}
    for prefix, attributes in routes.items():
        group = alike.get(id(attributes))  # first by identity: to hash is dear, and most are one
        if group is None:
            group = alike[id(attributes)] = (attributes, [])
        group[1].append(prefix)
    groups: dict[Attributes, list[Record]] = {}
    for attributes, prefixes in alike.values():
        groups.setdefault(attributes, []).extend(prefixes)
    for attributes in sorted(groups):
        yield Announce(family, attributes, tuple(groups[attributes]))
