"""What the demo prints: readable on a terminal of any width, plain in a file."""

from __future__ import annotations

import io
import os
import pty

import pytest

from lab.show import Screen


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


def test_a_long_sentence_goes_on_below_and_a_short_one_stays_as_it_is(out: io.StringIO) -> None:
    screen = Screen(out, width=50)

    screen.block("NODE   STATE\n\nnode1 answers for 192.0.2.240 since 2026-01-01T00:00:00Z\n")

    assert out.getvalue() == (
        "         NODE   STATE\n"
        "\n"
        "         node1 answers for 192.0.2.240 since\n"
        "           2026-01-01T00:00:00Z\n"
    )


def test_lines_are_no_longer_than_a_hundred_columns_where_the_terminal_is_wider(
    out: io.StringIO,
) -> None:
    Screen(out, width=250).block("word " * 100)

    assert max(len(line) for line in out.getvalue().splitlines()) in range(95, 101)


def test_a_table_marks_the_rows_that_came_true_and_aligns_all(out: io.StringIO) -> None:
    screen = Screen(out, colour=False)

    screen.table(("what", "found"), [("address", "192.0.2.240"), ("two", "7 ms")], [True, False])

    assert out.getvalue() == (
        "         what     found\n       ✓ address  192.0.2.240\n       ✗ two      7 ms\n"
    )


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "dumb"}, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, False),
    ],
)
def test_colour_is_for_terminals_whose_users_do_not_refuse_it(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], coloured: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    ours, terminal = pty.openpty()
    with os.fdopen(terminal, "w") as out:
        Screen(out).check("came true")
        shown = os.read(ours, 1000).decode()
    os.close(ours)

    assert ("\x1b[32m✓\x1b[0m came true" in shown) is coloured


def test_a_file_gets_no_colour(out: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")

    Screen(out).heading("Chapter")

    assert out.getvalue() == "\n  0.0 s  Chapter\n"


def test_a_line_in_a_pipe_has_80_columns_at_most(out: io.StringIO) -> None:
    Screen(out).block("word " * 100)

    assert max(map(len, out.getvalue().splitlines())) <= 80
