"""Durations are read as Go reads them, exactly."""

from __future__ import annotations

import re
from contextlib import nullcontext
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vipcast.config.durations import nanoseconds, whole_seconds

SECOND = 10**9


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("-0", 0),
        ("90s", 90 * SECOND),
        ("1m30s", 90 * SECOND),
        ("1.5m", 90 * SECOND),
        ("+5s", 5 * SECOND),
        ("-5s", -5 * SECOND),
        (".5s", SECOND // 2),
        ("5.s", 5 * SECOND),
        ("500ms", SECOND // 2),
        ("1h1m1s1ms1us1ns", 3661 * SECOND + 1_001_001),
        ("1\u00b5s1\u03bcs", 2000),
        ("0.1s0.2s", 300_000_000),
        ("9223372036854775807ns", 2**63 - 1),
    ],
)
def test_a_duration_is_the_sum_of_its_parts(text: str, value: int) -> None:
    assert nanoseconds(text) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("90", "The unit is missing."),
        ("1.5", "The unit is missing."),
        ("1m30", "This is no duration."),
        ("90 s", "' s' is no unit of time: use h, m, s, ms, us or ns."),
        ("1d", "'d' is no unit of time: use h, m, s, ms, us or ns."),
        ("", "This is no duration."),
        ("-", "This is no duration."),
        ("s", "This is no duration."),
        (".s", "This is no duration."),
        ("1..5s", "This is no duration."),
        ("\u0661s", "This is no duration."),
        ("9223372036854775808ns", "This is no duration."),
        ("1" * 5000 + "s", "This is no duration."),
    ],
)
def test_what_is_no_duration_is_refused_with_a_sentence(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        nanoseconds(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90.9s", 90), ("999ms", 0), ("-1.5s", -1), ("2h", 7200)]
)
def test_what_is_left_of_a_second_is_cut_off(text: str, seconds: int) -> None:
    assert whole_seconds(text) == seconds


def _is_one(text: str) -> bool:
    """Whether the grammar of Go's documentation has it."""
    number = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
    return bool(re.fullmatch(rf"[-+]?(?:0|(?:{number}(?:ns|us|ms|s|m|h))+)", text))


def _fits(text: str) -> bool:
    """Whether it is one that 64 bits hold, in nanoseconds."""
    units = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
    parts = re.findall(r"([0-9.]+)(ns|us|ms|s|m|h)", text)
    return sum(int(Fraction(number) * units[unit]) for number, unit in parts) < 2**63


@given(st.text(alphabet="0123456789.hmsnu+-x", max_size=12))
@example("3000000h")
def test_any_text_is_a_duration_or_refused_with_a_sentence(text: str) -> None:
    good = _is_one(text) and _fits(text)
    with pytest.raises(ValueError, match=r"\.$") if not good else nullcontext():
        assert abs(nanoseconds(text)) < 2**63
