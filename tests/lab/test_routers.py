"""Routers of four makes, each told the same by ExaBGP: what arrives, goes, and comes back.

Node 1 is in another AS than the router, node 2 in its own; both speak with it by IPv4 and by IPv6.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path as File

import pytest

from lab.cluster import Lab
from lab.errors import LabError
from lab.host import Host
from lab.routers import FORWARDING, MAKES, neighbours_of
from lab.routers.capture import Capture, messages
from lab.routers.exabgp import ExaBgp, Peer
from lab.routers.port import IPV4, IPV6, Neighbour, Path, Router, Routes, Settings
from lab.rundir import BASE
from lab.services import ServiceRule
from tests.support.bgp_readers import by_exabgp
from tests.support.labs import unique_name
from tests.support.leftovers import leftovers
from tests.support.paths import next_hops, reach_every_pod
from tests.support.waiting import eventually

ROUTERS = 64600
OTHER = 4200000001
"""An AS that does not fit into two bytes."""

COLOURED = "203.0.113.7/32"
PLAIN = "203.0.113.9/32"
SIX = "2001:db8:5::7/128"
COMMUNITIES = frozenset({"64601:1", "64601:2"})
LARGE = frozenset({f"{OTHER}:1:2"})

DEADLINE = 60.0
"""Seconds: GoBGP alone refuses every neighbour for five after a session has ended."""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Two nodes and a router with a client behind it, with IPv6."""
    with Lab(unique_name(), nodes=2, routers=1, ipv6=True) as standing:
        yield standing


@pytest.fixture(params=MAKES)
def router(request: pytest.FixtureRequest, lab: Lab) -> Iterator[Router]:
    """One of each make, which knows both nodes by both families."""
    one, two = lab.nodes
    neighbours = (
        Neighbour(str(one.address), OTHER, password="four"),
        Neighbour(str(one.address6), OTHER, (IPV6,), password="six"),
        Neighbour(str(two.address), ROUTERS, (IPV4, IPV6), password="inside"),
        Neighbour(str(two.address6), ROUTERS, (IPV6,)),
    )
    with MAKES[request.param](lab.routers[0], Settings(ROUTERS, neighbours)) as started:
        yield started


@pytest.fixture
def speakers(lab: Lab) -> Iterator[tuple[ExaBgp, ExaBgp]]:
    one = speaker(lab, lab.node(1), OTHER)
    two = speaker(lab, lab.node(2), ROUTERS, (IPV4, IPV6))
    with one, two:
        yield one, two


def speaker(lab: Lab, node: Host, asn: int, families: tuple[str, ...] = (IPV4,)) -> ExaBgp:
    """ExaBGP as the neighbour on a node, `families` by its session over IPv4."""
    router, inside = lab.routers[0], asn == ROUTERS
    four = Peer(
        str(router.address),
        ROUTERS,
        str(node.address),
        asn,
        families,
        "inside" if inside else "four",
    )
    six = Peer(
        str(router.address6), ROUTERS, str(node.address6), asn, (IPV6,), "" if inside else "six"
    )
    return ExaBgp(node, [four, six])


def told(node: Host) -> tuple[str, ...]:
    """Two prefixes of IPv4, and one of IPv6, in ExaBGP's words."""
    colours = f"community [64601:1 64601:2] large-community [{OTHER}:1:2]"
    return (
        f"{COLOURED} next-hop self {colours} local-preference 150",
        f"{PLAIN} next-hop self",
        f"{SIX} next-hop {node.address6}",
    )


def established(router: Router) -> None:
    eventually(
        lambda: all(session.established for session in router.sessions().values()),
        what=f"{router.name} has all sessions",
        deadline=DEADLINE,
    )


def holds(router: Router, expected: Routes) -> None:
    """Wait for exactly these routes."""

    def look() -> bool:
        assert router.routes() == expected
        return True

    eventually(look, what=f"{router.name} has these routes", deadline=DEADLINE)


def from_outside(node: Host) -> Routes:
    """What a router has of node 1: no LOCAL_PREF, and its AS in the path."""
    four, six, path = str(node.address), str(node.address6), (OTHER,)
    return {
        COLOURED: frozenset(
            {Path(four, four, path, communities=COMMUNITIES, large_communities=LARGE)}
        ),
        PLAIN: frozenset({Path(four, four, path)}),
        SIX: frozenset({Path(six, six, path)}),
    }


def from_inside(node: Host) -> Routes:
    """What a router has of node 2: a LOCAL_PREF, no path; and the IPv6 prefix by two sessions."""
    four, six = str(node.address), str(node.address6)
    coloured = Path(four, four, local_pref=150, communities=COMMUNITIES, large_communities=LARGE)
    return {
        COLOURED: frozenset({coloured}),
        PLAIN: frozenset({Path(four, four, local_pref=100)}),
        SIX: frozenset({Path(four, six, local_pref=100), Path(six, six, local_pref=100)}),
    }


def both(lab: Lab) -> Routes:
    one, two = from_outside(lab.node(1)), from_inside(lab.node(2))
    return {prefix: one[prefix] | two[prefix] for prefix in one}


def test_each_prefix_arrives_with_exactly_its_attributes_and_goes_when_it_is_withdrawn(
    lab: Lab, router: Router, speakers: tuple[ExaBgp, ExaBgp]
) -> None:
    established(router)
    for speaker, node in zip(speakers, lab.nodes, strict=True):
        speaker.announce(*told(node))
    holds(router, both(lab))

    speakers[0].withdraw(*told(lab.node(1)))
    holds(router, from_inside(lab.node(2)))
    speakers[1].withdraw(*told(lab.node(2)))
    holds(router, {})


def test_a_session_tells_its_state_its_families_and_what_the_neighbour_can(
    lab: Lab, router: Router, speakers: tuple[ExaBgp, ExaBgp]
) -> None:
    established(router)
    two = lab.node(2)
    session = router.session(two.address)

    assert session.families == {IPV4, IPV6}
    assert router.session(two.address6).families == {IPV6}
    # Multiprotocol and AS numbers of four bytes; not every make tells of extended messages (6).
    assert session.capabilities - {6} == {1, 65}
    assert session.hold_time == 90
    assert session.uptime is not None
    assert session.uptime < DEADLINE

    speakers[1].stop()
    eventually(lambda: not router.session(two.address).established, what="the session has ended")
    ended = router.session(two.address)
    assert (ended.uptime, ended.hold_time, ended.families) == (None, 0, frozenset())


@pytest.mark.parametrize("way", ["restarted", "killed"])
def test_a_router_that_is_restarted_or_killed_has_everything_again(
    lab: Lab, router: Router, speakers: tuple[ExaBgp, ExaBgp], way: str
) -> None:
    established(router)
    for speaker, node in zip(speakers, lab.nodes, strict=True):
        speaker.announce(*told(node))
    holds(router, both(lab))
    if way == "restarted":
        router.restart()
    else:
        router.kill()
        router.start()

    holds(router, both(lab))


def test_a_speaker_that_is_restarted_has_its_routes_forgotten_and_told_anew(
    lab: Lab, router: Router, speakers: tuple[ExaBgp, ExaBgp]
) -> None:
    established(router)
    one, two = speakers
    one.announce(*told(lab.node(1)))
    two.announce(*told(lab.node(2)))
    holds(router, both(lab))
    one.stop()
    holds(router, from_inside(lab.node(2)))
    one.start()
    established(router)
    one.announce(*told(lab.node(1)))

    holds(router, both(lab))


def connected(router: Router) -> set[str]:
    """Whom the router has a BGP connection with, by the kernel's own list."""
    words = ["ss", "-Htn", "state", "established", "( sport = :179 or dport = :179 )"]
    ends = (line.split()[3] for line in router.host.run(words).stdout.splitlines())
    return {end.rpartition(":")[0].strip("[]").removeprefix("::ffff:") for end in ends}


def test_a_neighbour_is_taken_away_and_given_back_while_another_stays_as_it_is(
    lab: Lab, router: Router, speakers: tuple[ExaBgp, ExaBgp]
) -> None:
    assert len(speakers) == 2
    established(router)
    whole = router.settings
    stays = str(lab.node(2).address)
    before = router.session(stays).uptime
    kept = tuple(each for each in whole.neighbours if each.address == stays)

    router.reconfigure(Settings(ROUTERS, kept))
    eventually(lambda: connected(router) == {stays}, what="the others are left", deadline=DEADLINE)
    router.reconfigure(whole)
    established(router)

    after = router.session(stays).uptime
    assert before is not None
    assert after is not None
    assert after >= before


def test_with_the_wrong_password_nothing_is_heard_and_the_kernel_says_why(
    lab: Lab, router: Router
) -> None:
    node = lab.node(1)
    wrong = Peer(str(router.host.address), ROUTERS, str(node.address), OTHER, password="another")
    before = mismatches(router.host)
    with ExaBgp(node, [wrong]):
        eventually(lambda: mismatches(router.host) > before, what="a segment with a wrong digest")
        assert not router.session(node.address).established


def mismatches(host: Host) -> int:
    """Segments with a wrong digest that the host's kernel has dropped (RFC 2385)."""
    counted = json.loads(host.run(["nstat", "-a", "-s", "-z", "-j"]).stdout)["kernel"]
    return int(counted["TcpExtTCPMD5Failure"])


@pytest.mark.parametrize("make", MAKES)
def test_routes_of_a_speaker_that_restarts_gracefully_stay_as_long_as_it_asks(
    lab: Lab, make: str
) -> None:
    node, host = lab.node(1), lab.routers[0]
    settings = Settings(ROUTERS, neighbours_of([node], OTHER), graceful_restart=True)
    # Long enough for two questions to a router on a busy machine.
    peer = Peer(str(host.address), ROUTERS, str(node.address), OTHER, graceful_restart=8)
    route = f"{PLAIN} next-hop self"
    with MAKES[make](host, settings) as router, ExaBgp(node, [peer]) as speaker:
        established(router)
        assert 64 in router.session(node.address).capabilities
        speaker.announce(route)
        eventually(lambda: set(router.routes()) == {PLAIN}, what="the route")
        speaker.kill()
        eventually(lambda: not router.session(node.address).established, what="the session's end")
        assert set(router.routes()) == {PLAIN}
        eventually(lambda: router.routes() == {}, what="the route's end")


@pytest.mark.parametrize("make", MAKES)
def test_a_router_offers_and_announces_what_its_settings_say(lab: Lab, make: str) -> None:
    node, host = lab.node(1), lab.routers[0]
    neighbour = Neighbour(str(node.address), OTHER, (IPV4, IPV6), "four", multihop=2, passive=True)
    settings = Settings(
        ROUTERS, (neighbour,), ("0.0.0.0/0", "::/0"), hold_time=9, graceful_restart=True
    )
    router = MAKES[make](host, settings)
    with router, Capture(host) as capture, speaker(lab, node, OTHER, (IPV4, IPV6)):
        eventually(lambda: router.session(node.address).hold_time == 9, what="nine seconds agreed")
        eventually(lambda: announced(capture) == {"0.0.0.0/0", "::/0"}, what="both defaults")

    (stream,) = (each for each in capture.streams() if each.received)
    offer = by_exabgp(messages(stream.received))[0]
    assert stream.client == str(node.address)
    assert (offer["asn"], offer["hold_time"], offer["router_id"]) == (ROUTERS, 9, str(host.address))
    # Multiprotocol, route refresh, graceful restart, AS numbers of four bytes.
    assert set(offer["capabilities"]) >= {1, 2, 64, 65}


def announced(capture: Capture) -> set[str]:
    """What the router has told so far."""
    heard = [message for stream in capture.streams() for message in messages(stream.received)]
    return {prefix for told in by_exabgp(heard) for prefix in told.get("announced", ())}


@pytest.mark.parametrize("make", FORWARDING)
def test_a_client_behind_a_router_reaches_every_node_that_tells_of_an_address(
    lab: Lab, make: str
) -> None:
    vip = COLOURED.removesuffix("/32")
    neighbours = neighbours_of(lab.nodes, OTHER, (IPV4, IPV6))
    host = lab.routers[0]
    lab.program_services([ServiceRule(vip, 80, lab.backends(), local=True)])
    peer = str(host.address), ROUTERS
    speakers = [
        ExaBgp(node, [Peer(*peer, str(node.address), OTHER, (IPV4, IPV6))]) for node in lab.nodes
    ]
    six = {str(node.address6) for node in lab.nodes}
    with MAKES[make](host, Settings(ROUTERS, neighbours)) as router:
        for speaker in speakers:
            speaker.start()
        established(router)
        for speaker, node in zip(speakers, lab.nodes, strict=True):
            speaker.announce(*told(node))
        eventually(
            lambda: next_hops(host, vip) == {str(n.address) for n in lab.nodes}, what="paths"
        )
        eventually(lambda: next_hops(host, SIX, "-6") == six, what="paths of IPv6")

        reach_every_pod(lab, vip)

        for speaker in speakers:
            speaker.stop()
        eventually(lambda: next_hops(host, vip) == set(), what="the kernel has no path any more")


@pytest.mark.parametrize("make", MAKES)
def test_of_a_router_nothing_is_left_in_the_lab_or_on_the_machine(make: str) -> None:
    before, files = leftovers(), machine()
    with Lab(unique_name(), nodes=1, routers=1, pods=False) as own:
        router = MAKES[make](own.routers[0], Settings(ROUTERS, (Neighbour("192.0.2.11", OTHER),)))
        router.start()
        started = router.processes
        assert all(process.alive for process in started)
    assert not any(process.alive for process in started)
    assert leftovers() == before
    assert machine() == files


def machine() -> set[str]:
    """What routers of the machine's own have in /run, where Debian's packages put it."""
    return {
        str(path)
        for path in File("/run").rglob("*")
        if re.search("frr|bird|bgp", str(path)) and not path.is_relative_to(BASE)
    }


def test_a_router_that_cannot_read_its_configuration_says_so(lab: Lab) -> None:
    broken = Settings(ROUTERS, extra=("this is no statement",))
    with pytest.raises(LabError, match="router1-bird ended; its log ends with"):
        MAKES["bird"](lab.routers[0], broken).start()
