"""Which calls of an API server a program makes, by the API server's own audit log.

    standing("bench", kubernetes, flags=audited.flags)
    calls = Calls(cluster)
    ...
    calls.since_last("system:serviceaccount:metallb-system:speaker")   {"watch": 12, "create": 1}

A call counts when it has been answered; a watch, when it has ended, which the server has it do
after a minute or two.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.cluster import Lab
from lab.kubernetes.cluster import Cluster

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
"""Verbs after which something is different."""

_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [
        {
            "level": "Metadata",
            "userGroups": ["system:serviceaccounts:metallb-system"],
        },
        {"level": "None"},
    ],
}


def flags(lab: Lab) -> Sequence[str]:
    """Flags of an API server in that lab that keeps such a log."""
    policy = lab.run.path / "audit.json"
    policy.write_text(json.dumps(_POLICY))
    return (f"--audit-policy-file={policy}", f"--audit-log-path={_log(lab)}")


def _log(lab: Lab) -> Path:
    return lab.run.path / "audit.log"


class Calls:
    """Reads on in the log of a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._log = _log(cluster.lab)
        self._read = 0

    def since_last(self) -> Mapping[str, Mapping[str, int]]:
        """By program (the name of its service account), how many calls of each verb and kind."""
        text = b""
        if self._log.exists():
            with self._log.open("rb") as log:
                log.seek(self._read)
                text = log.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._read += len(whole)
        found: dict[str, Counter[str]] = {}
        for line in whole.splitlines():
            program, call = _understood(json.loads(line))
            found.setdefault(program, Counter())[call] += 1
        return {program: dict(sorted(calls.items())) for program, calls in sorted(found.items())}


def _understood(said: Mapping[str, object]) -> tuple[str, str]:
    """The program and what it did, such as ("controller", "patch services/status")."""
    user, about = said["user"], said.get("objectRef")
    assert isinstance(user, dict), "the API server knows who asks"
    words = []
    if isinstance(about, dict):
        words = [str(about[key]) for key in ("resource", "subresource") if key in about]
    program = str(user["username"]).rpartition(":")[2]
    return program, " ".join([str(said["verb"]), "/".join(words)]).strip()


def writes(calls: Mapping[str, int]) -> int:
    """How many of a program's calls changed something."""
    return sum(times for call, times in calls.items() if call.partition(" ")[0] in WRITES)
