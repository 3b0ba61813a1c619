"""etcd, the API server and the controllers, on the lab's host `cp`: each starts and ends by itself.

Only what a lab needs is on: tokens and namespaces work, EndpointSlices follow Services and Pods,
and what an object owns goes with it. There are no kubelets and no scheduler, so nothing touches
Nodes and Pods but who wrote them, and a Node is never tainted or called unreachable.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lab.errors import NotReady
from lab.host import Host
from lab.kubernetes.credentials import API_PORT, Credentials
from lab.processes import Process
from lab.topology import PODS, SERVICES
from lab.waiting import until

ETCD = "http://127.0.0.1:2379"
_ETCD_PEER = "http://127.0.0.1:2380"
PATIENCE = 120.0
"""Seconds to wait for a program to be of use; far more than any needs, also on a busy machine."""

CONTROLLERS = (
    "endpointslice-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "root-ca-certificate-publisher-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
)


class ControlPlane:
    """The three programs; `programs` is the folder where they are, `flags` more of the API server.

    What was stopped or killed is started again by the same method; etcd's data stay.
    """

    def __init__(
        self, cp: Host, programs: Path, credentials: Credentials, flags: Sequence[str] = ()
    ) -> None:
        self.cp = cp
        self.credentials = credentials
        self._programs = programs
        self._flags = flags
        self._started: dict[str, Process] = {}

    @property
    def etcd(self) -> Process:
        """The process of etcd, the last one that was started."""
        return self._process("etcd")

    @property
    def apiserver(self) -> Process:
        """The process of the API server."""
        return self._process("kube-apiserver")

    @property
    def controllers(self) -> Process:
        """The process of the controllers."""
        return self._process("kube-controller-manager")

    def start_etcd(self) -> Process:
        """Start etcd, which the API server keeps everything in; does not wait."""
        return self._start(
            "etcd",
            f"--data-dir={self.credentials.folder / 'etcd'}",
            f"--listen-client-urls={ETCD}",
            f"--advertise-client-urls={ETCD}",
            f"--listen-peer-urls={_ETCD_PEER}",
            f"--initial-advertise-peer-urls={_ETCD_PEER}",
            f"--initial-cluster=default={_ETCD_PEER}",
            "--logger=zap",
            "--log-level=warn",
        )

    def start_apiserver(self) -> Process:
        """Start the API server; does not wait."""
        files = self.credentials
        return self._start(
            "kube-apiserver",
            f"--etcd-servers={ETCD}",
            f"--advertise-address={files.api}",
            f"--secure-port={API_PORT}",
            f"--tls-cert-file={files.server_certificate}",
            f"--tls-private-key-file={files.server_key}",
            f"--token-auth-file={files.tokens}",
            "--authorization-mode=RBAC",
            f"--service-account-issuer={files.url}",
            f"--service-account-key-file={files.account_public_key}",
            f"--service-account-signing-key-file={files.account_key}",
            f"--service-cluster-ip-range={SERVICES}",
            "--allow-privileged",
            # It marks every new Node as not ready until a kubelet says otherwise; there is none.
            "--disable-admission-plugins=TaintNodesByCondition",
            "--profiling=false",
            # Otherwise it waits a minute for whoever watches to go away by himself.
            "--shutdown-watch-termination-grace-period=2s",
            *self._flags,
        )

    def start_controllers(self) -> Process:
        """Start the controllers; does not wait. The API server has to be ready."""
        files = self.credentials
        return self._start(
            "kube-controller-manager",
            f"--kubeconfig={files.kubeconfig('controllers')}",
            f"--controllers={','.join(CONTROLLERS)}",
            "--use-service-account-credentials",
            f"--service-account-private-key-file={files.account_key}",
            f"--root-ca-file={files.ca}",
            f"--cluster-cidr={PODS}",
            "--leader-elect=false",
            "--secure-port=0",
            # With the usual 20 writes a second, a thousand Services take a minute.
            "--kube-api-qps=1000",
            "--kube-api-burst=1000",
        )

    def await_etcd(self) -> None:
        """Wait until etcd answers. Raises NotReady, at once when it has ended."""
        self._await(self.etcd, f"{ETCD}/health")

    def await_apiserver(self) -> None:
        """Wait until the API server is ready. Raises NotReady, at once when it has ended."""
        self._await(self.apiserver, f"{self.credentials.url}/readyz")

    def _process(self, name: str) -> Process:
        if name not in self._started:
            raise NotReady(f"{name} was not started")
        return self._started[name]

    def _start(self, program: str, *flags: str) -> Process:
        process = self.cp.start([self._programs / program, *flags], name=program)
        self._started[program] = process
        return process

    def _await(self, process: Process, url: str) -> None:
        ask: list[str | Path] = [
            "curl",
            "-sS",
            "-f",
            "-m",
            "5",
            "--cacert",
            self.credentials.ca,
            url,
        ]

        def answers() -> bool:
            if not process.alive:
                raise NotReady(f"{process.name} ended; {process.last_words}")
            return self.cp.run(ask, check=False).returncode == 0

        until(answers, f"{process.name} answers at {url}", PATIENCE)
