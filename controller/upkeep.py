"""What the controller keeps in order besides Services: its own state, pools' counters, the key.

Each is one object, looked at when something has changed that it tells of, and written only where it
differs from what stands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from controller import reports
from controller.counters import Counters, counters, differs
from controller.desk import Desk
from vipcast.config import ConfigKeeper
from vipcast.kube import render
from vipcast.kube.owners import goes_with, owned
from vipcast.kube.store import Store
from vipcast.model.errors import ConflictError, Finding
from vipcast.model.objects import Key
from vipcast.model.raw import IP_ADDRESS_POOL, Owner, Raw, Ref
from vipcast.ops.heartbeat import Heartbeat
from vipcast.ports import Source

COUNTING: Final = 1.0
"""Seconds from a change until what counts many objects is written, with all that came meanwhile."""


@dataclass(frozen=True, slots=True)
class Means:
    """`wall` gives seconds since 1970, `token` a new key; `heartbeat`: signs of life are given.

    `flags` are those of this program, as its ConfigurationState shows them. That goes with `owner`.
    """

    wall: Callable[[], float]
    token: Callable[[], bytes]
    heartbeat: bool
    flags: Raw
    owner: Owner | None


class Upkeep:
    """Writes what it finds to be out of date; raises SourceError where that is refused."""

    def __init__(
        self,
        source: Source,
        store: Store,
        desk: Desk,
        keeper: ConfigKeeper,
        secret: str,
        means: Means,
    ) -> None:
        self._source = source
        self._store = store
        self._desk = desk
        self._keeper = keeper
        self._means = means
        self._namespace = keeper.namespace
        self.state = render.configuration_state_ref(self._namespace)
        self.secret = render.secret_ref(self._namespace, secret)
        self._counted: dict[Ref, Counters] = {}
        self._heartbeat = Heartbeat(means.wall, given=means.heartbeat)

    def pools(self) -> Iterator[Ref]:
        """The IPAddressPools that are in force."""
        for pool in () if self._desk.config is None else self._desk.config.pools:
            ref = Ref(IP_ADDRESS_POOL, Key(self._namespace, pool.name))
            if self._store.raw(ref) is not None:
                yield ref

    async def count(self, pool: Ref) -> None:
        """The counters of an IPAddressPool."""
        raw, wanted = self._store.raw(pool), counters(self._desk.ledger.usage()).get(pool.key.name)
        if raw is None or wanted is None:
            self._counted.pop(pool, None)
        elif differs(wanted, raw, self._counted.get(pool)):
            await self._source.write_status(pool, wanted)
            self._counted[pool] = wanted

    async def report(self, problems: tuple[Finding, ...]) -> float | None:
        """The ConfigurationState; when it is to be looked at again (None: at the next change)."""
        state = self._keeper.state
        before = self._store.raw(self.state)
        ref, raw = render.configuration_state(
            self._namespace,
            "",
            loaded=state.loaded,
            findings=state.findings,
            problems=problems,
            warnings=state.warnings,
            contested=self._desk.feuds.writers,
            now=render.timestamp(self._means.wall()),
            before=before,
            heartbeat=self._heartbeat.text(asyncio.get_running_loop().time()),
            flags=self._means.flags,
        )
        owner = self._means.owner
        if before is None or before.get("status") != raw["status"] or not goes_with(before, owner):
            await self._source.put(ref, owned(raw, owner))
        return self._heartbeat.due

    async def make_secret(self) -> None:
        """The key of the speakers' hellos, where there is none."""
        if self._store.secret_present:
            return
        try:
            await self._source.create(self.secret, render.secret(self.secret, self._means.token()))
        except ConflictError:
            return  # somebody else has made it, or our own has not come back yet
        reports.tell_secret(self.secret)
