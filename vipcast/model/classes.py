"""Which Services are ours by their loadBalancerClass, and which ask for another program."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Classes:
    """Services of one of these classes are ours; those without any class are if `default` says so.

    Without names and with `default` this is what both programs do unless they are told otherwise.
    """

    names: frozenset[str] = frozenset()
    default: bool = True

    def serve(self, asked: str | None) -> bool:
        """Whether Services with this spec.loadBalancerClass are ours; None: they have none."""
        return self.default if asked is None else asked in self.names


EVERY_DEFAULT = Classes()
"""Services without a class, and no others."""
