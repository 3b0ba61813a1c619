"""The ledger against a naive model that walks every address, and what a look-up may cost."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import controller.ledger
from controller.ledger import Ledger, Usage
from tests.support.steps import steps
from tests.unit.controller.making import ip, key, pool
from vipcast.model.addresses import Address, AddressRange, Family, family_of, make_address
from vipcast.model.objects import Key
from vipcast.model.pool import Pool, Protocol

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
            Protocol.LAYER2,
            tuple(entry for owner, entry in order if owner == name),
            avoid_buggy=name in avoiding,
        )
        for name in draw(st.permutations(sorted(set(names))))
    )


def offered(candidate: Pool, family: Family) -> Iterator[Address]:
    """Every address that a pool gives out, in its order, by walking."""
    for entry in candidate.entries:
        if entry.family is family:
            yield from (address for address in entry.addresses() if candidate.allows(address))


class LedgerAgainstWalking(RuleBasedStateMachine):
    """The same history for the ledger and for a dict that is searched address by address."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger()
        self.pools: tuple[Pool, ...] = ()
        self.model: dict[Address, Key] = {}

    @rule(pools=pool_lists())
    def configure(self, pools: tuple[Pool, ...]) -> None:
        self.pools = pools
        self.ledger.arrange(pools)

    @precondition(lambda self: self.pools)
    @rule(service=st.sampled_from(SERVICES), family=st.sampled_from(Family), data=st.data())
    def take_next(self, service: Key, family: Family, data: st.DataObject) -> None:
        candidate = data.draw(st.sampled_from(self.pools))
        free = (a for a in offered(candidate, family) if a not in self.model)
        expected = next(free, None)
        found = self.ledger.next_free(candidate.name, family)
        assert found == expected
        if found is not None:
            self.ledger.hold(service, found)
            self.model[found] = service

    @rule(service=st.sampled_from(SERVICES), number=st.integers(0x0A0000F8, 0x0A000208))
    def hold_one(self, service: Key, number: int) -> None:
        address = make_address(Family.IPV4, number)
        holder = self.model.setdefault(address, service)
        if holder == service:
            self.ledger.hold(service, address)
        else:
            with pytest.raises(ValueError, match=f"{address} is held by {holder}"):
                self.ledger.hold(service, address)

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def release_one(self, data: st.DataObject) -> None:
        address = data.draw(st.sampled_from(sorted(self.model, key=str)))
        service = self.model.pop(address)
        self.ledger.release(service, address)
        with pytest.raises(ValueError, match="does not hold"):
            self.ledger.release(service, address)

    @invariant()
    def nothing_is_lost_and_nothing_held_twice(self) -> None:
        held = [
            (address, service)
            for service, addresses in self.ledger.holdings().items()
            for address in addresses
        ]
        assert len(held) == len(self.model)
        assert dict(held) == self.model
        for address, service in self.model.items():
            assert self.ledger.holder(address) == service
            assert address in self.ledger.held(service)

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
        address = ledger.next_free("home", Family.IPV4)
        assert address is not None
        ledger.hold(key(name), address)
        given.append(str(address))
    assert given == ["192.0.2.8", "192.0.2.9", "192.0.2.2", "192.0.2.3"]
    assert ledger.next_free("home", Family.IPV4) is None
    ledger.release(key("b"), ip("192.0.2.9"))
    assert ledger.next_free("home", Family.IPV4) == ip("192.0.2.9")


def test_a_pool_of_addresses_to_avoid_gives_nothing() -> None:
    ledger = Ledger([pool("home", "192.0.2.0/32", "192.0.2.255/32", avoid_buggy=True)])
    assert ledger.next_free("home", Family.IPV4) is None
    assert ledger.usage()[0] == Usage("home", Family.IPV4, in_use=0, capacity=0)


def test_an_entry_that_gives_nothing_does_not_hide_the_next_one() -> None:
    ledger = Ledger([pool("home", "192.0.2.0/32", "198.51.100.7/32", avoid_buggy=True)])
    assert ledger.next_free("home", Family.IPV4) == ip("198.51.100.7")


def test_a_holder_keeps_its_address_while_the_pools_change_around_it() -> None:
    ledger = Ledger([pool("old", "192.0.2.0/30")])
    ledger.hold(key("a"), ip("192.0.2.0"))
    ledger.arrange([pool("other", "198.51.100.0/24")])
    assert ledger.holder(ip("192.0.2.0")) == key("a")
    assert ledger.usage()[0] == Usage("other", Family.IPV4, in_use=0, capacity=256)
    ledger.arrange([pool("new", "192.0.2.0/24")])
    assert ledger.next_free("new", Family.IPV4) == ip("192.0.2.1")


# --- what it costs ------------------------------------------------------------------------------


@pytest.mark.parametrize("network", ["10.0.0.0/8", "2001:db8::/64"])
def test_a_huge_pool_costs_no_more_than_a_small_one(network: str) -> None:
    def life(of: str, first: str) -> int:
        def run() -> None:
            ledger = Ledger([pool("p", of)])
            for name in "abc":
                free = ledger.next_free("p", family_of(ip(first)))
                assert free is not None
                ledger.hold(key(name), free)
            ledger.usage()
            ledger.release(key("b"), ledger.held(key("b"))[0])

        return steps(run, controller.ledger)

    small = network.split("/", maxsplit=1)[0] + ("/29" if "." in network else "/125")
    assert life(network, network.split("/", maxsplit=1)[0]) == life(
        small, small.split("/", maxsplit=1)[0]
    )


@pytest.mark.parametrize("avoid_buggy", [False, True])
def test_the_next_free_address_of_a_crowded_pool_is_a_few_steps_away(avoid_buggy: bool) -> None:
    ledger = Ledger([pool("p", "10.0.0.0/8", avoid_buggy=avoid_buggy)])
    crowd = 20_000
    for number in range(crowd):
        free = ledger.next_free("p", Family.IPV4)
        assert free is not None
        ledger.hold(Key("default", str(number)), free)
    last = ledger.held(Key("default", str(crowd - 1)))[0]
    expected = "10.0.78.188" if avoid_buggy else "10.0.78.31"
    assert str(last) == expected
    # Bisection over 20,000 slots: 15 rounds of five lines, and the arithmetic of one address.
    assert steps(lambda: ledger.next_free("p", Family.IPV4), controller.ledger) < 120


def test_a_pool_of_very_many_full_entries_is_not_walked() -> None:
    ledger = Ledger([pool("p", *(f"10.{n // 256}.{n % 256}.7/32" for n in range(3_000)))])
    for number in range(2_999):
        free = ledger.next_free("p", Family.IPV4)
        assert free is not None
        ledger.hold(Key("default", str(number)), free)
    assert steps(lambda: ledger.next_free("p", Family.IPV4), controller.ledger) < 120
    assert ledger.next_free("p", Family.IPV4) == ip("10.11.183.7")
