"""Who has which address, who shares one, and which address of a pool is the next to be given.

    ledger.arrange(pools)                     the pools to look in; what is held stays held
    ledger.hold(service, address, sharing)    on these conditions, or ValueError
    ledger.release(service, address)          the Service has it no more
    ledger.first_open(pool, family, sharing)  free, or to be shared on these conditions
    ledger.objector(service, address, …)      who keeps the Service from having it

An address is held from before it is written into a Service until no status shows it any more. So a
Service can hold two for a moment, while it moves; and an address in no pool can be held, too.

A holder whose conditions are not known is *closed*: it has changed and not been decided anew, may
not keep the address, or cannot be read. It bothers nobody who has the address already, and lets
nobody join.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from controller.sharing import ALONE, Backends, Sharing
from controller.slots import Slots, Space
from vipcast.model.addresses import Address, Family
from vipcast.model.objects import Key
from vipcast.model.pool import Pool

_Group = tuple[str, Backends]
"""What all holders of one address have in common: the sharing key, and who gets the traffic."""


@dataclass(frozen=True, slots=True)
class Usage:
    """How many different addresses of one family a pool has, and how many of them are held."""

    pool: str
    family: Family
    in_use: int
    capacity: int


class Ledger:
    """The book of addresses: who has what on which conditions, and what is free in which pool."""

    def __init__(self, pools: Iterable[Pool] = ()) -> None:
        self._holders: dict[Address, dict[Key, Sharing | None]] = {}
        self._held: dict[Key, tuple[Address, ...]] = {}
        self._shared: dict[_Group, set[Address]] = {}
        self.arrange(pools)

    def arrange(self, pools: Iterable[Pool]) -> None:
        """Look in these pools from now on (no entries overlap); holders stay holders."""
        self._slots = Slots(pools)
        for address in self._holders:
            self._mark(address, used=True)

    def hold(self, service: Key, address: Address, sharing: Sharing | None = ALONE) -> None:
        """Note that a Service holds an address, on these conditions from now on; None: closed.

        ValueError: a holder whose conditions are known does not share with it.
        """
        if sharing is not None:
            other = self.objector(service, address, sharing, standing=True)
            if other is not None:
                raise ValueError(f"{address} is held by {other}, so {service} cannot hold it")
        holders = self._holders.setdefault(address, {})
        if not holders:
            self._mark(address, used=True)
        if service not in holders:
            self._held[service] = (*self._held.get(service, ()), address)
        before = _common(holders)
        holders[service] = sharing
        self._regroup(address, before, _common(holders))

    def release(self, service: Key, address: Address) -> None:
        """Take a Service off an address; ValueError if it does not hold it."""
        holders = self._holders.get(address, {})
        if service not in holders:
            raise ValueError(f"{service} does not hold {address}")
        before = _common(holders)
        del holders[service]
        self._regroup(address, before, _common(holders))
        left = tuple(held for held in self._held.pop(service) if held != address)
        if left:
            self._held[service] = left
        if not holders:
            del self._holders[address]
            self._mark(address, used=False)

    def objector(
        self, service: Key, address: Address, sharing: Sharing, *, standing: bool
    ) -> Key | None:
        """The holder, first by name, that keeps a Service from having an address; None: it may.

        `standing`: the Service has it already, so closed holders let it be; else they object.
        """
        return min(
            (
                holder
                for holder, theirs in self._holders.get(address, {}).items()
                if holder != service
                if not (standing if theirs is None else theirs.permits(sharing))
            ),
            default=None,
        )

    def holders(self, address: Address) -> tuple[Key, ...]:
        """The Services that have an address, in the order in which they got it."""
        return tuple(self._holders.get(address, ()))

    def sharing(self, service: Key, address: Address) -> Sharing | None:
        """On which conditions a Service holds an address; None: closed, or it does not hold it."""
        return self._holders.get(address, {}).get(service)

    def held(self, service: Key) -> tuple[Address, ...]:
        """The addresses of a Service, the one it has had for the longest time first."""
        return self._held.get(service, ())

    def holdings(self) -> dict[Key, tuple[Address, ...]]:
        """A copy of the whole book."""
        return dict(self._held)

    def first_open(self, pool: str, family: Family, sharing: Sharing) -> Address | None:
        """The first address, in the order of a pool, that is free or that its holders share.

        None: there is none, no such pool, or no address of that family in it. What it costs grows
        with the number of addresses that are shared by this sharing key.
        """
        space = self._slots.spaces.get((pool, family))
        if space is None:
            return None
        return space.address(min((space.first_gap(), *self._shareable(space, sharing))))

    def usage(self) -> tuple[Usage, ...]:
        """Counts per pool and family, pools in their order."""
        return tuple(
            Usage(pool, family, space.in_use, space.capacity)
            for (pool, family), space in self._slots.spaces.items()
        )

    def _shareable(self, space: Space, sharing: Sharing) -> Iterator[int]:
        """The slots of addresses that have a holder, and that a newcomer may have, too."""
        for address in self._shared.get((sharing.key, sharing.backends), ()):
            place = self._slots.place(address)
            if place is not None and place[0] is space:
                holders = self._holders[address].values()
                if all(theirs is not None and theirs.permits(sharing) for theirs in holders):
                    yield place[1]

    def _regroup(self, address: Address, before: _Group | None, now: _Group | None) -> None:
        """Keep `_shared` in step with the holders of an address."""
        if before == now:
            return
        if before is not None:
            self._shared[before].remove(address)
            if not self._shared[before]:
                del self._shared[before]
        if now is not None:
            self._shared.setdefault(now, set()).add(address)

    def _mark(self, address: Address, *, used: bool) -> None:
        place = self._slots.place(address)
        if place is None:
            return  # in no pool, or avoided by it: nobody is given it, so it takes no slot
        space, slot = place
        if used:
            space.take(slot)
        else:
            space.free(slot)


def _common(holders: Mapping[Key, Sharing | None]) -> _Group | None:
    """What a newcomer must have in common with these holders; None: they do not share."""
    for sharing in holders.values():
        if sharing is not None and sharing.key:
            return sharing.key, sharing.backends
    return None
