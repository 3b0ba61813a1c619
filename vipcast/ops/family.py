"""What there is to know of one metric but its values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Family:
    """One metric. Some of MetalLB's counters lack `_total` at the end; they keep their names.

    `alarm` says when the value is wrong and, after a colon, what to do; "" where no value is wrong.
    """

    name: str
    type: Literal["gauge", "counter", "histogram"]
    meaning: str
    labels: tuple[str, ...] = ()
    alarm: str = ""

    @property
    def help(self) -> str:
        """The text of the HELP line."""
        return f"{self.meaning} {self.alarm}".rstrip()
