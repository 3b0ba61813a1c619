"""Good messages made worse, and what must hold of the decoder whatever they have become.

Each case is a message out of SEEDS, some changes, and mostly lengths that are right again, so that
the changes are looked at rather than the lengths.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable
from typing import Final

from hypothesis import strategies as st

from speaker.bgp.codes import MessageType
from speaker.bgp.decode import Context, attributes_of, decode, prefixes_of
from speaker.bgp.framing import Framer
from speaker.bgp.messages import IPV4_UNICAST, IPV6_UNICAST, Message, Notification, Ok, Update
from speaker.bgp.received import parts_of
from tests.unit.bgp.octets import (
    AS_PATH,
    GOOD,
    HOP6,
    NEXT_HOP,
    ORIGIN,
    ROUTE,
    ROUTE6,
    attribute,
    message,
    open_with,
    reach,
    spelled,
    unreach,
    update,
)
from vipcast.model.errors import MessageError

_CAPABILITIES: Final = spelled(
    """
    01 04 0001 00 01  01 04 0002 00 01  02 00  05 06 0001 0001 0002  06 00
    40 0a c078 0001 01 80 0002 01 00  41 04 fa56ea00  45 04 0001 01 01  46 00  49 03 02 72 31
    """
)
_OTHERS: Final = spelled(
    """
    80 04 04 00000064                        # MULTI_EXIT_DISC
    40 05 04 00000064                        # LOCAL_PREF
    40 06 00                                 # ATOMIC_AGGREGATE
    c0 07 08 0000fde9 c0000201               # AGGREGATOR
    c0 08 08 ffff0000 fde90001               # COMMUNITIES
    80 09 04 c0000201                        # ORIGINATOR_ID
    80 0a 04 c0000201                        # CLUSTER_LIST
    c0 10 08 0002fde9 00000001               # EXTENDED_COMMUNITIES
    80 1a 0b 01 000b 0000000000000064        # AIGP
    c0 20 0c 0000fde9 00000001 00000002      # LARGE_COMMUNITIES
    c0 23 04 0000fde9                        # ONLY_TO_CUSTOMER
    c0 28 0a 01 0007 00 0000 00000064        # PREFIX_SID
    """
)
_OLD_PATH: Final = spelled("40 02 06 02 02 fde9 5ba0  c0 11 06 02 01 fa56ea00")

SEEDS: Final = (
    open_with(b""),
    open_with(bytes([2, len(_CAPABILITIES)]) + _CAPABILITIES),
    open_with(
        b"\xff\x00" + bytes([len(_CAPABILITIES) + 3, 2, 0, len(_CAPABILITIES)]) + _CAPABILITIES,
        length=255,
    ),
    open_with(spelled("02 02 02 00  02 06 41 04 0000fde9  02 06 01 04 0001 00 01")),
    message(4, b""),
    message(3, b"\x06\x02\x06bye, \n"),
    message(3, b"\x06\x09\x06\x04\x02hi"),
    message(5, bytes.fromhex("0001 00 01")),
    message(5, bytes.fromhex("0002 02 01")),
    update(),
    update(unreach(IPV6_UNICAST, b"")),
    update(GOOD, ROUTE * 3),
    update(GOOD, spelled("00  09 0aff  20 cb007107"), ROUTE),
    update(GOOD + _OTHERS, ROUTE),
    update(ORIGIN + _OLD_PATH + NEXT_HOP, ROUTE),
    update(reach(IPV6_UNICAST, HOP6 + HOP6, ROUTE6 * 2) + ORIGIN + AS_PATH),
    update(reach(IPV4_UNICAST, HOP6, ROUTE * 2, 0x90) + ORIGIN + AS_PATH),
    update(unreach(IPV6_UNICAST, ROUTE6 * 2)),
    update(unreach(IPV4_UNICAST, ROUTE) + reach(IPV6_UNICAST, HOP6, ROUTE6) + GOOD, ROUTE, ROUTE),
    update(GOOD + attribute(0xD0, 99, bytes(300)), ROUTE * 950),
)

CONTEXTS: Final = tuple(
    Context(four_octet, extended, families, ibgp, hops)
    for four_octet in (True, False)
    for extended in (False, True)
    for ibgp in (False, True)
    for families, hops in (
        ((), ()),
        ((IPV4_UNICAST, IPV6_UNICAST), ((IPV4_UNICAST, 2),)),
    )
)

_Change = Callable[[bytearray, int, int], None]


def _set(octets: bytearray, at: int, value: int) -> None:
    octets[at] = value & 0xFF


def _flip(octets: bytearray, at: int, value: int) -> None:
    octets[at] ^= 1 << (value & 7)


def _step(octets: bytearray, at: int, value: int) -> None:
    octets[at] = (octets[at] + (1 if value & 1 else -1)) & 0xFF


def _insert(octets: bytearray, at: int, value: int) -> None:
    octets[at:at] = bytes([value & 0xFF]) * (1 + (value >> 8))


def _remove(octets: bytearray, at: int, value: int) -> None:
    del octets[at : at + 1 + (value & 0x3F)]


def _repeat(octets: bytearray, at: int, value: int) -> None:
    octets[at:at] = octets[at : at + 1 + (value & 0x3F)]


def _cut(octets: bytearray, at: int, _: int) -> None:
    del octets[at:]


def _splice(octets: bytearray, at: int, value: int) -> None:
    other = SEEDS[value % len(SEEDS)]
    octets[at:] = other[-1 - at % len(other) :]


_CHANGES: Final[tuple[_Change, ...]] = (
    _set,
    _flip,
    _step,
    _insert,
    _remove,
    _repeat,
    _cut,
    _splice,
)

# Five octets each: which change, where (2), and what else it needs (2).
changes = st.binary(min_size=5, max_size=25)
seeds = st.integers(0, len(SEEDS) - 1)
contexts = st.integers(0, len(CONTEXTS) - 1)
told = st.sampled_from(("nothing", "length", "length", *["lengths"] * 5))


def changed(seed: int, how: bytes, told: str) -> bytes:
    """A seed after some changes.

    `told`: which lengths are right again, "nothing", the message's "length", or all "lengths" of an
    UPDATE's parts, too.
    """
    octets = SEEDS[seed]
    parts = parts_of(octets) if octets[18] == MessageType.UPDATE else None
    if told == "nothing":
        return _all(octets, how)
    if told == "length" or parts is None:
        return message(octets[18], _all(octets[19:], how))
    withdrawn = octets[parts.withdrawn : parts.withdrawn_end]
    attributes = octets[parts.attributes : parts.announced]
    which = sum(how) % 4
    return update(
        _all(attributes, how) if which > 1 else attributes,
        _all(octets[parts.announced :], how) if which == 1 else octets[parts.announced :],
        _all(withdrawn, how) if which == 0 else withdrawn,
    )


def _all(octets: bytes, how: bytes) -> bytes:
    made = bytearray(octets)
    for change, at, value in struct.iter_unpack("!BHH", how[: len(how) // 5 * 5]):
        if made:
            _CHANGES[change % len(_CHANGES)](made, at % len(made), value & 0xFFF)
    return bytes(made[:65000])


def check(octets: bytes, context: Context) -> None:
    """What holds of any octets: one answer, which can be sent or shown, and no other reader's."""
    said = _answer(octets, context)
    framed = _framed(octets, context)
    if isinstance(said, MessageError):
        assert 1 <= said.code <= 7
        assert 0 <= said.subcode <= 255
        assert len(said.data) <= 4075
        assert said.sentence.endswith(".")
    else:
        assert framed == octets
    if isinstance(framed, MessageError):
        assert framed.code == 1
    if isinstance(said, Notification):
        assert said.text.isprintable()
        assert said.words
    if isinstance(said, Update):
        _check_update(octets, context, said)


def _answer(octets: bytes, context: Context) -> Message | MessageError:
    try:
        return decode(octets, context)
    except MessageError as error:
        return error


def _framed(octets: bytes, context: Context) -> bytes | MessageError | None:
    framer = Framer(extended=context.extended_message)
    framer.receive(octets)
    try:
        return framer.next()
    except MessageError as error:
        return error


def _check_update(octets: bytes, context: Context, said: Update) -> None:
    counted = Counter({(family, False): number for family, number in said.withdrawn})
    counted.update({(family, True): number for family, number in said.announced})
    read = Counter((family, new) for family, _, new in prefixes_of(octets, context))
    assert read == counted
    assert all(fault.sentence.endswith(".") for fault in said.faults)
    assert len(said.faults) <= 512
    if isinstance(said.outcome, Ok) and said.announced:
        assert attributes_of(octets, context) is not None
    if said.end_of_rib:
        assert said == Update(end_of_rib=said.end_of_rib)
