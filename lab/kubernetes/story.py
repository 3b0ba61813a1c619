"""The main job on real Kubernetes: what lab.story tells, with kubectl where users have it.

API server, controllers and kube-proxy are real; the manifests are applied, and the programs run
with the rights of their service accounts.
"""

from __future__ import annotations

from collections.abc import Callable

from lab.kubernetes.cluster import Cluster
from lab.kubernetes.programs import version
from lab.kubernetes.vipcast import MANIFESTS, Installed
from lab.show import Screen
from lab.story import SERVICE, Story


class ClusterStory(Story):
    """Told once, on a lab that stands and a cluster that is yet to start."""

    def __init__(self, cluster: Cluster, screen: Screen) -> None:
        super().__init__(cluster.lab, screen, Installed(cluster))
        self.cluster = cluster

    @property
    def chapters(self) -> tuple[Callable[[], None], ...]:
        """With one more before the summary."""
        *before, summary = super().chapters
        return (*before, self.events, summary)

    def start(self) -> None:
        """The cluster up, then the programs."""
        self.screen.heading(f"Kubernetes {version()} starts")
        self.cluster.start(self.screen.check)
        self.screen.heading("Controller and speakers start, with their service accounts' rights")
        for path in MANIFESTS:
            self.screen.fact(f"kubectl apply -f manifests/{path.name}")
        self.programs()

    def address(self) -> None:
        """Pool and Service in, address out, as kubectl shows it."""
        self.screen.heading("A pool and a Service are applied; the Service gets an address")
        self.written()
        self.kubectl("get", "svc", SERVICE)

    def events(self) -> None:
        """What users of kubectl have seen of all this."""
        self.screen.heading("What kubectl shows of it")
        self.kubectl("get", "svc,events")
        shown = self.cluster.kubectl("get", "svc", SERVICE, "--no-headers").split()[3]
        self.findings.add("kubectl get svc", shown, shown == self.vip)

    def kubectl(self, *arguments: str) -> None:
        """A command and what it prints."""
        self.screen.line()
        self.screen.fact(self.screen.paint(f"$ kubectl {' '.join(arguments)}", "bold"))
        self.screen.block(self.cluster.kubectl(*arguments))
