"""An address that routers are to be told of: which nodes tell which, and which tell none. PURE."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from speaker.bgp.yielding import LATER
from vipcast.cli.sessions import Session
from vipcast.cli.wording import said
from vipcast.model.objects import Key
from vipcast.model.reasons import Reason


@dataclass(frozen=True, slots=True)
class Teller:
    """A node that tells an address: `routers` hear it, with those in `without` no session stands.

    `lost`: its speaker is not heard. `message`: on what terms it tells it.
    """

    node: str
    routers: tuple[str, ...]
    without: tuple[Session, ...]
    lost: bool = False
    message: str = said(Reason.ADVERTISED)

    @property
    def last(self) -> bool:
        """Whether it asks routers to use it last, which the message says why."""
        return self.message in LATER


@dataclass(frozen=True, slots=True)
class Silent:
    """A node that tells no router of an address, and why."""

    node: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Routed:
    """An address of a Service that routers are to be told of.

    `partial`: the configuration cannot be read, so nodes that tell nobody are not known.
    """

    service: Key
    address: str
    tellers: tuple[Teller, ...]
    silent: tuple[Silent, ...]
    pool: str = ""
    partial: bool = False

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes of which some router hears it."""
        return tuple(each.node for each in self.tellers if each.routers)

    @property
    def told(self) -> bool:
        """Whether any router hears of it."""
        return any(each.routers for each in self.tellers)

    @property
    def reason(self) -> str:
        """That it is told, or the reason why it is not that most nodes have."""
        if self.told:
            return Reason.ADVERTISED
        if self.tellers:
            return Reason.NO_SESSION
        reasons = Counter(each.reason for each in self.silent)
        return reasons.most_common(1)[0][0] if reasons else Reason.NO_SPEAKER

    @property
    def message(self) -> str:
        """The sentence of that reason."""
        told = (each.message for each in self.silent if each.reason == self.reason)
        return said(self.reason, next(told, ""))
