"""A node is drained, and then switched off, while a client behind a router keeps asking; one is
cordoned, and then all are.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from lab import measure, objects
from lab.cluster import Lab
from lab.host import Host
from lab.routers import MAKES, neighbours_of
from lab.routers.port import Router, Settings
from lab.services import ServiceRule
from lab.vipcast import Vipcast
from tests.lab.bgp.logs import begun
from tests.lab.bgp.objects import advertisement, given, peer, pool
from tests.lab.bgp.steady import kernel_changes, steady
from tests.support.labs import unique_name
from tests.support.waiting import eventually

OURS, THEIRS = 64500, 64600
WEB = "203.0.113.1"
ROUTE = f"{WEB}/32"
LAST = frozenset({"gracefulShutdown"})
"""The community 65535:0 in FRR's words (RFC 8326)."""
PATIENCE = 60.0


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(unique_name(), routers=1) as standing:
        rule = ServiceRule(WEB, 80, standing.backends(), local=True)
        standing.program_services([rule])
        yield standing


@pytest.fixture
def router(lab: Lab) -> Iterator[Router]:
    with MAKES["frr"](lab.routers[0], Settings(THEIRS, neighbours_of(lab.nodes, OURS))) as frr:
        yield frr


@pytest.fixture
def vipcast(lab: Lab, router: Router) -> Iterator[Vipcast]:
    """A speaker on every node."""
    product = Vipcast(lab)
    product.prepare()
    product.apply("pools", pool("default", "203.0.113.0/28"), advertisement("default"))
    product.apply("router", peer("router", router.host.address, OURS, THEIRS, connectTime="1s"))
    product.apply("web", given("web", WEB))
    lab.write_endpoints(product.directory, "web")
    for node in lab.nodes:
        product.start_speaker(node)
    yield product
    for node in lab.nodes:
        product.speaker(node).stop()


def tellers(router: Router) -> dict[str, frozenset[str]]:
    """Who tells the route, with which communities."""
    return {each.neighbour: each.communities for each in router.routes().get(ROUTE, ())}


def told(router: Router, *nodes: Host) -> bool:
    """Whether these tell the route, and no others."""
    return tellers(router).keys() == {str(node.address) for node in nodes}


def paths_but(router: Router, node: Host) -> dict[str, frozenset[str]]:
    """Who tells the route besides a node, with which communities."""
    return {who: what for who, what in tellers(router).items() if who != str(node.address)}


@contextmanager
def nodes_of(vipcast: Vipcast) -> Iterator[dict[str, Any]]:
    """The lab's Nodes by name, written once more when the block ends."""
    file = vipcast.directory / "lab-nodes.yaml"
    documents = list(yaml.safe_load_all(file.read_text()))
    yield {each["metadata"]["name"]: each for each in documents}
    objects.write(file, documents)


def rewrite(vipcast: Vipcast, node: Host, **metadata: Any) -> None:
    """Write the lab's Nodes once more, with this for the metadata of one."""
    with nodes_of(vipcast) as nodes:
        nodes[node.name]["metadata"] |= metadata


def cordon(vipcast: Vipcast, *cordoned: Host) -> None:
    """Write the lab's Nodes once more, these cordoned and no others."""
    names = {node.name for node in cordoned}
    with nodes_of(vipcast) as nodes:
        for name, each in nodes.items():
            each.setdefault("spec", {})["unschedulable"] = name in names


def state(vipcast: Vipcast, node: Host) -> str:
    """How far `vipcast status` says that a node is."""
    speakers = json.loads(vipcast.command("status", "-ojson").stdout)["speakers"]
    (told,) = (each["drain"] for each in speakers if each["node"] == node.name)
    return str(told)


def uptime(router: Router, node: Host) -> float:
    """Seconds for which the router's session with a node stands."""
    seconds = router.session(node.address).uptime
    assert seconds is not None
    return seconds


def answered(load: measure.Load) -> int:
    """Requests that had their answer, by the second."""
    told = load.events()
    return int(told[-1]["answered"]) if told else 0


@contextmanager
def asked_for(
    lab: Lab, router: Router, *, resets: int
) -> Iterator[tuple[measure.Load, Counter[tuple[str, str]]]]:
    """A client asks all the while, and the sessions of all nodes but the first stand through it.

    All tell the route at the begin. With the load come the sessions that had begun until then.
    """
    _, *others = lab.nodes
    eventually(lambda: told(router, *lab.nodes), what="all tell it", deadline=PATIENCE)
    before, stood = begun(lab), [uptime(router, each) for each in others]
    with (
        kernel_changes(router.host) as changes,
        measure.load(lab.remote, f"http://{WEB}/", rate=50) as load,
    ):
        yield load, before

    # FRR spreads connections anew when a path goes, so that one which is under way may come to a
    # node that does not know it, and is reset. Nobody asks in vain.
    loaded = load.loaded
    assert (loaded.late, loaded.errors.keys() - {"ECONNRESET"}) == (0, set()), loaded
    assert loaded.lost <= resets, loaded
    assert not any(line.startswith("Deleted") for line in changes if WEB in line), changes
    now = [uptime(router, each) for each in others]
    assert all(late > early for late, early in zip(now, stood, strict=True))


def test_a_drained_node_is_switched_off_while_a_client_keeps_asking(
    lab: Lab, router: Router, vipcast: Vipcast
) -> None:
    node, *_ = lab.nodes
    address = str(node.address)

    def paths_of_others() -> object:
        return paths_but(router, node)

    with asked_for(lab, router, resets=1) as (load, before):
        said = vipcast.command("drain", node.name)
        assert said.returncode == 1, said
        first, *lines, _ = said.stdout.splitlines()
        assert first.startswith(f"Write this into {vipcast.directory / 'lab-nodes.yaml'}, in the ")
        rewrite(vipcast, node, **yaml.safe_load("\n".join(lines))["metadata"])
        steady(paths_of_others, lambda: tellers(router)[address] == LAST, what="used last")
        assert state(vipcast, node) == "draining"
        steady(paths_of_others, lambda: address not in tellers(router), what="it has left")
        eventually(lambda: state(vipcast, node) == "left", what="it says so")
        assert vipcast.command("drain", node.name).returncode == 0
        vipcast.speaker(node).stop()
        lab.switch.pull(node)
        enough = answered(load) + 100
        steady(paths_of_others, lambda: answered(load) > enough, what="others go on serving")

    assert begun(lab) == before

    lab.switch.put_back(node)
    vipcast.start_speaker(node)
    rewrite(vipcast, node, annotations={})
    eventually(lambda: told(router, *lab.nodes), what="it is back", deadline=PATIENCE)
    assert tellers(router)[address] == frozenset()
    assert vipcast.command("drain", node.name, "--undo").returncode == 0


def test_a_cordoned_node_leaves_and_all_cordoned_nodes_stay(
    lab: Lab, router: Router, vipcast: Vipcast
) -> None:
    node, *_ = lab.nodes
    address = str(node.address)

    def paths_of_others() -> object:
        return paths_but(router, node)

    def all_used_last() -> bool:
        return told(router, *lab.nodes) and set(tellers(router).values()) == {LAST}

    with asked_for(lab, router, resets=3) as (load, before):
        cordon(vipcast, node)
        steady(paths_of_others, lambda: tellers(router)[address] == LAST, what="used last")
        steady(paths_of_others, lambda: address not in tellers(router), what="it has left")
        ended = "its session has ended"
        steady(paths_of_others, lambda: not router.session(address).established, what=ended)
        said = vipcast.command("status").stdout
        assert f"Cordoned, tells no router anything: {node.name}." in said, said
        assert begun(lab) == before
        cordon(vipcast, *lab.nodes)
        eventually(all_used_last, what="it is back, and all are used last", deadline=PATIENCE)
        # More than the wait after which a cordoned node withdraws what others can tell.
        enough = answered(load) + 750
        steady(lambda: tellers(router), lambda: answered(load) > enough, what="all serve on")

    assert sum((begun(lab) - before).values()) == 1

    cordon(vipcast)
    eventually(
        lambda: told(router, *lab.nodes) and set(tellers(router).values()) == {frozenset()},
        what="all are used as before",
        deadline=PATIENCE,
    )
