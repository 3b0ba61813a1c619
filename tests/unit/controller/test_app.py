"""The controller over a real directory: users write files, and read what becomes of them."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from controller.desk import Desk
from controller.reconcile import Outcome
from tests.support.waiting import eventually_async
from tests.unit.controller.running import (
    HOME,
    NOON,
    Place,
    address_of,
    has,
    messages,
    running,
    service,
)
from vipcast.files import DirectorySource
from vipcast.model.objects import Key
from vipcast.model.raw import Ref

AT = "2026-09-21T14:13:20Z"


async def test_a_service_gets_status_annotation_condition_and_event(place: Place) -> None:
    async with running(place):
        place.service("web")
        await eventually_async(lambda: place.events("web"), what="an Event")
        assert place.written("Service", "web") == {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {
                "namespace": "default",
                "name": "web",
                "annotations": {"metallb.io/ip-allocated-from-pool": "home"},
            },
            "status": {
                "loadBalancer": {"ingress": [{"ip": "192.0.2.10"}]},
                "conditions": [
                    {
                        "type": "vipcast.io/AddressAssigned",
                        "status": "True",
                        "reason": "allocated",
                        "message": "192.0.2.10 from pool home.",
                        "lastTransitionTime": AT,
                    }
                ],
            },
        }
        told = [("IPAllocated", "Assigned 192.0.2.10 from pool home.", 1)]
        assert place.events("web") == told


async def test_a_second_start_writes_nothing_at_all(place: Place) -> None:
    for name in ("a", "b", "c"):
        place.service(name)
    async with running(place):
        await has(place, a="192.0.2.10", b="192.0.2.11")
        await eventually_async(
            lambda: (
                place.condition("c").get("reason") == "poolExhausted"
                and place.state().get("result") == "Valid"
                and place.secret()
                and len(place.events("a") + place.events("b") + place.events("c")) == 3
            ),
            what="everything is written",
        )
    before = place.files()
    async with running(place):
        # Whoever comes now is served after all that was there already.
        place.service("last", "elsewhere", loadBalancerIP="10.0.0.1")
        await eventually_async(lambda: place.condition("last", "elsewhere"), what="it is told")
    after = place.files()
    changed = {name for name in after if before.get(name) != after[name]}
    assert changed == {
        "status/controller/Service/elsewhere/last.yaml",
        "status/controller/Event/events.yaml",
    }


@pytest.mark.parametrize("removed", [False, True], ids=["overwritten", "removed"])
async def test_a_status_that_somebody_overwrites_is_put_right(
    place: Place, *, removed: bool
) -> None:
    async with running(place):
        place.service("web")
        assert await address_of(place, "web") == "192.0.2.10"
        place.service("later")  # whose address is given when the first one's status has been seen
        assert await address_of(place, "later") == "192.0.2.11"
        file = place.file("Service", "web")
        if removed:
            file.unlink()
        else:
            file.write_text(file.read_text().replace("192.0.2.10", "192.0.2.99"))
        await has(place, web="192.0.2.10")


async def test_a_dry_pool_says_so_and_a_freed_address_goes_to_the_one_that_waits_longest(
    place: Place,
) -> None:
    async with running(place):
        place.service("a", created="2026-01-01T00:00:00Z")
        await has(place, a="192.0.2.10")
        place.service("b", created="2026-01-01T00:00:00Z")
        await has(place, b="192.0.2.11")
        place.service("new", created="2026-03-03T00:00:00Z")
        place.service("old", created="2026-02-02T00:00:00Z")
        dry = {
            "type": "vipcast.io/AddressAssigned",
            "status": "False",
            "reason": "poolExhausted",
            "message": (
                "Every address that this Service may have is taken: pool home (2 of 2 in use)."
                " Add addresses to a pool, or delete a Service that is no longer needed."
            ),
            "lastTransitionTime": AT,
        }
        for name in ("new", "old"):
            await eventually_async(partial(place.events, name), what="an Event")
            assert place.condition(name) == dry
            assert [reason for reason, _, _ in place.events(name)] == ["AllocationFailed"]
        place.remove("default-a.yaml")
        await has(place, old="192.0.2.10", new=None)
        place.service("b", type="ClusterIP")
        await has(place, new="192.0.2.11", b=None)
        assert place.written("Service", "b") is None


async def test_a_changed_pool_moves_services_by_itself(place: Place) -> None:
    async with running(place) as controller:
        place.service("web")
        await has(place, web="192.0.2.10")
        place.pools({"name": "lab", "addresses": ["198.51.100.0/24"], "avoid-buggy-ips": True})
        await has(place, web="198.51.100.1")
        await eventually_async(lambda: len(place.events("web")) == 3, what="three Events")
        assert [reason for reason, _, _ in place.events("web")] == [
            "IPAllocated",
            "ClearAssignment",
            "IPAllocated",
        ]
        assert controller.metric("metallb_allocator_addresses_total") == 254
        assert controller.metric("metallb_allocator_addresses_in_use_total") == 1
        assert controller.metric("metallb_allocator_services_allocated_total") == 1


async def test_the_condition_says_since_when_the_address_is_the_services_own(place: Place) -> None:
    async with running(place):
        place.service("web")
        await has(place, web="192.0.2.10")
        place.service("web", externalTrafficPolicy="Local")
        place.service("other")
        await has(place, other="192.0.2.11")
    async with running(place, wall=lambda: NOON + 60):
        place.service("third")
        await eventually_async(lambda: place.condition("third"), what="the controller is at work")
        assert place.condition("web")["lastTransitionTime"] == AT
        place.pools({"name": "lab", "addresses": ["198.51.100.0/24"]})
        await eventually_async(
            lambda: str(place.address("web")).startswith("198.51.100."), what="it moves"
        )
        assert place.condition("web")["status"] == "True"
        assert place.condition("web")["lastTransitionTime"] == "2026-09-21T14:14:20Z"


async def test_a_bad_configuration_replaces_no_good_one(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(place) as controller:
        place.service("web")
        await has(place, web="192.0.2.10")
        assert controller.metric("metallb_k8s_client_config_stale_bool") == 0
        caplog.set_level(logging.INFO)
        place.pools({"name": "home", "addresses": ["192.0.2.10-192.0.2.1", "no address"]})
        await eventually_async(lambda: place.state()["result"] == "Invalid", what="it is refused")
        assert place.state()["errorSummary"].count("\n") == 1
        assert place.state()["conditions"][0]["reason"] == "ConfigurationError"
        assert controller.metric("metallb_k8s_client_config_stale_bool") == 1
        assert controller.metric("metallb_k8s_client_config_loaded_bool") == 1
        lines = [record.__dict__["vipcast"] for record in caplog.records]
        (stale,) = [line for line in lines if line.get("event") == "configStale"]
        assert "address-pools[0].addresses[0]" in stale["error"]
        assert place.address("web") == "192.0.2.10"
        place.service("another")
        await has(place, another="192.0.2.11", web="192.0.2.10")
        place.remove("config.yaml")
        await eventually_async(
            lambda: "The configuration is gone" in place.state()["errorSummary"], what="it says so"
        )
        assert place.address("web") == "192.0.2.10"
        assert not messages(caplog, "configLoaded")
        place.pools(HOME)
        await eventually_async(lambda: place.state()["result"] == "Valid", what="it is good again")
        assert messages(caplog, "configLoaded") == ["config (re)loaded"]
        assert controller.metric("metallb_k8s_client_config_stale_bool") == 0


async def test_without_any_configuration_nothing_is_taken_and_new_services_wait(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.service("web")
    async with running(place):
        await has(place, web="192.0.2.10")
    place.remove("config.yaml")
    place.service("new")
    async with running(place) as controller:
        await eventually_async(
            lambda: place.condition("new").get("reason") == "noConfig", what="it is told"
        )
        assert place.address("web") == "192.0.2.10"
        assert controller.metric("metallb_k8s_client_config_loaded_bool") == 0
        assert not messages(caplog, "configStale")
        none = "there is no valid config, no Service gets an address"
        assert messages(caplog, "loadConfig") == [none]
        assert controller.metric("vipcast_services_without_address") == 1
        place.pools(HOME)
        await has(place, web="192.0.2.10", new="192.0.2.11")


async def test_a_status_that_cannot_be_written_holds_up_nobody_else_and_is_tried_again(
    place: Place,
) -> None:
    obstacle = place.file("Service", "web", "blocked").parent
    obstacle.parent.mkdir(parents=True)
    obstacle.write_text("a file where a directory has to be")
    async with running(place) as controller:
        place.service("web", "blocked")
        await eventually_async(
            lambda: controller.metric("metallb_k8s_client_update_errors_total") >= 2,
            what="it is tried again",
        )
        place.service("web")
        await has(place, web="192.0.2.11")
        place.service("third")
        await eventually_async(
            lambda: place.condition("third").get("reason") == "poolExhausted",
            what="the address of the one that cannot be written is not given away",
        )
        obstacle.unlink()
        assert await address_of(place, "web", "blocked") == "192.0.2.10"


async def test_services_move_when_another_published_configuration_is_put_in(place: Place) -> None:
    published = Path(__file__).parents[2] / "inputs"
    place.text("config.yaml", (published / "l2-home.yaml").read_text())
    async with running(place):
        place.service("a")
        place.service("b")
        await has(place, a="192.168.1.30", b="192.168.1.31")
        place.text("config.yaml", (published / "bgp-soft-router.yaml").read_text())
        await has(place, a="192.168.0.30", b="192.168.0.31")


@pytest.mark.parametrize(
    ("file", "name", "address"),
    [
        ("l2-range.yaml", "nginx", "10.200.200.120"),
        ("l2-mask.yaml", "web", "192.168.31.240"),
        ("bgp-nxos.yaml", "ng-svc", "172.19.100.1"),
        ("bgp-edge.yaml", "web", "192.168.131.0"),
    ],
)
async def test_published_configurations_give_their_first_address(
    place: Place, file: str, name: str, address: str
) -> None:
    published = Path(__file__).parents[2] / "inputs" / file
    place.text("config.yaml", published.read_text())
    if name == "web":
        place.service(name)
    async with running(place):
        assert await address_of(place, name) == address


async def test_every_address_of_a_pool_written_with_host_bits_is_used(place: Place) -> None:
    published = Path(__file__).parents[2] / "inputs" / "l2-mask.yaml"
    place.text("config.yaml", published.read_text())
    names = [f"s{number:02}" for number in range(16)]
    place.put("many.yaml", *(service(name) for name in names))
    async with running(place):
        await has(place, **{name: f"192.168.31.{240 + n}" for n, name in enumerate(names)})


class Turns:
    """Counts what happens, by Service, and at most how much of it in one turn of the loop."""

    def __init__(self) -> None:
        self.all: Counter[Key] = Counter()
        self.most = 0
        self._in_this_turn = 0

    def note(self, key: Key) -> None:
        """It happens to this Service now."""
        self.all[key] += 1
        self._in_this_turn += 1
        self.most = max(self.most, self._in_this_turn)
        asyncio.get_running_loop().call_soon(self._turned)

    def _turned(self) -> None:
        self._in_this_turn = 0


async def test_a_thousand_services_at_once_are_served_in_order_and_leave_the_loop_to_others(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.pools({"name": "big", "addresses": ["10.0.0.0/8"], "avoid-buggy-ips": True})
    names = [f"s{number:04}" for number in range(1000)]
    place.put("many.yaml", *(service(name) for name in names))
    decided, written = Turns(), Turns()
    decide, write_status = Desk.decide, DirectorySource.write_status

    def deciding(self: Desk, key: Key) -> Outcome | None:
        decided.note(key)
        return decide(self, key)

    async def writing(self: DirectorySource, ref: Ref, *parts: Any) -> None:
        written.note(ref.key)
        await write_status(self, ref, *parts)

    monkeypatch.setattr(Desk, "decide", deciding)
    monkeypatch.setattr(DirectorySource, "write_status", writing)
    async with running(place):
        await eventually_async(lambda: place.address("s0999"), what="the last has an address")
        last = Key("default", "s0999")
        await eventually_async(
            lambda: decided.all[last] == 2, what="it was seen, and left as it is"
        )
    assert place.address("s0000") == "10.0.0.1"
    assert place.address("s0254") == "10.0.1.1"
    assert place.address("s0999") == "10.0.3.238"
    assert written.all == {Key("default", name): 1 for name in names}
    # Once when it is new, and once when its own status has come back.
    assert max(decided.all.values()) == 2
    # Others may run after each; a second one fits in before the loop is seen to have turned.
    assert decided.most <= 2
