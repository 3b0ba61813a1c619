"""What the speakers report, as objects and back: SpeakerStatus, ServiceL2Status, ServiceBGPStatus.

Each value and its object hold the same, so parse(render(value)) is the value. What `summary` says
stands in the object beside it: a column of kubectl shows the first item of a list and no other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from vipcast.kube.bgpstatus import parse_peer, render_peer
from vipcast.kube.fields import Fields, open_object
from vipcast.kube.render import object_name, whole
from vipcast.model.objects import Key
from vipcast.model.raw import SERVICE_BGP_STATUS, SERVICE_L2_STATUS, SPEAKER_STATUS, Raw, Ref
from vipcast.model.status import (
    BgpStatus,
    Holding,
    InterfaceReport,
    L2Status,
    MemberReport,
    PeerReport,
    SegmentReport,
    SpeakerReport,
    Unannounced,
)

NODE_LABEL = "metallb.io/node"
SERVICE_NAME_LABEL = "metallb.io/service-name"
SERVICE_NAMESPACE_LABEL = "metallb.io/service-namespace"

_MOST = 2**64 - 1


def l2_status_ref(namespace: str, service: Key, node: str) -> Ref:
    """The object that says what a node holds for a Service; `namespace` is that of the programs."""
    return Ref(
        SERVICE_L2_STATUS, Key(namespace, object_name(service.name, service.namespace, node))
    )


def render_l2_status(namespace: str, value: L2Status) -> tuple[Ref, dict[str, Any]]:
    """The object for `Source.put`."""
    ref = l2_status_ref(namespace, value.service, value.node)
    holdings = [
        {
            "interface": holding.interface,
            "address": holding.address,
            "epoch": holding.epoch,
            "reason": str(holding.reason),
            "since": holding.since,
            "mac": holding.mac,
        }
        for holding in value.holdings
    ]
    status = {
        **_identity(value),
        "interfaces": [{"name": name} for name in value.interfaces],
        "holdings": holdings,
        "summary": {"addresses": _joined(holding.address for holding in value.holdings)},
    }
    return ref, whole(ref, labels=_labels(value), status=status)


def parse_l2_status(raw: Raw) -> L2Status:
    """Raises ParseError."""
    _, top = open_object(raw, SERVICE_L2_STATUS.name)
    status = top.below("status")
    return L2Status(
        node=status.text("node"),
        service=_service(status),
        holdings=tuple(
            Holding(
                interface=holding.text("interface"),
                address=holding.text("address"),
                epoch=holding.number("epoch", 0, _MOST, 0),
                reason=holding.text("reason"),
                since=holding.text("since"),
                mac=holding.text("mac"),
            )
            for holding in status.items("holdings")
        ),
    )


def bgp_status_ref(namespace: str, service: Key, node: str) -> Ref:
    """The object that says to which routers a node tells the routes of a Service."""
    name = object_name(service.name, service.namespace, node)
    return Ref(SERVICE_BGP_STATUS, Key(namespace, name))


def render_bgp_status(namespace: str, value: BgpStatus) -> tuple[Ref, dict[str, Any]]:
    """The object for `Source.put`."""
    ref = bgp_status_ref(namespace, value.service, value.node)
    status = {
        **_identity(value),
        "peers": list(value.peers),
        "summary": {"peers": _joined(value.peers)},
    }
    return ref, whole(ref, labels=_labels(value), status=status)


def parse_bgp_status(raw: Raw) -> BgpStatus:
    """Raises ParseError."""
    _, top = open_object(raw, SERVICE_BGP_STATUS.name)
    status = top.below("status")
    return BgpStatus(status.text("node"), _service(status), status.texts("peers"))


def _labels(value: L2Status | BgpStatus) -> dict[str, str]:
    return {
        NODE_LABEL: value.node,
        SERVICE_NAME_LABEL: value.service.name,
        SERVICE_NAMESPACE_LABEL: value.service.namespace,
    }


def _identity(value: L2Status | BgpStatus) -> dict[str, Any]:
    return {
        "node": value.node,
        "serviceName": value.service.name,
        "serviceNamespace": value.service.namespace,
    }


def _service(status: Fields) -> Key:
    return Key(status.text("serviceNamespace"), status.text("serviceName"))


def speaker_status_ref(namespace: str, node: str) -> Ref:
    """The object in which the speaker on a node reports; `namespace` is that of the programs."""
    return Ref(SPEAKER_STATUS, Key(namespace, node))


def render_speaker_status(namespace: str, value: SpeakerReport) -> tuple[Ref, dict[str, Any]]:
    """The object for `Source.put`."""
    ref = speaker_status_ref(namespace, value.node)
    status = {
        "node": value.node,
        "started": value.started,
        "xdpMode": value.xdp_mode,
        "boot": value.boot,
        "term": value.term,
        "interfaces": [_interface(one) for one in value.interfaces],
        "segments": [_segment(one) for one in value.segments],
        "unannounced": [
            {
                "service": str(one.service),
                "address": one.address,
                "reason": str(one.reason),
                "message": one.message,
                "protocol": one.protocol,
            }
            for one in value.unannounced
        ],
        "peers": [render_peer(one) for one in value.peers],
        "summary": {
            "interfaces": _joined(one.name for one in value.interfaces if one.answering),
            "members": len({one.node for each in value.segments for one in each.members}),
            "sessions": _sessions(value.peers),
        },
    }
    return ref, whole(ref, status=status)


def parse_speaker_status(raw: Raw) -> SpeakerReport:
    """Raises ParseError."""
    _, top = open_object(raw, SPEAKER_STATUS.name)
    status = top.below("status")
    return SpeakerReport(
        node=status.text("node"),
        started=status.text("started"),
        xdp_mode=status.text("xdpMode"),
        boot=status.text("boot"),
        term=status.number("term", 0, _MOST, 0),
        interfaces=tuple(_parse_interface(one) for one in status.items("interfaces")),
        segments=tuple(_parse_segment(one) for one in status.items("segments")),
        unannounced=tuple(_parse_unannounced(one) for one in status.items("unannounced")),
        peers=tuple(parse_peer(one) for one in status.items("peers")),
    )


def _sessions(peers: Collection[PeerReport]) -> str:
    """How many stand, of how many there should be; "" where there should be none."""
    return f"{sum(one.established for one in peers)}/{len(peers)}" if peers else ""


def _joined(texts: Iterable[str]) -> str:
    """Each text once, with commas between them."""
    return ",".join(dict.fromkeys(texts))


def _interface(value: InterfaceReport) -> dict[str, Any]:
    return {
        "name": value.name,
        "ifindex": value.index,
        "mac": value.mac,
        "answering": value.answering,
        "mode": value.mode,
        "modeWanted": value.mode_wanted,
        "reason": str(value.reason),
        "message": value.message,
    }


def _parse_interface(fields: Fields) -> InterfaceReport:
    return InterfaceReport(
        name=fields.text("name"),
        index=fields.number("ifindex", 0, _MOST, 0),
        mac=fields.text("mac"),
        answering=fields.flag("answering", default=False),
        mode=fields.text("mode"),
        mode_wanted=fields.text("modeWanted"),
        reason=fields.text("reason"),
        message=fields.text("message"),
    )


def _segment(value: SegmentReport) -> dict[str, Any]:
    members = [
        {"node": one.node, "address": one.address, "mac": one.mac, "away": one.away}
        for one in value.members
    ]
    return {
        "interface": value.interface,
        "learning": value.learning,
        "key": value.key,
        "members": members,
        "problems": [str(problem) for problem in value.problems],
    }


def _parse_segment(fields: Fields) -> SegmentReport:
    return SegmentReport(
        interface=fields.text("interface"),
        learning=fields.flag("learning", default=False),
        key=fields.flag("key", default=False),
        members=tuple(
            MemberReport(
                node=one.text("node"),
                address=one.text("address"),
                mac=one.text("mac"),
                away=one.flag("away", default=False),
            )
            for one in fields.items("members")
        ),
        problems=fields.texts("problems"),
    )


def _parse_unannounced(fields: Fields) -> Unannounced:
    namespace, _, name = fields.text("service").rpartition("/")
    return Unannounced(
        service=Key(namespace, name),
        address=fields.text("address"),
        reason=fields.text("reason"),
        message=fields.text("message"),
        protocol=fields.text("protocol"),
    )
