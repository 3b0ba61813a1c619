"""Text becomes nodes or an error with its line, whatever the text is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vipcast.config.nodes import Mapping, Node, Scalar, Sequence, plain
from vipcast.config.yamltext import MAX_DEPTH, MAX_NODES, Chunk, compose, split
from vipcast.model.errors import Finding, ParseError


def refused(text: str, line: int = 1) -> Finding:
    """The finding for a text that begins at that line of its file."""
    with pytest.raises(ParseError) as caught:
        compose(Chunk(text, line), "file a.yaml")
    return caught.value.finding


def texts(text: str) -> list[tuple[int, str]]:
    return [(chunk.line, chunk.text) for chunk in split(text)]


def test_nodes_know_their_text_their_quotes_and_their_lines() -> None:
    assert compose(Chunk('a: 64512:1\nb:\n- "x"\n- {c: }\n', 10), "file a.yaml") == Mapping(
        (
            (Scalar("a", True, 10), Scalar("64512:1", True, 10)),
            (
                Scalar("b", True, 11),
                Sequence(
                    (
                        Scalar("x", False, 12),
                        Mapping(((Scalar("c", True, 13), Scalar("", True, 13)),), 13),
                    ),
                    12,
                ),
            ),
        ),
        10,
    )


def test_a_word_that_comes_again_in_another_document_is_kept_once() -> None:
    one, two = (compose(Chunk(f"kind: Service # {n}", 1), "file a.yaml") for n in range(2))
    assert isinstance(one, Mapping)
    assert isinstance(two, Mapping)
    (key, value), (same_key, same_value) = one.entries[0], two.entries[0]
    assert isinstance(value, Scalar)
    assert isinstance(same_value, Scalar)
    assert key.text is same_key.text
    assert value.text is same_value.text


def test_documents_are_cut_where_three_dashes_begin_a_line() -> None:
    assert texts("a: 1\n---\nb: 2\n--- # c\nd: 4\n") == [
        (1, "a: 1\n"),
        (2, "---\nb: 2\n"),
        (4, "--- # c\nd: 4\n"),
    ]


def test_dashes_inside_of_a_block_of_text_or_a_word_cut_nothing() -> None:
    text = "a: |\n  ---\n  b\nc: ---d\n---e: 1\n"
    assert texts(text) == [(1, text)]


def test_comments_and_directives_go_with_the_document_after_them() -> None:
    assert texts("# one\n%YAML 1.1\n---\na: 1\n...\n# two\n---\nb: 2\n") == [
        (1, "# one\n%YAML 1.1\n---\na: 1\n...\n"),
        (6, "# two\n---\nb: 2\n"),
    ]


def test_windows_line_ends_and_a_byte_order_mark_do_not_matter() -> None:
    chunks = split("\ufeffa: 1\r\n---\r\nb: 2\r\n")
    assert [chunk.line for chunk in chunks] == [1, 2]
    assert [plain(_node(chunk), "f") for chunk in chunks] == [{"a": 1}, {"b": 2}]


def _node(chunk: Chunk) -> Node:
    node = compose(chunk, "f")
    assert node is not None
    return node


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "---\n", "--- # nothing\n", "...\n"])
def test_a_document_that_says_nothing_is_none(text: str) -> None:
    assert [compose(chunk, "f") for chunk in split(text)] in ([], [None])


def test_a_file_with_one_bad_document_is_cut_all_the_same() -> None:
    chunks = split("a: 1\n---\n: [\n---\nb: 2\n")
    assert plain(_node(chunks[0]), "f") == {"a": 1}
    assert plain(_node(chunks[2]), "f") == {"b": 2}
    with pytest.raises(ParseError) as caught:
        compose(chunks[1], "file a.yaml")
    assert caught.value.finding.field == "line 3"


def test_the_line_of_an_error_counts_from_the_top_of_the_file() -> None:
    assert refused("a: 1\nb: c: d\n", line=7) == Finding(
        "file a.yaml",
        "line 8",
        "",
        "This is not YAML: mapping values are not allowed in this context.",
        "Correct this line.",
    )


def test_a_key_given_twice_is_refused_with_both_lines() -> None:
    assert refused('a: 1\nb: 2\n"a": 3\n') == Finding(
        "file a.yaml",
        "line 3",
        "a",
        "The key is given twice; it stands in line 1 already.",
        "Remove one of the two.",
    )


def test_a_tab_as_indentation_is_called_by_its_name() -> None:
    assert refused("a:\n\t- b\n").message == (
        "A tab is used for indentation, where YAML wants spaces."
    )


@pytest.mark.parametrize(
    ("text", "field", "message"),
    [
        ("a: \x00\n", "line 1", "There is a character that YAML does not allow."),
        ("a: 1\nb: \x07\n", "line 2", "There is a character that YAML does not allow."),
        ("a: 1\nb: \ud800\n", "line 2", "There is half of a character (a lone surrogate)."),
        ("a: [\n", "line 1", "did not find expected node content"),
        ("a: 'b\n", "line 1", "unexpected end of stream"),
        ("? [a]\n: b\n", "line 1", "A key must be text, not a list or a mapping."),
        ("{{a: 1}: 2}\n", "line 1", "A key must be text, not a list or a mapping."),
        ("a: *b\n", "line 1", "The alias names an anchor that is not defined above it."),
        ("a: &a [1, *a]\n", "line 1", "The alias stands inside of what it names."),
        ("a: !!binary aGk=\n", "line 1", "The tag is none that Kubernetes objects can have."),
        ("a: !!python/name:os.system\n", "line 1", "The tag is none that Kubernetes objects"),
        ("a: !!set {b}\n", "line 1", "The tag is none that Kubernetes objects can have."),
        ("<<: 5\n", "line 1", "What << merges must be a mapping."),
        ("a: 1\n\u2028--- b\n", "line 2", "A second document begins where only one is expected."),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(text: str, field: str, message: str) -> None:
    finding = refused(text)
    assert (finding.object, finding.field) == ("file a.yaml", field)
    assert message in finding.message
    assert finding.fix


@pytest.mark.parametrize("text", ["password: *sesame\n", "password: !sesame\n"])
def test_a_password_that_yaml_takes_for_something_else_is_not_shown(text: str) -> None:
    finding = refused(text)
    assert "sesame" not in str(finding)
    assert "in quotes" in finding.fix


def test_tags_of_plain_types_decide_what_is_text() -> None:
    node = compose(Chunk("[!!str 5, !!int '5', ! 6]"), "f")
    assert isinstance(node, Sequence)
    assert [item.plain for item in node.items if isinstance(item, Scalar)] == [False, True, False]


def test_merged_keys_stand_behind_those_that_are_written() -> None:
    node = _node(Chunk("a: &a {p: 1, q: 2}\nb: {<<: [*a, {q: 5, r: 6}], p: 3}\n"))
    assert plain(node, "f") == {"a": {"p": 1, "q": 2}, "b": {"p": 3, "q": 2, "r": 6}}


def test_aliases_that_stand_for_billions_of_values_are_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 15)]
    finding = refused("\n".join(lines))
    assert finding.message == f"The document stands for more than {MAX_NODES} values."


@pytest.mark.parametrize(
    "text",
    [
        "[" * 50_000,
        "{a: " * 50_000,
        "- " * 50_000,
        "\n".join([f"a0: &a0 {'[' * 60}x{']' * 60}", f"a1: {'[' * 60}*a0{']' * 60}"]),
    ],
    ids=["lists", "mappings", "dashes", "through an alias"],
)
def test_nesting_without_end_is_refused(text: str) -> None:
    assert refused(text).message == f"The nesting is deeper than {MAX_DEPTH} levels."


def test_nesting_that_is_allowed_can_be_walked() -> None:
    depth = MAX_DEPTH
    node = _node(Chunk("[" * depth + "x" + "]" * depth))
    value = plain(node, "f")
    for _ in range(depth):
        (value,) = value
    assert value == "x"


# Pieces that have a meaning in YAML, so that arbitrary texts reach deeper than the first character.
PIECES = st.sampled_from(
    [
        *"[]{}:,-?&*!|>'\"%@`#~ \n\t\r\x00\x85\u2028\ud800",
        *["---", "...", "<<", "a", "1", "0x", "1:20", "yes", "!!binary"],
        *("\n---\n", "\n...\n", ": ", "- ", "&a ", "*a", "!!int ", "%YAML 1.1\n", "\n  "),
        *("key: ", "|\n", ">-\n"),
    ]
)


@given(st.one_of(st.text(), st.lists(PIECES, max_size=60).map("".join)))
def test_any_text_is_answered_by_nodes_or_by_findings_with_a_line(text: str) -> None:
    chunks = split(text)
    lines = [chunk.line for chunk in chunks]
    assert lines == sorted(set(lines))
    for chunk in chunks:
        finding = Finding("file a.yaml", f"line {chunk.line}", "", "-", "-")
        try:
            node = compose(chunk, "file a.yaml")
            if node is not None:
                plain(node, "file a.yaml")
        except ParseError as error:
            finding = error.finding
        assert int(finding.field.removeprefix("line ")) >= chunk.line
        assert finding.message
        assert finding.fix


@given(st.lists(PIECES, max_size=60).map("".join))
def test_cutting_a_text_loses_nothing_but_comments_at_its_end(text: str) -> None:
    joined = "".join(chunk.text for chunk in split(text))
    rest = text.removeprefix("\ufeff")
    assert rest.startswith(joined)
    left = (line.strip() for line in re.split("[\r\n]", rest[len(joined) :]))
    assert all(not line or line.startswith(("#", "%", "...")) for line in left)
