"""The datagram: what goes in comes out, and any bytes get an answer."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import replace
from ipaddress import IPv4Address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from speaker.leadership import Rejection, agent_key
from speaker.leadership.hello import (
    MAX_DATAGRAM,
    MAX_ECHOES,
    Echo,
    Hello,
    decode,
    encode,
    node_id,
    pack_echoes,
    pack_holdings,
    unpack_echoes,
    unpack_holdings,
)
from speaker.leadership.keys import Keys
from vipcast.model.addresses import Address, Family, make_address

KEYS = Keys(agent_key(b"secret"))
OTHER = Keys(agent_key(b"another secret"))

u64 = st.integers(0, 2**64 - 1)
u32 = st.integers(0, 2**32 - 1)
addresses = st.one_of(
    u32.map(lambda number: make_address(Family.IPV4, number)),
    st.integers(0, 2**128 - 1).map(lambda number: make_address(Family.IPV6, number)),
)
echoes = st.builds(Echo, st.binary(min_size=8, max_size=8), u64, u32, u64)
interfaces = st.binary(max_size=15).map(
    lambda raw: raw.replace(b"\0", b"").decode(errors="surrogateescape")
)
names = st.text(min_size=1, max_size=253).filter(lambda name: len(name.encode()) <= 253)
hellos = st.builds(
    Hello,
    node=st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=60),
    boot=u64,
    link=u32,
    interface=interfaces,
    clock=u64,
    term=u64,
    away_ms=u32,
    mac=st.binary(min_size=6, max_size=6),
    address=st.none() | st.integers(1, 2**32 - 1).map(IPv4Address),
    learning=st.booleans(),
    asks=st.booleans(),
    slice=st.just(0),
    slices=st.just(1),
    round=st.just(0),
    echoes=st.lists(echoes, max_size=MAX_ECHOES).map(pack_echoes),
    holdings=st.dictionaries(addresses, u64, max_size=20).map(
        lambda held: pack_holdings(held, "")[0]
    ),
)


def simple(**changes: object) -> Hello:
    """A hello of node1 that holds one address and echoes node2."""
    hello = Hello(
        node="node1",
        boot=7,
        link=3,
        interface="lan0",
        clock=5_000_000_000,
        term=1,
        away_ms=0,
        mac=bytes.fromhex("02000000000a"),
        address=IPv4Address("192.0.2.1"),
        learning=True,
        asks=False,
        slice=0,
        slices=1,
        round=5_000_000_000,
        echoes=pack_echoes([Echo(node_id("node2"), 9, 4, 77)]),
        holdings=pack_holdings({IPv4Address("192.0.2.10"): 3}, "node1")[0],
    )
    return replace(hello, **changes)  # type: ignore[arg-type]


DATAGRAM = encode(simple(), KEYS)


def test_the_layout_is_the_one_of_the_table() -> None:
    assert DATAGRAM[:-16] == (
        bytes([1, 1, 5, 1])
        + (7).to_bytes(8, "big")
        + (3).to_bytes(4, "big")
        + (5_000_000_000).to_bytes(8, "big")
        + (1).to_bytes(8, "big")
        + bytes(4)
        + bytes.fromhex("02000000000a")
        + bytes([192, 0, 2, 1])
        + bytes([0, 0, 0, 1])
        + (5_000_000_000).to_bytes(8, "big")
        + b"lan0".ljust(16, b"\0")
        + b"node1"
        + node_id("node2")
        + (9).to_bytes(8, "big")
        + (4).to_bytes(4, "big")
        + (77).to_bytes(8, "big")
        + bytes([0, 1, 0, 0])
        + bytes([192, 0, 2, 10])
        + (3).to_bytes(8, "big")
    )
    assert DATAGRAM[-16:] == _tag(DATAGRAM[:-16])


@given(hellos)
def test_a_hello_comes_out_as_it_went_in(hello: Hello) -> None:
    assert decode(encode(hello, KEYS), KEYS) == hello


@given(st.dictionaries(addresses, u64, max_size=400), names)
def test_slices_name_every_holding_once_and_fit_with_all_echoes(
    holdings: dict[Address, int], name: str
) -> None:
    slices = pack_holdings(holdings, name)
    named = [pair for part in slices for pair in unpack_holdings(part)]
    assert len(named) == len(holdings)
    assert dict(named) == holdings
    full = pack_echoes([Echo(bytes(8), 0, 0, 0)] * MAX_ECHOES)
    for index, part in enumerate(slices):
        hello = simple(node=name, echoes=full, holdings=part, slice=index, slices=len(slices))
        datagram = encode(hello, KEYS)
        assert len(datagram) <= MAX_DATAGRAM
        assert decode(datagram, KEYS) == hello


def test_a_thousand_addresses_need_no_more_datagrams_than_they_must() -> None:
    holdings: dict[Address, int] = {IPv4Address(0xC0000200 + i): 1 for i in range(1000)}
    assert len(pack_holdings(holdings, "node1")) == 15


def test_holding_nothing_is_said_as_well() -> None:
    assert [list(unpack_holdings(part)) for part in pack_holdings({}, "node1")] == [[]]


@given(st.binary(max_size=MAX_DATAGRAM + 100))
@example(b"")
@example(b"\x01")
@example(b"\x02")
def test_arbitrary_bytes_are_rejected_by_name(data: bytes) -> None:
    assert isinstance(decode(data, KEYS), Rejection)


@given(st.binary(max_size=1100), st.integers(0, 255), st.integers(0, 20))
def test_arbitrary_content_with_a_good_tag_gets_an_answer(
    content: bytes, name_length: int, echo_count: int
) -> None:
    body = bytearray(b"\x01\x03" + bytes([name_length, echo_count]) + content)
    tag = _tag(bytes(body))
    answer = decode(bytes(body) + tag, KEYS)
    assert isinstance(answer, Rejection | Hello)
    if isinstance(answer, Hello):
        list(unpack_echoes(answer.echoes))
        list(unpack_holdings(answer.holdings))


@pytest.mark.parametrize("length", range(len(DATAGRAM)))
def test_a_datagram_cut_anywhere_is_truncated(length: int) -> None:
    assert decode(DATAGRAM[:length], KEYS) is Rejection.TRUNCATED


@given(st.binary(min_size=1, max_size=40))
def test_a_datagram_with_something_behind_it_is_malformed(more: bytes) -> None:
    assert decode(DATAGRAM + more, KEYS) is Rejection.MALFORMED


@pytest.mark.parametrize("position", range(len(DATAGRAM)))
def test_a_datagram_with_any_byte_changed_is_dropped(position: int) -> None:
    for change in range(1, 256):
        mutated = bytearray(DATAGRAM)
        mutated[position] ^= change
        assert isinstance(decode(bytes(mutated), KEYS), Rejection)


@given(st.data())
def test_while_keys_change_a_change_before_the_tags_is_dropped(data: st.DataObject) -> None:
    old = KEYS.current
    datagram = bytearray(encode(simple(), Keys(OTHER.current, old)))
    position = data.draw(st.integers(0, len(datagram) - 33))
    datagram[position] ^= data.draw(st.integers(1, 255))
    for keys in (Keys(OTHER.current, old), Keys(OTHER.current), Keys(old)):
        assert isinstance(decode(bytes(datagram), keys), Rejection)


def test_a_forged_datagram_has_the_wrong_tag() -> None:
    assert decode(encode(simple(), OTHER), KEYS) is Rejection.TAG


def test_a_later_version_is_rejected_as_such_whatever_follows() -> None:
    assert decode(b"\x02", KEYS) is Rejection.VERSION
    assert decode(b"\x02" + DATAGRAM[1:], KEYS) is Rejection.VERSION
    assert decode(b"\x00" + DATAGRAM[1:], KEYS) is Rejection.MALFORMED


@pytest.mark.parametrize(
    "wrong",
    [
        {"slice": 1, "slices": 1},
        {"slices": 0},
        {"slice": 0, "slices": 1025},
        {"round": 5_000_000_001},
        {"interface": "n" * 16},
        {"interface": "lan\0zero"},
        {"node": ""},
        {"node": "n" * 254},
        {"echoes": pack_echoes([Echo(bytes(8), 0, 0, 0)] * 17)},
    ],
)
def test_content_that_no_sender_makes_is_malformed(wrong: dict[str, object]) -> None:
    assert decode(encode(simple(**wrong), KEYS), KEYS) is Rejection.MALFORMED


def test_a_name_that_is_not_utf_8_is_malformed() -> None:
    start = struct.calcsize("!BBBBQIQQI6s4sHHQ16s")
    body = bytearray(DATAGRAM[:-16])
    body[start] = 0xFF
    assert decode(bytes(body) + _tag(bytes(body)), KEYS) is Rejection.MALFORMED


def test_while_keys_change_old_and_new_understand_each_other() -> None:
    old, new = agent_key(b"old"), agent_key(b"new")
    hello = simple()
    both = encode(hello, Keys(new, old))
    assert decode(both, Keys(old)) == hello
    assert decode(both, Keys(new)) == hello
    assert decode(encode(hello, Keys(old)), Keys(new, old)) == hello
    assert decode(encode(hello, Keys(old)), Keys(new)) is Rejection.TAG


def _tag(body: bytes) -> bytes:
    """A good tag for any content."""
    return hashlib.blake2s(body, digest_size=16, key=KEYS.current).digest()
