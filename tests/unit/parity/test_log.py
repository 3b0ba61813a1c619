"""MetalLB's words and keys, in the log that a controller and a speaker at work have written."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import warnings
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from speaker.bgp.codes import Cease, ErrorCode
from speaker.bgp.encode import notification
from speaker.bgp.messages import Notification
from tests.support.parity import lines, shows
from tests.support.virtual import until, virtually
from tests.support.waiting import eventually_async
from tests.unit.controller.running import Place, has, running
from tests.unit.ops.test_operations_page import logged_words
from tests.unit.speaker.test_bgp import Router, configure
from tests.unit.speaker.world import LAN, OTHER, SYSTEM, VIP, World
from vipcast.model.objects import Key
from vipcast.model.raw import BGP_PEER, Ref
from vipcast.ops import log
from vipcast.ops.run import run
from vipcast.ops.values import LogFormat, LogLevel

HOME = {"name": "home", "addresses": ["192.0.2.10/32"]}
LAB = {"name": "lab", "addresses": ["198.51.100.7/32"]}
BAD = {"name": "lab", "addresses": ["198.51.100.300"]}
SECRET = "k" * 32

Record = dict[str, Any]
Told = list[Record]


@contextmanager
def written(path: Path, told: Told) -> Iterator[None]:
    """Everything that is logged meanwhile, down to debug, as the lines say."""
    with path.open("w") as stream, log.start(LogLevel.DEBUG, LogFormat.JSON, stream):
        yield
    told += [json.loads(line) for line in path.read_text().splitlines()]


async def _control(place: Place) -> None:
    """A Service waits for a configuration, gets an address, another one, none, and is gone."""
    place.service("web")
    async with running(place) as one:
        waits = "vipcast_services_without_address"
        await eventually_async(
            lambda: place.condition("web").get("reason") == "noConfig", what="web waits"
        )
        assert one.metric(waits) == 1
        place.pools(HOME)
        await has(place, web="192.0.2.10")
        place.pools(LAB)
        await has(place, web="198.51.100.7")
        place.pools(BAD)
        await eventually_async(lambda: place.state()["result"] == "Invalid", what="it is refused")
        place.service("poor", loadBalancerIP="10.0.0.1")
        await eventually_async(lambda: place.condition("poor"), what="the next one is refused")
        place.remove("default-web.yaml")
        place.remove("default-poor.yaml")
        await eventually_async(
            lambda: one.metric("metallb_allocator_addresses_in_use_total") == 0, what="all is free"
        )


async def _announce() -> None:
    """Two nodes announce two addresses; one Service goes, then the holder's interface."""
    async with World("node1", "node2") as world:
        world.serve("web", VIP)
        world.serve("other", OTHER)
        await world.holder(VIP)
        holder = await world.holder(OTHER)
        await world.settled()
        world.delete_service("web")
        await world.silent(VIP)
        world[holder].links.remove(LAN)
        await world.holder(OTHER, among=world.others(holder))
        await world.settled()


async def _speak() -> None:
    """A router is told of one Service and then of none, ends the session, and is taken away."""
    async with World("node1", config=False) as world:
        router = Router(world)
        configure(world)
        world.serve("web", VIP)
        await router.has(f"{VIP}/32")
        world.delete_service("web")
        await router.has()
        assert router.far is not None
        await router.far.write(notification(Notification(ErrorCode.CEASE, Cease.PEER_DECONFIGURED)))
        await until(lambda: router.sessions == 2, "it is back")
        world.cluster.remove(Ref(BGP_PEER, Key(SYSTEM, "router")))
        await until(lambda: router.last is not None, "it is told")


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What a controller said."""
    told: Told = []
    directory = tmp_path_factory.mktemp("objects")
    with written(tmp_path_factory.mktemp("log") / "controller", told):
        asyncio.run(_control(Place(directory)))
    return told


@pytest.fixture(scope="module")
def speaker(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What two speakers said."""
    told: Told = []
    with written(tmp_path_factory.mktemp("log") / "speaker", told):
        virtually(_announce())
    return told


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What a speaker said that had a router."""
    told: Told = []
    with written(tmp_path_factory.mktemp("log") / "router", told):
        virtually(_speak())
    return told


def said(told: Told, word: str, *fields: str) -> list[tuple[Any, ...]]:
    """These fields of every line with a word, as event or as operation."""
    found = [line for line in told if word in (line.get("event"), line.get("op"))]
    return [tuple(line[field] for field in fields) for line in found]


# Controller


@shows("ipAllocated")
def test_an_address_that_is_given(controller: Told) -> None:
    assert said(controller, "ipAllocated", "msg", "level", "service", "ip", "pool") == [
        ("IP address assigned by controller", "info", "default/web", "192.0.2.10", "home"),
        ("IP address assigned by controller", "info", "default/web", "198.51.100.7", "lab"),
    ]


@shows("clearAssignment")
def test_an_address_that_is_taken_back(controller: Told) -> None:
    ((service, level, message),) = said(controller, "clearAssignment", "service", "level", "msg")
    assert (service, level) == ("default/web", "info")
    assert message.startswith("192.0.2.10 is taken back (poolChanged): 192.0.2.10 is in no")


@shows("serviceUpdated")
def test_a_service_whose_status_is_written(controller: Told) -> None:
    assert said(controller, "serviceUpdated", "msg", "service", "ips", "reason") == [
        ("updated service object", "default/web", [], "noConfig"),
        ("updated service object", "default/web", ["192.0.2.10"], "allocated"),
        ("updated service object", "default/web", ["198.51.100.7"], "allocated"),
        ("updated service object", "default/poor", [], "ipNotAllowed"),
    ]


@shows("serviceDeleted")
def test_a_service_that_is_gone(controller: Told) -> None:
    assert sorted(said(controller, "serviceDeleted", "msg", "service", "ips")) == [
        ("service deleted", "default/poor", []),
        ("service deleted", "default/web", ["198.51.100.7"]),
    ]


@shows("configLoaded")
def test_a_configuration_that_is_in_force(controller: Told, speaker: Told) -> None:
    assert said(controller, "configLoaded", "msg", "pools") == [
        ("config (re)loaded", ["home"]),
        ("config (re)loaded", ["lab"]),
    ]
    assert said(speaker, "configLoaded", "msg", "pools") == 2 * [("config (re)loaded", ["lan"])]


@shows("configStale")
def test_a_configuration_that_is_refused(controller: Told) -> None:
    ((message, level, error),) = said(controller, "configStale", "msg", "level", "error")
    assert message.startswith("config (re)load failed, config marked stale")
    assert level == "error"
    assert "198.51.100.300" in error


@shows("startUpdate", "endUpdate", "noChange", "noConfig")
def test_each_look_at_a_service_and_that_nothing_came_of_it_at_debug(controller: Told) -> None:
    around = ("startUpdate", "endUpdate")
    between = ("noChange", "noConfig", "serviceUpdated")
    mine = [line for line in controller if line.get("service") == "default/web"]
    words = [line.get("event") for line in mine if line.get("event") in (*around, *between)]
    looks = re.findall(r"startUpdate,((?:\w+,)*?)endUpdate,", "".join(f"{one}," for one in words))
    assert looks[0] == "noConfig,serviceUpdated,"
    assert {"serviceUpdated,", "noChange,"} <= set(looks)
    assert words.count("startUpdate") == words.count("endUpdate") == len(looks)
    debug = (*around, "noChange", "noConfig")
    assert {line["level"] for line in mine if line.get("event") in debug} == {"debug"}


# Speaker


@shows("serviceAnnounced")
def test_an_address_that_a_node_answers_for_once_for_each_time_that_it_took_it(
    speaker: Told,
) -> None:
    fields = ("msg", "service", "ip", "pool", "protocol", "interface", "before")
    found = said(speaker, "serviceAnnounced", *fields)
    message = "service has IP, announcing"
    place = ("lan", "layer2", "lan0")
    assert sorted(one[:-1] for one in found) == [
        (message, "default/other", str(OTHER), *place),
        (message, "default/other", str(OTHER), *place),
        (message, "default/web", str(VIP), *place),
    ]
    assert found[-1][-1] in ("node1", "node2")


@shows("serviceWithdrawn")
def test_an_address_that_a_node_answers_for_no_more(speaker: Told) -> None:
    found = said(speaker, "serviceWithdrawn", "msg", "service", "ip", "reason")
    assert ("withdrawing service announcement", "default/web", str(VIP), "notWanted") in found


@shows("createARPResponder", "deleteARPResponder")
def test_an_interface_that_answers_and_one_that_is_gone(speaker: Told) -> None:
    assert said(speaker, "createARPResponder", "interface") == [("lan0",), ("lan0",)]
    gone = said(speaker, "deleteARPResponder", "interface", "msg")
    assert gone == [("lan0", "the interface is gone")]


@shows("peerAdded", "peerRemoved")
def test_a_router_that_is_spoken_with_and_one_that_is_not_any_more(router: Told) -> None:
    who = ("192.0.2.1:179", "router")
    assert said(router, "peerAdded", "msg", "peer", "name") == [
        ("peer configured, starting BGP session", *who)
    ]
    assert said(router, "peerRemoved", "msg", "peer", "name") == [
        ("peer deconfigured, closing BGP session", *who)
    ]


@shows("sessionUp", "sessionDown", "peerNotification")
def test_a_session_that_comes_up_and_one_that_ends(router: Told) -> None:
    up = ("BGP session established", "info")
    assert said(router, "sessionUp", "msg", "level") == [up, up]
    (theirs, ours) = said(router, "sessionDown", "level", "reason", "notification")
    words = "Cease, peer deconfigured"
    assert theirs == ("warn", "notificationReceived", f"received {words}")
    assert ours == ("info", "stopped", f"sent {words}")
    assert said(router, "peerNotification", "msg", "level", "error") == [
        ("peer sent notification, closing session", "warn", f"received {words}")
    ]


@shows("updatedAdvertisements")
def test_the_routes_of_a_service_that_change(router: Told) -> None:
    fields = ("msg", "service", "protocol", "numAds", "ips", "peers", "reason")
    web = ("default/web", "bgp")
    told = (1, [str(VIP)], ["router"], "advertised")
    assert said(router, "updatedAdvertisements", *fields) == [
        ("making advertisements using BGP", *web, *told),
        ("withdrawing advertisements", *web, 0, [], [], "notWanted"),
    ]


# Lines


@shows("level", "ts", "msg", "caller", "event")
def test_every_line_is_an_object_with_metallb_s_keys(controller: Told, speaker: Told) -> None:
    for line in (*controller, *speaker):
        assert line["level"] in ("debug", "info", "warn", "error")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line["ts"])
        assert re.fullmatch(r"\w+/\w+\.py:\d+", line["caller"])
        assert line["msg"]
        assert ("event" in line) is not ("op" in line)


@shows("op", "error", "service", "reason")
def test_an_operation_that_failed_is_named_with_its_error(controller: Told) -> None:
    assert said(controller, "allocateIPs", "level", "service", "reason") == [
        ("error", "default/web", "noConfig"),
        ("error", "default/poor", "ipNotAllowed"),
    ]
    assert all("op" in line for line in controller if "error" in line and "event" not in line)
    (_, error) = said(controller, "allocateIPs", "error")
    assert "10.0.0.1 is in no configured pool" in error[0]


@shows("ip", "ips", "pool", "protocol", "interface")
def test_what_a_line_is_about_stands_under_metallb_s_keys(controller: Told, speaker: Told) -> None:
    (given, _) = (line for line in controller if line.get("event") == "ipAllocated")
    assert (given["ip"], given["pool"]) == ("192.0.2.10", "home")
    assert said(controller, "serviceUpdated", "ips")[1] == (["192.0.2.10"],)
    announced = said(speaker, "serviceAnnounced", "protocol", "interface")
    assert set(announced) == {("layer2", "lan0")}


def _fail(path: Path, act: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> Told:
    told: Told = []
    with written(path, told):
        assert run(act, logging.getLogger("controller.main")) == 1
    return told


@shows("peer", "localASN", "peerASN")
def test_a_line_about_a_router_says_where_it_is_and_what_is_agreed(router: Told) -> None:
    assert said(router, "sessionUp", "peer", "localASN", "peerASN", "holdTime", "families") == 2 * [
        ("192.0.2.1:179", 64500, 64501, 90, ["IPv4 unicast"])
    ]


@shows("bug")
def test_an_internal_fault_is_marked_and_has_its_trace(tmp_path: Path) -> None:
    async def main(_: asyncio.Event) -> None:
        raise ZeroDivisionError("nobody foresaw this")

    (line,) = (one for one in _fail(tmp_path / "log", main) if "bug" in one)
    assert (line["bug"], line["error"]) == ("true", "nobody foresaw this")
    assert "in main\n" in line["trace"]


@shows("controller-runtime's lines have another shape")
def test_what_libraries_say_has_the_same_shape(tmp_path: Path) -> None:
    told: Told = []
    with written(tmp_path / "log", told):
        logging.getLogger("some.library").error("it says so")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("and so", stacklevel=1)
    shapes = [(line["level"], {"ts", "level", "caller", "msg"} <= set(line)) for line in told]
    assert shapes == [("error", True), ("warn", True)]


@shows("at debug, whole objects are dumped at each look")
def test_no_line_holds_an_object_or_the_key(controller: Told, speaker: Told) -> None:
    text = json.dumps([controller, speaker])
    for word in ("apiVersion", "metadata", "secretkey", SECRET):
        assert word not in text


# Not yet


@pytest.mark.parametrize(
    "word", [name for line in lines("Words in the log") if not line.here for name in line.names]
)
def test_a_word_that_is_not_yet_there_is_logged_by_no_program(word: str) -> None:
    assert word not in logged_words()


@pytest.mark.parametrize(
    "key", [name for line in lines("Lines of the log") if not line.here for name in line.names]
)
def test_a_key_that_is_not_yet_there_stands_on_no_line(
    controller: Told, speaker: Told, key: str
) -> None:
    assert not [line for line in (*controller, *speaker) if key in line]
