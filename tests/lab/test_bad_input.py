"""Bad input on a running rack: a clear message at the right object, nothing lost or withdrawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from lab import measure
from lab.objects import Object
from lab.vipcast import config_map, pool, service
from lab.waiting import until
from tests.support.racks import POOL, SERVICE, Rack, rack

NAMESPACE = "metallb-system"


@pytest.fixture(scope="module")
def standing() -> Iterator[Rack]:
    with rack() as one:
        yield one


@contextmanager
def undisturbed(standing: Rack) -> Iterator[None]:
    """Whatever happens inside, every question for the VIP is answered by the same node."""
    holder = standing.holder()
    with measure.watch(standing.lab.client, standing.vip) as watch:
        yield
    seen = watch.seen[standing.vip]
    assert (seen.lost, seen.doubled) == (0, ())
    assert standing.names(seen) == [holder.name]
    assert standing.vipcast.address(SERVICE) == standing.vip


def states(standing: Rack) -> list[Object]:
    """ConfigurationState of the controller and of every speaker."""
    programs = ["controller", *(f"speaker-{node.name}" for node in standing.lab.nodes)]
    found = [
        standing.vipcast.status_object(name, "ConfigurationState", NAMESPACE, name)
        for name in programs
    ]
    return [each["status"] for each in found if each is not None]


def everywhere(standing: Rack, check: Callable[[Object], bool], what: str) -> None:
    """Wait until the ConfigurationState of every program is so."""
    count = len(standing.lab.nodes) + 1
    until(
        lambda: len(states(standing)) == count and all(check(each) for each in states(standing)),
        what,
    )


def restored(standing: Rack) -> None:
    standing.vipcast.apply("pool", pool([POOL]))
    everywhere(standing, lambda state: state["result"] == "Valid", "all are content again")


def test_a_bad_configuration_is_named_everywhere_and_replaces_nothing(standing: Rack) -> None:
    bad = "address-pools:\n- name: default\n  protocol: layer2\n  addresses: [192.0.2.999/32]\n"
    with undisturbed(standing):
        standing.vipcast.apply("pool", config_map(bad))
        everywhere(
            standing,
            lambda state: (
                state["result"] == "Invalid"
                and "ConfigMap metallb-system/config" in state["errorSummary"]
                and "address-pools[0].addresses[0]" in state["errorSummary"]
                and "192.0.2.999/32" in state["errorSummary"]
            ),
            "every program names object, field and value",
        )
        for node in standing.lab.nodes:
            metrics = standing.vipcast.metrics(node)
            assert "metallb_k8s_client_config_stale_bool 1" in metrics.replace(".0\n", "\n")
            assert "metallb_k8s_client_config_loaded_bool 1" in metrics.replace(".0\n", "\n")
            assert "192.0.2.999/32" in standing.vipcast.speaker(node).output
        assert "192.0.2.999/32" in standing.vipcast.command("status").stdout
        restored(standing)


def test_restarts_under_a_bad_configuration_lose_nothing(standing: Rack) -> None:
    with undisturbed(standing):
        standing.vipcast.apply("pool", config_map("address-pools: 7\n"))
        everywhere(standing, lambda state: state["result"] == "Invalid", "the new one is refused")
        standing.vipcast.controller.stop()
        standing.vipcast.start_controller()
        for node in standing.lab.nodes:
            standing.vipcast.speaker(node).stop()
            standing.vipcast.start_speaker(node)
            standing.settle()
        restored(standing)


def test_a_configuration_that_is_taken_away_stays_in_force(standing: Rack) -> None:
    with undisturbed(standing):
        standing.vipcast.delete("pool")
        everywhere(standing, lambda state: state["result"] == "Invalid", "its absence is told")
        restored(standing)


def test_a_file_that_cannot_be_parsed_is_named_with_its_line(standing: Rack) -> None:
    path = standing.vipcast.directory / "broken.yaml"
    with undisturbed(standing):
        path.write_text("apiVersion: v1\nkind: Service\nmetadata: {name: x\n")
        everywhere(
            standing, lambda state: "broken.yaml" in state["errorSummary"], "the file is named"
        )
        path.unlink()
        everywhere(standing, lambda state: state["result"] == "Valid", "all are content again")


def test_a_file_that_breaks_keeps_the_objects_it_held(standing: Rack) -> None:
    path = standing.vipcast.directory / f"{SERVICE}.yaml"
    good = path.read_text()
    with undisturbed(standing):
        path.write_text(good.replace("kind: Service", "kind: [Service"))
        everywhere(
            standing, lambda state: f"{SERVICE}.yaml" in state["errorSummary"], "it is named"
        )
        path.write_text(good)
        everywhere(standing, lambda state: state["result"] == "Valid", "all are content again")


def test_a_service_of_wrong_types_is_named_and_the_others_work_on(standing: Rack) -> None:
    wrong = service("wrong")
    wrong["spec"]["ports"] = [{"port": "eighty"}]
    with undisturbed(standing):
        standing.vipcast.apply("wrong", wrong, service("right"))
        until(lambda: standing.vipcast.address("right"), "the other Service gets an address")
        everywhere(
            standing,
            lambda state: (
                "default/wrong" in state["errorSummary"] and "eighty" in state["errorSummary"]
            ),
            "the Service is named with field and value",
        )
        standing.vipcast.delete("wrong")
        everywhere(standing, lambda state: state["result"] == "Valid", "all are content again")


def test_a_changed_pool_moves_the_service_without_a_restart(standing: Rack) -> None:
    standing.vipcast.apply("pool", pool(["192.0.2.200-192.0.2.209"]))
    until(lambda: standing.vipcast.address(SERVICE) == "192.0.2.200", "it has a new address")
    standing.vipcast.await_answer("192.0.2.200")
    until(lambda: standing.vipcast.answering(standing.vip) is None, "nobody answers for the old")

    standing.vipcast.apply("pool", pool([POOL]))
    until(lambda: standing.vipcast.address(SERVICE) == standing.vip, "it is back")
    standing.vipcast.await_answer(standing.vip)
