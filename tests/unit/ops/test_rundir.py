"""What a program finds in its run directory of the one before it."""

from __future__ import annotations

from pathlib import Path

import pytest

from vipcast.model.errors import HostError
from vipcast.ops.rundir import ran_before


def test_a_program_ran_before_if_it_did_since_the_machine_was_started(tmp_path: Path) -> None:
    boot = tmp_path / "boot_id"
    boot.write_text("one\n")
    assert not ran_before(tmp_path, "vipcast-speaker", boot)
    assert ran_before(tmp_path, "vipcast-speaker", boot)
    assert not ran_before(tmp_path, "vipcast-controller", boot)
    boot.write_text("two\n")
    assert not ran_before(tmp_path, "vipcast-speaker", boot)
    assert ran_before(tmp_path, "vipcast-speaker", boot)


def test_a_run_directory_that_takes_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"vipcast-speaker\.boot cannot be kept"):
        ran_before(tmp_path / "none", "vipcast-speaker")
