"""Many changes at once, taken a few at a time, so that hellos have their turn in between. PURE.

A lease lasts 0.8 s, and on a machine whose processors are all taken a speaker may get a twentieth
of one: what it does at a stretch must be far shorter than that. Whatever decides about many objects
(nodes, the configuration) stays together and comes first; of the first snapshot everything does.
What belongs together is decided together, where names say so: a Service and its EndpointSlices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from vipcast.model.raw import (
    ENDPOINT_SLICE,
    SERVICE,
    SERVICE_BGP_STATUS,
    SERVICE_L2_STATUS,
    Batch,
)

AT_ONCE: Final = 64
"""Objects of one portion, but for those that stay together: some 10 ms of work."""

REST: Final = 2.0
"""So many times as long as a batch has taken the next one gathers."""

LONGEST_REST: Final = 0.2
"""Seconds, the most of it: by then a hello is due."""

_MANY = frozenset({SERVICE, ENDPOINT_SLICE, SERVICE_L2_STATUS, SERVICE_BGP_STATUS})


def portions(batch: Batch) -> Iterator[Batch]:
    """The same changes in several batches, none of which is the first snapshot."""
    if len(batch.deltas) <= AT_ONCE:
        yield batch
        return
    together = tuple(delta for delta in batch.deltas if delta.ref.kind not in _MANY)
    # A slice's name begins with that of its Service: apart, each would have it decided upon again.
    others = sorted(
        (delta for delta in batch.deltas if delta.ref.kind in _MANY),
        key=lambda delta: delta.ref.key,
    )
    for start in range(0, max(len(others), 1), AT_ONCE):
        yield replace(batch, deltas=(*together, *others[start : start + AT_ONCE]))
        together = ()


def rest(seconds: float) -> float:
    """How long the next batch gathers after one that has taken so long; other work is done then."""
    return min(REST * seconds, LONGEST_REST)
