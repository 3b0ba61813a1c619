"""ConfigMaps for tests, in one line."""

from __future__ import annotations

from typing import Any

from vipcast.config import Config, parse_config_map
from vipcast.model.errors import ConfigError, Finding

OBJECT = "ConfigMap metallb-system/config"
FORMS = "Write a network such as 192.0.2.0/24 or a range such as 192.0.2.10-192.0.2.20."


def config_map(document: object, namespace: str = "metallb-system") -> dict[str, Any]:
    """A ConfigMap with that document under the key config."""
    metadata = {"namespace": namespace, "name": "config"}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": {"config": document},
    }


def pool(addresses: str = "[192.0.2.0/28]", more: str = "", name: str = "default") -> str:
    """One pool of protocol layer2 as an item of address-pools; `more` are lines of further keys."""
    lines = [f"- name: {name}", "  protocol: layer2", f"  addresses: {addresses}"]
    return "\n".join([*lines, *(f"  {line}" for line in more.splitlines())]) + "\n"


def pools(*items: str) -> str:
    """A document with these pools."""
    return "address-pools:\n" + "".join(items or (pool(),))


def good(document: object) -> Config:
    """The Config of a document that is right."""
    return parse_config_map(config_map(document))


def findings(document: object) -> tuple[Finding, ...]:
    """Every finding for a document; none if it is right."""
    try:
        good(document)
    except ConfigError as error:
        return error.findings
    return ()


def finding(document: object) -> Finding:
    """The one finding for a document."""
    (found,) = findings(document)
    return found
