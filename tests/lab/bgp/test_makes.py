"""Routers of four makes at once, each with every kind of neighbour, and nodes that speak with all.

The routers are in an AS whose number fits into two bytes, then in one that takes four. Nodes 1 and
2 are in other ASes, one of either size; nodes 3 and 4 in the routers' own. Each speaks with each
router over IPv4 and over IPv6, without a password and with one, which stands in the peer or in a
Secret. No controller runs: the Services have their addresses already.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import pytest

from lab.cluster import Lab
from lab.host import Host
from lab.objects import Object
from lab.routers import MAKES
from lab.routers.port import IPV4, IPV6, Neighbour, Path, Router, Routes, Settings
from lab.vipcast import Vipcast
from tests.lab.bgp.logs import begun
from tests.lab.bgp.objects import advertisement, community, given, peer, pool, secret
from tests.support.labs import unique_name
from tests.support.waiting import eventually

SMALL, LARGE = 64600, 4200000600
OTHERS = 64500, 4200000001
PASSWORD = "for-routers"
SECRET = "routers"

ADDRESSES = {
    "plain": ("203.0.113.7", "2001:db8:5::7"),
    "coloured": ("203.0.113.40", "2001:db8:6::40"),
    "wide": ("203.0.113.70", "203.0.113.71", "2001:db8:7::70", "2001:db8:7::71"),
}
PREFIXES = {
    "plain": ("203.0.113.7/32", "2001:db8:5::7/128"),
    "coloured": ("203.0.113.40/32", "2001:db8:6::40/128"),
    "wide": ("203.0.113.64/26", "2001:db8:7::/64"),
}
COMMUNITIES = frozenset({"64601:1", "64601:2"})
LARGE_COMMUNITIES = frozenset({f"{OTHERS[1]}:1:2"})
PREFERENCE = {"plain": 100, "coloured": 150, "wide": 50}
CONFIGURATION = (
    pool("plain", "203.0.113.0/27", "2001:db8:5::/64"),
    pool("coloured", "203.0.113.32/27", "2001:db8:6::/64"),
    pool("wide", "203.0.113.64/26", "2001:db8:7::/64"),
    community(large=f"large:{OTHERS[1]}:1:2", second="64601:2"),
    advertisement("plain"),
    advertisement("coloured", communities=["64601:1", "large", "second"], localPref=150),
    advertisement("wide", aggregationLength=26, aggregationLengthV6=64, localPref=50),
    secret(SECRET, PASSWORD),
)
IPV4_BEHIND_IPV6 = ("gobgp",)
"""Makes that offer RFC 8950 unasked: sessions over IPv6 give IPv4 an IPv6 next hop there."""

PATIENCE = 60.0
"""Seconds: GoBGP alone refuses every neighbour for five after a session has ended."""


@dataclass(frozen=True, slots=True)
class Side:
    """A node's end of one session with a router; `both` families of routes, or its own alone."""

    node: Host
    asn: int
    family: str
    signed: bool
    both: bool

    def name(self, router: Router) -> str:
        """Of the BGPPeer."""
        return f"{router.name}-{self.node.name}-{self.family}"

    def peer(self, router: Router) -> Object:
        """Its session, as the speaker is told of it."""
        spec: dict[str, Any] = {"connectTime": "1s", "dualStackAddressFamily": self.both}
        if self.signed and self.family == IPV4:
            spec["password"] = PASSWORD
        elif self.signed:
            spec["passwordSecret"] = {"name": SECRET}
        asn, address = router.settings.asn, self._address(router.host)
        return peer(self.name(router), address, self.asn, asn, self.node, **spec)

    def neighbour(self) -> Neighbour:
        """The same, as a router is told of it."""
        families = (IPV4, IPV6) if self.both else (self.family,)
        return Neighbour(
            self._address(self.node), self.asn, families, PASSWORD if self.signed else ""
        )

    def path(self, make: str, service: str, prefix: str) -> Path:
        """What a router of a make is to have of it."""
        outside, coloured = self.asn in OTHERS, service == "coloured"
        six = ":" in prefix or (self.family == IPV6 and make in IPV4_BEHIND_IPV6)
        return Path(
            neighbour=self._address(self.node),
            next_hop=str(self.node.address6 if six else self.node.address),
            as_path=(self.asn,) if outside else (),
            local_pref=None if outside else PREFERENCE[service],
            communities=COMMUNITIES if coloured else frozenset(),
            large_communities=LARGE_COMMUNITIES if coloured else frozenset(),
        )

    def carries(self, prefix: str) -> bool:
        """Whether routes of that family go over it."""
        return (IPV6 if ":" in prefix else IPV4) in self.neighbour().families

    def _address(self, host: Host) -> str:
        return str(host.address if self.family == IPV4 else host.address6)


@dataclass(frozen=True, slots=True)
class Rack:
    """Nodes and routers, all sessions up; `sides` are the same for each router."""

    lab: Lab
    vipcast: Vipcast
    sides: tuple[Side, ...]
    routers: dict[str, Router]

    def routes(self, make: str, *services: str, without: Host | None = None) -> Routes:
        """What the router of a make is to have while these Services are there."""
        return {
            prefix: frozenset(
                side.path(make, service, prefix)
                for side in self.sides
                if side.node is not without and side.carries(prefix)
            )
            for service in services
            for prefix in PREFIXES[service]
        }

    def hold(
        self,
        makes: Iterable[str],
        *,
        services: Iterable[str] = ADDRESSES,
        without: Host | None = None,
    ) -> None:
        """Wait until the routers of these makes have exactly the routes of these Services."""

        def look(make: str) -> bool:
            expected = self.routes(make, *services, without=without)
            assert self.routers[make].routes() == expected
            return True

        for make in makes:
            eventually(
                partial(look, make),
                what=f"{make} has the routes of {list(services)}",
                deadline=PATIENCE,
            )

    @contextmanager
    def anew(self, routers: Iterable[str], *nodes: Host) -> Iterator[None]:
        """Meanwhile the sessions of these routers with these nodes come up once more, each once;
        by the speakers' logs and the routers' own clocks nothing happens to any other."""
        before, stood = begun(self.lab), self._uptimes()
        yield
        new = set(product(routers, nodes))
        assert begun(self.lab) - before == Counter(
            (side.node.name, side.name(self.routers[make]))
            for make, node in new
            for side in self.sides
            if side.node is node
        )
        for (make, side), uptime in self._uptimes().items():
            assert (make, side.node) in new or uptime >= stood[make, side]

    def _uptimes(self) -> dict[tuple[str, Side], float]:
        found = {}
        for make, router in self.routers.items():
            sessions = router.sessions()
            for side in self.sides:
                neighbour = side.neighbour()
                session = sessions[neighbour.address]
                assert session.uptime is not None, f"{make}: {session}"
                assert session.families == set(neighbour.families)
                found[make, side] = session.uptime
        return found


@pytest.fixture(scope="module", params=[SMALL, LARGE], ids=["2-byte", "4-byte"])
def asn(request: pytest.FixtureRequest) -> int:
    """The routers' own."""
    return int(request.param)


@pytest.fixture(scope="module")
def lab(asn: int) -> Iterator[Lab]:  # noqa: ARG001 - speakers that have met no router before
    with Lab(unique_name(), nodes=4, routers=len(MAKES), ipv6=True, pods=False) as standing:
        yield standing


@pytest.fixture(scope="module")
def rack(lab: Lab, asn: int) -> Iterator[Rack]:
    ours = sides(lab, asn)
    settings = Settings(asn, tuple(side.neighbour() for side in ours))
    with ExitStack() as running:
        routers = {
            make: running.enter_context(MAKES[make](host, settings))
            for make, host in zip(MAKES, lab.routers, strict=True)
        }
        vipcast = Vipcast(lab)
        vipcast.prepare()
        vipcast.apply("config", *CONFIGURATION)
        vipcast.apply("peers", *(side.peer(each) for each in routers.values() for side in ours))
        for name, addresses in ADDRESSES.items():
            vipcast.apply(name, given(name, *addresses))
            lab.write_endpoints(vipcast.directory, name)
        for node in lab.nodes:
            vipcast.start_speaker(node)
        yield Rack(lab, vipcast, ours, routers)


def sides(lab: Lab, routers: int) -> tuple[Side, ...]:
    """With routers of a small AS number some have a password, with those of a large the others."""
    one, two, three, four = lab.nodes
    asns = {one: OTHERS[0], two: OTHERS[1], three: routers, four: routers}
    small = routers == SMALL
    signed = {(one, IPV6), (two, IPV4), (three, IPV4), (four, IPV6)}
    both = {(two, IPV6), (three, IPV4)} if small else {(one, IPV4), (four, IPV6)}
    return tuple(
        Side(node, asns[node], family, (each in signed) is small, each in both)
        for each in product(lab.nodes, (IPV4, IPV6))
        for node, family in [each]
    )


@pytest.mark.parametrize("make", MAKES)
def test_a_router_has_every_route_by_every_session_with_exactly_its_attributes(
    rack: Rack, make: str
) -> None:
    rack.hold([make])


def test_routes_go_with_their_service_and_come_back_and_no_session_notices(rack: Rack) -> None:
    rack.hold(MAKES)
    with rack.anew([]):
        rack.vipcast.delete("coloured")
        rack.hold(MAKES, services=["plain", "wide"])
        rack.vipcast.apply("coloured", given("coloured", *ADDRESSES["coloured"]))
        rack.hold(MAKES)


@pytest.mark.parametrize("make", MAKES)
def test_a_router_that_is_restarted_has_all_again_and_no_other_notices(
    rack: Rack, make: str
) -> None:
    rack.hold(MAKES)
    with rack.anew([make], *rack.lab.nodes):
        rack.routers[make].restart()
        rack.hold(MAKES)


@pytest.mark.parametrize("way", ["stopped", "killed"])
def test_a_speaker_that_ends_takes_its_routes_along_brings_them_back_and_no_other_notices(
    rack: Rack, way: str
) -> None:
    node = rack.lab.node(1 if way == "stopped" else 4)
    speaker = rack.vipcast.speaker(node)
    rack.hold(MAKES)
    with rack.anew(MAKES, node):
        if way == "stopped":
            speaker.stop()
        else:
            speaker.kill()
        rack.hold(MAKES, without=node)
        rack.vipcast.start_speaker(node)
        rack.hold(MAKES)
