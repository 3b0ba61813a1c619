"""A thousand Services on a rack of three nodes: all answered for, what that costs, all gone again.

    objects ──▶ vipcast-controller ──▶ statuses ──▶ vipcast-speaker on each node ──▶ a client asks

Part of many_services: the whole product on the lab. Everything is written at once; `addressed` is
when the last Service has an address, all of them different, `answered` when the client has had an
answer for each, and `gone`, after everything was deleted at once, when no address is in use and no
node's map has an entry. Times are seconds, from just before the file is to be seen.

Memory is that of the processes when nothing is under way, in KiB as /proc/PID/smaps_rollup has it
(proc(5)): `rss` counts pages shared with other programs in full, `pss` in part, `anonymous` only
what belongs to it alone.
"""

from __future__ import annotations

import os
import re
import select
import time
from collections.abc import Sequence
from ipaddress import IPv4Address
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

import yaml

from benchmarks.child import child, hear
from benchmarks.harness import PATIENCE, BenchmarkError, replace, until
from bpf import SOURCES
from bpf.abi import SELF_TEST_ADDRESS
from controller.main import PROGRAM, WRITER
from lab.cluster import Lab
from lab.host import Host
from lab.objects import Object, endpoint_slice
from lab.processes import Process
from lab.tools import arp
from lab.vipcast import Vipcast, pool, service
from native.bpfmap import Map
from speaker.layer2.packing import unpack_key

SEGMENT = "10.0.0.0/16"
POOL = "10.0.8.0/21"
_STATUSES = Path("status", WRITER, "Service", "default")
_ADDRESS = re.compile(r'^ *- ip: "?([\d.]+)"?$', re.MULTILINE)
_GAPS = "vipcast_layer2_lease_gaps_total"
_MEMORY = {"rss": "Rss", "pss": "Pss", "anonymous": "Anonymous"}
_LATE = 0.01
"""Seconds of silence after which the asker asks again for what was not answered."""
_REST = 0.2
"""Seconds of processor time in one, of all programs together, that count as rest."""


class Programs(Protocol):
    """A product that runs on a lab."""

    @property
    def lab(self) -> Lab:
        """The lab."""

    @property
    def controller(self) -> Process:
        """The controller's process."""

    def speaker(self, node: Host) -> Process:
        """The speaker's process on a node."""


def fill(name: str, sizes: Sequence[int]) -> dict[str, Any]:
    """Fill and empty the rack of that name with each number of Services, in this order."""
    with Lab(name, segments=[SEGMENT], pods=False) as lab:
        product = Vipcast(lab)
        product.start()
        product.apply("pool", pool([POOL]))
        product.await_ready()
        until(lambda: in_use(product) == 0, "the pool is there and empty")
        steps: list[dict[str, Any]] = [{"services": 0, "memory_kib": memory_of(product)}]
        for size in sizes:
            step = {"services": size, **filled(product, size), **emptied(product)}
            steps.append(step)
            print(
                f"  {size:5,} Services on three nodes: addressed {step['addressed']:.1f} s,"
                f" answered {step['answered']:.1f} s, gone {step['gone']:.1f} s",
                flush=True,
            )
        for step in steps:
            shown = ", ".join(
                f"{program} {kib['rss'] / 1024:.0f} MiB ({kib['pss'] / 1024:.0f} in part)"
                for program, kib in step["memory_kib"].items()
            )
            print(f"  memory with {step['services']:5,}: {shown}", flush=True)
        gaps = sum(metric(product.metrics(node), _GAPS) for node in lab.nodes)
        return {"steps": steps, "lease_gaps": gaps}


def filled(product: Vipcast, size: int) -> dict[str, Any]:
    """Write that many Services at once, and wait until each is answered for."""
    names = [f"s{number:04}" for number in range(size)]
    written = product.directory / _STATUSES
    product.apply("endpoints", *(endpoints(product.lab, name) for name in names))
    text = yaml.dump_all(map(service, names), Dumper=yaml.CSafeDumper, sort_keys=False)
    begun = replace(product.directory / "many.yaml", text) / 1e9
    until(lambda: len(addresses(written)) == size, f"{size} Services have an address")
    addressed = time.monotonic() - begun
    vips = addresses(written)
    if len(set(vips)) != size:
        raise BenchmarkError(f"{size} Services have only {len(set(vips))} different addresses")
    client = product.lab.client
    with child("benchmarks.filled_rack:ask_all", namespace=client.namespace) as told:
        told.send(vips)
        answered = hear(told) - begun
    rested(product)
    return {
        "addressed": round(addressed, 2),
        "answered": round(answered, 2),
        "memory_kib": memory_of(product),
    }


def emptied(product: Vipcast) -> dict[str, Any]:
    """Delete all of them at once, and wait until nothing of them is left in pool and maps."""
    begun = time.monotonic()
    product.delete("many")
    product.delete("endpoints")
    until(lambda: in_use(product) == 0, "no address of the pool is in use")
    until(lambda: not sum(map(entries, product.lab.nodes)), "the nodes' maps are empty")
    gone = time.monotonic() - begun
    rested(product)
    return {"gone": round(gone, 2), "memory_kib_after": memory_of(product)}


def endpoints(lab: Lab, name: str) -> Object:
    """A Service's EndpointSlice, with a pod on every node."""
    return endpoint_slice(name, "default", "", lab.backends())


def addresses(written: Path) -> list[str]:
    """Every address that stands in a status."""
    if not written.is_dir():
        return []
    texts = [path.read_text() for path in written.glob("*.yaml")]
    return [address for text in texts for address in _ADDRESS.findall(text)]


def in_use(product: Vipcast) -> float:
    """Addresses in use, as the controller's metric says; -1 while it says nothing."""
    node = product.lab.node(1)
    port = (node.run_dir / "controller" / f"{PROGRAM}.port").read_text().strip()
    said = node.run(["curl", "-sS", f"http://127.0.0.1:{port}/metrics"]).stdout
    return metric(said, "metallb_allocator_addresses_in_use_total")


def metric(text: str, name: str) -> float:
    """The sum of a metric's samples, -1 without any."""
    found = re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE)
    return sum(map(float, found)) if found else -1


def entries(node: Host) -> int:
    """Addresses in a node's map, but for that of the self-test."""
    with Map.open(SOURCES.pins(node.pin_path) / "entries") as opened:
        keys = [unpack_key(key) for key, _ in opened.items()]
    return sum(key.address != SELF_TEST_ADDRESS for key in keys)


def memory_of(product: Programs) -> dict[str, dict[str, int]]:
    """Of the controller, and of that speaker which has most to itself."""
    speakers = [memory(product.speaker(node).pid) for node in product.lab.nodes]
    largest = max(speakers, key=lambda one: one["anonymous"])
    return {"controller": memory(product.controller.pid), "speaker": largest}


def memory(process: int) -> dict[str, int]:
    """Of one process."""
    rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
    said = dict(re.findall(r"^(\w+): +(\d+) kB$", rollup, re.MULTILINE))
    return {name: int(said[field]) for name, field in _MEMORY.items()}


def rested(product: Programs) -> None:
    """Wait until the programs hardly use the processor."""
    speakers = (product.speaker(node) for node in product.lab.nodes)
    rest([product.controller.pid, *(each.pid for each in speakers)])


def rest(processes: Sequence[int], patience: float = PATIENCE, over: float = 1.0) -> None:
    """Wait until some processes hardly use the processor, together, `over` so many seconds."""

    def used() -> float:
        return sum(map(processor_seconds, processes))

    end = time.monotonic() + patience
    while time.monotonic() < end:
        before = used()
        time.sleep(over)
        if used() - before < _REST * over:
            return
    raise BenchmarkError(f"after {patience:g} s the programs are still at work")


def processor_seconds(process: int) -> float:
    """What one process has used so far, in ticks of usually 10 ms."""
    # proc(5), stat: after the name in parentheses, utime and stime are the 12th and 13th word.
    words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def ask_all(told: Connection[Any, Any]) -> None:
    """In the client: ask for addresses until each was answered, and tell when that was."""
    wire = arp.Wire("lan0")
    wire.stamp()
    missing = {IPv4Address(vip) for vip in told.recv()}
    last = 0
    end = time.monotonic() + PATIENCE / 2
    while missing and time.monotonic() < end:
        for vip in missing:
            wire.socket.send(wire.request(vip))
        select.select([wire.socket], [], [], _LATE)
        for at, packet in wire.arrived():
            if packet.operation == arp.REPLY:
                missing.discard(packet.sender)
                last = at
    if missing:
        raise BenchmarkError(f"{len(missing)} addresses were not answered for, {min(missing)} say")
    told.send(last / 1e9)
