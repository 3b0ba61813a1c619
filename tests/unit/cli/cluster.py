"""A directory as controller and speakers leave it, made from the same values that they write."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vipcast.files.dump import dump
from vipcast.kube import render
from vipcast.kube.status import render_l2_status, render_speaker_status
from vipcast.model.errors import Finding
from vipcast.model.objects import Key, Recorded
from vipcast.model.reasons import Reason
from vipcast.model.status import (
    Holding,
    InterfaceReport,
    L2Status,
    MemberReport,
    SegmentReport,
    SpeakerReport,
    Unannounced,
)

NAMESPACE = "metallb-system"
SINCE = "2026-03-01T10:00:00Z"
VIP = "192.0.2.10"
WEB = Key("default", "web")
NODES = ("node1", "node2", "node3")
ALLOCATED = Recorded("home", True, Reason.ALLOCATED, f"{VIP} from pool home.", SINCE)
EXHAUSTED = Recorded(
    reason=Reason.POOL_EXHAUSTED,
    message=(
        "Every address that this Service may have is taken: pool home (1 of 1 in use)."
        " Add addresses to a pool, or delete a Service that is no longer needed."
    ),
    since=SINCE,
)


def mac(node: str, interface: str = "lan0") -> str:
    """Each interface of each node has a MAC of its own."""
    return f"02:00:00:00:{int(interface[-1]):02x}:{int(node.removeprefix('node')):02x}"


def interface(node: str, name: str = "lan0") -> InterfaceReport:
    return InterfaceReport(
        name, 2 + int(name[-1]), mac(node, name), True, "generic", "generic",
        Reason.ATTACHED, "Attached in generic mode: it is a veth.",
    )  # fmt: skip


def segment(node: str, heard: Iterable[str], name: str = "lan0") -> SegmentReport:
    members = (
        MemberReport(one, f"192.0.2.{one[-1]}", mac(one, name)) for one in heard if one != node
    )
    return SegmentReport(name, learning=False, key=True, members=tuple(members))


def report(node: str, heard: Iterable[str] = NODES, name: str = "lan0") -> SpeakerReport:
    """A speaker that answers on one interface and hears the nodes given there."""
    return SpeakerReport(
        node, SINCE, "auto", "00000000000000aa", 1,
        (interface(node, name),), (segment(node, heard, name),),
    )  # fmt: skip


def refusing(node: str, service: Key, reason: Reason) -> SpeakerReport:
    """A speaker that does not announce an address."""
    return replace(report(node), unannounced=(Unannounced(service, VIP, reason, ""),))


def holding(
    node: str, epoch: int, reason: Reason, name: str = "lan0", service: Key = WEB
) -> L2Status:
    """A node that answers for the VIP."""
    return L2Status(node, service, (Holding(name, VIP, epoch, reason, SINCE, mac(node, name)),))


def metallb(kind: str, name: str, **spec: object) -> dict[str, Any]:
    """An object of the configuration, in the form of the kinds."""
    metadata = {"name": name, "namespace": NAMESPACE}
    return {
        "apiVersion": "metallb.io/v1beta1",
        "kind": kind,
        "metadata": metadata,
        "spec": spec,
    }


HOME = metallb("IPAddressPool", "home", addresses=["192.0.2.10-192.0.2.20"])
EVERYWHERE = metallb("L2Advertisement", "everywhere")


class Directory:
    """Objects in files, one after the other."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def put(self, name: str, *objects: Mapping[str, Any]) -> None:
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("---\n".join(dump(one) for one in objects))

    def nodes(self, *names: str, labels: Mapping[str, Mapping[str, str]] | None = None) -> None:
        objects = (
            {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": name, "labels": dict((labels or {}).get(name, {}))},
            }
            for name in names
        )
        self.put("nodes.yaml", *objects)

    def service(
        self,
        name: str,
        recorded: Recorded,
        ingress: Sequence[str] = (),
        *,
        namespace: str = "default",
        endpoints: Sequence[str] = NODES,
        annotations: Mapping[str, str] | None = None,
        **spec: object,
    ) -> None:
        """A Service with one endpoint on each of the nodes given."""
        status, written = render.service_status(ingress, recorded)
        said = {**(annotations or {}), **written}
        metadata = {"name": name, "namespace": namespace, "annotations": said}
        self.put(
            f"{namespace}-{name}.yaml",
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": metadata,
                "spec": {"type": "LoadBalancer", "ports": [{"port": 80}], **spec},
                "status": status,
            },
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {
                    "name": f"{name}-1",
                    "namespace": namespace,
                    "labels": {"kubernetes.io/service-name": name},
                },
                "addressType": "IPv4",
                "endpoints": [
                    {"addresses": [f"10.1.0.{number}"], "nodeName": node}
                    for number, node in enumerate(endpoints, 1)
                ],
            },
        )

    def speakers(self, *reports: SpeakerReport) -> None:
        self.put("speakers.yaml", *(render_speaker_status(NAMESPACE, one)[1] for one in reports))

    def holders(self, *statuses: L2Status) -> None:
        self.put("holders.yaml", *(render_l2_status(NAMESPACE, one)[1] for one in statuses))

    def config(
        self,
        *components: str,
        findings: Sequence[Finding] = (),
        problems: Sequence[Finding] = (),
        warnings: Sequence[Finding] = (),
        contested: Mapping[Key, str] = render.NOBODY,
        heartbeat: str | None = None,
        beats: Mapping[str, str] | None = None,
    ) -> None:
        """What components say of themselves; "" stands for the controller, which lives just now.

        `beats` are the signs of life of nodes' speakers; the others give none.
        """
        beat = render.timestamp(time.time()) if heartbeat is None else heartbeat
        states = (
            render.configuration_state(
                NAMESPACE,
                one,
                loaded=True,
                findings=findings,
                problems=problems,
                warnings=warnings,
                contested={} if one else contested,
                now=SINCE,
                heartbeat=(beats or {}).get(one, "") if one else beat,
            )
            for one in components
        )
        self.put("config.yaml", *(raw for _, raw in states))


def healthy(path: Path) -> Directory:
    """Three nodes, one Service, node2 answers."""
    directory = Directory(path)
    directory.nodes(*NODES)
    directory.service("web", ALLOCATED, [VIP])
    directory.speakers(*(report(node) for node in NODES))
    directory.holders(holding("node2", 1, Reason.FIRST_CLAIM))
    directory.config("", *NODES)
    return directory
