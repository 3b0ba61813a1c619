"""The metrics of BGP: the exact page, and series that go with their router."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.ops.test_metrics import samples, speaker
from vipcast.ops.samples import PeerSample, SpeakerSample

UP = PeerSample(
    "192.0.2.1:179",
    up=True,
    announced=3,
    pending=1,
    sent={"OPEN": 2, "UPDATE": 4, "KEEPALIVE": 9, "NOTIFICATION": 1},
    received={"OPEN": 1, "UPDATE": 5, "KEEPALIVE": 8, "NOTIFICATION": 1},
    down="notificationReceived",
    errors={
        "sent": "Cease, peer deconfigured",
        "received": "Cease, administrative shutdown",
    },
)
DOWN = PeerSample("[2001:db8::1]:179", up=False, down="unreachable", without_bfd=True)


def test_a_router_has_these_series_and_no_others() -> None:
    sample = SpeakerSample(told=(("default/web", "192.0.2.10"),), peers=(UP, DOWN))
    page = speaker(lambda: sample).take().text()
    assert samples(page, "metallb_speaker_announced") == [
        (
            'metallb_speaker_announced{ip="192.0.2.10",node="node-1",protocol="bgp",'
            'service="default/web"} 1.0'
        )
    ]
    one, other = 'peer="192.0.2.1:179"', 'peer="[2001:db8::1]:179"'
    native = {
        "bgp_session_up": (1, 0),
        "bgp_updates_total": (4, 0),
        "bgp_announced_prefixes_total": (3, 0),
        "bgp_pending_prefixes_total": (1, 0),
    }
    in_frr = {
        "bgp_opens_sent": (2, 0),
        "bgp_opens_received": (1, 0),
        "bgp_notifications_sent": (1, 0),
        "bgp_updates_total_received": (5, 0),
        "bgp_keepalives_sent": (9, 0),
        "bgp_keepalives_received": (8, 0),
        "bgp_route_refresh_sent": (0, 0),
        "bgp_total_sent": (16, 0),
        "bgp_total_received": (15, 0),
    }
    labels = [(native, ""), (in_frr, ',vrf=""')]
    assert samples(page, "metallb_bgp") == [
        f"metallb_{name}{{{peer}{more}}} {value:.1f}"
        for names, more in labels
        for name, values in names.items()
        for peer, value in zip((one, other), values, strict=True)
    ]
    assert samples(page, "vipcast_bgp") == [
        f'vipcast_bgp_session_down{{{other},reason="unreachable"}} 1.0',
        f'vipcast_bgp_last_error{{direction="sent",error="Cease, peer deconfigured",{one}}} 1.0',
        (
            'vipcast_bgp_last_error{direction="received",error="Cease, administrative shutdown",'
            f"{one}}} 1.0"
        ),
        f"vipcast_bgp_without_bfd{{{other}}} 1.0",
    ]


def test_the_series_of_a_router_go_with_it_and_its_last_error_gives_way_to_the_next() -> None:
    now = SpeakerSample(peers=(UP, DOWN))
    metrics = speaker(lambda: now)
    assert b"2001:db8::1" in metrics.take().text()
    now = SpeakerSample(peers=(replace(UP, errors={"sent": "Hold Timer Expired"}),))
    page = metrics.take().text()
    assert b"2001:db8::1" not in page
    assert samples(page, "vipcast_bgp_last_error") == [
        (
            'vipcast_bgp_last_error{direction="sent",error="Hold Timer Expired",'
            'peer="192.0.2.1:179"} 1.0'
        )
    ]
