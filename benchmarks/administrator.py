"""Somebody who creates and deletes Services on a cluster, in a process of its own, and says when.

    with administrator(cluster) as admin:
        begun = admin.create("web")         monotonic ns, just before the request went out
        admin.delete("web")

One connection is kept open, as a controller would; kubectl's own start would be most of the time.
A Service has no selector if its EndpointSlice stands beforehand (`endpoints`), where otherwise the
controller that makes it would be what is measured.
"""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from benchmarks.child import child, hear
from benchmarks.harness import BenchmarkError
from lab.kubernetes.cluster import Cluster
from lab.objects import Object, endpoint_slice
from lab.vipcast import service

SERVICES = "/api/v1/namespaces/default/services"

_IDLE = 30.0
"""Seconds after which a connection is made anew: the API server closes one that rests for long."""


@dataclass(frozen=True, slots=True)
class Administrator:
    """The other side of the connection."""

    told: Connection[Any, Any]

    def create(self, *names: str, app: str = "") -> int:
        """Create Services, which select `app` if given; the time just before the first request."""
        bodies = [json.dumps(wanted(name, app)) for name in names]
        return self._do("POST", [SERVICES] * len(names), bodies)

    def delete(self, *names: str) -> int:
        """Delete Services; the time just before the first request."""
        return self._do("DELETE", [f"{SERVICES}/{name}" for name in names], [None] * len(names))

    def _do(self, method: str, paths: Sequence[str], bodies: Sequence[str | None]) -> int:
        self.told.send((method, paths, bodies))
        begun: int = hear(self.told)
        return begun


@contextmanager
def administrator(cluster: Cluster) -> Iterator[Administrator]:
    """One who is connected, until the block ends."""
    namespace = cluster.lab.cp.namespace
    with child("benchmarks.administrator:serve", cluster.kubeconfig, namespace=namespace) as told:
        hear(told)
        yield Administrator(told)


def endpoints(cluster: Cluster, name: str) -> None:
    """Make a Service's EndpointSlice, with a pod on every node, before there is the Service."""
    cluster.apply(endpoint_slice(name, "default", "", cluster.lab.backends()))


def wanted(name: str, app: str) -> Object:
    """The Service that is created."""
    made = service(name)
    made["spec"]["selector"] = {"app": app} if app else None
    return made


class Access:
    """Where an API server is and who asks, as a kubeconfig of the lab has it."""

    def __init__(self, kubeconfig: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        where = config["clusters"][0]["cluster"]
        self.url = str(where["server"])
        self.trust = ssl.create_default_context(cafile=where["certificate-authority"])
        self.headers = {"Authorization": f"Bearer {config['users'][0]['user']['token']}"}


def serve(kubeconfig: Path, told: Connection[Any, Any]) -> None:
    """The other process: does what it is told, until nobody tells it any more."""
    access = Access(kubeconfig)
    where = urlsplit(access.url)
    server = http.client.HTTPSConnection(str(where.hostname), where.port, context=access.trust)

    def ask(method: str, path: str, body: str | None = None) -> None:
        headers = {**access.headers, "Content-Type": "application/json"}
        try:
            server.request(method, path, body, headers)
            answer = server.getresponse()
            text = answer.read()
        except OSError as error:  # else it would pass for an end of who tells us
            raise BenchmarkError(f"{method} {path}: {error}") from error
        if answer.status >= 300:
            raise BenchmarkError(f"{method} {path}: {answer.status} {text.decode()}")

    ask("GET", SERVICES)
    told.send(None)
    while True:
        if not told.poll(_IDLE):
            server.close()
        method, paths, bodies = told.recv()
        if server.sock is None:
            server.connect()
        begun = time.monotonic_ns()
        for path, body in zip(paths, bodies, strict=True):
            ask(method, path, body)
        told.send(begun)
