"""The old ConfigMap (MetalLB up to 0.12) as a whole: one key, one YAML document, one draft.

All findings come at once: a section that cannot be read leaves the others to be checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from vipcast.config import bfd, communities, peers, pools
from vipcast.config.bfd import read_profiles
from vipcast.config.communities import read_aliases
from vipcast.config.draft import Draft
from vipcast.config.nodes import Node, is_null
from vipcast.config.peers import read_peers
from vipcast.config.pools import read_pools
from vipcast.config.schema import Notes, Reader
from vipcast.config.yamltext import Chunk, compose, split
from vipcast.model.errors import ParseError

DATA_KEY = "config"
KEYS = (pools.KEY, peers.KEY, communities.KEY, bfd.KEY)


def read_config_map(raw: Mapping[str, Any], notes: Notes) -> Draft:
    """What a ConfigMap says, as far as it can be read; the notes have what is wrong with it."""
    reader = Reader(name_of(raw), notes)
    draft = Draft(reader.name)
    root = _document(reader, raw)
    top = None if root is None else reader.section(root, "", KEYS)
    if top is not None:
        aliases = read_aliases(top)
        read_pools(top, aliases, draft)
        draft.bfd_profiles = read_profiles(top)
        draft.peers = read_peers(top, {profile.name for profile in draft.bfd_profiles})
    return draft


def looks_like_one(raw: Mapping[str, Any]) -> bool:
    """Whether a ConfigMap of whatever name holds pools as a configuration does."""
    data = raw.get("data")
    text = data.get(DATA_KEY) if isinstance(data, Mapping) else None
    return isinstance(text, str) and f"{pools.KEY}:" in text


def name_of(raw: Mapping[str, Any]) -> str:
    """How findings name the ConfigMap."""
    metadata = raw.get("metadata")
    fields = metadata if isinstance(metadata, Mapping) else {}
    return f"ConfigMap {fields.get('namespace', 'default')}/{fields.get('name', '')}"


def _document(reader: Reader, raw: Mapping[str, Any]) -> Node | None:
    """The one document of the ConfigMap; None after a finding."""
    data = raw.get("data")
    text = data.get(DATA_KEY) if isinstance(data, Mapping) else None
    if isinstance(text, str):
        return _parsed(reader, text)
    reader.refuse(
        f"data.{DATA_KEY}",
        "",
        "There is no text under this key." if text is None else "This is not text.",
        f"Write the configuration under data.{DATA_KEY}, as a block of text: '{DATA_KEY}: |'.",
    )
    return None


def _parsed(reader: Reader, text: str) -> Node | None:
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
        reader.notes.findings.append(replace(finding, field=f"data.{DATA_KEY}, {finding.field}"))
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
