"""A host of the lab: a namespace with a name, addresses, and the programs started in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from lab import kernel, processes, signals
from lab.errors import LabError
from lab.processes import Process
from lab.rundir import RunDirectory
from lab.topology import HostPlan, PodPlan, Port, RemotePlan

ROOT = Path(__file__).resolve().parent.parent
"""Where the packages are; programs of the lab find them there, whatever directory they start in."""

_SPIN = """\
import sys, time
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    pass
"""


class Host:
    """A node, a client, a pod, … of a lab that stands."""

    def __init__(self, plan: HostPlan | PodPlan | RemotePlan, run: RunDirectory) -> None:
        self.plan = plan
        self.name = plan.name
        self.namespace = plan.namespace
        self.run_dir = run.nodes / plan.name
        """For the host's own programs: `--run-dir`. Goes with the lab."""
        self.pin_path = run.bpf / plan.name
        """On the lab's BPF file system: `--pin-path`. Goes with the lab."""
        self._run = run
        self._processes: dict[str, Process] = {}
        self._spinners = 0

    def __repr__(self) -> str:
        return f"<Host {self.namespace}>"

    @property
    def ports(self) -> tuple[Port, ...]:
        """Its ports on the segments, segment 0 first; a pod or a remote client has none."""
        return self.plan.ports if isinstance(self.plan, HostPlan) else ()

    @property
    def address(self) -> IPv4Address:
        """Its address on segment 0, or its only one."""
        if isinstance(self.plan, HostPlan):
            return self.plan.ports[0].address
        return self.plan.address

    @property
    def address6(self) -> IPv6Address:
        """The same of IPv6. Raises LabError where it has none."""
        plan = self.plan.ports[0] if isinstance(self.plan, HostPlan) else self.plan
        address = None if isinstance(plan, PodPlan) else plan.address6
        if address is None:
            raise LabError(f"{self.name} has no IPv6: build the lab with ipv6=True")
        return address

    @property
    def mac(self) -> str:
        """MAC of its port on segment 0, in lower case."""
        return self.ports[0].mac

    @property
    def processes(self) -> tuple[Process, ...]:
        """What was started here by this object, whether it still runs or not."""
        return tuple(self._processes.values())

    def start(
        self,
        argv: Sequence[str | Path],
        *,
        name: str,
        env: Mapping[str, str] | None = None,
        notify: bool = False,
    ) -> Process:
        """Start a program in this host; its id is the program's own, not that of a wrapper.

        `env` is added to the caller's environment. The process is called `<host>-<name>`, which
        must not be running already; its output goes to a log file of that name. It runs until
        somebody stops it, at the latest until the lab goes down. With `notify` the program is told,
        as LAB_READY_FD, a descriptor on which one byte says "ready"; see Process.await_ready.
        """
        before = self._processes.get(name)
        if before is not None and before.alive:
            raise LabError(f"{before.name} runs already as process {before.pid}")
        full = f"{self.name}-{name}"
        with signals.deferred():
            process = processes.start(
                kernel.inside(self.namespace, [str(word) for word in argv]),
                name=full,
                records=self._run.records,
                log=self._run.log / f"{full}.log",
                env={**os.environ, **(env or {})},
                lock=self._run.lock.descriptor,
                notify=notify,
            )
            self._processes[name] = process
        return process

    def python(
        self, module: str, *arguments: str | int | float | Path, name: str, notify: bool = False
    ) -> Process:
        """Start a module of the lab with this interpreter; `notify` as in `start`."""
        argv = [sys.executable, "-m", module, *(str(word) for word in arguments)]
        return self.start(argv, name=name, env={"PYTHONPATH": str(ROOT)}, notify=notify)

    def run(
        self, argv: Sequence[str | Path], *, check: bool = True, timeout: float = 30.0
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end in this host, and capture what it writes.

        Raises CommandFailed when it takes over `timeout` seconds and, with `check`, when it fails.
        """
        command = kernel.inside(self.namespace, [str(word) for word in argv])
        done = kernel.run(command, timeout=timeout)
        if check:
            kernel.checked(done)
        return done

    def forget(self) -> None:
        """Reap what was started here and has ended; for the lab's own way down."""
        for process in self._processes.values():
            process.wait(10.0)
        self._processes.clear()

    def burn(self, seconds: float, cores: int | None = None) -> list[Process]:
        """Keep `cores` cores busy (all of the machine's by default), for `seconds` at most."""
        count = cores if cores is not None else os.cpu_count() or 1
        self._spinners += 1
        return [
            self.start(
                [sys.executable, "-S", "-c", _SPIN, str(seconds)],
                name=f"burn{self._spinners}-{i}",
            )
            for i in range(count)
        ]

    def add_to_lo(self, address: str | IPv4Address) -> None:
        """Put an address on `lo`, like kube-proxy in IPVS mode: the kernel answers ARP for it."""
        kernel.ip(self.namespace, [f"address add {address}/32 dev lo"])

    def remove_from_lo(self, address: str | IPv4Address) -> None:
        """Take an address from `lo` again."""
        kernel.ip(self.namespace, [f"address del {address}/32 dev lo"])

    def neighbour(self, address: str | IPv4Address) -> str | None:
        """MAC that this host's neighbour table has for an address, if it has one."""
        words = kernel.call(["ip", "-n", self.namespace, "neighbour", "show", str(address)]).split()
        return words[words.index("lladdr") + 1] if "lladdr" in words else None
