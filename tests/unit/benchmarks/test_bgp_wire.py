"""The account of bgp_wire, and that every contender says the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks import bgp_wire
from benchmarks.bgp_wire import CASES, EXABGP, MEMCPY, RECORDS, WHOLE, WIRE, judged, measure
from benchmarks.exabgp_encoder import exabgp
from benchmarks.harness import BenchmarkError
from speaker.bgp import encode

IPV4, IPV6 = CASES


def test_the_fewest_bytes_are_those_of_the_physical_limit() -> None:
    assert IPV4.least(10_000) == (13, 50_559)
    assert IPV6.least(10_000) == (43, 172_623)
    assert (IPV4.least(810), IPV4.least(811)) == ((1, 4093), (2, 4141))


@pytest.mark.parametrize("case", CASES)
def test_a_full_message_has_the_overhead_that_is_counted_with(case: bgp_wire.Case) -> None:
    for number in (100, 500, 1000):
        array = b"".join(case.addresses(number))
        sent = encode.announce(case.family, case.attributes(), array, four_octet=True)
        least = case.least(number)
        assert bgp_wire.on_the_wire(sent, *least)["messages"] == least[0]
        assert 0 <= least[1] - len(sent) <= 1  # a carrier of less than 256 bytes saves one


@pytest.mark.parametrize("case", CASES)
def test_every_contender_is_measured_and_says_the_same_routes(case: bgp_wire.Case) -> None:
    told = measure(case, 900, rounds=2, warm_up=0)
    names = (RECORDS, WIRE, MEMCPY, WHOLE, EXABGP)
    samples = [told["contenders"][name]["us"]["samples"] for name in names]
    assert samples == [2 * bgp_wire.CALLS] * 4 + [2]
    assert told["wire"]["line_met"]


def test_exabgp_sends_the_same_bytes_for_ipv4() -> None:
    addresses = IPV4.addresses(2000)
    ours = encode.announce(IPV4.family, IPV4.attributes(), b"".join(addresses), four_octet=True)
    with exabgp(IPV4.family, IPV4.attributes(), addresses) as theirs:
        assert theirs is not None
        assert theirs.sent == ours


def test_messages_that_say_other_routes_end_the_measurement() -> None:
    one, other = (
        encode.announce(IPV4.family, IPV4.attributes(), address, four_octet=True)
        for address in IPV4.addresses(2)
    )
    bgp_wire.agree(one, one, IPV4.family)
    with pytest.raises(BenchmarkError, match="do not say the same routes"):
        bgp_wire.agree(one, other, IPV4.family)


def test_c_that_writes_other_bytes_ends_the_measurement() -> None:
    array = b"".join(IPV4.addresses(3))
    sent = encode.announce(IPV4.family, IPV4.attributes(), array, four_octet=True)
    with pytest.raises(BenchmarkError, match="does not write what encode does"):
        bgp_wire.InC(IPV4, array, sent[:-1] + b"\0", wire_form=False)
    with pytest.raises(BenchmarkError, match="does not write what encode does"):
        bgp_wire.InC(replace(IPV4, next_hop=IPV6.next_hop), array, sent, wire_form=True)


def test_each_form_is_judged_by_its_own_line() -> None:
    quick = judged({MEMCPY: [[1000] * 3], RECORDS: [[49_999] * 3], WIRE: [[3000] * 3]})
    slow = judged({MEMCPY: [[1000] * 3], RECORDS: [[50_000] * 3], WIRE: [[3001] * 3]})
    assert (quick[RECORDS]["line_met"], slow[RECORDS]["line_met"]) == (True, False)
    assert (quick[WIRE]["line_met"], slow[WIRE]["line_met"]) == (True, False)
    assert quick[RECORDS]["beside_memcpy"]["median"]["ratio"] == 49.999
    assert quick[MEMCPY].keys() == {"us"}
