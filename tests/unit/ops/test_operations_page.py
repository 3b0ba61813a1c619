"""docs/operations.md says what the programs do: its tables are compared with the code."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from speaker.bgp.notices import DownReason
from speaker.sampling import BLOCKED
from vipcast.cli import arguments
from vipcast.model.reasons import SENTENCES, Reason
from vipcast.model.steps import NOTHING, STEPS
from vipcast.ops import families, flags
from vipcast.ops.family import Family
from vipcast.ops.parser import Flag

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "operations.md"
LOGGING = ("event", "failure", "fault")


def rows_under(heading: str) -> list[str]:
    """The rows of the first table below a heading, without its two head lines."""
    _, _, text = PAGE.read_text().partition(f"\n## {heading}\n")
    assert text, f"docs/operations.md has no section {heading}"
    section = text.partition("\n## ")[0].splitlines()
    first = next(place for place, line in enumerate(section) if line.startswith("|"))
    return [line for line in section[first + 2 :] if line.startswith("|")]


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def code(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def flag_rows() -> Iterator[str]:
    programs = {
        "controller": flags.CONTROLLER_FLAGS,
        "speaker": flags.SPEAKER_FLAGS,
        "status": arguments.STATUS_FLAGS,
        "explain": arguments.EXPLAIN_FLAGS,
        "lint": arguments.LINT_FLAGS,
        "drain": arguments.DRAIN_FLAGS,
    }
    known: dict[str, Flag[object]] = {
        flag.name: flag for declared in programs.values() for flag in declared
    }
    for name in sorted(known):
        flag = known[name]
        users = [program for program, declared in programs.items() if flag in declared]
        default = f"`{flag.default}`" if flag.default else "must be given"
        names = code((f"--{name}",) if flag.short is None else (f"--{name}", flag.short))
        yield row(names, code(flag.variables), default, ", ".join(users), flag.help)


def metric_rows() -> Iterator[str]:
    def rows(shown: Iterable[Family], program: str) -> Iterator[str]:
        for family in shown:
            labels = code(family.labels) or "none"
            yield row(f"`{family.name}`", family.type, labels, program, family.help)

    yield from rows(families.COMMON, "both")
    yield from rows(families.CONTROLLER[len(families.COMMON) :], "controller")
    yield from rows(families.SPEAKER[len(families.COMMON) :], "speaker")


def reason_rows() -> Iterator[str]:
    for reason in Reason:
        yield row(f"`{reason}`", SENTENCES[reason], STEPS.get(reason, ""))


def programs() -> Iterator[Path]:
    """The files that speak in Reasons; those that only list them are left out."""
    for room in ("vipcast", "controller", "speaker"):
        for path in sorted((ROOT / room).rglob("*.py")):
            if path.parent.name != "model" or path.stem not in ("reasons", "steps"):
                yield path


def logged_words() -> set[str]:
    """The word in every call of `event`, `failure` and `fault` in the programs."""
    words = set()
    for path in programs():
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or len(node.args) < 3:
                continue
            name = ast.unparse(node.func).rpartition(".")[2]
            word = node.args[1]
            if name in LOGGING and isinstance(word, ast.Constant) and isinstance(word.value, str):
                words.add(word.value)
    return words


def test_every_flag_stands_on_the_page_with_its_variables_and_default() -> None:
    assert rows_under("Flags") == list(flag_rows())


def test_every_metric_stands_on_the_page_with_its_help_text() -> None:
    assert rows_under("Metrics") == list(metric_rows())


def test_every_reason_stands_on_the_page_with_its_sentence() -> None:
    assert rows_under("Reasons") == list(reason_rows())


def test_every_reason_has_a_sentence_and_a_next_step_or_nothing_to_do() -> None:
    assert set(SENTENCES) == set(Reason) == {*STEPS, *NOTHING}
    assert not NOTHING & set(STEPS)
    for text in (*SENTENCES.values(), *STEPS.values()):
        assert text[0].isupper() or text[0] == "`", text
        assert text.endswith("."), text


def test_every_reason_is_used_and_none_is_written_as_plain_text() -> None:
    used, spelled = set(), []
    words = {str(reason) for reason in Reason}
    for path in programs():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "Reason":
                used.add(node.attr)
            elif isinstance(node, ast.keyword) and node.arg == "reason":
                text = node.value.value if isinstance(node.value, ast.Constant) else None
                spelled += [(path.name, text)] if text in words else []
    assert used == {reason.name for reason in Reason}
    assert spelled == []


def test_every_word_that_is_logged_stands_on_the_page_and_no_other() -> None:
    words = [line.split("`")[1] for line in rows_under("Words in the log")]
    assert words == sorted(words, key=str.lower)
    assert set(words) == logged_words()


def test_every_word_for_a_session_that_is_not_there_stands_on_the_page_and_no_other() -> None:
    words = [line.split("`")[1] for line in rows_under("Why there is no BGP session")]
    assert len(words) == len(set(words))
    assert set(words) == {*map(str, DownReason), BLOCKED}
