"""Configurations for tests, in one line: ConfigMaps, and objects of group metallb.io."""

from __future__ import annotations

from typing import Any

from vipcast.config import Config, Context, Inputs, gather, parse, parse_config_map
from vipcast.config.inputs import KINDS
from vipcast.config.overlaps import NOTHING_KNOWN
from vipcast.model.errors import ConfigError, Finding
from vipcast.model.objects import Key
from vipcast.model.raw import (
    BFD_PROFILE,
    BGP_ADVERTISEMENT,
    BGP_PEER,
    COMMUNITY,
    IP_ADDRESS_POOL,
    L2_ADVERTISEMENT,
    Kind,
    Ref,
    api_version,
)
from vipcast.model.selectors import Operator, Requirement, Selector

SYSTEM = "metallb-system"
OBJECT = "ConfigMap metallb-system/config"
FORMS = "Write a network such as 192.0.2.0/24 or a range such as 192.0.2.10-192.0.2.20."


def config_map(document: object, namespace: str = "metallb-system") -> dict[str, Any]:
    """A ConfigMap with that document under the key config."""
    metadata = {"namespace": namespace, "name": "config"}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": {"config": document},
    }


def pool(addresses: str = "[192.0.2.0/28]", more: str = "", name: str = "default") -> str:
    """One pool of protocol layer2 as an item of address-pools; `more` are lines of further keys."""
    lines = [f"- name: {name}", "  protocol: layer2", f"  addresses: {addresses}"]
    return "\n".join([*lines, *(f"  {line}" for line in more.splitlines())]) + "\n"


def pools(*items: str) -> str:
    """A document with these pools."""
    return "address-pools:\n" + "".join(items or (pool(),))


def inputs(document: object = None) -> Inputs:
    """A ConfigMap with that document and nothing else; not even that without a document."""
    return Inputs(SYSTEM, config_map=None if document is None else config_map(document))


def good(document: object, context: Context = NOTHING_KNOWN) -> Config:
    """The Config of a document that is right."""
    return parse_config_map(config_map(document), context)


def findings(document: object, context: Context = NOTHING_KNOWN) -> tuple[Finding, ...]:
    """Every finding for a document; none if it is right."""
    try:
        good(document, context)
    except ConfigError as error:
        return error.findings
    return ()


def of_kind(kind: Kind, name: str, spec: object, labels: object = None) -> dict[str, Any]:
    """An object of the programs' namespace."""
    metadata: dict[str, Any] = {"namespace": SYSTEM, "name": name}
    if labels is not None:
        metadata["labels"] = labels
    return {
        "apiVersion": api_version(kind),
        "kind": kind.name,
        "metadata": metadata,
        "spec": spec,
    }


def ip_pool(
    name: str, *addresses: str, labels: object = None, allocation: object = None, **spec: Any
) -> dict[str, Any]:
    """An IPAddressPool; 192.0.2.0/28 unless addresses are given."""
    spec = {"addresses": list(addresses or ("192.0.2.0/28",)), **spec}
    if allocation is not None:
        spec["serviceAllocation"] = allocation
    return of_kind(IP_ADDRESS_POOL, name, spec, labels)


def l2(name: str, **spec: Any) -> dict[str, Any]:
    """An L2Advertisement."""
    return of_kind(L2_ADVERTISEMENT, name, spec)


def bgp_peer(name: str, **spec: Any) -> dict[str, Any]:
    """A BGPPeer of AS 64513 at 10.0.0.1, where nothing else is said; None leaves a field out."""
    needed = {"myASN": 64512, "peerASN": 64513, "peerAddress": "10.0.0.1"}
    given = {key: value for key, value in {**needed, **spec}.items() if value is not None}
    return of_kind(BGP_PEER, name, given)


def bgp_ad(name: str, **spec: Any) -> dict[str, Any]:
    """A BGPAdvertisement."""
    return of_kind(BGP_ADVERTISEMENT, name, spec)


def community(name: str, **aliases: Any) -> dict[str, Any]:
    """A Community with these aliases."""
    items = [{"name": alias, "value": value} for alias, value in aliases.items()]
    return of_kind(COMMUNITY, name, {"communities": items})


def bfd_profile(name: str, **spec: Any) -> dict[str, Any]:
    """A BFDProfile."""
    return of_kind(BFD_PROFILE, name, spec)


def label(key: str, value: str) -> Selector:
    """A selector of one label as it is read."""
    return Selector((Requirement(key, Operator.IN, (value,)),))


def match(**labels: str) -> dict[str, Any]:
    """A selector of labels as it is written."""
    return {"matchLabels": labels}


def of_objects(*raws: dict[str, Any], context: Context = NOTHING_KNOWN) -> Inputs:
    """Inputs of objects of group metallb.io."""
    kinds = {kind.name: kind for kind in KINDS}
    named = ((Ref(kinds[raw["kind"]], Key(SYSTEM, raw["metadata"]["name"])), raw) for raw in raws)
    return gather(named, SYSTEM, context=context)


def loaded(*raws: dict[str, Any], context: Context = NOTHING_KNOWN) -> Config:
    """The Config of objects that are right."""
    return parse(of_objects(*raws, context=context))


def refused(*raws: dict[str, Any], context: Context = NOTHING_KNOWN) -> tuple[Finding, ...]:
    """Every finding for objects; none if they are right."""
    try:
        parse(of_objects(*raws, context=context))
    except ConfigError as error:
        return error.findings
    return ()


def finding(document: object) -> Finding:
    """The one finding for a document."""
    (found,) = findings(document)
    return found
