"""What can go wrong in the lab, in one tree; each message says what to do next."""

from __future__ import annotations


class LabError(Exception):
    """The lab cannot do what was asked."""


class Unfit(LabError):
    """The machine lacks something that every lab needs; the first line says what to do."""


class Busy(LabError):
    """Another process holds the lab of that name; `holder` says which, if it has said so itself."""

    def __init__(self, lab: str, holder: str) -> None:
        super().__init__(
            f"lab {lab!r} is in use by "
            f"{f'process {holder}' if holder else 'the last steps of a run that has ended'}: "
            "wait for it, end it, or choose another name"
        )
        self.holder = holder


class CommandFailed(LabError):
    """A command of the lab ended with an error; the message holds the command and its words."""


class NotReady(LabError):
    """A program ended, or its time ran out, before it said that it was ready."""
