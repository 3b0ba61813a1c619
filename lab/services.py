"""kube-proxy's part in the lab: nftables rules in every node that carry a Service to its pods.

PURE: this file makes the text of the rules, and lab.cluster loads it.

One map leads from (address, protocol, port) to a chain, and Services with the same pods share that
chain, so a thousand Services cost a thousand map elements and one chain. A chain takes its pods in
turn (numgen inc), so that a few requests reach each of them. The whole table is replaced in one
transaction: no packet sees half of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lab.errors import LabError

TABLE = "vipcast-lab-services"

# The bit that kube-proxy uses to ask for masquerade.
_MASQUERADE = "0x4000"


@dataclass(frozen=True, slots=True)
class Backend:
    """A pod's end of a Service; `node` is the name of the node that the pod runs on."""

    address: str
    port: int
    node: str


@dataclass(frozen=True, slots=True)
class ServiceRule:
    """What one port of a Service becomes in the nodes.

    `local` stands for externalTrafficPolicy Local: a node uses its own pods only, drops where it
    has none, and leaves the client's address as it is.
    """

    vip: str
    port: int
    backends: tuple[Backend, ...]
    protocol: str = "tcp"
    local: bool = False


def ruleset(node: str, services: Iterable[ServiceRule]) -> str:
    """The rules of one node, as `nft -f` reads them.

    Raises LabError when two Services want the same address, protocol and port.
    """
    chains: dict[tuple[str, bool, tuple[Backend, ...]], str] = {}
    elements: dict[str, str] = {}
    for service in services:
        own = tuple(b for b in service.backends if not service.local or b.node == node)
        chain = chains.setdefault((service.protocol, service.local, own), f"pods{len(chains)}")
        key = f"{service.vip} . {service.protocol} . {service.port}"
        if key in elements:
            raise LabError(f"two Services on {key}")
        elements[key] = f"{key} : goto {chain}"
    lines = [
        f"table ip {TABLE}",
        f"delete table ip {TABLE}",
        f"table ip {TABLE} {{",
        *(_chain(name, *key) for key, name in chains.items()),
        _map(elements.values()),
    ]
    for hook in ("prerouting", "output"):
        lines += [
            f"  chain {hook} {{",
            f"    type nat hook {hook} priority -100;",
            "    ip daddr . meta l4proto . th dport vmap @services",
            "  }",
        ]
    lines += [
        "  chain postrouting {",
        "    type nat hook postrouting priority 100;",
        f"    meta mark & {_MASQUERADE} != 0 masquerade fully-random",
        "  }",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _map(elements: Iterable[str]) -> str:
    listed = ",\n      ".join(elements)
    filled = f"\n    elements = {{\n      {listed}\n    }}" if listed else ""
    kind = "type ipv4_addr . inet_proto . inet_service : verdict"
    return f"  map services {{\n    {kind}{filled}\n  }}"


def _chain(name: str, protocol: str, local: bool, backends: Sequence[Backend]) -> str:
    lines = [f"  chain {name} {{"]
    if not backends:
        lines.append("    drop")
    else:
        if not local:
            lines.append(f"    meta mark set meta mark | {_MASQUERADE}")
        turns = ", ".join(f"{i} : {b.address} . {b.port}" for i, b in enumerate(backends))
        lines.append(
            f"    meta l4proto {protocol} dnat ip to "
            f"numgen inc mod {len(backends)} map {{ {turns} }}"
        )
    return "\n".join([*lines, "  }"])
