"""A program's sign of life: a time that it renews in its ConfigurationState, where it gives any.

What is written for another reason in between carries the same time, so it costs no write more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from vipcast.kube.render import timestamp

EVERY: Final = 10.0
"""Seconds between two signs of life."""


class Heartbeat:
    """`wall` gives seconds since 1970. On a cluster, which watches its Pods, none is `given`."""

    def __init__(self, wall: Callable[[], float], *, given: bool) -> None:
        self._wall = wall
        self._given = given
        self._text = ""
        self._due = float("-inf")

    @property
    def due(self) -> float | None:
        """The monotonic time of the next one after the first; None: there is none."""
        return self._due if self._text else None

    def text(self, now: float) -> str:
        """The time of the last one, RFC 3339, which is now where it is due again; "": none."""
        if self._given and now >= self._due:
            self._text = timestamp(self._wall())
            self._due = now + EVERY
        return self._text
