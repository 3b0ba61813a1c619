"""What waits to be sent: whole messages, in their order, KEEPALIVEs first."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaker.bgp import encode
from speaker.bgp.codes import MessageType
from speaker.bgp.outbox import Outbox
from vipcast.model.errors import BgpError

KEEPALIVE = encode.keepalive()


def update(size: int) -> bytes:
    """Not one that could be read, but of this size and type."""
    return b"\xff" * 16 + size.to_bytes(2, "big") + b"\x02" + bytes(size - 19)


def outbox(*queued: bytes) -> Outbox:
    box = Outbox(Counter())
    for messages in queued:
        box.queue(messages)
    return box


def test_a_keepalive_leaves_before_all_that_is_queued() -> None:
    box = outbox(update(100) * 3)
    assert box.take(150) == update(100)
    box.say(KEEPALIVE)
    assert box.take(150) == KEEPALIVE + update(100)
    assert box.take(150) == update(100)
    assert box.take(150) == b""


def test_a_keepalive_that_waits_already_is_not_doubled() -> None:
    box = outbox()
    box.say(KEEPALIVE)
    box.say(KEEPALIVE)
    assert (box.waiting, box.take(100)) == (19, KEEPALIVE)


def test_no_queued_message_slips_in_between_what_the_session_says() -> None:
    box = outbox(update(23))
    for message in (update(50), update(51)):
        box.say(message)
    assert [box.take(80), box.take(80), box.take(80)] == [update(50), update(51) + update(23), b""]


def test_one_message_is_taken_however_long_it_is() -> None:
    box = outbox(update(4096) + update(23))
    assert box.take(1) == update(4096)
    assert box.take(1) == update(23)


def test_what_was_taken_is_counted_by_type() -> None:
    taken: Counter[int] = Counter()
    box = Outbox(taken)
    box.queue(update(23) * 5)
    box.say(KEEPALIVE)
    box.take(60)
    assert taken == {MessageType.KEEPALIVE: 1, MessageType.UPDATE: 1}
    box.take(1000)
    assert taken == {MessageType.KEEPALIVE: 1, MessageType.UPDATE: 5}


@pytest.mark.parametrize("bad", [update(100)[:50], bytes(19), update(100) + b"\xff", b"\xff" * 5])
def test_what_is_no_row_of_messages_is_refused(bad: bytes) -> None:
    with pytest.raises(BgpError, match="no message at octet"):
        outbox(bad).take(4096)


@given(
    queued=st.lists(st.lists(st.integers(19, 300), max_size=6), max_size=5),
    limits=st.lists(st.integers(1, 700), min_size=1),
    says=st.sets(st.integers(0, 40)),
)
def test_whatever_is_taken_in_whatever_parts_it_is_all_and_whole_and_in_order(
    queued: list[list[int]], limits: list[int], says: set[int]
) -> None:
    sizes = [size for part in queued for size in part]
    box = outbox(*(b"".join(map(update, part)) for part in queued))
    taken: list[bytes] = []
    said = turn = 0
    while box.waiting or turn <= max(says, default=0):
        if turn in says:
            box.say(KEEPALIVE)
            said += 1
        before = box.waiting
        part = box.take(limits[turn % len(limits)])
        assert box.waiting == before - len(part)
        messages = _cut(part)
        assert len(part) <= limits[turn % len(limits)] or len(messages) == 1
        if turn in says:
            assert messages[0] == KEEPALIVE
        taken += messages
        turn += 1
    assert taken.count(KEEPALIVE) == said
    assert [len(message) for message in taken if message != KEEPALIVE] == sizes


def _cut(octets: bytes) -> list[bytes]:
    found = []
    while octets:
        size = int.from_bytes(octets[16:18], "big")
        found.append(octets[:size])
        octets = octets[size:]
    return found
