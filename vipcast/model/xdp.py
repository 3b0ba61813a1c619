"""How the responder is put on an interface: the word of the flag, of the adapter and of reports."""

from __future__ import annotations

from enum import StrEnum


class XdpMode(StrEnum):
    """How a program is attached; AUTO lets the interface's own driver decide."""

    AUTO = "auto"
    NATIVE = "native"
    GENERIC = "generic"
