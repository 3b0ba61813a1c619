"""What a tally of calls to an API server says: by program, how many of each verb and kind.

tally(audit.new())["speaker"]   {"watch nodes": 12, "create events": 1}
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from lab.kubernetes.audit import READING, Call

Tally = Mapping[str, Mapping[str, int]]


def tally(calls: Iterable[Call]) -> Tally:
    """Calls by program and by what they did, both in the order of the alphabet."""
    found: dict[str, Counter[str]] = {}
    for call in calls:
        found.setdefault(call.program, Counter())[f"{call.verb} {call.resource}"] += 1
    return {program: dict(sorted(made.items())) for program, made in sorted(found.items())}


def writes(calls: Mapping[str, int]) -> int:
    """How many of a program's calls were meant to change something."""
    return sum(times for call, times in calls.items() if call.partition(" ")[0] not in READING)
