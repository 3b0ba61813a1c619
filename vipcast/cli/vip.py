"""`vipcast explain ADDRESS`: which Services have it, who answers for it, or who could get it. PURE.

    explain_vip(world, address) -> Vip      printed by vipcast.cli.viptext

An address that nobody has is free in a pool, or in no pool; where the configuration cannot be
read nobody knows which.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_network

from vipcast.cli.announcing import Announcement, announcement
from vipcast.cli.explain import told
from vipcast.cli.routed import Routed
from vipcast.cli.wording import said, why
from vipcast.cli.world import World
from vipcast.config import Config
from vipcast.model.addresses import Address, Family, family_of, parse_plain
from vipcast.model.objects import Key, Service
from vipcast.model.pool import Pool
from vipcast.model.reasons import Reason

_UNKNOWN = (
    "Which pool it lies in is not known: the configuration cannot be read"
    " (`vipcast explain config` says why)."
)


class Standing(StrEnum):
    """Whose the address is."""

    TAKEN = "taken"
    FREE = "free"
    OUTSIDE = "inNoPool"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Party:
    """A Service that has the address, or asks for it and has it not; and what it was told."""

    service: Key
    ports: tuple[str, ...]
    reason: str
    message: str
    since: str


@dataclass(frozen=True, slots=True)
class Vip:
    """All there is to say about one address. `notes` are sentences about its pool, or the lack."""

    address: str
    standing: Standing
    pool: str
    notes: tuple[str, ...]
    owners: tuple[Party, ...]
    waiting: tuple[Party, ...]
    announcements: tuple[Announcement, ...]
    routes: tuple[Routed, ...]
    controller: str

    @property
    def well(self) -> bool:
        """Whether a Service has it, and on every segment somebody answers for it, or tells routers
        of it."""
        well = (
            *(bool(one.line.holder) for one in self.announcements),
            *(one.told for one in self.routes),
        )
        return bool(well) and all(well)


def explain_vip(world: World, address: Address) -> Vip:
    """The explanation of one address."""
    text = str(address)
    sharers = world.sharers(text)
    pool = world.pool_of(address)
    if sharers:
        standing, notes = Standing.TAKEN, _about_taken(world, address)
    elif pool is not None and world.config is not None:
        standing, notes = Standing.FREE, tuple(_who_could(world.config, pool, address))
    elif world.config is not None:
        standing, notes = Standing.OUTSIDE, tuple(_outside(world, world.config, address))
    else:
        standing, notes = Standing.UNKNOWN, (_UNKNOWN,)
    recorded = sharers[0].recorded.pool if sharers else ""
    return Vip(
        address=text,
        standing=standing,
        pool=pool.name if pool is not None else recorded,
        notes=notes,
        owners=tuple(_party(one, told(one)) for one in sharers),
        waiting=tuple(_waiting(world, text)),
        announcements=tuple(_announcements(world, sharers, text)),
        routes=tuple(
            routed
            for service in sharers
            for routed in world.picture.routes_of(service.key)
            if routed.address == text
        ),
        controller=world.picture.controller.problem,
    )


def _party(service: Service, message: str) -> Party:
    ports = tuple(f"{port.protocol} {port.number}" for port in service.ports)
    reason = service.recorded.reason or (Reason.KEPT if service.ingress else "")
    return Party(service.key, ports, reason, message, service.recorded.since)


def _waiting(world: World, address: str) -> Iterator[Party]:
    """Services that ask for the address and have it not."""
    for _, service in sorted(world.store.services.items()):
        asks = service.load_balancer and address in map(_plain, service.requested)
        if asks and address not in service.ingress:
            reason = service.recorded.reason
            yield _party(service, said(reason, service.recorded.message))


def _plain(text: str) -> str:
    """A requested address as it is shown, where it is one: IPv6 has many spellings."""
    try:
        return str(parse_plain(text))
    except ValueError:
        return text


def _announcements(
    world: World, sharers: tuple[Service, ...], address: str
) -> Iterator[Announcement]:
    """Each segment's answer once; Services that share the address may lack it for own reasons."""
    seen = set()
    for service in sharers:
        for line in world.picture.of(service.key):
            what = (line.segment, line.holder, line.reason, line.message)
            if line.address == address and what not in seen:
                seen.add(what)
                yield announcement(world, service, line)


def _about_taken(world: World, address: Address) -> tuple[str, ...]:
    if world.config is None:
        return (_UNKNOWN,)
    if world.pool_of(address) is None:
        return (said(Reason.NOT_IN_ANY_POOL),)
    return ()


def _who_could(config: Config, pool: Pool, address: Address) -> Iterator[str]:
    """Who could get a free address."""
    ways = ["announced by layer 2"] if config.on_segments(pool.name) else []
    if any(pool.name in each.pools for each in config.bgp):
        ways.append("told to routers by BGP")
    how = " and ".join(ways) or "not announced by anything"
    yield f"Pool {pool.name} ({_ranges(pool)}) is {how}."
    if not pool.allows(address):
        yield f"No Service can get it: {why(Reason.BUGGY_ADDRESS)}"
        return
    if family_of(address) is Family.IPV6 and config.only_on_segments(pool.name):
        yield f"Nobody would announce it: {why(Reason.FAMILY_UNSUPPORTED)}"
    asking = "by asking for it (loadBalancerIP) or for its pool (annotation address-pool)"
    if pool.auto_assign:
        yield f"A Service gets it {asking}, or when its turn comes."
    else:
        yield f"A Service gets it only {asking}: auto-assign is off."
    if pool.allocation is not None and pool.allocation.described:
        yield f"The pool is only for Services {pool.allocation.described}."


def _outside(world: World, config: Config, address: Address) -> Iterator[str]:
    occupied = tuple(_occupied(world, address))
    yield from occupied
    if config.pools:
        names = ", ".join(f"{pool.name} ({_ranges(pool)})" for pool in config.pools[:8])
        more = len(config.pools) - 8
        yield f"Pools: {names}{f', and {more} more' if more > 0 else ''}."
    if not occupied:
        yield "To use it, add it to a pool."


def _occupied(world: World, address: Address) -> Iterator[str]:
    """What else has the address, so that no pool may."""
    for name, node in sorted(world.store.nodes.items()):
        if address in node.addresses:
            yield f"It is an address of node {name}: `vipcast explain node/{name}`."
        for network in node.pod_cidrs:
            if address in ip_network(network):
                yield f"It is for a pod of node {name} ({network}); no pool may have it."
    for cluster in world.service_cidrs:
        if address in cluster:
            yield f"It is for a cluster IP (--service-cidr {cluster}); no pool may have it."


def _ranges(pool: Pool) -> str:
    shown = ", ".join(map(str, pool.entries[:4]))
    return f"{shown}, …" if len(pool.entries) > 4 else shown
