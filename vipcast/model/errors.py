"""The one tree of errors; what to do next stands in the class.

VipcastError
├── ConfigError          tell the user; the last good configuration stays
├── ParseError           tell the user at the object; all other objects work on
├── SourceError          the store of objects failed: retry with back-off
│   ├── ConflictError    the object is there already or has changed: read again
│   └── RefusedError     the API server answered, and it was no: its code says why
├── BgpError             a peer and we do not understand each other; all other peers work on
│   ├── MessageError     its message ends the session: send it this NOTIFICATION, then close
│   ├── EncodeError      what was to be said has no form in BGP: nothing of it may be sent
│   └── LinkError        there is no connection to it, or it has ended: connect again later
└── HostError            the node lacks something: tell the operator what and how to fix it
    └── AttachError      an interface cannot answer; the others do
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# A value that no quotes are put around: a number, true or false, or one that has quotes of its own.
_BARE = re.compile(r'-?[0-9]+(?:\.[0-9]+)?|true|false|"[^"]*"')


class VipcastError(Exception):
    """Base of every error that Vipcast raises on purpose."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with one value of one object, with what to do about it.

    `object` reads as "ConfigMap metallb-system/config", `field` as a path into it
    ("address-pools[0].addresses[1]"), `value` as the user wrote it, `message` and `fix`
    as sentences. `kept`: something of it could be read before, and that stays in force.
    """

    object: str
    field: str
    value: str
    message: str
    fix: str = ""
    kept: bool = False

    def __str__(self) -> str:
        where = f"{self.object}: {self.field}" if self.field else self.object
        bare = _BARE.fullmatch(self.value)
        shown = f" = {self.value if bare else repr(self.value)}" if self.value else ""
        fix = f" {self.fix}" if self.fix else ""
        return f"{where}{shown}: {self.message}{fix}"


class ConfigError(VipcastError):
    """A configuration was refused; carries every finding at once, in the order of the document.

    `warnings` are about what would have no effect even if it were in force.
    """

    def __init__(self, findings: tuple[Finding, ...], warnings: tuple[Finding, ...] = ()) -> None:
        super().__init__("; ".join(str(finding) for finding in findings))
        self.findings = findings
        self.warnings = warnings


class ParseError(VipcastError):
    """An object or file that cannot be read as what it claims to be.

    `findings` are all that is known to be wrong, `finding` is the first of them. `partial` is what
    could be read of it, None if that is nothing.
    """

    def __init__(self, finding: Finding, *more: Finding, partial: object = None) -> None:
        self.finding = finding
        self.findings = (finding, *more)
        self.partial = partial
        super().__init__("; ".join(map(str, self.findings)))


class SourceError(VipcastError):
    """The store of objects did not do what was asked; trying again later may help."""


class ConflictError(SourceError):
    """The object exists already, or has changed since it was read."""


class RefusedError(SourceError):
    """The API server's answer was an error; `code` is its status of HTTP (RFC 9110, section 15)."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class BgpError(VipcastError):
    """A session with a router cannot be as it should; sessions with others are not concerned."""


class MessageError(BgpError):
    """A peer's message that ends the session (RFC 4271, section 6); the text says what is wrong.

    `code`, `subcode` and `data` are those of the NOTIFICATION that the peer is to get.
    """

    def __init__(self, code: int, subcode: int, data: bytes, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.subcode = subcode
        self.data = data
        self.sentence = sentence


class EncodeError(BgpError):
    """A message has no form in BGP; the text names it and says what does not fit."""


class LinkError(BgpError):
    """There is no connection to a router, or it has ended; the text says how that is.

    `hint` says what to look at, where the text leaves that open.
    """

    def __init__(self, sentence: str, hint: str = "") -> None:
        super().__init__(sentence)
        self.hint = hint


class HostError(VipcastError):
    """The node lacks something that the program needs; the text says what and how to get it."""


class AttachError(HostError):
    """An interface cannot be made to answer."""
