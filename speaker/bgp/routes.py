"""Which routes this node wants to tell, and to whom: one Service in, one answer for each address.

    rules = Rules(config, node)        what the configuration says to this node, looked at once
    rules.decide(service, endpoints)   Routes: offers, or a Reason why there are none

There is no holder and no ranking: every node that may announce a Service does, and routers spread
the load over them. Checks and their order are MetalLB's. An offer is a prefix and the terms of one
advertisement; speaker.bgp.wanted unites those of all Services.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from itertools import combinations
from typing import NamedTuple

from speaker.bgp.audiences import Audience, Terms, audiences_of, terms_of
from speaker.bgp.prefixes import Record, record
from vipcast.config.config import Config
from vipcast.model.addresses import Address, Family, family_of, parse_address
from vipcast.model.advertisement import BgpAdvertisement
from vipcast.model.classes import EVERY_DEFAULT, Classes
from vipcast.model.objects import EXCLUDE_LABEL, EndpointSlice, Key, Node, Service, TrafficPolicy
from vipcast.model.peer import Peer
from vipcast.model.reasons import Reason, sentence
from vipcast.model.selectors import any_matches

Ads = tuple[BgpAdvertisement, ...]


class Standing(Enum):
    """How long a node is going to be there (RFC 8326)."""

    STAYS = "stays"
    LEAVES = "leaves"
    """It asks routers to use other paths first; its label of exclusion does not count meanwhile."""
    YIELDS = "yields"
    """The same, and of each route that a node that stays can tell it is rid after a wait
    (speaker.bgp.yielding)."""
    LEFT = "left"
    """It has asked for long enough, and tells no routes any more."""


class Offer(NamedTuple):
    """A route that one Service has by one advertisement."""

    prefix: Record
    terms: Terms


@dataclass(frozen=True, slots=True)
class Answer:
    """What becomes of one address, as the status has it ("" where there is none), and why.

    `pool` is the one that it is from, "" if there is none.
    """

    address: str
    reason: Reason
    message: str
    offers: tuple[Offer, ...] = ()
    pool: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Routes:
    """The whole answer for one Service."""

    service: Key
    answers: tuple[Answer, ...]

    @property
    def offers(self) -> tuple[Offer, ...]:
        """All routes that the Service has."""
        return tuple(offer for answer in self.answers for offer in answer.offers)

    @property
    def peers(self) -> tuple[str, ...]:
        """The names of the peers that are told any of them, sorted."""
        return tuple(sorted({name for offer in self.offers for name in offer.terms.peers}))


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something is not told."""

    reason: Reason
    message: str


class Rules:
    """One configuration as it is for one node. Make new ones when either changes.

    `config` is None where none is in force, `node` where there is no Node object. After new ones
    every Service has to be decided anew: terms are compared by identity.
    """

    def __init__(
        self,
        config: Config | None,
        node: Node | None,
        standing: Standing = Standing.STAYS,
        classes: Classes = EVERY_DEFAULT,
    ) -> None:
        self._config = config
        self._node = node
        self._standing = standing
        self._classes = classes
        self._unable = None if node is None else _unable(node, standing)
        self._here: dict[str, Ads | Refusal] = {}
        self._found: dict[tuple[str, int, tuple[bool, ...]], tuple[Terms, ...] | Refusal] = {}
        self.peers: tuple[Peer, ...] = ()
        self.audiences: tuple[Audience, ...] = ()
        if config is not None and node is not None:
            mine = (each for each in config.peers if any_matches(each.nodes, node.labels))
            self.peers = tuple(mine)
            self.audiences = audiences_of(self.peers, config.bgp)

    def decide(self, service: Service, slices: Iterable[EndpointSlice]) -> Routes:
        """What this node wants to tell about one Service."""
        reason = self._classes.refuse(service)
        if reason is None and self._config is None:
            reason = Reason.NO_CONFIG
        if reason is None and not service.ingress:
            reason = Reason.NO_IP_ALLOCATED
        if reason is not None or self._config is None or self._node is None:
            return Routes(service.key, (_no("", reason or Reason.NODE_UNKNOWN),))
        idle = self._unable or _unserved(service, slices, self._node.name)
        config, node = self._config, self._node
        answers = (self._answer(text, service, idle, config, node) for text in service.ingress)
        return Routes(service.key, tuple(answers))

    def would_tell(self, address: Address, pool: str, service: Service) -> bool:
        """Whether the node tells an address of a pool as long as it can serve the Service."""
        if self._config is None or self._node is None or self._unable is not None:
            return False
        found = self._terms(address, pool, service, self._config, self._node)
        return not isinstance(found, Refusal)

    def _answer(
        self, text: str, service: Service, idle: Reason | None, config: Config, node: Node
    ) -> Answer:
        """For one address. `idle`: why the node tells nothing of the Service, whatever this is."""
        try:
            address = parse_address(text)
        except ValueError:
            return _no(text, Reason.INVALID_IP)
        pool = config.pool_of(address)
        if pool is None:
            return _no(text, Reason.NOT_IN_ANY_POOL)
        found = self._terms(address, pool.name, service, config, node)
        if isinstance(found, Refusal):
            return Answer(text, found.reason, found.message, pool=pool.name)
        if idle is not None:
            return _no(text, idle, pool.name)
        offers = tuple([Offer(record(address, terms.length), terms) for terms in found])
        return Answer(text, Reason.ADVERTISED, YES, offers, pool.name)

    def _terms(
        self, address: Address, pool: str, service: Service, config: Config, node: Node
    ) -> tuple[Terms, ...] | Refusal:
        """The terms on which an address of a pool is told; what they follow from is kept."""
        mine = self._here.get(pool)
        if mine is None:
            mine = self._here[pool] = _here(pool, config, node)
        if isinstance(mine, Refusal):
            return mine
        matches = tuple([any_matches(each.services, service.labels) for each in mine])
        key = (pool, address.version, matches)
        found = self._found.get(key)
        if found is None:
            ads = tuple(each for each, matched in zip(mine, matches, strict=True) if matched)
            found = self._found[key] = self._judge(mine, ads, family_of(address))
        return found

    def _judge(self, mine: Ads, ads: Ads, family: Family) -> tuple[Terms, ...] | Refusal:
        """The terms of the advertisements for one Service, of all that take the node."""
        if not ads:
            return Refusal(
                Reason.NO_MATCHING_ADVERTISEMENT,
                f"The serviceSelectors of {_names(mine)} do not match the Service's labels. Change"
                " these or those, or write a BGPAdvertisement for the Service.",
            )
        for first, second in combinations(ads, 2):
            if _conflict(first, second, family):
                return Refusal(
                    Reason.CONFLICTING_ADVERTISEMENTS,
                    f"{_names((first, second))} give one route to one peer different preferences:"
                    f" localPref is {first.local_pref} and {second.local_pref}. Give both the same,"
                    " or other peers or Services.",
                )
        lowered = self._standing in (Standing.LEAVES, Standing.YIELDS)
        terms = (terms_of(each, family, self.audiences, lowered=lowered) for each in ads)
        return tuple(each for each in terms if each.audiences) or self._unheard(ads, family)

    def _unheard(self, ads: Ads, family: Family) -> Refusal:
        """No peer of this node would be told: what to change."""
        node = "" if self._node is None else self._node.name
        named = {name for each in ads for name in each.peers}
        everyone = not all(each.peers for each in ads)
        meant = [each for each in self.peers if everyone or each.name in named]
        if meant:
            names = ", ".join(sorted(each.name for each in meant))
            message = (
                f"The sessions of BGPPeer {names} carry no {family} routes. Set"
                " dualStackAddressFamily there, or write a BGPPeer with an"
                f" {family} address."
            )
        elif self.peers:
            message = (
                f"{_names(ads)} is for BGPPeer {', '.join(sorted(named))} alone, with none of which"
                f" node {node} speaks. Add one that it speaks with to spec.peers."
            )
        else:
            message = (
                f"Node {node} speaks with no router. Write a BGPPeer, or let the nodeSelectors of"
                " one match the node."
            )
        return Refusal(Reason.NO_PEER, message)


YES = sentence(Reason.ADVERTISED)


def _no(address: str, reason: Reason, pool: str = "") -> Answer:
    return Answer(address, reason, sentence(reason), pool=pool)


def _unable(node: Node, standing: Standing) -> Reason | None:
    """Why a node announces nothing at all."""
    if standing is Standing.LEFT:
        return Reason.NODE_DRAINED
    if node.network_unavailable:
        return Reason.NODE_NETWORK_UNAVAILABLE
    if EXCLUDE_LABEL in node.labels and standing is Standing.STAYS:
        return Reason.NODE_EXCLUDED
    return None


def _unserved(service: Service, slices: Iterable[EndpointSlice], node: str) -> Reason | None:
    """Why no traffic for a Service could be served through this node.

    Where any node will do, one endpoint anywhere is enough: kube-proxy forwards to it.
    """
    local = service.policy is TrafficPolicy.LOCAL
    for place in served_on(service, slices):
        if not local or place == node:
            return None
    return Reason.NO_LOCAL_ENDPOINTS if local else Reason.NO_ENDPOINTS


def served_on(service: Service, slices: Iterable[EndpointSlice]) -> Iterator[str | None]:
    """The node of each endpoint that serves; None where it is not known."""
    for one in slices:
        for endpoint in one.endpoints:
            if endpoint.serving or service.publish_not_ready:
                yield endpoint.node


def taken_by(config: Config, node: Node) -> Hashable:
    """Which advertisements and peers take a node: all that Rules look at of its labels but the
    exclusion."""
    return (
        tuple([any_matches(each.nodes, node.labels) for each in config.bgp]),
        tuple([any_matches(each.nodes, node.labels) for each in config.peers]),
    )


def _here(pool: str, config: Config, node: Node) -> Ads | Refusal:
    """The advertisements of a pool that take the node."""
    named = tuple(each for each in config.bgp if pool in each.pools)
    if not named:
        return Refusal(
            Reason.NO_MATCHING_ADVERTISEMENT,
            f"No BGPAdvertisement is for pool {pool}. Write one that names it under"
            " spec.ipAddressPools, or one that names no pool: it is for all.",
        )
    return tuple(each for each in named if any_matches(each.nodes, node.labels)) or Refusal(
        Reason.NO_MATCHING_ADVERTISEMENT,
        f"The nodeSelectors of {_names(named)} do not match node {node.name}. Change them, or give"
        " the node such labels.",
    )


def _conflict(first: BgpAdvertisement, second: BgpAdvertisement, family: Family) -> bool:
    """Whether both tell one peer the same route, with different preferences."""
    if first.local_pref == second.local_pref or first.length(family) != second.length(family):
        return False
    return not first.peers or not second.peers or bool(set(first.peers) & set(second.peers))


def _names(ads: Iterable[BgpAdvertisement]) -> str:
    return "BGPAdvertisement " + ", ".join(sorted(each.name for each in ads))
