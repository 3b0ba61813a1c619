"""The hello on the wire: one datagram of at most 1,400 bytes, network byte order.

    offset  bytes  field
         0      1  version, 1; a higher one is rejected as such before anything else is read
         1      1  flags: 1 learning, 2 asks (hears nodes it cannot verify yet: echo it first),
                   4 keys change (there are two tags), 8 yields (another node has its name)
         2      1  length of the sender's name, 1 to 253
         3      1  number of echoes, up to 16
         4      8  sender's boot: random word, new when its pinned maps are new
        12      4  sender's link: ifindex of the sending interface
        16      8  clock: sender's CLOCK_MONOTONIC in ns, strictly increasing per boot
        24      8  sender's term
        32      4  away in ms: a planned restart, 0 if there is none
        36      6  sender's MAC on the link
        42      4  sender's IPv4 address on the link, 0.0.0.0 if it has none
        46      2  slice, from 0
        48      2  slices in this round
        50      8  round: clock of the round's first slice
        58     16  name of the sending interface, NUL behind it (IFNAMSIZ of linux/if.h)
        74      n  sender's name, UTF-8
                28 each   echoes: what the sender last heard of others on this segment
                          8 first bytes of SHA-256(name), 8 boot, 4 link, 8 clock
                4         number of IPv4 holdings (2), number of IPv6 holdings (2)
                12 each   IPv4 holdings: 4 address, 8 counter
                24 each   IPv6 holdings: 16 address, 8 counter
                16        while keys change: tag under the previous key, over all before it
                16        tag: BLAKE2s keyed with the agent key, over all before it

A claim's epoch is (counter, sender's name). A sender holds what the slices of one round name
together. A datagram is judged in this order: version, bounds, tag, content. Any bytes get an
answer.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Final, NamedTuple

from speaker.leadership.keys import Keys
from vipcast.model.addresses import Address

VERSION: Final = 1
MAX_DATAGRAM: Final = 1400
MAX_NAME: Final = 253
MAX_ECHOES: Final = 16
MAX_SLICES: Final = 1024
MAX_COUNTER: Final = 2**64 - 1
TAG: Final = 16

_HEAD = struct.Struct("!BBBBQIQQI6s4sHHQ16s")
_ECHO = struct.Struct("!8sQIQ")
_COUNTS = struct.Struct("!HH")
_HOLDING4 = struct.Struct("!IQ")
_HOLDING6 = struct.Struct("!16sQ")

_LEARNING = 1
_ASKS = 2
_TWO_TAGS = 4
_YIELDS = 8


class Rejection(StrEnum):
    """Why a datagram was dropped; the metric's label."""

    NO_KEY = "no_key"  # nothing can be checked without a key
    TRUNCATED = "truncated"  # shorter than it says
    VERSION = "version"  # of a later version
    TAG = "tag"  # not made with our key, or changed on its way
    MALFORMED = "malformed"  # longer than it says, or content that no sender makes
    REPLAY = "replay"  # not newer than the newest from this sender
    STALE_ECHO = "stale_echo"  # fresh neither by its echo nor by its sender's clock
    FOREIGN_SEGMENT = "foreign_segment"  # answers what we said on another segment
    OWN = "own"  # our own, come back
    OTHER_LINK = "other_link"  # of a node that is heard well through a link of lower ifindex
    DUPLICATE = "duplicate"  # another node with our name, or with that of one heard well
    FULL = "full"  # one node more than there is room for


class Echo(NamedTuple):
    """What its sender last heard of a node: the node's id, boot, link and clock (ns)."""

    node: bytes
    boot: int
    link: int
    clock: int


@dataclass(frozen=True, slots=True)
class Hello:
    """One datagram, checked. `echoes` and `holdings` stay packed until somebody asks.

    `interface` is the name of the sending one, at most 15 bytes (any but NUL, as the kernel has it;
    what is no UTF-8 comes as surrogates).
    """

    node: str
    boot: int
    link: int
    interface: str
    clock: int
    term: int
    away_ms: int
    mac: bytes
    address: IPv4Address | None
    learning: bool
    asks: bool
    slice: int
    slices: int
    round: int
    echoes: bytes
    holdings: bytes
    yields: bool = False


def node_id(node: str) -> bytes:
    """The 8 bytes that stand for a node in an echo."""
    return hashlib.sha256(node.encode()).digest()[:8]


def encode(hello: Hello, keys: Keys) -> bytes:
    """The datagram of one slice. Raises struct.error for a number that does not fit its field."""
    name = hello.node.encode()
    flags = (_LEARNING if hello.learning else 0) | (_ASKS if hello.asks else 0)
    flags |= (_TWO_TAGS if keys.previous else 0) | (_YIELDS if hello.yields else 0)
    head = _HEAD.pack(
        VERSION,
        flags,
        len(name),
        len(hello.echoes) // _ECHO.size,
        hello.boot,
        hello.link,
        hello.clock,
        hello.term,
        hello.away_ms,
        hello.mac,
        hello.address.packed if hello.address else bytes(4),
        hello.slice,
        hello.slices,
        hello.round,
        hello.interface.encode(errors="surrogateescape"),
    )
    body = b"".join((head, name, hello.echoes, hello.holdings))
    if keys.previous:
        body += _tag(body, keys.previous)
    return body + _tag(body, keys.current)


def decode(datagram: bytes, keys: Keys) -> Hello | Rejection:
    """What a datagram says, or why it is dropped. Never raises, whatever the bytes are."""
    bounds = _bounds(datagram)
    if isinstance(bounds, Rejection):
        return bounds
    name_end, echoes_end, body_end = bounds
    if not _authentic(datagram, body_end, keys):
        return Rejection.TAG
    body = datagram[:body_end]
    head = _HEAD.unpack_from(body)
    _, flags, _, _, boot, link, clock, term, away_ms, mac, address, index, count, first, via = head
    try:
        name = body[_HEAD.size : name_end].decode()
    except UnicodeDecodeError:
        return Rejection.MALFORMED
    interface, _, padding = via.partition(b"\0")
    if not index < count <= MAX_SLICES or first > clock or any(padding) or via[-1]:
        return Rejection.MALFORMED
    return Hello(
        node=name,
        boot=boot,
        link=link,
        interface=interface.decode(errors="surrogateescape"),
        clock=clock,
        term=term,
        away_ms=away_ms,
        mac=mac,
        address=IPv4Address(address) if any(address) else None,
        learning=bool(flags & _LEARNING),
        asks=bool(flags & _ASKS),
        slice=index,
        slices=count,
        round=first,
        echoes=body[name_end:echoes_end],
        holdings=body[echoes_end:],
        yields=bool(flags & _YIELDS),
    )


def pack_echoes(echoes: Iterable[Echo]) -> bytes:
    """Echoes as they stand in a datagram; at most MAX_ECHOES of them belong there."""
    return b"".join(_ECHO.pack(*echo) for echo in echoes)


def unpack_echoes(packed: bytes) -> Iterator[Echo]:
    """The echoes of a hello."""
    return map(Echo._make, _ECHO.iter_unpack(packed))


def pack_holdings(holdings: Mapping[Address, int], node: str) -> tuple[bytes, ...]:
    """Holdings cut into slices that fit beside a full set of echoes; at least one slice."""
    room = MAX_DATAGRAM - _HEAD.size - len(node.encode()) - MAX_ECHOES * _ECHO.size
    room -= _COUNTS.size + 2 * TAG
    four = [
        _HOLDING4.pack(int(vip), counter) for vip, counter in holdings.items() if vip.version == 4
    ]
    six = [
        _HOLDING6.pack(vip.packed, counter) for vip, counter in holdings.items() if vip.version == 6
    ]
    slices = [_COUNTS.pack(len(part), 0) + b"".join(part) for part in _cut(four, room)]
    slices += [_COUNTS.pack(0, len(part)) + b"".join(part) for part in _cut(six, room)]
    return tuple(slices) or (_COUNTS.pack(0, 0),)


def unpack_holdings(packed: bytes) -> Iterator[tuple[Address, int]]:
    """The addresses and counters of one slice."""
    four, _ = _COUNTS.unpack_from(packed)
    middle = _COUNTS.size + four * _HOLDING4.size
    for number, counter in _HOLDING4.iter_unpack(packed[_COUNTS.size : middle]):
        yield IPv4Address(number), counter
    for raw, counter in _HOLDING6.iter_unpack(packed[middle:]):
        yield IPv6Address(raw), counter


def _bounds(datagram: bytes) -> tuple[int, int, int] | Rejection:
    """Where name, echoes and all before the tags end; or what is wrong with the length of it."""
    size = len(datagram)
    if size and datagram[0] > VERSION:
        return Rejection.VERSION
    if size < _HEAD.size:
        return Rejection.TRUNCATED
    name_length, echo_count = datagram[2], datagram[3]
    name_end = _HEAD.size + name_length
    echoes_end = name_end + echo_count * _ECHO.size
    if size < echoes_end + _COUNTS.size:
        return Rejection.TRUNCATED
    four, six = _COUNTS.unpack_from(datagram, echoes_end)
    body_end = echoes_end + _COUNTS.size + four * _HOLDING4.size + six * _HOLDING6.size
    expected = body_end + (2 if datagram[1] & _TWO_TAGS else 1) * TAG
    if size < expected:
        return Rejection.TRUNCATED
    fits = size == expected <= MAX_DATAGRAM and datagram[0] == VERSION
    if not fits or not 1 <= name_length <= MAX_NAME or echo_count > MAX_ECHOES:
        return Rejection.MALFORMED
    return name_end, echoes_end, body_end


def _authentic(datagram: bytes, body_end: int, keys: Keys) -> bool:
    """Whether one of the tags behind the body was made with one of our keys."""
    for end in range(len(datagram), body_end, -TAG):
        tag, before = datagram[end - TAG : end], datagram[: end - TAG]
        for key in (keys.current, keys.previous):
            if key is not None and hmac.compare_digest(_tag(before, key), tag):
                return True
    return False


def _tag(body: bytes, key: bytes) -> bytes:
    return hashlib.blake2s(body, digest_size=TAG, key=key).digest()


def _cut(items: Sequence[bytes], room: int) -> Iterator[Sequence[bytes]]:
    """Runs of packed holdings, each of at most `room` bytes together."""
    if items:
        step = room // len(items[0])
        for start in range(0, len(items), step):
            yield items[start : start + step]
