"""What an API server has last said of the objects of one kind, and which changes that makes.

A list replaces what is known, page by page; what it does not name is gone. But a list that holds
anything without a name does not say what is gone: then nothing is taken away, a finding tells of
it, and whoever lists has to list again (`Mirror.unreadable`).

What the server answers to our own writes counts, too (vipcast.kube.ahead).

Objects are kept without what nobody reads: who wrote which field (but a Service's addresses),
versions that turn with every write, images and heartbeats of nodes, ports and pods of endpoints,
and what is secret but no key of hellos or password of BGP peers. So what remains is equal as long
as nothing has changed that matters, and a thousand objects stay small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from vipcast.kube.ahead import Ahead
from vipcast.kube.fields import shown
from vipcast.kube.parse import SECRET_KEY
from vipcast.kube.passwords import PASSWORD, TYPE
from vipcast.kube.paths import plural
from vipcast.kube.writers import MANAGED, accounts
from vipcast.model.errors import Finding
from vipcast.model.objects import Key
from vipcast.model.raw import (
    CLUSTER_WIDE,
    ENDPOINT_SLICE,
    NODE,
    SECRET,
    SERVICE,
    Delta,
    Kind,
    Raw,
    Ref,
    api_version,
)

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

_IN_METADATA = ("managedFields", "resourceVersion", "generation", "selfLink")
_OF_SLICE_METADATA = ("name", "namespace", "labels")
_OF_ENDPOINT = ("addresses", "conditions", "nodeName")
_CONDITIONS = ("ready", "serving", "terminating")
_SEEN_CONDITIONS: dict[tuple[tuple[str, bool], ...], dict[str, bool]] = {}
_NAMES = ("name", "namespace")
_OF_NODE_SPEC = ("podCIDR", "podCIDRs", "unschedulable")


class Mirror:
    """The objects of one kind."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.problems: tuple[Finding, ...] = ()
        self.ahead = Ahead()
        self._known: dict[Ref, Raw] = {}
        self._seen: set[Ref] = set()
        self._bad: list[Finding] = []

    def __len__(self) -> int:
        return len(self._known)

    def get(self, ref: Ref) -> Raw | None:
        """An object as it was last heard of."""
        return self._known.get(ref)

    @property
    def unreadable(self) -> bool:
        """Whether the last list could not be read as a whole."""
        return bool(self.problems)

    def begin(self) -> None:
        """A list begins."""
        self._seen = set()
        self._bad = []
        self.ahead.list_begins()

    def page(self, items: Iterable[object]) -> Iterator[Delta]:
        """Take in a page of the list; the items of a list may lack their kind."""
        for number, item in enumerate(items, len(self._seen) + len(self._bad)):
            ref = self.name(item)
            if ref is None or not isinstance(item, Mapping):
                self._bad.append(self._nameless(f"items[{number}]", item))
                continue
            self._seen.add(ref)
            delta = self.put(ref, item)
            if delta is not None:
                yield delta

    def end(self, version: str) -> tuple[Delta, ...]:
        """The list of this version is complete: what it did not name is gone."""
        self.problems = tuple(self._bad)
        named = self._seen | self.ahead.beyond(version)
        missing = () if self._bad else tuple(self._known.keys() - named)
        for ref in missing:
            del self._known[ref]
        self._seen = set()
        return tuple(Delta(ref, None) for ref in missing)

    def put(self, ref: Ref, raw: Raw) -> Delta | None:
        """Take in what a list or a watch says of an object; None if that changes nothing."""
        return None if self.ahead.older(ref, raw) else self._take(ref, raw)

    def drop(self, ref: Ref, raw: Raw) -> Delta | None:
        """A watch says that an object is gone; it was `raw`."""
        if self.ahead.older(ref, raw) or self._known.pop(ref, None) is None:
            return None
        return Delta(ref, None)

    def answer(self, ref: Ref, raw: Raw) -> Delta | None:
        """Take in what the server has answered to a write of ours, which `ahead` knows of."""
        return self._take(ref, raw) if self.ahead.answer(ref, raw) else None

    def _take(self, ref: Ref, raw: Raw) -> Delta | None:
        kept = lean(self.kind, raw)
        if self._known.get(ref) == kept:
            return None
        self._known[ref] = kept
        return Delta(ref, kept)

    def name(self, raw: object) -> Ref | None:
        """The name of what should be an object of this kind; None if it has none."""
        metadata = raw.get("metadata") if isinstance(raw, Mapping) else None
        if not isinstance(metadata, Mapping):
            return None
        name = metadata.get("name")
        namespace = "" if self.kind in CLUSTER_WIDE else metadata.get("namespace")
        if not isinstance(name, str) or not name or not isinstance(namespace, str):
            return None
        return Ref(self.kind, Key(namespace, name))

    def _nameless(self, place: str, item: object) -> Finding:
        return Finding(
            f"the API server's list of {plural(self.kind)}",
            place,
            shown(item),
            "This is no object: it has no name.",
            f"Compare with `kubectl get {plural(self.kind)} -A`, and look at what stands between"
            " here and the API server.",
            kept=bool(self._known),
        )


def lean(kind: Kind, raw: Raw) -> dict[str, Any]:
    """The object without what nobody reads; with its kind, which lists leave out."""
    kept = {"apiVersion": api_version(kind), "kind": kind.name, **raw}
    metadata = {key: value for key, value in raw["metadata"].items() if key not in _IN_METADATA}
    annotations = metadata.get("annotations")
    if isinstance(annotations, Mapping) and LAST_APPLIED in annotations:
        left = {key: value for key, value in annotations.items() if key != LAST_APPLIED}
        if left:
            metadata["annotations"] = left
        else:
            del metadata["annotations"]
    kept["metadata"] = metadata
    if kind == SERVICE and (named := accounts(raw["metadata"])):
        metadata[MANAGED] = named
    extra = _OF_KIND.get(kind)
    if extra is not None:
        extra(kept)
    return kept


def _node(raw: dict[str, Any]) -> None:
    raw["spec"] = _only(raw.get("spec"), _OF_NODE_SPEC)
    status = _only(raw.get("status"), ("addresses", "conditions"))
    if isinstance(status, dict) and isinstance(status.get("conditions"), list):
        conditions = status["conditions"]
        status["conditions"] = [_only(one, ("type", "status")) for one in conditions]
    raw["status"] = status


def _endpoint_slice(raw: dict[str, Any]) -> None:
    raw["metadata"] = _only(raw["metadata"], _OF_SLICE_METADATA)
    raw.pop("ports", None)
    endpoints = raw.get("endpoints")
    if isinstance(endpoints, list):
        raw["endpoints"] = [_endpoint(one) for one in endpoints]


def _endpoint(raw: Any) -> Any:
    """What is read of an endpoint; equal conditions are one object in memory, since few differ."""
    kept = _only(raw, _OF_ENDPOINT)
    stated = kept.get("conditions") if isinstance(kept, dict) else None
    if isinstance(stated, Mapping):
        known = _only(stated, _CONDITIONS)
        if all(value is True or value is False for value in known.values()):
            kept["conditions"] = _SEEN_CONDITIONS.setdefault(tuple(known.items()), known)
    return kept


def _secret(raw: dict[str, Any]) -> None:
    """Of a Secret's values, those that Vipcast reads, where it reads them."""
    raw["metadata"] = _only(raw["metadata"], _NAMES)
    raw["data"] = _only(raw.get("data"), (PASSWORD if raw.get("type") == TYPE else SECRET_KEY,))


def _only(value: Any, keys: tuple[str, ...]) -> Any:
    """Some keys of a mapping; what is none stays, for the parser to name."""
    if not isinstance(value, Mapping):
        return value
    return {key: value[key] for key in keys if key in value}


_OF_KIND: Mapping[Kind, Callable[[dict[str, Any]], None]] = {
    NODE: _node,
    ENDPOINT_SLICE: _endpoint_slice,
    SECRET: _secret,
}
