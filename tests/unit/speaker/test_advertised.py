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


def first(one: Advertised, decisions: dict[Key, Routes], *standing: str) -> list[str]:
    """The Services that are told for the first time, and what is said."""
    shown(one, decisions)
    return [f"{note.about.key.name} {note.message}" for note in one.first_told(standing)]


def test_a_service_is_told_for_the_first_time_when_a_session_with_one_of_its_routers_stands() -> (
    None
):
    one = Advertised("node1", SYSTEM, None)
    rules = Rules(config(ad(peers=("tor-1",)), peers=TORS), NODE)
    decisions = decided(rules, WEB, DB)
    assert first(one, decisions) == first(one, decisions, "tor-2") == []
    said = 'announcing from node "node1" with protocol "bgp" to tor-1: 192.0.2.24'
    assert first(one, decisions, "tor-1", "tor-2") == [f"db {said}1", f"web {said}0"]
    assert first(one, decisions, "tor-1") == []


def test_what_a_speaker_before_has_told_is_no_news_until_it_is_told_to_nobody() -> None:
    one, rules = Advertised("node1", SYSTEM, None), Rules(config(peers=TORS), NODE)
    one.found(WEB.key)
    assert first(one, decided(rules, WEB), "tor-1") == []
    assert first(one, {WEB.key: rules.decide(WEB, ())}, "tor-1") == []
    assert len(first(one, decided(rules, WEB), "tor-1")) == 1
    assert first(one, {}, "tor-1") == []
    assert len(first(one, decided(rules, WEB), "tor-1")) == 1
