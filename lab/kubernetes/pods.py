"""The Pods of installed programs: what a scheduler would make, and what a kubelet tells of them.

    pods = ProgramPods(cluster, "metallb-system")
    env = pods.variables("speaker", node)      # makes the Pod, if there is none
    pods.tell("speaker", node, why="CrashLoopBackOff")
    pods.delete("speaker", node)               # the next one has another name and uid

They are made from the workloads' own templates, as the API server has them.
"""

from __future__ import annotations

import copy
import json
from typing import Any

from lab.host import Host
from lab.kubernetes.cluster import Cluster
from lab.kubernetes.objects import conditions
from lab.objects import Object

WORKLOADS = {"controller": "deployment", "speaker": "daemonset"}


class ProgramPods:
    """At most one Pod of a program on a host; `namespace` is that of the workloads."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._pods: dict[tuple[str, str], Object] = {}
        self._made = 0

    def get(self, program: str, host: Host) -> Object:
        """The Pod as it was made."""
        return self._pods[program, host.name]

    def variables(self, program: str, host: Host) -> dict[str, str]:
        """What its kubelet would put into the program's environment from the Pod's own fields."""
        if (program, host.name) not in self._pods:
            self._pods[program, host.name] = self._make(program, host)
        pod = self.get(program, host)
        (container,) = (each for each in pod["spec"]["containers"] if each["name"] == program)
        return {
            each["name"]: _field(pod, each["valueFrom"]["fieldRef"]["fieldPath"])
            for each in container["env"]
            if "fieldRef" in each.get("valueFrom", {})
        }

    def tell(self, program: str, host: Host, why: str = "") -> None:
        """Let the Pod's status say that the program runs, or why it does not."""
        pod = self.get(program, host)
        patch = {"status": _status(pod, host, program, why)}
        self._kubectl(
            "patch", "pod", pod["metadata"]["name"], "--subresource=status", "-p", json.dumps(patch)
        )

    def delete(self, program: str, host: Host) -> None:
        """Delete the Pod; what goes with it is deleted a moment later."""
        pod = self._pods.pop((program, host.name))
        self._kubectl("delete", "pod", pod["metadata"]["name"], "--grace-period=0", "--force")

    def delete_all(self) -> None:
        """Delete those of all programs."""
        names = [pod["metadata"]["name"] for pod in self._pods.values()]
        self._pods.clear()
        if names:
            self._kubectl("delete", "pod", *names, "--grace-period=0", "--force")

    def _make(self, program: str, host: Host) -> Object:
        workload = self._cluster.get(WORKLOADS[program], program, self._namespace)
        template = copy.deepcopy(workload["spec"]["template"])
        self._made += 1
        metadata = {
            "labels": template["metadata"]["labels"],
            "name": f"{program}-{host.name}-{self._made}",
            "namespace": self._namespace,
        }
        made = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "spec": {**template["spec"], "nodeName": host.name},
        }
        text = self._kubectl("create", "-f", "-", "-o", "json", text=json.dumps(made))
        pod: Object = json.loads(text)
        self._pods[program, host.name] = pod
        self.tell(program, host)
        return pod

    def _kubectl(self, *words: str, text: str | None = None) -> str:
        return self._cluster.kubectl(words[0], "-n", self._namespace, *words[1:], text=text)


def _status(pod: Object, host: Host, program: str, why: str) -> Object:
    """A Pod's status with one container."""
    state: dict[str, Any] = {"waiting": {"reason": why}} if why else {"running": {}}
    told = {"name": program, "ready": not why, "restartCount": 0, "state": state}
    (image,) = (each["image"] for each in pod["spec"]["containers"] if each["name"] == program)
    address = str(host.address)
    return {
        "phase": "Running",
        "hostIP": address,
        "podIP": address,
        "podIPs": [{"ip": address}],
        "conditions": conditions(ready=not why),
        "containerStatuses": [{**told, "image": image, "imageID": ""}],
    }


def _field(raw: Object, path: str) -> str:
    value: Any = raw
    for name in path.split("."):
        value = value[name]
    return str(value)
