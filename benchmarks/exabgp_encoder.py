"""ExaBGP's own encoder, where its package is installed: Debian's python3-exabgp, version 4.2.

    with exabgp(IPV4_UNICAST, Attributes((65001,), hop), addresses) as theirs:
        theirs.sent                               # all UPDATEs, one after the other
        theirs.timed()                            # nanoseconds of one more time

It has a process of its own, since its modules change how Python imports. Its objects (a route each,
and the attributes) are made before; what is timed is what ExaBGP does when a group of routes is to
be sent. The clock is read in its process, around that alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from multiprocessing.connection import Connection
from typing import Any, Final

from benchmarks.child import child, hear
from speaker.bgp.messages import AfiSafi, Attributes

MISSING: Final = "ExaBGP is not installed: Debian's package is python3-exabgp."

Routes = tuple[AfiSafi, Attributes, Sequence[bytes]]
"""Whole addresses of a family, as in a packed array, with their attributes."""


class Encoder:
    """ExaBGP with some routes, in its process."""

    def __init__(self, told: Connection[Any, Any], routes: Routes) -> None:
        """Raises BenchmarkError if the process ends."""
        self._told = told
        told.send(routes)
        self.version: str
        self.sent: bytes
        self.version, self.sent = hear(told)

    def timed(self) -> int:
        """Encode once more; nanoseconds that it took."""
        self._told.send(None)
        return int(hear(self._told))


@contextmanager
def exabgp(
    family: AfiSafi, attributes: Attributes, addresses: Sequence[bytes]
) -> Iterator[Encoder | None]:
    """ExaBGP with these routes, for a peer of another AS, until the block ends; None without it."""
    if find_spec("exabgp") is None:
        yield None
        return
    with child("benchmarks.exabgp_encoder:serve") as told:
        yield Encoder(told, (family, attributes, addresses))


def serve(asked: Connection[Any, Any]) -> None:
    """The process's side, until its connection ends."""
    from exabgp.version import release

    encode = _encoder(*asked.recv())
    asked.send((str(release), encode()))
    while True:
        asked.recv()
        begun = time.perf_counter_ns()
        encode()
        asked.send(time.perf_counter_ns() - begun)


def _encoder(
    family: AfiSafi, attributes: Attributes, addresses: Sequence[bytes]
) -> Callable[[], bytes]:
    from exabgp.bgp.message.direction import OUT
    from exabgp.bgp.message.open.asn import ASN
    from exabgp.bgp.message.open.capability import Negotiated
    from exabgp.bgp.message.update import Update
    from exabgp.bgp.message.update.attribute import ASPath, NextHop, Origin
    from exabgp.bgp.message.update.attribute import Attributes as TheirAttributes
    from exabgp.bgp.message.update.nlri import INET
    from exabgp.bgp.message.update.nlri.cidr import CIDR
    from exabgp.bgp.neighbor import Neighbor
    from exabgp.configuration.setup import environment
    from exabgp.protocol.family import AFI, SAFI

    environment.setup("")
    environment.settings().log.enable = False
    own, other = ASN(attributes.as_path[0]), ASN(attributes.as_path[0] + 1)
    neighbour: Any = Neighbor()
    neighbour.local_as, neighbour.peer_as = own, other
    negotiated: Any = Negotiated(neighbour)
    negotiated.asn4, negotiated.local_as, negotiated.peer_as = True, own, other
    afi, safi = AFI.create(family.afi), SAFI.create(family.safi)
    negotiated.families = [(afi, safi)]

    hop = NextHop(str(attributes.next_hop))
    said: Any = TheirAttributes()
    said.add(Origin(Origin.IGP))
    said.add(ASPath([own], []))
    if attributes.next_hop.version == 4:
        said.add(hop)
    routes = []
    for address in addresses:
        route: Any = INET(afi, safi, OUT.ANNOUNCE)
        route.cidr, route.nexthop = CIDR(address[1:], address[0]), hop
        routes.append(route)
    return lambda: b"".join(Update(routes, said).messages(negotiated))
