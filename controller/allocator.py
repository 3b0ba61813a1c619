"""Which address a Service may have: the answer is an Assignment, or a Refusal that says what to do.

    keep(address, wanted, …)      may the Service keep the address it has?
    choose(wanted, …)             which one does it get: the requested one, else the first open one
    lacks(service, …)             what does it ask for and not get, though it has an address?

Wishes (`controller.wishes`) count in MetalLB's order: an address, then a pool (annotation
address-pool), then every pool with auto-assign that is for the Service. Pools are tried in the
order of the configuration, which has those for certain Services first. In a pool the first address
counts that is free, or that those who have it share with this Service.
Either family: a Service of both gets its IPv4 address.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from controller import refusals
from controller.ledger import Ledger
from controller.refusals import Refusal, not_yet
from controller.wishes import Wish
from vipcast.config import Config
from vipcast.model.addresses import Address, Family, family_of
from vipcast.model.objects import FamilyPolicy, Service
from vipcast.model.pool import Pool
from vipcast.model.reasons import Reason

LOST = {
    Reason.NOT_IN_ANY_POOL: Reason.POOL_CHANGED,
    Reason.BUGGY_ADDRESS: Reason.POOL_CHANGED,
    Reason.ADDRESS_IN_USE: Reason.CONFLICT,
    Reason.UNKNOWN_POOL: Reason.REQUEST_CHANGED,
    Reason.POOL_MISMATCH: Reason.REQUEST_CHANGED,
}
"""Why an address cannot be given → why it cannot be kept, where these are two words."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """The controller's yes: an address, and the pool it is from."""

    address: Address
    pool: str

    def __str__(self) -> str:
        return f"{self.address} from pool {self.pool}"


def keep(address: Address, wanted: Wish, config: Config, ledger: Ledger) -> Assignment | Refusal:
    """Whether a Service may keep an address; the reason of a Refusal says why it is taken back."""
    if family_of(address) is not wanted.family:
        return refusals.of_other_family(address, wanted.family, either=wanted.either)
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
        address = ledger.first_open(pool.name, wanted.family, wanted.sharing)
        if address is not None:
            return Assignment(address, pool.name)
    return refusals.nothing_left(pools, wanted.family, either=wanted.either)


def lacks(service: Service, wanted: Wish, given: Assignment, config: Config) -> tuple[Refusal, ...]:
    """What a Service with an address does not get, the gravest first; hints are `hints`."""
    found = [] if wanted.unread is None else [wanted.unread]
    if family_of(given.address) is Family.IPV6 and config.only_on_segments(given.pool):
        found.append(refusals.on_segments_only(given.pool))
    if service.family_policy is FamilyPolicy.REQUIRE_DUAL:
        what = (
            f"The Service requires both families and has an {family_of(given.address)} address"
            " only; write ipFamilyPolicy: PreferDualStack to make do with that."
        )
        found.append(not_yet(what))
    return tuple(found)


def hints(service: Service, given: Assignment, config: Config) -> tuple[str, ...]:
    """What a Service with an address would rather have, as sentences; nothing is wrong with it."""
    found = [
        f"Nothing reads the annotation {name}. {fix}"
        for name, fix in service.misspelled[: refusals.SHOWN]
    ]
    if service.family_policy is FamilyPolicy.PREFER_DUAL:
        found.append("A second address, which the Service prefers to have, is not given yet.")
    if config.only_by_bgp(given.pool) and not config.peers:
        found.append(
            f"Pool {given.pool} is announced by BGP alone, and no BGP peer is configured:"
            " write a BGPPeer."
        )
    return tuple(found)


def _admit(
    address: Address, wanted: Wish, config: Config, ledger: Ledger, *, standing: bool
) -> Assignment | Refusal:
    """Whether a Service may have this address; `standing`: it has it already."""
    pool = config.pool_of(address)
    if pool is None:
        return refusals.in_no_pool(address, config.pools)
    if not pool.allows(address):
        return refusals.avoided(address, pool)
    if wanted.pool is not None and wanted.pool != pool.name:
        if config.pool_named(wanted.pool) is None:
            return refusals.unknown(wanted.pool, config.pools)
        return refusals.elsewhere(address, pool, wanted.pool)
    if not wanted.admitted_by(pool):
        return refusals.not_for(pool)
    # Last, for it is what changes: the same objects give the same answer whoever came first.
    other = ledger.objector(wanted.service, address, wanted.sharing, standing=standing)
    if other is not None:
        theirs = ledger.sharing(other, address)
        return refusals.taken(address, other, wanted.sharing, theirs)
    return Assignment(address, pool.name)


def _pools(wanted: Wish, config: Config) -> tuple[Pool, ...] | Refusal:
    """The pools to look in, in their order; at least one."""
    if wanted.pool is not None:
        named = config.pool_named(wanted.pool)
        if named is None:
            return refusals.unknown(wanted.pool, config.pools)
        return (named,) if wanted.admitted_by(named) else refusals.not_for(named)
    giving = tuple(pool for pool in config.pools if pool.auto_assign)
    if not giving:
        return refusals.none_giving(config.pools)
    mine = tuple(pool for pool in giving if wanted.admitted_by(pool))
    return mine or refusals.none_for(giving)
