"""Views in, reports out: whole values, in an order that does not depend on when things came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bpf.abi import VERDICTS, Verdict
from speaker import reports
from speaker.leadership import Candidate, MemberView, SegmentView, VipView
from speaker.plan import Claim, Unannounced
from speaker.ports import Attachment, Counts, How
from speaker.reports import Past, Picture, Seen, Skipped
from speaker.sampling import sample
from tests.support.fakes import attachment
from tests.unit.speaker.world import OTHER, VIP, lan, mac
from vipcast.model import status
from vipcast.model.addresses import Address
from vipcast.model.objects import Key
from vipcast.model.reasons import Reason, sentence
from vipcast.model.status import BGP, BOTH, LAYER2
from vipcast.model.xdp import XdpMode
from vipcast.ops.samples import InterfaceSample, SegmentSample, SpeakerSample

WEB, DB = Key("default", "web"), Key("default", "db")
CLAIMS: Mapping[Address, Claim] = {
    VIP: Claim(VIP, (WEB,), "lan", {"node1": Candidate()}),
    OTHER: Claim(OTHER, (DB,), "lan", {"node1": Candidate()}),
}
REJECTED = {"badTag": 4, "replay": 0}


def vip(address: Address, *, answering: bool, counter: int = 3) -> VipView:
    return VipView(
        vip=address,
        holder="node1" if answering else "node2",
        counter=counter,
        since=900.0,
        answering=answering,
        reason=Reason.HOLDER if answering else Reason.NOT_OWNER,
    )


def member(node: str, *, live: bool = True, away: float = 0.0) -> MemberView:
    return MemberView(
        node=node,
        interface="lan0",
        address="192.0.2.12",
        mac=mac(2),
        boot=1,
        link=2,
        term=1,
        heard_ago=0.1,
        away=away,
        verified=True,
        live=live,
        learning=False,
        holds=0,
    )


def seen(
    *vips: VipView,
    ifindex: int = 2,
    name: str = "lan0",
    members: tuple[MemberView, ...] = (),
    conditions: frozenset[Reason] = frozenset(),
    greeted: Mapping[Address, int] | None = None,
) -> Seen:
    view = SegmentView(
        now=1000.0,
        node="node1",
        link=ifindex,
        lease_until=1000.5,
        learning_for=None,
        conditions=conditions,
        members=members,
        vips={each.vip: each for each in vips},
        rejected=REJECTED,
        accepted=58,
        lapses=2,
    )
    return Seen(
        interface=name,
        mac=mac(1, ifindex),
        attachment=attachment(lan(1, ifindex, name)),
        view=view,
        hellos=30,
        greeted=greeted or {},
        ungreeted=1,
    )


def failed(name: str, ifindex: int) -> tuple[bytes, Attachment]:
    one = attachment(lan(1, ifindex, name), XdpMode.NATIVE)
    refused = replace(
        one,
        mode=None,
        how=How.NONE,
        answering=False,
        reason=Reason.FOREIGN_PROGRAM,
        detail="XDP program 9 (other) is attached.",
    )
    return mac(1, ifindex), refused


def since(link: int, address: Address, counter: int) -> str:
    return f"since {link} {address} {counter}"


def test_what_is_held_is_reported_by_service_sorted_by_place() -> None:
    segments = [
        seen(vip(OTHER, answering=True), vip(VIP, answering=True), ifindex=3, name="lan1"),
        seen(vip(VIP, answering=True, counter=7), vip(OTHER, answering=False)),
    ]
    both = {**CLAIMS, OTHER: replace(CLAIMS[OTHER], services=(WEB,))}
    held = [
        status.Holding(name, str(address), epoch, "holder", since(link, address, epoch), held_mac)
        for name, link, address, epoch, held_mac in [
            ("lan0", 2, VIP, 7, "02:00:c0:00:02:01"),
            ("lan1", 3, VIP, 3, "02:00:c0:00:03:01"),
            ("lan1", 3, OTHER, 3, "02:00:c0:00:03:01"),
        ]
    ]
    assert reports.l2_statuses("node1", segments, both, since) == {
        WEB: status.L2Status("node1", WEB, tuple(held))
    }


def test_what_services_share_is_reported_for_each_of_them() -> None:
    shared: dict[Address, Claim] = {VIP: replace(CLAIMS[VIP], services=(DB, WEB))}
    found = reports.l2_statuses("node1", [seen(vip(VIP, answering=True))], shared, since)
    assert found.keys() == {DB, WEB}
    assert found[DB].holdings == found[WEB].holdings
    assert [each.address for each in found[DB].holdings] == [str(VIP)]


def test_what_answers_and_is_claimed_no_more_is_not_reported() -> None:
    segments = [seen(vip(VIP, answering=True), vip(OTHER, answering=False))]
    assert reports.l2_statuses("node1", segments, {OTHER: CLAIMS[OTHER]}, since) == {}


def test_interfaces_are_reported_those_that_should_answer_first() -> None:
    skipped = [
        Skipped("lo", 1, bytes(6), Reason.INTERFACE_EXCLUDED),
        Skipped("eth9", 9, mac(9), Reason.INTERFACE_DOWN, "It is down, says somebody."),
    ]
    found = reports.interface_reports(
        [seen(), seen(ifindex=3, name="lan1")], [failed("x", 2)], skipped
    )
    assert [(one.name, one.index, one.answering, one.mode, one.reason) for one in found] == [
        ("lan0", 2, True, "generic", "attached"),
        ("x", 2, False, "", "foreignProgram"),
        ("lan1", 3, True, "generic", "attached"),
        ("lo", 1, False, "", "interfaceExcluded"),
        ("eth9", 9, False, "", "interfaceDown"),
    ]
    assert [(one.mac, one.mode_wanted, one.message) for one in found] == [
        ("02:00:c0:00:02:01", "auto", attachment(lan(1)).detail),
        ("02:00:c0:00:02:01", "native", "XDP program 9 (other) is attached."),
        ("02:00:c0:00:03:01", "auto", attachment(lan(1)).detail),
        ("00:00:00:00:00:00", "", sentence(Reason.INTERFACE_EXCLUDED)),
        ("02:00:c0:00:02:09", "", "It is down, says somebody."),
    ]


def test_segments_show_live_members_by_name_and_what_is_wrong() -> None:
    one = seen(
        members=(member("node3", away=4.0), member("node9", live=False), member("node2")),
        conditions=frozenset({Reason.LEARNING, Reason.NO_KEY, Reason.LINK_DOWN}),
    )
    assert reports.segment_reports([one, seen(ifindex=3, name="lan1")]) == (
        status.SegmentReport(
            interface="lan0",
            learning=True,
            key=False,
            members=(
                status.MemberReport("node2", "192.0.2.12", "02:00:c0:00:02:02"),
                status.MemberReport("node3", "192.0.2.12", "02:00:c0:00:02:02", away=True),
            ),
            problems=("linkDown", "noKey"),
        ),
        status.SegmentReport(interface="lan1", learning=False, key=True),
    )


def test_unannounced_addresses_are_sorted_and_services_without_any_left_out() -> None:
    refusals = [
        Unannounced("192.0.2.241", WEB, Reason.NO_PEER, "None.", BGP),
        Unannounced("", DB, Reason.NO_IP_ALLOCATED, "Not yet."),
        Unannounced("192.0.2.240", WEB, Reason.MAP_FULL, "Full."),
        Unannounced("x", DB, Reason.INVALID_IP, "No.", BOTH),
    ]
    assert reports.unannounced_reports(refusals) == (
        status.Unannounced(DB, "x", "invalidIP", "No.", BOTH),
        status.Unannounced(WEB, "192.0.2.240", "mapFull", "Full.", LAYER2),
        status.Unannounced(WEB, "192.0.2.241", "noPeer", "None.", BGP),
    )


def test_a_sample_for_metrics_is_made_of_picture_maps_and_hellos() -> None:
    counts: dict[Address, Counts] = {VIP: dict.fromkeys(VERDICTS, 0) | {Verdict.ANSWERED: 7}}
    picture = Picture(
        boot=1,
        term=1,
        seen=(
            seen(
                vip(VIP, answering=True),
                vip(OTHER, answering=False),
                members=(member("node2"), member("node3", live=False)),
                conditions=frozenset({Reason.LINK_DOWN}),
                greeted={VIP: 6},
            ),
            seen(vip(VIP, answering=True), ifindex=3, name="lan1", greeted={VIP: 4, OTHER: 2}),
        ),
        skipped=(Skipped("lo", 1, bytes(6), Reason.INTERFACE_EXCLUDED),),
        failed=(failed("lan2", 4),),
        claims=CLAIMS,
        refusals=(
            Unannounced("192.0.2.242", WEB, Reason.NO_ENDPOINTS, ""),
            Unannounced("192.0.2.243", WEB, Reason.NO_ENDPOINTS, ""),
            Unannounced("", DB, Reason.NO_IP_ALLOCATED, ""),
        ),
        problems=(),
        past=Past(lapses=5, ungreeted=10),
    )
    assert sample(picture, counts, {"ENETDOWN": 3}) == SpeakerSample(
        announced=(("default/web", "192.0.2.240"),),
        unannounced={Reason.NO_ENDPOINTS: 2},
        verdicts=tuple(("192.0.2.240", str(v), 7 * (v is Verdict.ANSWERED)) for v in VERDICTS),
        greeted={"192.0.2.240": 10, "192.0.2.241": 2},
        ungreeted=12,
        lease_gaps=9,
        interfaces=(
            InterfaceSample("lan0", "generic", True),
            InterfaceSample("lan1", "generic", True),
            InterfaceSample("lan2", "", False),
        ),
        segments=(
            SegmentSample("lan0", 1, frozenset({Reason.LINK_DOWN}), 30, 58, REJECTED),
            SegmentSample("lan1", 0, frozenset(), 30, 58, REJECTED),
        ),
        hello_failures={"ENETDOWN": 3},
    )


def test_totals_of_closed_segments_are_kept() -> None:
    assert Past().plus(seen()).plus(seen()) == Past(lapses=4, ungreeted=2)
