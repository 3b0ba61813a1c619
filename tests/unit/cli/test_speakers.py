"""Who is alive, who is gone, and who is not wanted: `status` and `explain` of one mind."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.cluster import (
    ALLOCATED,
    EVERYWHERE,
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
)
from tests.unit.cli.commands import Vipcast
from vipcast.cli.main import LACKING, WELL
from vipcast.cli.speakers import AWAY_NOW, NOT_HEARD, NOT_REPORTED, START
from vipcast.kube.render import timestamp
from vipcast.model.objects import Key
from vipcast.model.reasons import Reason
from vipcast.model.status import SpeakerReport

EXCLUDE = {"node.kubernetes.io/exclude-from-external-load-balancers": ""}


def beats(alive: Iterable[str], dead: Iterable[str]) -> dict[str, str]:
    """Signs of life, of just now and of long ago."""
    return dict.fromkeys(alive, timestamp(time.time())) | dict.fromkeys(dead, SINCE)


def states(lines: list[str]) -> dict[str, str]:
    """The last column of the second table, by node."""
    start = next(number for number, line in enumerate(lines) if line.startswith("NODE"))
    rows = lines[start + 1 : start + 4]
    return {row.split()[0]: " ".join(row.split()[4:]) for row in rows if row}


def address(vipcast: Vipcast) -> dict[str, Any]:
    """What `status` says of the one address."""
    (one,) = json.loads("\n".join(vipcast("status", "-ojson")[1]))["addresses"]
    return dict(one)


def test_speakers_without_a_sign_of_life_are_not_heard_though_each_vouched_for_the_others(
    tmp_path: Path, vipcast: Vipcast
) -> None:
    healthy(tmp_path).config("", *NODES, beats=beats((), NODES))
    code, lines = vipcast("status")
    assert code == LACKING
    assert states(lines) == dict.fromkeys(NODES, "not heard")
    (line,) = [line for line in lines if line.startswith("node1: ")]
    assert line.startswith(f"node1: The speaker was not heard since {SINCE} (")
    assert line.endswith(f"). {START}")
    assert "Configuration: valid (controller)" in lines
    told = address(vipcast)
    assert (told["holder"], told["former"], told["reason"]) == ("", "node2", Reason.NO_SPEAKER)
    code, lines = vipcast("explain", "web")
    assert code == LACKING
    assert f"On lan0, nobody answers for {VIP} (noSpeaker)." in lines


def test_two_dead_speakers_do_not_vouch_for_each_other_to_one_that_lives(
    tmp_path: Path, vipcast: Vipcast
) -> None:
    directory = healthy(tmp_path)
    directory.speakers(report("node1"), report("node2", ()), report("node3"))
    directory.config("", *NODES, beats=beats(["node2"], ["node1", "node3"]))
    code, lines = vipcast("status")
    assert code == LACKING
    assert states(lines) == {"node1": "not heard", "node2": "answering", "node3": "not heard"}
    assert address(vipcast)["holder"] == "node2"


def test_a_speaker_that_is_alone_is_seen_to_be_dead(tmp_path: Path, vipcast: Vipcast) -> None:
    directory = healthy(tmp_path)
    directory.nodes("node2")
    directory.speakers(report("node2", ()))
    directory.config("", "node2", beats=beats(["node2"], ()))
    assert vipcast("status")[0] == WELL
    directory.config("", "node2", beats=beats((), ["node2"]))
    assert (vipcast("status")[0], address(vipcast)["reason"]) == (LACKING, Reason.NO_SPEAKER)


def test_what_a_speaker_that_is_gone_has_reported_is_told_as_what_was(
    tmp_path: Path, vipcast: Vipcast
) -> None:
    healthy(tmp_path).config("", *NODES, beats=beats(["node1", "node3"], ["node2"]))
    code, lines = vipcast("explain", "node2")
    assert code == LACKING
    assert lines[0] == "Node node2 answers for no addresses."
    assert lines[2] == (
        f"Its speaker was started {SINCE} (--xdp-mode auto, term 1);"
        f" its last sign of life is from {SINCE}."
    )
    assert "Interfaces, as last reported:" in lines
    assert "Segments, as last reported:" in lines


def restarting(node: str, away: str) -> SpeakerReport:
    """A report that hears all, one of which said that it will be back."""
    one = report(node)
    (segment,) = one.segments
    members = (replace(member, away=member.node == away) for member in segment.members)
    return replace(one, segments=(replace(segment, members=tuple(members)),))


def test_a_speaker_that_is_being_restarted_is_named_and_so_is_how_long_its_addresses_stay(
    tmp_path: Path, vipcast: Vipcast
) -> None:
    directory = healthy(tmp_path)
    directory.speakers(*(restarting(node, "node2") for node in NODES))
    code, lines = vipcast("status")
    assert (code, states(lines)["node2"]) == (LACKING, "restarting")
    assert f"node2: {AWAY_NOW}" in lines
    assert vipcast("explain", "web")[1][-1] == (
        "Next: node2 is being restarted and keeps it meanwhile;"
        " if it is not back within 10 s, node1 takes it."
    )
    code, lines = vipcast("explain", "node2")
    assert code == LACKING
    assert f"Its speaker was started {SINCE} (--xdp-mode auto, term 1)." in lines


def test_a_speaker_that_is_being_restarted_comes_not_next(tmp_path: Path, vipcast: Vipcast) -> None:
    directory = healthy(tmp_path)
    directory.speakers(*(restarting(node, "node1") for node in NODES))
    assert vipcast("explain", "web")[1][-1].endswith(
        "if it is lost, node3 takes it within two seconds."
    )


def test_a_node_that_is_gone_says_how_to_forget_what_it_reported(
    tmp_path: Path, vipcast: Vipcast
) -> None:
    directory = healthy(tmp_path)
    directory.nodes("node1", "node2")
    directory.speakers(report("node1", ("node2",)), report("node2", ("node1",)), report("node3"))
    code, lines = vipcast("status")
    assert (code, states(lines)["node3"]) == (LACKING, "not heard")
    (line,) = [line for line in lines if line.startswith("node3: ")]
    assert "remove what its speaker has reported: the directory status/speaker-node3" in line
    assert "Create it" not in line
    directory.speakers(report("node1", ("node2",)), report("node2", ("node1",)))
    directory.config("", "node1", "node2")
    assert vipcast("status")[0] == WELL


@pytest.mark.parametrize("reported", [True, False])
def test_a_node_that_a_label_excludes_needs_no_speaker(
    tmp_path: Path, vipcast: Vipcast, reported: bool
) -> None:
    directory = healthy(tmp_path)
    others = (report("node1", ("node2",)), report("node2", ("node1",)))
    directory.speakers(*others, *([report("node3")] if reported else []))
    directory.config("", "node1", "node2")
    code, lines = vipcast("status")
    assert (code, f"node3: {NOT_HEARD if reported else NOT_REPORTED}" in lines) == (LACKING, True)
    directory.nodes(*NODES, labels={"node3": EXCLUDE})
    code, lines = vipcast("status")
    assert (code, "node3: " in "\n".join(lines)) == (WELL, False)
    assert vipcast("explain", "node3")[0] == WELL


@pytest.mark.parametrize("beating", [True, False])
def test_a_speaker_that_was_uninstalled_lacks_nothing_once_its_node_has_the_label(
    tmp_path: Path, vipcast: Vipcast, beating: bool
) -> None:
    directory = healthy(tmp_path)
    directory.speakers(report("node1", ("node2",)), report("node2", ("node1",)), report("node3"))
    directory.config("", *NODES, beats=beats(["node1", "node2"], ["node3"]) if beating else {})
    code, lines = vipcast("status")
    (line,) = [line for line in lines if line.startswith("node3: ")]
    (label,) = EXCLUDE
    assert code == LACKING
    assert line.endswith(f"; if the node should announce nothing, give it the label {label}.")
    directory.nodes(*NODES, labels={"node3": EXCLUDE})
    code, lines = vipcast("status")
    assert (code, "node3: " in "\n".join(lines)) == (WELL, False)


def test_an_excluded_node_is_shown_as_such_and_lacks_nothing(
    tmp_path: Path, vipcast: Vipcast
) -> None:
    healthy(tmp_path).nodes(*NODES, labels={"node1": EXCLUDE})
    code, lines = vipcast("status")
    assert (code, states(lines)["node1"]) == (WELL, "excluded")


def test_a_node_whose_network_is_unavailable_lacks_something_for_both_commands(
    tmp_path: Path, vipcast: Vipcast
) -> None:
    condition = {"type": "NetworkUnavailable", "status": "True"}
    directory = healthy(tmp_path)
    directory.nodes("node2", "node3")
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node1"}}
    directory.put("node1.yaml", {**node, "status": {"conditions": [condition]}})
    code, lines = vipcast("status")
    assert (code, states(lines)["node1"]) == (LACKING, "in doubt")
    assert any(line.startswith("node1: The node's condition NetworkUnavailable") for line in lines)
    assert vipcast("explain", "node1")[0] == LACKING


def test_who_cannot_take_the_address_over_is_not_promised_as_the_next(
    tmp_path: Path, vipcast: Vipcast
) -> None:
    directory = healthy(tmp_path)
    one = report("node1")
    (segment,), (interface,) = one.segments, report("node3").interfaces
    unplugged = replace(one, segments=(replace(segment, problems=(Reason.LINK_DOWN,)),))
    foreign = replace(interface, answering=False, reason=Reason.FOREIGN_PROGRAM)
    directory.speakers(unplugged, report("node2"), replace(report("node3"), interfaces=(foreign,)))
    directory.holders(holding("node2", 1, Reason.FIRST_CLAIM, service=WEB))
    assert vipcast("explain", "web")[1][-3:] == [
        "Order of those that may: node2.",
        "May not: node1 (linkDown), node3 (foreignProgram).",
        (
            "Next: node2 keeps it while it is heard, whatever its rank;"
            " if it is lost, there is nobody else who may take it."
        ),
    ]


def test_a_service_that_shares_an_address_without_a_common_node_is_not_called_answered_for(
    tmp_path: Path, vipcast: Vipcast
) -> None:
    directory = healthy(tmp_path)
    directory.put("pools.yaml", HOME, EVERYWHERE)
    key = {"metallb.io/allow-shared-ip": "dns"}
    directory.service(
        "web", ALLOCATED, [VIP], annotations=key, endpoints=["node2"], externalTrafficPolicy="Local"
    )
    directory.service(
        "yet",
        ALLOCATED,
        [VIP],
        annotations=key,
        endpoints=["node3"],
        externalTrafficPolicy="Local",
        ports=[{"port": 53, "protocol": "UDP"}],
    )
    other = Key("default", "yet")
    directory.speakers(*(refusing(node, other, Reason.NO_COMMON_NODE) for node in NODES))
    code, lines = vipcast("status")
    assert code == LACKING
    assert lines[1:3] == [
        "192.0.2.10  default/web  home  lan0     node2   firstClaim",
        "192.0.2.10  default/yet  home  lan0     -       sharedIPWithoutCommonNode",
    ]
    assert vipcast("explain", "web")[0] == WELL
    code, lines = vipcast("explain", "yet")
    assert code == LACKING
    assert f"On lan0, nobody answers for {VIP} (sharedIPWithoutCommonNode)." in lines
    assert "noLocalEndpoints" not in "\n".join(lines)
    code, lines = vipcast("explain", VIP)
    assert code == LACKING
    assert f"On lan0, node2 answers for {VIP} with MAC" in "\n".join(lines)
    nobody = f"On lan0, nobody answers for {VIP} for Service default/yet"
    assert f"{nobody} (sharedIPWithoutCommonNode)." in lines
    assert f"  {VIP} (default/yet) on lan0" in vipcast("explain", "node2")[1]


def test_a_refused_configuration_hides_not_what_speakers_say_of_themselves(
    tmp_path: Path, vipcast: Vipcast
) -> None:
    directory = healthy(tmp_path)
    directory.put("pools.yaml", metallb("IPAddressPool", "home", addresses=["many"]))
    directory.holders()
    reason = Reason.NOT_MATCH_INTERFACE
    directory.speakers(
        *(refusing(node, WEB, reason) for node in ("node1", "node2")), report("node3")
    )
    assert vipcast("explain", "web")[1][-5:-1] == [
        "A better-ranked node of the segment should claim the address first.",
        "Order of those that may: node3.",
        "The configuration cannot be read: what it says about nodes is left out.",
        "May not: node1 (notMatchInterface), node2 (notMatchInterface).",
    ]


def test_what_nobody_may_announce_is_not_said_to_wait_for_somebody(
    tmp_path: Path, vipcast: Vipcast
) -> None:
    directory = healthy(tmp_path)
    directory.service("web", ALLOCATED, [VIP], endpoints=())
    directory.holders()
    assert address(vipcast)["reason"] == Reason.NO_ENDPOINTS
    assert f"On lan0, nobody answers for {VIP} (noEndpoints)." in vipcast("explain", "web")[1]
