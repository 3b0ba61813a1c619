"""What can be saved of Services that cannot be read: pure.

A typing error in the spec leaves the Service as it was; where nobody knows how it was (after a
start), what its status shows must not go to somebody else. A status that makes no sense is the
controller's own to write, so the Service counts as one without status, which then gets it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from controller.desk import UNKNOWN
from controller.reconcile import shown
from vipcast.kube.parse import parse_service
from vipcast.model.addresses import Address
from vipcast.model.errors import ParseError
from vipcast.model.objects import Key, Service
from vipcast.model.raw import Raw


@dataclass(frozen=True, slots=True)
class Salvage:
    """`mended`: Services without the status that cannot be read. `standing`: what others show."""

    mended: Mapping[Key, Service] = field(default_factory=dict)
    standing: Mapping[Key, tuple[Address, ...]] = field(default_factory=dict)


def salvage(unreadable: Mapping[Key, Raw]) -> Salvage:
    """Look at each Service that cannot be read as a whole."""
    mended = {}
    standing = {}
    for key, raw in unreadable.items():
        try:
            mended[key] = replace(parse_service({**raw, "status": {}}), recorded=UNKNOWN)
        except ParseError:
            standing[key] = standing_on(raw)
    return Salvage(mended, standing)


def standing_on(raw: Raw) -> tuple[Address, ...]:
    """The addresses in the status, whatever is wrong elsewhere."""
    metadata, status = raw.get("metadata"), raw.get("status")
    if not isinstance(metadata, Mapping) or not isinstance(status, Mapping):
        return ()
    plain = {part: metadata.get(part) for part in ("namespace", "name")}
    balancer = {"loadBalancer": status.get("loadBalancer")}
    try:
        return shown(parse_service({**raw, "metadata": plain, "spec": {}, "status": balancer}))
    except ParseError:
        return ()  # the status makes no sense either; a finding about the object says so
