"""Times of day at which something began, each made once and told until something else begins."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from typing import Generic, TypeVar

Place = TypeVar("Place", bound=Hashable)


class Stamps(Generic[Place]):
    """`now` gives the time as text."""

    def __init__(self, now: Callable[[], str]) -> None:
        self._now = now
        self._known: dict[Place, tuple[int, str]] = {}

    def of(self, place: Place, mark: int) -> str:
        """When this mark was first seen there; the next mark replaces it."""
        known = self._known.get(place)
        if known is None or known[0] != mark:
            known = self._known[place] = (mark, self._now())
        return known[1]

    def keep(self, places: Collection[Place]) -> None:
        """Forget all others."""
        for place in self._known.keys() - set(places):
            del self._known[place]
