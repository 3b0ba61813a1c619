"""Keys out of the Secret `memberlist`."""

from __future__ import annotations

import base64
import hashlib

from speaker.leadership import agent_key, probe_key

# data.secretkey of a Secret made by `openssl rand -base64 128` as users do: it ends in a line feed.
SECRET = base64.b64decode(
    "bkhXU3V6SmFaM2pmYi9nRm5jdXlnSUh0V3Y2TVlxK1hzb2w3bzR4R1hMQXVBbzlMUXc0S0gwZWRzNHNLQjVyUwppSkdV"
    "RFExNTc4UHNLaDByMis0T01KZStocWJLeFhUWWFzc3ZuSWRadWJNS1RkOVltR1AyY1plWlZNRGdzbXN5Cm9pamd0U2ZZ"
    "THlUaHYxaENHSUJQa2hCTm1Oc1FUck0vRXF0MVJUM01kSlU9Cg=="
)


def test_the_probe_key_of_the_known_secret_is_the_known_one() -> None:
    assert SECRET.endswith(b"\n")
    assert probe_key(SECRET).hex() == "cf8f53be56453cb5240e901e8e4fd09d"


def test_the_agent_key_is_the_whole_digest_under_its_own_label() -> None:
    assert agent_key(SECRET) == hashlib.sha256(b"vipcast agent v1\0" + SECRET).digest()
    assert agent_key(SECRET)[:16] != probe_key(SECRET)


def test_nothing_is_stripped_from_the_secret() -> None:
    assert agent_key(SECRET) != agent_key(SECRET.rstrip())
