"""Whatever a peer sends gets one answer, and none outside the tree of errors."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from speaker.bgp.decode import Context
from speaker.bgp.nlri import count
from tests.unit.bgp.mutating import (
    CONTEXTS,
    SEEDS,
    changed,
    changes,
    check,
    contexts,
    seeds,
    told,
)

CASES = 10_000


def _takes_any_prefix(octets: bytes, start: int, end: int, afi: int) -> int:
    return count(octets, start, end, afi) or 0


def _takes_any_header(octets: bytes, **_: bool) -> int:
    return len(octets)


@pytest.mark.parametrize("context", CONTEXTS)
def test_the_messages_to_begin_with_keep_the_rules(context: Context) -> None:
    for octets in SEEDS:
        check(octets, context)


@settings(max_examples=CASES, suppress_health_check=list(HealthCheck), deadline=None)
@given(seed=seeds, how=changes, told=told, context=contexts)
def test_ten_thousand_messages_gone_wrong_keep_the_rules(
    seed: int, how: bytes, told: str, context: int
) -> None:
    check(changed(seed, how, told), CONTEXTS[context])


@pytest.mark.parametrize(
    ("what", "mistaken"),
    [
        ("speaker.bgp.received.count", _takes_any_prefix),
        ("speaker.bgp.decode.message_size", _takes_any_header),
    ],
)
def test_a_mistake_of_the_decoder_is_found(
    monkeypatch: pytest.MonkeyPatch, what: str, mistaken: Callable[..., int]
) -> None:
    monkeypatch.setattr(what, mistaken)

    @settings(max_examples=CASES, database=None, phases=[Phase.generate])
    @given(seed=seeds, how=changes, told=told, context=contexts)
    def run(seed: int, how: bytes, told: str, context: int) -> None:
        check(changed(seed, how, told), CONTEXTS[context])

    with pytest.raises((AssertionError, LookupError, ValueError, ExceptionGroup)):
        run()


@given(st.binary(max_size=200), contexts)
def test_any_octets_keep_the_rules(octets: bytes, context: int) -> None:
    check(octets, CONTEXTS[context])
