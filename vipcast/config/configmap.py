"""The old ConfigMap (MetalLB up to 0.12) as a whole: one key, one YAML document, one Config.

The sections of BGP are accepted by their keys and kept as text for later; what they hold is checked
when BGP is. What is checked here is checked completely: all findings come at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from vipcast.config.config import Config
from vipcast.config.nodes import Mapping as MappingNode
from vipcast.config.nodes import Node, Sequence, is_null, texts
from vipcast.config.pools import read_pools
from vipcast.config.schema import Reader
from vipcast.config.yamltext import Chunk, compose, split
from vipcast.model.advertisement import L2Advertisement
from vipcast.model.errors import ConfigError, ParseError
from vipcast.model.pool import Pool, Protocol

DATA_KEY = "config"
KEYS = ("address-pools", "peers", "bgp-communities", "bfd-profiles")


def parse_config_map(raw: Mapping[str, Any]) -> Config:
    """The Config that a ConfigMap holds. Raises ConfigError with every finding at once."""
    reader = Reader(_name(raw))
    config = _read(reader, raw)
    if reader.findings or config is None:
        raise ConfigError(tuple(reader.findings))
    return config


def document_of(raw: Mapping[str, Any]) -> object:
    """What stands under the data key; the same document is the same configuration."""
    data = raw.get("data")
    return data.get(DATA_KEY) if isinstance(data, Mapping) else None


def _name(raw: Mapping[str, Any]) -> str:
    metadata = raw.get("metadata")
    fields = metadata if isinstance(metadata, Mapping) else {}
    return f"ConfigMap {fields.get('namespace', 'default')}/{fields.get('name', '')}"


def _read(reader: Reader, raw: Mapping[str, Any]) -> Config | None:
    text = document_of(raw)
    if not isinstance(text, str):
        reader.refuse(
            f"data.{DATA_KEY}",
            "",
            "There is no text under this key." if text is None else "This is not text.",
            f"Write the configuration under data.{DATA_KEY}, as a block of text: '{DATA_KEY}: |'.",
        )
        return None
    root = _document(reader, text)
    if root is None:
        return None
    values = reader.mapping(root, "", KEYS)
    if values is None:
        return None
    later: dict[str, Any] = {}
    pools = read_pools(reader, values["address-pools"], later) if "address-pools" in values else ()
    _keep_for_later(reader, values, later)
    return Config(pools, reader.name, later, l2=_on_segments(pools))


def _on_segments(pools: tuple[Pool, ...]) -> tuple[L2Advertisement, ...]:
    """What `protocol: layer2` says: every node may answer, on every interface."""
    mine = (pool.name for pool in pools if pool.protocol is Protocol.LAYER2)
    return tuple(L2Advertisement(name, frozenset({name})) for name in mine)


def _document(reader: Reader, text: str) -> Node | None:
    """The one document of the text; None after a finding."""
    chunks = split(text)
    if len(chunks) > 1:
        reader.refuse(
            f"data.{DATA_KEY}, line {chunks[1].line}",
            "",
            "A second document begins here, and only one is read.",
            "Put everything into one document, without '---' lines.",
        )
        return None
    try:
        root = compose(chunks[0] if chunks else Chunk(text), reader.name)
    except ParseError as error:
        finding = error.finding
        reader.findings.append(replace(finding, field=f"data.{DATA_KEY}, {finding.field}"))
        return None
    if root is None or is_null(root):
        reader.refuse(
            f"data.{DATA_KEY}",
            "",
            "The configuration is empty.",
            "To run without any pool on purpose, write 'address-pools: []'.",
        )
        return None
    return root


def _keep_for_later(reader: Reader, values: dict[str, Node], later: dict[str, Any]) -> None:
    """The sections of BGP, checked for their outer form only."""
    for key in ("peers", "bfd-profiles", "bgp-communities"):
        node = values.get(key)
        if node is None or is_null(node):
            continue
        if key == "bgp-communities" and not isinstance(node, MappingNode):
            reader.wrong_type(node, key, "a mapping of names to communities", "Write name: value.")
        elif key != "bgp-communities":
            for path, item in reader.items(node, key, "Write a list."):
                if not isinstance(item, MappingNode):
                    reader.wrong_type(
                        item, path, "a mapping of keys to values", "Write key: value."
                    )
        if isinstance(node, MappingNode | Sequence):
            later[key] = texts(node)
