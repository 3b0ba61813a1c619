"""What a Service asks for, read once: an address, a pool, and what it brings along.

    wish(service, namespace_labels) -> Wish, or a Refusal if no address can follow from it

An address is asked for by the annotation loadBalancerIPs (separated by commas, one at most of each
family) or by spec.loadBalancerIP, never by both. What is asked for in a way that cannot be read
gets no address, and takes none away either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from controller.refusals import Refusal, no_ipv6, unread
from controller.sharing import Sharing
from vipcast.model.addresses import Address, Family, family_of, parse_address
from vipcast.model.objects import NAMESPACE_LABEL, NO_LABELS, Key, Service
from vipcast.model.pool import Pool
from vipcast.model.reasons import Reason, sentence


@dataclass(frozen=True, slots=True)
class Wish:
    """What one Service asks for; None where anything will do.

    `sharing` says with whom it would share an address; the labels, which pools are for it.
    `unread` refuses a request that cannot be read.
    """

    service: Key
    sharing: Sharing
    labels: Mapping[str, str]
    namespace_labels: Mapping[str, str]
    address: Address | None = None
    pool: str | None = None
    unread: Refusal | None = None

    def admitted_by(self, pool: Pool) -> bool:
        """Whether the pool is for this Service."""
        if pool.allocation is None:
            return True
        return pool.allocation.admits(self.service.namespace, self.namespace_labels, self.labels)


def wish(service: Service, namespace_labels: Mapping[str, str] = NO_LABELS) -> Wish | Refusal:
    """Read what the user asked for; a Refusal if the Service can have no address at all."""
    if service.headless:
        return Refusal(
            Reason.NO_CLUSTER_IP,
            f"{sentence(Reason.NO_CLUSTER_IP)} Leave out clusterIP: None, or choose another type.",
        )
    if Family.IPV4 not in service.families:
        return no_ipv6("The Service is of IPv6 alone; let ipFamilies contain IPv4.")
    asked = _requested(service)
    if isinstance(asked, Refusal) and asked.reason is Reason.FAMILY_UNSUPPORTED:
        return asked
    return Wish(
        service=service.key,
        sharing=Sharing.of(service),
        labels=service.labels,
        namespace_labels={NAMESPACE_LABEL: service.key.namespace, **namespace_labels},
        address=None if isinstance(asked, Refusal) else asked,
        pool=service.pool_wish,
        unread=asked if isinstance(asked, Refusal) else None,
    )


def _requested(service: Service) -> Address | Refusal | None:
    """The IPv4 address that is asked for, if any."""
    if service.requested_twice:
        return unread(
            "The Service asks for an address by the annotation loadBalancerIPs and by"
            " spec.loadBalancerIP. Remove one of the two."
        )
    found: dict[Family, Address] = {}
    for text in service.requested:
        if not text:
            return unread(
                "The Service asks for addresses with a comma that has none before or after it."
                " Remove that comma."
            )
        try:
            address = parse_address(text)
        except ValueError:
            return unread(
                f"The requested address {text!r} is not an IP address."
                " Write an address of a pool, or leave it out."
            )
        family = family_of(address)
        if family in found:
            return unread(
                f"The Service asks for two {family} addresses, {found[family]} and {address}."
                " Ask for one."
            )
        found[family] = address
    if found.keys() == {Family.IPV6}:
        return no_ipv6(f"The Service asks for {found[Family.IPV6]}; ask for an IPv4 address.")
    if Family.IPV6 in found and Family.IPV6 not in service.families:
        return unread(
            f"The Service asks for {found[Family.IPV6]}, but is of IPv4 alone."
            " Ask for an IPv4 address only."
        )
    return found.get(Family.IPV4)
