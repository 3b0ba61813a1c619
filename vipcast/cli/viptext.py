"""A Vip as text for people, as JSON or as YAML; all three say the same. PURE."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vipcast.cli.output import Paragraph, some, written
from vipcast.cli.routestext import routed_data, routed_text
from vipcast.cli.sentences import announcement_data, announcement_text
from vipcast.cli.text import Screen
from vipcast.cli.vip import Party, Standing, Vip
from vipcast.ops.values import Output


def tell_vip(vip: Vip, output: Output, screen: Screen) -> str:
    """The whole text, with its last line end."""
    return written(vip_data(vip), lambda: _paragraphs(vip), output, screen)


def vip_data(vip: Vip) -> dict[str, Any]:
    """The explanation in the form that JSON and YAML show."""
    return {
        "address": vip.address,
        "healthy": vip.well,
        "standing": str(vip.standing),
        "pool": vip.pool,
        "notes": list(vip.notes),
        "services": [_party_data(one) for one in vip.owners],
        "waiting": [_party_data(one) for one in vip.waiting],
        "announcements": [announcement_data(one) for one in vip.announcements],
        "routes": [routed_data(one) for one in vip.routes],
        "controller": vip.controller,
    }


def _party_data(party: Party) -> dict[str, Any]:
    return {
        "service": str(party.service),
        "ports": list(party.ports),
        "reason": party.reason,
        "message": party.message,
        "since": party.since,
    }


def _paragraphs(vip: Vip) -> Iterable[Paragraph]:
    yield [*_head(vip), *vip.notes]
    if vip.waiting:
        yield [
            "Services that ask for it and do not have it:",
            *some(f"  {one.service} ({one.reason}): {one.message}" for one in vip.waiting),
        ]
    shared = len(vip.owners) > 1
    yield from (announcement_text(one, named=shared) for one in vip.announcements)
    yield from (routed_text(one, named=shared) for one in vip.routes)
    if vip.controller:
        yield [vip.controller]


def _head(vip: Vip) -> list[str]:
    if vip.standing is Standing.FREE:
        return [f"{vip.address} is free: it lies in pool {vip.pool}, and no Service has it."]
    if vip.standing is Standing.OUTSIDE:
        return [f"{vip.address} is in no pool, and no Service has it."]
    if vip.standing is Standing.UNKNOWN:
        return [f"No Service has {vip.address}."]
    pool = f" from pool {vip.pool}" if vip.pool else ""
    if len(vip.owners) == 1:
        (owner,) = vip.owners
        return [f"{vip.address}{pool} belongs to Service {_owner(owner)}.", owner.message]
    return [
        f"{vip.address}{pool} is shared by {len(vip.owners)} Services:",
        *some(f"  {_owner(one)}. {one.message}" for one in vip.owners),
    ]


def _owner(party: Party) -> str:
    ports = f", {', '.join(party.ports)}" if party.ports else ""
    since = f", since {party.since}" if party.since else ""
    return f"{party.service}{ports} ({party.reason}{since})"
