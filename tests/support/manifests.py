"""What manifests/ says, for tests: its documents, rights as single calls, schemas."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

MANIFESTS = Path(__file__).parents[2] / "manifests"

Object = dict[str, Any]


def documents(*files: Path) -> list[Object]:
    """The objects in YAML files."""
    return [
        found
        for file in files
        for found in yaml.load_all(file.read_text(), Loader=yaml.CSafeLoader)
        if found is not None
    ]


def installed() -> list[Object]:
    """Every object of the two files that people apply."""
    return documents(MANIFESTS / "namespace.yaml", MANIFESTS / "vipcast.yaml")


def one(kind: str, name: str) -> Object:
    """The installed object of a kind and a name."""
    (found,) = (
        each for each in installed() if (each["kind"], each["metadata"]["name"]) == (kind, name)
    )
    return found


class Right(NamedTuple):
    """One call that RBAC allows; `resource` may name a part ("services/status").

    `name` is the only object that it is allowed for, "" for any; `where` "everywhere" or "own",
    the programs' own namespace.
    """

    where: str
    group: str
    resource: str
    verb: str
    name: str = ""


def rights(program: str) -> set[Right]:
    """What the roles of a program allow, call by call."""
    roles = (
        ("everywhere", one("ClusterRole", f"metallb-system:{program}")),
        ("own", one("Role", program)),
    )
    return {right for where, role in roles for rule in role["rules"] for right in _of(where, rule)}


def _of(where: str, rule: Object) -> Iterator[Right]:
    for group in rule["apiGroups"]:
        for resource in rule["resources"]:
            for verb in rule["verbs"]:
                for name in rule.get("resourceNames", ("",)):
                    yield Right(where, group, resource, verb, name)


@dataclass(frozen=True, slots=True)
class Definition:
    """One version of a kind as its CustomResourceDefinition has it."""

    group: str
    kind: str
    plural: str
    version: str
    schema: Object


def definitions() -> list[Definition]:
    """Every version of every kind in manifests/crds."""
    return [
        Definition(
            found["spec"]["group"],
            found["spec"]["names"]["kind"],
            found["spec"]["names"]["plural"],
            version["name"],
            version["schema"]["openAPIV3Schema"],
        )
        for found in documents(*sorted((MANIFESTS / "crds").glob("*_*.yaml")))
        for version in found["spec"]["versions"]
    ]


def definition(kind: str, version: str = "v1beta1") -> Definition:
    """One of them."""
    (found,) = (each for each in definitions() if (each.kind, each.version) == (kind, version))
    return found


def keys(schema: Object, path: str = "") -> dict[str, frozenset[str]]:
    """The keys of every mapping in a schema by its path ("spec.nodeSelectors[]"), "" the top's."""
    found: dict[str, frozenset[str]] = {}
    if "properties" in schema:
        found[path] = frozenset(schema["properties"])
        for name, inner in schema["properties"].items():
            found |= keys(inner, f"{path}.{name}" if path else name)
    if "items" in schema:
        found |= keys(schema["items"], f"{path}[]")
    return found


def container(name: str) -> Object:
    """A container of the two workloads, an init container as well."""
    kind, workload = ("Deployment", name) if name == "controller" else ("DaemonSet", "speaker")
    spec = one(kind, workload)["spec"]["template"]["spec"]
    (found,) = (
        each
        for each in [*spec.get("initContainers", []), *spec["containers"]]
        if each["name"] == name
    )
    return dict(found)


def capabilities(name: str) -> list[str]:
    """What a container has of root's rights."""
    return list(container(name)["securityContext"]["capabilities"].get("add", ()))
