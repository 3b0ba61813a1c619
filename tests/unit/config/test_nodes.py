"""What a scalar means where no schema says it: the same as to kubectl."""

from __future__ import annotations

from typing import Any

import pytest

from vipcast.config.nodes import Node, of_raw, plain
from vipcast.config.yamltext import Chunk, compose
from vipcast.model.errors import Finding, ParseError


def node(text: str) -> Node:
    found = compose(Chunk(text), "file a.yaml")
    assert found is not None
    return found


# Each pair was tried with kubectl 1.32, whose reader is a YAML 1.1 reader with habits of its own.
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("8080", 8080),
        ("-1", -1),
        ("+5", 5),
        ("1_000", 1000),
        ("0x1F", 31),
        ("0o17", 15),
        ("017", 15),
        ("0b11", 3),
        ("089", 89),
        ("1e3", 1000),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.", 1),
        ("true", True),
        ("TRUE", True),
        ("yes", True),
        ("on", True),
        ("y", True),
        ("no", False),
        ("Off", False),
        ("n", False),
        ("~", None),
        ("null", None),
        ("1:20", "1:20"),
        ("64512:1", "64512:1"),
        ("65535:65281", "65535:65281"),
        ("2001-01-01", "2001-01-01"),
        ("2001-01-01T00:00:00Z", "2001-01-01T00:00:00Z"),
        ("0o8", "0o8"),
        ("0xZ", "0xZ"),
        ("0x", "0x"),
        ("-.", "-."),
        ("1.2.3.4", "1.2.3.4"),
        ("=", "="),
        ('"yes"', "yes"),
        ("'8080'", "8080"),
        ("!!str 5", "5"),
    ],
)
def test_a_scalar_means_what_it_means_to_kubectl(text: str, value: Any) -> None:
    found = plain(node(f"a: {text}\n"), "file a.yaml")
    assert found == {"a": value}
    assert type(found["a"]) is type(value)


@pytest.mark.parametrize("text", ["5", "1.5", "~", "0x10", "a"])
def test_a_key_is_text_as_written(text: str) -> None:
    assert plain(node(f"{text}: 1\n"), "file a.yaml") == {text: 1}


@pytest.mark.parametrize(("text", "key"), [("yes", "true"), ("n", "false"), ('"yes"', "yes")])
def test_a_key_that_is_a_boolean_is_spelled_as_kubectl_spells_it(text: str, key: str) -> None:
    assert plain(node(f"{text}: 1\n"), "file a.yaml") == {key: 1}


@pytest.mark.parametrize("text", ["1" * 30, "1" * 5000, "-9223372036854775809", "1e999", ".inf"])
def test_a_number_that_no_object_can_hold_is_refused(text: str) -> None:
    with pytest.raises(ParseError) as caught:
        plain(node(f"b: 1\na: {text}\n"), "file a.yaml")
    assert caught.value.finding == Finding(
        "file a.yaml",
        "line 2",
        text[:40],
        "The number is larger than any that an object can hold.",
        "Put it in quotes if it is meant as text.",
    )


@pytest.mark.parametrize(
    "value",
    [None, True, False, 0, -5, 1.5, "", "5", "true", "~", [], {}, {"a": [{"b": None}, "yes", 1]}],
)
def test_a_raw_value_becomes_nodes_that_mean_the_same(value: object) -> None:
    assert plain(of_raw(value), "Service default/web") == value
