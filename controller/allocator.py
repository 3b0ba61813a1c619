"""Which address a Service may have: the answer is an Assignment, or a Refusal that says what to do.

    wish(service)                what the user asked for, or why no address can follow from it
    keep(service, address, …)    may the Service keep the address it has?
    choose(service, …)           which one does it get: the requested one, else the next free one
    lacks(service, …)            what does it ask for and not get, though it has an address?

Wishes count in MetalLB's order: an address (spec.loadBalancerIP), then a pool (annotation
address-pool), then every pool with auto-assign. Pools are tried in the order of the configuration.
IPv4 only: a Service of both families gets its IPv4 address, one of IPv6 alone is told to wait.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from controller.ledger import Ledger
from vipcast.config import Config
from vipcast.model.addresses import Address, Family, family_of, parse_address
from vipcast.model.objects import FamilyPolicy, Key, Service
from vipcast.model.pool import Pool, Protocol
from vipcast.model.reasons import Reason, protocol_not_yet, sentence

LOST = {
    Reason.NOT_IN_ANY_POOL: Reason.POOL_CHANGED,
    Reason.BUGGY_ADDRESS: Reason.POOL_CHANGED,
    Reason.ADDRESS_IN_USE: Reason.CONFLICT,
    Reason.UNKNOWN_POOL: Reason.REQUEST_CHANGED,
    Reason.POOL_MISMATCH: Reason.REQUEST_CHANGED,
}
"""Why an address cannot be given → why it cannot be kept."""

NOT_SHARED = (
    "The annotation allow-shared-ip has no effect in this version: each Service has an address of"
    " its own."
)

SHOWN = 8
"""How many pools a message names before it only counts the rest (an Event holds 1,024 bytes)."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """The controller's yes: an address, and the pool it is from."""

    address: Address
    pool: str

    def __str__(self) -> str:
        return f"{self.address} from pool {self.pool}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """The controller's no: the reason, and a message that says what to do."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for; None where anything will do.

    `unread` refuses a request that cannot be read: it gets no address, and takes none away either.
    """

    address: Address | None = None
    pool: str | None = None
    unread: Refusal | None = None


def wish(service: Service) -> Wish | Refusal:
    """Read what the user asked for; a Refusal if the Service can have no address at all."""
    if service.headless:
        return Refusal(
            Reason.NO_CLUSTER_IP,
            f"{sentence(Reason.NO_CLUSTER_IP)} Leave out clusterIP: None, or choose another type.",
        )
    if Family.IPV4 not in service.families:
        return _no_ipv6("The Service is of IPv6 alone; let ipFamilies contain IPv4.")
    addresses = []
    for text in service.requested:
        try:
            addresses.append(parse_address(text))
        except ValueError:
            unread = Refusal(
                Reason.INVALID_REQUEST,
                f"The requested address {text!r} is not an IP address."
                " Write an address of a pool, or leave it out.",
            )
            return Wish(pool=service.pool_wish, unread=unread)
    ipv4 = [address for address in addresses if family_of(address) is Family.IPV4]
    if addresses and not ipv4:
        return _no_ipv6(f"The Service asks for {addresses[0]}; ask for an IPv4 address.")
    return Wish(ipv4[0] if ipv4 else None, service.pool_wish)


def keep(
    service: Key, address: Address, wanted: Wish, config: Config, ledger: Ledger
) -> Assignment | Refusal:
    """Whether a Service may keep an address; the reason of a Refusal says why it is taken back."""
    if family_of(address) is not Family.IPV4:
        return _no_ipv6(f"{address} is not kept.")
    if wanted.address not in (None, address):
        return Refusal(Reason.REQUEST_CHANGED, f"The Service asks for {wanted.address} now.")
    found = _admit(service, address, wanted, config, ledger)
    return replace(found, reason=LOST[found.reason]) if isinstance(found, Refusal) else found


def choose(service: Key, wanted: Wish, config: Config, ledger: Ledger) -> Assignment | Refusal:
    """The address that a Service without one gets now."""
    if wanted.unread is not None:
        return wanted.unread
    if wanted.address is not None:
        return _admit(service, wanted.address, wanted, config, ledger)
    pools = _pools(wanted, config)
    if isinstance(pools, Refusal):
        return pools
    for pool in pools:
        address = ledger.next_free(pool.name, Family.IPV4)
        if address is not None:
            return Assignment(address, pool.name)
    return _nothing_left(pools)


def lacks(service: Service, wanted: Wish, given: Assignment, config: Config) -> tuple[Refusal, ...]:
    """What a Service with an address does not get, the gravest first; hints are `hints`."""
    found = [] if wanted.unread is None else [wanted.unread]
    pool = config.pool_named(given.pool)
    if pool is not None and pool.protocol is not Protocol.LAYER2:
        found.append(Refusal(Reason.PROTOCOL_NOT_YET, protocol_not_yet(pool.name)))
    if service.family_policy is FamilyPolicy.REQUIRE_DUAL:
        what = (
            "The Service requires both families and has an IPv4 address only; write"
            " ipFamilyPolicy: PreferDualStack to make do with that."
        )
        found.append(_no_ipv6(what))
    return tuple(found)


def hints(service: Service) -> tuple[str, ...]:
    """What a Service with an address would rather have, as sentences; nothing is wrong."""
    found = []
    if service.family_policy is FamilyPolicy.PREFER_DUAL:
        found.append("An IPv6 address, which the Service prefers to have too, is not served yet.")
    if service.sharing_key:
        found.append(NOT_SHARED)
    return tuple(found)


def _admit(
    service: Key, address: Address, wanted: Wish, config: Config, ledger: Ledger
) -> Assignment | Refusal:
    """Whether a Service may have this address, which is free, or its own already."""
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
    # Last, for it is what changes: the same objects give the same answer whoever came first.
    holder = ledger.holder(address)
    if holder not in (None, service):
        return Refusal(
            Reason.ADDRESS_IN_USE,
            f"{address} belongs to Service {holder}. Ask for another address, or free it there.",
        )
    return Assignment(address, pool.name)


def _pools(wanted: Wish, config: Config) -> tuple[Pool, ...] | Refusal:
    """The pools to look in, in their order; at least one."""
    if wanted.pool is not None:
        named = config.pool_named(wanted.pool)
        return (named,) if named else _unknown(wanted.pool, config)
    return tuple(pool for pool in config.pools if pool.auto_assign) or Refusal(
        Reason.NO_AUTO_ASSIGN_POOL,
        f"No pool hands out addresses by itself ({_names(config.pools)})."
        " Name a pool by the annotation address-pool, or let a pool have auto-assign.",
    )


def _nothing_left(pools: tuple[Pool, ...]) -> Refusal:
    sizes = [(pool.name, size) for pool in pools if (size := pool.capacity(Family.IPV4))]
    if not sizes and any(pool.capacity(Family.IPV6) for pool in pools):
        return _no_ipv6(
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


def _no_ipv6(what: str) -> Refusal:
    return Refusal(Reason.FAMILY_UNSUPPORTED, f"{sentence(Reason.FAMILY_UNSUPPORTED)} {what}")


def _names(pools: tuple[Pool, ...]) -> str:
    names = _list(pool.name for pool in pools)
    return f"pools: {names}" if names else "there is no pool"


def _list(items: Iterable[str]) -> str:
    shown = list(items)
    rest = len(shown) - SHOWN
    return ", ".join(shown[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")
