"""What the controller knows, and whose turn it is: Services seen, ledger, and who waits. Pure.

    observe(changes)     Services as they are now, or gone    ┐
    configure(config)    a configuration is in force          ├→ the keys that are due
    settle(outcome)      an Outcome has been written          ┘
    decide(key)          the Outcome of one Service, its address held from now on

Addresses that statuses show are entered into the ledger before anything is decided: those that may
be kept first, then those of the older Service, then by name. So a restart takes nothing from
anybody, and of two Services that show one address the same one keeps it every time. Those who wait
come in the order of their age, whenever an address becomes free.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from controller.ledger import Ledger
from controller.reconcile import Outcome, decide, is_marked, is_ours, is_rightful, shown
from vipcast.config import Config
from vipcast.model.addresses import Address
from vipcast.model.objects import Key, Service

Rank = tuple[bool, str, Key]


@dataclass(frozen=True, slots=True)
class Observed:
    """The keys that are due, and what Services held that are gone."""

    due: frozenset[Key]
    freed: tuple[tuple[Key, Address], ...] = ()


class Desk:
    """Everything that the next decision rests on."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.config: Config | None = None
        self._services: dict[Key, Service] = {}
        self._waiting: set[Key] = set()

    def rank(self, key: Key) -> Rank:
        """The oldest first; a Service without creationTimestamp counts as the youngest."""
        service = self._services.get(key)
        created = service.created if service else ""
        return (not created, created, key)

    def observe(self, changes: Mapping[Key, Service | None]) -> Observed:
        """Take note of Services as they are now; None: it is gone, and so is its hold."""
        freed: list[tuple[Key, Address]] = []
        for key, service in changes.items():
            if service is None:
                freed.extend((key, address) for address in self._forget(key))
            else:
                self._services[key] = service
        here = [key for key, service in changes.items() if service is not None]
        if self.config is not None:
            self._adopt(here, self.config)
        return Observed(frozenset(here) | (self._waiting if freed else set()), tuple(freed))

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
            self._waiting.add(key)
        else:
            self._waiting.discard(key)
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
        return frozenset(self._waiting) if freed else frozenset()

    def _forget(self, key: Key) -> tuple[Address, ...]:
        self._services.pop(key, None)
        self._waiting.discard(key)
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
            for address in shown(service):
                if self.ledger.holder(address) is None:
                    self.ledger.hold(key, address)
