"""What the controller knows, and whose turn it is: Services seen, ledger, and who waits. Pure.

    label(namespaces)    namespaces with their labels         ┐
    observe(changes)     Services as they are now, or gone    ├─► the keys that are due
    configure(config)    a configuration is in force          │
    settle(outcome)      an Outcome has been written          ┘
    decide(key)          the Outcome of one Service, its address held from now on
    doubt(key)           nobody knows whether an Outcome has been written

Addresses that statuses show are entered into the ledger before anything is decided, those of the
oldest Service first, then by name; whoever may not keep one is closed there. So a restart takes
nothing from anybody, and of two Services that show one address the same one keeps it every time.
A Service that changes how it would share is closed as well until it is decided anew: then it is the
one that moves where the others do not agree, and not one of those that have not changed. Those who
wait come in the order of their age, whenever an address becomes free or is shared anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from controller.allocator import Assignment
from controller.feuds import Feuds
from controller.ledger import Ledger
from controller.reconcile import (
    Outcome,
    decide,
    deprecation,
    is_marked,
    is_ours,
    may_keep,
)
from controller.sharing import Sharing
from controller.wishes import wish
from vipcast.config import Config
from vipcast.model.addresses import Address
from vipcast.model.classes import EVERY_DEFAULT, Classes
from vipcast.model.objects import NO_LABELS, Key, Recorded, Service
from vipcast.model.reasons import Reason

Rank = tuple[bool, str, Key]

TAKEN = frozenset({Reason.ADDRESS_IN_USE, Reason.SHARING_REFUSED})
"""Why somebody waits for one certain address."""

UNKNOWN = Recorded(reason="unknown")
"""Stands for a status that nobody has seen since a write of it failed."""


@dataclass(frozen=True, slots=True)
class Observed:
    """The keys that are due, and what Services held that are gone."""

    due: frozenset[Key]
    freed: Mapping[Key, tuple[Address, ...]] = field(default_factory=dict)


class Desk:
    """Everything that the next decision rests on."""

    def __init__(self, classes: Classes = EVERY_DEFAULT) -> None:
        self.ledger = Ledger()
        self.config: Config | None = None
        self.waiting: dict[Key, Reason] = {}
        self.feuds = Feuds()
        self.classes = classes
        self._services: dict[Key, Service] = {}
        self._namespaces: dict[str, Mapping[str, str]] = {}
        self._shared_anew: set[Key] = set()
        self._deprecated: set[Key] = set()

    def rank(self, key: Key) -> Rank:
        """The oldest first; a Service without creationTimestamp counts as the youngest."""
        service = self._services.get(key)
        created = service.created if service else ""
        return (not created, created, key)

    def service(self, key: Key) -> Service | None:
        """A Service as it is now, with what has been written on it since it was observed."""
        return self._services.get(key)

    def label(self, namespaces: Mapping[str, Mapping[str, str]]) -> frozenset[Key]:
        """Take note of the labels of namespaces; the turn of all Services in them comes."""
        self._namespaces.update(namespaces)
        return frozenset(key for key in self._services if key.namespace in namespaces)

    def observe(self, changes: Mapping[Key, Service | None]) -> Observed:
        """Take note of Services as they are now; None: it is gone, and so is its hold."""
        freed: dict[Key, tuple[Address, ...]] = {}
        for key, service in changes.items():
            if service is None:
                if held := self._forget(key):
                    freed[key] = held
            else:
                self._note_changes(self._services.get(key), service)
                self._services[key] = service
        here = [key for key, service in changes.items() if service is not None]
        if self.config is not None:
            self._adopt(here, self.config)
        gainers = self._gainers(address for held in freed.values() for address in held)
        return Observed(gainers.union(here), freed)

    def reserve(self, key: Key, addresses: Iterable[Address]) -> None:
        """Hold what stands on an object that cannot be read until it can be, or is gone."""
        for address in addresses:
            if address not in self.ledger.held(key):
                self.ledger.hold(key, address, None)

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
        labels = self._namespaces.get(key.namespace, NO_LABELS)
        outcome = decide(service, self.config, self.ledger, self.classes, labels)
        if key in self._deprecated and is_ours(service, self.classes):
            outcome = replace(outcome, events=(*outcome.events, deprecation(service)))
        if outcome.assignment is not None:
            self._hold(service, outcome.assignment.address)
        if outcome.waits:
            self.waiting[key] = outcome.reason
        else:
            self.waiting.pop(key, None)
        return outcome

    def settle(self, outcome: Outcome) -> frozenset[Key]:
        """The outcome stands on the Service: see it so already, and let go of what it frees."""
        key = outcome.service
        service = self._services.get(key)
        if service is not None and is_ours(service, self.classes):
            self._deprecated.discard(key)
        if service is not None and outcome.status is not None:
            status = outcome.status
            self._services[key] = replace(service, ingress=status.ingress, recorded=status.recorded)
        freed = [address for address in outcome.frees if address in self.ledger.held(key)]
        for address in freed:
            self.ledger.release(key, address)
        return self._gainers(freed) | self._joiners(key)

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

    def _joiners(self, key: Key) -> frozenset[Key]:
        """Whom it concerns, among those who wait, that a Service shares an address as it does now.

        They may join it, or are told of it, where they ask for that very address.
        """
        if key not in self._shared_anew:
            return frozenset()
        self._shared_anew.remove(key)
        sharing_key = self._services[key].sharing_key
        return frozenset(
            other
            for other, reason in self.waiting.items()
            if reason in TAKEN or sharing_key == self._services[other].sharing_key != ""
        )

    def _note_changes(self, before: Service | None, service: Service) -> None:
        """Close what is held on other conditions; note what the user is to be told."""
        sharing = Sharing.of(service)
        for address in self.ledger.held(service.key):
            if self.ledger.sharing(service.key, address) not in (None, sharing):
                self.ledger.hold(service.key, address, None)
        if before is None:
            told = bool(service.recorded.reason)  # whoever wrote this has said it, too
        else:
            told = before.deprecated == service.deprecated
        if service.deprecated and not told:
            self._deprecated.add(service.key)

    def _hold(self, service: Service, address: Address) -> None:
        """Let a Service hold an address as it would share it now."""
        key, sharing = service.key, Sharing.of(service)
        if self.ledger.sharing(key, address) is None and self.ledger.holders(address):
            self._shared_anew.add(key)
        self.ledger.hold(key, address, sharing)

    def _forget(self, key: Key) -> tuple[Address, ...]:
        self._services.pop(key, None)
        self.waiting.pop(key, None)
        self._shared_anew.discard(key)
        self._deprecated.discard(key)
        held = self.ledger.held(key)
        for address in held:
            self.ledger.release(key, address)
        return held

    def _adopt(self, keys: Iterable[Key], config: Config) -> None:
        """Enter what statuses show, for Services of which the ledger knows nothing."""
        for key in sorted(keys, key=self.rank):
            service = self._services[key]
            ours = is_ours(service, self.classes)
            if service.ingress and not self.ledger.held(key) and (ours or is_marked(service)):
                wanted = wish(service, self._namespaces.get(key.namespace, NO_LABELS))
                for address, answer in may_keep(service, wanted, config, self.ledger).items():
                    stays = ours and isinstance(answer, Assignment)
                    self.ledger.hold(key, address, Sharing.of(service) if stays else None)
