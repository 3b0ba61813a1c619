"""What the speakers report of BGP, as objects and back."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vipcast.kube.status import (
    parse_bgp_status,
    parse_speaker_status,
    render_bgp_status,
    render_speaker_status,
)
from vipcast.model.errors import ParseError
from vipcast.model.objects import Key
from vipcast.model.raw import SERVICE_BGP_STATUS, Ref
from vipcast.model.status import BgpStatus, PeerReport, SpeakerReport

TIME = "2024-05-01T00:00:00Z"
UP = PeerReport(
    "tor-1",
    "192.0.2.1",
    179,
    64500,
    4200000000,
    "Established",
    TIME,
    announced=2,
    families=("IPv4 unicast",),
    notification='received Cease, administrative shutdown ("maintenance")',
)
DOWN = PeerReport(
    "tor-2",
    "2001:db8::1",
    1790,
    64500,
    0,
    "Connect",
    TIME,
    reason="unreachable",
    error="The router refuses.",
    hint="Look there.",
    bfd="It is without.",
)


def report(*peers: PeerReport) -> SpeakerReport:
    return SpeakerReport("node1", TIME, "auto", "", 1, peers=peers)


def test_a_speaker_status_says_how_it_stands_with_each_router() -> None:
    value = report(UP, DOWN)
    status = render_speaker_status("metallb-system", value)[1]["status"]
    assert status["peers"] == [
        {
            "name": "tor-1",
            "address": "192.0.2.1",
            "port": 179,
            "localASN": 64500,
            "peerASN": 4200000000,
            "state": "Established",
            "since": TIME,
            "announced": 2,
            "pending": 0,
            "families": ["IPv4 unicast"],
            "unspoken": [],
            "reason": "",
            "lastError": "",
            "hint": "",
            "lastNotification": 'received Cease, administrative shutdown ("maintenance")',
            "bfd": "",
            "blocked": "",
        },
        {
            "name": "tor-2",
            "address": "2001:db8::1",
            "port": 1790,
            "localASN": 64500,
            "peerASN": 0,
            "state": "Connect",
            "since": TIME,
            "announced": 0,
            "pending": 0,
            "families": [],
            "unspoken": [],
            "reason": "unreachable",
            "lastError": "The router refuses.",
            "hint": "Look there.",
            "lastNotification": "",
            "bfd": "It is without.",
            "blocked": "",
        },
    ]
    assert status["summary"]["sessions"] == "1/2"
    assert [UP.established, DOWN.established] == [True, False]


TEXTS = st.text(max_size=8)
LISTS = st.lists(TEXTS, max_size=2).map(tuple)
ASNS = st.integers(0, 2**32 - 1)
COUNTS = st.integers(0, 10**7)
PEERS = st.builds(
    PeerReport,
    *(TEXTS, TEXTS, st.integers(0, 65535), ASNS, ASNS, TEXTS, TEXTS, COUNTS, COUNTS),
    *(LISTS, LISTS, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS),
)


@given(st.lists(PEERS, max_size=3))
def test_every_report_of_routers_is_read_back_as_it_was_said(peers: list[PeerReport]) -> None:
    value = report(*peers)
    _, raw = render_speaker_status("metallb-system", value)
    assert parse_speaker_status(json.loads(json.dumps(raw))) == value


def test_a_report_of_a_router_that_was_spoilt_is_named() -> None:
    status = {"peers": [{"port": 65536}]}
    raw = {"metadata": {"name": "n1", "namespace": "x"}, "status": status}
    with pytest.raises(ParseError, match=r"SpeakerStatus x/n1: status\.peers\[0\]\.port"):
        parse_speaker_status(raw)


BGP = BgpStatus("n1.example", Key("shop", "web"), ("tor-1", "tor-2"))


def test_a_bgp_status_says_which_routers_a_node_tells_a_service_to() -> None:
    ref, raw = render_bgp_status("metallb-system", BGP)
    assert ref == Ref(SERVICE_BGP_STATUS, Key("metallb-system", "web.shop.n1.example"))
    assert raw == {
        "apiVersion": "metallb.io/v1beta1",
        "kind": "ServiceBGPStatus",
        "metadata": {
            "name": "web.shop.n1.example",
            "namespace": "metallb-system",
            "labels": {
                "metallb.io/node": "n1.example",
                "metallb.io/service-name": "web",
                "metallb.io/service-namespace": "shop",
            },
        },
        "status": {
            "node": "n1.example",
            "serviceName": "web",
            "serviceNamespace": "shop",
            "peers": ["tor-1", "tor-2"],
            "summary": {"peers": "tor-1,tor-2"},
        },
    }
    assert parse_bgp_status(raw) == BGP


def test_what_metallb_writes_is_read_as_well() -> None:
    theirs = {
        "metadata": {"generateName": "bgp-", "name": "bgp-x7k2p", "namespace": "metallb-system"},
        "status": {"node": "n1.example", "serviceName": "web", "serviceNamespace": "shop"},
    }
    assert parse_bgp_status(theirs) == replace(BGP, peers=())
