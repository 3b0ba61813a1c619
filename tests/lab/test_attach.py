"""The program on real interfaces, in both XDP modes: attach, answer, replace, adopt, take off."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from bpf import SOURCES, Sources
from bpf.abi import PROGRAM, Verdict
from lab import kernel, measure
from lab.cluster import Lab
from lab.host import ROOT, Host
from speaker.adapters.maps import PinnedResponder
from speaker.layer2.table import EntryKey, EntryState, Put, Remove
from tests.support.bpf import changed, loaded
from tests.support.labs import unique_name

VIP = IPv4Address("192.0.2.240")
MODES = ["native", "generic"]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """One node on two segments, whose switch has a native program on every port."""
    segments = ("192.0.2.0/24", "198.51.100.0/24")
    with Lab(unique_name(), nodes=1, segments=segments, pods=False) as standing:
        standing.native_switch()
        yield standing


@dataclass(frozen=True)
class Rig:
    """The node, and what is done on it from outside."""

    lab: Lab
    node: Host

    @property
    def pin_path(self) -> Path:
        return self.node.pin_path

    def index(self, interface: str = "lan0") -> int:
        return int(kernel.links(self.node.namespace)[interface]["ifindex"])

    def do(self, *words: str | Path, times: int = 1) -> list[Any]:
        """Run tests.support.attaching on the node; what it said."""
        python = ["env", f"PYTHONPATH={ROOT}", sys.executable, "-W", "error", "-m"]
        command = [*python, "tests.support.attaching", self.pin_path, *words]
        done = self.node.run([*command, "--times", str(times)], timeout=60.0)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def attach(self, mode: str = "auto", *sources: Sources, interface: str = "lan0") -> Any:
        (said,) = self.do("attach", interface, mode, *(one.directory for one in sources))
        return said

    def xdp(self, interface: str = "lan0") -> tuple[str, int] | None:
        """Mode and program id on an interface, as `ip link` tells it."""
        xdp = kernel.links(self.node.namespace)[interface].get("xdp")
        if xdp is None:
            return None
        return {1: "native", 2: "generic"}[xdp["mode"]], int(xdp["prog"]["id"])

    def hold(self, responder: PinnedResponder, *addresses: IPv4Address) -> None:
        """Make the node answer on lan0 for a minute."""
        index = self.index()
        responder.segment(index, {index})
        responder.set_lease(index, time.monotonic() + 60)
        mac = bytes.fromhex(self.node.mac.replace(":", ""))
        keys = [EntryKey(index, address) for address in addresses]
        responder.apply([Put(key, responder.entry(key, EntryState.ANSWER, 1, mac)) for key in keys])

    def asked(self, count: int = 100, timeout: float = 1.0) -> measure.Asked:
        return measure.ask(self.lab.client, str(VIP), count=count, timeout=timeout)

    def put_foreign(self, mode: str) -> tuple[str, int]:
        """Attach somebody else's program to lan0; what `ip link` then tells."""
        program = self.lab.run.path / "foreign.o"
        kernel.compile_bpf(ROOT / "bpf" / "passonly.c", program)
        word = {"native": "xdpdrv", "generic": "xdpgeneric"}[mode]
        self.ip(f"link set dev lan0 {word} obj {program} sec xdp")
        there = self.xdp()
        assert there is not None
        return there

    def ip(self, *lines: str) -> None:
        kernel.ip(self.node.namespace, lines)


@pytest.fixture
def bare(lab: Lab) -> Iterator[Rig]:
    """The node without program and pins; both are taken away afterwards, whoever put them there."""
    rig = Rig(lab, lab.node(1))
    yield rig
    for interface in ("lan0", "lan1"):
        rig.ip(f"link set dev {interface} xdpdrv off", f"link set dev {interface} xdpgeneric off")
    rig.do("uninstall")
    lab.client.run(["ip", "neighbour", "flush", "all"])


@pytest.fixture
def rig(bare: Rig) -> Rig:
    """The node with the program pinned and attached to nothing."""
    loaded(bare.pin_path)
    return bare


@pytest.fixture
def responder(rig: Rig) -> Iterator[PinnedResponder]:
    with closing(PinnedResponder(rig.pin_path)) as one:
        yield one


@pytest.mark.parametrize("mode", MODES)
def test_a_client_is_answered_from_the_map_and_each_answer_is_counted(
    rig: Rig, responder: PinnedResponder, mode: str
) -> None:
    attachment = rig.attach(mode)
    assert rig.xdp() == (mode, attachment["program"])
    assert (attachment["mode"], attachment["wanted"], attachment["how"]) == (mode, mode, "attached")
    assert (attachment["answering"], attachment["reason"]) == (True, "attached")
    assert rig.asked(3, timeout=0.1).answered == 0
    rig.hold(responder, VIP)
    asked = rig.asked(200)
    assert (asked.answered, asked.doubled, asked.macs) == (200, 0, {rig.node.mac: 200})
    assert responder.counts()[VIP][Verdict.ANSWERED] == asked.answered


@pytest.mark.parametrize("mode", MODES)
def test_the_hosts_own_stack_answers_only_where_the_map_knows_nothing(
    rig: Rig, responder: PinnedResponder, mode: str
) -> None:
    rig.attach(mode)
    rig.node.add_to_lo(VIP)
    try:
        assert rig.asked(20).macs == {rig.node.mac: 20}
        rig.hold(responder, VIP)
        key = EntryKey(rig.index(), VIP)
        mac = bytes.fromhex(rig.node.mac.replace(":", ""))
        responder.beat(time.monotonic())
        responder.apply([Put(key, responder.entry(key, EntryState.ELSEWHERE, 1, mac))])
        assert rig.asked(3, timeout=0.1).answered == 0
        responder.apply([Put(key, responder.entry(key, EntryState.ANSWER, 1, mac))])
        responder.set_lease(key.ifindex, time.monotonic())
        assert rig.asked(3, timeout=0.1).answered == 0
        responder.apply([Remove(key)])
        assert rig.asked(20).macs == {rig.node.mac: 20}
    finally:
        rig.node.remove_from_lo(VIP)


def test_on_a_veth_the_mode_is_generic_unless_native_is_asked_for(rig: Rig) -> None:
    attachment = rig.attach("auto")
    assert (attachment["mode"], attachment["wanted"]) == ("generic", "auto")
    assert attachment["detail"] == "Generic first, as the link is virtual (veth)."


def test_native_on_a_veth_warns_that_the_other_end_needs_a_program_too(rig: Rig) -> None:
    attachment = rig.attach("native")
    assert attachment["detail"] == (
        "Mode native was asked for. On a veth, native answers leave only if the other end has a "
        "native XDP program, too."
    )


def test_a_driver_without_native_mode_gets_generic_or_says_why_not(rig: Rig) -> None:
    rig.ip("link add br9 type bridge", "link set br9 up")
    try:
        refused = rig.attach("native", interface="br9")
        assert (refused["mode"], refused["how"], refused["answering"]) == (None, "none", False)
        assert refused["reason"] == "attachFailed"
        assert refused["detail"].startswith("br9: no XDP mode can be used: native was refused (")
        assert refused["detail"].endswith(": Operation not supported).")
        (card,) = rig.do("attach", "br9", "auto", "--kind=")
        assert (card["mode"], card["answering"]) == ("generic", True)
        assert card["detail"].startswith("native was refused (")
        assert card["detail"].endswith(": Operation not supported), so generic.")
    finally:
        rig.ip("link del br9")


def test_the_same_program_is_adopted_and_nothing_is_done(
    rig: Rig, responder: PinnedResponder
) -> None:
    first = rig.attach("native")
    rig.hold(responder, VIP)
    for wanted in ("native", "auto"):
        again = rig.attach(wanted)
        assert (again["how"], again["mode"]) == ("adopted", "native")
        assert (again["program"], again["answering"]) == (first["program"], True)
    assert rig.asked(50).answered == 50


@pytest.mark.parametrize("mode", MODES)
def test_a_look_tells_the_program_that_was_put_there_from_any_other_and_from_none(
    rig: Rig, mode: str
) -> None:
    def stands(program: int, interface: str = "lan0", in_mode: str = mode) -> bool:
        (said,) = rig.do("stands", interface, in_mode, str(program))
        return bool(said)

    (other,) = set(MODES) - {mode}
    ours = int(rig.attach(mode)["program"])
    assert stands(ours)
    assert not stands(ours, in_mode=other)
    assert not stands(ours, "lan1")
    assert not stands(ours, "lan9")
    rig.do("detach", "lan0")
    assert not stands(ours)
    foreign = rig.put_foreign(mode)
    assert (stands(ours), stands(foreign[1])) == (False, True)


@pytest.mark.parametrize("mode", MODES)
def test_replacing_a_program_under_load_loses_nothing(
    rig: Rig, responder: PinnedResponder, tmp_path: Path, mode: str
) -> None:
    other = loaded(rig.pin_path, changed(tmp_path / "bpf", "arp.h", "RFC 826", "rfc 826"))
    first = rig.attach(mode)
    rig.hold(responder, VIP)
    with measure.watch(rig.lab.client, str(VIP), every_ms=0.5) as watch:
        said = rig.do("attach", "lan0", mode, other.directory, SOURCES.directory, times=20)
    assert {one["how"] for one in said} == {"replaced"}
    assert [one["mode"] for one in said] == [mode] * 40
    assert {one["program"] for one in said} == {first["program"], said[0]["program"]}
    seen = watch.seen[str(VIP)]
    assert (seen.lost, seen.doubled, seen.macs) == (0, (), (rig.node.mac,))
    assert seen.answered > 500


def test_another_mode_that_is_asked_for_takes_the_place_of_the_first(rig: Rig) -> None:
    generic = rig.attach("generic")
    native = rig.attach("native")
    assert (native["mode"], native["how"], native["answering"]) == ("native", "attached", True)
    assert rig.xdp() == ("native", generic["program"])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("wanted", ["auto", *MODES])
def test_a_foreign_program_stays_and_is_named(rig: Rig, mode: str, wanted: str) -> None:
    foreign = rig.put_foreign(mode)
    attachment = rig.attach(wanted)
    assert (attachment["reason"], attachment["answering"]) == ("foreignProgram", False)
    assert (attachment["mode"], attachment["program"], attachment["how"]) == (None, 0, "none")
    assert attachment["detail"] == (
        f"XDP program {foreign[1]} (vipcast_pass) is attached in mode {mode}. "
        "Take it off, or use another interface."
    )
    assert rig.do("uninstall")[0]["interfaces"] == []
    assert rig.xdp() == foreign


def test_a_program_of_ours_whose_pins_were_lost_is_replaced(rig: Rig) -> None:
    orphan = rig.attach("auto")
    pins = SOURCES.pins(rig.pin_path)
    for pin in list(pins.iterdir()):
        pin.unlink()
    loaded(rig.pin_path)
    attachment = rig.attach("auto")
    assert (attachment["how"], attachment["answering"]) == ("replaced", True)
    assert attachment["program"] != orphan["program"]


@pytest.mark.parametrize("mode", MODES)
def test_our_program_is_taken_off_one_interface_and_a_foreign_one_is_not(
    rig: Rig, mode: str
) -> None:
    rig.attach(mode)
    kept = rig.attach(mode, interface="lan1")
    assert rig.do("detach", "lan0") == [True]
    assert (rig.xdp("lan0"), rig.xdp("lan1")) == (None, (mode, kept["program"]))
    assert rig.do("detach", "lan0") == [False]
    foreign = rig.put_foreign(mode)
    assert rig.do("detach", "lan0") == [False]
    assert rig.xdp("lan0") == foreign
    assert rig.do("detach", "lan9") == [False]


def test_uninstalling_takes_off_our_programs_and_all_pins(
    rig: Rig, responder: PinnedResponder, tmp_path: Path
) -> None:
    rig.attach("native")
    rig.attach("generic", interface="lan1")
    rig.hold(responder, VIP)
    older = loaded(rig.pin_path, changed(tmp_path / "bpf", "shared.h", "mmap ", "mmap."))
    directories = [str(one.pins(rig.pin_path)) for one in (SOURCES, older)]
    assert rig.do("uninstall") == [
        {"interfaces": ["lan0", "lan1"], "pins": sorted(directories), "failures": []}
    ]
    assert (rig.xdp("lan0"), rig.xdp("lan1"), rig.pin_path.exists()) == (None, None, False)
    assert rig.asked(3, timeout=0.1).answered == 0
    assert rig.do("uninstall") == [{"interfaces": [], "pins": [], "failures": []}]


def test_pins_of_an_older_layout_go_when_no_interface_uses_them(rig: Rig, tmp_path: Path) -> None:
    for interface in ("lan0", "lan1"):
        rig.attach("generic", interface=interface)
    newer = loaded(rig.pin_path, changed(tmp_path / "bpf", "shared.h", "mmap ", "mmap."))
    assert rig.attach("auto", newer)["how"] == "replaced"
    assert rig.do("retire", newer.directory) == [[]]
    assert rig.attach("auto", newer, interface="lan1")["how"] == "replaced"
    assert rig.do("retire", newer.directory) == [[str(SOURCES.pins(rig.pin_path))]]
    assert [path.name for path in rig.pin_path.iterdir()] == [newer.layout]


@pytest.mark.parametrize(
    ("file", "old", "new", "detail"),
    [
        ("l2_responder.c", "return XDP_TX;", "return XDP_PASS;", "action 2 instead of 3"),
        ("arp.h", "copy_mac(frame->from, mac);", "", "The program's answer is 02005e127473"),
        ("l2_responder.c", "count(entry->counter, verdict);", "", "did not count it"),
    ],
    ids=["no answer", "another answer", "no count"],
)
def test_a_program_that_fails_its_self_test_is_attached_but_not_answering(
    bare: Rig, tmp_path: Path, file: str, old: str, new: str, detail: str
) -> None:
    broken = loaded(bare.pin_path, changed(tmp_path / "bpf", file, old, new))
    attachment = bare.attach("auto", broken)
    assert (attachment["reason"], attachment["answering"]) == ("selfTestFailed", False)
    assert (attachment["mode"], attachment["how"]) == ("generic", "attached")
    assert detail in attachment["detail"]


def test_an_interface_that_is_gone_is_said_to_be(rig: Rig) -> None:
    attachment = rig.attach("auto", interface="lan9")
    assert (attachment["reason"], attachment["answering"]) == ("attachFailed", False)
    assert attachment["detail"].startswith("lan9: ENODEV: ")


def test_without_pins_the_loader_is_named(bare: Rig) -> None:
    attachment = bare.attach("auto")
    assert (attachment["reason"], attachment["answering"]) == ("attachFailed", False)
    assert f"python -m speaker.adapters.loader --pin-path {bare.pin_path}" in attachment["detail"]
    assert bare.xdp() is None


def test_the_program_bears_our_name_for_whoever_looks(rig: Rig) -> None:
    rig.attach("auto")
    there = kernel.links(rig.node.namespace)["lan0"]["xdp"]
    assert there["prog"]["name"] == PROGRAM
