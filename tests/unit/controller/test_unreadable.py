"""Objects that cannot be read: they are named, and what stands on them is given to nobody."""

from __future__ import annotations

import logging

import pytest

from tests.support.waiting import eventually_async
from tests.unit.controller.running import Place, has, messages, running, service


async def test_a_file_that_cannot_be_read_is_named_and_the_others_work_on(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(place):
        place.service("a")
        await has(place, a="192.0.2.10")
        place.text("default-a.yaml", "kind: Service\n  apiVersion: v1\n")
        await eventually_async(lambda: place.state().get("result") == "Invalid", what="it is told")
        readable = place.state()["conditions"][1]
        assert readable["type"] == "vipcast.io/sourceReadable"
        assert readable["message"].startswith("file default-a.yaml: line 2")
        assert messages(caplog, "readObject") == ["an object cannot be read and stays as it was"]
        place.service("b")
        await has(place, a="192.0.2.10", b="192.0.2.11")
        place.service("a")
        await eventually_async(lambda: place.state()["result"] == "Valid", what="it is read again")
        assert place.address("a") == "192.0.2.10"


async def test_a_kind_that_is_not_read_is_named_also_where_there_is_no_config_map(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.service("web")
    async with running(place):
        await has(place, web="192.0.2.10")
    place.remove("config.yaml")
    place.remove("default-web.yaml")
    old = {"apiVersion": "metallb.io/v1beta1", "kind": "AddressPool", "metadata": {"name": "old"}}
    place.put("old.yaml", old)
    caplog.set_level(logging.INFO)
    async with running(place):
        await eventually_async(
            lambda: place.written("Service", "web") is None, what="nothing else is held up by it"
        )
        await eventually_async(
            lambda: "AddressPool" in place.state()["errorSummary"], what="it says"
        )
        missing, told = place.state()["errorSummary"].splitlines()
        assert missing.startswith("ConfigMap metallb-system/config: There is neither")
        assert told == (
            "file old.yaml: line 2 = 'AddressPool': Kind AddressPool is not read in this version."
            " Write it as an IPAddressPool."
        )
        assert messages(caplog, "readObject") == ["an object is not read"]


async def test_what_stands_on_a_service_that_cannot_be_read_is_given_to_nobody(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.service("a")
    async with running(place):
        await has(place, a="192.0.2.10")
    place.service("a", ports=[{"port": "eighty"}])
    caplog.set_level(logging.INFO)
    async with running(place):
        place.service("b")
        await has(place, a="192.0.2.10", b="192.0.2.11")
        assert "Service default/a: spec.ports[0].port" in place.state()["errorSummary"]
        lines = [record.__dict__["vipcast"] for record in caplog.records]
        assert [line["error"] for line in lines if line.get("op") == "readObject"] == [
            place.state()["errorSummary"]
        ]
        place.service("c")
        await eventually_async(
            lambda: place.condition("c").get("reason") == "poolExhausted", what="it waits"
        )
        place.remove("default-a.yaml")
        await has(place, c="192.0.2.10")


async def test_what_stands_on_services_in_a_file_that_cannot_be_read_is_given_to_nobody(
    place: Place,
) -> None:
    place.put("a.yaml", service("a"))
    async with running(place):
        await has(place, a="192.0.2.10")
    good = (place.path / "a.yaml").read_text()
    place.text("a.yaml", good.replace("kind:", "kind"))
    async with running(place):
        place.service("b")
        place.service("c")
        await has(place, b="192.0.2.11", c=None)
        place.text("a.yaml", good)
        await eventually_async(lambda: place.state().get("result") == "Valid", what="all is read")
        place.remove("default-b.yaml")
        await has(place, a="192.0.2.10", c="192.0.2.11")
    place.text("a.yaml", good.replace("kind:", "kind"))
    async with running(place):
        place.service("d")
        await eventually_async(lambda: place.condition("d"), what="it waits")
        place.remove("a.yaml")
        await has(place, d="192.0.2.10", c="192.0.2.11")


@pytest.mark.parametrize("garbage", ["loadBalancer: none", "loadBalancer: {ingress: [1]}", "7"])
async def test_a_status_that_makes_no_sense_is_put_right(place: Place, garbage: str) -> None:
    async with running(place):
        place.service("a")
        place.service("b")
        await has(place, a="192.0.2.10", b="192.0.2.11")
        file = place.file("Service", "a")
        before = file.read_text()
        file.write_text(f"{before.partition('status:')[0]}status: {{{garbage}}}\n")
        await eventually_async(lambda: file.read_text() == before, what="the status is as before")
        await eventually_async(lambda: place.state().get("result") == "Valid", what="all is read")
