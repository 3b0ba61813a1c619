"""Everything that a configuration is read from, in one value; and the reading of it.

    parse(Inputs) -> Config, or ConfigError with every finding at once

The old ConfigMap and the kinds of group metallb.io come to the same Config; both at once is an
error that names both. What `vipcast lint` says comes through here, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from vipcast.config.config import Config
from vipcast.config.configmap import DATA_KEY, name_of, read_config_map
from vipcast.config.draft import Draft
from vipcast.config.kinds import read_objects
from vipcast.config.overlaps import NOTHING_KNOWN, Context, refuse_reserved, refuse_shared
from vipcast.config.schema import Notes
from vipcast.config.special import check_special
from vipcast.model.errors import ConfigError, Finding
from vipcast.model.objects import Key
from vipcast.model.raw import (
    CONFIG_MAP,
    IP_ADDRESS_POOL,
    L2_ADVERTISEMENT,
    NODE,
    Kind,
    Raw,
    Ref,
    api_version,
)

KINDS = (IP_ADDRESS_POOL, L2_ADVERTISEMENT)
"""The kinds that a configuration may be made of, besides the ConfigMap."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """The objects of the programs' own namespace, where else there are such, and the cluster.

    `elsewhere` names objects of other namespaces: ConfigMaps of the same name, and all of `KINDS`.
    `partial`: there may be objects that cannot be read and that nobody sees therefore.
    """

    namespace: str
    name: str = "config"
    config_map: Raw | None = None
    pools: tuple[Raw, ...] = ()
    l2_advertisements: tuple[Raw, ...] = ()
    elsewhere: tuple[Ref, ...] = ()
    context: Context = NOTHING_KNOWN
    partial: bool = False

    @property
    def objects(self) -> tuple[Raw, ...]:
        """The objects of `KINDS`."""
        return (*self.pools, *self.l2_advertisements)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to read."""
        return self.config_map is None and not self.objects

    def names(self) -> tuple[str, ...]:
        """The names of the objects, as findings have them."""
        kinds = ((L2_ADVERTISEMENT, self.l2_advertisements), (IP_ADDRESS_POOL, self.pools))
        named = [
            f"{kind.name} {self.namespace}/{_name(raw)}" for kind, raws in kinds for raw in raws
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
    for ref, raw in objects:
        mine = ref.key.namespace == namespace
        if ref.kind == CONFIG_MAP and ref.key.name == name:
            config_map = raw if mine else config_map
        elif ref.kind in KINDS:
            if mine:
                found[ref.kind].append(raw)
        else:
            continue
        if not mine:
            elsewhere.append(ref)
    return Inputs(
        namespace,
        name,
        config_map,
        pools=tuple(found[IP_ADDRESS_POOL]),
        l2_advertisements=tuple(found[L2_ADVERTISEMENT]),
        elsewhere=tuple(sorted(elsewhere)),
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
        if (raw.get("apiVersion"), raw.get("kind")) == (api_version(kind), kind.name):
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
    """The Config that the inputs hold. Raises ConfigError with every finding at once."""
    notes = Notes()
    if inputs.empty:
        raise ConfigError((_missing(inputs),))
    if inputs.config_map is not None and inputs.objects:
        raise ConfigError((_both(inputs, inputs.config_map),))
    if inputs.config_map is not None:
        draft = read_config_map(inputs.config_map, notes)
    else:
        source = f"IPAddressPool and L2Advertisement objects in namespace {inputs.namespace}"
        draft = read_objects(inputs.pools, inputs.l2_advertisements, source, notes)
        _warn_of_strays(inputs, notes)
    return finish(draft, inputs.context, notes)


def parse_config_map(raw: Mapping[str, Any], context: Context = NOTHING_KNOWN) -> Config:
    """The Config that a ConfigMap holds. Raises ConfigError with every finding at once."""
    notes = Notes()
    return finish(read_config_map(raw, notes), context, notes)


def finish(draft: Draft, context: Context, notes: Notes) -> Config:
    """The draft as a Config, checked as a whole. Raises ConfigError."""
    check_special(draft.entries, notes)
    refuse_shared(draft.entries, notes)
    refuse_reserved(draft.entries, draft.peers, context, notes)
    if notes.findings:
        raise ConfigError(tuple(notes.findings))
    return Config(
        pools=tuple(draft.pools),
        source=draft.source,
        l2=tuple(draft.l2),
        bgp=tuple(draft.bgp),
        peers=tuple(placed.peer for placed in draft.peers),
        bfd_profiles=draft.bfd_profiles,
        warnings=tuple(notes.warnings),
        settings=tuple(notes.settings),
    )


def _both(inputs: Inputs, config_map: Raw) -> Finding:
    kind, named = (
        (IP_ADDRESS_POOL, inputs.pools)
        if inputs.pools
        else (L2_ADVERTISEMENT, inputs.l2_advertisements)
    )
    first = min(map(_name, named))
    more = f" and {len(inputs.objects) - 1} more" if len(inputs.objects) > 1 else ""
    return Finding(
        name_of(config_map),
        "",
        "",
        "There are two configurations: this ConfigMap, and objects of group metallb.io:"
        f" {kind.name} {inputs.namespace}/{first}{more}.",
        "Keep one of the two forms, and delete the other.",
    )


def _name(raw: Raw) -> str:
    metadata = raw.get("metadata")
    return str(metadata.get("name", "")) if isinstance(metadata, Mapping) else ""


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
    return Finding(
        name,
        "",
        "",
        "There is neither such a ConfigMap nor any IPAddressPool, so no Service gets an address.",
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
