"""Everything that a configuration is read from, in one value; and the reading of it.

    parse(Inputs) -> Config, or ConfigError with every finding at once

The old ConfigMap and the kinds of group metallb.io come to the same Config; both at once is an
error that names both. What `vipcast lint` says comes through here, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from vipcast.config.config import Config, PeersRefusedError
from vipcast.config.configmap import DATA_KEY, looks_like_one, name_of, read_config_map
from vipcast.config.conflicts import warn_of_own_addresses
from vipcast.config.draft import Draft
from vipcast.config.objects import Objects, read_objects
from vipcast.config.overlaps import NOTHING_KNOWN, Context, refuse_reserved, refuse_shared
from vipcast.config.schema import Notes
from vipcast.config.special import check_special, warn_of_unanswered
from vipcast.config.specs import name_of as name_of_object
from vipcast.model.errors import ConfigError, Finding
from vipcast.model.objects import Key
from vipcast.model.raw import (
    BFD_PROFILE,
    BGP_ADVERTISEMENT,
    BGP_PEER,
    COMMUNITY,
    CONFIG_MAP,
    IP_ADDRESS_POOL,
    L2_ADVERTISEMENT,
    NODE,
    Kind,
    Raw,
    Ref,
    api_versions,
)

KINDS = (
    IP_ADDRESS_POOL,
    L2_ADVERTISEMENT,
    BGP_PEER,
    BGP_ADVERTISEMENT,
    COMMUNITY,
    BFD_PROFILE,
)
"""The kinds that a configuration may be made of, besides the ConfigMap."""
CONFIGURATION = frozenset({CONFIG_MAP, *KINDS})
"""All kinds that a configuration is looked for among."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """The objects of the programs' own namespace, where else there are such, and the cluster.

    `elsewhere` names objects of other namespaces: ConfigMaps of the same name, and all of `KINDS`.
    `misnamed` are ConfigMaps of the programs' namespace that hold what looks like a configuration.
    `partial`: there may be objects that cannot be read and that nobody sees therefore.
    """

    namespace: str
    name: str = "config"
    config_map: Raw | None = None
    pools: tuple[Raw, ...] = ()
    l2_advertisements: tuple[Raw, ...] = ()
    bgp_peers: tuple[Raw, ...] = ()
    bgp_advertisements: tuple[Raw, ...] = ()
    communities: tuple[Raw, ...] = ()
    bfd_profiles: tuple[Raw, ...] = ()
    elsewhere: tuple[Ref, ...] = ()
    misnamed: tuple[Ref, ...] = ()
    context: Context = NOTHING_KNOWN
    partial: bool = False

    @property
    def by_kind(self) -> Objects:
        """The objects of each of `KINDS`."""
        return {
            IP_ADDRESS_POOL: self.pools,
            L2_ADVERTISEMENT: self.l2_advertisements,
            BGP_PEER: self.bgp_peers,
            BGP_ADVERTISEMENT: self.bgp_advertisements,
            COMMUNITY: self.communities,
            BFD_PROFILE: self.bfd_profiles,
        }

    @property
    def objects(self) -> tuple[Raw, ...]:
        """The objects of `KINDS`."""
        return tuple(raw for raws in self.by_kind.values() for raw in raws)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to read."""
        return self.config_map is None and not self.objects

    def names(self) -> tuple[str, ...]:
        """The names of the objects, as findings have them."""
        named = [
            f"{kind.name} {self.namespace}/{name_of_object(raw)}"
            for kind, raws in self.by_kind.items()
            for raw in raws
        ]
        if self.config_map is not None:
            named.append(name_of(self.config_map))
        return tuple(sorted(named))

    def saved(self) -> Raw:
        """The objects as one that can be written as JSON; `restored` reads it."""
        maps = () if self.config_map is None else (self.config_map,)
        return {"apiVersion": "v1", "kind": "List", "items": [*maps, *self.objects]}


def gather(
    objects: Iterable[tuple[Ref, Raw]],
    namespace: str,
    name: str = "config",
    context: Context = NOTHING_KNOWN,
) -> Inputs:
    """The inputs among objects of any kind and namespace."""
    config_map: Raw | None = None
    found: dict[Kind, list[Raw]] = {kind: [] for kind in KINDS}
    elsewhere: list[Ref] = []
    misnamed: list[Ref] = []
    for ref, raw in objects:
        mine = ref.key.namespace == namespace
        if ref.kind == CONFIG_MAP and ref.key.name == name:
            config_map = raw if mine else config_map
        elif ref.kind in KINDS:
            if mine:
                found[ref.kind].append(raw)
        else:
            if mine and ref.kind == CONFIG_MAP and looks_like_one(raw):
                misnamed.append(ref)
            continue
        if not mine:
            elsewhere.append(ref)
    return Inputs(
        namespace,
        name,
        config_map,
        pools=tuple(found[IP_ADDRESS_POOL]),
        l2_advertisements=tuple(found[L2_ADVERTISEMENT]),
        bgp_peers=tuple(found[BGP_PEER]),
        bgp_advertisements=tuple(found[BGP_ADVERTISEMENT]),
        communities=tuple(found[COMMUNITY]),
        bfd_profiles=tuple(found[BFD_PROFILE]),
        elsewhere=tuple(sorted(elsewhere)),
        misnamed=tuple(sorted(misnamed)),
        context=context,
    )


def restored(saved: Mapping[str, Any], namespace: str, name: str = "config") -> Inputs:
    """The inputs that `Inputs.saved` gave, without anything around them."""
    items = saved.get("items")
    return gather(
        (
            (ref, raw)
            for raw in (items if isinstance(items, list) else ())
            if isinstance(raw, Mapping) and (ref := _ref(raw)) is not None
        ),
        namespace,
        name,
    )


def _ref(raw: Mapping[str, Any]) -> Ref | None:
    metadata = raw.get("metadata")
    if not isinstance(metadata, Mapping):
        return None
    key = Key(str(metadata.get("namespace", "default")), str(metadata.get("name", "")))
    for kind in (CONFIG_MAP, *KINDS):
        if raw.get("kind") == kind.name and raw.get("apiVersion") in api_versions(kind):
            return Ref(kind, key)
    return None


def ref_of(finding: Finding) -> Ref | None:
    """The object that a finding about the configuration names, None if it names several."""
    kind, _, name = finding.object.partition(" ")
    namespace, _, bare = name.rpartition("/")
    for known in (CONFIG_MAP, *KINDS, NODE):
        if known.name == kind and " " not in bare:
            return Ref(known, Key(namespace, bare))
    return None


def parse(inputs: Inputs) -> Config:
    """The Config that the inputs hold. Raises ConfigError with every finding at once.

    It is a PeersRefusedError where all but some BGPPeers could be put in force.
    """
    notes = Notes()
    if inputs.empty:
        raise ConfigError((_missing(inputs),))
    if inputs.config_map is not None and inputs.objects:
        raise ConfigError((_both(inputs, inputs.config_map),))
    if inputs.config_map is not None:
        draft = read_config_map(inputs.config_map, notes)
    else:
        source = f"metallb.io objects in namespace {inputs.namespace}"
        draft = read_objects(inputs.by_kind, inputs.context.nodes, source, notes)
        _warn_of_strays(inputs, notes)
    return finish(draft, inputs.context, notes)


def parse_config_map(raw: Mapping[str, Any], context: Context = NOTHING_KNOWN) -> Config:
    """The Config that a ConfigMap holds. Raises ConfigError with every finding at once."""
    notes = Notes()
    return finish(read_config_map(raw, notes), context, notes)


def finish(draft: Draft, context: Context, notes: Notes) -> Config:
    """The draft as a Config, checked as a whole. Raises ConfigError."""
    check_special(draft.entries, notes)
    warn_of_unanswered(draft.entries, draft.l2, draft.bgp, notes)
    refuse_shared(draft.entries, notes)
    refuse_reserved(draft.entries, draft.peers, context, notes)
    warn_of_own_addresses(draft.peers, context.nodes, notes)
    if notes.findings:
        refused = (finding for peer in draft.refused for finding in peer.findings)
        raise ConfigError((*notes.findings, *refused), tuple(notes.warnings))
    left_out = {finding.object for peer in draft.refused for finding in peer.findings}
    config = Config(
        pools=tuple(draft.pools),
        source=draft.source,
        l2=tuple(draft.l2),
        bgp=tuple(draft.bgp),
        peers=tuple(placed.peer for placed in draft.peers),
        bfd_profiles=draft.bfd_profiles,
        warnings=tuple(one for one in notes.warnings if one.object not in left_out),
        settings=tuple(notes.settings),
    )
    if draft.refused:
        raise PeersRefusedError(config, tuple(draft.refused))
    return config


def _both(inputs: Inputs, config_map: Raw) -> Finding:
    kind, named = next((kind, raws) for kind, raws in inputs.by_kind.items() if raws)
    first = min(map(name_of_object, named))
    more = f" and {len(inputs.objects) - 1} more" if len(inputs.objects) > 1 else ""
    return Finding(
        name_of(config_map),
        "",
        "",
        "There are two configurations: this ConfigMap, and objects of group metallb.io:"
        f" {kind.name} {inputs.namespace}/{first}{more}.",
        "Keep one of the two forms, and delete the other.",
    )


def _missing(inputs: Inputs) -> Finding:
    name = f"ConfigMap {inputs.namespace}/{inputs.name}"
    if inputs.elsewhere:
        stray = inputs.elsewhere[0]
        found = stray.key.namespace
        return Finding(
            str(stray),
            "metadata.namespace",
            found,
            f"The {stray.kind.name} was found in namespace {found},"
            f" looked for in {inputs.namespace}.",
            f"Move it to {inputs.namespace}, or start with --namespace {found}.",
        )
    if inputs.misnamed:
        stray = inputs.misnamed[0]
        return Finding(
            str(stray),
            "metadata.name",
            stray.key.name,
            f"It looks like a configuration, which is looked for in {name}.",
            f"Rename it to {inputs.name}, or start with --config {stray.key.name}.",
        )
    return Finding(
        name,
        "",
        "",
        "There is neither such a ConfigMap nor any IPAddressPool: a program that has seen none so"
        " far gives no Service an address.",
        f"Create one of them: IPAddressPool objects, or pools under the ConfigMap's"
        f" data.{DATA_KEY}.",
    )


def _warn_of_strays(inputs: Inputs, notes: Notes) -> None:
    for stray in inputs.elsewhere:
        if stray.kind in KINDS:
            notes.warn(
                str(stray),
                "metadata.namespace",
                stray.key.namespace,
                f"It has no effect: only objects in namespace {inputs.namespace} count.",
                f"Move it to {inputs.namespace}, or delete it.",
            )
