"""Whether programs live, as the kubelets of their nodes tell: by Pods and Nodes. PURE.

A program on a cluster writes nothing to show that it lives. Its ConfigurationState names its Pod:
where that is gone, or its container does not run, the program is gone. Where the node's kubelet is
not heard itself, nobody knows: what the speaker of such a node says counts for nothing, and it is
there as long as one hears it whose kubelet is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from vipcast.kube.fields import open_object
from vipcast.kube.owners import why_not_running
from vipcast.kube.store import Store
from vipcast.model.errors import Finding
from vipcast.model.raw import NODE, POD, Owner, Raw


@dataclass(frozen=True, slots=True)
class Kubelets:
    """`pods` by their uid, those of the programs' namespace; `unheard` are names of nodes."""

    pods: Mapping[str, Raw] = field(default_factory=dict)
    unheard: frozenset[str] = frozenset()

    def gone(self, program: str, owner: Owner | None) -> str:
        """Why a program is gone that runs in a Pod, and what to do; "" if it is not known to be."""
        if owner is None:
            return ""
        pod, key = self.pods.get(owner.uid), owner.ref.key
        if pod is None:
            see = f"`kubectl get pods -n {key.namespace} -o wide` shows those that there are."
            return f"The {program}'s Pod {key} is gone. {see}"
        if not (why := why_not_running(pod, program)):
            return ""
        see = f"`kubectl describe pod -n {key.namespace} {key.name}` says more"
        last = f"`kubectl logs -p -n {key.namespace} {key.name}` has its last words"
        return f"The {program} in Pod {key} does not run ({why}): {see}, {last}."

    def unknown(self, program: str, owner: Owner | None) -> str:
        """Why nobody knows whether a program in a Pod lives, "" if somebody does."""
        pod = None if owner is None else self.pods.get(owner.uid)
        node = "" if pod is None else str((pod.get("spec") or {}).get("nodeName", ""))
        if node not in self.unheard:
            return ""
        return (
            f"The kubelet of {node} is not heard, so nobody knows if the {program} there lives."
            f" Look at the node: `kubectl describe node {node}`."
        )


NONE = Kubelets()
"""What is known in a directory: nothing."""


def kubelets_of(store: Store, namespace: str) -> Kubelets:
    """What the Pods of the programs' namespace say, and the Nodes."""
    pods = {
        str(raw["metadata"].get("uid")): raw
        for key, raw in store.raws(POD).items()
        if key.namespace == namespace
    }
    return Kubelets(pods, frozenset(_unheard(store))) if pods else NONE


def _unheard(store: Store) -> Iterator[str]:
    """Nodes whose condition Ready nobody keeps up: Kubernetes has set it to Unknown."""
    for key, raw in store.raws(NODE).items():
        told: list[Finding] = []  # by the store, too
        _, top = open_object(raw, NODE.name, told, cluster_wide=True)
        for one in top.below("status").items("conditions"):
            if (one.text("type"), one.text("status")) == ("Ready", "Unknown"):
                yield key.name
