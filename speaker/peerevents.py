"""Events about routers, on the objects that configure them: sessions that come up and go down.

In the old form there is one object for all of them, the ConfigMap, so a message names the router.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from speaker.bgp.notices import Down
from speaker.peerreports import NO_BFD
from speaker.routers import Router
from vipcast.config.config import Config
from vipcast.model.objects import Key
from vipcast.model.raw import BGP_PEER, CONFIG_MAP, EventNote, EventType, Ref

CONFIG_MAPS: Final = f"{CONFIG_MAP.name} "
"""How the source of a configuration begins that comes from one."""


class PeerEvents:
    """One node's. `namespace` is that of the programs; `config` gives what is in force."""

    def __init__(
        self,
        node: str,
        namespace: str,
        config: Callable[[], Config | None],
        note: Callable[[EventNote], None],
    ) -> None:
        self._node = node
        self._namespace = namespace
        self._config = config
        self._note = note

    def up(self, router: Router) -> None:
        """A session is established."""
        config = self._config()
        about = (router.name, router.place)
        self._tell(*about, EventType.NORMAL, "sessionUp", "is established")
        peers = () if config is None else config.peers
        if any(each.name == router.name and each.bfd_profile for each in peers):
            self._tell(*about, EventType.WARNING, "sessionWithoutBFD", f"has no BFD: {NO_BFD}")

    def down(self, router: Router, down: Down) -> None:
        """A session ended, or could not be had, for a reason that was not told before."""
        what = "could not be established" if down.stood is None else "has ended"
        said = f"{what} ({down.reason}): {down.sentence} {down.hint}".rstrip()
        self._tell(router.name, router.place, EventType.WARNING, "sessionDown", said)

    def blocked(self, name: str, place: str, why: str) -> None:
        """No session is tried with the router of that name any more, or for another reason."""
        self._tell(name, place, EventType.WARNING, "sessionDown", f"is blocked: {why}")

    def _tell(self, name: str, place: str, kind: EventType, reason: str, what: str) -> None:
        message = f'the session of node "{self._node}" with {name} ({place}) {what}'
        self._note(EventNote(self._about(name), kind, reason, message))

    def _about(self, peer: str) -> Ref:
        config = self._config()
        if config is not None and config.source.startswith(CONFIG_MAPS):
            namespace, _, name = config.source.removeprefix(CONFIG_MAPS).partition("/")
            return Ref(CONFIG_MAP, Key(namespace, name))
        return Ref(BGP_PEER, Key(self._namespace, peer))
