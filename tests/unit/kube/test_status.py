"""What the speakers report, as objects and back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vipcast.kube.status import (
    parse_l2_status,
    parse_speaker_status,
    render_l2_status,
    render_speaker_status,
)
from vipcast.model.errors import ParseError
from vipcast.model.objects import Key
from vipcast.model.reasons import Reason
from vipcast.model.status import (
    BGP,
    BOTH,
    LAYER2,
    Holding,
    InterfaceReport,
    L2Status,
    MemberReport,
    SegmentReport,
    SpeakerReport,
    Unannounced,
)

WEB = Key("shop", "web")
MAC = "02:00:c0:00:02:0b"


def test_an_l2_status_says_who_holds_what_where_and_since_when() -> None:
    holding = Holding("lan0", "192.0.2.1", 3, Reason.HOLDER_LOST, "2024-05-01T00:00:00Z", MAC)
    other = Holding("lan1", "192.0.2.1", 4, Reason.FIRST_CLAIM, "2024-05-01T00:00:00Z", MAC)
    value = L2Status("n1.example", WEB, (holding, other))
    ref, raw = render_l2_status("metallb-system", value)
    assert ref.key == Key("metallb-system", "web.shop.n1.example")
    assert raw == {
        "apiVersion": "metallb.io/v1beta1",
        "kind": "ServiceL2Status",
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
            "interfaces": [{"name": "lan0"}, {"name": "lan1"}],
            "holdings": [
                {
                    "interface": "lan0",
                    "address": "192.0.2.1",
                    "epoch": 3,
                    "reason": "holderLost",
                    "since": "2024-05-01T00:00:00Z",
                    "mac": MAC,
                },
                {
                    "interface": "lan1",
                    "address": "192.0.2.1",
                    "epoch": 4,
                    "reason": "firstClaim",
                    "since": "2024-05-01T00:00:00Z",
                    "mac": MAC,
                },
            ],
            "summary": {"addresses": "192.0.2.1"},
        },
    }
    assert parse_l2_status(raw) == value


def test_a_speaker_status_says_what_the_speaker_sees() -> None:
    value = SpeakerReport(
        node="n1",
        started="2024-05-01T00:00:00Z",
        xdp_mode="auto",
        boot="00000000000000ff",
        term=2**64 - 1,
        interfaces=(InterfaceReport("lan0", 2, MAC, True, "generic", "auto", "attached", ""),),
        segments=(
            SegmentReport(
                "lan0", True, False, (MemberReport("n2", "192.0.2.12", MAC, True),), ("noKey",)
            ),
        ),
        unannounced=(Unannounced(WEB, "192.0.2.9", "noPeer", "There is none.", BGP),),
    )
    ref, raw = render_speaker_status("metallb-system", value)
    assert str(ref) == "SpeakerStatus metallb-system/n1"
    assert raw == {
        "apiVersion": "vipcast.io/v1alpha1",
        "kind": "SpeakerStatus",
        "metadata": {"name": "n1", "namespace": "metallb-system"},
        "status": {
            "node": "n1",
            "started": "2024-05-01T00:00:00Z",
            "xdpMode": "auto",
            "boot": "00000000000000ff",
            "term": 2**64 - 1,
            "interfaces": [
                {
                    "name": "lan0",
                    "ifindex": 2,
                    "mac": MAC,
                    "answering": True,
                    "mode": "generic",
                    "modeWanted": "auto",
                    "reason": "attached",
                    "message": "",
                }
            ],
            "segments": [
                {
                    "interface": "lan0",
                    "learning": True,
                    "key": False,
                    "members": [{"node": "n2", "address": "192.0.2.12", "mac": MAC, "away": True}],
                    "problems": ["noKey"],
                }
            ],
            "unannounced": [
                {
                    "service": "shop/web",
                    "address": "192.0.2.9",
                    "reason": "noPeer",
                    "message": "There is none.",
                    "protocol": "bgp",
                }
            ],
            "peers": [],
            "summary": {"interfaces": "lan0", "members": 1, "sessions": ""},
        },
    }
    assert parse_speaker_status(raw) == value


def test_a_summary_names_what_answers_and_counts_each_neighbour_once() -> None:
    def interface(name: str, *, answering: bool = True) -> InterfaceReport:
        return InterfaceReport(name, 2, MAC, answering, "", "auto", "attached", "")

    def segment(name: str, *nodes: str) -> SegmentReport:
        members = tuple(MemberReport(node, "", MAC) for node in nodes)
        return SegmentReport(name, learning=False, key=True, members=members)

    value = SpeakerReport(
        *("n1", "", "auto", "", 1),
        interfaces=(interface("lan0"), interface("lan1", answering=False), interface("lan2")),
        segments=(segment("lan0", "n2", "n3"), segment("lan2", "n3", "n4")),
        unannounced=(),
    )
    summary = render_speaker_status("metallb-system", value)[1]["status"]["summary"]
    assert summary == {"interfaces": "lan0,lan2", "members": 3, "sessions": ""}

    holdings = (
        Holding("lan0", address, 1, "", "", MAC) for address in ("192.0.2.1", "2001:db8::1")
    )
    held = render_l2_status("metallb-system", L2Status("n1", WEB, tuple(holdings)))[1]
    assert held["status"]["summary"] == {"addresses": "192.0.2.1,2001:db8::1"}


TEXTS = st.text(max_size=8)
KEYS = st.builds(
    Key, st.text("abc-", min_size=1, max_size=5), st.text("abc.-", min_size=1, max_size=5)
)
NUMBERS = st.integers(0, 2**64 - 1)
REPORTS = st.builds(
    SpeakerReport,
    TEXTS,
    TEXTS,
    TEXTS,
    TEXTS,
    NUMBERS,
    st.lists(
        st.builds(
            InterfaceReport, TEXTS, NUMBERS, TEXTS, st.booleans(), TEXTS, TEXTS, TEXTS, TEXTS
        ),
        max_size=2,
    ).map(tuple),
    st.lists(
        st.builds(
            SegmentReport,
            TEXTS,
            st.booleans(),
            st.booleans(),
            st.lists(st.builds(MemberReport, TEXTS, TEXTS, TEXTS, st.booleans()), max_size=2).map(
                tuple
            ),
            st.lists(TEXTS, max_size=2).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
    st.lists(st.builds(Unannounced, KEYS, TEXTS, TEXTS, TEXTS, TEXTS), max_size=2).map(tuple),
)
L2 = st.builds(
    L2Status,
    TEXTS,
    KEYS,
    st.lists(st.builds(Holding, TEXTS, TEXTS, NUMBERS, TEXTS, TEXTS, TEXTS), max_size=3).map(tuple),
)


def test_what_is_not_announced_concerns_segments_or_routers_or_both() -> None:
    def report(reason: str, protocol: str) -> SpeakerReport:
        told = (Unannounced(WEB, "192.0.2.9", reason, "", protocol),)
        return SpeakerReport("n1", "", "auto", "", 1, unannounced=told)

    def concerns(report: SpeakerReport) -> tuple[bool, bool]:
        return bool(report.unanswered), bool(report.untold)

    assert concerns(report("noPeer", BGP)) == (False, True)
    assert concerns(report("mapFull", LAYER2)) == (True, False)
    assert concerns(report("invalidIP", BOTH)) == (True, True)
    for reason, segments in (("noPeer", True), ("nodeCordoned", False)):
        _, older = render_speaker_status("metallb-system", report(reason, BGP))
        del older["status"]["unannounced"][0]["protocol"]
        assert concerns(parse_speaker_status(older)) == (segments, True)


@given(REPORTS, L2)
def test_every_report_is_read_back_as_it_was_said(report: SpeakerReport, held: L2Status) -> None:
    _, raw = render_speaker_status("metallb-system", report)
    assert parse_speaker_status(json.loads(json.dumps(raw))) == report
    _, raw = render_l2_status("metallb-system", held)
    assert parse_l2_status(json.loads(json.dumps(raw))) == held


def test_a_report_that_was_spoilt_is_named() -> None:
    raw = {"metadata": {"name": "n1", "namespace": "x"}, "status": {"segments": [{"key": 5}]}}
    with pytest.raises(ParseError, match=r"SpeakerStatus x/n1: status\.segments\[0\]\.key"):
        parse_speaker_status(raw)
