"""Label selectors, as Kubernetes means them: every requirement of a selector must hold.

A list of selectors is an OR, and an empty list is no restriction: see `any_matches`. Two selectors
that are written differently and mean the same word for word compare equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Operator(StrEnum):
    """What a requirement asks of a label (metav1.LabelSelectorOperator)."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"

    @property
    def takes_values(self) -> bool:
        """Whether the operator compares with values; the others must have none."""
        return self in (Operator.IN, Operator.NOT_IN)


@dataclass(frozen=True, slots=True, order=True)
class Requirement:
    """One condition on one label. `values` are sorted, each once, empty without comparison."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet it. A label that is absent is in no set: NotIn holds."""
        match self.operator:
            case Operator.IN:
                return labels.get(self.key) in self.values
            case Operator.NOT_IN:
                return labels.get(self.key) not in self.values
            case Operator.EXISTS:
                return self.key in labels
            case Operator.DOES_NOT_EXIST:
                return self.key not in labels

    def __str__(self) -> str:
        match self.operator:
            case Operator.IN if len(self.values) == 1:
                return f"{self.key}={self.values[0]}"
            case Operator.IN:
                return f"{self.key} in ({','.join(self.values)})"
            case Operator.NOT_IN:
                return f"{self.key} notin ({','.join(self.values)})"
            case Operator.EXISTS:
                return self.key
            case Operator.DOES_NOT_EXIST:
                return f"!{self.key}"


@dataclass(frozen=True, slots=True, order=True)
class Selector:
    """All of its requirements must hold; without any it matches everything. Printed as kubectl's.

    `requirements` are sorted; a `matchLabels` entry is a requirement In with one value.
    """

    requirements: tuple[Requirement, ...] = ()

    @classmethod
    def of(cls, requirements: Iterable[Requirement]) -> Selector:
        """A selector of requirements in any order."""
        return cls(tuple(sorted(requirements)))

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet every requirement."""
        return all(requirement.holds(labels) for requirement in self.requirements)

    def __str__(self) -> str:
        return ",".join(map(str, self.requirements)) or "everything"


def any_matches(selectors: tuple[Selector, ...], labels: Mapping[str, str]) -> bool:
    """Whether one of them matches; an empty list restricts nothing."""
    return not selectors or any(selector.matches(labels) for selector in selectors)
