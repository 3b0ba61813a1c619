"""Racks for tests: a lab with Vipcast on every node and one Service that is served."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lab.cluster import Lab
from lab.host import Host
from lab.measure import Seen, Watch
from lab.vipcast import Vipcast, pool, service
from lab.waiting import until
from tests.support.labs import unique_name

POOL = "192.0.2.240-192.0.2.249"
SERVICE = "web"


@dataclass(frozen=True, slots=True)
class Rack:
    """A lab, the product on it, and the address of Service `web`."""

    lab: Lab
    vipcast: Vipcast
    vip: str

    def host_of(self, mac: str) -> Host:
        """The host that has a MAC."""
        return self.lab.host(self.lab.owner(mac))

    def holder(self) -> Host:
        """The node that answers now, and reports so."""
        name = self.vipcast.await_answer(self.vip)
        self.vipcast.await_holder(SERVICE, name)
        return self.lab.host(name)

    def moved(self, watch: Watch, before: Host) -> Host:
        """Wait until another node answers than before; returns it."""
        return self.host_of(watch.moved(self.vip, away_from=before.mac)[0])

    def settle(self) -> None:
        """Wait until every speaker is ready and hears every other one."""
        self.vipcast.await_ready()
        names = {node.name for node in self.lab.nodes}
        for node in self.lab.nodes:
            until(
                lambda node=node: self.vipcast.heard_by(node) >= names - {node.name},  # type: ignore[misc]
                f"{node.name} hears all others",
            )

    def names(self, seen: Seen) -> list[str]:
        """Hosts that answered in a watch, in the order of their first answers."""
        return [self.lab.owner(mac) for mac in seen.macs]


@contextmanager
def rack(xdp_mode: str = "auto", nodes: int = 3, native: bool = False) -> Iterator[Rack]:
    """A rack that stands, its Service served and its speakers settled."""
    with Lab(unique_name(), nodes=nodes) as lab:
        if native:
            lab.native_switch()
        vipcast = Vipcast(lab, xdp_mode=xdp_mode)
        vipcast.start()
        vipcast.apply("pool", pool([POOL]))
        vipcast.apply(SERVICE, service(SERVICE))
        vip = vipcast.serve(SERVICE)
        standing = Rack(lab, vipcast, vip)
        standing.settle()
        standing.holder()
        yield standing
