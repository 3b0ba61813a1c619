"""What each audience is to be told: the routes of all Services, united prefix by prefix.

    put(service, offers)      what one Service has now, in place of what it had
    take()                    for each peer what has changed since the last call
    table(peer)               all that it is to be told, for a session that comes up

Several Services may have one prefix, by sharing an address or under an aggregate, and several
advertisements may be for it. It stays until the last of them is gone, with the communities of all.
What changes costs as much as the change, however large the tables are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from speaker.bgp.audiences import Audience, Terms
from speaker.bgp.facets import Facets, unite
from speaker.bgp.prefixes import Record
from speaker.bgp.routes import Offer
from vipcast.model.objects import Key

Table = dict[Record, Facets]
Change = Mapping[Record, Facets | None]
"""Routes as they are now; None: there is none any more."""


class Wanted:
    """The tables of one node. No session is known here: peers are names."""

    def __init__(self) -> None:
        self._offers: dict[Key, tuple[Offer, ...]] = {}
        self._counts: dict[Offer, int] = {}
        self._terms: dict[Record, tuple[Terms, ...]] = {}
        self._touched: dict[Record, None] = {}
        self._tables: dict[Audience, Table] = {}
        self._seats: dict[str, Audience] = {}

    def put(self, service: Key, offers: tuple[Offer, ...]) -> None:
        """What a Service has from now on; nothing, if it is gone."""
        before = self._offers.get(service, ())
        if offers == before:
            return
        for offer in before:
            self._drop(offer)
        for offer in offers:
            self._add(offer)
        if offers:
            self._offers[service] = offers
        else:
            del self._offers[service]

    def table(self, peer: str) -> Mapping[Record, Facets]:
        """All routes of a peer as of the last `take`; empty for a peer that is not spoken to."""
        seat = self._seats.get(peer)
        return {} if seat is None else self._tables[seat]

    def take(self, audiences: Iterable[Audience] | None = None) -> dict[str, Change]:
        """What each peer is to be told now and was not before, by its name.

        `audiences` are those of new Rules, by which every Service has been put again. Peers that
        are told the same get one and the same mapping; those for which nothing changed have none.
        """
        if audiences is not None:
            return self._seat_anew(audiences)
        changes: dict[str, Change] = {}
        for audience, table in self._tables.items():
            change = self._renew(audience, table, self._touched)
            if change:
                changes |= dict.fromkeys(audience.peers, change)
        self._touched = {}
        return changes

    def _add(self, offer: Offer) -> None:
        count = self._counts.get(offer, 0)
        self._counts[offer] = count + 1
        if not count:
            prefix, terms = offer
            self._terms[prefix] = (*self._terms.get(prefix, ()), terms)
            self._touched[prefix] = None

    def _drop(self, offer: Offer) -> None:
        self._counts[offer] -= 1
        if not self._counts[offer]:
            del self._counts[offer]
            prefix, terms = offer
            self._terms[prefix] = tuple(each for each in self._terms[prefix] if each is not terms)
            if not self._terms[prefix]:
                del self._terms[prefix]
            self._touched[prefix] = None

    def _seat_anew(self, audiences: Iterable[Audience]) -> dict[str, Change]:
        tables: dict[Audience, Table] = {audience: {} for audience in audiences}
        seats = {peer: audience for audience in tables for peer in audience.peers}
        for audience, table in tables.items():
            self._renew(audience, table, self._terms)
        known: dict[tuple[Audience | None, Audience], Change] = {}
        changes = {}
        for peer, seat in seats.items():
            pair = (self._seats.get(peer), seat)
            if pair not in known:
                known[pair] = _difference(self.table(peer), tables[seat])
            if known[pair]:
                changes[peer] = known[pair]
        self._tables, self._seats, self._touched = tables, seats, {}
        return changes

    def _renew(self, audience: Audience, table: Table, prefixes: Iterable[Record]) -> Change:
        """Look at some prefixes again, and say what has become of them."""
        changes: dict[Record, Facets | None] = {}
        for prefix in prefixes:
            terms = self._terms.get(prefix, ())
            heard = [each.facets for each in terms if audience in each.audiences]
            before = table.get(prefix)
            if not heard:
                if before is not None:
                    del table[prefix]
                    changes[prefix] = None
                continue
            now = heard[0] if len(heard) == 1 else unite(heard)
            if now is not before and now != before:
                table[prefix] = changes[prefix] = now
        return changes


def _difference(before: Mapping[Record, Facets], now: Mapping[Record, Facets]) -> Change:
    changes: dict[Record, Facets | None] = dict.fromkeys(before.keys() - now.keys())
    changes |= {prefix: facets for prefix, facets in now.items() if before.get(prefix) != facets}
    return changes
