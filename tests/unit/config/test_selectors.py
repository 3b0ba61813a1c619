"""Label selectors in both spellings: what is right is read, what is wrong is named."""

from __future__ import annotations

import pytest

from tests.unit.config.making import OBJECT, SYSTEM, findings, good, ip_pool, l2, loaded, refused
from vipcast.model.errors import Finding
from vipcast.model.selectors import Operator, Requirement, Selector

FIRST = "spec.nodeSelectors[0].matchExpressions[0]"
KEY_FIX = "Write a label's key such as kubernetes.io/hostname."
VALUE_FIX = "Write at most 63 letters, digits, dashes, underscores and dots, in quotes if need be."


def peer(selectors: str) -> str:
    return (
        "peers: [{my-asn: 64512, peer-asn: 64513, peer-address: 10.0.0.1,"
        f" node-selectors: {selectors}}}]"
    )


def nodes(selectors: str) -> tuple[Selector, ...]:
    return good(peer(selectors)).peers[0].nodes


def test_labels_and_expressions_are_one_selector() -> None:
    found = nodes(
        "[{match-labels: {rack: 5, zone: ''},"
        " match-expressions: [{key: a/b, operator: NotIn, values: [y, x, y]},"
        " {key: ssd, operator: Exists}, {key: gpu, operator: DoesNotExist, values: []}]}]"
    )
    assert found == (
        Selector.of(
            [
                Requirement("rack", Operator.IN, ("5",)),
                Requirement("zone", Operator.IN, ("",)),
                Requirement("a/b", Operator.NOT_IN, ("x", "y")),
                Requirement("ssd", Operator.EXISTS),
                Requirement("gpu", Operator.DOES_NOT_EXIST),
            ]
        ),
    )


def test_items_of_a_list_stay_apart_and_an_empty_one_matches_everything() -> None:
    assert nodes("[{match-labels: {a: b}}, {}]") == (
        Selector((Requirement("a", Operator.IN, ("b",)),)),
        Selector(),
    )
    assert nodes("[]") == ()


@pytest.mark.parametrize(
    ("selectors", "field", "value", "message", "fix"),
    [
        (
            "5",
            "",
            "5",
            "This is not right; it must be a list.",
            "Write a list of label selectors.",
        ),
        (
            "[x]",
            "[0]",
            "x",
            "This is not right; it must be a mapping of keys to values.",
            "Known keys: match-labels, match-expressions.",
        ),
        (
            "[{matchLabels: {a: b}}]",
            "[0].matchLabels",
            "{...}",
            "There is no such key.",
            "Did you mean match-labels?",
        ),
        (
            "[{match-labels: [a]}]",
            "[0].match-labels",
            "",
            "This is a list; it must be a mapping of labels to values.",
            "Write label: value.",
        ),
        (
            "[{match-labels: {a_/b: c}}]",
            "[0].match-labels.a_/b",
            "a_/b",
            "This cannot be the key of a label.",
            KEY_FIX,
        ),
        (
            "[{match-labels: {a: b c}}]",
            "[0].match-labels.a",
            "b c",
            "This cannot be the value of a label.",
            VALUE_FIX,
        ),
        (
            "[{match-labels: {a: [b]}}]",
            "[0].match-labels.a",
            "",
            "This is a list; it must be text.",
            VALUE_FIX,
        ),
        (
            "[{match-expressions: {a: b}}]",
            "[0].match-expressions",
            "",
            "This is a mapping; it must be a list.",
            "Write a list of expressions.",
        ),
        (
            "[{match-expressions: [{operator: Exists}]}]",
            "[0].match-expressions[0].key",
            "",
            "The expression has no key.",
            KEY_FIX,
        ),
        (
            "[{match-expressions: [{key: a}]}]",
            "[0].match-expressions[0].operator",
            "",
            "The expression has no operator.",
            "Write one of In, NotIn, Exists, DoesNotExist.",
        ),
        (
            "[{match-expressions: [{key: a, operator: Exist}]}]",
            "[0].match-expressions[0].operator",
            "Exist",
            "There is no such operator.",
            "Did you mean Exists?",
        ),
        (
            "[{match-expressions: [{key: a, operator: '='}]}]",
            "[0].match-expressions[0].operator",
            "=",
            "There is no such operator.",
            "Write one of In, NotIn, Exists, DoesNotExist.",
        ),
        (
            "[{match-expressions: [{key: a, operator: In}]}]",
            "[0].match-expressions[0].values",
            "",
            "The operator In compares with values, and there are none.",
            "Add the key values with a list.",
        ),
        (
            "[{match-expressions: [{key: a, operator: NotIn, values: []}]}]",
            "[0].match-expressions[0].values",
            "",
            "The operator NotIn compares with values, and there are none.",
            "Add the key values with a list.",
        ),
        (
            "[{match-expressions: [{key: a, operator: Exists, values: [b]}]}]",
            "[0].match-expressions[0].values",
            "",
            "The operator Exists takes no values.",
            "Remove them, or use In or NotIn.",
        ),
        (
            "[{match-expressions: [{key: a, operator: In, values: [/]}]}]",
            "[0].match-expressions[0].values[0]",
            "/",
            "This cannot be the value of a label.",
            VALUE_FIX,
        ),
        (
            "[{match-expressions: [{key: a, operator: In, values: b}]}]",
            "[0].match-expressions[0].values",
            "b",
            "This is not right; it must be a list.",
            "Write a list of values.",
        ),
    ],
)
def test_a_selector_that_is_wrong_is_named(
    selectors: str, field: str, value: str, message: str, fix: str
) -> None:
    path = f"peers[0].node-selectors{field}"
    assert findings(peer(selectors)) == (Finding(OBJECT, path, value, message, fix),)


def test_kubernetes_objects_spell_them_their_own_way() -> None:
    config = loaded(
        ip_pool("a"),
        l2(
            "b",
            nodeSelectors=[
                {
                    "matchLabels": {"rack": "5"},
                    "matchExpressions": [{"key": "gpu", "operator": "Exists"}],
                }
            ],
        ),
    )
    (selector,) = config.l2[0].nodes
    assert str(selector) == "gpu,rack=5"


@pytest.mark.parametrize(
    ("selectors", "field", "value", "message", "fix"),
    [
        (
            [{"matchLabels": {"a": 5}}],
            "[0].matchLabels.a",
            "5",
            "This is a number; it must be text.",
            "Put it in quotes.",
        ),
        (
            [{"matchLabels": {"a": "b"}}, {"matchLabels": {"a": "b"}}],
            "[1]",
            "a=b",
            "The same selector is in the list already: spec.nodeSelectors[0].",
            "Remove one of the two.",
        ),
        (
            [{"matchExpressions": [{"key": "a", "operator": "Exists"}] * 2}],
            "[0].matchExpressions[1]",
            "a",
            f"The same expression is in the list already: {FIRST}.",
            "Remove one of the two.",
        ),
        (
            [{"matchExpressions": [{"key": "a", "operator": "In", "values": ["b", "b"]}]}],
            "[0].matchExpressions[0].values[1]",
            "b",
            f"It is in the list already: {FIRST}.values[0].",
            "Remove one of the two.",
        ),
    ],
)
def test_kubernetes_objects_are_read_more_strictly(
    selectors: list[object], field: str, value: str, message: str, fix: str
) -> None:
    assert refused(ip_pool("a"), l2("b", nodeSelectors=selectors)) == (
        Finding(f"L2Advertisement {SYSTEM}/b", f"spec.nodeSelectors{field}", value, message, fix),
    )
