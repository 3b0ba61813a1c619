"""What should be announced, and by which nodes: one Service in, one Decision out.

    decide(service, endpoints, nodes, config) -> Decision
    settle(decisions)                         -> the claims of all, one for each address

The answer names candidates, not a holder: every speaker computes the same candidates from the same
objects, and leadership chooses the holder among those that it can hear on a segment. An address
that is not announced carries the reason. Order of checks as MetalLB's users know it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from speaker.leadership import Candidate, Candidates
from vipcast.config.config import Config
from vipcast.model.addresses import Address, parse_address
from vipcast.model.objects import EndpointSlice, Key, Node, Service, TrafficPolicy
from vipcast.model.pool import Pool, Protocol
from vipcast.model.reasons import Reason, protocol_not_yet, sentence

EXCLUDE_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers"


@dataclass(frozen=True, slots=True)
class Claim:
    """An address to announce on the segments, and the names of the nodes that may do it."""

    address: Address
    service: Key
    pool: str
    candidates: Candidates


@dataclass(frozen=True, slots=True)
class Unannounced:
    """An address (as the status has it; "" where there is none) that is not announced, and why."""

    address: str
    service: Key
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The whole answer for one Service."""

    service: Key
    claims: tuple[Claim, ...] = ()
    unannounced: tuple[Unannounced, ...] = ()


def decide(
    service: Service,
    slices: Iterable[EndpointSlice],
    nodes: Mapping[str, Node],
    config: Config | None,
) -> Decision:
    """What to announce for one Service; the same on every node that sees the same objects."""

    def no(reason: Reason, address: str = "", message: str = "") -> Unannounced:
        return Unannounced(address, service.key, reason, message or sentence(reason))

    if not service.load_balancer:
        return Decision(service.key, unannounced=(no(Reason.NOT_LOAD_BALANCER),))
    if config is None:
        return Decision(service.key, unannounced=(no(Reason.NO_CONFIG),))
    if not service.ingress:
        return Decision(service.key, unannounced=(no(Reason.NO_IP_ALLOCATED),))
    candidates = eligible(service, tuple(slices), nodes)
    claims: list[Claim] = []
    refused: list[Unannounced] = []
    for text in service.ingress:
        verdict = _pool_for(text, config)
        if isinstance(verdict, Reason):
            refused.append(no(verdict, text))
            continue
        address, pool = verdict
        if pool.protocol is not Protocol.LAYER2:
            refused.append(no(Reason.PROTOCOL_NOT_YET, text, protocol_not_yet(pool.name)))
        elif isinstance(candidates, Reason):
            refused.append(no(candidates, text))
        else:
            claims.append(Claim(address, service.key, pool.name, candidates))
    return Decision(service.key, tuple(claims), tuple(refused))


def settle(
    decisions: Mapping[Key, Decision],
) -> tuple[dict[Address, Claim], tuple[Unannounced, ...]]:
    """One claim for each address, in the order of the Services' names, and who gets none.

    The controller gives no address twice; where a status says so nevertheless, the first counts.
    """
    claims: dict[Address, Claim] = {}
    beaten: list[Unannounced] = []
    for key in sorted(decisions):
        for claim in decisions[key].claims:
            first = claims.setdefault(claim.address, claim)
            if first.service != key:
                message = f"Service {first.service} has the same address, and comes first by name."
                beaten.append(Unannounced(str(claim.address), key, Reason.CONFLICT, message))
    return claims, tuple(beaten)


def _pool_for(text: str, config: Config) -> tuple[Address, Pool] | Reason:
    """The address and its pool, or why there is no address of a pool that could be announced."""
    try:
        address = parse_address(text)
    except ValueError:
        return Reason.INVALID_IP
    pool = config.pool_of(address)
    if pool is None:
        return Reason.NOT_IN_ANY_POOL
    if address.version == 6:
        return Reason.FAMILY_UNSUPPORTED
    return address, pool


def eligible(
    service: Service, slices: tuple[EndpointSlice, ...], nodes: Mapping[str, Node]
) -> Candidates | Reason:
    """The nodes that may announce the Service, or why none may."""
    serving = [endpoint for one in slices for endpoint in one.endpoints if endpoint.serving]
    if not serving:
        return Reason.NO_ENDPOINTS
    if not nodes:
        return Reason.NODE_UNKNOWN
    labelled = {name for name, node in nodes.items() if EXCLUDE_LABEL not in node.labels}
    if not labelled:
        return Reason.NODE_EXCLUDED
    able = {name for name in labelled if not nodes[name].network_unavailable}
    if not able:
        return Reason.NODE_NETWORK_UNAVAILABLE
    if service.policy is TrafficPolicy.LOCAL:
        able &= {endpoint.node for endpoint in serving if endpoint.node is not None}
        if not able:
            return Reason.NO_LOCAL_ENDPOINTS
    return {name: Candidate() for name in sorted(able)}
