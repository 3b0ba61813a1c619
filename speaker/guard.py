"""What stands of the speaker's reports, against what it has written: what is gone or spoilt. PURE.

Somebody may remove or overwrite a report: a person, or another speaker that was given this node's
name. It is written anew a moment later (its own writes come back in any order with those of others)
and not again for a while, so that two that fight cost little. A report that comes back as it was,
without ours having stood in between, is left so: the source makes something else of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vipcast.model.raw import Raw, Ref

SETTLE = 1.0
"""Seconds from the sight of a spoilt report until it is looked at again, and mended."""

PAUSE = 10.0
"""Seconds between two times of mending."""


class Guard:
    """Times are monotonic seconds. `due` is when to call `spoilt`; None: nothing to be done."""

    def __init__(self) -> None:
        self.due: float | None = None
        self._seen: dict[Ref, Raw | None] = {}
        self._left: dict[Ref, object] = {}
        self._mended = float("-inf")

    def saw(self, ref: Ref, raw: Raw | None, written: Raw | None, now: float) -> None:
        """An object stands like this; `written` is what we wrote last; None: nothing."""
        self._seen[ref] = raw
        if _said(raw) == _said(written):
            self._left.pop(ref, None)
        elif self.due is None:
            self.due = max(now + SETTLE, self._mended + PAUSE)

    def spoilt(self, now: float, written: Mapping[Ref, Raw]) -> Iterator[tuple[Ref, Raw | None]]:
        """What does not stand as we wrote it, with what stands; nothing before it is `due`."""
        if self.due is None or now < self.due:
            return
        self.due = None
        for ref, raw in self._seen.items():
            said = _said(raw)
            if said == _said(written.get(ref)) or (ref in self._left and self._left[ref] == said):
                continue
            self._left[ref] = said
            self._mended = now
            yield ref, raw
        self._seen.clear()


def text_of(raw: Raw | None, name: str) -> str:
    """A text of a status, "" if there is none."""
    status = _said(raw)
    found = status.get(name) if isinstance(status, Mapping) else None
    return found if isinstance(found, str) else ""


def _said(raw: Raw | None) -> object:
    return None if raw is None else raw.get("status")
