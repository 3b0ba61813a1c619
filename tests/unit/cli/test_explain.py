"""`vipcast explain` on given directories: the exact sentences and the exit code."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.cli.cluster import (
    ALLOCATED,
    EXHAUSTED,
    NODES,
    SINCE,
    VIP,
    WEB,
    healthy,
    holding,
    refusing,
    report,
    segment,
)
from vipcast.cli.main import LACKING, UNREADABLE, WELL, main
from vipcast.model.errors import Finding
from vipcast.model.objects import Recorded
from vipcast.model.reasons import Reason

Explain = Callable[..., tuple[int, list[str], str]]

ADDRESS = [
    f"Service default/web has {VIP} from pool home (allocated, since {SINCE}).",
    "An address was taken from the pool.",
]
ENDPOINTS = ["", "Endpoints: 3 can serve, on node1, node2, node3 (traffic policy Cluster)."]


@pytest.fixture
def explain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Explain:
    """Runs the command on the test's directory; returns exit code, lines, and stderr."""

    def run(service: str = "web") -> tuple[int, list[str], str]:
        code = main(["explain", service, f"--directory={tmp_path}"])
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
            "The holder was not heard any more.",
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
            "No endpoint of the Service is ready or serving.",
            "May not: node1 (noEndpoints), node2 (noEndpoints), node3 (noEndpoints).",
            "Next: it is announced as soon as that changes.",
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
        "Next: it is announced as soon as a node that may is heard again.",
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
    assert explain()[1][-2:] == [
        f"Nobody answers for {VIP} (noSpeaker).",
        "No speaker reports a segment on which it could announce the address.",
    ]


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
            "Next: it is decided anew when Service or configuration change or an address is freed.",
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
                "Service default/db has no address, and the controller has not said why.",
                "Is it running?",
            ],
        ),
        (
            {"type": "ClusterIP"},
            [
                "Service default/db has no address (notLoadBalancer).",
                "The Service is not of type LoadBalancer.",
            ],
        ),
        (
            {"loadBalancerClass": "example.com/cloud"},
            [
                "Service default/db has no address (otherLoadBalancerClass).",
                "The Service asks for another load balancer by spec.loadBalancerClass.",
            ],
        ),
    ],
)
def test_services_that_nobody_decided_on_say_why(
    tmp_path: Path, explain: Explain, spec: dict[str, str], lines: Sequence[str]
) -> None:
    directory = healthy(tmp_path)
    directory.service("db", Recorded(), **spec)
    code, shown, _ = explain("db")
    assert (code, shown[:2]) == (LACKING, lines)


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
    assert first == "vipcast: There is no Service shop/odd."
    assert second.startswith("vipcast: Service shop/odd: spec.type = 'Balancer': ")


def test_a_service_that_is_not_there_is_exit_code_3(tmp_path: Path, explain: Explain) -> None:
    healthy(tmp_path)
    assert explain("nothing") == (UNREADABLE, [], "vipcast: There is no Service nothing.\n")
    assert explain("shop/web") == (UNREADABLE, [], "vipcast: There is no Service shop/web.\n")


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
