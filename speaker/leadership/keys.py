"""Keys derived from the Secret `memberlist`, key `secretkey`.

    key = the first bytes of SHA-256(label + 0x00 + secret)

    label               bytes   used for
    vipcast agent v1    32      tag of a hello (keyed BLAKE2s, which the agent checks)
    vipcast probe v1    16      tag of a probe (SipHash-2-4, which the data path checks)

The secret is what `data` holds after one base64 decoding, nothing stripped: a line feed at its end
counts.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keys:
    """The agent key in use and, for a while after a change, the one before it."""

    current: bytes
    previous: bytes | None = None


def agent_key(secret: bytes) -> bytes:
    """32 bytes for the tags of hellos."""
    return _derive(b"vipcast agent v1", secret)


def probe_key(secret: bytes) -> bytes:
    """16 bytes for the tags of probes."""
    return _derive(b"vipcast probe v1", secret)[:16]


def _derive(label: bytes, secret: bytes) -> bytes:
    return hashlib.sha256(label + b"\0" + secret).digest()
