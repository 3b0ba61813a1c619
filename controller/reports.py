"""What the operator sees of the controller: lines of the log, in MetalLB's words, and the metrics.

Every happening has its line here, once: what came in, what was decided and written, what failed.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from controller.desk import Desk
from controller.reconcile import Outcome
from vipcast.config import Config, ConfigState
from vipcast.model.addresses import Address, Family
from vipcast.model.errors import Finding, SourceError
from vipcast.model.objects import Key
from vipcast.model.raw import EventType, Ref
from vipcast.model.reasons import Reason
from vipcast.ops.log import event, failure
from vipcast.ops.samples import ControllerSample, PoolSample

log = logging.getLogger(__name__)


def sample(desk: Desk) -> ControllerSample:
    """How things are, for the metrics."""
    if desk.config is None:
        return ControllerSample((), _without_address(desk))
    holders: Counter[str] = Counter()
    for addresses in desk.ledger.holdings().values():
        pools = {pool.name for ip in addresses if (pool := desk.config.pool_of(ip))}
        holders.update(pools)
    usage = {(use.pool, use.family): use for use in desk.ledger.usage()}
    return ControllerSample(
        tuple(
            PoolSample(
                name=pool.name,
                capacity_v4=usage[pool.name, Family.IPV4].capacity,
                capacity_v6=usage[pool.name, Family.IPV6].capacity,
                used_v4=usage[pool.name, Family.IPV4].in_use,
                used_v6=usage[pool.name, Family.IPV6].in_use,
                services=holders[pool.name],
            )
            for pool in desk.config.pools
        ),
        _without_address(desk),
    )


def _without_address(desk: Desk) -> Counter[Reason]:
    """Services on which no address of ours stands, by reason."""
    fought = desk.feuds.writers
    waiting = Counter(reason for key, reason in desk.waiting.items() if key not in fought)
    if fought:
        waiting[Reason.STATUS_CONTESTED] = len(fought)
    return waiting


def tell_config(config: Config) -> None:
    """Another configuration is in force, or what is written is the one in force again."""
    pools = [pool.name for pool in config.pools]
    event(log, "configLoaded", "config (re)loaded", config=config.source, pools=pools)


def tell_stale(state: ConfigState) -> None:
    """The newest configuration is refused, or there is none."""
    error = "; ".join(str(finding) for finding in state.findings)
    if state.loaded:
        message = "config (re)load failed, config marked stale; the last good one stays in force"
        event(log, "configStale", message, level=logging.ERROR, error=error)
    else:
        failure(log, "loadConfig", "there is no valid config, no Service gets an address", error)


def tell_warning(warning: Finding) -> None:
    """Something of the configuration is accepted and has no effect."""
    event(log, "configWarning", str(warning), level=logging.WARNING)


def tell_problem(problem: Finding) -> None:
    """A file or an object is not read."""
    what = (
        "an object cannot be read and stays as it was" if problem.kept else "an object is not read"
    )
    failure(log, "readObject", what, str(problem))


def tell_deleted(service: Key, freed: Iterable[Address]) -> None:
    """A Service is gone, and with it its hold on addresses."""
    ips = [str(address) for address in freed]
    event(log, "serviceDeleted", "service deleted", service=str(service), ips=ips)


@contextmanager
def telling(outcome: Outcome) -> Iterator[None]:
    """At debug, the lines around every look at a Service, and that nothing came of it."""
    debug, service = logging.DEBUG, str(outcome.service)
    event(log, "startUpdate", "start of service update", level=debug, service=service)
    if outcome.reason is Reason.NO_CONFIG:
        event(log, "noConfig", "still waiting for config", level=debug, service=service)
    elif outcome.status is None:
        reason = outcome.reason
        event(log, "noChange", "nothing to write", level=debug, service=service, reason=reason)
    try:
        yield
    finally:
        event(log, "endUpdate", "end of service update", level=debug, service=service)


def tell_written(outcome: Outcome) -> None:
    """A Service's status was written; what was taken back, and why, stands in the same line."""
    fields: dict[str, Any] = {
        "service": str(outcome.service),
        "ips": list(outcome.status.ingress) if outcome.status else [],
        "reason": outcome.reason,
    }
    taken = [note.message for note in outcome.events if note.reason == "ClearAssignment"]
    if taken:
        fields["takenBack"] = taken
    event(log, "serviceUpdated", "updated service object", **fields)


def tell_outcome(outcome: Outcome) -> None:
    """The lines that go with an outcome's Events."""
    service, reason = str(outcome.service), outcome.reason
    for note in outcome.events:
        if note.reason == "deprecatedAnnotation":
            level = logging.WARNING
            event(log, "deprecatedAnnotation", note.message, level=level, service=service)
        elif reason is Reason.STATUS_CONTESTED:
            level = logging.WARNING
            event(log, "statusContested", note.message, level=level, service=service)
        elif note.type is EventType.WARNING:
            given = outcome.assignment is not None
            failure(
                log,
                "allocateIPs",
                "service gets not all that it asks for" if given else "IP allocation failed",
                note.message,
                service=service,
                reason=reason,
            )
        elif note.reason == "IPAllocated" and outcome.assignment is not None:
            event(
                log,
                "ipAllocated",
                "IP address assigned by controller",
                service=service,
                ip=str(outcome.assignment.address),
                pool=outcome.assignment.pool,
                reason=reason,
            )
        else:
            event(log, "clearAssignment", note.message, service=service)


def tell_refused(ref: Ref, error: SourceError, failures: int, seconds: float) -> None:
    """The source refused a write, which is tried again in so many seconds."""
    failure(
        log,
        "write",
        "the source refused a write, which is tried again",
        error,
        object=str(ref),
        failures=failures,
        again=round(seconds, 3),
    )


def tell_secret(secret: Ref) -> None:
    """The key of the speakers' hellos was made."""
    event(log, "secretCreated", "made the key of the speakers' hellos", secret=str(secret.key))


def tell_lost_events(count: int, error: SourceError) -> None:
    """At the end of the program some Events could not be recorded."""
    failure(log, "recordEvents", "the last Events are lost", error, count=count)
