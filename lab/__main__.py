"""`python -m lab`: build a lab by hand, look at it, run commands in it, take it down.

python -m lab up                        three nodes, one client, one segment
python -m lab exec client -- curl http://192.0.2.240/
python -m lab status
python -m lab down
"""

from __future__ import annotations

import argparse
import os
import sys

from lab import draw, kernel, processes, signals
from lab.cluster import Lab
from lab.errors import LabError
from lab.topology import SEGMENTS, namespace_of


def main(argv: list[str] | None = None) -> int:
    """Exit status: 0 fine, 1 with a sentence on standard error."""
    given = _parser().parse_args(argv)
    try:
        return int(given.run(given))
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1


def up(given: argparse.Namespace) -> int:
    """Build, and leave standing."""
    lab = Lab(
        given.name,
        nodes=given.nodes,
        clients=given.clients,
        segments=given.cidr or SEGMENTS[: given.segments],
        pod_ports=given.pod_port or (8080,),
    )
    lab.up()
    lab.leave()
    return status(given)


def down(given: argparse.Namespace) -> int:
    """Take down whatever of that name there is, also what a killed run left."""
    Lab(given.name).down()
    return 0


def status(given: argparse.Namespace) -> int:
    """Draw the lab that stands."""
    lab = Lab.standing(given.name)
    links = kernel.links(lab.topology.switch)
    carriers = {name: "LOWER_UP" in link["flags"] for name, link in links.items()}
    running: dict[str, list[str]] = {}
    for record in processes.read_records(lab.run.records):
        if record.alive():
            host, _, program = record.name.partition("-")
            running.setdefault(host, []).append(f"{program} {record.pid}")
    print("\n".join(draw.topology(lab.topology, carriers, running)))
    return 0


def execute(given: argparse.Namespace) -> int:
    """Become the command, inside a host's namespace."""
    lab = Lab.standing(given.name)
    command = given.command[1:] if given.command[:1] == ["--"] else given.command
    if not command:
        raise LabError("no command given: python -m lab exec HOST -- COMMAND …")
    if given.host != "sw":
        lab.host(given.host)
    words = kernel.inside(namespace_of(lab.name, given.host), command)
    os.execvp(words[0], words)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(required=True, metavar="up | down | exec | status")
    building = verbs.add_parser("up", help="build a lab and leave it standing")
    building.add_argument("--nodes", type=int, default=3, metavar="N")
    building.add_argument("--clients", type=int, default=1, metavar="N")
    building.add_argument(
        "--segments", type=int, default=1, metavar="K", choices=range(1, len(SEGMENTS) + 1)
    )
    building.add_argument(
        "--cidr",
        action="append",
        metavar="NETWORK",
        help="a segment's network instead of a documentation range; once per segment",
    )
    building.add_argument(
        "--pod-port",
        type=int,
        action="append",
        metavar="PORT",
        help="a TCP port of every pod's HTTP server, 8080 by default; may be repeated",
    )
    building.set_defaults(run=up)
    removing = verbs.add_parser("down", help="take a lab down, with all that a killed run left")
    removing.set_defaults(run=down)
    running = verbs.add_parser("exec", help="run a command in a host: node1, client, pod1, sw, …")
    running.add_argument("host")
    running.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND …")
    running.set_defaults(run=execute)
    looking = verbs.add_parser("status", help="draw the lab that stands, with what runs in it")
    looking.set_defaults(run=status)
    for verb in (building, removing, running, looking):
        verb.add_argument("--name", default="lab", help="the lab's name (default: lab)")
    return parser


if __name__ == "__main__":
    sys.exit(signals.program(main))
