"""Which address a Service may have: the answer is an Assignment, or a Refusal that says what to do.

    keep(address, wanted, …)      may the Service keep the address it has?
    choose(wanted, …)             which one does it get: the requested one, else the first open one
    lacks(service, …)             what does it ask for and not get, though it has an address?

Wishes (`controller.wishes`) count in MetalLB's order: an address, then a pool (annotation
address-pool), then every pool with auto-assign that is for the Service. Pools are tried in the
order of the configuration, which has those for certain Services first. In a pool the first address
counts that is free, or that those who have it share with this Service.
IPv4 only: a Service of both families gets its IPv4 address, one of IPv6 alone is told to wait.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from controller.ledger import Ledger
from controller.sharing import Sharing
from controller.wishes import Refusal, Wish, no_ipv6
from vipcast.config import Config
from vipcast.model.addresses import Address, Family, family_of
from vipcast.model.objects import FamilyPolicy, Key, Service
from vipcast.model.pool import Allocation, Pool
from vipcast.model.reasons import Reason, protocol_not_yet

LOST = {
    Reason.NOT_IN_ANY_POOL: Reason.POOL_CHANGED,
    Reason.BUGGY_ADDRESS: Reason.POOL_CHANGED,
    Reason.ADDRESS_IN_USE: Reason.CONFLICT,
    Reason.UNKNOWN_POOL: Reason.REQUEST_CHANGED,
    Reason.POOL_MISMATCH: Reason.REQUEST_CHANGED,
}
"""Why an address cannot be given → why it cannot be kept, where these are two words."""

SHOWN = 8
"""How many pools a message names before it only counts the rest (an Event holds 1,024 bytes)."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """The controller's yes: an address, and the pool it is from."""

    address: Address
    pool: str

    def __str__(self) -> str:
        return f"{self.address} from pool {self.pool}"


def keep(address: Address, wanted: Wish, config: Config, ledger: Ledger) -> Assignment | Refusal:
    """Whether a Service may keep an address; the reason of a Refusal says why it is taken back."""
    if family_of(address) is not Family.IPV4:
        return no_ipv6(f"{address} is not kept.")
    if wanted.address not in (None, address):
        return Refusal(Reason.REQUEST_CHANGED, f"The Service asks for {wanted.address} now.")
    found = _admit(address, wanted, config, ledger, standing=True)
    if isinstance(found, Assignment):
        return found
    return replace(found, reason=LOST.get(found.reason, found.reason))


def choose(wanted: Wish, config: Config, ledger: Ledger) -> Assignment | Refusal:
    """The address that a Service without one gets now."""
    if wanted.unread is not None:
        return wanted.unread
    if wanted.address is not None:
        return _admit(wanted.address, wanted, config, ledger, standing=False)
    pools = _pools(wanted, config)
    if isinstance(pools, Refusal):
        return pools
    for pool in pools:
        address = ledger.first_open(pool.name, Family.IPV4, wanted.sharing)
        if address is not None:
            return Assignment(address, pool.name)
    return _nothing_left(pools)


def lacks(service: Service, wanted: Wish, given: Assignment, config: Config) -> tuple[Refusal, ...]:
    """What a Service with an address does not get, the gravest first; hints are `hints`."""
    found = [] if wanted.unread is None else [wanted.unread]
    if config.only_by_bgp(given.pool):
        found.append(Refusal(Reason.PROTOCOL_NOT_YET, protocol_not_yet(given.pool)))
    if service.family_policy is FamilyPolicy.REQUIRE_DUAL:
        what = (
            "The Service requires both families and has an IPv4 address only; write"
            " ipFamilyPolicy: PreferDualStack to make do with that."
        )
        found.append(no_ipv6(what))
    return tuple(found)


def hints(service: Service) -> tuple[str, ...]:
    """What a Service with an address would rather have, as sentences; nothing is wrong."""
    if service.family_policy is not FamilyPolicy.PREFER_DUAL:
        return ()
    return ("An IPv6 address, which the Service prefers to have too, is not served yet.",)


def _admit(
    address: Address, wanted: Wish, config: Config, ledger: Ledger, *, standing: bool
) -> Assignment | Refusal:
    """Whether a Service may have this address; `standing`: it has it already."""
    pool = config.pool_of(address)
    if pool is None:
        return Refusal(
            Reason.NOT_IN_ANY_POOL,
            f"{address} is in no configured pool ({_names(config.pools)})."
            " Ask for an address of a pool, or add this one to a pool.",
        )
    if not pool.allows(address):
        return Refusal(
            Reason.BUGGY_ADDRESS,
            f"{address} ends in .0 or .255, which pool {pool.name} avoids (avoid-buggy-ips)."
            " Ask for another address.",
        )
    if wanted.pool is not None and wanted.pool != pool.name:
        if config.pool_named(wanted.pool) is None:
            return _unknown(wanted.pool, config)
        return Refusal(
            Reason.POOL_MISMATCH,
            f"{address} lies in pool {pool.name}, and the annotation address-pool asks for pool"
            f" {wanted.pool}. Change one of the two.",
        )
    if not wanted.admitted_by(pool):
        return _not_for(pool)
    # Last, for it is what changes: the same objects give the same answer whoever came first.
    other = ledger.objector(wanted.service, address, wanted.sharing, standing=standing)
    if other is not None:
        return _taken(address, other, wanted.sharing, ledger.sharing(other, address))
    return Assignment(address, pool.name)


def _pools(wanted: Wish, config: Config) -> tuple[Pool, ...] | Refusal:
    """The pools to look in, in their order; at least one."""
    if wanted.pool is not None:
        named = config.pool_named(wanted.pool)
        if named is None:
            return _unknown(wanted.pool, config)
        return (named,) if wanted.admitted_by(named) else _not_for(named)
    giving = tuple(pool for pool in config.pools if pool.auto_assign)
    if not giving:
        return Refusal(
            Reason.NO_AUTO_ASSIGN_POOL,
            f"No pool hands out addresses by itself ({_names(config.pools)})."
            " Name a pool by the annotation address-pool, or let a pool have auto-assign.",
        )
    return tuple(pool for pool in giving if wanted.admitted_by(pool)) or Refusal(
        Reason.POOL_NOT_FOR_SERVICE,
        f"Every pool that hands out addresses by itself is for other Services ({_names(giving)})."
        " Let the serviceAllocation of one take this Service, or add a pool for it.",
    )


def _taken(address: Address, other: Key, mine: Sharing, theirs: Sharing | None) -> Refusal:
    """Why a Service cannot have the address of another one."""
    what = f"{address} belongs to Service {other}"
    if theirs is None:
        return Refusal(
            Reason.ADDRESS_IN_USE,
            f"{what}, which cannot be read, or is about to be decided anew."
            " Correct that Service, or ask for another address.",
        )
    if not mine.key:
        hint = f", or share it by allow-shared-ip: {theirs.key}" if theirs.key else ""
        return Refusal(
            Reason.ADDRESS_IN_USE,
            f"{what}. Ask for another address, or free it there{hint}.",
        )
    if not theirs.key:
        why = "that one has no annotation allow-shared-ip. Give both the same one"
    elif mine.key != theirs.key:
        why = (
            f"its annotation allow-shared-ip is {theirs.key!r}, not {mine.key!r}."
            " Give both the same one"
        )
    elif mine.backends != theirs.backends:
        why = (
            "the two do not lead to the same pods. Give both externalTrafficPolicy: Cluster, or"
            " both Local and the same selector"
        )
    else:
        both = sorted(mine.ports & theirs.ports)
        ports = _list(f"{port.protocol} {port.number}" for port in both)
        why = f"both have the port {ports}. Change it in one of them"
    message = f"{what} and cannot be shared: {why}, or ask for another address."
    return Refusal(Reason.SHARING_REFUSED, message)


def _not_for(pool: Pool) -> Refusal:
    takes = "" if pool.allocation is None else _described(pool.allocation)
    return Refusal(
        Reason.POOL_NOT_FOR_SERVICE,
        f"Pool {pool.name} is for other Services: it takes those {takes}."
        " Ask for an address of another pool, or let its serviceAllocation take this Service.",
    )


def _described(allocation: Allocation) -> str:
    """Which Services a pool takes, as the end of a sentence."""
    places = []
    if allocation.namespaces:
        places.append(f"of namespace {' or '.join(sorted(allocation.namespaces))}")
    if allocation.namespace_selectors:
        labels = " or ".join(map(str, allocation.namespace_selectors))
        places.append(f"of namespaces with {labels}")
    parts = [", or ".join(places)] if places else []
    if allocation.services:
        parts.append(f"with {' or '.join(map(str, allocation.services))}")
    return " ".join(parts)


def _nothing_left(pools: tuple[Pool, ...]) -> Refusal:
    sizes = [(pool.name, size) for pool in pools if (size := pool.capacity(Family.IPV4))]
    if not sizes and any(pool.capacity(Family.IPV6) for pool in pools):
        return no_ipv6(
            f"There is no IPv4 address in what this Service may have ({_names(pools)});"
            " add IPv4 addresses to a pool."
        )
    if not sizes:
        return Refusal(
            Reason.BUGGY_ADDRESS,
            f"Every address that this Service may have ends in .0 or .255 ({_names(pools)}), which"
            " the pools avoid (avoid-buggy-ips). Add other addresses to a pool.",
        )
    counts = _list(f"pool {name} ({size} of {size} in use)" for name, size in sizes)
    return Refusal(
        Reason.POOL_EXHAUSTED,
        f"Every address that this Service may have is taken: {counts}."
        " Add addresses to a pool, or delete a Service that is no longer needed.",
    )


def _unknown(pool: str, config: Config) -> Refusal:
    return Refusal(
        Reason.UNKNOWN_POOL,
        f"The annotation address-pool asks for pool {pool}, which does not exist"
        f" ({_names(config.pools)}). Name a pool of the configuration.",
    )


def _names(pools: tuple[Pool, ...]) -> str:
    names = _list(pool.name for pool in pools)
    return f"pools: {names}" if names else "there is no pool"


def _list(items: Iterable[str]) -> str:
    shown = list(items)
    rest = len(shown) - SHOWN
    return ", ".join(shown[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")
