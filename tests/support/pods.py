"""A Pod as reports name it, and as its kubelet tells of it."""

from __future__ import annotations

from typing import Any

from vipcast.model.objects import Key
from vipcast.model.raw import POD, Owner, Ref

NAMESPACE = "metallb-system"


def owner(name: str = "speaker-x", uid: str = "u1") -> Owner:
    """A Pod that reports go with."""
    return Owner(Ref(POD, Key(NAMESPACE, name)), uid)


def reference(of: Owner) -> dict[str, str]:
    """How an object names it."""
    return {"apiVersion": "v1", "kind": "Pod", "name": of.ref.key.name, "uid": of.uid}


def pod(of: Owner, node: str = "", **states: Any) -> dict[str, Any]:
    """The Pod with the states of its containers by name; without any, nothing has started yet."""
    containers = [{"name": name, "state": state} for name, state in states.items()]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": of.ref.key.name, "namespace": of.ref.key.namespace, "uid": of.uid},
        "spec": {"nodeName": node} if node else {},
        "status": {"phase": "Running", "containerStatuses": containers},
    }


RUNNING = {"running": {"startedAt": "2026-03-01T10:00:00Z"}}
CRASHED = {"waiting": {"reason": "CrashLoopBackOff"}}
