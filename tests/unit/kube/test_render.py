"""What the programs write, as whole objects."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from vipcast.kube import render
from vipcast.kube.parse import parse_secret_key, parse_service
from vipcast.model.addresses import Family
from vipcast.model.errors import Finding
from vipcast.model.objects import Key, Recorded, Service
from vipcast.model.raw import NODE, SERVICE, EventNote, EventType, Ref

NOW, THEN = "2024-05-01T00:00:10Z", "2024-05-01T00:00:00Z"
WEB = Ref(SERVICE, Key("shop", "web"))
NOTE = EventNote(WEB, EventType.NORMAL, "IPAllocated", "192.0.2.7 from pool lan.")
WRONG = Finding("ConfigMap metallb-system/config", "address-pools[0].name", "", "No.", "Name it.")
UNREAD = Finding("file a.yaml", "line 3", "", "This is not YAML.", "Correct this line.")


def test_times_are_rfc_3339_in_utc() -> None:
    assert render.timestamp(1714521610.75) == "2024-05-01T00:00:10Z"


def test_a_service_with_an_address_says_so_in_status_condition_and_annotation() -> None:
    recorded = Recorded("lan", True, "allocated", "192.0.2.7 from pool lan.", NOW)
    assert render.service_status(["192.0.2.7"], recorded) == (
        {
            "loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]},
            "conditions": [
                {
                    "type": "vipcast.io/AddressAssigned",
                    "status": "True",
                    "reason": "allocated",
                    "message": "192.0.2.7 from pool lan.",
                    "lastTransitionTime": NOW,
                }
            ],
        },
        {"metallb.io/ip-allocated-from-pool": "lan"},
    )


def test_a_service_without_an_address_says_why() -> None:
    recorded = Recorded("", False, "poolExhausted", "All are taken.", NOW)
    status, annotations = render.service_status([], recorded)
    assert status["loadBalancer"] == {}
    assert status["conditions"][0]["status"] == "False"
    assert annotations == {}


def test_nothing_to_say_takes_everything_back() -> None:
    assert render.service_status([], Recorded()) == ({}, {})


def test_what_is_written_on_a_service_is_read_back() -> None:
    recorded = Recorded("lan", True, "allocated", "192.0.2.7 from pool lan.", NOW)
    status, annotations = render.service_status(["192.0.2.7"], recorded)
    metadata = {"name": "web", "namespace": "shop", "annotations": annotations}
    service = parse_service({"metadata": metadata, "status": status})
    assert (service.ingress, service.recorded) == (("192.0.2.7",), recorded)
    assert service.recorded.since == NOW


@pytest.mark.parametrize(
    ("before", "ingress", "time"),
    [
        (Recorded(), (), NOW),
        (Recorded(assigned=False, since=THEN), (), NOW),
        (Recorded(assigned=True, since=THEN), ("192.0.2.7",), THEN),
        (Recorded(assigned=True, message="other words", since=THEN), ("192.0.2.7",), THEN),
        (Recorded(assigned=True), ("192.0.2.7",), NOW),
        (Recorded(assigned=True, since=THEN), ("192.0.2.8",), NOW),
    ],
)
def test_a_condition_keeps_its_time_until_it_turns_or_the_address_changes(
    before: Recorded, ingress: tuple[str, ...], time: str
) -> None:
    recorded = Recorded("lan", True, "allocated", "192.0.2.7 from pool lan.")
    was = Service(Key("shop", "web"), True, (Family.IPV4,), ingress=ingress, recorded=before)
    found = render.since(recorded, ["192.0.2.7"], was, NOW)
    assert found == replace(recorded, since=time)
    assert found.since == time


def test_an_event_names_its_object_its_writer_and_its_count() -> None:
    raw = render.event(NOTE, "controller", 3, THEN, NOW)
    ref = render.event_ref(NOTE, "controller")
    assert ref.key == Key("shop", raw["metadata"]["name"])
    assert raw == {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": ref.key.name, "namespace": "shop"},
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "Service",
            "name": "web",
            "namespace": "shop",
        },
        "type": "Normal",
        "reason": "IPAllocated",
        "message": "192.0.2.7 from pool lan.",
        "source": {"component": "controller"},
        "reportingComponent": "controller",
        "count": 3,
        "firstTimestamp": THEN,
        "lastTimestamp": NOW,
    }


def test_an_event_about_a_node_stands_in_the_default_namespace() -> None:
    note = replace(NOTE, about=Ref(NODE, Key("", "n1")))
    raw = render.event(note, "controller", 1, NOW, NOW)
    assert raw["metadata"]["namespace"] == "default"
    assert raw["involvedObject"] == {"apiVersion": "v1", "kind": "Node", "name": "n1"}


def test_equal_notes_have_one_event_and_others_have_their_own() -> None:
    ref = render.event_ref(NOTE, "controller")
    assert ref == render.event_ref(replace(NOTE), "controller")
    assert ref != render.event_ref(NOTE, "speaker-n1")
    for other in (
        replace(NOTE, message="192.0.2.8 from pool lan."),
        replace(NOTE, reason="ClearAssignment"),
        replace(NOTE, type=EventType.WARNING),
        replace(NOTE, about=Ref(SERVICE, Key("shop", "web2"))),
    ):
        assert ref != render.event_ref(other, "controller")


def test_an_object_s_successor_by_the_same_name_has_events_of_its_own() -> None:
    raw = render.event(NOTE, "controller", 1, NOW, NOW, uid="1-2-3")
    assert raw["involvedObject"]["uid"] == "1-2-3"
    names = {render.event_ref(NOTE, "controller", uid).key.name for uid in ("", "1-2-3", "4-5-6")}
    assert len(names) == 3
    assert raw["metadata"]["name"] in names


def test_a_name_that_is_too_long_keeps_its_beginning_and_stays_unique() -> None:
    long = "a" * 250
    one, two = render.object_name(long, "ns", "n1"), render.object_name(long, "ns", "n2")
    assert render.object_name("web", "ns", "n1") == "web.ns.n1"
    assert one != two
    assert len(one) <= 253
    assert one.startswith("a" * 200)


def test_the_secret_gives_back_its_bytes() -> None:
    ref = render.secret_ref("metallb-system")
    raw = render.secret(ref, b"\x00key\xff")
    assert str(ref) == "Secret metallb-system/memberlist"
    assert raw["type"] == "Opaque"
    assert parse_secret_key(raw) == b"\x00key\xff"


def state(**parts: Any) -> dict[str, Any]:
    """The status of the controller's ConfigurationState."""
    arguments: dict[str, Any] = {"loaded": True, "findings": [], "problems": [], "now": NOW}
    _, raw = render.configuration_state("metallb-system", "", **{**arguments, **parts})
    status: dict[str, Any] = raw["status"]
    return status


def test_a_configuration_that_is_in_force_is_valid() -> None:
    ref, raw = render.configuration_state(
        "metallb-system", "", loaded=True, findings=[], problems=[], now=NOW
    )
    assert str(ref) == "ConfigurationState metallb-system/controller"
    assert raw == {
        "apiVersion": "metallb.io/v1beta1",
        "kind": "ConfigurationState",
        "metadata": {
            "name": "controller",
            "namespace": "metallb-system",
            "labels": {"metallb.io/component-type": "controller"},
        },
        "status": {
            "result": "Valid",
            "errorSummary": "",
            "conditions": [
                {
                    "type": "configReconcilerValid",
                    "status": "True",
                    "reason": "Reconciled",
                    "message": "The configuration is in force.",
                    "lastTransitionTime": NOW,
                },
                {
                    "type": "vipcast.io/sourceReadable",
                    "status": "True",
                    "reason": "Readable",
                    "message": "Every object can be read.",
                    "lastTransitionTime": NOW,
                },
            ],
        },
    }


def test_services_that_somebody_else_writes_on_are_named_as_far_as_there_is_room() -> None:
    fought = {Key("default", f"s{number:04}"): "k3s" for number in range(1000)}
    (*_, few) = state(contested={Key("b", "b"): "", Key("a", "a"): "k3s"})["conditions"]
    assert few == {
        "type": "vipcast.io/statusContested",
        "status": "True",
        "reason": "OtherWriter",
        "message": "a/a k3s\nb/b",
        "lastTransitionTime": NOW,
    }
    (*_, all_of_them) = state(contested=fought)["conditions"]
    assert all_of_them["message"].count("\n") == 999
    longer = {Key("default", f"{'s' * 60}{number:03}"): "k3s" for number in range(1000)}
    message = state(contested=longer)["conditions"][-1]["message"]
    assert 31_900 < len(message) <= 32_000
    assert all(line.endswith(" k3s") for line in message.splitlines())
    assert state()["result"] == state(contested=fought)["result"] == "Valid"


def test_the_state_of_a_speaker_carries_its_node() -> None:
    ref, raw = render.configuration_state(
        "metallb-system", "n1", loaded=False, findings=[], problems=[], now=NOW
    )
    assert ref.key.name == "speaker-n1"
    assert raw["metadata"]["labels"] == {
        "metallb.io/component-type": "speaker",
        "metallb.io/node-name": "n1",
    }
    assert raw["status"]["result"] == "Unknown"
    assert raw["status"]["conditions"][0]["reason"] == "UnknownError"


def test_a_refused_configuration_is_invalid_with_one_finding_in_a_line() -> None:
    status = state(findings=[WRONG, WRONG], problems=[UNREAD])
    assert status["result"] == "Invalid"
    assert status["errorSummary"].split("\n") == [str(WRONG), str(WRONG), str(UNREAD)]
    assert [(one["reason"], one["message"]) for one in status["conditions"]] == [
        ("ConfigurationError", f"{WRONG}\n{WRONG}"),
        ("Unreadable", str(UNREAD)),
    ]


def test_findings_beyond_what_the_api_server_takes_are_counted() -> None:
    status = state(findings=[WRONG] * 1_000, problems=[UNREAD])
    for text, whole in (
        (status["errorSummary"], 1_001),
        (status["conditions"][0]["message"], 1_000),
    ):
        *lines, last = text.split("\n")
        assert set(lines) == {str(WRONG)}
        assert last == f"And {whole - len(lines)} more."
        assert 31_000 < len(text) <= 32_000
    assert status["conditions"][1]["message"] == str(UNREAD)


def test_what_has_no_effect_stands_in_a_condition_of_its_own_and_spoils_nothing() -> None:
    status = state(warnings=[WRONG, UNREAD])
    assert (status["result"], status["errorSummary"]) == ("Valid", "")
    assert status["conditions"][2:] == [
        {
            "type": "vipcast.io/withoutEffect",
            "status": "True",
            "reason": "Accepted",
            "message": f"{WRONG}\n{UNREAD}",
            "lastTransitionTime": NOW,
        }
    ]


def test_an_unreadable_file_alone_makes_the_state_invalid_too() -> None:
    status = state(problems=[UNREAD])
    assert status["result"] == "Invalid"
    assert [one["status"] for one in status["conditions"]] == ["True", "False"]


def test_conditions_keep_their_times_until_they_turn() -> None:
    before = {"status": state(now=THEN)}
    assert state(before=before) == before["status"]
    turned = state(before=before, findings=[WRONG])
    assert [one["lastTransitionTime"] for one in turned["conditions"]] == [NOW, THEN]


@pytest.mark.parametrize("before", [{}, {"status": 5}, {"status": {"conditions": [5, {}]}}])
def test_a_state_that_was_spoilt_is_written_anew(before: dict[str, Any]) -> None:
    assert state(before=before) == state()
