"""Everything that one reading of the objects has shown: what `vipcast` answers from. PURE.

The configuration is read here as the programs read it. Where it cannot be, the programs may hold
on to an older one that nobody but them knows: `config` is None then, and `findings` say why. Where
nothing but some BGP peers is wrong, `config` is all the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from vipcast.cli.picture import Picture, ours, take
from vipcast.config import Config, PeersRefusedError, parse
from vipcast.kube.store import Store
from vipcast.model.addresses import Address, Network
from vipcast.model.classes import Classes
from vipcast.model.errors import ConfigError, Finding
from vipcast.model.objects import Service
from vipcast.model.pool import Pool


@dataclass(frozen=True, slots=True)
class World:
    """The objects, the picture that they give, and the configuration among them.

    `namespace` is that of the programs, `classes` are those of Services that are ours, `holders`
    these by the addresses that they show. `configured`: there is some object of a configuration,
    good or bad.
    """

    store: Store
    namespace: str
    picture: Picture
    classes: Classes
    holders: Mapping[str, tuple[Service, ...]]
    config: Config | None = None
    findings: tuple[Finding, ...] = ()
    configured: bool = False
    service_cidrs: tuple[Network, ...] = ()

    def pool_of(self, address: Address) -> Pool | None:
        """The pool that an address lies in; None also where the configuration cannot be read."""
        return self.config.pool_of(address) if self.config is not None else None

    def sharers(self, address: str) -> tuple[Service, ...]:
        """The Services of ours that show an address, in the order of their names."""
        return self.holders.get(address, ())

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
    """The world of a store with a whole snapshot; `now` is in seconds since 1970.

    `classes` and `service_cidrs` count where no program tells its own.
    """
    picture = take(store, namespace, now, classes)
    classes = picture.classes
    service_cidrs = next((one.service_cidrs for one in picture.flags.values()), service_cidrs)
    holders: dict[str, tuple[Service, ...]] = {}
    for _, service in sorted(store.services.items()):
        for address in dict.fromkeys(service.ingress) if ours(service, classes) else ():
            holders[address] = (*holders.get(address, ()), service)
    inputs = store.inputs(service_cidrs)
    world = World(
        store,
        namespace,
        picture,
        classes,
        holders,
        configured=not inputs.empty,
        service_cidrs=service_cidrs,
    )
    try:
        return replace(world, config=parse(inputs))
    except PeersRefusedError as error:
        return replace(world, config=error.rest, findings=error.findings)
    except ConfigError as error:
        return replace(world, findings=error.findings)
