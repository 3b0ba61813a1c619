"""How far ahead of lists and watches the answers to our own writes are, object by object. PURE.

Somebody may undo a write of ours before any watch has told of it; to who knows nothing of the
write, nothing has happened then. So the answer to a write counts as news, if it is news: while a
write is under way, the newest version that is heard of its object is kept, and until the watch has
come by the answer's version, what it tells of that object is old.

Versions are compared as etcd numbers them, the later the higher. Where they are no numbers, no
answer counts. Few objects are in here at any time: those that are being written.
"""

from __future__ import annotations

from collections import Counter

from vipcast.model.raw import Raw, Ref


class Ahead:
    """For the objects of one kind."""

    def __init__(self) -> None:
        self._versions: dict[Ref, int] = {}
        self._begun: Counter[Ref] = Counter()

    def begin(self, ref: Ref) -> None:
        """An object is being written."""
        self._begun[ref] += 1
        self._versions.setdefault(ref, 0)

    def end(self, ref: Ref) -> None:
        """The write is over, whatever came of it."""
        self._begun[ref] -= 1
        if not self._begun[ref]:
            del self._begun[ref]

    def answer(self, ref: Ref, raw: Raw) -> bool:
        """Whether an answer is newer than what was heard of the object since the write began."""
        version = _number(raw["metadata"].get("resourceVersion"))
        if version <= self._versions.get(ref, 0):
            return False
        self._versions[ref] = version
        return True

    def older(self, ref: Ref, raw: Raw) -> bool:
        """Whether what a list or a watch says of an object is older than an answer."""
        if ref not in self._versions:
            return False
        version = _number(raw["metadata"].get("resourceVersion"))
        if version < self._versions[ref]:
            return True
        self._versions[ref] = version
        return False

    def list_begins(self) -> None:
        """Whatever was answered before a list is asked for, the list knows."""
        self._versions = {ref: self._versions[ref] for ref in self._begun}

    def beyond(self, version: str) -> frozenset[Ref]:
        """The list of this version is complete: objects that an answer tells of that is newer."""
        number = _number(version)
        newer = frozenset(ref for ref, known in self._versions.items() if known > number)
        for ref in self._begun.keys() - newer:
            self._versions[ref] = number
        return newer

    def passed(self, version: str) -> None:
        """The watch has told everything up to this version."""
        number = _number(version)
        for ref in [ref for ref, known in self._versions.items() if known <= number]:
            if ref not in self._begun:
                del self._versions[ref]


def _number(version: object) -> int:
    """A version as a number; 0 if it is none, which is older than any answer that counts."""
    return int(version) if isinstance(version, str) and version.isdecimal() else 0
