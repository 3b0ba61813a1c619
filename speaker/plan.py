"""What should be announced on segments, and by which nodes: one Service in, one Decision out.

    decide(service, endpoints, nodes, config) -> Decision
    settle(decisions)                         -> the claims of all, one for each address

The answer names candidates, not a holder: every speaker computes the same candidates from the same
objects, and leadership chooses the holder among those that it can hear on a segment. An address
that is not announced carries the reason. Order of checks as MetalLB's users know it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from speaker.leadership import Candidate, Candidates
from vipcast.config.config import Config
from vipcast.model.addresses import Address, parse_address
from vipcast.model.advertisement import L2Advertisement
from vipcast.model.classes import EVERY_DEFAULT, Classes
from vipcast.model.objects import EXCLUDE_LABEL, EndpointSlice, Key, Node, Service, TrafficPolicy
from vipcast.model.pool import Pool
from vipcast.model.reasons import Reason, sentence
from vipcast.model.status import BOTH, LAYER2

NOWHERE: Mapping[Reason, str] = {
    Reason.NO_LOCAL_ENDPOINTS: (
        "Traffic policy Local: no node that may announce has an endpoint of the Service that is"
        " ready or serving. Run a pod of the Service on one, or write externalTrafficPolicy:"
        " Cluster."
    ),
    Reason.NODE_UNKNOWN: (
        "There is no Node object at all. Create one for each node that should announce."
    ),
}
"""What to say where a reason, whose own sentence is about one node, keeps all of them."""

Ads = tuple[L2Advertisement, ...]

Memo = dict[Ads | None, Candidates | Reason]
"""By advertisements, which of the nodes may announce: true for as long as no node changes."""


@dataclass(frozen=True, slots=True)
class Claim:
    """An address to announce on the segments, and the nodes that may, on which interfaces.

    `services` are those that have it, by name: one alone in a Decision. `sharing_key` is what a
    Service says that shares its address.
    """

    address: Address
    services: tuple[Key, ...]
    pool: str
    candidates: Candidates
    sharing_key: str = ""


@dataclass(frozen=True, slots=True)
class Unannounced:
    """An address (as the status has it; "" where there is none) that is not announced, and why.

    `protocol` is the one by which it is not, on segments unless it says so: LAYER2, BGP or BOTH.
    """

    address: str
    service: Key
    reason: Reason
    message: str
    protocol: str = LAYER2


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something may not be announced."""

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
    classes: Classes = EVERY_DEFAULT,
    memo: Memo | None = None,
) -> Decision:
    """What to announce for one Service; the same on every node that sees the same objects.

    `memo`, empty at first, keeps what is found for all Services alike, as long as the nodes are the
    same: with it a thousand Services cost little more than one where there are many nodes.
    """

    def no(
        reason: Reason, address: str = "", message: str = "", protocol: str = BOTH
    ) -> Unannounced:
        return Unannounced(address, service.key, reason, message or sentence(reason), protocol)

    foreign = classes.refuse(service)
    if foreign is not None:
        return Decision(service.key, unannounced=(no(foreign),))
    if config is None:
        return Decision(service.key, unannounced=(no(Reason.NO_CONFIG),))
    if not service.ingress:
        return Decision(service.key, unannounced=(no(Reason.NO_IP_ALLOCATED),))
    endpoints = tuple(slices)
    claims: list[Claim] = []
    refused: list[Unannounced] = []
    for text in service.ingress:
        verdict = _pool_for(text, config)
        if isinstance(verdict, Reason):
            refused.append(no(verdict, text))
            continue
        address, pool = verdict
        if config.only_by_bgp(pool.name):
            continue
        ads = advertisements(service, pool.name, config)
        if isinstance(ads, Refusal):
            protocol = LAYER2 if config.on_segments(pool.name) else BOTH
            refused.append(no(ads.reason, text, ads.message, protocol))
            continue
        if address.version == 6:
            refused.append(no(Reason.FAMILY_UNSUPPORTED, text, protocol=LAYER2))
            continue
        candidates = eligible(service, endpoints, nodes, ads, memo)
        if isinstance(candidates, Reason):
            refused.append(no(candidates, text, _nowhere(candidates, ads), LAYER2))
        else:
            found = Claim(address, (service.key,), pool.name, candidates, service.sharing_key)
            claims.append(found)
    return Decision(service.key, tuple(claims), tuple(refused))


def settle(
    decisions: Mapping[Key, Decision],
) -> tuple[dict[Address, Claim], tuple[Unannounced, ...]]:
    """One claim for each address, and which Services get nothing of it.

    Services with one sharing key have it together. The controller gives no address twice otherwise;
    where a status says so nevertheless, the first by name counts.
    """
    claims: dict[Address, Claim] = {}
    several: dict[Address, dict[tuple[Key, ...], Claim]] = {}
    for key in sorted(decisions):
        for claim in decisions[key].claims:
            first = claims.setdefault(claim.address, claim)
            if first is not claim:
                wishes = several.setdefault(claim.address, {first.services: first})
                wishes.setdefault(claim.services, claim)
    beaten: list[Unannounced] = []
    for address, wishes in several.items():
        claims[address], others = _together(list(wishes.values()))
        beaten += others
    return claims, tuple(beaten)


def _together(wishes: list[Claim]) -> tuple[Claim, list[Unannounced]]:
    """The claim of those that share an address with the first, and why others have no part in it.

    The nodes that may serve all of them announce it; where there is none, those of the first.
    """
    first, *others = wishes
    (name,) = first.services
    sharing, beaten = [first], []
    for other in others:
        if other.sharing_key and other.sharing_key == first.sharing_key:
            sharing.append(other)
        else:
            message = f"Service {name} has the same address, and comes first by name."
            beaten.append(_beaten(other, Reason.CONFLICT, message))
    if len(sharing) == 1:
        return first, beaten
    common = _common([each.candidates for each in sharing])
    if common:
        services = tuple(service for each in sharing for service in each.services)
        return replace(first, services=services, candidates=common), beaten
    message = (
        f"No node may announce the address both for it and for Service {name}, which shares it and"
        " comes first by name. Look at the traffic policies and where the endpoints run."
    )
    apart = (_beaten(each, Reason.NO_COMMON_NODE, message) for each in sharing[1:])
    return first, [*beaten, *apart]


def _common(several: list[Candidates]) -> Candidates:
    """The nodes that are in all of them, as the first has them; there may be very many."""
    first = several[0]
    if all(each is first for each in several):
        return first
    fewest = min(several, key=len)
    return {node: first[node] for node in fewest if all(node in each for each in several)}


def _beaten(claim: Claim, reason: Reason, message: str) -> Unannounced:
    return Unannounced(str(claim.address), claim.services[0], reason, message)


def misplaced(
    claims: Iterable[Claim], node: str, interfaces: Collection[str]
) -> Iterator[Unannounced]:
    """What a node with these interfaces may announce on none of them, only on others."""
    here = ", ".join(sorted(interfaces))
    for claim in claims if interfaces else ():
        mine = claim.candidates.get(node)
        if mine is None or mine.interfaces is None or any(map(mine.on, interfaces)):
            continue
        named = ", ".join(sorted(mine.interfaces))
        message = (
            f"The L2Advertisements of pool {claim.pool} name {named}, and {node} can announce on"
            f" {here}. Add its interface to spec.interfaces of one of them."
        )
        for service in claim.services:
            address = str(claim.address)
            yield Unannounced(address, service, Reason.NOT_MATCH_INTERFACE, message)


def _pool_for(text: str, config: Config) -> tuple[Address, Pool] | Reason:
    """The address and its pool, or why there is no address of a pool that could be announced."""
    try:
        address = parse_address(text)
    except ValueError:
        return Reason.INVALID_IP
    pool = config.pool_of(address)
    if pool is None:
        return Reason.NOT_IN_ANY_POOL
    return address, pool


def advertisements(service: Service, pool: str, config: Config) -> Ads | Refusal:
    """Those that speak of the addresses that a Service has of a pool, or why there are none."""
    named = [each for each in config.l2 if pool in each.pools]
    if not named:
        return Refusal(
            Reason.NO_MATCHING_ADVERTISEMENT,
            f"No L2Advertisement is for pool {pool}, and no BGPAdvertisement. Write one that names"
            " it under spec.ipAddressPools, or one that names no pool: it is for all.",
        )
    found = tuple(each for each in named if each.applies(pool, service.labels))
    if not found:
        return Refusal(
            Reason.NO_MATCHING_ADVERTISEMENT,
            f"The serviceSelectors of {_names(named)} do not match the Service's labels. Change"
            " these or those, or write an L2Advertisement for the Service.",
        )
    limited = [each for each in found if each.services]
    if service.sharing_key and limited:
        return Refusal(
            Reason.SHARED_WITH_SELECTOR,
            f"The Service may share its address, and {_names(limited)} has serviceSelectors, so"
            " that Services of one address could be for different nodes. Give the Service an"
            " address of its own (without the annotation allow-shared-ip), or remove these.",
        )
    return found


def eligible(
    service: Service,
    slices: tuple[EndpointSlice, ...],
    nodes: Mapping[str, Node],
    ads: Ads | None = None,
    memo: Memo | None = None,
) -> Candidates | Reason:
    """The nodes that may announce the Service by its advertisements, or why none may.

    Without `ads` nothing is asked of these. `memo` is as for `decide`.
    """
    endpoints = [endpoint for one in slices for endpoint in one.endpoints]
    serving = [each for each in endpoints if each.serving or service.publish_not_ready]
    if not serving:
        return Reason.NO_ENDPOINTS
    known = {} if memo is None else memo
    if ads not in known:
        known[ads] = _nominated(nodes, ads)
    nominated = known[ads]
    if isinstance(nominated, Reason) or service.policy is not TrafficPolicy.LOCAL:
        return nominated
    local = sorted({each.node for each in serving if each.node})
    return {name: nominated[name] for name in local if name in nominated} or (
        Reason.NO_LOCAL_ENDPOINTS
    )


def _nominated(nodes: Mapping[str, Node], ads: Ads | None) -> Candidates | Reason:
    """The nodes that may announce what these advertisements are for, whatever the Service."""
    if not nodes:
        return Reason.NODE_UNKNOWN
    staying = [node for node in nodes.values() if not node.draining]
    if not staying:
        return Reason.NODE_DRAINED
    labelled = [node for node in staying if EXCLUDE_LABEL not in node.labels]
    if not labelled:
        return Reason.NODE_EXCLUDED
    able = [node for node in labelled if not node.network_unavailable]
    if not able:
        return Reason.NODE_NETWORK_UNAVAILABLE
    found = {}
    for node in able:
        candidate = Candidate() if ads is None else _nominate(node, ads)
        if candidate is not None:
            found[node.name] = candidate
    return found or Reason.NO_MATCHING_ADVERTISEMENT


def _nominate(node: Node, ads: Ads) -> Candidate | None:
    """What the advertisements that take a node come to together; None if none does."""
    mine = [each for each in ads if each.takes(node.labels)]
    if not mine:
        return None
    named = frozenset(interface for each in mine for interface in each.interfaces)
    everywhere = not all(each.interfaces for each in mine)
    weight = sum(each.weight(node.labels) for each in mine)
    return Candidate(weight, None if everywhere else named)


def _nowhere(reason: Reason, ads: Iterable[L2Advertisement]) -> str:
    """What to say of all nodes together; "" where the reason's own sentence says it."""
    if reason is Reason.NO_MATCHING_ADVERTISEMENT:
        return (
            f"The nodeSelectors of {_names(ads)} match no node that could announce. Change them, or"
            " give a node such labels."
        )
    return NOWHERE.get(reason, "")


def _names(ads: Iterable[L2Advertisement]) -> str:
    return "L2Advertisement " + ", ".join(sorted(each.name for each in ads))
