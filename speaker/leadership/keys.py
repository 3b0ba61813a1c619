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

from speaker.leadership.timing import KEY_OVERLAP


@dataclass(frozen=True, slots=True)
class Keys:
    """The agent key in use and, for a while after a change, the one before it."""

    current: bytes
    previous: bytes | None = None


class Keyring:
    """The key that holds, if there is one; after a change the one before holds beside it."""

    def __init__(self, key: bytes | None) -> None:
        self._keys = None if key is None else Keys(key)
        self._previous_until = 0.0

    def __bool__(self) -> bool:
        """Whether there is a key."""
        return self._keys is not None

    def at(self, now: float) -> Keys | None:
        """What holds at a time, which must not go back."""
        if self._keys is not None and self._keys.previous and now >= self._previous_until:
            self._keys = Keys(self._keys.current)
        return self._keys

    def change(self, now: float, key: bytes | None) -> None:
        """The key from now on; the one before holds beside it for KEY_OVERLAP."""
        if key is None or self._keys is None:
            self._keys = None if key is None else Keys(key)
        elif key != self._keys.current:
            self._keys = Keys(key, self._keys.current)
            self._previous_until = now + KEY_OVERLAP


def agent_key(secret: bytes) -> bytes:
    """32 bytes for the tags of hellos."""
    return _derive(b"vipcast agent v1", secret)


def probe_key(secret: bytes) -> bytes:
    """16 bytes for the tags of probes."""
    return _derive(b"vipcast probe v1", secret)[:16]


def _derive(label: bytes, secret: bytes) -> bytes:
    return hashlib.sha256(label + b"\0" + secret).digest()
