"""A stream of octets into messages: every length at its borders, every way to cut the stream."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaker.bgp.framing import Framer
from tests.unit.bgp.octets import MARKER
from vipcast.model.errors import MessageError

KEEPALIVE = MARKER + b"\x00\x13\x04"


def of_size(kind: int, size: int) -> bytes:
    """A message of a type and size whose body is zeros."""
    head = MARKER + size.to_bytes(2, "big") + bytes([kind])
    return head + bytes(max(size - len(head), 0))


def first(octets: bytes, *, extended: bool = False) -> bytes | tuple[int, int, bytes] | None:
    """What a Framer makes of octets: a message, the NOTIFICATION to send, or nothing yet."""
    framer = Framer(extended=extended)
    framer.receive(octets)
    try:
        return framer.next()
    except MessageError as error:
        return error.code, error.subcode, error.data


@pytest.mark.parametrize("at", range(16))
def test_a_marker_that_is_not_all_ones_ends_the_session(at: int) -> None:
    octets = KEEPALIVE[:at] + b"\xfe" + KEEPALIVE[at + 1 :]
    assert first(octets) == (1, 1, b"")


@pytest.mark.parametrize(
    ("kind", "least", "most", "most_extended"),
    [
        (1, 29, 4096, 4096),  # OPEN
        (2, 23, 4096, 65535),  # UPDATE
        (3, 21, 4096, 65535),  # NOTIFICATION
        (4, 19, 19, 19),  # KEEPALIVE
        (5, 19, 4096, 65535),  # ROUTE-REFRESH: its length has an error of its own
    ],
)
def test_every_type_of_message_has_its_own_least_and_greatest_length(
    kind: int, least: int, most: int, most_extended: int
) -> None:
    for extended, largest in ((False, most), (True, most_extended)):
        for size in (least, least + 1, (least + largest) // 2, largest - 1, largest):
            if least <= size <= largest:
                octets = of_size(kind, size)
                assert first(octets, extended=extended) == octets
        for size in (0, 1, 18, least - 1, largest + 1, 65535):
            if not least <= size <= largest and size <= 65535:
                answer = (1, 2, size.to_bytes(2, "big"))
                assert first(of_size(kind, size), extended=extended) == answer


@pytest.mark.parametrize("kind", [0, 6, 128, 255])
def test_a_type_that_nobody_knows_ends_the_session(kind: int) -> None:
    assert first(of_size(kind, 19)) == (1, 3, bytes([kind]))
    assert first(of_size(kind, 4096)) == (1, 3, bytes([kind]))


def test_a_wrong_length_is_told_before_a_wrong_type() -> None:
    assert first(of_size(9, 18)) == (1, 2, b"\x00\x12")
    assert first(of_size(9, 4097)) == (1, 2, b"\x10\x01")


def test_a_wrong_header_is_told_before_the_body_has_come() -> None:
    assert first(MARKER + b"\xff\xff\x02") == (1, 2, b"\xff\xff")


def test_a_wrong_header_is_told_again_each_time() -> None:
    framer = Framer()
    framer.receive(KEEPALIVE + bytes(19))
    assert framer.next() == KEEPALIVE
    for _ in range(2):
        with pytest.raises(MessageError, match="The message's marker is not all ones"):
            framer.next()


def test_extended_messages_may_be_allowed_between_two_messages() -> None:
    framer = Framer()
    framer.receive(KEEPALIVE + of_size(2, 4097))
    assert framer.next() == KEEPALIVE
    framer.extended = True
    assert framer.next() == of_size(2, 4097)
    assert framer.next() is None
    assert len(framer) == 0


def test_a_message_that_is_not_complete_waits() -> None:
    octets = of_size(2, 23)
    framer = Framer()
    for octet in octets[:-1]:
        framer.receive(bytes([octet]))
        assert framer.next() is None
    framer.receive(octets[-1:])
    assert (framer.next(), framer.next()) == (octets, None)


@given(
    kinds=st.lists(st.sampled_from([(1, 29), (2, 23), (2, 4096), (3, 30), (4, 19), (5, 23)])),
    cuts=st.lists(st.integers(0, 9000)),
)
def test_however_the_stream_is_cut_the_same_messages_come(
    kinds: list[tuple[int, int]], cuts: list[int]
) -> None:
    messages = [of_size(kind, size) for kind, size in kinds]
    stream = b"".join(messages)
    borders = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    framer = Framer()
    found: list[bytes] = []
    for start, end in pairwise(borders):
        framer.receive(stream[start:end])
        while (message := framer.next()) is not None:
            found.append(message)
        assert len(framer) < 4096
    assert (found, len(framer)) == (messages, 0)
