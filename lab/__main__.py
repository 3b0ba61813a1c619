"""`python -m lab`: build a lab by hand, look at it, run commands in it, end it.

python -m lab up                        three nodes, one client, one segment
python -m lab exec client -- ping -c 1 192.0.2.11
python -m lab status                    draw it, with what runs in it
python -m lab down                      ends what `exec` started, too

With `up --cluster` a real API server, controllers and kube-proxy run on the
lab, too; `status` says how to reach them. They are built from source at the
first time, which takes some minutes.

Vipcast on a lab, by hand: as root, in the project's directory, with the pool
and the Service of README.md as a file in the directory D. Nothing stands for a
cluster but what these lines put there.

  PATH=$PWD/.venv/bin:$PATH
  python -m lab up
  python -m lab objects $D web      # Nodes, the EndpointSlice of default/web
  R=/run/vipcast-lab/lab            # run directories and pins go with the lab
  python -m lab exec node1 -- vipcast-controller --directory $D --port 0 \\
      --run-dir $R/nodes/node1/controller >$R/log/controller.log 2>&1 &
  for n in node1 node2 node3; do
      python -m lab exec $n -- vipcast-speaker --directory $D --node-name $n \\
          --run-dir $R/nodes/$n --pin-path $R/bpf/$n >$R/log/$n.log 2>&1 &
  done
  vipcast status --directory $D     # after some seconds: who holds 192.0.2.240
  python -m lab serve 192.0.2.240   # kube-proxy's part: port 80 leads to pods
  python -m lab exec client -- curl http://192.0.2.240/
  python -m lab down
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path

from lab import draw, kernel, processes, signals
from lab.cluster import Lab
from lab.errors import LabError
from lab.kubernetes.cluster import Cluster
from lab.kubernetes.credentials import ADMIN, Credentials
from lab.kubernetes.programs import provide, version
from lab.services import ServiceRule
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
    """Build, and leave standing; one that stands is taken down first."""
    lab = Lab(
        given.name,
        nodes=given.nodes,
        clients=given.clients,
        segments=given.cidr or SEGMENTS[: given.segments],
        pod_ports=given.pod_port or (8080,),
        control_plane=given.cluster,
        routers=given.routers,
        ipv6=given.ipv6,
    )
    # What takes minutes comes first: whoever gives up then has lost nothing.
    programs = provide(_say) if given.cluster else None
    stood = lab.run.topology.exists()
    lab.up()
    if programs is not None:
        Cluster(lab, programs).start(_say)
    lab.leave()
    if stood:
        _say(f"a lab {lab.name!r} stood already: it was taken down, with all that ran in it")
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
            program = program.removesuffix(f"-{record.pid}")
            running.setdefault(host, []).append(f"{program} {record.pid}")
    print("\n".join(draw.topology(lab.topology, carriers, running)))
    if lab.topology.control_plane and Credentials.of(lab).bin.exists():
        print("\n".join(_way_in(lab)))
    return 0


def execute(given: argparse.Namespace) -> int:
    """Become the command, inside a host's namespace."""
    lab = Lab.standing(given.name)
    command = given.command[1:] if given.command[:1] == ["--"] else given.command
    if not command:
        raise LabError("no command given: python -m lab exec HOST -- COMMAND …")
    hosts = ["sw", *(host.name for host in lab.hosts)]
    if given.host not in hosts:
        raise LabError(f"no host {given.host!r}; there are {', '.join(hosts)}")
    words = kernel.inside(namespace_of(lab.name, given.host), command)
    program = Path(command[0]).name
    processes.record_self(f"{given.host}-{program}-{os.getpid()}", lab.run.records)
    os.execvp(words[0], words)


def objects(given: argparse.Namespace) -> int:
    """Write what a cluster would know of the lab."""
    lab = Lab.standing(given.name)
    lab.write_nodes(given.directory)
    for service in given.service:
        namespace, _, name = service.rpartition("/")
        lab.write_endpoints(given.directory, name, namespace=namespace or "default")
    return 0


def serve(given: argparse.Namespace) -> int:
    """Make these addresses, and no others, lead to the pods."""
    lab = Lab.standing(given.name)
    addresses = map(_address, given.address)
    lab.program_services([ServiceRule(vip, port, lab.backends()) for vip, port in addresses])
    return 0


def _way_in(lab: Lab) -> list[str]:
    place = Credentials.of(lab)
    return [
        "",
        f"Kubernetes {version()}: kubectl for this shell, and a kubeconfig for programs in the lab",
        f"  export PATH={place.bin}:$PATH",
        f"  export KUBECONFIG={place.kubeconfig(ADMIN)}",
    ]


def _say(sentence: str) -> None:
    print(f"lab: {sentence}", file=sys.stderr, flush=True)


def _address(text: str) -> tuple[str, int]:
    """ADDRESS or ADDRESS:PORT."""
    vip, _, port = text.partition(":")
    try:
        return str(IPv4Address(vip)), int(port or 80)
    except ValueError:
        raise LabError(f"{text!r} is no ADDRESS or ADDRESS:PORT, as 192.0.2.240:80") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(
        required=True, metavar="up | status | exec | objects | serve | down"
    )

    def verb(
        name: str, run: Callable[[argparse.Namespace], int | None], help_: str
    ) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=help_)
        made.set_defaults(run=run)
        made.add_argument("--name", default="lab", help="the lab's name (default: lab)")
        return made

    _size(verb("up", up, "build a lab, anew if it stands, and leave it standing"))
    verb("down", down, "take a lab down, with all that a killed run left")
    running = verb("exec", execute, "run a command in a host: node1, client, pod1, sw, …")
    running.add_argument("host")
    running.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND …")
    verb("status", status, "draw the lab that stands, with what runs in it")
    writing = verb("objects", objects, "write the lab's Nodes and EndpointSlices to files")
    writing.add_argument("directory", type=Path, metavar="DIR")
    names = "NAME or NAMESPACE/NAME, for its EndpointSlice"
    writing.add_argument("service", nargs="*", metavar="SERVICE", help=names)
    serving = verb("serve", serve, "lead addresses, and no others, to the pods")
    serving.add_argument("address", nargs="+", metavar="ADDRESS[:PORT]", help="port 80 by default")
    return parser


def _size(building: argparse.ArgumentParser) -> None:
    """The flags that say what lab is built."""
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
    building.add_argument(
        "--routers", type=int, default=0, metavar="N", help="routers, each with a client behind it"
    )
    building.add_argument("--ipv6", action="store_true", help="give the segments IPv6, too")
    building.add_argument(
        "--cluster",
        action="store_true",
        help="start Kubernetes on it: API server, controllers, kube-proxy",
    )


if __name__ == "__main__":
    sys.exit(signals.program(main))
