"""Pools, a ledger, and what `decide` answers most of the time, for tests of one decision."""

from __future__ import annotations

from controller.allocator import Assignment
from controller.ledger import Ledger
from controller.reconcile import Outcome, Status
from tests.unit.controller.making import ip, key, pool, service
from vipcast.config import Config
from vipcast.model.objects import (
    Recorded,
    Service,
)
from vipcast.model.raw import SERVICE, EventNote, EventType, Ref
from vipcast.model.reasons import Reason

HOME = pool("home", "192.0.2.10-192.0.2.12")
LAB = pool("lab", "198.51.100.0/29", avoid_buggy=True)
SPARE = pool("spare", "203.0.113.5/32", auto_assign=False)
CONFIG = Config((HOME, LAB, SPARE))
POOLS = "pools: home, lab, spare"


def about(name: str, kind: EventType, reason: str, message: str) -> EventNote:
    return EventNote(Ref(SERVICE, key(name)), kind, reason, message)


def ledger(config: Config | None = CONFIG, **held: str) -> Ledger:
    """A ledger in which Services hold addresses, several joined by blanks."""
    made = Ledger(config.pools if config else ())
    for name, addresses in held.items():
        for address in addresses.split():
            made.hold(key(name), ip(address))
    return made


def assigned(address: str, pool_name: str) -> Recorded:
    message = f"{address} from pool {pool_name}."
    return Recorded(pool_name, assigned=True, reason="allocated", message=message)


def holding(name: str, address: str, pool_name: str, **fields: object) -> Service:
    """A Service on which an address stands."""
    given = {"ingress": (address,), "recorded": assigned(address, pool_name), **fields}
    return service(name, **given)


def refusal(of: Service, reason: Reason, message: str, *more: EventNote) -> Outcome:
    """No address, and the user is told so for the first time."""
    name = of.key.name
    told = "LoadBalancerFailed" if reason is Reason.INVALID_REQUEST else "AllocationFailed"
    return Outcome(
        of.key,
        reason,
        message,
        status=Status((), Recorded(reason=reason, message=message)),
        events=(
            *more,
            about(name, EventType.WARNING, told, f"{reason}: {message}"),
        ),
        waits=True,
    )


def gift(name: str, address: str, pool_name: str) -> Outcome:
    """The first address of a Service."""
    return Outcome(
        key(name),
        Reason.ALLOCATED,
        f"{address} from pool {pool_name}.",
        assignment=Assignment(ip(address), pool_name),
        status=Status((address,), assigned(address, pool_name)),
        events=(
            about(
                name,
                EventType.NORMAL,
                "IPAllocated",
                f"Assigned {address} from pool {pool_name}.",
            ),
        ),
    )
