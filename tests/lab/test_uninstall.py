"""What a speaker uses is its own: neither a second speaker nor `--uninstall` touches it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lab import kernel
from lab.cluster import Lab
from lab.vipcast import BIN, Vipcast
from tests.support.labs import unique_name


@pytest.fixture
def vipcast() -> Iterator[Vipcast]:
    """A rack of one node whose speaker answers on its interface."""
    with Lab(unique_name(), nodes=1, pods=False) as lab:
        one = Vipcast(lab)
        one.start()
        one.await_checks("config")
        yield one


def beside(vipcast: Vipcast, *words: str) -> tuple[int, list[dict[str, Any]]]:
    """Run vipcast-speaker on the node, with the same pins and a run directory of its own."""
    node = vipcast.lab.node(1)
    own = ["--pin-path", str(node.pin_path), "--run-dir", str(node.run_dir / "another")]
    done = node.run([BIN / "vipcast-speaker", *own, *words], check=False, timeout=60.0)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def program(vipcast: Vipcast) -> Any:
    return kernel.links(vipcast.lab.node(1).namespace)["lan0"].get("xdp")


@pytest.mark.parametrize(
    "words",
    [("--uninstall",), ("--directory=/nowhere", "--node-name=node1", "--port=0")],
    ids=["uninstall", "second speaker"],
)
def test_pins_in_use_are_refused_by_name_of_the_process_that_uses_them(
    vipcast: Vipcast, words: tuple[str, ...]
) -> None:
    node = vipcast.lab.node(1)
    speaker, before = vipcast.speaker(node), program(vipcast)
    code, (line,) = beside(vipcast, *words)
    assert (code, line["op"]) == (1, "start")
    assert f"--pin-path {node.pin_path} is in use by process {speaker.pid}, " in line["error"]
    assert "--run-dir" not in line["error"]
    assert speaker.alive
    assert program(vipcast) == before is not None


def test_uninstalling_after_the_speaker_has_ended_leaves_nothing(vipcast: Vipcast) -> None:
    node = vipcast.lab.node(1)
    vipcast.speaker(node).stop()
    assert program(vipcast) is not None
    code, (line,) = beside(vipcast, "--uninstall")
    assert (code, line["event"], line["interfaces"]) == (0, "uninstalled", ["lan0"])
    assert program(vipcast) is None
    assert not node.pin_path.exists()
    vipcast.start_speaker(node)
    vipcast.await_checks("config")
