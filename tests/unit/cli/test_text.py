"""Tables and sentences: what a terminal gets, and what a pipe."""

from __future__ import annotations

import os
import pty
from pathlib import Path

import pytest

from vipcast.cli.components import Controller
from vipcast.cli.picture import Picture
from vipcast.cli.speakers import Speaker
from vipcast.cli.status import show
from vipcast.cli.text import Screen, columns, screen_of
from vipcast.ops.values import Output


def test_long_names_are_cut_in_the_middle_to_fit_eighty_columns_but_not_in_a_pipe() -> None:
    service = "a-namespace-with-a-name/a-service-with-a-name-that-is-long"
    node = "worker-node-17.rack-3.example.com"
    rows = (
        ("VIP", "SERVICE", "POOL", "SEGMENT", "HOLDER", "REASON"),
        ("192.0.2.10", service, "home", "lan0", node, "firstClaim"),
    )
    shown = columns(rows, 80)
    assert shown == [
        "VIP         SERVICE              POOL  SEGMENT  HOLDER                REASON",
        "192.0.2.10  a-namespa…t-is-long  home  lan0     worker-nod…ample.com  firstClaim",
    ]
    assert max(map(len, shown)) == 80
    assert f"  {service}  home  lan0     {node}  firstClaim" in columns(rows, None)[1]


PICTURE = Picture(
    (),
    (),
    (Speaker("node1", problems=("It is silent " + "for long " * 10,)),),
    (),
    (),
    Controller(),
)


def test_a_terminal_gets_its_width_and_colours_and_a_pipe_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLUMNS", "60")
    far, near = pty.openpty()
    with os.fdopen(far, "rb"), os.fdopen(near, "w") as terminal:
        assert screen_of(terminal) == Screen(60, colours=True)
        monkeypatch.setenv("NO_COLOR", "1")
        assert screen_of(terminal) == Screen(60, colours=False)
    with (tmp_path / "file").open("w") as pipe:
        assert screen_of(pipe) == Screen(None, colours=False)


def test_sentences_are_wrapped_and_what_lacks_is_red_on_a_terminal() -> None:
    shown = show(PICTURE, Output.TABLE, Screen(60, colours=True)).splitlines()
    assert "\x1b[31mnode1  -          -     -      silent\x1b[0m" in shown
    assert "node1: It is silent for long for long for long for long for" in shown
    assert max(len(line) for line in shown if "\x1b" not in line) <= 60
