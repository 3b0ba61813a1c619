"""Raw objects into the model's values, once, at the door.

Objects come with an API server's defaults applied (`vipcast.kube.defaults`). Each function raises
ParseError for the one object that it is given, with everything that is wrong with it; whoever calls
keeps what that object was before.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace

from vipcast.kube.fields import Fields, open_object, settled
from vipcast.kube.slips import (
    ADDRESS_WISH,
    OLD_PREFIX,
    POOL_GIVEN,
    POOL_WISH,
    PREFIXES,
    SHARING_KEY,
    misspelled,
)
from vipcast.kube.writers import writer
from vipcast.model.addresses import Address, Family, parse_address
from vipcast.model.errors import Finding, ParseError
from vipcast.model.objects import (
    DRAIN_ANNOTATION,
    Endpoint,
    EndpointSlice,
    FamilyPolicy,
    Key,
    Node,
    Port,
    Recorded,
    Service,
    TrafficPolicy,
)
from vipcast.model.raw import Raw

POOL_OUTPUT = f"metallb.io/{POOL_GIVEN}"
CONDITION = "vipcast.io/AddressAssigned"
SERVICE_LABEL = "kubernetes.io/service-name"
SECRET_KEY = "secretkey"

_TYPES = ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName")
_PROTOCOLS = ("TCP", "UDP", "SCTP")
_REACHABLE = ("InternalIP", "ExternalIP")
_FQDN = "FQDN"
_MADE_ANEW = "the controller makes it anew"


def annotation(annotations: Mapping[str, str], name: str) -> str | None:
    """An annotation by its bare name; the strongest prefix that exists wins, even if empty."""
    for prefix in PREFIXES:
        if prefix + name in annotations:
            return annotations[prefix + name]
    return None


def parse_service(raw: Raw) -> Service:
    """A Service with what users asked for and what the controller has written on it."""
    found: list[Finding] = []
    key, top = open_object(raw, "Service", found)
    metadata, spec = top.below("metadata"), top.below("spec")
    annotations = metadata.labels("annotations")
    kind = _one_of(spec, "type", _TYPES, "ClusterIP")
    wish = (annotation(annotations, ADDRESS_WISH) or "").strip()
    address = spec.text("loadBalancerIP").strip()
    service = Service(
        key=key,
        load_balancer=kind == "LoadBalancer",
        families=_families(spec),
        family_policy=FamilyPolicy(
            _one_of(spec, "ipFamilyPolicy", tuple(FamilyPolicy), FamilyPolicy.SINGLE)
        ),
        headless=_headless(spec),
        load_balancer_class=spec.text("loadBalancerClass") or None,
        policy=TrafficPolicy(
            _one_of(spec, "externalTrafficPolicy", tuple(TrafficPolicy), TrafficPolicy.CLUSTER)
        ),
        ports=tuple(_port(port) for port in spec.items("ports")),
        labels=metadata.labels("labels"),
        selector=spec.labels("selector"),
        requested=tuple(part.strip() for part in (wish or address).split(",") if wish or address),
        requested_twice=bool(wish and address),
        pool_wish=(annotation(annotations, POOL_WISH) or "").strip() or None,
        sharing_key=annotation(annotations, SHARING_KEY) or "",
        deprecated=tuple(
            OLD_PREFIX + name
            for name in (POOL_WISH, ADDRESS_WISH, SHARING_KEY)
            if OLD_PREFIX + name in annotations
        ),
        misspelled=tuple(
            (found.field.removeprefix("metadata.annotations."), found.fix)
            for found in misspelled(raw)
        ),
        publish_not_ready=spec.flag("publishNotReadyAddresses", default=False),
        ingress=_ingress(top.below("status")),
        recorded=_recorded(annotations, top.below("status")),
        created=metadata.text("creationTimestamp"),
        uid=metadata.text("uid"),
        deleting=metadata.has("deletionTimestamp"),
        status_writer=_writer(raw),
    )
    return settled(service, found)


def parse_endpoint_slice(raw: Raw) -> EndpointSlice | None:
    """A slice of endpoints; None if it belongs to no Service, or lists names, not addresses."""
    found: list[Finding] = []
    key, top = open_object(raw, "EndpointSlice", found)
    service = top.below("metadata").labels("labels").get(SERVICE_LABEL)
    kind = _one_of(top, "addressType", (*Family, _FQDN), "")
    names = kind == _FQDN
    parsed = EndpointSlice(
        key=key,
        service=Key(key.namespace, service or ""),
        family=Family.IPV6 if kind == Family.IPV6 else Family.IPV4,
        endpoints=tuple(_endpoint(endpoint, names=names) for endpoint in top.items("endpoints")),
    )
    return settled(parsed if service and not names else None, found)


def parse_node(raw: Raw) -> Node:
    """A node; its addresses are those that are IP addresses."""
    found: list[Finding] = []
    key, top = open_object(raw, "Node", found, cluster_wide=True)
    spec, status = top.below("spec"), top.below("status")
    annotations = top.below("metadata").labels("annotations")
    cidrs = spec.texts("podCIDRs")
    first = spec.text("podCIDR")
    addresses = (
        _address(entry, "address")
        for entry in status.items("addresses")
        if entry.text("type") in _REACHABLE
    )
    node = Node(
        name=key.name,
        labels=top.below("metadata").labels("labels"),
        addresses=tuple(address for address in addresses if address is not None),
        network_unavailable="True" in _condition(status, "NetworkUnavailable"),
        pod_cidrs=cidrs or ((first,) if first else ()),
        draining=annotations.get(DRAIN_ANNOTATION, "false") != "false",
        unschedulable=spec.flag("unschedulable", default=False),
        ready=_condition(status, "Ready") <= {"True"},
    )
    return settled(node, found)


def _condition(status: Fields, name: str) -> set[str]:
    """What is said of a condition; nothing where it is not there."""
    stated = (each for each in status.items("conditions") if each.text("type") == name)
    return {each.text("status") for each in stated}


def parse_namespace(raw: Raw) -> Mapping[str, str]:
    """The labels of a namespace."""
    found: list[Finding] = []
    _, top = open_object(raw, "Namespace", found, cluster_wide=True)
    return settled(top.below("metadata").labels("labels"), found)


def parse_secret_key(raw: Raw, field: str = SECRET_KEY) -> bytes:
    """The bytes of one key of a Secret: base64 decoded, nothing stripped from what comes out."""
    _, top = open_object(raw, "Secret")
    fix = f"Put random bytes there as base64, or delete the Secret: {_MADE_ANEW}."
    return base64_under(top, field, fix)


def base64_under(secret: Fields, key: str, fix: str) -> bytes:
    """What stands in a Secret's data under a key, decoded; at least one byte.

    Line breaks inside of the base64 text do not count (Kubernetes ignores them as well). The value
    never shows in a finding.
    """
    try:
        text = secret.below("data").text(key)
        value = base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
    except ParseError as error:
        raise ParseError(replace(error.finding, value="")) from None
    except ValueError:
        raise _hidden(secret, key, "The value is not base64.", fix) from None
    if not value:
        raise _hidden(secret, key, "There is no such key, or it holds nothing.", fix)
    return value


def _hidden(secret: Fields, key: str, message: str, fix: str) -> ParseError:
    """A finding about a secret value, which it does not show."""
    return ParseError(Finding(secret.name, f"data.{key}", "", message, fix))


def _writer(raw: Raw) -> str:
    metadata = raw.get("metadata")
    return writer(metadata) if isinstance(metadata, Mapping) else ""


def _headless(spec: Fields) -> bool:
    text = spec.text("clusterIP")
    if text in ("", "None"):
        return text == "None"
    _address(spec, "clusterIP")
    return False


def _families(spec: Fields) -> tuple[Family, ...]:
    found = []
    for text in spec.texts("ipFamilies"):
        if text in tuple(Family):
            found.append(Family(text))
        else:
            spec.refuse("ipFamilies", f"{text!r} is no IP family.", "Write IPv4 or IPv6.")
    return tuple(found) or (Family.IPV4,)


def _port(port: Fields) -> Port:
    return Port(_one_of(port, "protocol", _PROTOCOLS, "TCP"), port.number("port", 1, 65535))


def _ingress(status: Fields) -> tuple[str, ...]:
    """The addresses as written; the name, where an entry has no address."""
    entries = status.below("loadBalancer").items("ingress")
    found = (entry.text("ip") or entry.text("hostname") for entry in entries)
    return tuple(text for text in found if text)


def _recorded(annotations: Mapping[str, str], status: Fields) -> Recorded:
    pool = annotations.get(POOL_OUTPUT, "")
    for condition in status.items("conditions"):
        if condition.text("type") == CONDITION:
            return Recorded(
                pool=pool,
                assigned=condition.text("status") == "True",
                reason=condition.text("reason"),
                message=condition.text("message"),
                since=condition.text("lastTransitionTime"),
            )
    return Recorded(pool)


def _endpoint(endpoint: Fields, *, names: bool) -> Endpoint:
    """One endpoint; `names`: its addresses are host names, which are not read."""
    conditions = endpoint.below("conditions")
    ready = conditions.flag("ready", default=True)
    texts = endpoint.texts("addresses")
    addresses = () if names else (_read_address(endpoint, "addresses", text) for text in texts)
    return Endpoint(
        addresses=tuple(address for address in addresses if address is not None),
        node=endpoint.text("nodeName") or None,
        ready=ready,
        serving=ready or conditions.flag("serving", default=False),
    )


def _address(fields: Fields, key: str) -> Address | None:
    return _read_address(fields, key, fields.text(key))


def _read_address(fields: Fields, key: str, text: str) -> Address | None:
    try:
        return parse_address(text)
    except ValueError:
        fields.refuse(key, f"{text!r} is not an IP address.", "Write an IPv4 or IPv6 address.")
        return None


def _one_of(fields: Fields, key: str, known: tuple[str, ...], default: str) -> str:
    text = fields.text(key, default)
    if text in known:
        return text
    fields.refuse(key, "There is no such value.", f"Write one of {', '.join(known)}.")
    return default
