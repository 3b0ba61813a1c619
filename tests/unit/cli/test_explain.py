"""`vipcast explain` on given directories: the exact sentences and the exit code."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.cli.cluster import (
    ALLOCATED,
    EXHAUSTED,
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
from vipcast.cli.main import LACKING, NAMED, NOT_FOUND, UNREADABLE, WELL, main
from vipcast.cli.text import Screen
from vipcast.model.errors import Finding
from vipcast.model.objects import Key, Recorded
from vipcast.model.reasons import Reason, status_contested
from vipcast.model.status import Unannounced

Explain = Callable[..., tuple[int, list[str], str]]

ADDRESS = [
    f"Service default/web has {VIP} from pool home (allocated, since {SINCE}).",
    "An address was taken from the pool.",
]
ENDPOINTS = ["", "Endpoints: 3 can serve, on node1, node2, node3 (traffic policy Cluster)."]


@pytest.fixture
def explain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Explain:
    """Runs the command on the test's directory; returns exit code, lines, and stderr."""

    def run(service: str = "web", *arguments: str) -> tuple[int, list[str], str]:
        code = main(["explain", service, f"--directory={tmp_path}", *arguments])
        shown = capsys.readouterr()
        return code, shown.out.splitlines(), shown.err

    return run


def test_a_service_that_is_answered_for_is_explained(tmp_path: Path, explain: Explain) -> None:
    healthy(tmp_path)
    assert explain("default/web") == (
        WELL,
        [
            *ADDRESS,
            *ENDPOINTS,
            "",
            (
                f"On lan0, node2 answers for {VIP} with MAC 02:00:00:00:00:02"
                f" (firstClaim, since {SINCE}, epoch 1)."
            ),
            "Nobody held the address; this node ranks best among those that may.",
            "Order of those that may: node2, node1, node3.",
            (
                "Next: node2 keeps it while it is heard, whatever its rank;"
                " if it is lost, node1 takes it within two seconds."
            ),
        ],
        "",
    )


def test_a_status_that_somebody_else_writes_is_explained_with_who_and_how_to_stop_it(
    tmp_path: Path, explain: Explain
) -> None:
    directory = healthy(tmp_path)
    directory.service("web", ALLOCATED, ["10.0.0.1"])
    directory.config("", *NODES, contested={Key("default", "web"): "k3s"})
    told = status_contested("k3s", ["10.0.0.1"])
    assert explain() == (
        LACKING,
        [
            "Service default/web has 10.0.0.1 (statusContested).",
            told,
            (
                "Next: It is written again at the next change of the Service, and tried once in a"
                " while."
            ),
            *ENDPOINTS,
            "",
            "On lan0, nobody answers for 10.0.0.1 (statusContested).",
            told,
            "Next: An address of a pool is announced as soon as one stands there.",
        ],
        "",
    )


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


@pytest.mark.parametrize(
    ("reason", "coming"),
    [
        (
            Reason.PROTOCOL_NOT_YET,
            (
                "BGP is not announced in this version. The address stays the Service's own; for one"
                " that is announced, let the Service ask for a pool with protocol layer2."
            ),
        ),
        (
            Reason.FAMILY_UNSUPPORTED,
            "IPv6 is not announced in this version. The address stays the Service's own.",
        ),
    ],
)
def test_what_no_node_announces_promises_nothing_and_has_the_speakers_sentence(
    tmp_path: Path, explain: Explain, reason: Reason, coming: str
) -> None:
    directory = healthy(tmp_path)
    directory.holders()
    refusal = Unannounced(WEB, VIP, reason, "Pool home is not announced.")
    directory.speakers(*(replace(report(node), unannounced=(refusal,)) for node in NODES))
    code, lines, _ = explain()
    assert (code, lines[-3:]) == (
        LACKING,
        [
            f"On lan0, nobody answers for {VIP} ({reason}).",
            "Pool home is not announced.",
            f"Next: {coming}",
        ],
    )


def test_no_speaker_is_asked_for_where_none_would_announce_the_address(
    tmp_path: Path, explain: Explain
) -> None:
    directory = healthy(tmp_path)
    directory.service("web", replace(ALLOCATED, reason=Reason.PROTOCOL_NOT_YET), [VIP])
    directory.holders()
    directory.speakers()
    assert explain()[1][-1].startswith("Next: BGP is not announced in this version.")


def test_without_a_controller_an_address_that_lacks_is_explained_by_that(
    tmp_path: Path, explain: Explain
) -> None:
    directory = healthy(tmp_path)
    directory.service("db", Recorded())
    directory.config("", *NODES, heartbeat=SINCE)
    code, lines, _ = explain("db")
    assert (code, lines[:2]) == (
        LACKING,
        ["Service default/db has no address.", "The controller has not said why."],
    )
    assert lines[-1].startswith(f"The controller was not heard since {SINCE} (")


def test_a_service_without_an_address_has_the_controllers_sentence(
    tmp_path: Path, explain: Explain
) -> None:
    directory = healthy(tmp_path)
    directory.service("db", EXHAUSTED)
    assert explain("db") == (
        LACKING,
        [
            "Service default/db has no address (poolExhausted).",
            EXHAUSTED.message,
            "Next: It is decided anew when Service or configuration change or an address is freed.",
            "",
            "Endpoints: 3 can serve, on node1, node2, node3 (traffic policy Cluster).",
        ],
        "",
    )


@pytest.mark.parametrize(
    ("spec", "lines"),
    [
        (
            {},
            [
                "Service default/db has no address.",
                "The controller has not said why.",
            ],
        ),
        (
            {"type": "ClusterIP"},
            [
                "Service default/db has no address (notLoadBalancer).",
                (
                    "The Service is not of type LoadBalancer."
                    " Write type: LoadBalancer if it should have an address."
                ),
            ],
        ),
        (
            {"loadBalancerClass": "example.com/cloud"},
            [
                "Service default/db has no address (otherLoadBalancerClass).",
                (
                    "The Service asks for another load balancer by spec.loadBalancerClass."
                    " Leave spec.loadBalancerClass out, or name the class by --lb-class of both"
                    " programs."
                ),
            ],
        ),
    ],
)
def test_services_that_nobody_decided_on_say_why(
    tmp_path: Path, explain: Explain, spec: dict[str, Any], lines: Sequence[str]
) -> None:
    directory = healthy(tmp_path)
    directory.service("db", Recorded(), **spec)
    code, shown, _ = explain("db")
    assert (code, shown[:2]) == (LACKING, lines)


def test_what_the_controller_adds_to_an_address_is_shown(tmp_path: Path, explain: Explain) -> None:
    directory = healthy(tmp_path)
    hint = "An IPv6 address, which the Service prefers to have too, is not served yet."
    more = replace(ALLOCATED, message=f"{VIP} from pool home. {hint}")
    directory.service("web", more, [VIP])
    assert explain()[1][:2] == [ADDRESS[0], f"{ADDRESS[1]} {hint}"]


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


def test_a_service_of_a_class_is_ours_if_the_flag_or_the_controller_says_so(
    tmp_path: Path, explain: Explain
) -> None:
    directory = healthy(tmp_path)
    directory.service("web", ALLOCATED, [VIP], loadBalancerClass="example.com/lb")
    assert explain()[1][0] == ADDRESS[0]
    directory.service("db", Recorded(), loadBalancerClass="example.com/lb")
    flag = "--lb-class=example.com/lb"
    assert explain("db")[1][0].endswith("(otherLoadBalancerClass).")
    assert explain("db", flag)[1][0] == "Service default/db has no address."
    directory.service("plain", Recorded())
    assert explain("plain", flag)[1][0].endswith("(noLoadBalancerClass).")


@pytest.mark.parametrize(
    ("published", "line"),
    [
        (True, ENDPOINTS[1]),
        (False, "Endpoints: No endpoint of the Service is ready or serving."),
    ],
)
def test_endpoints_that_are_not_ready_count_where_they_are_published(
    tmp_path: Path, explain: Explain, published: bool, line: str
) -> None:
    directory = healthy(tmp_path)
    directory.service("web", ALLOCATED, [VIP], publishNotReadyAddresses=published)
    path = tmp_path / "default-web.yaml"
    unready = "- conditions: {ready: false}\n  addresses:"
    path.write_text(path.read_text().replace("- addresses:", unready))
    assert explain()[1][3] == line


def test_an_assignment_with_a_remark_has_the_remark(tmp_path: Path, explain: Explain) -> None:
    directory = healthy(tmp_path)
    message = f"The requested address 'x' is not an IP address. The Service keeps {VIP}."
    remark = replace(ALLOCATED, reason=Reason.INVALID_REQUEST, message=message)
    directory.service("web", remark, [VIP])
    assert explain()[1][:2] == [
        f"Service default/web has {VIP} from pool home (invalidRequestedIP, since {SINCE}).",
        message,
    ]


def test_an_address_that_is_none_is_told_without_an_order(tmp_path: Path, explain: Explain) -> None:
    directory = healthy(tmp_path)
    directory.service("web", Recorded(), ["lb.example.com"])
    assert explain()[1][0] == "Service default/web has lb.example.com (kept)."
    assert explain()[1][-1] == "A better-ranked node of the segment should claim the address first."


def test_a_refused_configuration_is_part_of_the_explanation(
    tmp_path: Path, explain: Explain
) -> None:
    directory = healthy(tmp_path)
    finding = Finding("ConfigMap metallb-system/config", "", "", "There is no such ConfigMap.")
    directory.config("", "node1", findings=(finding,))
    assert explain()[1][-2:] == [
        "The configuration is not in order, says controller, node1.",
        "ConfigMap metallb-system/config: There is no such ConfigMap.",
    ]


def test_a_service_that_cannot_be_read_is_explained_by_its_finding(
    tmp_path: Path, explain: Explain
) -> None:
    directory = healthy(tmp_path)
    metadata = {"name": "odd", "namespace": "shop"}
    spec = {"type": "Balancer"}
    directory.put(
        "odd.yaml", {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
    )
    code, lines, errors = explain("shop/odd")
    assert (code, lines) == (UNREADABLE, [])
    first, second = errors.splitlines()
    assert first == "vipcast: Service shop/odd is there, but its file cannot be read as one:"
    assert second.startswith("vipcast: Service shop/odd: spec.type = 'Balancer': ")


def test_a_service_that_is_not_there_is_exit_code_3(tmp_path: Path, explain: Explain) -> None:
    healthy(tmp_path)
    neither = f"vipcast: There is no Service or node nothing. {NAMED}\n"
    assert explain("nothing") == (NOT_FOUND, [], neither)
    only = f"vipcast: There is no Service nothing. {NAMED}\n"
    assert explain("svc/nothing") == (NOT_FOUND, [], only)
    elsewhere = "vipcast: There is no Service shop/web; there is default/web.\n"
    assert explain("shop/web") == (NOT_FOUND, [], elsewhere)
    code, lines, _ = explain("svc/nothing", "-ojson")
    told = json.loads("\n".join(lines))
    wanted = {"healthy": False, "errors": [only.removeprefix("vipcast: ").rstrip()]}
    assert (code, told) == (NOT_FOUND, wanted)


def test_a_service_that_may_be_in_a_bad_file_is_not_said_to_be_missing(
    tmp_path: Path, explain: Explain
) -> None:
    healthy(tmp_path)
    (tmp_path / "new.yaml").write_text("kind: Service\n  metadata: {name: new}\n")
    code, lines, errors = explain("new")
    assert (code, lines) == (UNREADABLE, [])
    first, second = errors.splitlines()
    assert first == (
        "vipcast: No Service or node new can be read. It may stand in a file that cannot be read:"
    )
    assert second.startswith("vipcast: file new.yaml: line ")


def test_json_and_yaml_say_what_the_text_says(tmp_path: Path, explain: Explain) -> None:
    directory = healthy(tmp_path)
    directory.nodes("node1", "node2")
    wanted = {
        "service": "default/web",
        "healthy": True,
        "addresses": [VIP],
        "pool": "home",
        "reason": "allocated",
        "message": "An address was taken from the pool.",
        "since": SINCE,
        "next": "",
        "endpoints": {"serving": 3, "nodes": ["node1", "node2", "node3"], "policy": "Cluster"},
        "announcements": [
            {
                "address": VIP,
                "segment": "lan0",
                "holder": "node2",
                "former": "",
                "interface": "lan0",
                "mac": "02:00:00:00:00:02",
                "epoch": 1,
                "since": SINCE,
                "reason": "firstClaim",
                "message": "Nobody held the address; this node ranks best among those that may.",
                "order": ["node2", "node1"],
                "weights": {},
                "notHeard": [],
                "mayNot": [{"node": "node3", "reason": "nodeUnknown"}],
                "next": (
                    "node2 keeps it while it is heard, whatever its rank;"
                    " if it is lost, node1 takes it within two seconds."
                ),
            }
        ],
        "controller": "",
        "configuration": [],
        "problems": [],
    }
    code, lines, errors = explain("web", "--output=json")
    assert (code, json.loads("\n".join(lines)), errors) == (WELL, wanted, "")
    assert yaml.safe_load("\n".join(explain("web", "-oyaml")[1])) == wanted


def test_json_of_a_service_without_an_address_has_the_same_keys(
    tmp_path: Path, explain: Explain
) -> None:
    directory = healthy(tmp_path)
    directory.service("db", EXHAUSTED)
    code, lines, _ = explain("db", "-ojson")
    told = json.loads("\n".join(lines))
    assert code == LACKING
    assert (told["addresses"], told["announcements"]) == ([], [])
    assert (told["reason"], told["message"]) == ("poolExhausted", EXHAUSTED.message)
    assert told["next"].startswith("It is decided anew")


def test_no_sentence_is_wider_than_the_terminal(
    tmp_path: Path, explain: Explain, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = healthy(tmp_path)
    directory.config("", *NODES, heartbeat=SINCE)
    monkeypatch.setattr("vipcast.cli.main.screen_of", lambda _: Screen(80))
    _, lines, _ = explain()
    assert max(map(len, lines)) <= 80


def test_a_name_in_two_namespaces_has_to_be_given_in_full(tmp_path: Path, explain: Explain) -> None:
    directory = healthy(tmp_path)
    directory.service("web", EXHAUSTED, namespace="shop")
    assert explain("web") == (
        UNREADABLE,
        [],
        "vipcast: Several Services have the name web: give one of default/web, shop/web.\n",
    )
    assert explain("shop/web")[1][0] == "Service shop/web has no address (poolExhausted)."


def test_reading_leaves_no_trace_in_the_directory(tmp_path: Path, explain: Explain) -> None:
    healthy(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    explain()
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.root
def test_the_command_works_without_root() -> None:
    # Below /tmp, for what pytest makes belongs to root alone.
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        healthy(place)
        for path in (place, *place.iterdir()):
            path.chmod(0o755)
        code = (
            "import os, sys; from vipcast.cli.main import main; os.setgid(65534); os.setuid(65534);"
            " sys.exit(main(['status', '--directory', sys.argv[1]]))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, name], capture_output=True, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (WELL, "")
    assert "node2   firstClaim" in done.stdout


def test_endpoints_that_cannot_be_read_are_told_of_with_the_service(
    tmp_path: Path, explain: Explain
) -> None:
    directory = healthy(tmp_path)
    directory.service("web", ALLOCATED, [VIP], endpoints=())
    directory.holders()
    directory.speakers(*(refusing(node, WEB, Reason.NO_ENDPOINTS) for node in NODES))
    labels = {"kubernetes.io/service-name": "web"}
    for namespace in ("default", "shop"):
        metadata = {"name": "web-2", "namespace": namespace, "labels": labels}
        directory.put(
            f"{namespace}-slice.yaml",
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": metadata,
                "addressType": "IPv4",
                "endpoints": {"addresses": ["10.1.0.1"]},
            },
        )
    code, lines, _ = explain()
    assert (code, lines[3]) == (
        LACKING,
        "Endpoints: they cannot be read; what is wrong stands below.",
    )
    assert lines[-1].startswith("EndpointSlice default/web-2: endpoints")
    assert "shop" not in "\n".join(lines)


def test_an_address_without_endpoints_waits_for_these_whatever_became_of_ipv6(
    tmp_path: Path, explain: Explain
) -> None:
    directory = healthy(tmp_path)
    half = replace(ALLOCATED, assigned=False, reason=Reason.FAMILY_UNSUPPORTED)
    directory.service("web", half, [VIP], endpoints=())
    directory.holders()
    directory.speakers(*(refusing(node, WEB, Reason.NO_ENDPOINTS) for node in NODES))
    assert explain()[1][-1] == "Next: It is announced as soon as that changes."
