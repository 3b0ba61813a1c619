"""What two OPENs agree upon, or why the peer's cannot be accepted.

The checks are those of RFC 4271, section 6.2, that need the configuration. What no peer may say, as
AS 0 or a hold time of 1 second, is refused by `decode`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Final

from speaker.bgp.codes import AS_TRANS, CapabilityCode, ErrorCode, OpenError
from speaker.bgp.messages import IPV4_UNICAST, AfiSafi, Capabilities, GracefulRestart, Open
from speaker.bgp.settings import SessionSettings
from vipcast.model.errors import MessageError
from vipcast.model.peer import DynamicAsn

_FAMILY: Final = struct.Struct("!BBHBB")


@dataclass(frozen=True, slots=True)
class Negotiated:
    """What holds for one session, from its OPENs to its end. Times in seconds, 0 for none.

    `families` are carried in both directions, `extended_next_hop` are AFIs of next hops besides the
    family's own. `graceful_restart` is what the peer said; `graceful_notification`: both take a
    NOTIFICATION for a restart, and a hard reset for the end (RFC 8538).
    """

    local_asn: int
    peer_asn: int
    ibgp: bool
    hold_time: int
    keepalive_time: float
    families: tuple[AfiSafi, ...]
    four_octet: bool
    extended_message: bool
    route_refresh: bool
    enhanced_refresh: bool
    extended_next_hop: tuple[tuple[AfiSafi, int], ...]
    graceful_restart: GracefulRestart | None
    graceful_notification: bool
    peer_router_id: IPv4Address
    generation: int


def negotiate(settings: SessionSettings, ours: Open, theirs: Open, generation: int) -> Negotiated:
    """What the session will be.

    Raises MessageError with the NOTIFICATION that the peer is to get: 2/2 for another AS than
    configured, 2/3 for our own identifier inside our AS, 2/7 where no family is common.
    """
    _check_asn(settings, theirs)
    _check_router_id(settings, theirs)
    mine, its = ours.capabilities, theirs.capabilities
    families = _common_families(settings, mine, its)
    hold_time = min(ours.hold_time, theirs.hold_time)
    return Negotiated(
        local_asn=settings.local_asn,
        peer_asn=theirs.asn,
        ibgp=theirs.asn == settings.local_asn,
        hold_time=hold_time,
        keepalive_time=min(settings.keepalive_time or hold_time, hold_time / 3),
        families=families,
        four_octet=mine.four_octet_asn is not None and its.four_octet_asn is not None,
        extended_message=mine.extended_message and its.extended_message,
        route_refresh=mine.route_refresh and its.route_refresh,
        enhanced_refresh=mine.enhanced_refresh and its.enhanced_refresh,
        extended_next_hop=tuple(
            pair
            for pair in mine.extended_next_hop
            if pair in its.extended_next_hop and pair[0] in families
        ),
        graceful_restart=its.graceful_restart,
        graceful_notification=_notifies(mine) and _notifies(its),
        peer_router_id=theirs.router_id,
        generation=generation,
    )


def _refused(subcode: OpenError, sentence: str, data: bytes = b"") -> MessageError:
    return MessageError(ErrorCode.OPEN_MESSAGE, subcode, data, sentence)


def _check_asn(settings: SessionSettings, theirs: Open) -> None:
    """RFC 6793, section 9: AS_TRANS is nobody's own number."""
    wanted, asn = settings.peer_asn, theirs.asn
    bare = asn == AS_TRANS and theirs.capabilities.four_octet_asn is None
    if bare and wanted != AS_TRANS:
        told = (
            f"The router says that it is in AS {AS_TRANS}, which stands for a number that does not "
            "fit two octets, without saying which."
        )
    elif wanted is DynamicAsn.INTERNAL and asn != settings.local_asn:
        told = f"The router is in AS {asn}; an internal peer is in ours, {settings.local_asn}."
    elif wanted is DynamicAsn.EXTERNAL and asn == settings.local_asn:
        told = f"The router is in AS {asn} as we are; an external peer is in another."
    elif not isinstance(wanted, DynamicAsn) and asn != wanted:
        told = f"The router is in AS {asn}; configured is AS {wanted}."
    else:
        return
    raise _refused(OpenError.BAD_PEER_AS, told)


def _check_router_id(settings: SessionSettings, theirs: Open) -> None:
    """RFC 6286, section 2.2: inside an AS no two are alike."""
    if theirs.asn == settings.local_asn and theirs.router_id == settings.router_id:
        raise _refused(
            OpenError.BAD_BGP_IDENTIFIER,
            f"The router, which is in our AS, has our BGP identifier, {settings.router_id}.",
        )


def _common_families(
    settings: SessionSettings, mine: Capabilities, its: Capabilities
) -> tuple[AfiSafi, ...]:
    """RFC 4760, section 8: who names no family carries IPv4 unicast.

    RFC 5492, section 5: the NOTIFICATION lists what we miss, encoded as in an OPEN.
    """
    offered = mine.families or (IPV4_UNICAST,)
    spoken = its.families or (IPV4_UNICAST,)
    common = tuple(family for family in settings.families if family in offered and family in spoken)
    if not common:
        data = b"".join(
            _FAMILY.pack(CapabilityCode.MULTIPROTOCOL, 4, family.afi, 0, family.safi)
            for family in settings.families
        )
        raise _refused(
            OpenError.UNSUPPORTED_CAPABILITY,
            f"The router carries {_listed(spoken)}; to be carried is {_listed(settings.families)}.",
            data,
        )
    return common


def _listed(families: Iterable[AfiSafi]) -> str:
    return " and ".join(map(str, families))


def _notifies(capabilities: Capabilities) -> bool:
    graceful = capabilities.graceful_restart
    return graceful is not None and graceful.notification
