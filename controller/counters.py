"""What an IPAddressPool's status says of its addresses: how many are assigned, how many free. Pure.

    counters(usage)               the status of each pool, by its name
    differs(wanted, raw, last)    whether it is to be written on the object

Only what we have counted differently since is written. Who else writes there is not answered, so
that two who count differently do not write for ever; at the start counts on what stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from controller.ledger import Usage
from vipcast.model.addresses import Family
from vipcast.model.raw import Raw

LARGEST = 2**63 - 1
"""What the field of a larger IPv6 pool holds: it has 64 bits, with a sign."""

Counters = Mapping[str, int]

_NAMES = {
    Family.IPV4: ("assignedIPv4", "availableIPv4"),
    Family.IPV6: ("assignedIPv6", "availableIPv6"),
}


def counters(usage: Iterable[Usage]) -> dict[str, dict[str, int]]:
    """MetalLB's four counters for each pool; a shared address is one."""
    found: dict[str, dict[str, int]] = {}
    for use in usage:
        assigned, available = _NAMES[use.family]
        counted = found.setdefault(use.pool, {})
        counted[assigned] = min(use.in_use, LARGEST)
        counted[available] = min(use.capacity - use.in_use, LARGEST)
    return found


def differs(wanted: Counters, raw: Raw, last: Counters | None) -> bool:
    """Whether a pool lacks these counters; `last` are those that were written on it last.

    They count more than what is seen on the object, for they may not have come back yet.
    """
    status = raw.get("status")
    stands = status if isinstance(status, Mapping) else {}
    if last is None or not wanted.keys() <= stands.keys():
        return any(stands.get(name) != value for name, value in wanted.items())
    return wanted != last
