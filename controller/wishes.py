"""What a Service asks for, read once: an address, a pool, and what it brings along.

    wish(service, namespace_labels) -> Wish, or a Refusal if no address can follow from it

An address is asked for by the annotation loadBalancerIPs (separated by commas, one at most of each
family) or by spec.loadBalancerIP, never by both. What is asked for in a way that cannot be read
gets no address, and takes none away either. A Service has one address: of both families it is the
one of IPv4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from controller.refusals import Refusal, not_yet, unread
from controller.sharing import Sharing
from vipcast.model.addresses import Address, Family, family_of, parse_plain
from vipcast.model.objects import NAMESPACE_LABEL, NO_LABELS, Key, Service
from vipcast.model.pool import Pool
from vipcast.model.reasons import Reason, sentence


@dataclass(frozen=True, slots=True)
class Wish:
    """What one Service asks for; None where anything will do.

    `family` is that of its address; `either`: it is of both families. `sharing` says with whom it
    would share an address; the labels, which pools are for it. `unread` refuses a request that
    cannot be read.
    """

    service: Key
    family: Family
    either: bool
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
    asked = _requested(service)
    if isinstance(asked, Refusal) and asked.reason is Reason.FAMILY_UNSUPPORTED:
        return asked
    return Wish(
        service=service.key,
        family=_family(service),
        either=len(set(service.families)) > 1,
        sharing=Sharing.of(service),
        labels=service.labels,
        namespace_labels={NAMESPACE_LABEL: service.key.namespace, **namespace_labels},
        address=None if isinstance(asked, Refusal) else asked,
        pool=service.pool_wish,
        unread=asked if isinstance(asked, Refusal) else None,
    )


def _family(service: Service) -> Family:
    return Family.IPV4 if Family.IPV4 in service.families else Family.IPV6


def _requested(service: Service) -> Address | Refusal | None:
    """The address that is asked for, of the family that counts, if any."""
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
            address = parse_plain(text)
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
    mine = _family(service)
    for family, address in found.items():
        if family not in service.families:
            return unread(
                f"The Service asks for {address}, but is of {mine} alone."
                f" Ask for an {mine} address only."
            )
    if found and mine not in found:
        (other,) = found.values()
        return not_yet(f"The Service asks for {other}; ask for an {mine} address, too.")
    return found.get(mine)
