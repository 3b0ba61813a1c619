"""The tables of a node: what all Services have, united for each peer, and how they change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from speaker.bgp import audiences, encode, facets, prefixes, rib, routes, updates, wanted
from speaker.bgp.facets import Egress, Facets, NextHop, unite
from speaker.bgp.messages import IPV4_UNICAST, IPV6_UNICAST, Attributes
from speaker.bgp.prefixes import Record, network
from speaker.bgp.rib import AdjRibOut
from speaker.bgp.routes import Rules, Standing
from speaker.bgp.updates import Updates
from speaker.bgp.wanted import Wanted
from tests.support.steps import steps
from tests.unit.bgp.making import (
    NODE,
    SOME,
    VIP,
    VIP6,
    ad,
    config,
    matching,
    peer,
    prefix,
    service,
)
from tests.unit.bgp.router import BOTH, Router
from vipcast.config.config import Config
from vipcast.model.addresses import Family, make_address
from vipcast.model.advertisement import Community
from vipcast.model.objects import Key, Service

HOST, BLOCK = prefix(VIP), prefix("192.0.2.0/24")
MARKED = (Community((1, 1)),)
ONES = 1 << 16 | 1


class Node:
    """What a speaker does with objects, in short: decide, put, take."""

    def __init__(self, settings: Config) -> None:
        self.wanted = Wanted()
        self.services: dict[Key, Service] = {}
        self.follow(settings)

    def follow(
        self, settings: Config, standing: Standing = Standing.STAYS
    ) -> dict[str, Mapping[Record, Facets | None]]:
        """Another configuration: every Service is decided anew."""
        self.rules = Rules(settings, NODE, standing)
        for each in self.services.values():
            self._decide(each)
        return self.wanted.take(self.rules.audiences)

    def have(self, *services: Service) -> dict[str, Mapping[Record, Facets | None]]:
        for each in services:
            self.services[each.key] = each
            self._decide(each)
        return self.wanted.take()

    def lose(self, *services: Service) -> dict[str, Mapping[Record, Facets | None]]:
        for each in services:
            del self.services[each.key]
            self.wanted.put(each.key, ())
        return self.wanted.take()

    def _decide(self, found: Service) -> None:
        self.wanted.put(found.key, self.rules.decide(found, SOME).offers)


def test_a_service_comes_changes_and_goes() -> None:
    node = Node(config())
    assert node.have(service()) == {"tor": {HOST: Facets()}}
    assert node.wanted.table("tor") == {HOST: Facets()}
    assert node.have(service()) == {}
    other = service("web", "192.0.2.7")
    assert node.have(other) == {"tor": {HOST: None, prefix("192.0.2.7"): Facets()}}
    assert node.lose(other) == {"tor": {prefix("192.0.2.7"): None}}
    assert node.wanted.table("tor") == {}


def test_what_comes_and_goes_between_two_looks_is_no_change() -> None:
    node = Node(config())
    node.wanted.put(service().key, node.rules.decide(service(), SOME).offers)
    node.wanted.put(service().key, ())
    assert node.wanted.take() == {}


def test_a_service_that_never_was_may_be_gone() -> None:
    node = Node(config())
    node.wanted.put(service().key, ())
    assert node.wanted.take() == {}


def test_a_shared_address_and_an_aggregate_stay_until_the_last_service_is_gone() -> None:
    node = Node(config(ad("hosts"), ad("blocks", aggregation_length=24)))
    web, mail, far = service("web"), service("mail"), service("far", "192.0.2.9")
    assert node.have(web) == {"tor": {HOST: Facets(), BLOCK: Facets()}}
    assert node.have(mail, far) == {"tor": {prefix("192.0.2.9"): Facets()}}
    assert node.lose(web) == {}
    assert node.lose(mail) == {"tor": {HOST: None}}
    assert node.lose(far) == {"tor": {prefix("192.0.2.9"): None, BLOCK: None}}


def test_advertisements_of_one_prefix_are_united_and_come_apart_again() -> None:
    node = Node(
        config(
            ad("a", services=(matching("app", "web"),), communities=MARKED),
            ad("b", services=(matching("app", "mail"),), local_pref=200),
        )
    )
    web, mail = service("web"), service("mail")
    assert node.have(web) == {"tor": {HOST: Facets(100, (ONES,))}}
    assert node.have(mail) == {"tor": {HOST: Facets(200, (ONES,))}}
    assert node.lose(web) == {"tor": {HOST: Facets(200)}}


def test_a_part_of_a_route_that_goes_while_others_say_the_same_is_no_change() -> None:
    node = Node(
        config(
            ad("a", services=(matching("app", "web"),), communities=MARKED),
            ad("b", communities=MARKED),
            ad("c"),
        )
    )
    mail, web = service("mail"), service("web")
    assert node.have(mail) == {"tor": {HOST: Facets(100, (ONES,))}}
    assert node.have(web) == {}
    assert len(node.rules.decide(web, SOME).offers) == 3
    assert node.lose(web) == {}


def test_peers_that_are_told_the_same_share_one_mapping_and_others_have_their_own() -> None:
    tors = tuple(peer(f"tor{number}", f"10.0.0.{number}") for number in (1, 2))
    node = Node(
        config(ad("a"), ad("b", peers=("core",), communities=MARKED), peers=(*tors, peer("core")))
    )
    changes = node.have(service())
    assert changes == {
        "tor1": {HOST: Facets()},
        "tor2": {HOST: Facets()},
        "core": {HOST: Facets(communities=(ONES,))},
    }
    assert changes["tor1"] is changes["tor2"]


def test_a_peer_hears_the_families_of_its_session_alone() -> None:
    six = peer("six", "2001:db8::1")
    node = Node(config(peers=(peer("four"), six, peer("both", "10.0.0.2", dual_stack=True))))
    assert node.have(service("web", VIP, VIP6)) == {
        "four": {HOST: Facets()},
        "six": {prefix(VIP6): Facets()},
        "both": {HOST: Facets(), prefix(VIP6): Facets()},
    }


def test_another_configuration_tells_each_peer_what_differs_for_it_and_nothing_else() -> None:
    tor, core, late = peer("tor"), peer("core", "10.0.0.1"), peer("late", "10.0.0.2")
    node = Node(config(peers=(tor, core)))
    node.have(service(), service("other", "192.0.2.9"))
    same = config(ad("renamed"), peers=(tor, core))
    assert node.follow(same) == {}
    more = config(ad("a"), ad("b", peers=("core", "late"), communities=MARKED), peers=(core, late))
    table = dict.fromkeys((HOST, prefix("192.0.2.9")), Facets(communities=(ONES,)))
    assert node.follow(more) == {"core": table, "late": table}
    assert node.wanted.table("tor") == {}
    assert node.follow(config(ad("a", "dmz"), peers=(core, late))) == {
        "core": dict.fromkeys(table),
        "late": dict.fromkeys(table),
    }


def test_a_node_that_leaves_tells_all_its_routes_again_and_then_withdraws_them() -> None:
    node = Node(config())
    node.have(service())
    assert node.follow(config(), Standing.LEAVES) == {"tor": {HOST: Facets(0, (0xFFFF0000,))}}
    assert node.follow(config(), Standing.LEFT) == {"tor": {HOST: None}}
    assert node.follow(config()) == {"tor": {HOST: Facets()}}


EGRESS = {
    "tor": (False, 64512),
    "core": (True, 64512),
    "six": (False, 64999),
}
PEERS = (
    peer("tor"),
    peer("core", "10.0.0.1", dual_stack=True),
    peer("six", "2001:db8::1"),
)
ADS = (
    ad("hosts"),
    ad("blocks", aggregation_length=24, aggregation_length_v6=64, communities=MARKED),
    ad("marked", peers=("core",), communities=(Community((2, 2)),)),
    ad("mail", services=(matching("app", "s1"),), communities=(Community((3, 3, 3)),)),
)
NAMES = ("s0", "s1", "s2", "s3")
ADDRESSES = ("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2", "198.51.100.1")

events = st.lists(
    st.one_of(
        st.tuples(
            st.just("have"),
            st.sampled_from(NAMES),
            st.lists(st.sampled_from(ADDRESSES), unique=True, max_size=2),
        ),
        st.tuples(
            st.just("follow"),
            st.lists(st.sampled_from(ADS), unique=True),
            st.tuples(st.sampled_from(list(Standing)), st.sets(st.sampled_from(PEERS))),
        ),
        st.tuples(st.just("up"), st.sampled_from(list(EGRESS)), st.none()),
    ),
    max_size=25,
)


@dataclass
class Session:
    """One peer's, with the router at its other end."""

    egress: Egress
    router: Router
    rib: AdjRibOut = field(default_factory=lambda: AdjRibOut(BOTH))

    def tell(self, changes: Mapping[Record, Facets | None], out: Updates) -> None:
        self.rib.want(self.egress.dress(changes))
        self.router.receive(out.encode(self.rib.flush(), four_octet=True))


HOPS = {
    IPV4_UNICAST: NextHop(make_address(Family.IPV4, 0xC0000201)),
    IPV6_UNICAST: NextHop(make_address(Family.IPV6, 0x20010DB8 << 96 | 1)),
}


def session(name: str) -> Session:
    ibgp, asn = EGRESS[name]
    return Session(Egress(asn, ibgp=ibgp, next_hops=HOPS), Router(ibgp=ibgp))


def expected(node: Node, name: str) -> dict[object, Attributes | None]:
    """What the router should have, found the long way."""
    by_prefix: dict[Record, set[Facets]] = {}
    for each in node.services.values():
        for offer in node.rules.decide(each, SOME).offers:
            if name in offer.terms.peers:
                by_prefix.setdefault(offer.prefix, set()).add(offer.terms.facets)
    table = {each: unite(several) for each, several in by_prefix.items()}
    assert node.wanted.table(name) == table
    return {network(each): route for each, route in session(name).egress.dress(table).items()}


@given(events)
@settings(max_examples=200)
def test_whatever_changes_every_router_has_what_the_objects_say(
    schedule: list[tuple[str, object, object]],
) -> None:
    node, out = Node(config(*ADS[:2], peers=PEERS)), Updates(encode)
    sessions = {name: session(name) for name in EGRESS}
    for name, first, second in schedule:
        changes = play(node, sessions, name, first, second)
        spoken = {each.name for each in node.rules.peers}
        sessions |= {each: session(each) for each in EGRESS.keys() - spoken}
        for each, one in sessions.items():
            one.tell(changes.get(each, {}), out)
    for each, one in sessions.items():
        assert one.router.table == expected(node, each)


def play(
    node: Node, sessions: dict[str, Session], name: str, first: object, second: object
) -> dict[str, Mapping[Record, Facets | None]]:
    """One event; what each peer is to be told then."""
    match name, first, second:
        case "have", str(service_name), list(ingress):
            return node.have(service(service_name, *ingress, ingress=tuple(ingress)))
        case "follow", list(ads), (Standing() as standing, set(peers)):
            settings = Config(config().pools, bgp=tuple(ads), peers=tuple(peers))
            return node.follow(settings, standing)
        case "up", str(peer_name), None:
            sessions[peer_name] = session(peer_name)
            return {peer_name: node.wanted.table(peer_name)}
    raise AssertionError(f"there is no such event: {name}")


def test_a_change_costs_the_same_however_many_routes_there_are() -> None:
    rooms = (audiences, facets, prefixes, rib, routes, updates, wanted)

    def cost(number: int) -> int:
        """Lines run to withdraw one route of so many."""
        vips = [str(make_address(Family.IPV4, 0xC0000200 + each)) for each in range(number)]
        services = [service(f"s{each}", vip) for each, vip in enumerate(vips)]
        node, out, one = Node(config()), Updates(encode), session("tor")
        one.tell(node.have(*services)["tor"], out)

        def change() -> None:
            one.tell(node.lose(services[number // 2])["tor"], out)

        return steps(change, *rooms)

    assert cost(200) == cost(2)
