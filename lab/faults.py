"""Things that go wrong at the switch: cables pulled, hosts cut off from each other.

A pulled port takes the host's carrier away; a partition leaves it, since the switch just forwards
nothing between two ports. What goes wrong with a program is with the program: Process.freeze, wake
and kill.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

from lab import kernel
from lab.host import Host
from lab.topology import Topology

_TABLE = "vipcast-lab-partition"


class Switch:
    """The switch of a lab that stands."""

    def __init__(self, topology: Topology) -> None:
        self.namespace = topology.switch
        self._topology = topology
        self._cut: set[tuple[str, str]] = set()

    def pull(self, host: Host, segment: int = 0) -> None:
        """Pull a host's cable out of the switch: it loses its carrier."""
        kernel.ip(self.namespace, [f"link set {host.ports[segment].switch_port} down"])

    def put_back(self, host: Host, segment: int = 0) -> None:
        """Plug the cable in again."""
        kernel.ip(self.namespace, [f"link set {host.ports[segment].switch_port} up"])

    def partition(self, host: Host, *others: Host, segment: int = 0) -> None:
        """Forward nothing between a host and `others` (all, if none is named); carriers stay."""
        mine = host.ports[segment].switch_port
        names = {other.name for other in others} or {h.name for h in self._topology.hosts}
        theirs = [
            other.ports[segment].switch_port
            for other in self._topology.hosts
            if other.name in names - {host.name}
        ]
        self._cut |= {*product([mine], theirs), *product(theirs, [mine])}
        self._load()

    def heal(self) -> None:
        """End every partition."""
        self._cut.clear()
        self._load()

    def native_xdp(self, program: Path, *hosts: Host) -> None:
        """Attach an XDP program (section `xdp`) natively to ports of the switch.

        The ports are those of some hosts, or of all if none is named.
        A veth delivers what its peer's native program sends back only if it runs one itself, so a
        pass-only program here lets the nodes answer natively. `program` is an object file.
        """
        ports = [port for host in hosts or self._topology.hosts for port in host.ports]
        kernel.ip(
            self.namespace,
            [f"link set dev {port.switch_port} xdpdrv obj {program} sec xdp" for port in ports],
        )

    def _load(self) -> None:
        pairs = ", ".join(f'"{one}" . "{other}"' for one, other in sorted(self._cut))
        elements = f"elements = {{ {pairs} }}" if pairs else ""
        kernel.nft(
            self.namespace,
            f"table bridge {_TABLE}\n"
            f"delete table bridge {_TABLE}\n"
            f"table bridge {_TABLE} {{\n"
            f"  set cut {{ type ifname . ifname; {elements}\n  }}\n"
            "  chain forward { type filter hook forward priority 0;\n"
            "    iifname . oifname @cut drop\n  }\n}\n",
        )
