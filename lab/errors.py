"""What can go wrong in the lab, in one tree; each message says what to do next."""

from __future__ import annotations


class LabError(Exception):
    """The lab cannot do what was asked."""


class Unfit(LabError):
    """The machine lacks something that every lab needs; the first line says what to do."""


class Busy(LabError):
    """Another process holds the lab of that name."""


class CommandFailed(LabError):
    """A command of the lab ended with an error; the message holds the command and its words."""


class NotReady(LabError):
    """A program ended, or its time ran out, before it said that it was ready."""
