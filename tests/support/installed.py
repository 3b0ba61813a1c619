"""Racks on real Kubernetes: what tests.support.racks has with a directory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lab.kubernetes.cluster import Cluster
from lab.kubernetes.vipcast import Installed
from lab.vipcast import pool, service
from tests.support.racks import POOL, SERVICE, Rack


@dataclass(frozen=True, slots=True)
class ClusterRack(Rack):
    """A rack, and the cluster that it is."""

    cluster: Cluster

    @property
    def installed(self) -> Installed:
        """The product, as what it is here."""
        assert isinstance(self.vipcast, Installed)
        return self.vipcast


@contextmanager
def installed_rack(cluster: Cluster) -> Iterator[ClusterRack]:
    """Vipcast installed, its Service served and its speakers settled; taken off again."""
    vipcast = Installed(cluster)
    vipcast.start()
    try:
        vipcast.apply("pool", pool([POOL]))
        vipcast.apply(SERVICE, service(SERVICE))
        standing = ClusterRack(cluster.lab, vipcast, vipcast.serve(SERVICE), cluster)
        standing.settle()
        standing.holder()
        yield standing
        cluster.unserve(SERVICE)
        vipcast.delete(SERVICE)
        vipcast.delete("pool")
    finally:
        vipcast.uninstall()
