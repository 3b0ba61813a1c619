"""Links of this node, and which of them VIPs are announced on.

`Link` is what netlink says about one interface at one moment. `skip_reason` applies MetalLB's
rules: an interface is left out if its name matches the exclusion list, or it is down, belongs to a
bond, bridge or VRF, does no ARP, or cannot broadcast. A missing carrier leaves an interface in: it
comes back, and until then no hello is due on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface

from vipcast.model.reasons import Reason

# MetalLB's default list (ConfigMap metallb-excludel2, announcedInterfacesToExclude).
DEFAULT_EXCLUSIONS = (
    "^docker.*",
    "^cbr.*",
    "^dummy.*",
    "^virbr.*",
    "^lxcbr.*",
    "^veth.*",
    "^lo$",
    "^cali.*",
    "^tunl.*",
    "^flannel.*",
    "^kube-ipvs.*",
    "^cni.*",
    "^nodelocaldns.*",
    "^lxc.*",
)


@dataclass(frozen=True, slots=True)
class Link:
    """One interface. `mac` is 6 bytes, or b"" for a link without an Ethernet address.

    `kind` is the kernel's link kind (veth, bridge, vlan, bond, tun, …), "" for a physical device.
    `master` is the ifindex of the bond, bridge or VRF that the link belongs to, 0 for none.
    `up` is the administrator's wish (IFF_UP), `carrier` the wire's answer (IFF_LOWER_UP).
    """

    ifindex: int
    name: str
    mac: bytes
    up: bool
    carrier: bool
    kind: str = ""
    master: int = 0
    arp: bool = True
    broadcast: bool = True
    addresses: tuple[IPv4Interface, ...] = ()

    @property
    def address(self) -> IPv4Address | None:
        """The first IPv4 address: the sender of hellos on this link."""
        return self.addresses[0].ip if self.addresses else None


class Exclusions:
    """A list of regular expressions, compiled once; `matches` as Go's regexp.MatchString does."""

    def __init__(self, patterns: Iterable[str] = DEFAULT_EXCLUSIONS) -> None:
        self.patterns = tuple(patterns)
        joined = "|".join(f"(?:{pattern})" for pattern in self.patterns)
        self._regex = re.compile(joined) if joined else None

    def matches(self, name: str) -> bool:
        """Whether the interface's name is on the list."""
        return self._regex is not None and self._regex.search(name) is not None


def skip_reason(link: Link, exclusions: Exclusions) -> Reason | None:
    """Why VIPs are not announced on a link; None if they are."""
    if exclusions.matches(link.name):
        return Reason.INTERFACE_EXCLUDED
    if not link.up:
        return Reason.INTERFACE_DOWN
    if link.master:
        return Reason.INTERFACE_ENSLAVED
    if not link.arp or len(link.mac) != 6:
        return Reason.INTERFACE_NO_ARP
    if not link.broadcast:
        return Reason.INTERFACE_NO_BROADCAST
    return None
