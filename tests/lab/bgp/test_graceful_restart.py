"""Speakers that end and come back, at routers that bridge restarts.

Where a BGPPeer has enableGracefulRestart, an upgrade changes nothing that is forwarded; elsewhere
the routes of a speaker end with it. All three speakers are stopped at once, which no upgrade does:
one route that is lost meanwhile would leave nobody to serve the address.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from lab import measure
from lab.cluster import Lab
from lab.host import Host
from lab.routers import FORWARDING, MAKES, neighbours_of
from lab.routers.capture import HEADER, Capture, Stream, messages
from lab.routers.port import Path, Router, Settings
from lab.services import ServiceRule
from lab.vipcast import Vipcast
from speaker.bgp.codes import Cease, ErrorCode, MessageType
from speaker.bgp.decode import Context, decode
from speaker.bgp.messages import IPV4_UNICAST, Message, Notification, Update
from tests.lab.bgp.logs import begun
from tests.lab.bgp.objects import advertisement, given, peer, pool
from tests.lab.bgp.steady import kernel_changes, steady
from tests.support.bgp_readers import by_exabgp, by_scapy
from tests.support.labs import unique_name
from tests.support.waiting import eventually

OURS, THEIRS = 64500, 64600
WEB, OTHER = "203.0.113.1", "203.0.113.2"
"""Addresses of the Services `web`, which stays, and `other`."""
PATIENCE = 60.0
"""Seconds: GoBGP alone refuses every neighbour for five after a session has ended."""
CONTEXT = Context(families=(IPV4_UNICAST,))
RESTARTED = {"flags": 0b1100, "time": 30, "families": [[1, 1, 0x80]]}
"""R and N bit, seconds, and IPv4 with the F bit (RFC 4724, section 3; RFC 8538, section 2)."""
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(unique_name(), routers=1) as standing:
        standing.program_services([ServiceRule(WEB, 80, standing.backends())])
        yield standing


@pytest.fixture(scope="module")
def vipcast(lab: Lab) -> Vipcast:
    """A speaker on every node; no controller, since the Services have their addresses."""
    product = Vipcast(lab)
    product.prepare()
    product.apply("pools", pool("default", "203.0.113.0/28"), advertisement("default"))
    for name, address in (("web", WEB), ("other", OTHER)):
        product.apply(name, given(name, address))
        lab.write_endpoints(product.directory, name)
    for node in lab.nodes:
        product.start_speaker(node)
    return product


@contextmanager
def speaking(make: str, vipcast: Vipcast, **spec: Any) -> Iterator[Router]:
    """A router that bridges restarts, with a session to every node, and all routes."""
    lab, name = vipcast.lab, f"router{next(_numbers)}"
    host = lab.routers[0]
    settings = Settings(THEIRS, neighbours_of(lab.nodes, OURS), graceful_restart=True)
    with MAKES[make](host, settings) as router:
        vipcast.apply("router", peer(name, host.address, OURS, THEIRS, connectTime="1s", **spec))
        for node in lab.nodes:
            eventually(lambda node=node: begun(lab)[node.name, name], what=f"{node} speaks")  # type: ignore[misc]
        has(router, lab.nodes, WEB, OTHER)
        yield router
        vipcast.delete("router")


def paths(nodes: Iterable[Host]) -> frozenset[Path]:
    """One by each of these nodes."""
    return frozenset(Path(str(node.address), str(node.address), (OURS,)) for node in nodes)


def has(router: Router, nodes: Iterable[Host], *addresses: str) -> None:
    """Wait until it has exactly the routes to these addresses, by these nodes alike."""
    wanted = {f"{address}/32": paths(nodes) for address in addresses}

    def look() -> bool:
        assert router.routes() == wanted
        return True

    eventually(look, what=f"{router.name} has {addresses}", deadline=PATIENCE)


def told(stream: Stream) -> list[Message]:
    """What the speaker said in one session."""
    return [decode(message, CONTEXT) for message in messages(stream.sent)]


def opens(stream: Stream) -> bool:
    """Whether it was heard from its first message on, which is an OPEN."""
    return stream.sent[HEADER - 1 : HEADER] == bytes([MessageType.OPEN])


@pytest.mark.parametrize("make", MAKES)
def test_while_every_speaker_is_upgraded_no_route_is_lost_and_a_stale_one_is_gone_after(
    lab: Lab, vipcast: Vipcast, make: str
) -> None:
    load = None
    with speaking(make, vipcast, enableGracefulRestart=True) as router:
        before = begun(lab)
        with (
            Capture(router.host) as capture,
            kernel_changes(router.host) as changes,
            ExitStack() as asking,
        ):
            if make in FORWARDING:
                load = asking.enter_context(measure.load(lab.remote, f"http://{WEB}:80/", rate=100))
            for node in lab.nodes:
                vipcast.speaker(node).stop()
            vipcast.delete("other")
            has(router, lab.nodes, WEB, OTHER)
            for node in lab.nodes:
                vipcast.start_speaker(node)
            steady(
                lambda: router.routes()[f"{WEB}/32"],
                lambda: f"{OTHER}/32" not in router.routes(),
                what="the route that is wanted no more is gone",
            )
        has(router, lab.nodes, WEB)
        assert sorted((begun(lab) - before).values()) == [1, 1, 1]
        vipcast.apply("other", given("other", OTHER))
    assert [line for line in changes if WEB in line] == []
    if load is not None:
        assert (load.loaded.lost, load.loaded.late) == (0, 0), load.loaded
        assert any(OTHER in line for line in changes)
    assert capture.problems() == []
    # The last word of an older session may still be heard; GoBGP closes some without a word.
    sessions = [each for each in capture.streams() if each.received and opens(each)]
    assert {stream.client for stream in sessions} == {str(node.address) for node in lab.nodes}
    for stream in sessions:
        opening, *others = read = by_exabgp(messages(stream.sent))
        assert by_scapy(messages(stream.sent)) == read
        assert opening["graceful_restart"] == RESTARTED
        whole, end = (each for each in others if each["type"] != "keepalive")
        assert (whole["announced"], whole["withdrawn"]) == ([f"{WEB}/32"], [])
        assert end == {"type": "end of rib", "afi": 1}


@pytest.mark.parametrize("make", MAKES)
def test_without_it_a_router_has_nothing_of_a_speaker_that_ended_and_knows_why(
    lab: Lab, vipcast: Vipcast, make: str
) -> None:
    node, *others = lab.nodes
    with speaking(make, vipcast) as router:
        before = begun(lab)
        with Capture(router.host) as capture:
            vipcast.speaker(node).stop()
            has(router, others, WEB, OTHER)
        vipcast.start_speaker(node)
        has(router, lab.nodes, WEB, OTHER)
        assert [(name, count) for (name, _), count in (begun(lab) - before).items()] == [
            (node.name, 1)
        ]
    (stream,) = (each for each in capture.streams() if each.client == str(node.address))
    *_, withdrawal, last = told(stream)
    assert withdrawal == Update(withdrawn=((IPV4_UNICAST, 2),))
    assert isinstance(last, Notification)
    assert (last.code, last.subcode) == (ErrorCode.CEASE, Cease.ADMINISTRATIVE_SHUTDOWN)
    assert last.text == "The speaker ends; it may be back soon."


@pytest.mark.parametrize("bridged", [False, True], ids=["hold-time", "and-restart-time"])
def test_the_path_of_a_node_without_power_stays_for_the_hold_time(
    lab: Lab, vipcast: Vipcast, bridged: bool
) -> None:
    node, *others = lab.nodes
    with speaking("frr", vipcast, holdTime="3s", enableGracefulRestart=bridged) as router:
        lab.switch.pull(node)
        try:
            eventually(lambda: not router.session(node.address).established, what="it is missed")
            if bridged:
                assert router.routes()[f"{WEB}/32"] == paths(lab.nodes)
            has(router, others, WEB, OTHER)
        finally:
            lab.switch.put_back(node)
        has(router, lab.nodes, WEB, OTHER)
