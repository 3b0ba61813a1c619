"""Durations in Go's form, as MetalLB takes them: "90s", "1h30m", "1.5s", "500ms", and "0".

The grammar is that of Go's time.ParseDuration: an optional sign, then numbers with a unit each. The
value is exact: nanoseconds, as an integer of at most 64 bits.
"""

from __future__ import annotations

import re

FORMS = 'Write a number with its unit, such as "90s" or "1m30s".'

_UNITS = {
    "ns": 1,
    "us": 10**3,
    "\u00b5s": 10**3,
    "\u03bcs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^0-9.]+)")
_SECOND = _UNITS["s"]
_LONGEST = 80
_MOST = 2**63 - 1


def nanoseconds(text: str) -> int:
    """A duration in nanoseconds; raises ValueError with a sentence."""
    digits = text[1:] if text[:1] in ("-", "+") else text
    if digits == "0":
        return 0
    total, place = 0, 0
    while place < len(digits) and len(digits) <= _LONGEST:
        part = _PART.match(digits, place)
        if part is None or not (part[1] or part[2]):
            break
        if part[3] not in _UNITS:
            raise ValueError(f"{part[3]!r} is no unit of time: use h, m, s, ms, us or ns.")
        unit, fraction = _UNITS[part[3]], part[2] or ""
        total += int(part[1] or 0) * unit + int(fraction or 0) * unit // 10 ** len(fraction)
        place = part.end()
    else:
        if digits and total <= _MOST and len(digits) <= _LONGEST:
            return -total if text[0] == "-" else total
    if re.fullmatch(r"[0-9.]+", digits):
        raise ValueError("The unit is missing.")
    raise ValueError("This is no duration.")


def whole_seconds(text: str) -> int:
    """A duration in seconds, what is left of a second cut off; raises ValueError."""
    value = nanoseconds(text)
    return value // _SECOND if value >= 0 else -(-value // _SECOND)
