"""The ledger against a naive model that walks every address, and what a look-up may cost."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import controller.ledger
import controller.slots
from controller.ledger import Ledger, Usage
from controller.sharing import ALONE, Sharing
from tests.support.steps import steps
from tests.unit.controller.making import ip, key, pool
from vipcast.model.addresses import Address, AddressRange, Family, family_of, make_address
from vipcast.model.objects import Key, Port
from vipcast.model.pool import Pool

SERVICES = [key(name) for name in "abcdefgh"]


# --- random histories ---------------------------------------------------------------------------


@st.composite
def pool_lists(draw: st.DrawFn) -> tuple[Pool, ...]:
    """Up to three pools whose entries do not overlap, around the ends of /24s, in any order."""
    cuts = sorted(draw(st.sets(st.integers(0x0A0000F8, 0x0A000208), max_size=10)))
    ranges = [
        AddressRange(Family.IPV4, first, last - 1) for first, last in itertools.pairwise(cuts)
    ]
    ranges.append(AddressRange(Family.IPV6, 2**96, 2**96 + 5))
    names = draw(st.lists(st.sampled_from("pqr"), min_size=len(ranges), max_size=len(ranges)))
    order = draw(st.permutations(list(zip(names, ranges, strict=True))))
    avoiding = draw(st.sets(st.sampled_from("pqr")))
    return tuple(
        Pool(
            name,
            tuple(entry for owner, entry in order if owner == name),
            avoid_buggy=name in avoiding,
        )
        for name in draw(st.permutations(sorted(set(names))))
    )


sharings = st.builds(
    Sharing,
    key=st.sampled_from(["", "k", "k", "l"]),
    backends=st.sampled_from([None, None, (), (("app", "web"),)]),
    ports=st.frozensets(
        st.builds(Port, st.sampled_from(["TCP", "UDP"]), st.sampled_from([53, 80])), max_size=2
    ),
)
closed_or_not = st.one_of(sharings, st.none())


def offered(candidate: Pool, family: Family) -> Iterator[Address]:
    """Every address that a pool gives out, in its order, by walking."""
    for entry in candidate.entries:
        if entry.family is family:
            yield from (address for address in entry.addresses() if candidate.allows(address))


def may_share(one: Sharing, other: Sharing) -> bool:
    """The rule, condition by condition."""
    if one.key == "" or one.key != other.key:
        return False
    if one.backends != other.backends:
        return False
    return not any(port in other.ports for port in one.ports)


class LedgerAgainstWalking(RuleBasedStateMachine):
    """The same history for the ledger and for a dict that is searched address by address."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger()
        self.pools: tuple[Pool, ...] = ()
        self.model: dict[Address, dict[Key, Sharing | None]] = {}

    def others(self, service: Key, address: Address) -> dict[Key, Sharing | None]:
        holders = self.model.get(address, {})
        return {holder: theirs for holder, theirs in holders.items() if holder != service}

    def lets_join(self, address: Address, sharing: Sharing) -> bool:
        holders = self.model.get(address, {}).values()
        return all(theirs is not None and may_share(theirs, sharing) for theirs in holders)

    def lets_stay(self, service: Key, address: Address, sharing: Sharing) -> bool:
        holders = self.others(service, address).values()
        return all(theirs is None or may_share(theirs, sharing) for theirs in holders)

    @rule(pools=pool_lists())
    def configure(self, pools: tuple[Pool, ...]) -> None:
        self.pools = pools
        self.ledger.arrange(pools)

    @precondition(lambda self: self.pools)
    @rule(
        service=st.sampled_from(SERVICES),
        family=st.sampled_from(Family),
        sharing=sharings,
        data=st.data(),
    )
    def take_the_first(
        self, service: Key, family: Family, sharing: Sharing, data: st.DataObject
    ) -> None:
        candidate = data.draw(st.sampled_from(self.pools))
        may_be_had = (a for a in offered(candidate, family) if self.lets_join(a, sharing))
        expected = next(may_be_had, None)
        found = self.ledger.first_open(candidate.name, family, sharing)
        assert found == expected
        if found is not None:
            self.ledger.hold(service, found, sharing)
            self.model.setdefault(found, {})[service] = sharing

    @rule(
        service=st.sampled_from(SERVICES),
        address=st.one_of(
            st.builds(make_address, st.just(Family.IPV4), st.integers(0x0A0000F8, 0x0A000208)),
            st.builds(make_address, st.just(Family.IPV6), st.integers(2**96 - 2, 2**96 + 7)),
        ),
        sharing=closed_or_not,
    )
    def hold_one(self, service: Key, address: Address, sharing: Sharing | None) -> None:
        self.hold(service, address, sharing)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), service=st.sampled_from(SERVICES), sharing=closed_or_not)
    def join_or_change(self, data: st.DataObject, service: Key, sharing: Sharing | None) -> None:
        self.hold(service, data.draw(st.sampled_from(sorted(self.model, key=str))), sharing)

    def hold(self, service: Key, address: Address, sharing: Sharing | None) -> None:
        if sharing is None or self.lets_stay(service, address, sharing):
            self.ledger.hold(service, address, sharing)
            self.model.setdefault(address, {})[service] = sharing
        else:
            with pytest.raises(ValueError, match=f"{address} is held by .*{service} cannot"):
                self.ledger.hold(service, address, sharing)

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def release_one(self, data: st.DataObject) -> None:
        address = data.draw(st.sampled_from(sorted(self.model, key=str)))
        service = data.draw(st.sampled_from(sorted(self.model[address])))
        del self.model[address][service]
        if not self.model[address]:
            del self.model[address]
        self.ledger.release(service, address)
        with pytest.raises(ValueError, match="does not hold"):
            self.ledger.release(service, address)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), service=st.sampled_from(SERVICES), sharing=sharings)
    def ask_who_objects(self, data: st.DataObject, service: Key, sharing: Sharing) -> None:
        address = data.draw(st.sampled_from(sorted(self.model, key=str)))
        others = self.others(service, address)
        for standing in (True, False):
            objecting = [
                holder
                for holder, theirs in others.items()
                if (not standing if theirs is None else not may_share(theirs, sharing))
            ]
            found = self.ledger.objector(service, address, sharing, standing=standing)
            assert found == min(objecting, default=None)

    @invariant()
    def nothing_is_lost_and_the_order_of_arrival_is_kept(self) -> None:
        held = {
            (service, address)
            for service, addresses in self.ledger.holdings().items()
            for address in addresses
        }
        assert held == {(s, address) for address, them in self.model.items() for s in them}
        for address, holders in self.model.items():
            assert self.ledger.holders(address) == tuple(holders)
            for service, sharing in holders.items():
                assert self.ledger.sharing(service, address) == sharing
                assert self.ledger.held(service).count(address) == 1

    @invariant()
    def the_counts_are_those_of_counting(self) -> None:
        expected = tuple(
            Usage(
                candidate.name,
                family,
                sum(address in self.model for address in offered(candidate, family)),
                sum(1 for _ in offered(candidate, family)),
            )
            for candidate in self.pools
            for family in Family
        )
        assert self.ledger.usage() == expected
        assert all(
            use.capacity == candidate.capacity(use.family)
            for use in expected
            for candidate in self.pools
            if candidate.name == use.pool
        )


TestLedgerAgainstWalking = LedgerAgainstWalking.TestCase
TestLedgerAgainstWalking.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


# --- single things ------------------------------------------------------------------------------


def test_entries_are_used_as_written_and_the_lowest_address_first_within_one() -> None:
    ledger = Ledger([pool("home", "192.0.2.8-192.0.2.9", "192.0.2.2-192.0.2.3")])
    given = []
    for name in "abcd":
        address = ledger.first_open("home", Family.IPV4, ALONE)
        assert address is not None
        ledger.hold(key(name), address)
        given.append(str(address))
    assert given == ["192.0.2.8", "192.0.2.9", "192.0.2.2", "192.0.2.3"]
    assert ledger.first_open("home", Family.IPV4, ALONE) is None
    ledger.release(key("b"), ip("192.0.2.9"))
    assert ledger.first_open("home", Family.IPV4, ALONE) == ip("192.0.2.9")


def test_a_pool_of_addresses_to_avoid_gives_nothing() -> None:
    ledger = Ledger([pool("home", "192.0.2.0/32", "192.0.2.255/32", avoid_buggy=True)])
    assert ledger.first_open("home", Family.IPV4, ALONE) is None
    assert ledger.usage()[0] == Usage("home", Family.IPV4, in_use=0, capacity=0)


def test_an_entry_that_gives_nothing_does_not_hide_the_next_one() -> None:
    ledger = Ledger([pool("home", "192.0.2.0/32", "198.51.100.7/32", avoid_buggy=True)])
    assert ledger.first_open("home", Family.IPV4, ALONE) == ip("198.51.100.7")


def test_a_holder_keeps_its_address_while_the_pools_change_around_it() -> None:
    ledger = Ledger([pool("old", "192.0.2.0/30")])
    ledger.hold(key("a"), ip("192.0.2.0"))
    ledger.arrange([pool("other", "198.51.100.0/24")])
    assert ledger.holders(ip("192.0.2.0")) == (key("a"),)
    assert ledger.usage()[0] == Usage("other", Family.IPV4, in_use=0, capacity=256)
    ledger.arrange([pool("new", "192.0.2.0/24")])
    assert ledger.first_open("new", Family.IPV4, ALONE) == ip("192.0.2.1")


# --- what it costs ------------------------------------------------------------------------------


@pytest.mark.parametrize("network", ["10.0.0.0/8", "2001:db8::/64", "2000::/3"])
def test_a_huge_pool_costs_no_more_than_a_small_one(network: str) -> None:
    def life(of: str, first: str) -> int:
        def run() -> None:
            ledger = Ledger([pool("p", of)])
            for name in "abc":
                free = ledger.first_open("p", family_of(ip(first)), ALONE)
                assert free is not None
                ledger.hold(key(name), free)
            ledger.usage()
            ledger.release(key("b"), ledger.held(key("b"))[0])

        return steps(run, controller.ledger, controller.slots)

    small = network.split("/", maxsplit=1)[0] + ("/29" if "." in network else "/125")
    assert life(network, network.split("/", maxsplit=1)[0]) == life(
        small, small.split("/", maxsplit=1)[0]
    )


@pytest.mark.parametrize("avoid_buggy", [False, True])
def test_the_next_free_address_of_a_crowded_pool_is_a_few_steps_away(avoid_buggy: bool) -> None:
    ledger = Ledger([pool("p", "10.0.0.0/8", avoid_buggy=avoid_buggy)])
    crowd = 20_000
    for number in range(crowd):
        free = ledger.first_open("p", Family.IPV4, ALONE)
        assert free is not None
        ledger.hold(Key("default", str(number)), free)
    last = ledger.held(Key("default", str(crowd - 1)))[0]
    expected = "10.0.78.188" if avoid_buggy else "10.0.78.31"
    assert str(last) == expected
    # Bisection over 20,000 slots: 15 rounds of five lines, and the arithmetic of one address.
    assert (
        steps(
            lambda: ledger.first_open("p", Family.IPV4, ALONE), controller.ledger, controller.slots
        )
        < 120
    )


def test_a_pool_of_very_many_full_entries_is_not_walked() -> None:
    ledger = Ledger([pool("p", *(f"10.{n // 256}.{n % 256}.7/32" for n in range(3_000)))])
    for number in range(2_999):
        free = ledger.first_open("p", Family.IPV4, ALONE)
        assert free is not None
        ledger.hold(Key("default", str(number)), free)
    assert (
        steps(
            lambda: ledger.first_open("p", Family.IPV4, ALONE), controller.ledger, controller.slots
        )
        < 120
    )
    assert ledger.first_open("p", Family.IPV4, ALONE) == ip("10.11.183.7")
