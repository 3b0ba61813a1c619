"""Objects as YAML text that reads back as the same objects, here and in every other YAML reader.

Text stays without quotes only where no reader could take it for anything else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from vipcast.config.nodes import BOOLS, NULLS

_HARMLESS = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./()-]+)*")


class _Dumper(yaml.CSafeDumper):
    """Writes text plain or in double quotes, and never an alias."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the signature is the library's
        """The same dict twice is written twice."""
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    harmless = _HARMLESS.fullmatch(text) and text not in BOOLS and text not in NULLS
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if harmless else '"')


_Dumper.add_representer(str, _text)


def dump(raw: Mapping[str, Any]) -> str:
    """One object as a document after "---". Raises TypeError for what JSON cannot hold."""
    return yaml.dump(
        _plain(raw),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        explicit_start=True,
        width=2**31 - 1,
    )


def _plain(value: Any) -> Any:
    """Dicts, lists and plain scalars only; half characters become question marks."""
    if isinstance(value, str):
        return str(value).encode(errors="replace").decode()
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    raise TypeError(f"an object cannot hold {type(value).__name__}")
