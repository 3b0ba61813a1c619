"""What the programs were started with, as they tell, and where they differ. PURE.

Each keeps in its ConfigurationState those flags that must be the same everywhere: another answer to
which Services are ours, or which addresses are cluster IPs, is another answer to everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from vipcast.kube.render import FLAGS
from vipcast.model.addresses import Network
from vipcast.model.classes import Classes
from vipcast.model.errors import Finding, ParseError
from vipcast.model.raw import Raw
from vipcast.ops.flags import LB_CLASS, LB_CLASS_DEFAULT, SERVICE_CIDR
from vipcast.ops.values import networks


@dataclass(frozen=True, slots=True)
class Flags:
    """The flags of one program; `texts` are the same by the flags' names, to be shown."""

    classes: Classes
    service_cidrs: tuple[Network, ...]

    @property
    def texts(self) -> Mapping[str, str]:
        """Each flag and its value, as they are given."""
        return {
            LB_CLASS.name: ",".join(sorted(self.classes.names)) or "none",
            LB_CLASS_DEFAULT.name: "true" if self.classes.default else "false",
            SERVICE_CIDR.name: ",".join(map(str, self.service_cidrs)) or "none",
        }


def flags_of(name: str, raw: Raw) -> Flags | None:
    """What the state of this name tells; None where it tells nothing. Raises ParseError."""
    status = raw.get("status")
    told = status.get(FLAGS) if isinstance(status, Mapping) else None
    if not isinstance(told, Mapping):
        return None
    names, default = _words(told.get("lbClass")), told.get("lbClassDefault")
    cidrs = ",".join(_words(told.get("serviceCIDRs"))) or "none"
    try:
        ranges = networks(cidrs)
    except ValueError as error:
        finding = Finding(name, f"status.{FLAGS}.serviceCIDRs", cidrs, f"This {error}.")
        raise ParseError(finding) from None
    ours = default if isinstance(default, bool) else not names
    return Flags(Classes(frozenset(names), ours), tuple(sorted(ranges, key=str)))


def _words(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def differences(flags: Mapping[str, Flags]) -> Iterator[str]:
    """A sentence for each flag that is not the same everywhere; `flags` are by program."""
    for flag in (LB_CLASS, LB_CLASS_DEFAULT, SERVICE_CIDR):
        by_value: dict[str, list[str]] = {}
        for component, told in flags.items():
            by_value.setdefault(told.texts[flag.name], []).append(component)
        if len(by_value) > 1:
            values = _listed(by_value.items())
            fix = "Start all programs with the same value."
            yield f"--{flag.name} is not the same everywhere: {values}. {fix}"


def _listed(values: Iterable[tuple[str, list[str]]]) -> str:
    return "; ".join(f"{value} ({', '.join(components)})" for value, components in values)
