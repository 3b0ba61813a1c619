"""`vipcast explain SERVICE`: why it has or lacks an address, who answers, what comes next. PURE.

explain(world, service) -> Explanation      printed by vipcast.cli.sentences
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vipcast.cli.announcing import Announcement, announcement
from vipcast.cli.components import ConfigReport
from vipcast.cli.routed import Routed
from vipcast.cli.wording import said, why
from vipcast.cli.world import World
from vipcast.kube.parse import SERVICE_LABEL
from vipcast.kube.store import Store
from vipcast.model.objects import Key, Service
from vipcast.model.raw import ENDPOINT_SLICE, Raw, Ref
from vipcast.model.reasons import Reason, status_contested


@dataclass(frozen=True, slots=True)
class Given:
    """The controller's answer. `next` is "" where nothing is to come."""

    addresses: tuple[str, ...]
    pool: str
    reason: str
    message: str
    since: str = ""
    next: str = ""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """How many endpoints can serve, and on which nodes; `unread`: a slice cannot be read."""

    serving: int
    nodes: tuple[str, ...]
    policy: str
    unread: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """All there is to say about one Service."""

    service: Key
    given: Given
    endpoints: Endpoints | None
    announcements: tuple[Announcement, ...]
    routes: tuple[Routed, ...]
    controller: str
    config: tuple[ConfigReport, ...]
    problems: tuple[str, ...]

    @property
    def well(self) -> bool:
        """Whether it has an address, on every segment a node answers and of every route a router is
        told, and all is read."""
        well = (
            *(bool(one.line.holder) for one in self.announcements),
            *(one.told for one in self.routes),
        )
        return bool(well) and all(well) and not self.problems


def explain(world: World, service: Service) -> Explanation:
    """The explanation of one Service."""
    store, picture = world.store, world.picture
    lines, routes = picture.of(service.key), picture.routes_of(service.key)
    slices = _unread_slices(store, service)
    return Explanation(
        service=service.key,
        given=_given(world, service),
        endpoints=_endpoints(store, service, unread=bool(slices)) if lines or routes else None,
        announcements=tuple(announcement(world, service, line) for line in lines if line.address),
        routes=routes,
        controller=picture.controller.problem,
        config=tuple(report for report in picture.config if report.result == "Invalid"),
        problems=(
            *(
                str(one)
                for one in store.findings
                if one.object == f"Service {service.key}" or one.object in slices
            ),
            *picture.differences,
        ),
    )


def _given(world: World, service: Service) -> Given:
    recorded = service.recorded
    writer = world.picture.contested.get(str(service.key))
    if writer is not None:
        message = status_contested(writer, service.ingress)
        coming = "It is written again at the next change of the Service, and tried once in a while."
        return Given(service.ingress, "", Reason.STATUS_CONTESTED, message, "", coming)
    if not service.load_balancer:
        return _none(Reason.NOT_LOAD_BALANCER)
    if service.ingress:
        reason = recorded.reason or Reason.KEPT
        return Given(service.ingress, recorded.pool, reason, told(service), recorded.since)
    if not world.ours(service):
        return _none(world.classes.refuse(service) or Reason.OTHER_CLASS)
    if not recorded.reason:
        return Given((), "", "", "The controller has not said why.")
    coming = "It is decided anew when Service or configuration change or an address is freed."
    message = said(recorded.reason, recorded.message)
    return Given((), "", recorded.reason, message, recorded.since, coming)


def told(service: Service) -> str:
    """What the controller says about an address that it gave, beyond that it gave it."""
    recorded = service.recorded
    reason = recorded.reason or Reason.KEPT
    if reason != Reason.ALLOCATED:
        return said(reason, recorded.message)
    given = f"{', '.join(service.ingress)} from pool {recorded.pool}."
    return " ".join(filter(None, (why(reason), recorded.message.removeprefix(given).strip())))


def _none(reason: Reason) -> Given:
    return Given((), "", reason, said(reason))


def _unread_slices(store: Store, service: Service) -> frozenset[str]:
    """The EndpointSlices of a Service that cannot be read now, as findings name them."""
    bad = {one.object for one in store.findings}
    return frozenset(
        str(ref)
        for key, raw in store.raws(ENDPOINT_SLICE).items()
        if str(ref := Ref(ENDPOINT_SLICE, key)) in bad
        and key.namespace == service.key.namespace
        and _label(raw, SERVICE_LABEL) == service.key.name
    )


def _label(raw: Raw, name: str) -> object:
    metadata = raw.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, Mapping) else None
    return labels.get(name) if isinstance(labels, Mapping) else None


def _endpoints(store: Store, service: Service, *, unread: bool) -> Endpoints:
    serving = [
        endpoint
        for one in store.slices(service.key)
        for endpoint in one.endpoints
        if endpoint.serving or service.publish_not_ready
    ]
    nodes = sorted({endpoint.node for endpoint in serving if endpoint.node})
    return Endpoints(len(serving), tuple(nodes), service.policy, unread)
