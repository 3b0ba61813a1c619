"""Who has written a Service's addresses, as an API server keeps account of it: managedFields. PURE.

Of that account only the names are kept that matter here, so that an object stays small, and equal
while nothing has changed. It helps people; whatever it looks like, nothing is refused for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vipcast.model.raw import Raw

MANAGED = "managedFields"
OURS = "vipcast-controller"
"""The name under which the controller writes."""

_PATH = ("fieldsV1", "f:status", "f:loadBalancer", "f:ingress")


def accounts(metadata: Raw) -> list[dict[str, Any]]:
    """The managedFields of those who have written the addresses, without anything else."""
    entries = metadata.get(MANAGED)
    return [
        {
            "manager": entry["manager"],
            "fieldsV1": {"f:status": {"f:loadBalancer": {"f:ingress": {}}}},
        }
        for entry in (entries if isinstance(entries, list) else ())
        if _wrote(entry)
    ]


def writer(metadata: Raw) -> str:
    """Who has written the addresses: somebody else if there is one, else we; "" if nobody knows."""
    names = sorted(entry["manager"] for entry in accounts(metadata))
    return next((name for name in names if name != OURS), names[0] if names else "")


def _wrote(entry: Any) -> bool:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("manager"), str):
        return False
    for name in _PATH:
        entry = entry.get(name) if isinstance(entry, Mapping) else None
    return isinstance(entry, Mapping)
