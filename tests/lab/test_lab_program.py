"""`python -m lab`, as somebody uses it who runs the programs by hand."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import lab.__main__
from lab.cluster import Lab
from lab.host import ROOT
from lab.processes import read_records
from lab.rundir import RunDirectory
from tests.support.labs import unique_name
from tests.support.leftovers import leftovers
from tests.support.waiting import eventually

DEADLINE = 120.0


def said(*words: str, well: bool = True) -> subprocess.CompletedProcess[str]:
    """Run `python -m lab`."""
    done = subprocess.run(
        [sys.executable, "-m", "lab", *words],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=DEADLINE,
    )  # fmt: skip
    assert (done.returncode == 0) is well, done.stderr
    return done


@pytest.fixture
def name() -> Iterator[str]:
    """The name of a lab that is gone afterwards."""
    one = unique_name()
    yield one
    said("down", "--name", one)
    assert leftovers(one) == set()


def recipe(name: str) -> tuple[str, str]:
    """The commands that --help gives, for a lab of another name; before and after the waiting."""
    _, _, text = (lab.__main__.__doc__ or "").partition("  PATH=")
    text = re.sub(r"python -m lab (\w+)", rf"python -m lab \1 --name {name}", f"PATH={text}")
    text = text.replace("/run/vipcast-lab/lab", f"/run/vipcast-lab/{name}")
    before, status, after = text.partition("  vipcast status")
    return before, f"PATH=$PWD/.venv/bin:$PATH\n{status}{after}"


def shell(script: str, directory: Path) -> str:
    return subprocess.run(
        ["bash", "-euc", script],
        cwd=ROOT, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "D": str(directory)},
        stdout=subprocess.PIPE, text=True, check=True, timeout=DEADLINE,
    ).stdout  # fmt: skip


def test_the_commands_that_help_gives_lead_from_nothing_to_a_page_of_a_pod(
    name: str, tmp_path: Path
) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    found = [each for block in blocks for each in yaml.safe_load_all(block)]
    own = [each for each in found if each["kind"] in ("ConfigMap", "Service")]
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump_all(own))
    before, after = recipe(name)
    shell(before, tmp_path)

    eventually(
        lambda: list(tmp_path.glob("status/speaker-*/ServiceL2Status/*/web.default.*.yaml")),
        what="a node holds the address",
        deadline=DEADLINE,
    )
    drawn = said("status", "--name", name).stdout
    assert drawn.count("vipcast-speaker ") == 3
    assert drawn.count("vipcast-controller ") == 1
    running = read_records(RunDirectory(name).records)
    output = shell(after, tmp_path)

    assert "192.0.2.240" in output
    assert re.search(r"^pod\d on node\d$", output, re.MULTILINE)
    assert len(running) == 3 + 1 + 3
    assert not any(record.alive() for record in running)


def test_a_lab_that_stands_is_taken_down_by_the_next_up_and_that_is_said(name: str) -> None:
    words = ("up", "--name", name, "--nodes", "1")
    assert said(*words).stderr == ""
    assert said(*words).stderr == (
        f"lab: a lab '{name}' stood already: it was taken down, with all that ran in it\n"
    )


def test_every_host_that_there_is_is_named_to_who_asks_for_another() -> None:
    with Lab(unique_name(), nodes=1, pods=False) as own:
        done = said("exec", "--name", own.name, "node9", "--", "true", well=False)
        assert done.stderr == "lab: no host 'node9'; there are sw, node1, client, pod1\n"
        assert "segment 0" in said("status", "--name", own.name).stdout


@pytest.mark.parametrize("address", ["web", "192.0.2.240:http", "192.0.2", "[::1]:80"])
def test_an_address_that_is_none_is_named(address: str) -> None:
    with Lab(unique_name(), nodes=1, pods=False) as own:
        done = said("serve", "--name", own.name, address, well=False)
    assert done.stderr == (f"lab: {address!r} is no ADDRESS or ADDRESS:PORT, as 192.0.2.240:80\n")
