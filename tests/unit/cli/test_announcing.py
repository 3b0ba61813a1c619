"""`vipcast explain`: who answers for an address on each segment, who may, and who comes next."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from tests.unit.cli.cluster import (
    ALLOCATED,
    HOME,
    NODES,
    SINCE,
    VIP,
    WEB,
    healthy,
    holding,
    metallb,
    refusing,
    report,
    segment,
)
from tests.unit.cli.commands import ADDRESS, ENDPOINTS, Explain
from vipcast.cli.main import LACKING, WELL
from vipcast.model.reasons import Reason
from vipcast.model.status import Unannounced


def test_a_lost_holder_is_named_with_who_comes_next(tmp_path: Path, explain: Explain) -> None:
    directory = healthy(tmp_path)
    directory.speakers(report("node1", ("node3",)), report("node2"), report("node3", ("node1",)))
    assert explain() == (
        LACKING,
        [
            *ADDRESS,
            *ENDPOINTS,
            "",
            f"On lan0, nobody answers for {VIP} (holderLost).",
            (
                "The holder was not heard any more."
                " Look whether its speaker runs and its cable is in."
            ),
            f"The last one was node2 (since {SINCE}).",
            "Order of those that may: node1, node3.",
            "Not heard any more: node2.",
            "Next: node1 ranks best among those heard and takes it within two seconds.",
        ],
        "",
    )


def test_nodes_that_may_not_are_named_with_their_reasons(tmp_path: Path, explain: Explain) -> None:
    directory = healthy(tmp_path)
    label = "node.kubernetes.io/exclude-from-external-load-balancers"
    directory.nodes("node1", "node2", labels={"node1": {label: ""}})
    assert explain()[1][-4:] == [
        "Nobody held the address; this node ranks best among those that may.",
        "Order of those that may: node2.",
        "May not: node1 (nodeLabeledExcludeBalancers), node3 (nodeUnknown).",
        (
            "Next: node2 keeps it while it is heard, whatever its rank;"
            " if it is lost, there is nobody else who may take it."
        ),
    ]


def test_a_holder_that_may_no_longer_gives_it_up(tmp_path: Path, explain: Explain) -> None:
    directory = healthy(tmp_path)
    directory.service("web", ALLOCATED, [VIP], endpoints=["node3"], externalTrafficPolicy="Local")
    code, lines, _ = explain()
    assert code == WELL
    assert lines[3] == "Endpoints: 1 can serve, on node3 (traffic policy Local)."
    assert lines[-3:] == [
        "Order of those that may: node3.",
        "May not: node1 (noLocalEndpoints), node2 (noLocalEndpoints).",
        "Next: node2 may not have it any more and gives it up, and node3 takes it.",
    ]


def test_a_service_without_endpoints_is_announced_by_nobody(
    tmp_path: Path, explain: Explain
) -> None:
    directory = healthy(tmp_path)
    directory.service("web", ALLOCATED, [VIP], endpoints=())
    directory.holders()
    directory.speakers(*(refusing(node, WEB, Reason.NO_ENDPOINTS) for node in NODES))
    assert explain() == (
        LACKING,
        [
            *ADDRESS,
            "",
            "Endpoints: No endpoint of the Service is ready or serving.",
            "",
            f"On lan0, nobody answers for {VIP} (noEndpoints).",
            (
                "No endpoint of the Service is ready or serving."
                " Look at the Service's selector, and whether its pods are ready."
            ),
            "May not: node1 (noEndpoints), node2 (noEndpoints), node3 (noEndpoints).",
            "Next: It is announced as soon as that changes.",
        ],
        "",
    )


def test_while_all_learn_the_best_ranked_comes_next(tmp_path: Path, explain: Explain) -> None:
    directory = healthy(tmp_path)
    directory.holders()
    directory.speakers(
        *(
            replace(report(node), segments=(replace(segment(node, NODES), learning=True),))
            for node in NODES
        )
    )
    assert explain()[1][-4:] == [
        f"On lan0, nobody answers for {VIP} (learning).",
        "The speaker listens first, so that it takes nothing that another node holds.",
        "Order of those that may: node2, node1, node3.",
        "Next: node2 ranks best among those heard and takes it within two seconds.",
    ]


def test_where_no_candidate_is_heard_the_next_step_is_to_hear_one(
    tmp_path: Path, explain: Explain
) -> None:
    directory = healthy(tmp_path)
    directory.service("web", ALLOCATED, [VIP], endpoints=["node2"], externalTrafficPolicy="Local")
    directory.speakers(report("node1", ("node3",)), report("node2"), report("node3", ("node1",)))
    assert explain()[1][-3:] == [
        "Not heard any more: node2.",
        "May not: node1 (noLocalEndpoints), node3 (noLocalEndpoints).",
        "Next: It is announced as soon as a node that may is heard again.",
    ]


def test_each_segment_is_explained_by_itself(tmp_path: Path, explain: Explain) -> None:
    directory = healthy(tmp_path)
    directory.speakers(
        report("node1", ("node2",)), report("node2", ("node1",)), report("node3", ())
    )
    directory.holders(
        holding("node2", 3, Reason.FIRST_CLAIM), holding("node3", 4, Reason.HOLDER_LOST)
    )
    code, lines, _ = explain()
    assert code == WELL
    assert [line for line in lines if line.startswith(("On ", "Order"))] == [
        (
            f"On lan0@node1, node2 answers for {VIP} with MAC 02:00:00:00:00:02"
            f" (firstClaim, since {SINCE}, epoch 3)."
        ),
        "Order of those that may: node2, node1.",
        (
            f"On lan0@node3, node3 answers for {VIP} with MAC 02:00:00:00:00:03"
            f" (holderLost, since {SINCE}, epoch 4)."
        ),
        "Order of those that may: node3.",
    ]


def test_without_any_speaker_it_says_so(tmp_path: Path, explain: Explain) -> None:
    directory = healthy(tmp_path)
    directory.holders()
    directory.speakers()
    assert explain()[1][-3:] == [
        f"Nobody answers for {VIP} (noSpeaker).",
        (
            "No speaker reports a segment on which it could announce the address."
            " Start vipcast-speaker on a node with an interface on the clients' network."
        ),
        (
            "Next: It is announced as soon as one does;"
            " `vipcast status` shows what each speaker has."
        ),
    ]


BY_BGP = (
    "Next: IPv6 is announced by BGP alone in this version: with a BGPAdvertisement for the pool,"
    " routers are told. The address stays the Service's own."
)


def test_what_no_node_announces_promises_nothing_and_has_the_speakers_sentence(
    tmp_path: Path, explain: Explain
) -> None:
    directory = healthy(tmp_path)
    directory.holders()
    reason = Reason.FAMILY_UNSUPPORTED
    refusal = Unannounced(WEB, VIP, reason, "Pool home is not announced.")
    directory.speakers(*(replace(report(node), unannounced=(refusal,)) for node in NODES))
    code, lines, _ = explain()
    assert (code, lines[-3:]) == (
        LACKING,
        [
            f"On lan0, nobody answers for {VIP} ({reason}).",
            "Pool home is not announced.",
            BY_BGP,
        ],
    )


def test_no_speaker_is_asked_for_where_none_would_announce_the_address(
    tmp_path: Path, explain: Explain
) -> None:
    directory = healthy(tmp_path)
    half = replace(ALLOCATED, reason=Reason.FAMILY_UNSUPPORTED)
    directory.service("web", half, ["2001:db8::1"], ipFamilies=["IPv6"])
    directory.holders()
    directory.speakers()
    assert explain()[1][-1] == BY_BGP


def test_weights_and_interfaces_of_advertisements_count(tmp_path: Path, explain: Explain) -> None:
    directory = healthy(tmp_path)
    directory.nodes(*NODES, labels={"node3": {"zone": "a"}, "node1": {"zone": "b"}})
    zone = {"weight": 50, "preference": {"matchLabels": {"zone": "a"}}}
    other = [{"matchLabels": {"zone": "b"}}]
    directory.put(
        "pools.yaml",
        HOME,
        metallb(
            "L2Advertisement",
            "a",
            preferredNodeSelectors=[zone],
            nodeSelectors=[
                {"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["b"]}]}
            ],
        ),
        metallb("L2Advertisement", "b", nodeSelectors=other, interfaces=["lan1"]),
    )
    assert explain()[1][-3:-1] == [
        "Order of those that may: node3 (weight 50), node2 (weight 0).",
        "May not: node1 (notMatchInterface).",
    ]
    (told,) = json.loads("\n".join(explain("web", "-ojson")[1]))["announcements"]
    assert (told["order"], told["weights"]) == (["node3", "node2"], {"node2": 0, "node3": 50})


def test_a_refusal_of_some_nodes_is_not_why_nobody_answers(
    tmp_path: Path, explain: Explain
) -> None:
    directory = healthy(tmp_path)
    directory.holders()
    refused = refusing("node1", WEB, Reason.NOT_MATCH_INTERFACE)
    directory.speakers(refused, report("node2"), report("node3"))
    assert f"On lan0, nobody answers for {VIP} (waitingForBetterRanked)." in explain()[1]
    directory.speakers(
        *(refusing(node, WEB, Reason.NOT_MATCH_INTERFACE) for node in NODES),
    )
    assert f"On lan0, nobody answers for {VIP} (notMatchInterface)." in explain()[1]


def test_an_address_without_endpoints_waits_for_these_whatever_became_of_ipv6(
    tmp_path: Path, explain: Explain
) -> None:
    directory = healthy(tmp_path)
    half = replace(ALLOCATED, assigned=False, reason=Reason.FAMILY_UNSUPPORTED)
    directory.service("web", half, [VIP], endpoints=())
    directory.holders()
    directory.speakers(*(refusing(node, WEB, Reason.NO_ENDPOINTS) for node in NODES))
    assert explain()[1][-1] == "Next: It is announced as soon as that changes."


def test_a_route_that_a_cordoned_node_is_rid_of_is_no_concern_of_segments(
    tmp_path: Path, explain: Explain
) -> None:
    directory = healthy(tmp_path)
    _, before, _ = explain()
    rid = Unannounced(WEB, VIP, Reason.NODE_CORDONED, "")
    directory.speakers(*(replace(report(node), unannounced=(rid,)) for node in NODES))
    assert explain()[1] == before
