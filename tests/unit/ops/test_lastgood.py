"""The last good configuration: kept over restarts, and never worse than none."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.support.logged import logged
from vipcast.ops.lastgood import LastGood

CONFIG_MAP = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"namespace": "metallb-system", "name": "config"},
    "data": {"config": "address-pools: []  # üñí\n"},
}


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Operation and message of each line."""
    return [(line["op"], line["msg"]) for line in logged(caplog)]


def test_nothing_is_recalled_where_nothing_was_remembered(tmp_path: Path) -> None:
    assert LastGood(tmp_path, "vipcast-speaker").recall() is None


def test_what_was_remembered_is_recalled_by_the_next_of_that_program_alone(tmp_path: Path) -> None:
    LastGood(tmp_path, "vipcast-speaker").remember({"old": True})
    LastGood(tmp_path, "vipcast-speaker").remember(CONFIG_MAP)
    assert LastGood(tmp_path, "vipcast-speaker").recall() == CONFIG_MAP
    assert LastGood(tmp_path, "vipcast-controller").recall() is None
    assert [path.name for path in tmp_path.iterdir()] == ["vipcast-speaker.config.json"]


def test_what_may_hold_passwords_is_its_owner_s_alone(tmp_path: Path) -> None:
    LastGood(tmp_path, "vipcast-speaker").remember(CONFIG_MAP)
    (path,) = tmp_path.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b'{"kind": ', b"\xff\xfe", b"[[[["])
def test_a_damaged_file_is_logged_and_not_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    path = tmp_path / "vipcast-speaker.config.json"
    path.write_bytes(content)
    assert LastGood(tmp_path, "vipcast-speaker").recall() is None
    assert lines(caplog) == [("recallConfig", f"{path} is not used")]


def test_json_that_is_no_object_is_not_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "vipcast-speaker.config.json"
    path.write_text("[1, 2]")
    assert LastGood(tmp_path, "vipcast-speaker").recall() is None
    assert lines(caplog) == [("recallConfig", f"{path} is not used")]


def test_a_file_that_cannot_be_read_is_logged_and_not_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "vipcast-speaker.config.json"
    path.mkdir()
    assert LastGood(tmp_path, "vipcast-speaker").recall() is None
    assert lines(caplog) == [("recallConfig", f"{path} is not used")]


def test_a_failure_to_remember_is_logged_and_leaves_what_was_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    LastGood(tmp_path / "gone", "vipcast-speaker").remember(CONFIG_MAP)
    path = tmp_path / "vipcast-speaker.config.json"
    path.mkdir()
    (path / "in the way").touch()
    LastGood(tmp_path, "vipcast-speaker").remember(CONFIG_MAP)
    assert lines(caplog) == [("rememberConfig", "a restart may forget the configuration")] * 2
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
