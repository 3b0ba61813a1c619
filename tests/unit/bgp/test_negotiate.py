"""What two OPENs agree upon, and what of the router's is refused with which NOTIFICATION."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from speaker.bgp.codes import AS_TRANS
from speaker.bgp.messages import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    AfiSafi,
    Capabilities,
    GracefulRestart,
    Notification,
    Open,
)
from speaker.bgp.negotiate import Negotiated, negotiate
from speaker.bgp.settings import (
    Graceful,
    Offer,
    SessionSettings,
    next_offer,
    open_of,
)
from tests.unit.bgp.talking import BRIDGES, HERE, OPEN, SETTINGS, SETTINGS_V6, THERE, opening
from vipcast.model.errors import MessageError
from vipcast.model.peer import DynamicAsn

BARE = Capabilities()


def agreed(
    theirs: Open = OPEN, settings: SessionSettings = SETTINGS, offer: Offer = Offer.FULL
) -> Negotiated:
    return negotiate(settings, open_of(settings, offer), theirs, generation=7)


def refused(theirs: Open, settings: SessionSettings = SETTINGS) -> tuple[int, int, bytes, str]:
    with pytest.raises(MessageError) as caught:
        agreed(theirs, settings)
    error = caught.value
    return error.code, error.subcode, error.data, error.sentence


def test_what_both_say_holds_for_the_session() -> None:
    assert agreed() == Negotiated(
        local_asn=64512,
        peer_asn=64513,
        ibgp=False,
        hold_time=90,
        keepalive_time=30,
        families=(IPV4_UNICAST,),
        four_octet=True,
        extended_message=False,
        route_refresh=True,
        enhanced_refresh=True,
        extended_next_hop=(),
        graceful_restart=None,
        graceful_notification=False,
        peer_router_id=THERE,
        generation=7,
    )


def test_of_two_hold_times_the_shorter_counts_and_none_switches_keepalives_off() -> None:
    times = [
        (replace(OPEN, hold_time=180), SETTINGS),
        (replace(OPEN, hold_time=9), SETTINGS),
        (replace(OPEN, hold_time=0), SETTINGS),
        (OPEN, replace(SETTINGS, hold_time=0)),
        (OPEN, replace(SETTINGS, keepalive_time=5)),
        (replace(OPEN, hold_time=9), replace(SETTINGS, keepalive_time=5)),
        (OPEN, replace(SETTINGS, keepalive_time=60)),
    ]
    found = [agreed(*pair) for pair in times]
    assert [(one.hold_time, one.keepalive_time) for one in found] == [
        *((90, 30), (9, 3), (0, 0), (0, 0), (90, 5), (9, 3), (90, 30)),
    ]


def test_another_as_than_configured_is_refused() -> None:
    assert refused(replace(OPEN, asn=64999)) == (
        *(2, 2, b""),
        "The router is in AS 64999; configured is AS 64513.",
    )


def test_an_internal_peer_is_in_our_as_and_an_external_one_is_not() -> None:
    inside = replace(OPEN, asn=64512)
    internal = replace(SETTINGS, peer_asn=DynamicAsn.INTERNAL)
    external = replace(SETTINGS, peer_asn=DynamicAsn.EXTERNAL)
    assert agreed(inside, internal).ibgp
    assert (agreed(OPEN, external).ibgp, agreed(OPEN, external).peer_asn) == (False, 64513)
    assert refused(OPEN, internal)[:2] == refused(inside, external)[:2] == (2, 2)


def test_as_trans_without_the_real_number_is_nobody() -> None:
    settings = replace(SETTINGS, peer_asn=4200000000)
    old = replace(OPEN, asn=AS_TRANS, capabilities=BARE)
    assert refused(old, settings)[:2] == (2, 2)
    assert "stands for a number that does not fit" in refused(old, settings)[3]
    assert refused(old, replace(SETTINGS, peer_asn=DynamicAsn.EXTERNAL))[:2] == (2, 2)
    assert agreed(replace(OPEN, asn=4200000000), settings).peer_asn == 4200000000


def test_who_configured_as_trans_itself_gets_it() -> None:
    old = replace(OPEN, asn=AS_TRANS, capabilities=BARE)
    assert agreed(old, replace(SETTINGS, peer_asn=AS_TRANS)).peer_asn == AS_TRANS


def test_inside_an_as_no_two_have_one_identifier_and_outside_they_may() -> None:
    same = replace(OPEN, router_id=HERE)
    assert refused(replace(same, asn=64512), replace(SETTINGS, peer_asn=64512)) == (
        *(2, 3, b""),
        "The router, which is in our AS, has our BGP identifier, 192.0.2.1.",
    )
    assert agreed(same).peer_router_id == HERE


def test_no_common_family_is_refused_with_the_capabilities_that_we_miss() -> None:
    only_6 = opening(families=(IPV6_UNICAST,))
    assert refused(only_6) == (
        *(2, 7, bytes.fromhex("010400010001")),
        "The router carries IPv6 unicast; to be carried is IPv4 unicast.",
    )
    neither = replace(SETTINGS, families=(IPV6_UNICAST,))
    assert refused(opening(families=()), neither)[2] == bytes.fromhex("010400020001")


def test_of_families_those_are_carried_that_both_name_in_our_order() -> None:
    both = opening(families=(AfiSafi(1, 128), IPV6_UNICAST, IPV4_UNICAST))
    assert agreed(both, SETTINGS_V6).families == (IPV4_UNICAST, IPV6_UNICAST)
    assert agreed(opening(families=(IPV6_UNICAST,)), SETTINGS_V6).families == (IPV6_UNICAST,)


def test_who_names_no_family_carries_ipv4() -> None:
    old = replace(OPEN, capabilities=BARE)
    assert agreed(old, SETTINGS_V6).families == (IPV4_UNICAST,)
    assert agreed(old).four_octet is agreed(old).route_refresh is False
    both = opening(families=SETTINGS_V6.families)
    assert agreed(both, SETTINGS_V6, Offer.NOTHING).families == (IPV4_UNICAST,)


def test_ipv4_over_ipv6_takes_an_ipv6_next_hop_only_where_both_say_so() -> None:
    hops = ((IPV4_UNICAST, 2),)
    both = opening(
        families=SETTINGS_V6.families, extended_next_hop=((IPV4_UNICAST, 2), (AfiSafi(1, 2), 2))
    )
    assert agreed(both, SETTINGS_V6).extended_next_hop == hops
    assert agreed(both, replace(SETTINGS_V6, families=(IPV6_UNICAST,))).extended_next_hop == ()
    assert agreed(both, SETTINGS).extended_next_hop == ()
    only_6 = opening(families=(IPV6_UNICAST,), extended_next_hop=hops)
    assert agreed(only_6, SETTINGS_V6).extended_next_hop == ()
    assert agreed(opening(families=SETTINGS_V6.families), SETTINGS_V6).extended_next_hop == ()


def test_a_notification_is_a_restart_only_where_both_set_the_n_bit() -> None:
    graceful = replace(SETTINGS, graceful_restart=Graceful())
    old = replace(BRIDGES, notification=False)
    assert agreed(opening(graceful_restart=BRIDGES), graceful).graceful_notification
    assert not agreed(opening(graceful_restart=BRIDGES)).graceful_notification
    assert not agreed(opening(graceful_restart=old), graceful).graceful_notification
    assert agreed(opening(graceful_restart=old), graceful).graceful_restart == old


def test_our_open_offers_all_that_we_can_do_and_then_less() -> None:
    settings = replace(SETTINGS_V6, graceful_restart=Graceful(restarting=True, forwarding=False))
    full = Capabilities(
        families=(IPV4_UNICAST, IPV6_UNICAST),
        four_octet_asn=64512,
        route_refresh=True,
        enhanced_refresh=True,
        extended_message=True,
        extended_next_hop=((IPV4_UNICAST, 2),),
        graceful_restart=GracefulRestart(
            restarting=True,
            notification=True,
            restart_time=30,
            families=((IPV4_UNICAST, False), (IPV6_UNICAST, False)),
        ),
    )
    plain = Capabilities(families=(IPV4_UNICAST, IPV6_UNICAST), four_octet_asn=64512)
    assert [open_of(settings, offer) for offer in Offer] == [
        Open(asn=64512, hold_time=90, router_id=IPv4Address("192.0.2.1"), capabilities=offered)
        for offered in (full, plain, Capabilities())
    ]


def test_without_capabilities_as_trans_stands_for_a_long_as_number() -> None:
    settings = replace(SETTINGS, local_asn=4200000000)
    found = [open_of(settings, offer).asn for offer in Offer]
    assert found == [4200000000, 4200000000, AS_TRANS]
    assert agreed(OPEN, settings, Offer.NOTHING).local_asn == 4200000000


UNKNOWN_PARAMETER = Notification(2, 4)
FAMILIES = bytes.fromhex("010400020001" + "010400010001")


def test_who_knows_no_capabilities_is_offered_none_and_then_all_again() -> None:
    only_6 = replace(SETTINGS, families=(IPV6_UNICAST,))
    for settings, least in ((SETTINGS, Offer.NOTHING), (only_6, Offer.PLAIN)):
        assert next_offer(settings, Offer.FULL, UNKNOWN_PARAMETER) is least
        assert next_offer(settings, least, UNKNOWN_PARAMETER) is Offer.FULL


@pytest.mark.parametrize("data", ["", "0600", "010400020001" + "0600", "01"])
def test_who_refuses_capabilities_is_offered_the_plain_ones_and_all_in_turn(data: str) -> None:
    said = Notification(2, 7, bytes.fromhex(data))
    offers = [next_offer(SETTINGS, offer, said) for offer in Offer]
    assert offers == [Offer.PLAIN, Offer.FULL, Offer.FULL]


@pytest.mark.parametrize(
    "said", [Notification(2, 7, FAMILIES), Notification(6, 4), Notification(1, 7)]
)
@pytest.mark.parametrize("offer", Offer)
def test_who_misses_families_or_something_else_is_offered_the_same(
    said: Notification, offer: Offer
) -> None:
    assert next_offer(SETTINGS, offer, said) is offer
