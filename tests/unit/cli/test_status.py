"""`vipcast status` on given directories: the exact text, the exact data, the exit code."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

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
from tests.unit.cli.commands import Vipcast
from vipcast.cli.main import LACKING, UNREADABLE, WELL, main
from vipcast.cli.speakers import NOT_HEARD, NOT_REPORTED
from vipcast.kube.parse import parse_service
from vipcast.kube.render import timestamp
from vipcast.model.errors import Finding, ParseError
from vipcast.model.objects import Key, Recorded
from vipcast.model.reasons import SENTENCES, Reason
from vipcast.model.status import SpeakerReport
from vipcast.model.steps import STEPS

Status = Callable[..., tuple[int, str]]


@pytest.fixture
def status(vipcast: Vipcast) -> Status:
    """Runs the command on the test's directory; returns exit code and what it printed."""

    def run(*arguments: str) -> tuple[int, str]:
        code, shown, errors = vipcast.printed("status", *arguments)
        assert errors == ""
        return code, shown

    return run


def text(*lines: str) -> str:
    return "\n".join(lines) + "\n"


def test_a_healthy_cluster_is_shown_in_a_few_lines(tmp_path: Path, status: Status) -> None:
    healthy(tmp_path)
    assert status() == (
        WELL,
        text(
            "VIP         SERVICE      POOL  SEGMENT  HOLDER  REASON",
            "192.0.2.10  default/web  home  lan0     node2   firstClaim",
            "",
            "NODE   INTERFACE  MODE     HEARS  STATE",
            "node1  lan0       generic  2      answering",
            "node2  lan0       generic  2      answering",
            "node3  lan0       generic  2      answering",
            "",
            "Configuration: valid (controller, node1, node2, node3)",
        ),
    )


def test_a_status_that_somebody_else_writes_is_shown_with_what_it_means(
    tmp_path: Path, status: Status
) -> None:
    directory = healthy(tmp_path)
    directory.service("web", ALLOCATED, ["10.0.0.1"])
    directory.config("", *NODES, contested={Key("default", "web"): "k3s"})
    code, shown = status()
    assert code == LACKING
    assert shown.startswith(
        text(
            "VIP       SERVICE      POOL  SEGMENT  HOLDER  REASON",
            "10.0.0.1  default/web  -     lan0     -       statusContested",
            "",
            f"statusContested: {SENTENCES[Reason.STATUS_CONTESTED]}"
            f" {STEPS[Reason.STATUS_CONTESTED]}",
        )
    )


def test_what_lacks_is_shown_with_what_it_means(tmp_path: Path, status: Status) -> None:
    directory = healthy(tmp_path)
    directory.nodes(*NODES, "node4")
    directory.service("db", EXHAUSTED, namespace="shop")
    directory.speakers(report("node1", ("node3",)), report("node2"), report("node3", ("node1",)))
    directory.put("broken.yaml", {"apiVersion": "v1", "kind": "Service", "metadata": {"name": 7}})
    finding = Finding(
        "ConfigMap metallb-system/config", "address-pools[0].addresses[0]", "10.0.0.0/40",
        "This is no range.", "Write a prefix length of at most 32.",
    )  # fmt: skip
    directory.config("", "node1", "node2", "node3", findings=(finding,))
    code, shown = status()
    assert code == LACKING
    assert shown.startswith(
        text(
            "VIP         SERVICE      POOL  SEGMENT  HOLDER  REASON",
            "192.0.2.10  default/web  home  lan0     -       holderLost",
            "-           shop/db      -     -        -       poolExhausted",
            "",
            "holderLost: The holder was not heard any more."
            " Look whether its speaker runs and its cable is in.",
            "poolExhausted: Every address that this Service may have is taken."
            " Add addresses to a pool, or delete a Service that is not needed.",
            "`vipcast explain SERVICE` says more about one Service.",
            "",
            "NODE   INTERFACE  MODE     HEARS  STATE",
            "node1  lan0       generic  1      answering",
            "node2  lan0       generic  -      not heard",
            "node3  lan0       generic  1      answering",
            "node4  -          -        -      silent",
            "",
            f"node2: {NOT_HEARD}",
            f"node4: {NOT_REPORTED}",
            "",
            "Configuration: invalid (controller, node1, node3)",
            "  ConfigMap metallb-system/config: address-pools[0].addresses[0] = '10.0.0.0/40':"
            " This is no range. Write a prefix length of at most 32.",
            "",
            "Objects not read:",
        )
    )
    assert "broken.yaml" in shown.splitlines()[-1]


def test_objects_not_read_are_shown_once_and_apart_from_the_configuration(
    tmp_path: Path, status: Status
) -> None:
    directory = healthy(tmp_path)
    metadata = {"name": "odd", "namespace": "shop"}
    odd = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"type": "Odd"}}
    directory.put("odd.yaml", odd)
    code, shown = status()
    assert (code, shown.splitlines()[-4:-1]) == (
        LACKING,
        [
            "Configuration: valid (controller, node1, node2, node3)",
            "",
            "Objects not read:",
        ],
    )
    finding = shown.splitlines()[-1].strip()
    assert finding.startswith("Service shop/odd: spec.type = 'Odd': ")
    with pytest.raises(ParseError) as caught:
        parse_service(odd)
    elsewhere = Finding("file own.yaml", "", "", "It cannot be read: Permission denied.")
    directory.config("", *NODES, problems=(caught.value.finding,))
    assert status() == (LACKING, shown)
    directory.config("", "node1", problems=(caught.value.finding, elsewhere))
    assert status()[1].splitlines()[-2:] == [
        f"  {finding}",
        f"  {elsewhere} (So says controller, node1.)",
    ]


def test_a_controller_that_gives_no_sign_of_life_is_noticed(tmp_path: Path, status: Status) -> None:
    directory = healthy(tmp_path)
    directory.config("", *NODES, heartbeat=SINCE)
    code, shown = status()
    assert code == LACKING
    (line,) = [line for line in shown.splitlines() if "controller was not heard" in line]
    assert re.fullmatch(
        rf"The controller was not heard since {SINCE} \(\d+ [a-z]+\)\. Start vipcast-controller, or"
        r" see the end of its log; until then no Service gets an address\.",
        line,
    )
    told = json.loads(status("-ojson")[1])["controller"]
    assert told == {"healthy": False, "heartbeat": SINCE, "problem": line}


def test_the_claim_with_the_highest_epoch_counts(tmp_path: Path, status: Status) -> None:
    directory = healthy(tmp_path)
    directory.holders(
        holding("node1", 5, Reason.HOLDER_LOST), holding("node2", 4, Reason.FIRST_CLAIM)
    )
    assert "lan0     node1   holderLost\n" in status()[1]


def test_each_segment_has_a_holder_of_its_own(tmp_path: Path, status: Status) -> None:
    directory = healthy(tmp_path)
    directory.speakers(
        report("node1", ("node2",)), report("node2", ("node1",)), report("node3", ())
    )
    directory.holders(
        holding("node2", 3, Reason.FIRST_CLAIM), holding("node3", 4, Reason.HOLDER_LOST)
    )
    code, shown = status()
    assert (code, shown.splitlines()[1:3]) == (
        WELL,
        [
            "192.0.2.10  default/web  home  lan0@node1  node2   firstClaim",
            "192.0.2.10  default/web  home  lan0@node3  node3   holderLost",
        ],
    )


@pytest.mark.parametrize(
    ("speakers", "reason"),
    [
        ([], Reason.NO_SPEAKER),
        ([refusing(node, WEB, Reason.NO_ENDPOINTS) for node in NODES], Reason.NO_ENDPOINTS),
        ([report(node) for node in NODES], Reason.WAITING),
        (
            [
                replace(report(node), segments=(replace(segment(node, NODES), learning=True),))
                for node in NODES
            ],
            Reason.LEARNING,
        ),
        (
            [
                replace(report(node), segments=(replace(segment(node, ()), problems=("noKey",)),))
                for node in NODES[:1]
            ],
            Reason.NO_KEY,
        ),
    ],
)
def test_an_address_that_nobody_answers_for_says_why(
    tmp_path: Path, status: Status, speakers: Sequence[SpeakerReport], reason: Reason
) -> None:
    directory = healthy(tmp_path)
    directory.holders()
    directory.speakers(*speakers)
    code, shown = status("-o", "json")
    (address,) = json.loads(shown)["addresses"]
    assert (code, address["holder"], address["reason"]) == (LACKING, "", reason)


def test_an_interface_that_cannot_answer_is_named_with_its_message(
    tmp_path: Path, status: Status
) -> None:
    directory = healthy(tmp_path)
    one = report("node1")
    silent = replace(
        one.interfaces[0],
        answering=False,
        mode="",
        reason=Reason.FOREIGN_PROGRAM,
        message="Program 17 (cilium) is attached; remove it, or exclude the interface.",
    )
    excluded = replace(
        one.interfaces[0], name="docker0", answering=False, mode="", mode_wanted="",
        reason=Reason.INTERFACE_EXCLUDED,
    )  # fmt: skip
    directory.speakers(
        replace(one, interfaces=(silent, excluded), segments=()), report("node2"), report("node3")
    )
    code, shown = status()
    assert code == LACKING
    assert shown.splitlines()[3:9] == [
        "NODE   INTERFACE  MODE     HEARS  STATE",
        "node1  lan0       -        0      silent",
        "node2  lan0       generic  2      answering",
        "node3  lan0       generic  2      answering",
        "",
        "node1, lan0: Program 17 (cilium) is attached; remove it, or exclude the interface.",
    ]


def test_a_second_interface_on_one_segment_is_no_fault(tmp_path: Path, status: Status) -> None:
    directory = healthy(tmp_path)
    same = replace(segment("node1", NODES), problems=(Reason.SAME_SEGMENT,))
    directory.speakers(replace(report("node1"), segments=(same,)), report("node2"), report("node3"))
    assert status()[0] == WELL


def test_json_and_yaml_hold_the_same(tmp_path: Path, status: Status) -> None:
    directory = healthy(tmp_path)
    directory.nodes("node2")
    directory.speakers(report("node2", ()))
    now = timestamp(time.time())
    directory.config("", heartbeat=now)
    wanted = {
        "healthy": True,
        "addresses": [
            {
                "service": "default/web",
                "address": VIP,
                "pool": "home",
                "segment": "lan0",
                "holder": "node2",
                "reason": "firstClaim",
                "message": "Nobody held the address; this node ranks best among those that may.",
                "former": "",
                "interface": "lan0",
                "mac": "02:00:00:00:00:02",
                "epoch": 1,
                "since": SINCE,
            }
        ],
        "routes": [],
        "sessions": [],
        "speakers": [
            {
                "node": "node2",
                "healthy": True,
                "lost": False,
                "away": False,
                "excluded": False,
                "drain": "",
                "cordoned": False,
                "heartbeat": "",
                "problems": [],
                "interfaces": [
                    {
                        "name": "lan0",
                        "mode": "generic",
                        "hears": 0,
                        "answering": True,
                        "problems": [],
                    }
                ],
            }
        ],
        "controller": {"healthy": True, "heartbeat": now, "problem": ""},
        "configuration": [
            {"component": "controller", "result": "Valid", "findings": [], "warnings": []}
        ],
        "problems": [],
        "warnings": [],
        "differences": [],
    }
    assert json.loads(status("--output=json")[1]) == wanted
    assert yaml.safe_load(status("--output=yaml")[1]) == wanted


def test_what_has_no_effect_is_shown_and_spoils_nothing(tmp_path: Path, status: Status) -> None:
    directory = healthy(tmp_path)
    warning = Finding("IPAddressPool default/a", "", "", "It has no effect.", "Move it.")
    directory.config("", *NODES, warnings=(warning,))
    code, shown = status()
    assert (code, shown.splitlines()[-2:]) == (
        WELL,
        [
            "Configuration: valid (controller, node1, node2, node3)",
            f"  Without effect: {warning}",
        ],
    )


def test_an_empty_directory_says_what_is_not_there(status: Status) -> None:
    assert status() == (
        LACKING,
        text(
            "There is no Service of type LoadBalancer.",
            "",
            "There is no node and no speaker.",
            "",
            "The controller has not reported. Start vipcast-controller, or see the end of its log;"
            " until then no Service gets an address.",
            "",
            "Configuration: unknown (controller)",
        ),
    )


def test_services_of_other_kinds_are_left_out(tmp_path: Path, status: Status) -> None:
    directory = healthy(tmp_path)
    directory.service("inner", Recorded(), type="ClusterIP")
    directory.service("cloud", Recorded(), loadBalancerClass="example.com/cloud")
    code, shown = status()
    assert code == WELL
    assert "inner" not in shown
    assert "cloud" not in shown


def test_status_objects_of_another_deployment_do_not_count(tmp_path: Path, status: Status) -> None:
    healthy(tmp_path)
    code, shown = status("--namespace=other")
    assert (code, json.loads(status("-ojson", "--namespace=other")[1])["speakers"]) == (
        LACKING,
        [
            {
                "node": node,
                "healthy": False,
                "lost": False,
                "away": False,
                "excluded": False,
                "drain": "",
                "cordoned": False,
                "heartbeat": "",
                "problems": [NOT_REPORTED],
                "interfaces": [],
            }
            for node in NODES
        ],
    )
    assert "noSpeaker" in shown


def test_a_directory_that_is_not_there_is_a_sentence_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", f"--directory={tmp_path / 'absent'}"]) == UNREADABLE
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("vipcast: ")
    assert str(tmp_path / "absent") in shown.err
    assert main(["status", f"--directory={tmp_path / 'absent'}", "-oyaml"]) == UNREADABLE
    told = yaml.safe_load(capsys.readouterr().out)
    assert (told["healthy"], len(told["errors"])) == (False, 1)
