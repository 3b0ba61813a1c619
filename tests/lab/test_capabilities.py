"""Loader and speaker run with the capabilities that the DaemonSet gives them, and need each one.

Both are root without root's other rights, and can gain none: what a container of the DaemonSet is.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from bpf import SOURCES
from lab.cluster import Lab
from lab.processes import Process
from lab.vipcast import BIN, Vipcast, pool, service
from lab.waiting import until
from tests.support.labs import unique_name
from tests.support.manifests import capabilities

LOADER = capabilities("loader")
SPEAKER = capabilities("speaker")
REFUSED = 5
OLDER_KERNEL = tuple(map(int, os.uname().release.split(".")[:2])) < (5, 19)
"""There every call of bpf(2) wants BPF; since then only loading does."""


@pytest.fixture
def vipcast() -> Iterator[Vipcast]:
    """A rack of one node with a Service; the speaker does not run yet."""
    with Lab(unique_name(), nodes=1) as lab:
        one = Vipcast(lab)
        one.start(speakers=())
        one.apply("pool", pool(["192.0.2.240-192.0.2.250"]))
        one.apply("web", service("web"))
        lab.write_endpoints(one.directory, "web")
        yield one


def only(names: Sequence[str]) -> list[str | Path]:
    """The beginning of a command that has these capabilities of root's and never any other."""
    bounds = ",".join(["-all", *(f"+{name.lower()}" for name in names)])
    return ["setpriv", "--no-new-privs", "--inh-caps=-all", f"--bounding-set={bounds}", "--"]


def load(vipcast: Vipcast, names: Sequence[str], *more: str | Path) -> tuple[int, str]:
    """Run the loader on the node; exit status, and what it said."""
    node = vipcast.lab.node(1)
    command = [BIN / "python", "-m", "speaker.adapters.loader", "--pin-path", node.pin_path, *more]
    done = node.run([*only(names), *command], check=False, timeout=60.0)
    return done.returncode, done.stdout + done.stderr


def start(vipcast: Vipcast, names: Sequence[str]) -> Process:
    """Start the speaker; the program is pinned, so that it compiles nothing."""
    node = vipcast.lab.node(1)
    command: list[str | Path] = [BIN / "vipcast-speaker", "--node-name", node.name]
    command += ["--directory", vipcast.directory]
    command += ["--run-dir", node.run_dir, "--pin-path", node.pin_path]
    return node.start([*only(names), *command], name="speaker")


def answers(vipcast: Vipcast) -> bool:
    return vipcast.answering(vipcast.await_address("web")) == "node1"


def test_they_are_enough_to_answer_and_to_go_on_after_a_restart(vipcast: Vipcast) -> None:
    node = vipcast.lab.node(1)
    status, said = load(vipcast, LOADER)
    assert (status, said.split()[0]) == (0, "loaded"), said

    for how in ("", "The program was attached already."):
        speaker = start(vipcast, SPEAKER)
        vipcast.await_ready(node)
        until(lambda: answers(vipcast), "the address is answered for")
        assert how in speaker.output
        assert '"level":"error"' not in speaker.output
        assert speaker.stop() == 0


def test_they_are_enough_to_replace_an_older_program_of_ours(
    vipcast: Vipcast, tmp_path: Path
) -> None:
    """By its pin: a speaker that may not look at other programs knows it all the same."""
    node = vipcast.lab.node(1)
    older = shutil.copytree(SOURCES.directory, tmp_path / "older")
    with (older / "l2_responder.c").open("a") as file:
        file.write("\n/* older */\n")
    status, said = load(vipcast, LOADER, "--sources", older)
    assert status == 0, said
    pin = next(path for path in (node.pin_path / SOURCES.layout).glob("prog_*"))
    node.run(["bpftool", "net", "attach", "xdpgeneric", "pinned", pin, "dev", "lan0"])

    status, said = load(vipcast, LOADER)
    assert status == 0, said
    speaker = start(vipcast, SPEAKER)
    vipcast.await_ready(node)

    assert "An older program of ours was replaced" in speaker.output


@pytest.mark.parametrize("name", LOADER)
def test_without_one_of_the_loader_s_nothing_is_loaded_and_it_says_which(
    vipcast: Vipcast, name: str
) -> None:
    status, said = load(vipcast, [each for each in LOADER if each != name])

    assert status == REFUSED
    assert f"This process lacks the capability {name}: allow it." in said


def test_without_net_admin_the_speaker_says_so_and_answers_nothing(vipcast: Vipcast) -> None:
    node = vipcast.lab.node(1)
    load(vipcast, LOADER)
    start(vipcast, [each for each in SPEAKER if each != "NET_ADMIN"])

    until(lambda: "Allow NET_ADMIN." in vipcast.readiness(node)[1], "it says what it lacks")
    assert not vipcast.readiness(node)[0]
    assert vipcast.answering(vipcast.await_address("web")) is None


def test_without_net_raw_the_speaker_ends_with_a_sentence(vipcast: Vipcast) -> None:
    load(vipcast, LOADER)
    speaker = start(vipcast, [each for each in SPEAKER if each != "NET_RAW"])

    assert speaker.wait(30.0) == 1
    assert "run as root, and allow NET_RAW." in speaker.output


def test_without_sys_nice_the_speaker_works_and_warns(vipcast: Vipcast) -> None:
    load(vipcast, LOADER)
    speaker = start(vipcast, [each for each in SPEAKER if each != "SYS_NICE"])

    vipcast.await_ready(vipcast.lab.node(1))
    assert "runs at the usual priority: allow SYS_NICE" in speaker.output


def test_without_bpf_the_speaker_cannot_open_its_pins_on_older_kernels(vipcast: Vipcast) -> None:
    node = vipcast.lab.node(1)
    load(vipcast, LOADER)
    speaker = start(vipcast, [each for each in SPEAKER if each != "BPF"])

    if OLDER_KERNEL:
        assert speaker.wait(30.0) == 1
        assert "Operation not permitted" in speaker.output
    else:
        vipcast.await_ready(node)


def test_the_speaker_s_capabilities_are_these_and_each_has_a_test() -> None:
    assert set(SPEAKER) == {"BPF", "NET_ADMIN", "NET_RAW", "SYS_NICE"}
