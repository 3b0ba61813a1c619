"""Everything that was parsed, by name: fed with batches of a Source, it says what to decide again.

An object that cannot be parsed adds a finding, and what it was before stays: nobody loses an
address because of a typing error. So does the key of the hellos when its Secret goes: the speakers
agree on the last one until there is another. The password of a BGP peer goes with its Secret.

    store = Store(namespace)
    change = store.apply(batch)
    for key in change.services: decide(store.services.get(key), store.slices(key), store.nodes)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from vipcast.config.configmap import looks_like_one
from vipcast.config.inputs import KINDS as CONFIG_KINDS
from vipcast.config.inputs import Inputs, gather
from vipcast.config.overlaps import Context
from vipcast.config.specs import labels_of_nodes
from vipcast.kube.parse import (
    parse_endpoint_slice,
    parse_namespace,
    parse_node,
    parse_secret_key,
    parse_service,
)
from vipcast.kube.passwords import Passwords, named
from vipcast.kube.status import parse_bgp_status, parse_l2_status, parse_speaker_status
from vipcast.model.addresses import Network
from vipcast.model.errors import Finding, ParseError
from vipcast.model.objects import EndpointSlice, Key, Node, Service
from vipcast.model.raw import (
    BGP_ADVERTISEMENT,
    BGP_PEER,
    CONFIG_MAP,
    ENDPOINT_SLICE,
    NAMESPACE,
    NODE,
    SECRET,
    SERVICE,
    SERVICE_BGP_STATUS,
    SERVICE_L2_STATUS,
    SPEAKER_STATUS,
    Batch,
    Delta,
    Kind,
    Raw,
    Ref,
)
from vipcast.model.status import BgpStatus, L2Status, SpeakerReport

_PARSERS: Mapping[Kind, Callable[[Raw], Any]] = {
    SERVICE: parse_service,
    ENDPOINT_SLICE: parse_endpoint_slice,
    NODE: parse_node,
    NAMESPACE: parse_namespace,
    SECRET: parse_secret_key,
    SERVICE_L2_STATUS: parse_l2_status,
    SERVICE_BGP_STATUS: parse_bgp_status,
    SPEAKER_STATUS: parse_speaker_status,
}

STATUS = "status"


@dataclass(frozen=True, slots=True)
class Change:
    """What a batch has changed.

    `services` are new, gone or different, or their endpoints are; whether `nodes` matter to others,
    too, the program knows. Of the nodes in `readiness` nothing has changed but that. `config`: an
    object of the configuration, wherever it stands, beyond its status, or what it asks of nodes:
    addresses of theirs and of pods, which no pool may have, and labels that objects of BGP select
    them by. `secret`: the key of the hellos, or a password of BGP peers. `others` are the objects
    of every other kind that changed.
    """

    services: frozenset[Key] = frozenset()
    nodes: frozenset[str] = frozenset()
    config: bool = False
    secret: bool = False
    findings: bool = False
    others: frozenset[Ref] = frozenset()
    readiness: frozenset[str] = frozenset()


class Store:
    """The last good state of each object. `namespace` is that of the programs.

    `rough`: of an object that was never good, what could be read counts. That is for who only wants
    to know all that is wrong.
    """

    def __init__(
        self,
        namespace: str,
        config_name: str = "config",
        secret_name: str = "memberlist",
        *,
        rough: bool = False,
    ) -> None:
        self._rough = rough
        self.synced = False
        self.problems: tuple[Finding, ...] = ()
        self._partial = False
        self._config_map = Ref(CONFIG_MAP, Key(namespace, config_name))
        self._secret = Ref(SECRET, Key(namespace, secret_name))
        self._raws: dict[Kind, dict[Key, Raw]] = {}
        self._parsed: dict[Kind, dict[Key, Any]] = {kind: {} for kind in _PARSERS}
        self._slices: dict[Key, dict[Key, EndpointSlice]] = {}
        self._nodes: dict[str, Node] = {}
        self._findings: dict[Ref, tuple[Finding, ...]] = {}
        self._passwords = Passwords()

    @property
    def services(self) -> Mapping[Key, Service]:
        """Every Service, of whatever type."""
        return self._parsed[SERVICE]

    @property
    def nodes(self) -> Mapping[str, Node]:
        """Every node by its name."""
        return self._nodes

    @property
    def namespaces(self) -> Mapping[str, Mapping[str, str]]:
        """The labels of each namespace, by its name."""
        return {key.name: labels for key, labels in self._parsed[NAMESPACE].items()}

    @property
    def l2_statuses(self) -> Mapping[Key, L2Status]:
        """What the speakers hold, by the names of the objects that say so."""
        return self._parsed[SERVICE_L2_STATUS]

    @property
    def bgp_statuses(self) -> Mapping[Key, BgpStatus]:
        """To whom the speakers tell routes, by the names of the objects that say so."""
        return self._parsed[SERVICE_BGP_STATUS]

    @property
    def speaker_statuses(self) -> Mapping[Key, SpeakerReport]:
        """What the speakers report, by the names of the objects."""
        return self._parsed[SPEAKER_STATUS]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Objects that cannot be parsed as they are now, in the order of their names."""
        secrets = self._passwords.findings
        return tuple(
            each
            for ref in sorted(self._findings.keys() | secrets.keys())
            for each in (*self._findings.get(ref, ()), *secrets.get(ref, ()))
        )

    @property
    def secret_key(self) -> bytes | None:
        """The last key of the hellos that could be read."""
        key: bytes | None = self._parsed[SECRET].get(self._secret.key)
        return key

    @property
    def secret_present(self) -> bool:
        """Whether the Secret is there now, readable or not."""
        return self.raw(self._secret) is not None

    def password(self, secret: Key) -> bytes | None:
        """The password that a BGPPeer takes from this Secret (passwordSecret): 1 to 80 bytes.

        None while there is none, be it that the Secret is not there or that it never could be read.
        """
        return self._passwords.get(secret)

    def inputs(self, service_cidrs: tuple[Network, ...] = ()) -> Inputs:
        """What the configuration is read from, for `ConfigKeeper.feed`."""
        kinds = (CONFIG_MAP, *CONFIG_KINDS)
        objects = (
            (Ref(kind, key), _written(raw))
            for kind in kinds
            for key, raw in self.raws(kind).items()
        )
        context = Context(tuple(self._nodes.values()), service_cidrs)
        key = self._config_map.key
        return replace(gather(objects, key.namespace, key.name, context), partial=self._partial)

    def slices(self, service: Key) -> tuple[EndpointSlice, ...]:
        """The endpoint slices of a Service, in the order of their names."""
        found = self._slices.get(service, {})
        return tuple(found[key] for key in sorted(found))

    def raw(self, ref: Ref) -> Raw | None:
        """An object as it is now, also where it cannot be parsed."""
        return self.raws(ref.kind).get(ref.key)

    def raws(self, kind: Kind) -> Mapping[Key, Raw]:
        """All objects of a kind as they are now."""
        return self._raws.get(kind, {})

    def apply(self, batch: Batch) -> Change:
        """Take in what changed, and say what follows from it."""
        before = self.findings
        services: set[Key] = set()
        nodes: set[str] = set()
        readiness: set[str] = set()
        others: set[Ref] = set()
        config = secret = False
        labels = self._labels_of_nodes()
        for delta in batch.deltas:
            ref, was = delta.ref, self.raw(delta.ref)
            old, new = self._take(delta)
            if ref.kind == CONFIG_MAP:
                wanted = self._config_map.key
                near = ref.key.namespace == wanted.namespace
                misnamed = near and any(map(_misnamed, (was, delta.raw)))
                config = config or ref.key.name == wanted.name or misnamed
            elif ref.kind in CONFIG_KINDS:
                config = config or not _as_written(was, delta.raw)
            elif ref == self._secret:
                secret = True
            elif old != new or ref.kind not in _PARSERS:
                services.update(self._touched(ref, old, new))
                if ref.kind == NODE:
                    (readiness if _as_able(old, new) else nodes).add(ref.key.name)
                    config = config or _asked(old, labels) != _asked(new, labels)
                elif ref.kind not in (SERVICE, ENDPOINT_SLICE):
                    others.add(ref)
        if any(delta.ref.kind in (SECRET, BGP_PEER) for delta in batch.deltas):
            secret = self._read_passwords() or secret
        findings = before != self.findings or batch.problems != self.problems
        self.synced, self.problems, self._partial = batch.synced, batch.problems, batch.partial
        return Change(
            frozenset(services),
            frozenset(nodes),
            config,
            secret,
            findings,
            frozenset(others),
            frozenset(readiness),
        )

    def _take(self, delta: Delta) -> tuple[Any, Any]:
        """Store one object; answers what it was and what it is now, as parsed."""
        ref, raw = delta.ref, delta.raw
        raws = self._raws.setdefault(ref.kind, {})
        if raw is None:
            raws.pop(ref.key, None)
        else:
            raws[ref.key] = raw
        parser = _PARSERS.get(ref.kind)
        if parser is None or (ref.kind == SECRET and ref != self._secret):
            return None, None
        parsed = self._parsed[ref.kind]
        old = parsed.get(ref.key)
        new = self._parse(ref, raw, parser, old)
        if new is None:
            parsed.pop(ref.key, None)
        else:
            parsed[ref.key] = new
        return old, new

    def _parse(self, ref: Ref, raw: Raw | None, parser: Callable[[Raw], Any], old: Any) -> Any:
        """The object's value now: `old` where it cannot be parsed, None where it is gone."""
        self._findings.pop(ref, None)
        if raw is None:
            return self._without_secret(old) if ref == self._secret else None
        try:
            return parser(raw)
        except ParseError as error:
            kept = old is not None
            self._findings[ref] = tuple(replace(each, kept=kept) for each in error.findings)
            return error.partial if self._rough and not kept else old

    def _without_secret(self, old: Any) -> Any:
        if old is not None:
            message = "The Secret is gone; the last key stays in use until there is another."
            gone = Finding(str(self._secret), "", "", message, kept=True)
            self._findings[self._secret] = (gone,)
        return old

    def _read_passwords(self) -> bool:
        """Read the passwords of BGP peers anew; whether any is another."""
        mine = self._secret.key.namespace
        peers = named(self.raws(BGP_PEER).values())
        here = {key: raw for key, raw in self.raws(SECRET).items() if key.namespace == mine}
        return self._passwords.look(peers, here)

    def _labels_of_nodes(self) -> frozenset[str]:
        """The labels by which objects of BGP select nodes."""
        kinds = (BGP_PEER, BGP_ADVERTISEMENT)
        return labels_of_nodes(raw for kind in kinds for raw in self.raws(kind).values())

    def _touched(self, ref: Ref, old: Any, new: Any) -> set[Key]:
        """Keep the indexes, and name the Services that this object matters to."""
        if ref.kind == SERVICE:
            return {ref.key}
        if ref.kind == NODE:
            if new is None:
                del self._nodes[ref.key.name]
            else:
                self._nodes[ref.key.name] = new
        if ref.kind != ENDPOINT_SLICE:
            return set()
        if old is not None:
            mine = self._slices[old.service]
            del mine[ref.key]
            if not mine:
                del self._slices[old.service]
        if new is not None:
            self._slices.setdefault(new.service, {})[ref.key] = new
        return {one.service for one in (old, new) if one is not None}


def _written(raw: Raw) -> Raw:
    """What users have written of an object: all but the status, in which the controller counts."""
    return {key: value for key, value in raw.items() if key != STATUS}


def _misnamed(config_map: Raw | None) -> bool:
    """Whether a ConfigMap of another name looks like a configuration, which is told."""
    return config_map is not None and looks_like_one(config_map)


def _as_written(old: Raw | None, new: Raw | None) -> bool:
    """Whether users have changed nothing of an object that is there."""
    return old is not None and new is not None and _written(old) == _written(new)


def _as_able(old: Node | None, new: Node | None) -> bool:
    """Whether a node is the same but for being ready: many may fail at once, and few care."""
    return old is not None and new is not None and replace(old, ready=new.ready) == new


def _asked(node: Node | None, labels: frozenset[str]) -> tuple[object, ...]:
    """What the configuration depends on of a node: addresses of it and of its pods, and labels."""
    if node is None:
        return ((), (), dict.fromkeys(labels))
    return (node.addresses, node.pod_cidrs, {key: node.labels.get(key) for key in labels})
