"""Each right of a program taken away in turn: its call is refused, with a sentence that names it.

With all rights every call is made and nothing is refused; so no right is missing, and none is idle.
The calls are those of the programs' own door to the API server, with the service accounts' tokens.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.kubernetes.cluster import Cluster
from lab.vipcast import service
from tests.support.manifests import Object, Right, one, rights
from tests.support.waiting import DEADLINE, eventually, eventually_async
from vipcast.kube.api import Access
from vipcast.kube.paths import plural
from vipcast.kube.render import secret, secret_ref, whole
from vipcast.kube.source import KubeSource
from vipcast.model.errors import RefusedError
from vipcast.model.objects import Key
from vipcast.model.raw import IP_ADDRESS_POOL, SERVICE, VERSIONS, EventNote, EventType, Kind, Ref

OWN = "metallb-system"
PROGRAMS = ("controller", "speaker")
RIGHTS = [(program, right) for program in PROGRAMS for right in sorted(rights(program))]
KINDS = {plural(kind): kind for kind in VERSIONS}
ROLES = {"everywhere": ("ClusterRole", "metallb-system:{}"), "own": ("Role", "{}")}
WEB = Ref(SERVICE, Key("default", "web"))
POOL = Ref(IP_ADDRESS_POOL, Key(OWN, "default"))
MESSAGES = ("get", "events", "-o", "jsonpath={.items[*].message}")
HASTE = 20
"""Seconds of a source's clock in one of ours: what it is patient about is over sooner."""

_numbers = itertools.count(1)


@pytest.fixture(scope="module", autouse=True)
def _objects(cluster: Cluster) -> Iterator[None]:
    """A Service and a pool, whose status is written."""
    pool = whole(POOL, spec={"addresses": ["192.0.2.240/32"]})
    cluster.apply(service("web"), pool)
    yield
    cluster.kubectl("delete", "service", "web")
    cluster.kubectl("delete", "ipaddresspool", "default", "-n", OWN)


@pytest.fixture(scope="module")
def files(cluster: Cluster) -> dict[str, Path]:
    """A kubeconfig of each program's service account."""
    return {program: cluster.kubeconfig_of(program, OWN) for program in PROGRAMS}


def allowed(cluster: Cluster, program: str, right: Right) -> bool:
    """What the API server says of a right."""
    resource, _, part = right.resource.partition("/")
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": f"system:serviceaccount:{OWN}:{program}",
            "resourceAttributes": {
                "group": right.group,
                "resource": resource,
                "subresource": part,
                "verb": right.verb,
                "name": right.name,
                "namespace": OWN if right.where == "own" else "",
            },
        },
    }
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    said = json.loads(cluster.kubectl("create", "--raw", path, "-f", "-", text=json.dumps(review)))
    return bool(said["status"]["allowed"])


def rule(right: Right) -> Object:
    """A role's rule that is this right and no other."""
    names = {"resourceNames": [right.name]} if right.name else {}
    return {
        "apiGroups": [right.group],
        "resources": [right.resource],
        "verbs": [right.verb],
        **names,
    }


def give(cluster: Cluster, program: str, where: str, rules: list[Object]) -> None:
    """Let a role of the program have these rules."""
    kind, name = ROLES[where]
    patch = json.dumps([{"op": "replace", "path": "/rules", "value": rules}])
    command = ("patch", kind, name.format(program), "-n", OWN, "--type=json", "-p", patch)
    cluster.kubectl(*command)


class Call:
    """One call of a program; what is said against it, "" for nothing."""

    def __init__(
        self, cluster: Cluster, right: Right, file: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        self.right = right
        self.resource, _, self.part = right.resource.partition("/")
        self.kind = KINDS[self.resource]
        self._cluster = cluster
        self._file = file
        self._caplog = caplog

    async def said(self) -> str:
        """Make the call."""
        if self.right.verb in ("list", "watch"):
            return await self._follow()
        if self.resource == "events":
            return await self._note()
        try:
            await self._write()
        except RefusedError as error:
            return f"{error.code} {error}"
        return ""

    def _source(self, *kinds: Kind, later: float = 0.0) -> KubeSource:
        return KubeSource(
            Access((self._file,)),
            "trial",
            kinds,
            namespace=OWN,
            names={self.kind: self.right.name} if self.right.name else {},
            monotonic=lambda: HASTE * time.monotonic(),
            clock=lambda: time.time() + later,
            event_budget=1,
            event_repeat=0.0,
        )

    async def _follow(self) -> str:
        """The message of a source that follows the kind: why it is late, or nothing."""
        async with self._source(self.kind) as source:
            began = time.monotonic()

            def known() -> bool:
                health = source.health()
                patient = time.monotonic() - began > 10 / HASTE
                return patient and (not health.alive or health.synced)

            await eventually_async(known, what="it follows, or says why not")
            health = source.health()
            return "" if health.alive else health.message

    async def _note(self) -> str:
        """What the log says while an Event is created, found again, counted up and removed."""
        first, second = (
            EventNote(WEB, EventType.NORMAL, "Trial", f"{next(_numbers)} of {time.time_ns()}")
            for _ in range(2)
        )
        self._caplog.clear()
        async with self._source(SERVICE) as source:
            await source.record(first)
            await self._settled(source, first)
        async with self._source(SERVICE, later=60.0) as source:
            await source.record(first)
            await self._settled(source, first)
            await source.record(second)
            await self._settled(source, second)
        return self._logged()

    async def _settled(self, source: KubeSource, note: EventNote) -> None:
        """Wait until the Event is there, or the log says why it is not."""
        await eventually_async(lambda: source.health().synced, what="it follows")
        await eventually_async(
            lambda: self._logged() or note.message in self._cluster.kubectl(*MESSAGES),
            what="the Event is written, or refused",
        )

    def _logged(self) -> str:
        records = self._caplog.records
        return "\n".join(each.message for each in records if each.levelno >= logging.WARNING)

    async def _write(self) -> None:
        if self.right.resource in ("services/status", "ipaddresspools/status"):
            status: Object = {"assignedIPv4": 1}
            if self.kind == SERVICE:
                status = {"loadBalancer": {"ingress": [{"ip": "192.0.2.240"}]}}
            async with self._source(self.kind) as source:
                await source.write_status(WEB if self.kind == SERVICE else POOL, status)
            return
        if self.resource == "secrets":
            ref = secret_ref(OWN, f"trial{next(_numbers)}")
            async with self._source() as source:
                await source.create(ref, secret(ref, b"key"))
            return
        ref = Ref(self.kind, Key(OWN, f"trial{next(_numbers)}"))
        followed = "list" in {each.verb for each in rights_of(self.resource)}
        async with self._source(*((self.kind,) if followed else ())) as source:
            await eventually_async(lambda: source.health().synced or not followed, what="follows")
            await source.put(ref, whole(ref, labels={"turn": "first"}, status={"node": "node1"}))
            if followed:
                await heard(source, ref)
            await source.put(ref, whole(ref, labels={"turn": "next"}, status={"node": "node2"}))
            if self.right.verb == "delete":
                await source.delete(ref)


async def heard(source: KubeSource, ref: Ref) -> None:
    """Wait until a source knows an object."""
    async with asyncio.timeout(DEADLINE):
        async for batch in source.changes():
            if any(delta.ref == ref for delta in batch.deltas):
                return


def rights_of(resource: str) -> set[Right]:
    """All rights of both programs on a kind."""
    return {right for _, right in RIGHTS if right.resource == resource}


@pytest.mark.usefixtures("inside_lab")
@pytest.mark.parametrize(
    ("program", "right"),
    RIGHTS,
    ids=[f"{program}-{right.verb}-{right.resource}" for program, right in RIGHTS],
)
async def test_a_call_is_made_with_its_right_and_refused_by_name_without_it(
    cluster: Cluster,
    files: dict[str, Path],
    caplog: pytest.LogCaptureFixture,
    program: str,
    right: Right,
) -> None:
    call = Call(cluster, right, files[program], caplog)
    kind, name = ROLES[right.where]
    whole_role = one(kind, name.format(program))["rules"]
    assert allowed(cluster, program, right)
    assert await call.said() == ""

    left = {each for each in rights(program) if each.where == right.where} - {right}
    give(cluster, program, right.where, [rule(each) for each in sorted(left)])
    try:
        eventually(lambda: not allowed(cluster, program, right), what="the right is gone")
        said = await call.said()
    finally:
        give(cluster, program, right.where, whole_role)
        eventually(lambda: allowed(cluster, program, right), what="the right is back")

    part = f"/{call.part}" if call.part else ""
    assert f'cannot {right.verb} resource "{call.resource}{part}"' in said
    assert f"system:serviceaccount:{OWN}:{program}" in said
    assert "403" in said


@pytest.mark.parametrize("program", PROGRAMS)
def test_nothing_else_is_allowed(cluster: Cluster, program: str) -> None:
    """What somebody with the token could do most harm with."""
    others = {
        "controller": Right("own", "", "secrets", "list"),
        "speaker": Right("own", "", "secrets", "create"),
    }
    for right in (
        others[program],
        Right("everywhere", "", "secrets", "list"),
        Right("own", "", "secrets", "get", "memberlist"),
        Right("own", "", "secrets", "update", "memberlist"),
        Right("everywhere", "", "services", "update"),
        Right("everywhere", "", "services", "patch"),
        Right("everywhere", "", "nodes", "patch"),
        Right("everywhere", "", "pods", "list"),
        Right("own", "", "pods", "create"),
        Right("own", "metallb.io", "ipaddresspools", "patch"),
        Right("everywhere", "rbac.authorization.k8s.io", "clusterroles", "list"),
        Right("everywhere", "apiextensions.k8s.io", "customresourcedefinitions", "create"),
    ):
        assert not allowed(cluster, program, right), right
    assert not allowed(cluster, "default", Right("everywhere", "", "services", "list"))
