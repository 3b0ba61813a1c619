"""Passwords of BGP peers: which Secrets hold them, and what each one says.

    named(peers)          the Secrets that BGPPeers name
    parse_password(raw)   the password in one of them, or ParseError
    Passwords.look(…)     those of all of them as they are now

They stand as MetalLB wants them: type kubernetes.io/basic-auth, key password. One that cannot be
read any more stays as it was; where the Secret is gone there is none. No finding shows a value.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from vipcast.kube.fields import open_object
from vipcast.kube.parse import base64_under
from vipcast.model.errors import Finding, ParseError
from vipcast.model.objects import Key
from vipcast.model.peer import LONGEST_PASSWORD
from vipcast.model.raw import SECRET, Raw, Ref

TYPE = "kubernetes.io/basic-auth"
PASSWORD = "password"
"""The key below `data`."""

_UNTYPED = "Opaque"
_LINE_BREAK = (b"\n", b"\r")

_OTHER_TYPE = f"A BGPPeer takes its password from here, and this is no Secret of type {TYPE}."
_ANEW = "Delete it and create it with that type, which cannot be changed afterwards."
_FIX = "Write it as text under stringData, or as base64 under data."


def named(peers: Iterable[Raw]) -> frozenset[Key]:
    """The Secrets that BGPPeers name, each in the peer's namespace, whatever else stands there."""
    found = set()
    for raw in peers:
        metadata, spec = raw.get("metadata"), raw.get("spec")
        wanted = spec.get("passwordSecret") if isinstance(spec, Mapping) else None
        name = wanted.get("name") if isinstance(wanted, Mapping) else None
        if name and isinstance(name, str) and isinstance(metadata, Mapping):
            found.add(Key(str(metadata.get("namespace", "")), name))
    return frozenset(found)


def parse_password(raw: Raw) -> bytes:
    """The password in a Secret.

    A line break at its end does not count: tools put one there, and no router has one.
    """
    key, top = open_object(raw, SECRET.name)
    kind = top.text("type") or _UNTYPED
    if kind != TYPE:
        raise ParseError(Finding(str(Ref(SECRET, key)), "type", kind, _OTHER_TYPE, _ANEW))
    value = base64_under(top, PASSWORD, _FIX)
    for end in _LINE_BREAK:
        value = value.removesuffix(end)
    if not value:
        raise _hidden(key, "It holds nothing but a line break.", _FIX)
    if len(value) > LONGEST_PASSWORD:
        message = f"It is longer than {LONGEST_PASSWORD} bytes, and TCP-MD5 takes no more."
        raise _hidden(key, message, "Agree on a shorter one with the router.")
    return value


def _hidden(key: Key, message: str, fix: str) -> ParseError:
    return ParseError(Finding(str(Ref(SECRET, key)), f"data.{PASSWORD}", "", message, fix))


class Passwords:
    """Those that can be read, or could be, by the names of their Secrets."""

    def __init__(self) -> None:
        self.findings: dict[Ref, tuple[Finding, ...]] = {}
        self._known: dict[Key, bytes] = {}

    def get(self, secret: Key) -> bytes | None:
        """The password in a Secret; None where there is none to be had, never an empty one."""
        return self._known.get(secret)

    def look(self, wanted: Collection[Key], secrets: Mapping[Key, Raw]) -> bool:
        """Read the Secrets as they are now, and say whether any password is another.

        Findings are about those that are `wanted`; of all others nothing is expected.
        """
        before, self._known = self._known, {}
        self.findings = {}
        for key, raw in secrets.items():
            try:
                self._known[key] = parse_password(raw)
            except ParseError as error:
                if key not in wanted:
                    continue
                if kept := key in before:
                    self._known[key] = before[key]
                found = tuple(replace(each, kept=kept) for each in error.findings)
                self.findings[Ref(SECRET, key)] = found
        return self._known != before
