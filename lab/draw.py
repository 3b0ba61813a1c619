"""The lab as a picture in text: who hangs on which switch port, with which addresses.

PURE. `python -m lab status` and the demo print it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lab.topology import HostPlan, Topology


def topology(
    plan: Topology,
    carriers: Mapping[str, bool] | None = None,
    processes: Mapping[str, Sequence[str]] | None = None,
) -> list[str]:
    """Lines of text.

    `carriers` says by switch port whether the cable is in (all are, where nothing is said);
    `processes` lists what runs, by name of node, client or pod (or `sw`).
    """
    carriers, running = carriers or {}, processes or {}
    pods = dict(zip((node.name for node in plan.nodes), plan.pods, strict=True))
    segments = ", ".join(f"segment {i}: {net}" for i, net in enumerate(plan.segments))
    lines = [f"sw   {segments}{_programs(running.get('sw', ()))}"]
    for host in plan.hosts:
        last = host is plan.hosts[-1]
        lines += _host(host, last, carriers, running.get(host.name, ()))
        if pod := pods.get(host.name):
            edge = "    " if last else " │  "
            inside = f"{edge}       └── vethpod0 {pod.gateway} ── {pod.name} {pod.address}"
            lines.append(inside + _programs(running.get(pod.name, ())))
    return lines


def _host(
    host: HostPlan, last: bool, carriers: Mapping[str, bool], programs: Sequence[str]
) -> list[str]:
    lines = []
    for index, port in enumerate(host.ports):
        edge, cable = ("└" if last else "├", "───") if index == 0 else (" " if last else "│", "   ")
        if not carriers.get(port.switch_port, True):
            cable = "─✗─"
        name = host.name if index == 0 else ""
        lines.append(f" {edge}{cable} {name:<9} {port.interface} {port.address!s:<15} {port.mac}")
    lines[0] += _programs(programs)
    return lines


def _programs(names: Sequence[str]) -> str:
    return f"   [{', '.join(names)}]" if names else ""
