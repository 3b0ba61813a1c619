"""The main job as a story in chapters, each told while it happens.

A Service gets an address, one node answers ARP for it inside XDP, a client reaches pods on every
node, and the address moves when the leader's cable is pulled and when its speaker is frozen.
lab.kubernetes.story tells the same of a cluster.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from lab import draw, measure
from lab.cluster import Lab
from lab.host import Host
from lab.measure import Watch
from lab.show import Screen
from lab.vipcast import Vipcast, pool, service
from lab.waiting import until

POOL = "192.0.2.240-192.0.2.249"
SERVICE = "web"
REQUESTS = 30
QUESTIONS = 10_000


MOST_SILENCE = 2000
"""Milliseconds without an answer while an address moves."""
MOST_TWO_MACS = 500
"""Milliseconds in which two nodes may answer once a cable is back; after a freeze none."""


@dataclass(slots=True)
class Findings:
    """What the summary says: what was looked for, what was found, and whether that is well."""

    rows: list[tuple[str, str]] = field(default_factory=list)
    well: list[bool] = field(default_factory=list)

    def add(self, what: str, found: str, well: bool) -> None:
        """One row."""
        self.rows.append((what, found))
        self.well.append(well)


class Story:
    """Told once, on a lab that stands."""

    def __init__(self, lab: Lab, screen: Screen, vipcast: Vipcast | None = None) -> None:
        self.lab = lab
        self.screen = screen
        self.vipcast = vipcast or Vipcast(lab)
        self.findings = Findings()
        self.vip = ""

    @property
    def chapters(self) -> tuple[Callable[[], None], ...]:
        """In the order in which they are told."""
        return (
            self.topology,
            self.start,
            self.address,
            self.leader,
            self.http,
            self.latency,
            self.pulled,
            self.frozen,
            self.summary,
        )

    def tell(self) -> bool:
        """All chapters; whether everything came true."""
        for chapter in self.chapters:
            chapter()
        return all(self.findings.well)

    def topology(self) -> None:
        """What stands."""
        self.screen.heading("A rack: three nodes, a client, one switch")
        self.screen.block("\n".join(draw.topology(self.lab.topology)))

    def start(self) -> None:
        """Programs up, readiness awaited."""
        self.screen.heading("Controller and speakers start, and follow a directory of objects")
        self.programs()

    def programs(self) -> None:
        """Every node answers its own question; the configuration is yet to come."""
        self.vipcast.start()
        self.vipcast.await_checks("config")
        for node in self.lab.nodes:
            self.screen.check(
                f"{node.name}: the responder is attached and answered its own question"
            )

    def address(self) -> None:
        """Pool and Service in, address out."""
        self.screen.heading("A pool and a Service are written; the Service gets an address")
        self.written()

    def written(self) -> None:
        """What users write, and what the Service shows then."""
        self.screen.fact(f"pool default, layer 2: {POOL}")
        self.vipcast.apply("pool", pool([POOL]))
        self.vipcast.apply(SERVICE, service(SERVICE))
        self.vip = self.vipcast.serve(SERVICE)
        first = POOL.partition("-")[0]
        self.screen.check(
            f"Service default/{SERVICE}, type LoadBalancer: {self.vip}", self.vip == first
        )
        self.findings.add("address from the pool", self.vip, self.vip == first)

    def leader(self) -> None:
        """Who leads and why, in the product's own words, and what the client believes."""
        self.screen.heading("One node leads; the client's neighbour entry says the same")
        answering = self.vipcast.await_answer(self.vip)
        self.vipcast.await_holder(SERVICE, answering)
        self.screen.block(self.vipcast.command("status").stdout)
        self.screen.line()
        self.screen.block(self.vipcast.command("explain", SERVICE).stdout)
        self.lab.client.run(["curl", "-sS", "--max-time", "5", f"http://{self.vip}/"])
        mac = self.lab.client.neighbour(self.vip)
        node = self.lab.owner(mac or "")
        self.screen.line()
        self.screen.check(f"client: {self.vip} lladdr {mac} ({node})", node == answering)
        self.findings.add("who answers", f"{answering} alone", node == answering)

    def http(self) -> None:
        """Requests reach pods on every node."""
        self.screen.heading(f"{REQUESTS} HTTP requests to http://{self.vip}/")
        config = "".join(f'url = "http://{self.vip}/"\n' for _ in range(REQUESTS))
        path = self.lab.run.path / "demo.curl"
        path.write_text(config)
        answers = self.lab.client.run(
            ["curl", "-sS", "-H", "Connection: close", "--max-time", "10", "-K", path]
        ).stdout
        pods = Counter(line for line in answers.splitlines() if line)
        for pod, count in sorted(pods.items()):
            self.screen.check(f"{count:2} from {pod}")
        well = len(pods) == len(self.lab.nodes) and pods.total() == REQUESTS
        found = f"{pods.total()} of {REQUESTS}, from pods on {len(pods)} nodes"
        self.findings.add("HTTP answers", found, well)

    def latency(self) -> None:
        """Timed ARP answers."""
        self.screen.heading(f"{QUESTIONS:,} ARP questions, one after the other")
        asked = measure.ask(self.lab.client, self.vip, count=QUESTIONS)
        names = list(asked.ns)
        self.screen.table(names, [[f"{asked.ns[name] / 1000:.1f} µs" for name in names]])
        self.screen.fact("from the client's user space and back, over two veth pairs and a bridge")
        owners = " and ".join(self.lab.owner(mac) for mac in asked.macs)
        well = asked.lost == 0 and asked.doubled == 0 and len(asked.macs) == 1
        counted = f"{asked.answered:,} of {asked.sent:,}"
        self.screen.check(f"{counted} answered, by {owners}", well)
        median = asked.ns["p50"] / 1000
        self.findings.add("ARP answers", f"{counted}, median {median:.1f} µs", well)

    def pulled(self) -> None:
        """The leader's port pulled, the VIP moves; put back, nothing moves."""
        with measure.watch(self.lab.client, self.vip) as watch:
            leader = self._holder(watch)
            self.screen.heading(f"The cable of {leader.name}, the leader, is pulled")
            self.lab.switch.pull(leader)
            taker = self._holder(watch, leader)
            self.screen.check(f"{taker.name} answers now")
            self._client_follows(taker)
            self.vipcast.await_unheard(taker, leader)
            self.lab.switch.put_back(leader)
            self._hear_each_other(leader, taker)
        self._moved(watch, "cable pulled", MOST_TWO_MACS)
        self._keeps(watch, "put back", taker)

    def frozen(self) -> None:
        """The leader's speaker frozen (SIGSTOP), the VIP moves; woken, nothing moves."""
        with measure.watch(self.lab.client, self.vip) as watch:
            leader = self._holder(watch)
            self.screen.heading(f"The speaker of {leader.name}, the leader, is frozen (SIGSTOP)")
            self.vipcast.speaker(leader).freeze()
            taker = self._holder(watch, leader)
            self.screen.check(f"{taker.name} answers now; {leader.name} fell silent by itself")
            self._client_follows(taker)
            self.vipcast.await_unheard(taker, leader)
            self.vipcast.speaker(leader).wake()
            self._hear_each_other(leader, taker)
        self._moved(watch, "speaker frozen", 0)
        self._keeps(watch, "woken", taker)

    def _holder(self, watch: Watch, before: Host | None = None) -> Host:
        """The host that answers now, another one than before."""
        mac, _ = watch.moved(self.vip, away_from=before.mac if before else "")
        return self.lab.host(self.lab.owner(mac))

    def _client_follows(self, taker: Host) -> None:
        """The greeting has reached the client's own neighbour table."""

        def follows() -> bool:
            return self.lab.client.neighbour(self.vip) == taker.mac

        until(follows, f"the client's neighbour entry of {self.vip} is {taker.name}'s")
        self.screen.check("the client's neighbour entry followed the gratuitous ARP")

    def _hear_each_other(self, one: Host, other: Host) -> None:
        """Wait until the speakers of both report that they hear each other again."""

        def heard() -> bool:
            return one.name in self.vipcast.heard_by(other) and (
                other.name in self.vipcast.heard_by(one)
            )

        until(heard, f"{one.name} and {other.name} hear each other")

    def _moved(self, watch: Watch, what: str, most_two_macs: int) -> None:
        """Account of a watch: the longest silence, and for how long two MACs answered."""
        seen = watch.seen[self.vip]
        silence, double = seen.longest_silence * 1000, seen.longest_two_macs * 1000
        short, single = silence < MOST_SILENCE, double <= most_two_macs
        self.screen.check(
            f"{silence:,.0f} ms without an answer, {double:,.0f} ms with answers of two nodes",
            short and single,
        )
        limited = f"{silence:,.0f} ms (less than {MOST_SILENCE:,})"
        self.findings.add(f"{what}: no answer for", limited, short)
        limited = f"{double:,.0f} ms (at most {most_two_macs:,})"
        self.findings.add(f"{what}: two answer for", limited, single)

    def _keeps(self, watch: Watch, when: str, taker: Host) -> None:
        """Whether the node that took the address was the last one to answer, too."""
        last = self.lab.owner(watch.seen[self.vip].runs[-1][0])
        well = last == taker.name
        self.screen.check(f"{when}: {last} {'keeps it' if well else 'answers again'}", well)
        self.findings.add(f"{when}: who answers", last, well)

    def summary(self) -> None:
        """Everything once more in a table."""
        self.screen.heading("Summary")
        self.screen.table(("what", "found"), self.findings.rows, self.findings.well)
