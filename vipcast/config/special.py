"""Addresses that no Service can be reached at, whatever the network looks like.

Clients keep packets to these for themselves, send them to many, or drop them as bogus. A pool that
has some of them gives Services addresses that never work, so it is refused; where only routers
stand in the way, a warning does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from ipaddress import ip_network

from vipcast.config.ranges import Entry
from vipcast.config.schema import Notes
from vipcast.model.addresses import AddressRange, Family, family_of
from vipcast.model.advertisement import BgpAdvertisement, L2Advertisement

_MEANINGS = (
    ("0.0.0.0/8", "this host"),  # RFC 1122, section 3.2.1.3
    ("127.0.0.0/8", "loopback"),  # the same
    ("224.0.0.0/4", "multicast"),  # RFC 5771
    ("255.255.255.255/32", "broadcast"),  # RFC 919
    ("::/127", "no host and loopback"),  # RFC 4291, sections 2.5.2 and 2.5.3
    ("::ffff:0:0/96", "IPv4 in IPv6's spelling"),  # RFC 4291, section 2.5.5.2
    ("ff00::/8", "multicast"),  # RFC 4291, section 2.7
)
_LINK_LOCAL = ("169.254.0.0/16", "fe80::/10")  # RFC 3927, section 2.7; RFC 4291, section 2.5.6
_FIX = "Leave it out of the pool; choose addresses that clients have a route to."

_UNANSWERED = (
    "Services get these addresses, and nobody announces them: on segments IPv6 is not answered in"
    " this version."
)
_TELL = (
    "Have routers told of them by BGP (a BGPAdvertisement for the pool), or keep them for later."
)


def _span(text: str) -> AddressRange:
    network = ip_network(text)
    first, last = network.network_address, network.broadcast_address
    return AddressRange(family_of(first), int(first), int(last))


_UNREACHABLE = tuple((_span(text), text, meaning) for text, meaning in _MEANINGS)
_NEAR = tuple((_span(text), text) for text in _LINK_LOCAL)


def check_special(entries: Iterable[Entry], notes: Notes) -> None:
    """A finding for each entry with such addresses, a warning where they are link-local."""
    for entry in entries:
        found = [each for each in _UNREACHABLE if each[0].overlaps(entry.range)]
        if found:
            _, text, meaning = found[0]
            others = ", ".join(each[1] for each in found[1:])
            more = f" The same is true of {others}." if others else ""
            message = f"It shares addresses with {text} ({meaning}), where no Service is reached."
            notes.refuse(entry.object, entry.path, entry.written, message + more, _FIX)
            continue
        near = next((text for span, text in _NEAR if span.overlaps(entry.range)), None)
        if near is not None:
            message = (
                f"It shares addresses with {near} (link-local), which no router passes on: only"
                " their own segment reaches these Services."
            )
            notes.warn(entry.object, entry.path, entry.written, message, _FIX)


def warn_of_unanswered(
    entries: Iterable[Entry],
    l2: Collection[L2Advertisement],
    bgp: Collection[BgpAdvertisement],
    notes: Notes,
) -> None:
    """A warning for each entry of IPv6 that is announced on segments and told to no router."""
    answered = {pool for each in l2 for pool in each.pools}
    told = {pool for each in bgp for pool in each.pools}
    for entry in entries:
        if entry.range.family is Family.IPV6 and entry.pool in answered - told:
            notes.warn(entry.object, entry.path, entry.written, _UNANSWERED, _TELL)
