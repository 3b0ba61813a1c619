"""Kinds that users of MetalLB write and this version does not read: what to do instead. Pure.

An object without effect is said to have none, one finding each; its neighbours are not affected.
A kind that becomes readable needs its line here no longer.
"""

from __future__ import annotations

from collections.abc import Mapping

from vipcast.model.errors import Finding
from vipcast.model.raw import VERSIONS, Kind

METALLB, VIPCAST = "metallb.io", "vipcast.io"

_POOL = "Write it as an IPAddressPool."

UNREAD: Mapping[Kind, str] = {
    Kind(METALLB, "AddressPool"): _POOL,
    Kind(METALLB, "MetalLB"): "Remove it: it tells an operator how to install MetalLB.",
}
"""Each kind, and what to write instead as a sentence."""


def not_read(kind: str) -> str:
    """What a person reads about an object of a kind, by its name, that has no effect."""
    return f"Kind {kind} is not read in this version."


def without_effect(finding: Finding) -> bool:
    """Whether it is about an object that has no effect, and about nothing that is wrong."""
    return finding.message == not_read(finding.value)


def instead_of(kind: Kind) -> str | None:
    """What to write instead of an object of that kind; None if nobody needs to be told."""
    if kind in UNREAD:
        return UNREAD[kind]
    if kind.group not in (METALLB, VIPCAST) or kind in VERSIONS:
        return None
    return f"Remove it: {kind.group} has no such kind."
