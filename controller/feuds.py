"""Who else writes on our Services, and when it is left to them. Pure; `now` in seconds.

Another load balancer (k3s has one, servicelb) may put its own status on a Service whenever we have
written ours. Each would put right for ever what the other has written. So rounds are counted: a
round is a write of ours that somebody undid before it had stood for STANDS, while the Service was
otherwise as it was. After ROUNDS of them there is a feud, and nothing is written for a pause:

    no feud ──ROUNDS undone──▶ quiet ──pause over──▶ one try ──stands──▶ no feud
                                 ▲                       │
                                 └──undone, longer pause─┘

Whatever the Service's user changes on it ends a feud at once, and so does the other one, by
writing what we wrote last. Meanwhile the Service's address stays its own.

    seen(before, service)    it is seen as somebody has left it (None: it is gone)
    restrained(outcome)      what is to be done of an Outcome now
    writes(service, status)  this is going to be written
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from controller.reconcile import Outcome, Status, shown
from vipcast.model.objects import Key, Service
from vipcast.model.raw import SERVICE, EventNote, EventType, Ref
from vipcast.model.reasons import Reason, status_contested

ROUNDS: Final = 2
"""How many of our writes are undone before we stop."""

STANDS: Final = 60.0
"""Seconds after which a write counts as accepted; what is undone later is no round."""

FIRST_PAUSE: Final = 300.0
LONGEST_PAUSE: Final = 3600.0
"""Seconds until the next try: doubled each time, from the first up to the longest."""

MOST_UNSEEN: Final = 8
"""How many of our last writes on one Service may come back at any time."""

EVENT: Final = "StatusContested"


@dataclass(slots=True)
class _Record:
    """Our writes on one Service: those not seen yet, the last one, and what became of them.

    `open`: the last one was not undone so far. `pause` is 0 where there is no feud, `told` whether
    the user knows of it, `writer` who writes there, "" if nobody knows.
    """

    last: Status
    at: float
    unseen: list[Status] = field(default_factory=list)
    open: bool = True
    rounds: int = 0
    pause: float = 0.0
    until: float = 0.0
    told: bool = False
    writer: str = ""


class Feuds:
    """Everybody's writes on our Services, as far as they do not agree."""

    def __init__(self) -> None:
        self._records: dict[Key, _Record] = {}
        self._feuds: dict[Key, str] = {}

    @property
    def writers(self) -> Mapping[Key, str]:
        """The Services that are fought over, each with the other writer, "" if nobody knows."""
        return self._feuds

    def awaits(self, key: Key) -> bool:
        """Whether something was written that has not been seen since."""
        record = self._records.get(key)
        return record is not None and bool(record.unseen)

    def writes(self, key: Key, status: Status, now: float) -> None:
        """This is going to be written; whether it succeeds is seen later."""
        record = self._records.setdefault(key, _Record(status, now))
        record.last, record.at, record.open = status, now, True
        if status not in record.unseen:
            record.unseen = [*record.unseen[-MOST_UNSEEN:], status]

    def seen(self, before: Service | None, key: Key, service: Service | None, now: float) -> None:
        """A Service is seen as it is now; `before`: as it was when it was last decided."""
        record = self._records.get(key)
        if record is None:
            return
        if before is None or service is None or not _same_wish(before, service):
            self._end(key)
            return
        stands = Status(service.ingress, service.recorded)
        if stands in record.unseen:
            del record.unseen[: record.unseen.index(stands) + 1]
        elif stands == record.last:
            if not record.open:
                self._end(key)  # the other one gave in
        elif record.open:
            self._undone(key, record, now)
        if key in self._feuds and stands != record.last:
            self._feuds[key] = record.writer = service.status_writer

    def restrained(self, outcome: Outcome, service: Service, now: float) -> Outcome:
        """The Outcome; without what may not be written now, where there is a feud."""
        record = self._records.get(outcome.service)
        if record is None or not record.pause:
            return outcome
        if record.open:
            if now >= record.at + STANDS:
                self._end(outcome.service)
            return outcome
        if now >= record.until or outcome.status is None:
            return outcome
        message = status_contested(record.writer, service.ingress)
        told, record.told = record.told, True
        text = f"{message} What Vipcast would write: {outcome.message}"
        note = EventNote(Ref(SERVICE, outcome.service), EventType.WARNING, EVENT, text)
        return replace(
            outcome,
            reason=Reason.STATUS_CONTESTED,
            message=message,
            status=None,
            events=() if told else (note,),
            frees=tuple(each for each in outcome.frees if each not in shown(service)),
        )

    def due(self, key: Key) -> float | None:
        """When a Service is to be looked at again because of a feud; None: there is none."""
        record = self._records.get(key)
        if record is None or not record.pause:
            return None
        return record.at + STANDS if record.open else record.until

    def _undone(self, key: Key, record: _Record, now: float) -> None:
        record.open = False
        record.unseen.clear()
        if now - record.at >= STANDS:
            self._end(key)
            return
        record.rounds += 1
        if record.pause or record.rounds >= ROUNDS:
            record.pause = min(2 * record.pause, LONGEST_PAUSE) or FIRST_PAUSE
            record.until = now + record.pause
            record.told = False
            self._feuds[key] = ""

    def _end(self, key: Key) -> None:
        self._records.pop(key, None)
        self._feuds.pop(key, None)


def _same_wish(before: Service, after: Service) -> bool:
    """Whether nothing has changed but what controllers write."""
    return replace(after, ingress=before.ingress, recorded=before.recorded) == before
