"""Two interfaces of one node on one segment: found by what they hear, so that one stands down."""

from __future__ import annotations

from collections.abc import Iterable

from speaker.leadership.core import SegmentCore


def twins(cores: Iterable[SegmentCore]) -> tuple[SegmentCore, ...]:
    """Cores of one node that hear the same link of some node as a core of a lower ifindex does.

    Both are on one segment then. (The kernel drops what comes from an address of its own, so a node
    does not hear itself.) Tell each of them by `twin_heard` once a second or so while it lasts.
    """
    found = []
    heard: set[tuple[str, int, int]] = set()
    for core in sorted(cores, key=lambda core: core.link):
        hears = core.hears()
        if heard & hears:
            found.append(core)
        heard |= hears
    return tuple(found)
