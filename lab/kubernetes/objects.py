"""Pods as an API server knows them, for a lab in which no kubelet runs.

PURE. The lab's pods are namespaces with an HTTP server in them; a Pod object with that pod's
address makes it a backend of every Service that selects the object's labels. Several objects may
stand for one and the same pod.
"""

from __future__ import annotations

from collections.abc import Sequence

from lab.objects import Object
from lab.topology import PodPlan


def pod(plan: PodPlan, node_address: str, app: str, namespace: str, ports: Sequence[int]) -> Object:
    """The Pod APP-N behind node N, labelled app=APP, which runs and is ready."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{app}-{plan.name.removeprefix('pod')}",
            "namespace": namespace,
            "labels": {"app": app},
        },
        "spec": {
            "nodeName": plan.node,
            # Nobody would ever confirm that its containers have ended.
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "containers": [
                {
                    "name": "http",
                    "image": "lab",
                    "ports": [{"name": f"http-{port}", "containerPort": port} for port in ports],
                }
            ],
        },
        "status": {
            "phase": "Running",
            "hostIP": node_address,
            "podIP": str(plan.address),
            "podIPs": [{"ip": str(plan.address)}],
            "conditions": conditions(ready=True),
        },
    }


def conditions(*, ready: bool) -> list[Object]:
    """A Pod's conditions, as far as controllers look at them."""
    said = "True" if ready else "False"
    return [
        {"type": "PodScheduled", "status": "True"},
        {"type": "Initialized", "status": "True"},
        {"type": "ContainersReady", "status": said},
        {"type": "Ready", "status": said},
    ]
