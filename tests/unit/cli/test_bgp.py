"""What `vipcast` says of routers: the sessions, and which nodes tell which of an address."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from speaker.bgp.yielding import HANDED, NEEDED
from tests.unit.cli.cluster import (
    ALLOCATED,
    EVERYWHERE,
    HOME,
    SINCE,
    VIP,
    WEB,
    Directory,
    holding,
    metallb,
    report,
)
from tests.unit.cli.commands import Vipcast
from tests.unit.cli.routed import NODES, REFUSES, ROUTED, TORS, peer, routed, session, speaker
from vipcast.cli.main import LACKING, WELL
from vipcast.cli.text import Screen
from vipcast.cli.wording import said
from vipcast.kube.render import timestamp
from vipcast.model.objects import DRAIN_ANNOTATION
from vipcast.model.reasons import Reason, sentence
from vipcast.model.status import BGP, BOTH, PeerReport, Unannounced

POLICY = "A router that is told and has no route drops it by a policy of its own: look at that."
STAYS = "Next: a node that is lost is left out after the hold time of its sessions at the latest."
AS_SOON = "Next: It is told as soon as that changes."
MAINTENANCE = 'received Cease, administrative shutdown ("maintenance")'
SHUT = "On the router, somebody has shut this neighbour down."
HEAD = "NODE   ROUTER  ADDRESS        AS     STATE        SINCE                 ROUTES"
REFUSED = "192.0.2.2:179 refuses the connection."


@pytest.fixture
def told(tmp_path: Path) -> Directory:
    """Two nodes tell two routers of the Service web."""
    return routed(tmp_path)


def without_tor_2() -> PeerReport:
    return session("tor-2", **REFUSES)


# vipcast status bgp


@pytest.mark.usefixtures("told")
def test_each_session_has_a_line(vipcast: Vipcast) -> None:
    assert vipcast("status", "bgp") == (
        WELL,
        [
            HEAD,
            f"node1  tor-1   192.0.2.1:179  64501  Established  {SINCE}  1",
            f"node1  tor-2   192.0.2.2:179  64501  Established  {SINCE}  1",
            f"node2  tor-1   192.0.2.1:179  64501  Established  {SINCE}  1",
            f"node2  tor-2   192.0.2.2:179  64501  Established  {SINCE}  1",
        ],
    )


def test_sessions_that_do_not_stand_are_told_together_with_what_to_look_at(
    told: Directory, vipcast: Vipcast
) -> None:
    blocked = session(state="Idle", blocked="There is no Secret. Create it.", announced=0)
    waiting = session(pending=3, notification=MAINTENANCE)
    told.speakers(
        speaker("node1", waiting, without_tor_2()), speaker("node2", blocked, without_tor_2())
    )
    assert vipcast("status", "bgp") == (
        LACKING,
        [
            HEAD,
            f"node1  tor-1   192.0.2.1:179  64501  Established  {SINCE}  1 (+3)",
            f"node1  tor-2   192.0.2.2:179  64501  Connect      {SINCE}  -",
            f"node2  tor-1   192.0.2.1:179  64501  Blocked      {SINCE}  -",
            f"node2  tor-2   192.0.2.2:179  64501  Connect      {SINCE}  -",
            "",
            f"node1, node2 with tor-2: {REFUSED}",
            "node2 with tor-1: No session is tried: There is no Secret. Create it.",
            "",
            f"node1 with tor-1: The last NOTIFICATION was {MAINTENANCE}.",
        ],
    )


@pytest.mark.parametrize("stands", [True, False])
def test_a_notification_is_told_once_with_its_hint(
    told: Directory, vipcast: Vipcast, *, stands: bool
) -> None:
    sentence = 'The router sent Cease, administrative shutdown: "maintenance".'
    shut = session(
        state="Established" if stands else "Idle",
        reason="notificationReceived",
        error=sentence,
        hint=SHUT,
        notification=MAINTENANCE,
    )
    told.speakers(speaker("node1", shut))
    code, lines = vipcast("status", "bgp")
    last = f"The last NOTIFICATION was {MAINTENANCE}. {SHUT}" if stands else f"{sentence} {SHUT}"
    assert (code, lines[3:]) == (WELL if stands else LACKING, [f"node1 with tor-1: {last}"])


def test_what_a_session_lacks_is_told_below(told: Directory, vipcast: Vipcast) -> None:
    lacks = session(unspoken=("IPv6",), bfd="It is not spoken.")
    told.speakers(*(speaker(node, lacks) for node in NODES))
    assert vipcast("status", "bgp")[1][-2:] == [
        "node1, node2 with tor-1: IPv6 was agreed upon, and the node has no such address.",
        "tor-1 has a BFD profile: It is not spoken.",
    ]


def test_the_sessions_of_a_speaker_that_is_not_heard_are_none(
    told: Directory, vipcast: Vipcast
) -> None:
    told.config("", *NODES, beats={"node2": timestamp(0.0)})
    code, lines = vipcast("status", "bgp")
    assert code == LACKING
    assert lines[3] == f"node2  tor-1   192.0.2.1:179  64501  not heard    {SINCE}  -"
    assert "node2 with tor-1: Its speaker is not heard." in lines


def test_many_nodes_with_the_same_to_say_make_one_sentence(
    told: Directory, vipcast: Vipcast
) -> None:
    names = [f"node{number}" for number in range(1, 13)]
    told.nodes(*names)
    told.speakers(*(replace(report(node, names), peers=(without_tor_2(),)) for node in names))
    _, lines = vipcast("status", "bgp")
    eight = ", ".join(sorted(names)[:8])
    assert lines[-1] == f"{eight} and 4 more with tor-2: {REFUSED}"


def test_without_routers_there_is_nothing_to_show(directory: Directory, vipcast: Vipcast) -> None:
    none = "No node is to speak with a router: there is no BGPPeer for any."
    assert vipcast("status", "bgp") == (WELL, [none])
    directory.speakers()
    assert "BGP" not in "\n".join(vipcast("status")[1])


def test_json_and_yaml_have_every_field_of_a_session(told: Directory, vipcast: Vipcast) -> None:
    told.speakers(speaker("node1", without_tor_2()))
    wanted = {
        "healthy": False,
        "sessions": [
            {
                "node": "node1",
                "heard": True,
                "router": "tor-2",
                "address": "192.0.2.2",
                "port": 179,
                "localASN": 64500,
                "peerASN": 64501,
                "established": False,
                "state": "Connect",
                "since": SINCE,
                "announced": 0,
                "pending": 0,
                "families": ["IPv4 unicast"],
                "unspoken": [],
                "reason": "unreachable",
                "problem": REFUSED,
                "hint": "",
                "lastNotification": "",
                "bfd": "",
            }
        ],
    }
    assert json.loads("\n".join(vipcast("status", "bgp", "-ojson")[1])) == wanted
    assert yaml.safe_load("\n".join(vipcast("status", "bgp", "-oyaml")[1])) == wanted
    whole = json.loads("\n".join(vipcast("status", "-ojson")[1]))
    assert whole["sessions"] == wanted["sessions"]


# vipcast status


@pytest.mark.usefixtures("told")
def test_an_address_that_routers_are_told_of_is_announced_on_no_segment(vipcast: Vipcast) -> None:
    code, lines = vipcast("status")
    assert (code, lines[:2]) == (
        WELL,
        [
            "VIP         SERVICE      POOL  SEGMENT  HOLDER   REASON",
            f"{VIP}  default/web  home  bgp      2 nodes  advertised",
        ],
    )
    assert "BGP: 4 of 4 sessions are established; `vipcast status bgp` shows each." in lines


def test_a_session_that_does_not_stand_lacks_though_another_has_the_routes(
    told: Directory, vipcast: Vipcast
) -> None:
    told.speakers(speaker("node1"), speaker("node2", session(), without_tor_2()))
    code, lines = vipcast("status")
    assert code == LACKING
    assert lines[1] == f"{VIP}  default/web  home  bgp      2 nodes  advertised"
    at = lines.index("BGP: 3 of 4 sessions are established; `vipcast status bgp` shows each.")
    assert lines[at + 1] == f"  node2 with tor-2: {REFUSED}"


def test_an_address_that_no_router_is_told_of_lacks_with_the_reason(
    told: Directory, vipcast: Vipcast
) -> None:
    down = [session(**REFUSES), without_tor_2()]
    told.speakers(*(speaker(node, *down) for node in NODES))
    told.service("idle", ALLOCATED, ["192.0.2.11"], endpoints=())
    code, lines = vipcast("status")
    assert (code, lines[1:3]) == (
        LACKING,
        [
            "192.0.2.11  default/idle  home  bgp      -       noEndpoints",
            f"{VIP}  default/web   home  bgp      -       noSession",
        ],
    )
    assert lines[5].startswith("noSession: Nodes would tell routers a route to it, and have a")
    routes = json.loads("\n".join(vipcast("status", "-ojson")[1]))["routes"]
    assert [(one["address"], one["told"], one["reason"]) for one in routes] == [
        ("192.0.2.11", False, "noEndpoints"),
        (VIP, False, "noSession"),
    ]


def test_a_pool_of_both_ways_has_a_line_for_each(told: Directory, vipcast: Vipcast) -> None:
    told.put("pools.yaml", HOME, ROUTED, EVERYWHERE)
    code, lines = vipcast("status")
    assert (code, lines[1:3]) == (
        LACKING,
        [
            f"{VIP}  default/web  home  lan0     -        waitingForBetterRanked",
            f"{VIP}  default/web  home  bgp      2 nodes  advertised",
        ],
    )


def test_text_fits_a_hundred_columns(
    told: Directory, vipcast: Vipcast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vipcast.cli.main.screen_of", lambda _: Screen(100))
    told.speakers(speaker("node1", session(), without_tor_2()), speaker("node2"))
    for command in (
        ("status",),
        ("status", "bgp"),
        ("explain", "web"),
        ("explain", VIP),
        ("explain", "node/node1"),
    ):
        assert max(map(len, vipcast(*command)[1])) <= 100


# vipcast explain


@pytest.mark.usefixtures("told")
def test_a_service_is_explained_with_who_tells_whom(vipcast: Vipcast) -> None:
    code, lines = vipcast("explain", "web")
    assert (code, lines[5:]) == (
        WELL,
        [
            f"By BGP, 2 nodes tell routers of {VIP} (advertised).",
            "  to tor-1, tor-2: node1, node2",
            POLICY,
            STAYS,
        ],
    )


def test_nodes_that_tell_fewer_and_none_are_explained(told: Directory, vipcast: Vipcast) -> None:
    apart = metallb("BGPAdvertisement", "all", nodeSelectors=[{"matchLabels": {"rack": "1"}}])
    told.nodes(*NODES, "node3", labels={node: {"rack": "1"} for node in NODES})
    told.put("pools.yaml", HOME, apart)
    told.speakers(speaker("node1"), speaker("node2", session(), without_tor_2()))
    told.service("web", ALLOCATED, [VIP], endpoints=["node1"])
    code, lines = vipcast("explain", "web")
    assert (code, lines[5:]) == (
        WELL,
        [
            f"By BGP, 2 nodes tell routers of {VIP} (advertised).",
            "  to tor-1, tor-2: node1",
            "  to tor-1: node2",
            f"No session: node2 with tor-2: {REFUSED}",
            (
                "Does not tell (noMatchingAdvertisement): node3: The nodeSelectors of"
                " BGPAdvertisement all do not match node node3. Change them, or give the node such"
                " labels."
            ),
            POLICY,
            STAYS,
        ],
    )


def test_with_policy_local_nodes_without_an_endpoint_are_named(
    told: Directory, vipcast: Vipcast
) -> None:
    told.service("web", ALLOCATED, [VIP], endpoints=["node2"], externalTrafficPolicy="Local")
    assert vipcast("explain", VIP)[1][3:] == [
        f"By BGP, node2 tells routers of {VIP} (advertised).",
        "  to tor-1, tor-2: node2",
        "Does not tell (noLocalEndpoints): node1.",
        POLICY,
        STAYS,
    ]


def test_an_address_that_no_router_hears_of_is_explained_by_its_sessions(
    told: Directory, vipcast: Vipcast
) -> None:
    told.speakers(speaker("node1", session(**REFUSES), without_tor_2()))
    code, lines = vipcast("explain", "web")
    assert (code, lines[5:]) == (
        LACKING,
        [
            f"By BGP, nobody tells a router of {VIP} (noSession).",
            (
                "Nodes would tell routers a route to it, and have a session with none."
                " `vipcast status bgp` says why, and what to look at."
            ),
            f"No session: node1 with tor-1: {REFUSED}",
            f"No session: node1 with tor-2: {REFUSED}",
            "No session: node2 with tor-1: Its speaker reports no such session.",
            "No session: node2 with tor-2: Its speaker reports no such session.",
            AS_SOON,
        ],
    )


def test_a_node_that_is_not_heard_tells_nobody(told: Directory, vipcast: Vipcast) -> None:
    told.config("", *NODES, beats={"node2": timestamp(0.0)})
    assert vipcast("explain", "web")[1][5:] == [
        f"By BGP, node1 tells routers of {VIP} (advertised).",
        "  to tor-1, tor-2: node1",
        "Not heard any more: node2.",
        POLICY,
        STAYS,
    ]


def test_a_node_that_is_drained_has_left_when_it_has_no_session_any_more(
    told: Directory, vipcast: Vipcast
) -> None:
    drained = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "node2", "annotations": {DRAIN_ANNOTATION: "true"}},
    }
    told.put("nodes.yaml", drained, {**drained, "metadata": {"name": "node1"}})
    assert "  to tor-1, tor-2: node1, node2" in vipcast("explain", "web")[1]
    told.speakers(speaker("node1"), report("node2", NODES))
    _, lines = vipcast("explain", "web")
    assert lines[6] == "  to tor-1, tor-2: node1"
    assert lines[7].startswith("Does not tell (nodeDrained): node2: The node is drained:")


def cordon(told: Directory, *nodes: str) -> None:
    """Cordon these nodes and no other."""
    told.put(
        "nodes.yaml",
        *(
            {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": name},
                "spec": {"unschedulable": name in nodes},
            }
            for name in NODES
        ),
    )


def test_a_cordoned_node_hands_over_until_its_speaker_says_that_it_has(
    told: Directory, vipcast: Vipcast
) -> None:
    cordon(told, "node2")
    _, lines = vipcast("explain", "web")
    assert "  to tor-1, tor-2: node1, node2" in lines
    assert f"To be used last: node2: {HANDED}" in lines
    rid = Unannounced(WEB, VIP, Reason.NODE_CORDONED, sentence(Reason.NODE_CORDONED))
    told.speakers(speaker("node1"), replace(speaker("node2"), unannounced=(rid,)))
    _, lines = vipcast("explain", "web")
    assert lines[6] == "  to tor-1, tor-2: node1"
    assert lines[7] == f"Does not tell (nodeCordoned): node2: {said(Reason.NODE_CORDONED)}"


def test_a_cordoned_node_without_sessions_has_left_what_others_can_tell(
    told: Directory, vipcast: Vipcast
) -> None:
    cordon(told, "node2")
    told.speakers(speaker("node1"), report("node2", NODES))
    code, lines = vipcast("explain", "node2")
    assert (code, lines[-2:]) == (
        WELL,
        [
            f"Tells no router of (BGP, nodeCordoned): {said(Reason.NODE_CORDONED)}",
            f"  {VIP} (default/web)",
        ],
    )
    last = "Cordoned, tells no router anything: node2. `vipcast explain node/NAME` says why."
    assert vipcast("status", "bgp")[1][-1] == last
    assert last in vipcast("status")[1]


def test_a_cordoned_node_that_is_needed_says_so(told: Directory, vipcast: Vipcast) -> None:
    cordon(told, *NODES)
    assert f"To be used last: node1, node2: {NEEDED}" in vipcast("explain", "web")[1]
    assert vipcast("explain", "node1")[1][-2:] == [
        f"Tells routers of, to be used last: {NEEDED}",
        f"  {VIP} (default/web): tor-1, tor-2",
    ]
    assert (
        "Cordoned, tells routers of 1 address, to be used last: node1, node2. `vipcast explain"
        " node/NAME` says why."
    ) in vipcast("status")[1]
    told.service("web", ALLOCATED, [VIP], endpoints=["node2"], externalTrafficPolicy="Local")
    cordon(told, "node2")
    assert f"To be used last: node2: {NEEDED}" in vipcast("explain", "web")[1]


def test_without_a_configuration_what_speakers_say_of_services_is_told(
    told: Directory, vipcast: Vipcast
) -> None:
    told.put("pools.yaml", metallb("IPAddressPool", "home", addresses=["x"]))
    code, lines = vipcast("explain", VIP)
    assert (code, lines[-5:]) == (
        WELL,
        [
            f"By BGP, 2 nodes tell routers of {VIP} (advertised).",
            "  to tor-1, tor-2: node1, node2",
            "The configuration cannot be read: what it says about nodes is left out.",
            POLICY,
            STAYS,
        ],
    )
    assert vipcast("status")[1][1] == f"{VIP}  default/web  home  bgp      2 nodes  advertised"


def test_services_that_share_an_address_are_named(told: Directory, vipcast: Vipcast) -> None:
    told.service("dns", ALLOCATED, [VIP], endpoints=())
    lines = vipcast("explain", VIP)[1]
    assert f"By BGP, nobody tells a router of {VIP} for Service default/dns (noEndpoints)." in lines
    assert f"By BGP, 2 nodes tell routers of {VIP} for Service default/web (advertised)." in lines


def test_a_node_is_explained_with_its_sessions_and_what_it_tells(
    told: Directory, vipcast: Vipcast
) -> None:
    told.speakers(speaker("node1", session(), without_tor_2()), speaker("node2"))
    told.service("db", ALLOCATED, ["192.0.2.11"], endpoints=())
    code, lines = vipcast("explain", "node1")
    assert code == LACKING
    assert lines[0] == "Node node1 answers for no addresses, and tells routers of 1."
    assert lines[lines.index("BGP sessions:") :] == [
        "BGP sessions:",
        f"  tor-1 (192.0.2.1:179): Established, since {SINCE}, 1 route",
        f"  tor-2 (192.0.2.2:179): Connect, since {SINCE}. {REFUSED}",
        "",
        "Tells routers of:",
        f"  {VIP} (default/web): tor-1",
        "",
        (
            "Tells no router of (BGP, noEndpoints): No endpoint of the Service is ready or serving."
            " Look at the Service's selector, and whether its pods are ready."
        ),
        "  192.0.2.11 (default/db)",
    ]
    data = json.loads("\n".join(vipcast("explain", "node1", "-ojson")[1]))
    assert [one["router"] for one in data["sessions"]] == ["tor-1", "tor-2"]
    told_web = {"address": VIP, "service": "default/web", "routers": ["tor-1"]}
    assert data["tells"] == [{**told_web, "message": sentence(Reason.ADVERTISED)}]
    (silent,) = data["doesNotTell"]
    assert (silent["address"], silent["reason"]) == ("192.0.2.11", "noEndpoints")


def test_a_node_that_speaks_with_no_router_takes_over_on_its_segment_all_the_same(
    told: Directory, vipcast: Vipcast
) -> None:
    selector = [{"matchLabels": {"rack": "1"}}]
    told.put("pools.yaml", HOME, ROUTED, EVERYWHERE)
    told.put("peers.yaml", *(peer(name, nodeSelectors=selector) for name in TORS))
    told.nodes(*NODES, labels={"node1": {"rack": "1"}})
    told.holders(holding("node1", 1, Reason.FIRST_CLAIM))
    lonely = (
        "Node node2 speaks with no router. Write a BGPPeer, or let the nodeSelectors of one match"
        " the node."
    )
    refusal = Unannounced(WEB, VIP, Reason.NO_PEER, lonely, BGP)
    told.speakers(speaker("node1"), replace(report("node2", NODES), unannounced=(refusal,)))
    stays = "Next: node1 keeps it while it is heard, whatever its rank"
    for subject in ("web", VIP):
        _, lines = vipcast("explain", subject)
        assert f"{stays}; if it is lost, node2 takes it within two seconds." in lines
        assert not any(line.startswith("May not: ") for line in lines)
        assert f"Does not tell (noPeer): node2: {lonely}" in lines
    assert vipcast("explain", "node2")[1][-5:] == [
        (
            "Does not answer for (layer 2, notOwner):"
            " Another live node holds the address on the segment."
        ),
        f"  {VIP} (default/web) on lan0: node1 does",
        "",
        f"Tells no router of (BGP, noPeer): {lonely}",
        f"  {VIP} (default/web)",
    ]
    older = replace(refusal, protocol=BOTH)
    told.speakers(speaker("node1"), replace(report("node2", NODES), unannounced=(older,)))
    assert any("May not: node2 (noPeer)" in line for line in vipcast("explain", "web")[1])


def test_a_node_without_any_session_tells_nothing(told: Directory, vipcast: Vipcast) -> None:
    told.speakers(speaker("node1", session(**REFUSES), without_tor_2()), speaker("node2"))
    _, lines = vipcast("explain", "node1")
    assert lines[0] == "Node node1 answers for no addresses, and tells routers of none."
    assert lines[-1] == f"  {VIP} (default/web)"
    assert lines[-2].startswith("Tells no router of (BGP, noSession): Nodes would tell routers")


def test_json_of_a_service_has_each_node_and_why(told: Directory, vipcast: Vipcast) -> None:
    told.speakers(speaker("node1", session(), without_tor_2()), speaker("node2"))
    told.service("web", ALLOCATED, [VIP], endpoints=["node1"], externalTrafficPolicy="Local")
    data = json.loads("\n".join(vipcast("explain", "web", "-ojson")[1]))
    (route,) = data["routes"]
    message = route["doesNotTell"][0].pop("message")
    assert message.startswith("Traffic policy Local: no endpoint of the Service on the node")
    assert route == {
        "service": "default/web",
        "address": VIP,
        "pool": "home",
        "told": True,
        "reason": "advertised",
        "message": "The node tells its BGP peers a route to the address.",
        "tells": [
            {
                "node": "node1",
                "routers": ["tor-1"],
                "message": "The node tells its BGP peers a route to the address.",
                "without": [{"router": "tor-2", "problem": REFUSED}],
            }
        ],
        "doesNotTell": [{"node": "node2", "reason": "noLocalEndpoints"}],
    }
    assert data["announcements"] == []
