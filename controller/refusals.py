"""What a Service is told that cannot have what it wants: why, and what to do. One function each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from controller.sharing import Sharing
from vipcast.model.addresses import Address, Family
from vipcast.model.objects import Key
from vipcast.model.pool import Pool
from vipcast.model.reasons import Reason, sentence

SHOWN = 8
"""How many pools a message names before it only counts the rest (an Event holds 1,024 bytes)."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The controller's no: the reason, and a message that says what to do."""

    reason: Reason
    message: str


def not_yet(what: str) -> Refusal:
    """The answer to whoever needs of IPv6 what is not served, with what to do about it."""
    return Refusal(Reason.FAMILY_UNSUPPORTED, f"{sentence(Reason.FAMILY_UNSUPPORTED)} {what}")


def of_other_family(address: Address, wanted: Family, *, either: bool) -> Refusal:
    """For who has an address of a family that is not the one to have; `either`: it is of both."""
    if either:
        return not_yet(f"{address} is not kept.")
    return Refusal(
        Reason.REQUEST_CHANGED, f"The Service is of {wanted} alone, which {address} is not."
    )


def on_segments_only(pool: str) -> Refusal:
    """For who has an IPv6 address of a pool that is told to no router."""
    return not_yet(f"Pool {pool} is announced on segments only; write a BGPAdvertisement for it.")


def unread(message: str) -> Refusal:
    """For who asks for an address in a way that cannot be read."""
    return Refusal(Reason.INVALID_REQUEST, message)


def in_no_pool(address: Address, pools: tuple[Pool, ...]) -> Refusal:
    """For who asks for, or has, an address that no pool has."""
    return Refusal(
        Reason.NOT_IN_ANY_POOL,
        f"{address} is in no configured pool ({_names(pools)})."
        " Ask for an address of a pool, or add this one to a pool.",
    )


def avoided(address: Address, pool: Pool) -> Refusal:
    """For who asks for, or has, an address that its pool avoids."""
    return Refusal(
        Reason.BUGGY_ADDRESS,
        f"{address} ends in .0 or .255, which pool {pool.name} avoids (avoid-buggy-ips)."
        " Ask for another address.",
    )


def elsewhere(address: Address, pool: Pool, wanted: str) -> Refusal:
    """For who asks for an address of one pool, and for another pool."""
    return Refusal(
        Reason.POOL_MISMATCH,
        f"{address} lies in pool {pool.name}, and the annotation address-pool asks for pool"
        f" {wanted}. Change one of the two.",
    )


def none_giving(pools: tuple[Pool, ...]) -> Refusal:
    """For who asks for nothing, where no pool gives to those."""
    return Refusal(
        Reason.NO_AUTO_ASSIGN_POOL,
        f"No pool hands out addresses by itself ({_names(pools)})."
        " Name a pool by the annotation address-pool, or let a pool have auto-assign.",
    )


def none_for(giving: tuple[Pool, ...]) -> Refusal:
    """For who asks for nothing, where each pool that gives to those is for other Services."""
    return Refusal(
        Reason.POOL_NOT_FOR_SERVICE,
        f"Every pool that hands out addresses by itself is for other Services ({_names(giving)})."
        " Let the serviceAllocation of one take this Service, or add a pool for it.",
    )


def taken(address: Address, other: Key, mine: Sharing, theirs: Sharing | None) -> Refusal:
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


def not_for(pool: Pool) -> Refusal:
    """For who asks for a pool that does not take it."""
    takes = "" if pool.allocation is None else pool.allocation.described
    return Refusal(
        Reason.POOL_NOT_FOR_SERVICE,
        f"Pool {pool.name} is for other Services: it takes those {takes}."
        " Ask for an address of another pool, or let its serviceAllocation take this Service.",
    )


def nothing_left(pools: tuple[Pool, ...], family: Family, *, either: bool) -> Refusal:
    """For who may have these pools, none of which has an address of the family for it; `either`:
    one of the other family would do as well, if a Service of both could have it."""
    sizes = [(pool.name, size) for pool in pools if (size := pool.capacity(family))]
    there = {entry.family for pool in pools for entry in pool.entries}
    if not sizes and family not in there:
        if either and there:
            return not_yet(
                f"Of a Service of both families it is the {family} one, and what this one may have"
                f" holds none ({_names(pools)}). Add {family} addresses to a pool, or let"
                " ipFamilies name the other family alone."
            )
        return Refusal(
            Reason.NO_ADDRESS_OF_FAMILY,
            f"There is no {family} address in what this Service may have ({_names(pools)})."
            f" Add {family} addresses to a pool.",
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


def unknown(pool: str, pools: tuple[Pool, ...]) -> Refusal:
    """For who names a pool that is not there."""
    return Refusal(
        Reason.UNKNOWN_POOL,
        f"The annotation address-pool asks for pool {pool}, which does not exist"
        f" ({_names(pools)}). Name a pool of the configuration.",
    )


def _names(pools: tuple[Pool, ...]) -> str:
    names = _list(pool.name for pool in pools)
    return f"pools: {names}" if names else "there is no pool"


def _list(items: Iterable[str]) -> str:
    shown = list(items)
    rest = len(shown) - SHOWN
    return ", ".join(shown[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")
