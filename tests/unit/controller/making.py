"""Short ways to write down pools and Services in these tests."""

from __future__ import annotations

import ipaddress

from vipcast.model.addresses import Address, AddressRange, Family, family_of, parse_address
from vipcast.model.objects import Key, Service
from vipcast.model.pool import Pool


def entry(text: str) -> AddressRange:
    """An entry as a user writes it: "192.0.2.0/30" or "192.0.2.1-192.0.2.3"."""
    if "-" in text:
        first, last = (parse_address(end) for end in text.split("-"))
    else:
        network = ipaddress.ip_network(text)
        first, last = network[0], network[-1]
    return AddressRange(family_of(first), int(first), int(last))


def pool(name: str, *entries: str, auto_assign: bool = True, avoid_buggy: bool = False) -> Pool:
    """A layer 2 pool."""
    return Pool(name, tuple(map(entry, entries)), auto_assign, avoid_buggy)


def ip(text: str) -> Address:
    """An address."""
    return parse_address(text)


def key(name: str) -> Key:
    """The Service `name` in the namespace default."""
    return Key("default", name)


def service(name: str, **fields: object) -> Service:
    """An IPv4 Service of type LoadBalancer that asks for nothing special."""
    given = {"load_balancer": True, "families": (Family.IPV4,), **fields}
    return Service(key=key(name), **given)  # type: ignore[arg-type]
