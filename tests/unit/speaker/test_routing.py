"""The routes of a node: of which Services they change, and what else does not count as one."""

from __future__ import annotations

from dataclasses import replace

from speaker.bgp.routes import Standing
from speaker.routing import Routing, Turn
from tests.unit.bgp.making import NODE, SOME, VIP, WEB, ad, config, peer, service
from vipcast.config.config import Config
from vipcast.model.addresses import parse_address
from vipcast.model.advertisement import Community
from vipcast.model.reasons import Reason

TORS = (peer("tor-2"), peer("tor-1", "10.0.0.253"))
ONE = config(peers=TORS)
BOTH = ("tor-1", "tor-2")
TOLD = Turn(WEB, 1, (VIP,), BOTH, Reason.ADVERTISED)


def following(settings: Config = ONE) -> Routing:
    routing = Routing()
    routing.look(settings, NODE, Standing.STAYS)
    return routing


def after(routing: Routing, settings: Config) -> tuple[Turn, ...]:
    """What turns where the same Service has other rules."""
    assert routing.look(settings, NODE, Standing.STAYS)
    routing.put(WEB, service(), SOME)
    return routing.turns()


def test_a_service_turns_when_it_has_routes_and_when_it_has_none_any_more() -> None:
    routing = following()
    routing.put(WEB, service(), SOME)
    assert routing.turns() == (TOLD,)
    assert routing.turns() == ()
    routing.put(WEB, service(), ())
    assert routing.turns() == (Turn(WEB, 0, (), (), Reason.NO_ENDPOINTS),)
    routing.put(WEB, None, ())
    assert routing.turns() == ()


def test_a_service_that_is_gone_is_not_wanted() -> None:
    routing = following()
    routing.put(WEB, service(), SOME)
    routing.put(WEB, None, ())
    assert routing.turns() == (TOLD, Turn(WEB, 0, (), (), Reason.NOT_WANTED))


def test_one_address_of_two_that_is_not_told_is_the_reason() -> None:
    routing = following()
    routing.put(WEB, service("web", VIP, "10.1.1.1"), SOME)
    assert routing.turns() == (replace(TOLD, reason=Reason.NOT_IN_ANY_POOL),)


def test_other_rules_that_come_to_the_same_are_no_turn() -> None:
    routing = following()
    routing.put(WEB, service(), SOME)
    routing.turns()
    unused = replace(ONE, bgp=(*ONE.bgp, ad("other", "dmz")))
    assert after(routing, unused) == ()


def test_other_attributes_and_other_routers_are() -> None:
    routing = following()
    routing.put(WEB, service(), SOME)
    routing.turns()
    marked = config(ad(communities=(Community((1, 1)),)), peers=TORS)
    assert after(routing, marked) == (TOLD,)
    alone = config(ad(communities=(Community((1, 1)),)), peers=TORS[:1])
    assert after(routing, alone) == (replace(TOLD, peers=("tor-2",)),)
    moved = replace(TORS[0], address=parse_address("10.0.0.9"))
    assert after(routing, replace(alone, peers=(moved,))) == ()
