"""Links by netlink events: each change is told once, in its order, also after events were lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lab import kernel
from lab.cluster import Lab
from lab.host import Host
from lab.processes import Process
from tests.support.labs import unique_name
from tests.support.waiting import eventually

PLENTY = 1 << 20


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(unique_name(), nodes=1, pods=False) as standing:
        yield standing


class Watcher:
    """A process on the node that tells what it sees."""

    def __init__(self, node: Host, buffer: int) -> None:
        self._node = node
        self._skip = 1
        self.process: Process = node.python(
            "tests.support.linkwatching", buffer, name="links", notify=True
        )
        self.process.await_ready(30.0)

    @property
    def lines(self) -> list[Any]:
        whole, _, _ = self.process.output.rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]

    @property
    def snapshot(self) -> dict[str, Any]:
        return {link["name"]: link for link in self.lines[0]}

    @property
    def changes(self) -> list[Any]:
        return self.lines[self._skip :]

    def forget(self) -> None:
        """Look only at what comes from now on."""
        self._skip = len(self.lines)

    def do(self, *lines: str) -> None:
        kernel.ip(self._node.namespace, lines)

    def until(self, condition: Callable[[list[Any]], bool], what: str) -> list[Any]:
        eventually(lambda: condition(self.changes), what=what)
        return self.changes

    @property
    def state(self) -> dict[str, Any]:
        """All links by name, as snapshot and changes add up to."""
        links = {link["ifindex"]: link for link in self.lines[0]}
        for change in self.lines[1:]:
            known = (change["before"] or change["after"])["ifindex"]
            assert links.get(known) == change["before"]
            if change["after"] is None:
                del links[known]
            else:
                links[known] = change["after"]
        return {link["name"]: link for link in links.values()}


@pytest.fixture
def watcher(lab: Lab) -> Iterator[Watcher]:
    lab.run.log.joinpath("node1-links.log").unlink(missing_ok=True)
    one = Watcher(lab.node(1), PLENTY)
    yield one
    one.process.stop()


def of(changes: list[Any], name: str) -> list[Any]:
    return [c for c in changes if (c["after"] or c["before"])["name"] == name]


def differences(change: Any) -> dict[str, tuple[Any, Any]]:
    before, after = change["before"], change["after"]
    return {key: (before[key], after[key]) for key in before if before[key] != after[key]}


def test_the_snapshot_has_every_link_with_what_decides_about_it(lab: Lab, watcher: Watcher) -> None:
    node = lab.node(1)
    lan0 = watcher.snapshot["lan0"]
    assert lan0 == {
        "ifindex": kernel.links(node.namespace)["lan0"]["ifindex"],
        "name": "lan0",
        "mac": node.mac,
        "up": True,
        "carrier": True,
        "kind": "veth",
        "master": 0,
        "arp": True,
        "broadcast": True,
        "addresses": [f"{node.address}/24"],
    }
    lo = watcher.snapshot["lo"]
    assert (lo["kind"], lo["mac"], lo["broadcast"], lo["addresses"]) == (
        *("", "", False),
        ["127.0.0.1/8"],
    )


def test_a_link_comes_changes_and_goes(watcher: Watcher) -> None:
    watcher.do(
        "link add br7 type bridge",
        "link set br7 address 02:00:00:00:07:01",
        "link set br7 up",
        "address add 203.0.113.7/24 dev br7",
        "address add 203.0.113.8/24 dev br7",
        "address del 203.0.113.7/24 dev br7",
        "link set br7 arp off",
        "link del br7",
    )
    seen = of(watcher.until(lambda all_: bool(gone(all_, "br7")), "br7 is gone"), "br7")
    assert seen[0]["before"] is None
    assert (seen[0]["after"]["kind"], seen[0]["after"]["up"]) == ("bridge", False)
    steps = [key for change in seen[1:] if change["after"] for key in differences(change).items()]
    for step in (
        ("mac", (seen[0]["after"]["mac"], "02:00:00:00:07:01")),
        ("up", (False, True)),
        ("addresses", ([], ["203.0.113.7/24"])),
        ("addresses", (["203.0.113.7/24"], ["203.0.113.7/24", "203.0.113.8/24"])),
        ("arp", (True, False)),
    ):
        assert step in steps
    assert "br7" not in watcher.state


def gone(changes: list[Any], name: str) -> list[Any]:
    return [c for c in changes if c["after"] is None and c["before"]["name"] == name]


def test_a_port_that_is_pulled_and_put_back_is_two_changes(lab: Lab, watcher: Watcher) -> None:
    node = lab.node(1)
    lab.switch.pull(node)
    watcher.until(lambda all_: bool(of(all_, "lan0")), "the carrier is gone")
    lab.switch.put_back(node)
    seen = watcher.until(lambda all_: len(of(all_, "lan0")) >= 2, "the carrier is back")
    assert [differences(change) for change in of(seen, "lan0")] == [
        {"carrier": (True, False)},
        {"carrier": (False, True)},
    ]


def test_a_flap_between_two_looks_is_still_two_changes(lab: Lab, watcher: Watcher) -> None:
    node = lab.node(1)
    watcher.process.freeze()
    lab.switch.pull(node)
    eventually(lambda: not has_carrier(node), what="the node's end knows it")
    lab.switch.put_back(node)
    eventually(lambda: has_carrier(node), what="the node's end knows it again")
    watcher.process.wake()
    seen = watcher.until(lambda all_: len(of(all_, "lan0")) >= 2, "both changes")
    assert [differences(change) for change in of(seen, "lan0")] == [
        {"carrier": (True, False)},
        {"carrier": (False, True)},
    ]


def has_carrier(node: Host) -> bool:
    return "LOWER_UP" in kernel.links(node.namespace)["lan0"]["flags"]


def test_a_new_mac_is_one_change(lab: Lab, watcher: Watcher) -> None:
    mac = lab.node(1).mac
    watcher.do("link set lan0 address 02:00:00:00:09:09")
    watcher.do(f"link set lan0 address {mac}")
    seen = watcher.until(lambda all_: len(of(all_, "lan0")) >= 2, "there and back")
    assert [differences(change) for change in of(seen, "lan0")] == [
        {"mac": (mac, "02:00:00:00:09:09")},
        {"mac": ("02:00:00:00:09:09", mac)},
    ]


def test_joining_and_leaving_a_bridge_is_a_change_of_master_not_an_end(watcher: Watcher) -> None:
    watcher.do(
        "link add br7 type bridge",
        "link add xa type veth peer name xb",
        "link set xa master br7",
        "link set xa nomaster",
    )
    seen = watcher.until(
        lambda all_: any(c["before"] and c["before"]["master"] for c in of(all_, "xa")), "nomaster"
    )
    bridge = watcher.state["br7"]["ifindex"]
    masters = [c["after"]["master"] for c in of(seen, "xa")]
    assert [number for number in dict.fromkeys(masters) if number] == [bridge]
    assert (masters[-1], gone(seen, "xa")) == (0, [])
    watcher.do("link del xa", "link del br7")
    watcher.until(lambda all_: bool(gone(all_, "br7")), "all is gone")
    assert not {"xa", "xb", "br7"} & watcher.state.keys()


def test_events_that_were_lost_end_in_the_same_state(lab: Lab) -> None:
    node = lab.node(1)
    lab.run.log.joinpath("node1-links.log").unlink(missing_ok=True)
    narrow = Watcher(node, 2048)
    try:
        narrow.process.freeze()
        names = [f"y{number}" for number in range(60)]
        narrow.do(*(f"link add {name} type bridge" for name in names))
        narrow.do("link set y7 up", "address add 203.0.113.7/24 dev y7", "link del y0")
        narrow.process.wake()
        before = narrow.snapshot.keys()
        wanted = {*before, *names} - {"y0"}
        eventually(lambda: wanted == narrow.state.keys(), what="all links are known")
        assert narrow.state["y7"]["addresses"] == ["203.0.113.7/24"]
        assert len(of(narrow.changes, "y59")) == 1
        narrow.do(*(f"link del {name}" for name in names if name != "y0"))
        eventually(lambda: narrow.state.keys() == before, what="all links are gone")
    finally:
        narrow.process.stop()
