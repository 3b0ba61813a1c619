"""One Service in, one Outcome out: what it holds, what its status says, what the user is told.

    decide(service, config, ledger, …) -> Outcome

The order of checks is the one MetalLB's users know: is it ours at all, is there a configuration,
may the Service keep what it has, and only then what it gets anew. Nothing is changed in here. Who
acts on an Outcome goes by this order, so that no two statuses ever show one address:

    1  the ledger holds `assignment` for the Service      from now on nobody else is given it
    2  `status` is written (None: it says so already)     then `events` are recorded
    3  the ledger lets go of `frees`                      then those who wait are decided anew
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from controller import allocator
from controller.allocator import Assignment
from controller.ledger import Ledger
from controller.refusals import Refusal
from controller.wishes import Wish, wish
from vipcast.config import Config
from vipcast.model.addresses import Address, parse_plain
from vipcast.model.classes import EVERY_DEFAULT, Classes
from vipcast.model.objects import NO_LABELS, Key, Recorded, Service
from vipcast.model.raw import SERVICE, EventNote, EventType, Ref
from vipcast.model.reasons import Reason, sentence
from vipcast.model.steps import STEPS

NOTHING = Recorded()


@dataclass(frozen=True, slots=True)
class Status:
    """What the controller wants to stand on a Service; all empty: nothing of its own."""

    ingress: tuple[str, ...] = ()
    recorded: Recorded = NOTHING


@dataclass(frozen=True, slots=True)
class Outcome:
    """The whole answer for one Service; see the module for the order in which it is acted on."""

    service: Key
    reason: Reason
    message: str
    assignment: Assignment | None = None
    status: Status | None = None
    events: tuple[EventNote, ...] = ()
    frees: tuple[Address, ...] = ()
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Beside:
    """What there is to say beside an address: what the Service does not get, and hints."""

    lacks: tuple[Refusal, ...]
    hints: tuple[str, ...]


def is_ours(service: Service, classes: Classes = EVERY_DEFAULT) -> bool:
    """Whether the Service is of type LoadBalancer and of a class that is ours."""
    return classes.refuse(service) is None


def is_marked(service: Service) -> bool:
    """Whether something that the controller wrote stands on the Service."""
    return service.recorded != NOTHING


def shown(service: Service) -> tuple[Address, ...]:
    """The addresses in the status; names and what is no address are passed over."""
    found = []
    for text in service.ingress:
        try:
            found.append(parse_plain(text))
        except ValueError:
            continue  # a host name, or garbage: the next status that is written replaces it
    return tuple(dict.fromkeys(found))


def decide(
    service: Service,
    config: Config | None,
    ledger: Ledger,
    classes: Classes = EVERY_DEFAULT,
    namespace_labels: Mapping[str, str] = NO_LABELS,
) -> Outcome:
    """The answer for a Service as it is now; `config` is None until there is a valid one.

    The ledger must hold what the Service's status shows.
    """
    foreign = classes.refuse(service)
    if foreign is not None:
        return _not_ours(service, foreign, config, ledger)
    if config is None:
        return _without_config(service, ledger)
    wanted = wish(service, namespace_labels)
    answers = may_keep(service, wanted, config, ledger)
    kept = next((answer for answer in answers.values() if isinstance(answer, Assignment)), None)
    events = _taken_back(service, answers)
    if isinstance(wanted, Refusal):
        return _refused(service, wanted, events, ledger)
    found = kept or allocator.choose(wanted, config, ledger)
    if isinstance(found, Refusal):
        return _refused(service, found, events, ledger)
    reason = Reason.KEPT if kept else Reason.ALLOCATED
    lacks = allocator.lacks(service, wanted, found, config)
    hints = allocator.hints(service, found, config)
    return _assigned(service, found, reason, Beside(lacks, hints), events, ledger)


def may_keep(
    service: Service, wanted: Wish | Refusal, config: Config, ledger: Ledger
) -> dict[Address, Assignment | Refusal]:
    """For each address that the Service has: may it stay? Where the ledger knows, the status does
    not count: somebody else has overwritten it."""
    claims = ledger.held(service.key) or shown(service)
    if isinstance(wanted, Refusal):
        return dict.fromkeys(claims, wanted)
    return {address: allocator.keep(address, wanted, config, ledger) for address in claims}


def deprecation(service: Service) -> EventNote:
    """The Event about annotations with MetalLB's old prefix."""
    pairs = (f"{name} (write metallb.io/{name.rpartition('/')[2]})" for name in service.deprecated)
    message = f"Annotations with a deprecated prefix: {', '.join(pairs)}."
    return _note(service, EventType.WARNING, "deprecatedAnnotation", message)


def _not_ours(service: Service, reason: Reason, config: Config | None, ledger: Ledger) -> Outcome:
    clear = is_marked(service) and config is not None
    refusal = Refusal(reason, f"{sentence(reason)} {STEPS[reason]}")
    lost = dict.fromkeys(ledger.held(service.key), refusal) if clear else {}
    return Outcome(
        service.key,
        reason,
        sentence(reason),
        status=Status() if clear else None,
        events=_taken_back(service, lost),
        frees=ledger.held(service.key),
    )


def _without_config(service: Service, ledger: Ledger) -> Outcome:
    """Who shows an address keeps it untouched; who has none is told what it waits for."""
    reason = Reason.NO_CONFIG
    message = f"{sentence(reason)} `vipcast status` says what is wrong with it."
    if shown(service):
        return Outcome(service.key, reason, message)
    return _refused(service, Refusal(reason, message), (), ledger)


def _assigned(
    service: Service,
    given: Assignment,
    reason: Reason,
    beside: Beside,
    events: tuple[EventNote, ...],
    ledger: Ledger,
) -> Outcome:
    """An address; of what lacks nevertheless the gravest gives the reason."""
    if given.address not in shown(service):
        events += (_note(service, EventType.NORMAL, "IPAllocated", f"Assigned {given}."),)
    grave = [lack.message for lack in beside.lacks]
    message = " ".join((f"{given}.", *grave, *beside.hints))
    recorded = Recorded(given.pool, assigned=True, reason=Reason.ALLOCATED, message=message)
    if beside.lacks:
        reason = beside.lacks[0].reason
        recorded = replace(recorded, reason=reason)
        if _is_news(service, recorded):
            told = " ".join((f"The Service has {given}.", *grave))
            asked = reason is Reason.INVALID_REQUEST
            what = "LoadBalancerFailed" if asked else "NotAnnounced"
            events += (_note(service, EventType.WARNING, what, told),)
    return Outcome(
        service.key,
        reason,
        recorded.message,
        assignment=given,
        status=_if_new(service, Status((str(given.address),), recorded)),
        events=events,
        frees=tuple(held for held in ledger.held(service.key) if held != given.address),
    )


def _refused(
    service: Service, refusal: Refusal, events: tuple[EventNote, ...], ledger: Ledger
) -> Outcome:
    recorded = Recorded(reason=refusal.reason, message=refusal.message)
    if _is_news(service, recorded):
        unread = refusal.reason is Reason.INVALID_REQUEST
        what = "LoadBalancerFailed" if unread else "AllocationFailed"
        told = f"{refusal.reason}: {refusal.message}"
        events += (_note(service, EventType.WARNING, what, told),)
    return Outcome(
        service.key,
        refusal.reason,
        refusal.message,
        status=_if_new(service, Status((), recorded)),
        events=events,
        frees=ledger.held(service.key),
        waits=True,
    )


def _taken_back(
    service: Service, answers: Mapping[Address, Assignment | Refusal]
) -> tuple[EventNote, ...]:
    """An Event for each address in the status that was the Service's and is so no more."""
    return tuple(
        _note(
            service,
            EventType.NORMAL,
            "ClearAssignment",
            f"{address} is taken back ({refusal.reason}): {refusal.message}",
        )
        for address in shown(service)
        if isinstance(refusal := answers.get(address), Refusal)
    )


def _if_new(service: Service, status: Status) -> Status | None:
    return None if Status(service.ingress, service.recorded) == status else status


def _is_news(service: Service, recorded: Recorded) -> bool:
    """Whether the user has not been told this yet: what stands on the Service differs."""
    return service.recorded != recorded


def _note(service: Service, kind: EventType, reason: str, message: str) -> EventNote:
    return EventNote(Ref(SERVICE, service.key), kind, reason, message)
