"""States of the whole segment: each beginning and each end is told once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from speaker.leadership.effects import Condition, Effect
from vipcast.model.reasons import Reason


class Conditions:
    """Those that hold now. Effects go to `out`; the caller empties it."""

    def __init__(self, held: Iterable[Reason], out: list[Effect]) -> None:
        self._held = set(held)
        self._out = out

    def __contains__(self, reason: Reason) -> bool:
        return reason in self._held

    def __iter__(self) -> Iterator[Reason]:
        return iter(self._held)

    def first(self, *reasons: Reason) -> Reason | None:
        """The first of these that holds; None if none does."""
        return next((reason for reason in reasons if reason in self._held), None)

    def note(self, reason: Reason, *, holds: bool, detail: str = "") -> None:
        """It holds now, or it does not; `detail` is more about what begins."""
        if holds != (reason in self._held):
            (self._held.add if holds else self._held.discard)(reason)
            self._out.append(Condition(reason, begins=holds, detail=detail if holds else ""))
