"""`vipcast explain` on given directories: the exact sentences and the exit code."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.cli.cluster import ALLOCATED, EXHAUSTED, NODES, SINCE, VIP, WEB, healthy, refusing
from tests.unit.cli.commands import ADDRESS, ENDPOINTS, Explain
from vipcast.cli.main import LACKING, WELL
from vipcast.cli.text import Screen
from vipcast.model.errors import Finding
from vipcast.model.objects import Key, Recorded
from vipcast.model.reasons import Reason, status_contested


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
        "routes": [],
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
