"""Every call that Vipcast's programs make, as the API server itself has written it down.

    audit = Audit(lab.run.path)
    cluster = Cluster(lab, programs, audit.flags)
    ...
    audit.calls()

Users are told apart by their service accounts; what others do is not written down. A watch counts
when it ends.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

NAMESPACE = "metallb-system"
PROGRAMS = ("controller", "speaker")
READING = frozenset({"get", "list", "watch"})
_USER = f"system:serviceaccount:{NAMESPACE}:"


@dataclass(frozen=True, slots=True)
class Call:
    """One call that was answered; `resource` may name a part ("services/status").

    `code` is the status of HTTP; `body` what was sent, {} with a call that reads.
    """

    program: str
    verb: str
    resource: str
    namespace: str
    name: str
    code: int
    body: dict[str, Any]

    @property
    def writes(self) -> bool:
        """Whether it was meant to change anything."""
        return self.verb not in READING


class Audit:
    """The policy and the log of an API server (kube-apiserver's flags of these names)."""

    def __init__(self, folder: Path) -> None:
        self._policy = folder / "audit-policy.yaml"
        self._log = folder / "audit.log"
        self._read = 0
        users = [f"{_USER}{program}" for program in PROGRAMS]
        rules = [
            {"level": "Metadata", "users": users, "verbs": sorted(READING)},
            {"level": "Request", "users": users},
            {"level": "None"},
        ]
        policy = {
            "apiVersion": "audit.k8s.io/v1",
            "kind": "Policy",
            "omitStages": ["RequestReceived", "ResponseStarted"],
            "rules": rules,
        }
        self._policy.write_text(yaml.safe_dump(policy))

    @property
    def flags(self) -> tuple[str, ...]:
        """For the API server."""
        return (f"--audit-policy-file={self._policy}", f"--audit-log-path={self._log}")

    def calls(self) -> list[Call]:
        """All calls so far, in the order in which they were answered."""
        return self._calls_from(0)[0]

    def new(self) -> list[Call]:
        """Those that were answered since this was last asked, or since the log began."""
        found, self._read = self._calls_from(self._read)
        return found

    def _calls_from(self, start: int) -> tuple[list[Call], int]:
        """The calls behind a place in the log, and the place behind the last whole line."""
        if not self._log.exists():
            return [], start
        with self._log.open("rb") as log:
            log.seek(start)
            text = log.read()
        whole = text[: text.rfind(b"\n") + 1]
        return [_call(json.loads(line)) for line in whole.splitlines()], start + len(whole)

    def writes(self) -> list[Call]:
        """Those that were meant to change something."""
        return [call for call in self.calls() if call.writes]


def _call(told: dict[str, Any]) -> Call:
    about = told.get("objectRef", {})
    part = about.get("subresource")
    resource = about.get("resource", told["requestURI"])
    return Call(
        program=told["user"]["username"].removeprefix(_USER),
        verb=told["verb"],
        resource=f"{resource}/{part}" if part else resource,
        namespace=about.get("namespace", ""),
        name=about.get("name", ""),
        code=told.get("responseStatus", {}).get("code", 0),
        body=told.get("requestObject") or {},
    )
