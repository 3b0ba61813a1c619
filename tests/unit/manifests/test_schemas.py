"""What the schemas of the kinds let through is what the parser reads, in both directions."""

from __future__ import annotations

import re

import pytest

from tests.support.manifests import Object, definition, keys
from tests.support.schemas import ADVERTISEMENT, FULL, POOL, Mistake, mistakes, problem
from vipcast.config.config import Config
from vipcast.config.inputs import gather, parse
from vipcast.config.nodes import Node
from vipcast.config.schema import Reader, Section
from vipcast.kube.render import configuration_state, program_flags
from vipcast.kube.status import render_bgp_status, render_l2_status, render_speaker_status
from vipcast.model.classes import Classes
from vipcast.model.errors import ConfigError, Finding
from vipcast.model.objects import Key
from vipcast.model.raw import VERSIONS, Kind, Ref
from vipcast.model.status import (
    BgpStatus,
    Holding,
    InterfaceReport,
    L2Status,
    MemberReport,
    PeerReport,
    SegmentReport,
    SpeakerReport,
    Unannounced,
)

KINDS = [kind for kind in VERSIONS if kind.group in ("metallb.io", "vipcast.io")]
TIME = "2026-11-21T06:00:00Z"
HOLDING = Holding("eth0", "192.0.2.1", 3, "lone", TIME, "02:00:00:00:00:01")
SPEAKER = SpeakerReport(
    "node1",
    TIME,
    "auto",
    "00000000000000ff",
    4,
    interfaces=(InterfaceReport("eth0", 2, "", True, "native", "auto", "attached", "It is."),),
    segments=(SegmentReport("eth0", False, True, (MemberReport("node2", "", ""),), ("noKey",)),),
    unannounced=(Unannounced(Key("shop", "web"), "192.0.2.1", "noKey", "There is no key."),),
    peers=(PeerReport(*("tor", "192.0.2.1", 179, 64500, 0, "Idle", TIME), families=("IPv4",)),),
)
MISTAKES = [mistake for good in FULL for mistake in mistakes(good, definition(good["kind"]).schema)]


def read(*objects: Object) -> Config:
    """The configuration that objects are."""
    return parse(gather(((ref(raw), raw) for raw in objects), "metallb-system"))


def ref(raw: Object) -> Ref:
    metadata = raw["metadata"]
    return Ref(Kind("metallb.io", raw["kind"]), Key(metadata["namespace"], metadata["name"]))


def keys_of(value: object, path: str = "") -> dict[str, set[str]]:
    """The keys of every mapping in an object, as `keys` has those of a schema."""
    found: dict[str, set[str]] = {}
    if isinstance(value, dict):
        found[path] = set(value)
        for key, inner in value.items():
            found |= keys_of(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value:
            for below, names in keys_of(inner, f"{path}[]").items():
                found[below] = found.get(below, set()) | names
    return found


def assert_all_said(raw: Object, schema: Object) -> None:
    """The object is right, and has every key of the schema and no other."""
    said, found = keys(schema), keys_of(raw)
    assert {path: set(names) for path, names in said.items()} == {
        path: found.get(path, set()) for path in said
    }
    assert problem(schema, raw) == ""


@pytest.mark.parametrize("good", FULL, ids=[good["kind"] for good in FULL])
def test_the_full_object_of_a_kind_has_every_key_of_its_schema(good: Object) -> None:
    assert_all_said(good, definition(good["kind"]).schema)


def test_the_parser_knows_exactly_the_keys_of_the_schemas(monkeypatch: pytest.MonkeyPatch) -> None:
    known: dict[str, dict[str, frozenset[str]]] = {}
    section = Reader.section

    def watched(self: Reader, node: Node, path: str, keys: tuple[str, ...]) -> Section | None:
        kind = self.name.partition(" ")[0]
        known.setdefault(kind, {})[re.sub(r"\[\d+\]", "[]", path)] = frozenset(keys)
        return section(self, node, path, keys)

    monkeypatch.setattr(Reader, "section", watched)
    assert read(*FULL).pools

    for good in FULL:
        said = keys(definition(good["kind"]).schema)
        said = {path: names for path, names in said.items() if not path.startswith("status")}
        assert known[good["kind"]] == said


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_the_parser_and_the_schema_refuse_the_same(mistake: Mistake) -> None:
    """But for what is missing: there the parser may say more, as for operators without values."""
    schema = definition(mistake.raw["kind"]).schema
    others = [good for good in FULL if good["kind"] != mistake.raw["kind"]]
    found = []
    try:
        read(*others, mistake.raw)
    except ConfigError as error:
        found = [each for each in error.findings if each.object.startswith(mistake.raw["kind"])]

    if problem(schema, mistake.raw):
        assert found
    elif mistake.kind != "missing":
        assert found == []


def test_the_full_objects_are_a_configuration() -> None:
    assert {pool.name for pool in read(POOL, ADVERTISEMENT).pools} == {"gold"}


def test_the_status_kinds_have_exactly_the_keys_that_the_programs_write() -> None:
    l2 = L2Status("node1", Key("shop", "web"), (HOLDING,))
    bgp = BgpStatus("node1", Key("shop", "web"), ("tor",))
    finding = Finding("IPAddressPool shop/web", "spec", "", "It is wrong.", "Mend it.")
    _, state = configuration_state(
        "metallb-system",
        "",
        loaded=True,
        findings=[finding],
        problems=[],
        now=TIME,
        heartbeat=TIME,
        flags=program_flags(Classes(frozenset({"ours"})), ["10.96.0.0/12"]),
    )
    _, speaker = render_speaker_status("metallb-system", SPEAKER)
    written = {
        "ServiceL2Status": {"spec": {}, **render_l2_status("metallb-system", l2)[1]},
        "ServiceBGPStatus": {"spec": {}, **render_bgp_status("metallb-system", bgp)[1]},
        "ConfigurationState": state,
        "SpeakerStatus": speaker,
    }

    for kind, version in (
        ("ServiceL2Status", "v1beta1"),
        ("ServiceBGPStatus", "v1beta1"),
        ("ConfigurationState", "v1beta1"),
        ("SpeakerStatus", "v1alpha1"),
    ):
        assert_all_said(written[kind], definition(kind, version).schema)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_kind_that_is_read_or_written_is_defined_in_that_version(kind: Kind) -> None:
    found = definition(kind.name, VERSIONS[kind])
    assert found.group == kind.group
