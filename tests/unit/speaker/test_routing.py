"""The routes of a node: of which Services they change, and what else does not count as one."""

from __future__ import annotations

from dataclasses import replace

from speaker.bgp.facets import GRACEFUL_SHUTDOWN
from speaker.bgp.routes import Standing
from speaker.bgp.yielding import HANDED, NEEDED
from speaker.leaving import WAIT
from speaker.routing import Routing, Turn
from tests.unit.bgp.making import (
    LOCAL,
    NODE,
    SOME,
    VIP,
    WEB,
    ad,
    config,
    endpoint,
    peer,
    service,
    slices,
    told,
)
from vipcast.config.config import Config
from vipcast.model.addresses import parse_address
from vipcast.model.advertisement import Community
from vipcast.model.objects import Node
from vipcast.model.reasons import Reason, sentence
from vipcast.model.status import BGP

TORS = (peer("tor-2"), peer("tor-1", "10.0.0.253"))
ONE = config(peers=TORS)
BOTH = ("tor-1", "tor-2")
NOW = 100.0
TOLD = Turn(WEB, 1, (VIP,), BOTH, Reason.ADVERTISED)


def following(settings: Config = ONE) -> Routing:
    routing = Routing()
    routing.look(settings, NODE, Standing.STAYS)
    return routing


def after(routing: Routing, settings: Config) -> tuple[Turn, ...]:
    """What turns where the same Service has other rules."""
    assert routing.look(settings, NODE, Standing.STAYS)
    routing.put(WEB, service(), SOME, NOW)
    return routing.turns()


def test_a_service_turns_when_it_has_routes_and_when_it_has_none_any_more() -> None:
    routing = following()
    routing.put(WEB, service(), SOME, NOW)
    assert routing.turns() == (TOLD,)
    assert routing.turns() == ()
    routing.put(WEB, service(), (), NOW)
    assert routing.turns() == (Turn(WEB, 0, (), (), Reason.NO_ENDPOINTS),)
    routing.put(WEB, None, (), NOW)
    assert routing.turns() == ()


def test_a_service_that_is_gone_is_not_wanted() -> None:
    routing = following()
    routing.put(WEB, service(), SOME, NOW)
    routing.put(WEB, None, (), NOW)
    assert routing.turns() == (TOLD, Turn(WEB, 0, (), (), Reason.NOT_WANTED))


def test_one_address_of_two_that_is_not_told_is_the_reason() -> None:
    routing = following()
    routing.put(WEB, service("web", VIP, "10.1.1.1"), SOME, NOW)
    assert routing.turns() == (replace(TOLD, reason=Reason.NOT_IN_ANY_POOL),)


def test_other_rules_that_come_to_the_same_are_no_turn() -> None:
    routing = following()
    routing.put(WEB, service(), SOME, NOW)
    routing.turns()
    unused = replace(ONE, bgp=(*ONE.bgp, ad("other", "dmz")))
    assert after(routing, unused) == ()


def test_other_attributes_and_other_routers_are() -> None:
    routing = following()
    routing.put(WEB, service(), SOME, NOW)
    routing.turns()
    marked = config(ad(communities=(Community((1, 1)),)), peers=TORS)
    assert after(routing, marked) == (TOLD,)
    alone = config(ad(communities=(Community((1, 1)),)), peers=TORS[:1])
    assert after(routing, alone) == (replace(TOLD, peers=("tor-2",)),)
    moved = replace(TORS[0], address=parse_address("10.0.0.9"))
    assert after(routing, replace(alone, peers=(moved,))) == ()


CORDONED, OTHER = replace(NODE, unschedulable=True), Node("node2")


def cordoned(routing: Routing, *staying: Node, now: float = NOW) -> None:
    """The node is cordoned, and these stay."""
    assert routing.look(ONE, CORDONED, Standing.YIELDS, staying)
    routing.put(WEB, service(), SOME, now)


def said(routing: Routing) -> tuple[Reason, str]:
    (answer,) = routing.decisions[WEB].answers
    return answer.reason, answer.message


def communities(routing: Routing) -> list[tuple[int, ...]]:
    """Those of each route that is told."""
    return [facets.communities for _, _, facets, _ in told(routing.decisions[WEB])]


def test_a_cordoned_node_hands_its_routes_over_and_then_speaks_with_nobody() -> None:
    routing = following()
    routing.put(WEB, service(), SOME, 0.0)
    cordoned(routing, OTHER)
    assert said(routing) == (Reason.ADVERTISED, HANDED)
    assert communities(routing) == [(GRACEFUL_SHUTDOWN,)]
    assert (routing.deadline, routing.left, routing.needed) == (NOW + WAIT, False, False)
    assert routing.due(NOW + WAIT) == {WEB}
    routing.put(WEB, service(), SOME, NOW + WAIT)
    assert said(routing) == (Reason.NODE_CORDONED, sentence(Reason.NODE_CORDONED))
    assert (routing.deadline, routing.left, routing.peers) == (None, True, ())
    (refused,) = routing.refusals()
    assert (refused.reason, refused.protocol) == (Reason.NODE_CORDONED, BGP)


def test_a_cordoned_node_tells_again_what_nobody_else_can_tell_any_more() -> None:
    routing = following()
    cordoned(routing, OTHER)
    assert (said(routing)[0], routing.left) == (Reason.NODE_CORDONED, True)
    cordoned(routing)
    assert (said(routing), routing.peers) == ((Reason.ADVERTISED, NEEDED), TORS)
    assert (communities(routing), routing.needed) == ([(GRACEFUL_SHUTDOWN,)], True)
    cordoned(routing, OTHER, now=200.0)
    assert (said(routing)[1], routing.deadline) == (HANDED, 200.0 + WAIT)
    assert routing.look(ONE, NODE, Standing.STAYS)
    routing.put(WEB, service(), SOME, 201.0)
    assert (communities(routing), routing.deadline) == ([()], None)


def test_a_route_that_is_gone_is_waited_for_no_more() -> None:
    routing = following()
    for gone, endpoints in ((None, SOME), (service(), ()), (service("web", "10.1.1.1"), SOME)):
        routing.look(ONE, NODE, Standing.STAYS)
        routing.put(WEB, service(), SOME, 0.0)
        cordoned(routing, OTHER)
        waits = routing.deadline
        routing.put(WEB, gone, endpoints, NOW)
        assert (waits, routing.deadline, routing.left) == (NOW + WAIT, None, True)


def test_an_address_that_a_status_has_twice_is_one_route() -> None:
    routing, twice = following(), service("web", VIP, VIP)
    routing.put(WEB, twice, SOME, 0.0)
    routing.look(ONE, CORDONED, Standing.YIELDS, (OTHER,))
    routing.put(WEB, twice, SOME, NOW)
    routing.put(WEB, twice, SOME, NOW + WAIT)
    assert routing.left
    assert routing.deadline is None


def test_with_policy_local_a_route_is_left_to_a_node_with_an_endpoint() -> None:
    routing = following()
    here, both = slices(endpoint("node1")), slices(endpoint("node1"), endpoint("node2"))
    routing.look(ONE, CORDONED, Standing.YIELDS, (OTHER,))
    routing.put(WEB, LOCAL, here, NOW)
    assert said(routing)[1] == NEEDED
    routing.put(WEB, LOCAL, both, NOW)
    assert said(routing)[1] == HANDED
    routing.put(WEB, LOCAL, here, NOW + WAIT)
    assert (said(routing)[1], routing.deadline) == (NEEDED, None)


def test_who_stays_is_of_no_concern_to_a_node_that_is_not_cordoned() -> None:
    routing = following()
    assert not routing.look(ONE, NODE, Standing.STAYS, (OTHER,))
