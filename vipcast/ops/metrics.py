"""Metrics of both programs; the one importer of prometheus_client.

The programs keep no series. When somebody asks, `read` returns how things are as a frozen sample
(vipcast.ops.samples), and all series are made from that: what is gone from the sample is gone from
the answer. Only what happens between two questions is counted here.

    page = metrics.take()     on the program's loop: reads the sample
    page.text()               in any thread: the Prometheus text format, version 0.0.4
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import prometheus_client
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from vipcast.model.reasons import Reason
from vipcast.ops import bgpfamilies as bgp
from vipcast.ops import families as f
from vipcast.ops.family import Family
from vipcast.ops.parser import version
from vipcast.ops.samples import ControllerSample, PeerSample, SegmentSample, SpeakerSample
from vipcast.ports import SourceHealth

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
TAKEOVER_BUCKETS: Final = (0.1, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
"""Seconds; 1.3 to 1.5 is what a lost node costs, 2 is what must not be passed."""


Row = tuple[Family, tuple[str, ...], float]
"""Family, values of its labels, number."""


class Page(Collector):
    """One answer to one question, taken at one moment."""

    def __init__(self, shown: tuple[Family, ...], rows: Iterable[Row], more: Collector) -> None:
        self._shown = shown
        self._rows = tuple(rows)
        self._more = tuple(more.collect())

    def collect(self) -> Iterator[Metric]:
        """Families in their declared order; one that has labels and no series is left out."""
        found: dict[Family, Metric] = {}
        for family, values, number in self._rows:
            if family not in found:
                found[family] = _metric(family)
            labels = dict(zip(family.labels, values, strict=True))
            found[family].add_sample(family.name, labels, number)
        for family in self._shown:
            if family in found:
                yield found[family]
        yield from self._more

    def text(self) -> bytes:
        """The page as Prometheus reads it."""
        text = prometheus_client.generate_latest(self).decode()
        # The library allows a counter no name without _total. MetalLB has such names: they go
        # through it without a type, and get it here.
        return re.sub(r"^(# TYPE \S+) untyped$", r"\1 counter", text, flags=re.MULTILINE).encode()


class _Metrics:
    """What controller and speaker have in common."""

    def __init__(
        self,
        shown: tuple[Family, ...],
        source: Callable[[], SourceHealth],
        lag: Callable[[], float],
    ) -> None:
        self._shown = shown
        self._source = source
        self._lag = lag
        self._version = version()
        self._counts: Counter[tuple[Family, tuple[str, ...]]] = Counter()
        self._config = (False, False, 0, 0)
        self._registry = prometheus_client.CollectorRegistry()
        prometheus_client.ProcessCollector(registry=self._registry)

    def handled(self, objects: int = 1, *, failed: bool = False) -> None:
        """So many objects were worked on, or one without success."""
        self._counts[f.UPDATES, ()] += objects
        self._counts[f.UPDATE_ERRORS, ()] += failed

    def config(self, *, loaded: bool, stale: bool, findings: int, warnings: int = 0) -> None:
        """How the configuration stands: one in force, a newer one refused, errors in the newest,
        and values without effect in the one in force."""
        self._config = (loaded, stale, findings, warnings)

    def take(self) -> Page:
        """How things are now. Call it where the program's state may be read: on its loop."""
        return Page(self._shown, self._rows(), self._registry)

    def _rows(self) -> Iterator[Row]:
        source = self._source()
        loaded, stale, findings, warnings = self._config
        yield f.BUILD_INFO, (self._version,), 1
        yield f.UPDATES, (), self._counts[f.UPDATES, ()]
        yield f.UPDATE_ERRORS, (), self._counts[f.UPDATE_ERRORS, ()]
        yield f.CONFIG_LOADED, (), loaded
        yield f.CONFIG_STALE, (), stale
        yield f.CONFIG_FINDINGS, (), findings
        yield f.CONFIG_WARNINGS, (), warnings
        yield f.SOURCE_ALIVE, (), source.alive
        yield f.SOURCE_SYNCED, (), source.synced
        yield f.SOURCE_PROBLEMS, (), len(source.problems)
        yield f.LOOP_LAG, (), self._lag()


class ControllerMetrics(_Metrics):
    """The controller's page."""

    def __init__(
        self,
        *,
        source: Callable[[], SourceHealth],
        lag: Callable[[], float],
        read: Callable[[], ControllerSample],
    ) -> None:
        super().__init__(f.CONTROLLER, source, lag)
        self._read = read

    def _rows(self) -> Iterator[Row]:
        yield from super()._rows()
        sample = self._read()
        for pool in sample.pools:
            name = (pool.name,)
            yield f.ADDRESSES, name, pool.capacity_v4 + pool.capacity_v6
            yield f.ADDRESSES_V4, name, pool.capacity_v4
            yield f.ADDRESSES_V6, name, pool.capacity_v6
            yield f.IN_USE, name, pool.used_v4 + pool.used_v6
            yield f.IN_USE_V4, name, pool.used_v4
            yield f.IN_USE_V6, name, pool.used_v6
            yield f.SERVICES, name, pool.services
        for reason, count in sample.without_address.items():
            yield f.WITHOUT_ADDRESS, (reason,), count


class SpeakerMetrics(_Metrics):
    """The speaker's page."""

    def __init__(
        self,
        *,
        node: str,
        source: Callable[[], SourceHealth],
        lag: Callable[[], float],
        read: Callable[[], SpeakerSample],
    ) -> None:
        super().__init__(f.SPEAKER, source, lag)
        self._node = node
        self._read = read
        self._takeover = Buckets()
        self._registry.register(self._takeover)

    def took(self, reason: Reason, after: float | None = None) -> None:
        """This node took an address; `after` seconds without a sign of the holder that was lost."""
        self._counts[f.TAKEN, (reason,)] += 1
        if after is not None:
            self._takeover.observe(after)

    def gave_up(self, reason: Reason) -> None:
        """This node held an address and holds it no more."""
        self._counts[f.GIVEN_UP, (reason,)] += 1

    def _rows(self) -> Iterator[Row]:
        yield from super()._rows()
        sample = self._read()
        for service, ip in sample.announced:
            yield f.ANNOUNCED, (service, "layer2", self._node, ip), 1
        for service, ip in sample.told:
            yield f.ANNOUNCED, (service, "bgp", self._node, ip), 1
        for reason, count in sample.unannounced.items():
            yield f.UNANNOUNCED, (reason,), count
        yield from _requests(sample)
        yield f.GRATUITOUS_FAILED, (), sample.ungreeted
        for interface in sample.interfaces:
            yield f.INTERFACE, (interface.name, interface.mode), interface.answering
        for segment in sample.segments:
            yield from _segment(segment)
        for cause, count in sample.hello_failures.items():
            yield f.HELLO_FAILURES, (cause,), count
        for (family, labels), count in self._counts.items():
            if family in (f.TAKEN, f.GIVEN_UP):
                yield family, labels, count
        yield f.LEASE_GAPS, (), sample.lease_gaps
        for peer in sample.peers:
            yield from _peer(peer)


class Buckets(Collector):
    """The histogram of takeovers."""

    def __init__(self) -> None:
        self._counts = [0] * (len(TAKEOVER_BUCKETS) + 1)
        self._sum = 0.0

    def observe(self, seconds: float) -> None:
        """One takeover."""
        self._sum += seconds
        place = sum(seconds > bound for bound in TAKEOVER_BUCKETS)
        self._counts[place] += 1

    def collect(self) -> Iterator[Metric]:
        """One family, each bucket with all that is below it."""
        bounds = [*(str(bound) for bound in TAKEOVER_BUCKETS), "+Inf"]
        totals = [sum(self._counts[: place + 1]) for place in range(len(bounds))]
        yield HistogramMetricFamily(
            f.TAKEOVER.name,
            f.TAKEOVER.help,
            buckets=list(zip(bounds, totals, strict=True)),
            sum_value=self._sum,
        )


def _requests(sample: SpeakerSample) -> Iterator[Row]:
    """Verdicts of the XDP program; a reason that never occurred makes no series."""
    received: Counter[str] = Counter()
    answered: Counter[str] = Counter()
    for ip, verdict, count in sample.verdicts:
        received[ip] += count
        kind, _, why = verdict.partition("_")
        if kind == "answered":
            answered[ip] = count
        elif count:
            yield f.DROPPED if kind == "dropped" else f.PASSED, (ip, _camel(why)), count
    for ip, count in received.items():
        yield f.REQUESTS, (ip,), count
        yield f.RESPONSES, (ip,), answered[ip]
    for ip, count in sample.greeted.items():
        yield f.GRATUITOUS, (ip,), count


def _segment(segment: SegmentSample) -> Iterator[Row]:
    name = (segment.interface,)
    for reason in sorted(segment.conditions):
        yield f.CONDITION, (*name, reason), 1
    yield f.MEMBERS, name, segment.members
    yield f.HELLOS_SENT, name, segment.hellos_sent
    yield f.HELLOS_RECEIVED, name, segment.hellos_received
    for cause, count in segment.hellos_rejected.items():
        yield f.HELLOS_REJECTED, (*name, cause), count


def _peer(sample: PeerSample) -> Iterator[Row]:
    """One router."""
    name, in_frr = (sample.peer,), (sample.peer, "")
    sent, received = Counter(sample.sent), Counter(sample.received)
    yield bgp.UP, name, sample.up
    yield bgp.UPDATES, name, sent["UPDATE"]
    yield bgp.ANNOUNCED, name, sample.announced
    yield bgp.PENDING, name, sample.pending
    yield bgp.OPENS_SENT, in_frr, sent["OPEN"]
    yield bgp.OPENS_RECEIVED, in_frr, received["OPEN"]
    yield bgp.NOTIFICATIONS_SENT, in_frr, sent["NOTIFICATION"]
    yield bgp.UPDATES_RECEIVED, in_frr, received["UPDATE"]
    yield bgp.KEEPALIVES_SENT, in_frr, sent["KEEPALIVE"]
    yield bgp.KEEPALIVES_RECEIVED, in_frr, received["KEEPALIVE"]
    yield bgp.REFRESHES_SENT, in_frr, sent["ROUTE_REFRESH"]
    yield bgp.SENT, in_frr, sent.total()
    yield bgp.RECEIVED, in_frr, received.total()
    if not sample.up:
        yield bgp.DOWN, (sample.peer, sample.down), 1
    for direction, error in sample.errors.items():
        yield bgp.LAST_ERROR, (sample.peer, direction, error), 1
    if sample.without_bfd:
        yield bgp.WITHOUT_BFD, name, 1


def _camel(words: str) -> str:
    """lease_over → leaseOver, as reasons are written everywhere else."""
    first, *others = words.split("_")
    return first + "".join(word.capitalize() for word in others)


def _metric(family: Family) -> Metric:
    if family.type == "counter" and not family.name.endswith("_total"):
        return Metric(family.name, family.help, "unknown")
    return Metric(
        family.name.removesuffix("_total") if family.type == "counter" else family.name,
        family.help,
        family.type,
    )
