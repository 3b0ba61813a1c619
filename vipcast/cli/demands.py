"""What an API server demands of objects and a directory does not: only `vipcast lint` tells. PURE.

Programs that follow a directory read what they need; an API server refuses the whole object.
"""

from __future__ import annotations

from collections.abc import Iterator

from vipcast.kube.fields import Fields
from vipcast.kube.store import Store
from vipcast.model.errors import Finding
from vipcast.model.objects import Port, Service
from vipcast.model.raw import NODE, VERSIONS, Ref


def of_objects(store: Store) -> Iterator[Finding]:
    """What holds for objects of any kind, and for conditions of Nodes."""
    for kind in VERSIONS:
        for key, raw in sorted(store.raws(kind).items()):
            found: list[Finding] = []
            top = Fields(str(Ref(kind, key)), raw, found=found)
            for texts in ("labels", "annotations"):
                top.below("metadata").labels(texts)
            if kind == NODE:
                for condition in top.below("status").items("conditions"):
                    condition.text("type")
                    condition.text("status")
            yield from found


def of_ports(service: Service) -> Iterator[Finding]:
    """A Service that gets addresses has ports, and each of them once."""
    name = f"Service {service.key}"
    if not service.ports:
        message = "A Service of type LoadBalancer needs a port."
        yield Finding(name, "spec.ports", "", message, "Write at least one.")
    known: dict[Port, int] = {}
    for index, port in enumerate(service.ports):
        if port in known:
            message = (
                f"{port.protocol} {port.number} is in the list already: spec.ports[{known[port]}]."
            )
            field = f"spec.ports[{index}].port"
            yield Finding(name, field, str(port.number), message, "Remove one of the two.")
        known.setdefault(port, index)
