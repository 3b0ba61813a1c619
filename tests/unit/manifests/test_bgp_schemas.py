"""The schemas of the kinds of BGP have the fields that the parser reads, with the same bounds.

Fields that exclude each other keep one object from having them all and being right; so what the
parser looks for is watched, whatever it then thinks of the object.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support.manifests import definition, keys
from tests.unit.config.making import of_kind, of_objects
from vipcast.config import parse
from vipcast.config.nodes import Node
from vipcast.config.schema import Reader, Section
from vipcast.model.errors import ConfigError, Finding
from vipcast.model.peer import DynamicAsn
from vipcast.model.raw import (
    BFD_PROFILE,
    BGP_ADVERTISEMENT,
    BGP_PEER,
    COMMUNITY,
    VERSIONS,
    Kind,
    api_versions,
)

KINDS = (BFD_PROFILE, BGP_ADVERTISEMENT, BGP_PEER, COMMUNITY)
SELECTOR = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}
NESTED: dict[Kind, dict[str, Any]] = {
    BFD_PROFILE: {},
    BGP_ADVERTISEMENT: {
        key: [SELECTOR] for key in ("ipAddressPoolSelectors", "nodeSelectors", "serviceSelectors")
    },
    BGP_PEER: {"nodeSelectors": [SELECTOR], "passwordSecret": {"name": "x"}},
    COMMUNITY: {"communities": [{"name": "x", "value": "64512:1"}]},
}
NEEDED: dict[Kind, dict[str, Any]] = {
    BGP_PEER: {"myASN": 64512, "peerASN": 64513, "peerAddress": "10.0.0.1"}
}
NUMBERS = [
    (kind, key, form)
    for kind in KINDS
    for key, form in sorted(
        definition(kind.name, VERSIONS[kind]).schema["properties"]["spec"]["properties"].items()
    )
    if form["type"] == "integer"
]


def findings(kind: Kind, spec: dict[str, Any]) -> tuple[Finding, ...]:
    """Everything that the parser has against an object."""
    try:
        parse(of_objects(of_kind(kind, "x", spec)))
    except ConfigError as error:
        return error.findings
    return ()


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_parser_looks_for_exactly_the_fields_of_the_schema(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: dict[str, frozenset[str]] = {}
    section = Reader.section

    def watched(self: Reader, node: Node, path: str, keys: tuple[str, ...]) -> Section | None:
        known[re.sub(r"\[\d+\]", "[]", path)] = frozenset(keys)
        return section(self, node, path, keys)

    monkeypatch.setattr(Reader, "section", watched)
    findings(kind, NESTED[kind])
    said = keys(definition(kind.name, VERSIONS[kind]).schema)
    assert known == {path: names for path, names in said.items() if path != "status"}
    for version in api_versions(kind):
        older = keys(definition(kind.name, version.partition("/")[2]).schema)
        assert all(names <= known[path] for path, names in older.items() if path != "status")


@pytest.mark.parametrize(("kind", "key", "form"), NUMBERS, ids=str)
def test_a_number_has_the_bounds_of_the_schema(kind: Kind, key: str, form: dict[str, Any]) -> None:
    needed = NEEDED.get(kind, {})
    most, least = form["maximum"], max(form["minimum"], 1)
    beyond = f"This is not right; it must be a number from {{}} to {most}."
    for good in (least, most):
        assert findings(kind, {**needed, key: good}) == ()
    (found,) = findings(kind, {**needed, key: most + 1})
    assert (found.field, found.message) in {
        (f"spec.{key}", beyond.format(lowest)) for lowest in (0, form["minimum"])
    }
    assert findings(kind, {**needed, key: -1})


def test_the_choices_of_dynamic_asn_are_those_of_the_schema() -> None:
    spec = definition("BGPPeer", "v1beta2").schema["properties"]["spec"]
    assert spec["properties"]["dynamicASN"]["enum"] == list(DynamicAsn)
