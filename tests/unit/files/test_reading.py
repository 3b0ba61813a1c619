"""The text of one file: what it holds, what in it cannot be read, and what stays."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vipcast.files.dump import dump
from vipcast.files.reading import NOTHING, Reading, read, unreadable
from vipcast.kube.unread import UNREAD
from vipcast.model.errors import Finding
from vipcast.model.objects import Key
from vipcast.model.raw import BGP_PEER, NODE, SERVICE, Kind, Ref

WEB = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
DB = "apiVersion: v1\nkind: Service\nmetadata: {name: db}\n"
BAD = "kind: [\n"


def api_version_of(kind: Kind) -> str:
    """A version of a kind that may have none here."""
    return f"{kind.group}/v1beta1"


def names(reading: Reading) -> list[tuple[str, int]]:
    """The names of the objects and the lines they begin in."""
    return [(found.ref.key.name, found.line) for found in reading.objects]


def finding(text: str) -> Finding:
    (found,) = read("a.yaml", text).problems
    return found


def test_every_document_is_an_object_with_its_line_and_its_defaults() -> None:
    reading = read("a.yaml", f"# two\n{WEB}---\n{DB}")
    assert names(reading) == [("web", 2), ("db", 6)]
    assert reading.problems == ()
    assert reading.objects[0].ref == Ref(SERVICE, Key("default", "web"))
    assert reading.objects[0].raw["metadata"]["namespace"] == "default"


def test_a_list_of_objects_is_its_objects() -> None:
    text = (
        "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Node, metadata: {name: n1}}\n"
    )
    assert read("a.yaml", text).objects[0].ref == Ref(NODE, Key("", "n1"))
    assert names(read("a.yaml", f"---\n---\n{text}")) == [("n1", 6)]


@pytest.mark.parametrize("kind", ["List", "NodeList", "IPAddressPoolList"])
@pytest.mark.parametrize(
    ("items", "value"), [("{kind: Node}", ""), ("\n  apiVersion: v1", ""), ("n1", "n1")]
)
def test_a_list_whose_items_are_none_is_named_and_keeps_what_it_held(
    kind: str, items: str, value: str
) -> None:
    head = f"apiVersion: v1\nkind: {kind}\nitems:"
    before = read("a.yaml", f"{head} [{{apiVersion: v1, kind: Node, metadata: {{name: n1}}}}]\n")
    after = read("a.yaml", f"{head} {items}\n", before)
    assert names(after) == [("n1", 3)]
    line = "line 4" if "\n" in items else "line 3"
    message = f"items of this {kind} must be a list of objects."
    fix = "Begin each object below it with a dash."
    assert after.problems == (Finding("file a.yaml", line, value, message, fix, kept=True),)


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: v1\nkind: List\n",
        "apiVersion: v1\nkind: List\nitems:\n",
        "apiVersion: v1\nkind: List\nitems: []\n",
        "apiVersion: example.com/v1\nkind: AllowList\nitems: {a: b}\n",
    ],
)
def test_an_empty_list_and_a_list_of_something_else_are_nothing(text: str) -> None:
    assert read("a.yaml", text) == NOTHING


def test_kinds_of_others_are_passed_over() -> None:
    for version, kind in [
        ("apps/v1", "Deployment"),
        ("v1", "ServiceAccount"),
        ("v1", "Endpoints"),
        ("serving.knative.dev/v1", "Service"),
    ]:
        text = f"apiVersion: {version}\nkind: {kind}\nmetadata: {{}}\n"
        assert read("a.yaml", text) == NOTHING


def test_a_kind_of_two_versions_is_read_under_either_and_keeps_what_it_says() -> None:
    for version in ("metallb.io/v1beta2", "metallb.io/v1beta1"):
        text = f"apiVersion: {version}\nkind: BGPPeer\nmetadata: {{name: tor}}\n"
        (found,) = read("a.yaml", text).objects
        assert found.ref == Ref(BGP_PEER, Key("default", "tor"))
        assert found.raw["apiVersion"] == version


@pytest.mark.parametrize(
    ("version", "kind", "fix"),
    [
        *((api_version_of(kind), kind.name, fix) for kind, fix in UNREAD.items()),
        ("vipcast.io/v1", "Wish", "Remove it: vipcast.io has no such kind."),
        ("metallb.io/v1", "Anything", "Remove it: metallb.io has no such kind."),
    ],
)
def test_a_kind_that_should_be_ours_but_is_not_read_is_remarked_on_and_spoils_nothing(
    version: str, kind: str, fix: str
) -> None:
    other = f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: lan}}\n"
    before = read("a.yaml", f"{WEB}---\n{DB}")
    after = read("a.yaml", f"{DB}---\n{other}---\n{other}", before)
    assert names(after) == [("db", 1)]
    assert after.problems == ()
    assert after.remarks == tuple(
        Finding(
            "file a.yaml", f"line {line}", kind, f"Kind {kind} is not read in this version.", fix
        )
        for line in (6, 10)
    )
    assert read("a.yaml", f"\n{DB}---\n{other}", after).remarks[0].field == "line 7"
    assert read("a.yaml", DB, after) == read("a.yaml", DB)


@pytest.mark.parametrize(
    ("text", "line", "value", "message", "fix"),
    [
        (
            f"{WEB}---\n{BAD}",
            5,
            "",
            "This is not YAML: while parsing a flow node, did not find expected node content.",
            "Correct this line.",
        ),
        ("- a\n", 1, "", "This is no Kubernetes object.", "Begin it with apiVersion and kind."),
        ("text\n", 1, "", "This is no Kubernetes object.", "Begin it with apiVersion and kind."),
        (
            "kind: Service\n",
            1,
            "",
            "The object has no apiVersion.",
            "Begin it with apiVersion and kind.",
        ),
        (
            "apiVersion: v1\nkind:\n",
            2,
            "",
            "The object has no kind.",
            "Begin it with apiVersion and kind.",
        ),
        (
            "apiVersion: v2\nkind: Service\nmetadata: {name: web}\n",
            1,
            "v2",
            "apiVersion of Service web: this version is not known.",
            "Write apiVersion: v1.",
        ),
        (
            "apiVersion: metallb.io/v1\nkind: BGPPeer\nmetadata: {name: web}\n",
            1,
            "metallb.io/v1",
            "apiVersion of BGPPeer web: this version is not known.",
            "Write apiVersion: metallb.io/v1beta2.",
        ),
        (
            "apiVersion: discovery.k8s.io/v1beta1\nkind: EndpointSlice\nmetadata: {name: web}\n",
            1,
            "discovery.k8s.io/v1beta1",
            "apiVersion of EndpointSlice web: this version is not known.",
            "Write apiVersion: discovery.k8s.io/v1.",
        ),
        (
            "apiVersion: apps/v1\nkind: Service\nmetadata: {name: web}\n",
            1,
            "apps/v1",
            "apiVersion of Service web: there is no Service in this group.",
            "Write apiVersion: v1.",
        ),
        (
            "apiVersion: v1\nkind: EndpointSlice\nmetadata: {name: web}\n",
            1,
            "v1",
            "apiVersion of EndpointSlice web: there is no EndpointSlice in this group.",
            "Write apiVersion: discovery.k8s.io/v1.",
        ),
        (
            "apiVersion: v1\nkind: Servise\nmetadata: {name: web}\n",
            2,
            "Servise",
            "kind of object web: there is no such kind.",
            "Did you mean Service?",
        ),
        (
            "apiVersion: v1\nkind: configmap\nmetadata: {name: web}\n",
            2,
            "configmap",
            "kind of object web: there is no such kind.",
            "Did you mean ConfigMap?",
        ),
        (
            "apiVersion: v1\nkind: Service\n",
            1,
            "",
            "This Service has no metadata.",
            "Add metadata with a name.",
        ),
        (
            "kind: Service\nmetadata: {name: web}\napiVersion: v2\n",
            3,
            "v2",
            "apiVersion of Service web: this version is not known.",
            "Write apiVersion: v1.",
        ),
        (
            "apiVersion: v1\nkind: Service\nmetadata: [web]\n",
            3,
            "",
            "This Service has no metadata.",
            "Add metadata with a name.",
        ),
    ],
)
def test_what_is_no_object_is_named_with_its_line(
    text: str, line: int, value: str, message: str, fix: str
) -> None:
    assert finding(text) == Finding("file a.yaml", f"line {line}", value, message, fix)


@pytest.mark.parametrize(
    ("metadata", "value", "message"),
    [
        ("{}", "", "metadata.name of this Service is missing."),
        ("{generateName: web-}", "", "metadata.name of this Service is missing."),
        ("{name: Web}", "Web", "metadata.name of this Service is no name."),
        ("{name: 80}", "80", "metadata.name of this Service is no name."),
        ("{name: '../../etc'}", "../../etc", "metadata.name of this Service is no name."),
        ("{name: web, namespace: a/b}", "a/b", "metadata.namespace of this Service is no name."),
        ("{name: web, namespace: [a]}", "[...]", "metadata.namespace of this Service is no name."),
        (f"{{name: {'a' * 254}}}", "a" * 80, "metadata.name of this Service is no name."),
    ],
)
def test_an_object_needs_a_name_that_could_be_one(metadata: str, value: str, message: str) -> None:
    found = finding(f"apiVersion: v1\nkind: Service\nmetadata: {metadata}\n")
    assert (found.value, found.message) == (value, message)
    assert found.fix.startswith("Write at most ")


def test_an_object_of_a_wrong_version_does_not_count_and_can_be_read_all_the_same() -> None:
    text = "apiVersion: v2\nkind: Service\nmetadata: {namespace: shop, name: web}\n"
    reading = read("a.yaml", f"---\n{text}")
    assert reading.objects == ()
    (problem,) = reading.problems
    assert problem.message == "apiVersion of Service shop/web: this version is not known."
    (found,) = reading.doubtful
    assert (found.ref, found.line) == (Ref(SERVICE, Key("shop", "web")), 2)


def test_a_name_is_found_in_its_own_line_and_a_missing_one_where_it_should_stand() -> None:
    head = "# a Service\napiVersion: v1\nkind: Service\nmetadata:\n  labels: {}\n"
    assert finding(f"{head}  name: Web\n").field == "line 6"
    assert finding(f"{head}  name: web\n  namespace: a/b\n").field == "line 7"
    assert finding(f"{head}  generateName: web-\n").field == "line 5"


def test_one_bad_document_leaves_the_others() -> None:
    reading = read("a.yaml", f"{WEB}---\n{BAD}---\n{DB}")
    assert names(reading) == [("web", 1), ("db", 7)]
    assert [found.field for found in reading.problems] == ["line 5"]


def test_what_a_file_held_stays_while_any_of_it_cannot_be_read() -> None:
    before = read("a.yaml", f"{WEB}---\n{DB}")
    spoilt = read("a.yaml", f"{BAD}---\n{DB}", before)
    assert names(spoilt) == [("db", 3), ("web", 1)]
    still = read("a.yaml", BAD, spoilt)
    assert sorted(names(still)) == [("db", 3), ("web", 1)]
    assert names(read("a.yaml", DB, still)) == [("db", 1)]


def test_an_object_that_becomes_something_unknown_stays_as_it_was() -> None:
    before = read("a.yaml", WEB)
    for text in (
        WEB.replace("v1", "v2"),
        WEB.replace("Service", "Servise"),
        WEB.replace("web", ""),
    ):
        after = read("a.yaml", text, before)
        assert after.objects == before.objects
        assert len(after.problems) == 1


def test_a_file_that_cannot_be_read_at_all_keeps_what_it_held() -> None:
    before = read("a.yaml", WEB)
    assert unreadable("a.yaml", "It is gone.", "Put it back.", before) == Reading(
        before.objects,
        (Finding("file a.yaml", "", "", "It is gone.", "Put it back.", kept=True),),
    )


def test_a_finding_says_whether_anything_of_the_file_was_readable_before() -> None:
    before = read("a.yaml", WEB)
    assert not finding(BAD).kept
    assert not read("a.yaml", f"{WEB}---\n{BAD}", before).problems[0].kept
    spoilt = read("a.yaml", BAD, before)
    assert spoilt.problems[0].kept
    assert read("a.yaml", f"{BAD}# still\n", spoilt).problems[0].kept
    assert not unreadable("a.yaml", "It is gone.", "Put it back.").problems[0].kept


def test_documents_that_did_not_change_are_the_very_same_objects() -> None:
    before = read("a.yaml", f"{WEB}---\n{DB}")
    after = read("a.yaml", f"{WEB}# more\nspec: {{}}\n---\n{DB}", before)
    assert after.objects[1].raw is before.objects[1].raw
    assert names(after) == [("web", 1), ("db", 7)]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(-1e15, 1e15)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), JSON))
def test_what_is_written_as_yaml_is_read_back_the_same(data: dict[str, Any]) -> None:
    raw = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "data": data}
    (found,) = read("a.yaml", dump(raw)).objects
    assert found.raw == raw


@pytest.mark.parametrize(
    "text",
    [
        *("yes", "y", "True", "null", "~", "", "1e3", "0o17", "0x1F", ".5", "1:20", "2001-01-01"),
        *("a: b", "- a", "#", "a #b", " a", "a ", "a\nb", "a\tb", "a\u2028b", "é", "\x07"),
        *("=", "<<", "*a", "!a", "---", "..."),
    ],
)
def test_text_that_looks_like_something_else_stays_text(text: str) -> None:
    raw = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "labels": {text: text}}}
    (found,) = read("a.yaml", dump(raw)).objects
    assert found.raw == raw


def test_half_a_character_is_written_as_a_question_mark() -> None:
    raw = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "x": "\ud800"}
    (found,) = read("a.yaml", dump(raw)).objects
    assert found.raw["x"] == "?"


def test_what_json_cannot_hold_is_not_written() -> None:
    with pytest.raises(TypeError, match="an object cannot hold bytes"):
        dump({"x": b"bytes"})


PIECES = st.sampled_from([WEB, DB, BAD, "---\n", "a: 1\n", "- x\n", "kind: List\nitems: [5, {}]\n"])


@given(st.lists(st.lists(PIECES | st.text(), max_size=6).map("".join), max_size=4))
def test_any_history_of_any_text_is_answered(texts: list[str]) -> None:
    reading = NOTHING
    for text in texts:
        before, reading = reading, read("a.yaml", text, reading)
        if reading.problems:
            assert before.refs() <= reading.refs()
        for found in reading.problems:
            assert found.field.startswith("line ")
            assert found.fix
