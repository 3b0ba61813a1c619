"""Kubernetes objects as they cross the Source: raw dicts, their names, changes and Events.

A raw object is a mapping as JSON has it, with the defaults filled in that an API server applies.
Nobody changes one in place: the Source hands the same dict to everybody who asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from vipcast.model.errors import Finding
from vipcast.model.objects import Key

Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """Group (with version stripped) and kind; the core group is ""."""

    group: str
    name: str

    def __str__(self) -> str:
        return f"{self.name}.{self.group}" if self.group else self.name


NODE = Kind("", "Node")
NAMESPACE = Kind("", "Namespace")
SERVICE = Kind("", "Service")
SECRET = Kind("", "Secret")
CONFIG_MAP = Kind("", "ConfigMap")
EVENT = Kind("", "Event")
POD = Kind("", "Pod")
ENDPOINT_SLICE = Kind("discovery.k8s.io", "EndpointSlice")
IP_ADDRESS_POOL = Kind("metallb.io", "IPAddressPool")
L2_ADVERTISEMENT = Kind("metallb.io", "L2Advertisement")
BGP_PEER = Kind("metallb.io", "BGPPeer")
BGP_ADVERTISEMENT = Kind("metallb.io", "BGPAdvertisement")
COMMUNITY = Kind("metallb.io", "Community")
BFD_PROFILE = Kind("metallb.io", "BFDProfile")
SERVICE_L2_STATUS = Kind("metallb.io", "ServiceL2Status")
SERVICE_BGP_STATUS = Kind("metallb.io", "ServiceBGPStatus")
CONFIGURATION_STATE = Kind("metallb.io", "ConfigurationState")
SPEAKER_STATUS = Kind("vipcast.io", "SpeakerStatus")

# The version of each kind that is asked for and written.
VERSIONS: Mapping[Kind, str] = {
    NODE: "v1",
    NAMESPACE: "v1",
    SERVICE: "v1",
    SECRET: "v1",
    CONFIG_MAP: "v1",
    EVENT: "v1",
    ENDPOINT_SLICE: "v1",
    IP_ADDRESS_POOL: "v1beta1",
    L2_ADVERTISEMENT: "v1beta1",
    BGP_PEER: "v1beta2",
    BGP_ADVERTISEMENT: "v1beta1",
    COMMUNITY: "v1beta1",
    BFD_PROFILE: "v1beta1",
    SERVICE_L2_STATUS: "v1beta1",
    SERVICE_BGP_STATUS: "v1beta1",
    CONFIGURATION_STATE: "v1beta1",
    SPEAKER_STATUS: "v1alpha1",
}
# Kinds that an API server alone has, and nobody keeps in files for us.
SERVER_VERSIONS: Mapping[Kind, str] = {POD: "v1"}
# Versions that are read as well: each of their fields means the same as in the other.
OLDER_VERSIONS: Mapping[Kind, tuple[str, ...]] = {BGP_PEER: ("v1beta1",)}
CLUSTER_WIDE = frozenset({NODE, NAMESPACE})


def api_version(kind: Kind) -> str:
    """The text of `apiVersion` for a kind: "v1", "metallb.io/v1beta1"."""
    return _with_group(kind, VERSIONS.get(kind) or SERVER_VERSIONS[kind])


def api_versions(kind: Kind) -> tuple[str, ...]:
    """Every `apiVersion` that objects of a kind are read under, first the one that is asked for."""
    older = OLDER_VERSIONS.get(kind, ())
    return tuple(_with_group(kind, version) for version in (VERSIONS[kind], *older))


def _with_group(kind: Kind, version: str) -> str:
    return f"{kind.group}/{version}" if kind.group else version


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """Names one object."""

    kind: Kind
    key: Key

    def __str__(self) -> str:
        return f"{self.kind.name} {self.key}"


@dataclass(frozen=True, slots=True)
class Owner:
    """The object that others go with: where it is deleted, so are they (ownerReferences)."""

    ref: Ref
    uid: str


@dataclass(frozen=True, slots=True)
class Delta:
    """One object as it is now, or `raw is None`: it is gone."""

    ref: Ref
    raw: Raw | None


@dataclass(frozen=True, slots=True)
class Batch:
    """What changed since the last batch, in any order, each object at most once.

    `synced` is true from the batch that completes the first snapshot on. `problems` is the whole
    list of files or objects that cannot be read now (not only the new ones); the last readable
    state of their objects stays in force. `unclaimed` is what this reader has written as a status
    on objects that nobody can see now, as long as they may be among what cannot be read. `partial`:
    there may be such objects.
    """

    deltas: tuple[Delta, ...]
    synced: bool
    problems: tuple[Finding, ...] = ()
    unclaimed: tuple[Delta, ...] = ()
    partial: bool = False


class EventType(StrEnum):
    """Event.type."""

    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True, slots=True)
class EventNote:
    """An Event to record on an object: reason in MetalLB's spelling, message as a sentence."""

    about: Ref
    type: EventType
    reason: str
    message: str
