"""Everything that one reading of the objects has shown: what `vipcast` answers from. PURE.

The configuration is read here as the programs read it. Where it cannot be, the programs may hold
on to an older one that nobody but them knows: `config` is None then, and `findings` say why.
"""

from __future__ import annotations

from dataclasses import dataclass

from vipcast.cli.picture import Picture, ours, take
from vipcast.config import Config, parse
from vipcast.kube.store import Store
from vipcast.model.addresses import Address
from vipcast.model.classes import Classes
from vipcast.model.errors import ConfigError, Finding
from vipcast.model.objects import Service
from vipcast.model.pool import Pool
from vipcast.ops.values import Network


@dataclass(frozen=True, slots=True)
class World:
    """The objects, the picture that they give, and the configuration among them.

    `classes` are those of Services that are ours. `configured`: there is some object of a
    configuration, good or bad.
    """

    store: Store
    picture: Picture
    classes: Classes
    config: Config | None = None
    findings: tuple[Finding, ...] = ()
    configured: bool = False

    def pool_of(self, address: Address) -> Pool | None:
        """The pool that an address lies in; None also where the configuration cannot be read."""
        return self.config.pool_of(address) if self.config is not None else None

    def sharers(self, address: str) -> tuple[Service, ...]:
        """The Services of ours that show an address, in the order of their names."""
        services = (one for _, one in sorted(self.store.services.items()))
        return tuple(one for one in services if address in one.ingress and self.ours(one))

    def ours(self, service: Service) -> bool:
        """Whether the controller gives the Service addresses."""
        return ours(service, self.classes)


def look(
    store: Store,
    namespace: str,
    classes: Classes,
    service_cidrs: tuple[Network, ...],
    now: float,
) -> World:
    """The world of a store with a whole snapshot; `now` is in seconds since 1970."""
    picture = take(store, namespace, now, classes)
    inputs = store.inputs(service_cidrs)
    configured = not inputs.empty
    try:
        return World(store, picture, classes, parse(inputs), (), configured)
    except ConfigError as error:
        return World(store, picture, classes, None, error.findings, configured)
