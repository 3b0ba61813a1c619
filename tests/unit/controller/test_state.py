"""What the controller says of itself: signs of life, its flags, and the key that it makes."""

from __future__ import annotations

import itertools
from ipaddress import IPv4Network

import pytest

from tests.support.pods import owner, reference
from tests.support.waiting import eventually_async
from tests.unit.controller.counted import Counted
from tests.unit.controller.running import NAMESPACE, NOON, Place, address_of, has, running
from vipcast.model.raw import Owner


async def test_the_key_of_the_hellos_is_made_where_it_is_missing(place: Place) -> None:
    async with running(place):
        first = await eventually_async(place.secret, what="a Secret")
        assert first is not None
        assert len(first) == 22
        place.service("web")
        await has(place, web="192.0.2.10")
        place.file("Secret", "memberlist", NAMESPACE).unlink()
        second = await eventually_async(place.secret, what="a Secret again")
        assert second != first
    async with running(place):
        place.service("another")
        await has(place, another="192.0.2.11")
        assert place.secret() == second


async def test_a_sign_of_life_is_given_again_and_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vipcast.ops.heartbeat.EVERY", 0.5)  # what is written comes back sooner
    minutes = itertools.count(NOON, 60)
    seen: set[str] = set()
    turned: set[str] = set()
    async with running(place, wall=lambda: next(minutes)):
        for _ in range(3):
            await eventually_async(
                lambda: place.state().get("heartbeat", "") not in {"", *seen}, what="a heartbeat"
            )
            seen.add(place.state()["heartbeat"])
            turned.add(place.state()["conditions"][0]["lastTransitionTime"])
        assert len(turned) == 1


async def test_a_state_that_is_written_for_another_reason_carries_the_last_sign_of_life(
    place: Place,
) -> None:
    minutes = itertools.count(NOON, 60)
    async with running(place, wall=lambda: next(minutes)):
        await eventually_async(place.state, what="the state is reported")
        first = place.state()["heartbeat"]
        place.text("odd.yaml", "kind: Service\n  apiVersion: v1\n")
        await eventually_async(lambda: place.state()["result"] == "Invalid", what="it is told")
        assert place.state()["heartbeat"] == first


async def test_the_state_names_the_flags_that_decide(place: Place) -> None:
    async with running(place, service_cidrs=(IPv4Network("10.96.0.0/12"),)):
        await eventually_async(place.state, what="the state is reported")
        assert place.state()["flags"] == {
            "lbClass": [],
            "lbClassDefault": True,
            "serviceCIDRs": ["10.96.0.0/12"],
        }


async def test_the_state_goes_with_the_controller_s_pod_and_then_with_the_next_one(
    place: Place,
) -> None:
    for uid in ("u1", "u2"):
        pod = owner("controller-y", uid)
        source = Counted(place.path)
        async with running(source, heartbeat=False, owner=pod):

            def references(pod: Owner = pod) -> bool:
                raw = place.written("ConfigurationState", "controller", NAMESPACE) or {}
                found = raw.get("metadata", {}).get("ownerReferences")
                return bool(found == [reference(pod)])

            await eventually_async(references, what="it goes with the Pod")
            place.service(f"after-{uid}")
            await address_of(place, f"after-{uid}")
        assert source.kinds()["ConfigurationState"] == 1
    assert "ownerReferences" not in place.file("Secret", "memberlist", NAMESPACE).read_text()


async def test_on_a_cluster_no_sign_of_life_is_written(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vipcast.ops.heartbeat.EVERY", 0.0)
    minutes = itertools.count(NOON, 60)
    source = Counted(place.path)
    async with running(source, wall=lambda: next(minutes), heartbeat=False):
        await eventually_async(place.state, what="the state is reported")
        for name in ("a", "b"):
            place.service(name)
            await address_of(place, name)
        assert "heartbeat" not in place.state()
    assert source.kinds()["ConfigurationState"] == 1


async def test_a_users_own_key_of_the_hellos_is_left_alone(place: Place) -> None:
    place.put(
        "secret.yaml",
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"namespace": NAMESPACE, "name": "memberlist"},
            "stringData": {"secretkey": "a key"},
        },
    )
    async with running(place):
        place.service("web")
        await has(place, web="192.0.2.10")
        await eventually_async(place.state, what="the state is reported")
        assert place.secret() is None


async def test_a_report_that_somebody_overwrites_is_put_right(place: Place) -> None:
    async with running(place):
        await eventually_async(lambda: place.state().get("result") == "Valid", what="a report")
        file = place.file("ConfigurationState", "controller", NAMESPACE)
        file.write_text(file.read_text().replace("result: Valid", "result: Unknown"))
        await eventually_async(lambda: place.state().get("result") == "Valid", what="put right")
