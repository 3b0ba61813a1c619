"""Recorded conversations between a session and a router, and how they are read.

A conversation is a text file, one thing a line, in the order in which it happens:

    settings NAME=VALUE …     before all else: what differs from the usual (see `settings_of`)
    0.0  ! start              the owner's or the host's call
    0.0  > M 001304           what the session sends, all of it up to the next line that is no such
    1.5  < M 001304           what the router sends, in one piece
    1.5  = Connect 1          what the session tells, as `told` writes it
    1.5  ? Established        the state that it is in now

Times are seconds, and each has to be that of the session's next deadline or before: no timer can
have been passed over. Octets are hexadecimal, M is the marker of sixteen ones; what follows a `#`
is for people. An indented line goes on with the octets of the one before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address
from pathlib import Path
from typing import Final

from speaker.bgp.codes import Cease
from speaker.bgp.messages import IPV4_UNICAST, IPV6_UNICAST, AfiSafi, Counts
from speaker.bgp.notices import (
    Close,
    Connect,
    Down,
    Established,
    RefreshAsked,
    SessionEvent,
    UpdateSeen,
)
from speaker.bgp.session import Session
from speaker.bgp.settings import Graceful, SessionSettings
from vipcast.model.peer import DynamicAsn

HERE: Final = Path(__file__).parent
ALL: Final = sorted(HERE.glob("*.txt"))
_FAMILIES: Final = {"ipv4": IPV4_UNICAST, "ipv6": IPV6_UNICAST}
_GRACEFUL: Final = {
    "": None,
    "restarting": Graceful(restarting=True),
    "booted": Graceful(forwarding=False),
}


@dataclass(frozen=True, slots=True)
class Line:
    """`kind` is one of the signs above, `text` what follows it without its comment."""

    number: int
    time: float
    kind: str
    text: str


def read(path: Path) -> tuple[SessionSettings, list[Line]]:
    """A conversation out of its file."""
    settings = SettingsText()
    lines: list[Line] = []
    for number, raw in enumerate(path.read_text().splitlines(), start=1):
        text = raw.split("#")[0].rstrip()
        if not text:
            continue
        if text.startswith("settings "):
            settings.take(text)
        elif text[0].isspace():
            last = lines.pop()
            lines.append(Line(last.number, last.time, last.kind, f"{last.text} {text.strip()}"))
        else:
            time, kind, *rest = text.split(maxsplit=2)
            lines.append(Line(number, float(time), kind, " ".join(rest)))
    return settings.made(), lines


def octets(text: str) -> bytes:
    """Hexadecimal with M for the marker."""
    return bytes.fromhex(text.replace("M", "ff" * 16))


class SettingsText:
    """The words behind `settings`: local, peer, address, id, families, hold, connect, graceful."""

    def __init__(self) -> None:
        self._words: dict[str, str] = {}

    def take(self, line: str) -> None:
        """One line of them."""
        self._words |= dict(word.split("=", 1) for word in line.split()[1:])

    def made(self) -> SessionSettings:
        """What they come to."""
        words = dict(self._words)
        peer = words.pop("peer", "64513")
        graceful = words.pop("graceful", "")
        settings = SessionSettings(
            local_asn=int(words.pop("local", "64512")),
            peer_asn=int(peer) if peer.isdigit() else DynamicAsn(peer),
            address=ip_address(words.pop("address", "192.0.2.2")),
            router_id=IPv4Address(words.pop("id", "192.0.2.1")),
            families=tuple(_FAMILIES[name] for name in words.pop("families", "ipv4").split(",")),
            hold_time=int(words.pop("hold", "90")),
            connect_time=int(words.pop("connect", "10")),
            graceful_restart=_GRACEFUL[graceful],
        )
        assert not words, f"no such settings: {words}"
        return settings


def told(event: SessionEvent) -> str:
    """An event in one line."""
    match event:
        case Connect(generation):
            return f"Connect {generation}"
        case Close(generation, last):
            return f"Close {generation} {last.hex().replace('ff' * 16, 'M')}".rstrip()
        case Established(generation, agreed, local, _):
            kind = "internal" if agreed.ibgp else "external"
            width = 4 if agreed.four_octet else 2
            refresh = "none" if not agreed.route_refresh else "plain"
            refresh = "enhanced" if agreed.enhanced_refresh else refresh
            return (
                f"Established {generation} {kind} AS {agreed.peer_asn} {width} octets "
                f"hold {agreed.hold_time} {_listed(agreed.families)} refresh {refresh} "
                f"extended {'yes' if agreed.extended_message else 'no'} from {local}"
            )
        case Down(generation, reason, state, sentence, _, said, _):
            return f"Down {generation} {reason} in {state}: {sentence} [{said or ''}]"
        case RefreshAsked(generation, family, enhanced):
            return f"RefreshAsked {generation} {family} {'enhanced' if enhanced else 'plain'}"
        case UpdateSeen(generation, messages, announced, withdrawn, ends, faults):
            return (
                f"UpdateSeen {generation} messages {messages} announced {_counted(announced)} "
                f"withdrawn {_counted(withdrawn)} ends {_listed(ends)} faults {len(faults)}"
            )


def as_told(text: str) -> str:
    """The line of an event as `told` has it: octets may stand apart in a file."""
    words = text.split()
    return " ".join([*words[:2], "".join(words[2:])] if words[0] == "Close" else words).rstrip()


def call(session: Session, text: str, now: float) -> None:
    """What stands behind `!`; a generation is that of the last Connect."""
    name, *words = text.split(maxsplit=1)
    rest = words[0] if words else ""
    generation = session.generation
    match name:
        case "start":
            session.start(now)
        case "stop":
            session.stop(now, text=rest)
        case "restart":
            session.stop(now, cease=None)
        case "reset":
            session.reset(now, Cease[rest])
        case "connected":
            here, there = map(ip_address, rest.split())
            session.connected(here, there, now, generation=generation)
        case "refused":
            session.refused(rest, now, generation=generation)
        case "closed":
            session.closed(rest, now, generation=generation)
        case "sent":
            session.sent(now, generation=generation)
        case "send":
            assert session.send(octets(rest), generation=generation)
        case "timer":
            session.timer(now)
        case _:
            raise AssertionError(f"there is no call {name}")


def _listed(families: tuple[AfiSafi, ...]) -> str:
    return ",".join(str(family).replace(" unicast", "") for family in families) or "none"


def _counted(counts: Counts) -> str:
    return ",".join(f"{count} {_listed((family,))}" for family, count in counts) or "none"


def calls_of(lines: list[Line]) -> Iterator[tuple[Line, list[Line]]]:
    """Each line that does something, with those that say what comes of it."""
    first: Line | None = None
    follow: list[Line] = []
    for line in lines:
        if line.kind in "!<":
            if first is not None:
                yield first, follow
            first, follow = line, []
        else:
            follow.append(line)
    if first is not None:
        yield first, follow
