"""Objects for labs that speak BGP: peers, pools, and Services that have their addresses already."""

from __future__ import annotations

import base64
from typing import Any

from lab import vipcast
from lab.host import Host
from lab.objects import Object
from vipcast.model.raw import (
    BGP_ADVERTISEMENT,
    BGP_PEER,
    COMMUNITY,
    IP_ADDRESS_POOL,
    Kind,
    api_version,
)

SYSTEM = "metallb-system"


def peer(name: str, address: object, ours: int, theirs: int, *nodes: Host, **spec: Any) -> Object:
    """A router that nodes speak with: these alone, if any are named."""
    if nodes:
        spec["nodeSelectors"] = [
            {"matchLabels": {"kubernetes.io/hostname": node.name}} for node in nodes
        ]
    return _resource(BGP_PEER, name, myASN=ours, peerASN=theirs, peerAddress=str(address), **spec)


def pool(name: str, *addresses: str) -> Object:
    """A pool; what it gives is announced where an advertisement says so."""
    return _resource(IP_ADDRESS_POOL, name, addresses=list(addresses))


def advertisement(pool: str, **spec: Any) -> Object:
    """How the routes of a pool are told; it has the pool's name."""
    return _resource(BGP_ADVERTISEMENT, pool, ipAddressPools=[pool], **spec)


def community(**aliases: str) -> Object:
    """Names for communities."""
    named = [{"name": name, "value": value} for name, value in aliases.items()]
    return _resource(COMMUNITY, "-".join(aliases), communities=named)


def secret(name: str, password: str) -> Object:
    """A Secret with a router's password."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/basic-auth",
        "metadata": {"namespace": SYSTEM, "name": name},
        "data": {"password": base64.b64encode(password.encode()).decode()},
    }


def given(name: str, *addresses: str) -> Object:
    """A Service with addresses of any family, where no controller gives any."""
    ingress = [{"ip": address} for address in addresses]
    return {**vipcast.service(name), "status": {"loadBalancer": {"ingress": ingress}}}


def _resource(kind: Kind, name: str, **spec: Any) -> Object:
    return {
        "apiVersion": api_version(kind),
        "kind": kind.name,
        "metadata": {"namespace": SYSTEM, "name": name},
        "spec": spec,
    }
