"""The surroundings of a KubeSource: a real API server, and users who write there with PATCH.

`KubeHarness` is the contract suite's: each test begins with what stands in the cluster anyway,
which its sources leave out, and ends with that.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
import time
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import yaml

from lab.kubernetes.cluster import Cluster
from tests.support.apiproxy import Answer, ApiProxy, Asked
from tests.support.sources import KINDS, START, Harness
from tests.support.waiting import eventually
from vipcast.kube.api import Access
from vipcast.kube.mirror import Mirror
from vipcast.kube.patches import BALANCER
from vipcast.kube.paths import collection, plural, single
from vipcast.kube.source import KubeSource
from vipcast.model.objects import Key
from vipcast.model.raw import (
    CLUSTER_WIDE,
    CONFIGURATION_STATE,
    SERVICE,
    SERVICE_BGP_STATUS,
    SERVICE_L2_STATUS,
    SPEAKER_STATUS,
    VERSIONS,
    Batch,
    Kind,
    Raw,
    Ref,
)

NAMESPACE = "metallb-system"
STATUS_KINDS = (CONFIGURATION_STATE, SERVICE_BGP_STATUS, SERVICE_L2_STATUS, SPEAKER_STATUS)


def open_definition(kind: Kind) -> dict[str, Any]:
    """A CustomResourceDefinition that takes anything, with a status that is written by itself."""
    version = {
        "name": VERSIONS[kind],
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "schema": {
            "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        },
    }
    names = {"kind": kind.name, "plural": plural(kind), "listKind": f"{kind.name}List"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural(kind)}.{kind.group}"},
        "spec": {
            "group": kind.group,
            "scope": "Namespaced",
            "names": names,
            "versions": [version],
        },
    }


def prepare(cluster: Cluster) -> None:
    """The namespace and the status kinds, unless they are there already."""
    found = cluster.kubectl("get", "customresourcedefinitions", "-o", "name")
    kinds = [kind for kind in STATUS_KINDS if f"{plural(kind)}.{kind.group}" not in found]
    if kinds:
        cluster.apply(*map(open_definition, kinds))
        for kind in kinds:
            name = f"crd/{plural(kind)}.{kind.group}"
            cluster.kubectl("wait", "--for=condition=Established", name, "--timeout=60s")
    if f"namespace/{NAMESPACE}" not in cluster.kubectl("get", "namespaces", "-o", "name"):
        cluster.create_namespace(NAMESPACE)


class Users:
    """What people do to a cluster, as its administrator; from inside the lab, one at a time."""

    def __init__(self, cluster: Cluster) -> None:
        config = yaml.safe_load(cluster.kubeconfig.read_text())
        self.token = str(config["users"][0]["user"]["token"])
        where = urlsplit(cluster.credentials.url)
        trust = ssl.create_default_context(cafile=str(cluster.credentials.ca))
        self._server = http.client.HTTPSConnection(
            str(where.hostname), where.port, timeout=30, context=trust
        )

    def close(self) -> None:
        """End the connection."""
        self._server.close()

    def ask(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """One call; what is not to be found is None."""
        kind = "application/apply-patch+yaml" if method == "PATCH" else "application/json"
        self._server.request(
            method,
            f"{path}?{urlencode(query)}",
            None if body is None else json.dumps(body),
            {"Authorization": f"Bearer {self.token}", "Content-Type": kind},
        )
        response = self._server.getresponse()
        text = response.read()
        if response.status == 404:
            return None
        assert response.status < 300, text
        return json.loads(text)

    def apply(self, raw: Raw) -> None:
        """Create or change an object, and its status if that is given."""
        kind = next(kind for kind in VERSIONS if kind.name == raw["kind"])
        metadata = dict(raw["metadata"])
        if kind not in CLUSTER_WIDE:
            metadata.setdefault("namespace", "default")
        ref = Ref(kind, Key(metadata.get("namespace", ""), metadata["name"]))
        whole = {**raw, "metadata": metadata}
        force = {"fieldManager": "users", "force": "true"}
        self.ask("PATCH", single(ref), whole, **force)
        if "status" in raw:
            part = {key: whole[key] for key in ("apiVersion", "kind", "status")}
            named = {key: metadata[key] for key in ("name", "namespace") if key in metadata}
            self.ask("PATCH", single(ref, "status"), {**part, "metadata": named}, **force)

    def remove(self, ref: Ref) -> None:
        """Delete an object."""
        self.ask("DELETE", single(ref))

    def get(self, ref: Ref) -> Any:
        """An object as the server has it, None if there is none."""
        return self.ask("GET", single(ref))

    def refs(self, kinds: Collection[Kind]) -> frozenset[Ref]:
        """The names of all objects of these kinds."""
        found = set()
        for kind in kinds:
            for item in self.ask("GET", collection(kind))["items"]:
                ref = Mirror(kind).name(item)
                assert ref is not None
                found.add(ref)
        return frozenset(found)


class Own(KubeSource):
    """A KubeSource that says nothing of what was in the cluster before the test."""

    others: Collection[Ref] = ()

    async def changes(self) -> AsyncIterator[Batch]:
        """The changes of all other objects."""
        async for batch in super().changes():
            deltas = tuple(delta for delta in batch.deltas if delta.ref not in self.others)
            yield replace(batch, deltas=deltas)


class KubeHarness(Harness):
    """An API server behind a proxy."""

    spoilt = "items["

    def __init__(self, users: Users, proxy: ApiProxy, place: Path) -> None:
        self.users = users
        self.proxy = proxy
        self.kubeconfig = proxy.kubeconfig(place / "kubeconfig", token=users.token)
        self._others = users.refs(KINDS)

    def now(self) -> float:
        """Seconds that never jump."""
        return time.monotonic()

    def close(self) -> None:
        """Take away what the test has left."""
        for ref in self.users.refs(KINDS) - self._others:
            self.users.remove(ref)
        eventually(
            lambda: not self.users.refs(KINDS) - self._others, what="the cluster is as before"
        )

    def source(
        self, writer: str = "controller", kinds: Collection[Kind] = KINDS, **more: Any
    ) -> KubeSource:
        given: Mapping[str, Any] = {
            "namespace": NAMESPACE,
            "clock": lambda: START,
            "event_budget": 5,
            "event_repeat": 0.1,
            "owns": {SERVICE: BALANCER} if writer == "controller" else {},
            **more,
        }
        opened = Own(Access((self.kubeconfig,)), writer, kinds, **given)
        opened.others = self._others
        return opened

    def apply(self, *raws: Raw) -> None:
        self.proxy.clear_changes()
        for raw in raws:
            self.users.apply(raw)

    def remove(self, ref: Ref) -> None:
        self.users.remove(ref)

    def spoil(self, ref: Ref) -> None:
        """The object has no name any more on its way to the source."""
        name = f'"name":"{ref.key.name}"'.encode()
        path = collection(ref.kind)

        def change(asked: Asked, body: bytes) -> bytes:
            return body.replace(name, b'"nome":"x"') if asked.path == path else body

        self.proxy.add_change(change)
        self.proxy.close_watches()
        touched = self.users.get(ref)
        labels = {"labels": {"touched": "yes"}}
        metadata = {"name": ref.key.name, "namespace": ref.key.namespace, **labels}
        part = {key: touched[key] for key in ("apiVersion", "kind")}
        self.users.ask("PATCH", single(ref), {**part, "metadata": metadata}, fieldManager="spoiler")

    def cut_off(self) -> None:
        self.proxy.cut_off()

    def bring_back(self) -> None:
        self.proxy.bring_back()

    @contextlib.contextmanager
    def refusing(self) -> Iterator[None]:
        def refuse(asked: Asked) -> Answer | None:
            return None if asked.method == "GET" else Answer(500, "out of order")

        with self.proxy.rule(refuse):
            yield
