"""What a program's reports go with: the Pod that it runs in. PURE.

A report names its Pod (ownerReferences), so Kubernetes deletes it when the Pod is gone. While the
Pod is there, its kubelet says whether the program in it runs.
"""

from __future__ import annotations

from vipcast.kube.fields import open_object
from vipcast.model.objects import Key
from vipcast.model.raw import POD, Owner, Raw, Ref, api_version

REFERENCES = "ownerReferences"


def owned(raw: Raw, owner: Owner | None) -> Raw:
    """An object with its owner in it, who must be in its namespace; as it is without one."""
    if owner is None:
        return raw
    return {**raw, "metadata": {**raw["metadata"], REFERENCES: _references(owner)}}


def goes_with(raw: Raw, owner: Owner | None) -> bool:
    """Whether an object as it stands has this owner and no other; without one, any will do."""
    return owner is None or raw["metadata"].get(REFERENCES) == _references(owner)


def _references(owner: Owner) -> list[dict[str, str]]:
    reference = {
        "apiVersion": api_version(owner.ref.kind),
        "kind": owner.ref.kind.name,
        "name": owner.ref.key.name,
        "uid": owner.uid,
    }
    return [reference]


def owner_of(raw: Raw) -> Owner | None:
    """The Pod that an object goes with, None if with none. Raises ParseError."""
    key, top = open_object(raw, str(raw.get("kind", "")))
    for one in top.below("metadata").items(REFERENCES):
        if one.text("kind") == POD.name:
            return Owner(Ref(POD, Key(key.namespace, one.text("name"))), one.text("uid"))
    return None


def why_not_running(pod: Raw, container: str) -> str:
    """Why a container of a Pod does not run, in a word of its kubelet's; "" if it does.

    Where no container has that name, any that runs is enough. Raises ParseError.
    """
    _, top = open_object(pod, POD.name)
    status = top.below("status")
    found = {one.text("name"): one.below("state") for one in status.items("containerStatuses")}
    states = [found[container]] if container in found else list(found.values())
    if any(state.has("running") for state in states):
        return ""
    for state in states:
        for part in ("waiting", "terminated"):
            if reason := state.below(part).text("reason"):
                return reason
    return status.text("reason") or status.text("phase") or "Pending"
