"""Files that say which API server is asked, and as whom, as one: what kubectl makes of them. PURE.

Of several files the first counts that names a cluster, a user or a context, and the first that says
which context is the current one. What lies beside a file is looked for beside that file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

CURRENT: Final = "current-context"

_PLACES: Final = {
    "clusters": ("cluster", ("certificate-authority",)),
    "contexts": ("context", ()),
    "users": ("user", ("client-certificate", "client-key", "tokenFile")),
}
"""Each list, the key of an item's own values, and which of these are paths."""


def merged(texts: Iterable[tuple[Path, str]]) -> dict[str, Any]:
    """All files in their order. Raises ValueError, which names the file."""
    whole: dict[str, Any] = {name: [] for name in _PLACES}
    for file, text in texts:
        document = _document(file, text)
        if document.get(CURRENT):
            whole.setdefault(CURRENT, document[CURRENT])
        for name in _PLACES:
            known = {item["name"] for item in whole[name]}
            items = _items(file, document, name)
            whole[name] += [item for item in items if item["name"] not in known]
    return whole


def _document(file: Path, text: str) -> Mapping[str, Any]:
    try:
        found = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise ValueError(f"{file} is no YAML: {error}") from error
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise ValueError(f"{file} holds no mapping of keys to values")
    return found


def _items(file: Path, document: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The items of one list, with paths from the root."""
    inner, paths = _PLACES[name]
    items = document.get(name)
    if items is None:
        return []
    if not isinstance(items, list):
        raise ValueError(f"{file}: {name} is no list")
    found = []
    for number, item in enumerate(items):
        if not isinstance(item, Mapping) or not isinstance(item.get("name"), str):
            raise ValueError(f"{file}: {name}[{number}] has no name")
        values = item.get(inner) or {}
        if not isinstance(values, Mapping):
            raise ValueError(f"{file}: {name}[{number}].{inner} is no mapping of keys to values")
        found.append({**item, inner: _from_root(file, values, paths)})
    return found


def _from_root(file: Path, values: Mapping[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    place = file.absolute().parent
    known: dict[str, Any] = {key: str(place / values[key]) for key in paths if values.get(key)}
    plugin = values.get("exec")
    # A command without a slash is looked for in PATH.
    if isinstance(plugin, Mapping) and "/" in str(plugin.get("command", "")):
        known["exec"] = {**plugin, "command": str(place / plugin["command"])}
    return {**values, **known}
