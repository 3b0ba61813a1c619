"""The lab as a picture in text: who hangs on which switch port, with which addresses.

PURE. `python -m lab status` and the demo print it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lab.topology import FAR_INTERFACE, POD_INTERFACE, HostPlan, PodPlan, RemotePlan, Topology


def topology(
    plan: Topology,
    carriers: Mapping[str, bool] | None = None,
    processes: Mapping[str, Sequence[str]] | None = None,
) -> list[str]:
    """Lines of text.

    `carriers` says by switch port whether the cable is in (all are, where nothing is said);
    `processes` lists what runs, by name of a host (or `sw`).
    """
    carriers, running = carriers or {}, processes or {}
    behind: dict[str, tuple[str, PodPlan | RemotePlan]] = {
        pod.node: (POD_INTERFACE, pod) for pod in plan.pods
    } | {remote.router: (FAR_INTERFACE, remote) for remote in plan.remotes}
    segments = ", ".join(f"segment {i}: {net}" for i, net in enumerate(plan.segments))
    lines = [f"sw   {segments}{_programs(running.get('sw', ()))}"]
    for host in plan.hosts:
        last = host is plan.hosts[-1]
        lines += _host(host, last, carriers, running.get(host.name, ()))
        if host.name in behind:
            cable, other = behind[host.name]
            edge = "    " if last else " │  "
            inside = f"{edge}       └── {cable} {other.gateway} ── {other.name} {other.address}"
            lines.append(inside + _programs(running.get(other.name, ())))
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
