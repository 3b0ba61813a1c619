"""What the programs write, as raw objects: Service status, Event, ConfigurationState, Secret.

Times are made by the caller (`timestamp`) and go in as text, so the same answer is the same object.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from vipcast.kube.parse import CONDITION, POOL_OUTPUT, SECRET_KEY
from vipcast.model.classes import Classes
from vipcast.model.errors import Finding
from vipcast.model.objects import Key, Recorded, Service
from vipcast.model.raw import (
    CONFIGURATION_STATE,
    EVENT,
    SECRET,
    EventNote,
    Raw,
    Ref,
    api_version,
)

COMPONENT_LABEL = "metallb.io/component-type"
NODE_LABEL = "metallb.io/node-name"
RECONCILED = "configReconcilerValid"
READABLE = "vipcast.io/sourceReadable"
WITHOUT_EFFECT = "vipcast.io/withoutEffect"
CONTESTED = "vipcast.io/statusContested"
HEARTBEAT = "heartbeat"
FLAGS = "flags"

_LONGEST_NAME = 253
_LONGEST_MESSAGE = 1024
_LONGEST_LIST = 32_000
"""An API server takes 32,768 characters in the message of a condition."""

NOBODY: Mapping[Key, str] = MappingProxyType({})
NO_FLAGS: Raw = MappingProxyType({})


def timestamp(seconds: float) -> str:
    """Seconds since 1970 as RFC 3339 in UTC, without fractions."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def whole(ref: Ref, **parts: Any) -> dict[str, Any]:
    """An object with its kind, its name and the given parts; `labels` go into the metadata."""
    labels = parts.pop("labels", None)
    metadata: dict[str, Any] = {"name": ref.key.name}
    if ref.key.namespace:
        metadata["namespace"] = ref.key.namespace
    if labels:
        metadata["labels"] = labels
    return {
        "apiVersion": api_version(ref.kind),
        "kind": ref.kind.name,
        "metadata": metadata,
        **parts,
    }


def object_name(*parts: str) -> str:
    """Parts joined by dots; where that is too long for a name, a digest stands for its end."""
    name = ".".join(parts)
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[:200].rstrip('.-')}.{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def service_status(
    ingress: Sequence[str], recorded: Recorded
) -> tuple[dict[str, Any], dict[str, str]]:
    """A Service's status and annotations, for `Source.write_status`; {} takes everything back."""
    if not ingress and recorded == Recorded():
        return {}, {}
    balancer = {"ingress": [{"ip": text} for text in ingress]} if ingress else {}
    condition = {
        "type": CONDITION,
        "status": "True" if recorded.assigned else "False",
        "reason": recorded.reason,
        "message": recorded.message,
        "lastTransitionTime": recorded.since,
    }
    status = {"loadBalancer": balancer, "conditions": [condition]}
    return status, {POOL_OUTPUT: recorded.pool} if recorded.pool else {}


def since(recorded: Recorded, ingress: Sequence[str], before: Service, now: str) -> Recorded:
    """The record with the time since when its answer stands; `before` is the Service as it was.

    That is now where the condition turns, and where other addresses are assigned than stood there
    (of which Kubernetes' own conditions know nothing); else the time that stood there before.
    """
    known = before.recorded
    same = recorded.assigned == known.assigned and set(ingress) == set(before.ingress)
    return replace(recorded, since=known.since if same and known.since else now)


def event_ref(note: EventNote, writer: str, uid: str = "") -> Ref:
    """The name of the Event for a note: equal notes of one writer have one Event.

    `uid` is that of the object, where objects have one: a successor by the same name has Events
    of its own, and kubectl shows no others with it.
    """
    text = "\0".join((writer, str(note.about), note.type, note.reason, note.message, uid))
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]
    namespace = note.about.key.namespace or "default"
    return Ref(EVENT, Key(namespace, object_name(note.about.key.name, digest)))


def event(
    note: EventNote, writer: str, count: int, first: str, last: str, *, uid: str = ""
) -> dict[str, Any]:
    """The Event for a note that was recorded `count` times, first and last at these times."""
    about = {
        "apiVersion": api_version(note.about.kind),
        "kind": note.about.kind.name,
        "name": note.about.key.name,
    }
    if note.about.key.namespace:
        about["namespace"] = note.about.key.namespace
    if uid:
        about["uid"] = uid
    return whole(
        event_ref(note, writer, uid),
        involvedObject=about,
        type=str(note.type),
        reason=note.reason,
        message=note.message[:_LONGEST_MESSAGE],
        source={"component": writer},
        reportingComponent=writer,
        count=count,
        firstTimestamp=first,
        lastTimestamp=last,
    )


def secret(ref: Ref, value: bytes) -> dict[str, Any]:
    """A Secret that holds the key bytes, for `Source.create`."""
    data = {SECRET_KEY: base64.b64encode(value).decode()}
    return whole(ref, type="Opaque", data=data)


def secret_ref(namespace: str, name: str = "memberlist") -> Ref:
    """Where the Secret with the hellos' key is."""
    return Ref(SECRET, Key(namespace, name))


def configuration_state_ref(namespace: str, node: str = "") -> Ref:
    """The ConfigurationState of the controller, or of the speaker on a node."""
    name = object_name(f"speaker-{node}") if node else "controller"
    return Ref(CONFIGURATION_STATE, Key(namespace, name))


def program_flags(classes: Classes, service_cidrs: Iterable[object]) -> dict[str, Any]:
    """The flags of a program on which its decisions rest, for `configuration_state`."""
    return {
        "lbClass": sorted(classes.names),
        "lbClassDefault": classes.default,
        "serviceCIDRs": [str(cidr) for cidr in service_cidrs],
    }


def configuration_state(
    namespace: str,
    node: str,
    *,
    loaded: bool,
    findings: Sequence[Finding],
    problems: Sequence[Finding],
    warnings: Sequence[Finding] = (),
    now: str,
    before: Raw | None = None,
    contested: Mapping[Key, str] = NOBODY,
    heartbeat: str = "",
    flags: Raw = NO_FLAGS,
) -> tuple[Ref, dict[str, Any]]:
    """How a program got on with what users wrote, for `Source.put`.

    `node` is "" for the controller. `findings` are those of the configuration, `problems` those of
    files and other objects, `warnings` those about what has no effect, `contested` the Services
    whose status somebody else keeps writing, with that writer's name. `before` is the object as it
    stands, whose conditions keep the times at which they last turned. `heartbeat` is a time at
    which the program was alive; "": it gives none. `flags` is what `program_flags` has made.
    """
    ref = configuration_state_ref(namespace, node)
    labels = {COMPONENT_LABEL: "speaker" if node else "controller"}
    if node:
        labels[NODE_LABEL] = node
    decisive = (_reconciled(findings, loaded=loaded), _readable(problems))
    conditions = (*decisive, *_remarks(warnings, contested))
    status: dict[str, Any] = {
        "result": _result({condition["status"] for condition in decisive}),
        "errorSummary": _lines((*findings, *problems)),
        "conditions": [_timed(condition, before, now) for condition in conditions],
    }
    if flags:
        status[FLAGS] = dict(flags)
    if heartbeat:
        status[HEARTBEAT] = heartbeat
    return ref, whole(ref, labels=labels, status=status)


def _reconciled(findings: Sequence[Finding], *, loaded: bool) -> dict[str, str]:
    if findings:
        return _condition(RECONCILED, "False", "ConfigurationError", _lines(findings))
    if loaded:
        return _condition(RECONCILED, "True", "Reconciled", "The configuration is in force.")
    return _condition(RECONCILED, "Unknown", "UnknownError", "None has been read yet.")


def _readable(problems: Sequence[Finding]) -> dict[str, str]:
    if problems:
        return _condition(READABLE, "False", "Unreadable", _lines(problems))
    return _condition(READABLE, "True", "Readable", "Every object can be read.")


def _remarks(warnings: Sequence[Finding], contested: Mapping[Key, str]) -> Iterator[dict[str, str]]:
    """Conditions that are there only where there is something to say, and spoil nothing."""
    if warnings:
        yield _condition(WITHOUT_EFFECT, "True", "Accepted", _lines(warnings))
    if contested:
        named = "\n".join(f"{key} {contested[key]}".rstrip() for key in sorted(contested))
        named = named[:_LONGEST_LIST].rpartition("\n")[0] if len(named) > _LONGEST_LIST else named
        yield _condition(CONTESTED, "True", "OtherWriter", named)


def _result(states: Collection[str]) -> str:
    if "False" in states:
        return "Invalid"
    return "Unknown" if "Unknown" in states else "Valid"


def _condition(kind: str, status: str, reason: str, message: str) -> dict[str, str]:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def _timed(condition: dict[str, str], before: Raw | None, now: str) -> dict[str, str]:
    """The condition with the time of its last turn, taken over where it has not turned."""
    status = (before or {}).get("status")
    known = status.get("conditions") if isinstance(status, Mapping) else None
    for one in known if isinstance(known, list) else ():
        same = isinstance(one, Mapping) and all(
            one.get(key) == condition[key] for key in ("type", "status")
        )
        if same and isinstance(one.get("lastTransitionTime"), str):
            return {**condition, "lastTransitionTime": one["lastTransitionTime"]}
    return {**condition, "lastTransitionTime": now}


def _lines(findings: Iterable[Finding]) -> str:
    """Each on a line; those beyond what the API server takes are counted in the last one."""
    lines = [str(finding) for finding in findings]
    longest = _LONGEST_LIST - len(_more(len(lines)))
    size = kept = 0
    for line in lines:
        size += len(line) + 1
        kept += size <= longest
    left = len(lines) - kept
    return "\n".join((*lines[:kept], _more(left)) if left else lines)


def _more(count: int) -> str:
    return f"And {count} more."
