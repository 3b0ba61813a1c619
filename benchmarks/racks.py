"""The contenders of arp_latency: each in a rack of its own, one node, one switch, one client.

    kernel           the node's own address; nothing of ours is on its interface
    generic          a VIP, answered by our program in generic mode (SKB; what `auto` takes on veth)
    native           a VIP, answered by our program in native mode (driver)
    kernel, native   the node's own address in that rack: our program passes it to the kernel
    raw socket       an address that a process answers for (raw_responder)

The racks are alike, and a broadcast there meets its one node alone. Ours is the whole product:
controller and speaker are the real programs, which load, attach and fill the maps; the VIP is a
Service's.

What a native program on a veth sends back is taken by its other end only if that has a native
program, too (bpf/passonly.c, on this one port of the switch). From then on the veth driver moves
each frame over a queue of its own, and copies what comes from a socket. `kernel, native` is the
kernel's answer at that price, and tells the driver's part from ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from benchmarks.asker import Ask, asker, build
from lab.cluster import Lab
from lab.vipcast import Vipcast, pool, service

KERNEL = "kernel"
GENERIC = "generic"
NATIVE = "native"
KERNEL_NATIVE = "kernel, native"
RAW = "raw socket"
OURS = (GENERIC, NATIVE)

_POOL = "192.0.2.240-192.0.2.249"
_RAW_ADDRESS = "192.0.2.240"
_SERVICE = "web"


@dataclass(frozen=True, slots=True)
class Contender:
    """Who answers for an address, and who asks for it."""

    address: str
    ask: Ask


@contextmanager
def racks(prefix: str) -> Iterator[dict[str, Contender]]:
    """The contenders by name, all answering; `prefix` begins the names of their labs."""
    with ExitStack() as stack:

        def rack(name: str) -> Lab:
            return stack.enter_context(Lab(f"{prefix}{name}", nodes=1, pods=False))

        labs = {KERNEL: rack("kernel"), RAW: rack("raw")}
        labs |= {mode: rack(mode) for mode in OURS}
        labs[NATIVE].native_switch(labs[NATIVE].node(1))
        library = labs[KERNEL].run.path / "asking.so"
        build(library)
        asks = {name: stack.enter_context(asker(lab.client, library)) for name, lab in labs.items()}
        products = {mode: _start(labs[mode], mode) for mode in OURS}
        vips = {mode: _served(product) for mode, product in products.items()}
        _start_raw(labs[RAW])
        own = str(labs[KERNEL].node(1).address)
        yield {
            KERNEL: Contender(own, asks[KERNEL]),
            GENERIC: Contender(vips[GENERIC], asks[GENERIC]),
            NATIVE: Contender(vips[NATIVE], asks[NATIVE]),
            KERNEL_NATIVE: Contender(own, asks[NATIVE]),
            RAW: Contender(_RAW_ADDRESS, asks[RAW]),
        }


def _start(lab: Lab, mode: str) -> Vipcast:
    product = Vipcast(lab, xdp_mode=mode)
    product.start()
    product.apply("pool", pool([_POOL]))
    product.apply(_SERVICE, service(_SERVICE))
    lab.write_endpoints(product.directory, _SERVICE)
    return product


def _served(product: Vipcast) -> str:
    """The VIP, once the node has claimed it and its program answers."""
    vip = product.await_address(_SERVICE)
    product.await_answer(vip)
    return vip


def _start_raw(lab: Lab) -> None:
    lab.node(1).python(
        "benchmarks.raw_responder", "lan0", _RAW_ADDRESS, name="raw", notify=True
    ).await_ready()  # fmt: skip
