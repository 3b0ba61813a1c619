"""Which Services are ours: those of type LoadBalancer and of a class that is ours."""

from __future__ import annotations

from dataclasses import dataclass

from vipcast.model.objects import Service
from vipcast.model.reasons import Reason


@dataclass(frozen=True, slots=True)
class Classes:
    """Services of one of these classes are ours; those without any class are if `default` says so.

    Without names and with `default` this is what both programs do unless they are told otherwise.
    """

    names: frozenset[str] = frozenset()
    default: bool = True

    def refuse(self, service: Service) -> Reason | None:
        """Why a Service is not ours; None: it is."""
        if not service.load_balancer:
            return Reason.NOT_LOAD_BALANCER
        asked = service.load_balancer_class
        if asked is None:
            return None if self.default else Reason.NO_CLASS
        return None if asked in self.names else Reason.OTHER_CLASS


EVERY_DEFAULT = Classes()
"""Services without a class, and no others."""
