"""The words that stand for a NOTIFICATION's numbers."""

from __future__ import annotations

import pytest

from speaker.bgp.codes import words


@pytest.mark.parametrize(
    ("code", "subcode", "expected"),
    [
        (6, 2, "Cease, administrative shutdown"),
        (6, 4, "Cease, administrative reset"),
        (6, 9, "Cease, hard reset"),
        (6, 10, "Cease, BFD down"),
        (6, 1, "Cease, maximum prefixes reached"),
        (6, 42, "Cease, subcode 42"),
        (6, 0, "Cease"),
        (2, 2, "OPEN message error, bad peer AS"),
        (2, 3, "OPEN message error, bad BGP identifier"),
        (2, 0, "OPEN message error"),
        (3, 6, "UPDATE message error, invalid ORIGIN attribute"),
        (3, 8, "UPDATE message error, invalid NEXT_HOP attribute"),
        (3, 11, "UPDATE message error, malformed AS path"),
        (1, 1, "Message header error, connection not synchronized"),
        (4, 0, "Hold timer expired"),
        (5, 3, "Finite state machine error, in established"),
        (7, 1, "ROUTE-REFRESH message error, invalid message length"),
        (8, 0, "Send hold timer expired"),
        (77, 0, "Error 77"),
        (77, 1, "Error 77, subcode 1"),
    ],
)
def test_every_pair_of_numbers_has_words(code: int, subcode: int, expected: str) -> None:
    assert words(code, subcode) == expected
