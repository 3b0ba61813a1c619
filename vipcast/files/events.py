"""One writer's Events: equal notes are counted up, and the newest ones are kept.

They stand in one file, oldest first, so a thousand notes at once cost one write. Who starts again
goes on counting where the file ended.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vipcast.files.dump import dump
from vipcast.kube.fields import Fields
from vipcast.kube.render import event, event_ref
from vipcast.model.errors import ParseError
from vipcast.model.raw import EventNote, Raw, Ref


@dataclass(slots=True)
class Counted:
    """One Event: how often it was noted, when first, and its text, made when it is first needed."""

    writer: str
    note: EventNote | None
    count: int
    first: str
    last: str
    document: str = ""

    def text(self) -> str:
        """The Event as a YAML document."""
        if not self.document and self.note is not None:
            raw = event(self.note, self.writer, self.count, self.first, self.last)
            self.document = dump(raw)
        return self.document


class EventTable:
    """At most `budget` Events, in the order in which they were last noted."""

    def __init__(self, writer: str, budget: int) -> None:
        self._writer = writer
        self._budget = budget
        self._events: OrderedDict[Ref, Counted] = OrderedDict()

    def note(self, note: EventNote, now: str) -> None:
        """Count a note; `now` as RFC 3339."""
        ref = event_ref(note, self._writer)
        known = self._events.pop(ref, None)
        count, first = (known.count + 1, known.first) if known else (1, now)
        self._add(ref, Counted(self._writer, note, count, first, now))

    def restore(self, objects: Iterable[tuple[Ref, Raw]]) -> None:
        """Take over what the file held when the writer started, but for what is odd in there."""
        for ref, raw in objects:
            fields = Fields(str(ref), raw)
            try:
                count = fields.number("count", 1, 2**63 - 1)
                first, last = fields.text("firstTimestamp"), fields.text("lastTimestamp")
            except ParseError:
                continue
            self._add(ref, Counted(self._writer, None, count, first, last, dump(raw)))

    def all(self) -> Sequence[Counted]:
        """Every Event, oldest first; what is noted later makes new ones of them."""
        return tuple(self._events.values())

    def _add(self, ref: Ref, counted: Counted) -> None:
        self._events[ref] = counted
        while len(self._events) > self._budget:
            self._events.popitem(last=False)
