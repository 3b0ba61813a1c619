"""What stands of each Service whose routes a node tells."""

from __future__ import annotations

from dataclasses import replace

from speaker.advertised import Advertised
from speaker.bgp.routes import Routes, Rules
from tests.support.pods import owner, reference
from tests.unit.bgp.making import NODE, SOME, ad, config, peer, service
from vipcast.kube.status import bgp_status_ref, parse_bgp_status
from vipcast.model.objects import Key, Service
from vipcast.model.raw import Raw, Ref

SYSTEM = "metallb-system"
TORS = (peer("tor-2"), peer("tor-1", "10.0.0.253"))
WEB, DB = service("web"), service("db", "192.0.2.241")


def decided(rules: Rules, *services: Service) -> dict[Key, Routes]:
    return {each.key: rules.decide(each, SOME) for each in services}


def shown(one: Advertised, decisions: dict[Key, Routes]) -> dict[Ref, Raw]:
    return dict(one.objects(decisions))


def test_each_service_has_the_routers_that_are_told_of_it_and_its_owner() -> None:
    rules = Rules(config(ad(peers=("tor-1",)), ad("two"), peers=TORS), NODE)
    found = shown(Advertised("node1", SYSTEM, owner()), decided(rules, WEB, DB))
    assert list(found) == [bgp_status_ref(SYSTEM, each.key, "node1") for each in (WEB, DB)]
    for raw in found.values():
        assert parse_bgp_status(raw).peers == ("tor-1", "tor-2")
        assert raw["metadata"]["ownerReferences"] == [reference(owner())]


def test_a_service_that_no_router_is_told_of_has_none() -> None:
    one, rules = Advertised("node1", SYSTEM, None), Rules(config(peers=TORS), NODE)
    unserved = {WEB.key: rules.decide(WEB, ())}
    assert shown(one, unserved) == {}
    assert len(shown(one, decided(rules, WEB))) == 1
    assert shown(one, unserved) == {}
    assert shown(one, {}) == {}


def test_what_has_not_changed_is_not_made_again() -> None:
    one, rules = Advertised("node1", SYSTEM, owner()), Rules(config(peers=TORS), NODE)
    first = shown(one, decided(rules, WEB, DB))
    again = shown(one, decided(rules, WEB, DB))
    assert [again[ref] is raw for ref, raw in first.items()] == [True, True]
    rules = Rules(config(peers=TORS[:1]), NODE)
    fewer = shown(one, decided(rules, replace(WEB, labels={}), DB))
    assert {parse_bgp_status(raw).peers for raw in fewer.values()} == {("tor-2",)}
    alone = shown(one, decided(rules, DB))
    assert list(alone) == [bgp_status_ref(SYSTEM, DB.key, "node1")]
