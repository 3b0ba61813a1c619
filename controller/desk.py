"""What the controller knows, and whose turn it is: Services seen, ledger, and who waits. Pure.

    observe(changes)     Services as they are now, or gone    ┐
    configure(config)    a configuration is in force          ├─► the keys that are due
    settle(outcome)      an Outcome has been written          ┘
    decide(key)          the Outcome of one Service, its address held from now on
    doubt(key)           nobody knows whether an Outcome has been written

Addresses that statuses show are entered into the ledger before anything is decided: those that may
be kept first, then those of the older Service, then by name. So a restart takes nothing from
anybody, and of two Services that show one address the same one keeps it every time. Those who wait
come in the order of their age, whenever an address becomes free.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from controller.ledger import Ledger
from controller.reconcile import Outcome, decide, is_marked, is_ours, is_rightful, shown
from vipcast.config import Config
from vipcast.model.addresses import Address
from vipcast.model.objects import Key, Recorded, Service
from vipcast.model.reasons import Reason

Rank = tuple[bool, str, Key]

UNKNOWN = Recorded(reason="unknown")
"""Stands for a status that nobody has seen since a write of it failed."""


@dataclass(frozen=True, slots=True)
class Observed:
    """The keys that are due, and what Services held that are gone."""

    due: frozenset[Key]
    freed: Mapping[Key, tuple[Address, ...]] = field(default_factory=dict)


class Desk:
    """Everything that the next decision rests on."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.config: Config | None = None
        self.waiting: dict[Key, Reason] = {}
        self._services: dict[Key, Service] = {}

    def rank(self, key: Key) -> Rank:
        """The oldest first; a Service without creationTimestamp counts as the youngest."""
        service = self._services.get(key)
        created = service.created if service else ""
        return (not created, created, key)

    def service(self, key: Key) -> Service | None:
        """A Service as it is now, with what has been written on it since it was observed."""
        return self._services.get(key)

    def observe(self, changes: Mapping[Key, Service | None]) -> Observed:
        """Take note of Services as they are now; None: it is gone, and so is its hold."""
        freed: dict[Key, tuple[Address, ...]] = {}
        for key, service in changes.items():
            if service is None:
                if held := self._forget(key):
                    freed[key] = held
            else:
                self._services[key] = service
        here = [key for key, service in changes.items() if service is not None]
        if self.config is not None:
            self._adopt(here, self.config)
        gainers = self._gainers(address for held in freed.values() for address in held)
        return Observed(gainers.union(here), freed)

    def reserve(self, key: Key, addresses: Iterable[Address]) -> None:
        """Hold what stands on an object that cannot be read until it can be, or is gone."""
        for address in addresses:
            if self.ledger.holder(address) is None:
                self.ledger.hold(key, address)

    def configure(self, config: Config) -> frozenset[Key]:
        """Decide by this configuration from now on. Everybody's turn comes."""
        self.ledger.arrange(config.pools)
        self.config = config
        self._adopt(self._services, config)
        return frozenset(self._services)

    def decide(self, key: Key) -> Outcome | None:
        """The answer for a Service, or None if there is none of that name (any more)."""
        service = self._services.get(key)
        if service is None:
            return None
        outcome = decide(service, self.config, self.ledger)
        if outcome.assignment is not None:
            self.ledger.hold(key, outcome.assignment.address)
        if outcome.waits:
            self.waiting[key] = outcome.reason
        else:
            self.waiting.pop(key, None)
        return outcome

    def settle(self, outcome: Outcome) -> frozenset[Key]:
        """The outcome stands on the Service: see it so already, and let go of what it frees."""
        key = outcome.service
        service = self._services.get(key)
        if service is not None and outcome.status is not None:
            status = outcome.status
            self._services[key] = replace(service, ingress=status.ingress, recorded=status.recorded)
        freed = [address for address in outcome.frees if self.ledger.holder(address) == key]
        for address in freed:
            self.ledger.release(key, address)
        return self._gainers(freed)

    def doubt(self, key: Key) -> None:
        """A write may or may not have taken effect: whatever is decided next is to be written."""
        service = self._services.get(key)
        if service is not None:
            self._services[key] = replace(service, recorded=UNKNOWN)

    def _gainers(self, freed: Iterable[Address]) -> frozenset[Key]:
        """Who may have waited for one of these: nobody, where no pool gives them out (any more)."""
        if self.config is not None:
            for address in freed:
                pool = self.config.pool_of(address)
                if pool is not None and pool.allows(address):
                    return frozenset(self.waiting)
        return frozenset()

    def _forget(self, key: Key) -> tuple[Address, ...]:
        self._services.pop(key, None)
        self.waiting.pop(key, None)
        held = self.ledger.held(key)
        for address in held:
            self.ledger.release(key, address)
        return held

    def _adopt(self, keys: Iterable[Key], config: Config) -> None:
        """Enter what statuses show, for Services of which the ledger knows nothing."""
        claims = [
            (not is_rightful(service, config, self.ledger), self.rank(service.key), service)
            for service in (self._services[key] for key in keys)
            if service.ingress and not self.ledger.held(service.key)
            if is_ours(service) or is_marked(service)
        ]
        for _, (_, _, key), service in sorted(claims, key=lambda claim: claim[:2]):
            self.reserve(key, shown(service))
