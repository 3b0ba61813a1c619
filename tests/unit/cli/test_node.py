"""`vipcast explain NODE`: interfaces, segments, what it answers for, what not and why."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import yaml

from speaker import plan
from tests.support.steps import steps
from tests.unit.cli.cluster import (
    ALLOCATED,
    EVERYWHERE,
    HOME,
    NODES,
    SINCE,
    VIP,
    WEB,
    Directory,
    metallb,
    report,
    segment,
)
from tests.unit.cli.commands import Explain, Vipcast
from vipcast.cli.main import LACKING, NAMED, NOT_FOUND, UNREADABLE, WELL
from vipcast.cli.speakers import NOT_REPORTED
from vipcast.cli.text import Screen
from vipcast.model.reasons import Reason
from vipcast.model.status import InterfaceReport, Unannounced

SPEAKER = f"Its speaker runs since {SINCE} (--xdp-mode auto, term 1)."
EXCLUDE = "node.kubernetes.io/exclude-from-external-load-balancers"
EXCLUDED = (
    f"The node carries the label {EXCLUDE}. Remove the label if the node should announce addresses."
)


@pytest.fixture
def explain(vipcast: Vipcast) -> Explain:
    """Explains node2, where a test names nothing else."""

    def run(node: str = "node2", *arguments: str) -> tuple[int, list[str], str]:
        return vipcast.said("explain", node, *arguments)

    return run


def interfaces(node: str) -> list[str]:
    return [
        "Interfaces:",
        (
            f"  lan0, 02:00:00:00:00:0{node[-1]}: answering, generic mode (attached)."
            " Attached in generic mode: it is a veth."
        ),
    ]


@pytest.mark.usefixtures("directory")
def test_a_node_that_answers_is_explained(explain: Explain) -> None:
    assert explain("node2") == (
        WELL,
        [
            "Node node2 answers for 1 address.",
            SPEAKER,
            "",
            *interfaces("node2"),
            "",
            "Segments:",
            "  lan0, through lan0: hears node1 (192.0.2.1), node3 (192.0.2.3).",
            "",
            "Answers for:",
            f"  {VIP} (default/web) on lan0: firstClaim, since {SINCE}, epoch 1",
        ],
        "",
    )


def test_what_another_node_answers_for_is_named_with_it(
    directory: Directory, explain: Explain
) -> None:
    directory.service("elsewhere", ALLOCATED, ["192.0.2.11"])
    assert explain("node1")[1][-6:] == [
        "",
        (
            "Does not answer for (layer 2, waitingForBetterRanked):"
            " A better-ranked node of the segment should claim the address first."
        ),
        "  192.0.2.11 (default/elsewhere) on lan0",
        "",
        (
            "Does not answer for (layer 2, notOwner):"
            " Another live node holds the address on the segment."
        ),
        f"  {VIP} (default/web) on lan0: node2 does",
    ]


def test_a_label_that_excludes_the_node_is_named_and_is_a_wish(
    directory: Directory, explain: Explain
) -> None:
    directory.nodes(*NODES, labels={"node1": {EXCLUDE: ""}})
    code, lines, _ = explain("node1")
    assert (code, lines[:3]) == (
        WELL,
        [
            "Node node1 answers for no addresses.",
            f"It may announce nothing (nodeLabeledExcludeBalancers): {EXCLUDED}",
            SPEAKER,
        ],
    )
    assert lines[-2:] == [
        f"Does not answer for (layer 2, nodeLabeledExcludeBalancers): {EXCLUDED}",
        f"  {VIP} (default/web) on lan0: node2 does",
    ]


def test_a_condition_that_excludes_the_node_is_something_that_lacks(
    directory: Directory, explain: Explain
) -> None:
    conditions = [{"type": "NetworkUnavailable", "status": "True"}]
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node1"}}
    directory.nodes("node2", "node3")
    directory.put("node1.yaml", {**node, "status": {"conditions": conditions}})
    code, lines, _ = explain("node1")
    assert (code, lines[1]) == (
        LACKING,
        (
            "It may announce nothing (nodeNetworkUnavailable):"
            " The node's condition NetworkUnavailable is True."
            " Look at the node's network plugin, which sets it."
        ),
    )


def test_advertisements_that_leave_the_node_or_its_interface_out_are_the_reason(
    directory: Directory, explain: Explain
) -> None:
    named = metallb("L2Advertisement", "ad", interfaces=["lan1"])
    directory.put("pools.yaml", HOME, named)
    assert explain("node1")[1][-2].startswith("Does not answer for (layer 2, notMatchInterface): ")
    selector = [{"matchLabels": {"zone": "a"}}]
    directory.put("pools.yaml", HOME, metallb("L2Advertisement", "ad", nodeSelectors=selector))
    directory.nodes(*NODES, labels={"node2": {"zone": "a"}})
    assert explain("node1")[1][-2].startswith(
        "Does not answer for (layer 2, noMatchingAdvertisement): "
    )


def test_traffic_policy_local_is_the_reason_of_the_node_without_endpoints(
    directory: Directory, explain: Explain
) -> None:
    directory.service("web", ALLOCATED, [VIP], endpoints=["node2"], externalTrafficPolicy="Local")
    assert explain("node1")[1][-2:] == [
        (
            "Does not answer for (layer 2, noLocalEndpoints):"
            " Traffic policy Local: no endpoint of the Service on the node is ready or serving."
            " Run a pod of the Service there, or write externalTrafficPolicy: Cluster."
        ),
        f"  {VIP} (default/web) on lan0: node2 does",
    ]


def test_interfaces_that_are_silent_and_segments_in_trouble_say_why(
    directory: Directory, explain: Explain
) -> None:
    mac = "02:00:00:00:00:99"
    said = "The interface is down."
    down = InterfaceReport("eth1", 9, mac, False, "", "", Reason.INTERFACE_DOWN, said)
    told = report("node1")
    trouble = replace(segment("node1", ()), learning=True, key=False, problems=(Reason.NO_KEY,))
    told = replace(told, interfaces=(*told.interfaces, down), segments=(trouble,))
    directory.speakers(told, report("node2", ("node3",)), report("node3", ("node2",)))
    code, lines, _ = explain("node1")
    assert code == LACKING
    assert lines[3:11] == [
        *interfaces("node1"),
        (
            "  eth1, 02:00:00:00:00:99: silent (interfaceDown). The interface is down."
            " Set it up (ip link set NAME up) if it should announce addresses."
        ),
        "",
        "Segments:",
        "  lan0@node1, through lan0: hears no other speaker.",
        (
            "    learning: The speaker listens first,"
            " so that it takes nothing that another node holds."
        ),
        (
            "    noKey: The key for hellos is missing: Secret memberlist, key secretkey."
            " Look whether vipcast-controller runs: it makes the Secret."
        ),
    ]


def test_an_address_that_nobody_answers_for_has_the_speakers_sentence(
    directory: Directory, explain: Explain
) -> None:
    directory.put("pools.yaml", HOME)
    directory.holders()
    said = "No L2Advertisement is for pool home. Write one."
    refusal = Unannounced(WEB, VIP, Reason.NO_MATCHING_ADVERTISEMENT, said)
    directory.speakers(*(replace(report(node), unannounced=(refusal,)) for node in NODES))
    assert explain("node1")[1][-2:] == [
        f"Does not answer for (layer 2, noMatchingAdvertisement): {said}",
        f"  {VIP} (default/web) on lan0",
    ]


def test_a_long_list_is_cut_in_the_text_alone(directory: Directory, explain: Explain) -> None:
    pool = metallb("IPAddressPool", "home", addresses=["192.0.2.10-192.0.2.60"])
    directory.put("pools.yaml", pool, EVERYWHERE)
    for number in range(11, 36):
        directory.service(f"s{number}", ALLOCATED, [f"192.0.2.{number}"])
    assert explain("node1")[1].count("  … and 5 more: -o json has all.") == 1
    told = json.loads("\n".join(explain("node1", "-ojson")[1]))
    assert len(told["doesNotHold"]) == 26


def test_a_node_without_a_speaker_and_a_speaker_without_a_node_are_told_of(
    directory: Directory, explain: Explain
) -> None:
    directory.nodes("node1", "node2", "node4")
    code, lines, _ = explain("node4")
    assert (code, lines) == (
        LACKING,
        [
            "Node node4 answers for no addresses.",
            NOT_REPORTED,
        ],
    )
    code, lines, _ = explain("node3")
    assert (code, lines[1]) == (
        LACKING,
        (
            "It may announce nothing (nodeUnknown): There is no Node object of this name."
            " Create it, or give the speaker the Node's name by --node-name."
        ),
    )


def test_a_node_that_is_gone_is_to_be_forgotten_and_nothing_else(
    directory: Directory, explain: Explain
) -> None:
    directory.nodes("node1", "node2")
    directory.speakers(report("node1", ("node2",)), report("node2", ("node1",)), report("node3"))
    code, lines, _ = explain("node3")
    assert (code, lines[0]) == (LACKING, "Node node3 answers for no addresses.")
    assert lines[1].startswith("There is no Node object of this name, and its speaker is not heard")
    assert "Create it" not in "\n".join(lines)
    told = json.loads("\n".join(explain("node3", "-ojson")[1]))
    assert (told["exclusions"], told["doesNotHold"], len(told["problems"])) == ([], [], 1)


@pytest.mark.usefixtures("directory")
def test_a_node_that_is_not_there_is_exit_code_3(explain: Explain) -> None:
    told = f"vipcast: There is no node node9. {NAMED}\n"
    assert explain("node/node9") == (NOT_FOUND, [], told)


def test_a_node_that_cannot_be_read_is_named_with_its_finding(
    directory: Directory, explain: Explain
) -> None:
    for name in ("node3", "node4"):
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": []}
        directory.put(f"{name}.yaml", node)
    directory.nodes("node1", "node2")
    code, lines, _ = explain("node3")
    assert code == LACKING
    assert lines[2].startswith("Node node3: status")
    code, lines, errors = explain("node/node4")
    assert (code, lines) == (UNREADABLE, [])
    assert errors.splitlines()[0] == (
        "vipcast: Node node4 is there, but its file cannot be read as one:"
    )


def test_a_name_of_both_is_the_service_and_says_how_to_ask_for_the_node(
    directory: Directory, explain: Explain
) -> None:
    directory.nodes(*NODES, "web")
    code, lines, errors = explain("web")
    assert (code, lines[0].split()[:2]) == (WELL, ["Service", "default/web"])
    assert errors == (
        "vipcast: web is Service default/web here; node/web stands for the node of that name.\n"
    )
    assert explain("svc/web")[2] == ""
    assert explain("node/web")[1][0] == "Node web answers for no addresses."


def test_json_and_yaml_say_what_the_text_says(directory: Directory, explain: Explain) -> None:
    directory.service("elsewhere", ALLOCATED, ["192.0.2.11"])
    code, lines, _ = explain("node2", "-ojson")
    told = json.loads("\n".join(lines))
    assert code == WELL
    assert told == {
        "node": "node2",
        "healthy": True,
        "exclusions": [],
        "drain": "",
        "problems": [],
        "speaker": {
            "started": SINCE,
            "lost": False,
            "away": False,
            "heartbeat": "",
            "xdpMode": "auto",
            "boot": "00000000000000aa",
            "term": 1,
        },
        "interfaces": [
            {
                "name": "lan0",
                "mac": "02:00:00:00:00:02",
                "answering": True,
                "mode": "generic",
                "reason": "attached",
                "message": "Attached in generic mode: it is a veth.",
            }
        ],
        "segments": [
            {
                "segment": "lan0",
                "interface": "lan0",
                "learning": False,
                "problems": [],
                "hears": [
                    {
                        "node": f"node{number}",
                        "address": f"192.0.2.{number}",
                        "mac": f"02:00:00:00:00:0{number}",
                        "away": False,
                    }
                    for number in (1, 3)
                ],
            }
        ],
        "holds": [
            {
                "address": VIP,
                "service": "default/web",
                "segment": "lan0",
                "interface": "lan0",
                "mac": "02:00:00:00:00:02",
                "reason": "firstClaim",
                "since": SINCE,
                "epoch": 1,
            }
        ],
        "doesNotHold": [
            {
                "address": "192.0.2.11",
                "service": "default/elsewhere",
                "segment": "lan0",
                "reason": "waitingForBetterRanked",
                "message": "A better-ranked node of the segment should claim the address first.",
                "holder": "",
            }
        ],
        "sessions": [],
        "tells": [],
        "doesNotTell": [],
    }
    assert yaml.safe_load("\n".join(explain("node2", "-oyaml")[1])) == told


def test_what_many_nodes_cost_is_paid_once_and_not_for_each_address(
    directory: Directory, explain: Explain
) -> None:
    many = [f"node{number}" for number in range(1, 40)]
    costs = []
    for services in (1, 9):
        for number in range(services):
            address = f"192.0.2.{11 + number}"
            directory.service(f"other{number}", ALLOCATED, [address])
        both = []
        for nodes in (NODES, many):
            directory.nodes(*nodes)
            both.append(steps(lambda: explain("node1"), plan))
        costs.append(both[1] - both[0])
    assert costs[0] == costs[1] > 0


def test_no_line_is_wider_than_the_terminal(
    directory: Directory, explain: Explain, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory.nodes(*NODES, labels={"node1": {EXCLUDE: ""}})
    monkeypatch.setattr("vipcast.cli.main.screen_of", lambda _: Screen(80))
    for subject in ("node1", "node2", "config", VIP, "192.0.2.11", "192.0.2.99"):
        assert max(map(len, explain(subject)[1])) <= 80
