"""One router and its routes: what waits to be told, and when all is."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Network

from speaker.bgp import encode
from speaker.bgp.facets import Facets
from speaker.bgp.framing import Framer
from speaker.bgp.prefixes import record
from speaker.bgp.updates import Updates
from speaker.neighbour import PORTION, Neighbour
from speaker.peer import target
from speaker.routers import Router
from tests.support.memory_links import MemoryConnector, MemoryNetwork
from tests.support.virtual import pass_time, until, virtually
from tests.unit.bgp.talking import OPEN, SETTINGS
from tests.unit.speaker.test_peer import LoopClock

MANY = 5 * PORTION
ROUTES = {record(IPv4Network("10.0.0.0/8")[number], 32): Facets() for number in range(MANY)}


def test_of_a_router_that_does_not_read_it_is_known_what_waits_and_when_all_is_told() -> None:
    async def story() -> None:
        network, settled = MemoryNetwork(), list[int]()
        network.listen(SETTINGS.address)
        neighbour = Neighbour(
            Router("router", SETTINGS, target(SETTINGS)),
            connector=MemoryConnector(network),
            clock=LoopClock(),
            jitter=lambda: 0.5,
            updates=Updates(encode),
            table=lambda: ROUTES,
            told=lambda _: None,
            settled=lambda: settled.append(neighbour.view().announced),
        )
        running = asyncio.create_task(neighbour.run())
        far = await network.accept(SETTINGS.address)
        await far.write(encode.open_message(OPEN) + encode.keepalive())
        await until(lambda: neighbour.view().announced > 0, "some are told")
        await pass_time(1.0)
        waits = neighbour.view()
        assert waits.pending > 0
        assert waits.announced + waits.pending == MANY
        assert settled == []
        framer = Framer()
        while neighbour.view().pending:
            framer.receive(await far.read())
            while framer.next() is not None:
                pass
        await until(lambda: settled == [MANY], "it is said once that all is told")
        running.cancel()
        await asyncio.wait((running,))

    virtually(story())
