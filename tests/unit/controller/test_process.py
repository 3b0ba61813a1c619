"""The program as it is started: its files, its signals, its log and its port."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import eventually
from tests.unit.controller.running import Place

PROGRAM = Path(sys.executable).with_name("vipcast-controller")
HOME = {"name": "home", "addresses": ["192.0.2.10-192.0.2.12"]}


@dataclass(frozen=True, slots=True)
class Program:
    """A running controller."""

    process: subprocess.Popen[bytes]
    place: Place
    run_dir: Path
    output: Path

    def lines(self) -> list[dict[str, Any]]:
        """What it has logged."""
        return [json.loads(line) for line in self.output.read_text().splitlines()]

    def logged(self, name: str) -> list[dict[str, Any]]:
        """The lines of one event or operation."""
        return [line for line in self.lines() if name in (line.get("event"), line.get("op"))]

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(20)

    def get(self, page: str) -> tuple[int, str]:
        """Status and text of a page of its port."""
        port = (self.run_dir / "vipcast-controller.port").read_text().strip()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{page}", timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    def metric(self, name: str) -> float:
        """The value of a metric."""
        found = [line for line in self.get("/metrics")[1].splitlines() if line.startswith(name)]
        return float(found[0].split()[-1])


Start = Callable[..., Program]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "objects").mkdir()
    made = Place(tmp_path / "objects")
    made.pools(HOME)
    return made


@pytest.fixture
def start(tmp_path: Path, place: Place) -> Iterator[Start]:
    """Starts controllers; those that still run at the end are killed."""
    started: list[Program] = []

    def begin(
        run_dir: str = "run", directory: Path = place.path, flags: Sequence[str] = ()
    ) -> Program:
        output = tmp_path / f"log{len(started)}"
        with output.open("wb") as log:
            process = subprocess.Popen(
                [
                    *(PROGRAM, "--directory", directory, "--run-dir", tmp_path / run_dir),
                    *("--port=0", *flags),
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        program = Program(process, place, tmp_path / run_dir, output)
        started.append(program)
        return program

    yield begin
    for program in started:
        program.process.kill()
        program.process.wait(20)


def addresses(place: Place, *names: str) -> dict[str, str | None]:
    return {name: place.address(name) for name in names}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_addresses_stay_when_the_program_ends_and_starts_again(
    start: Start, place: Place, number: signal.Signals
) -> None:
    first = start()
    for name in ("c", "b", "a"):
        place.service(name)
        eventually(partial(place.address, name), what=f"{name} has an address")
    given = addresses(place, "a", "b", "c")
    assert set(given.values()) == {"192.0.2.10", "192.0.2.11", "192.0.2.12"}
    code = first.end(number)
    assert code == (-signal.SIGKILL if number is signal.SIGKILL else 0)
    assert addresses(place, "a", "b", "c") == given
    files = {name: place.file("Service", name).stat().st_ino for name in given}
    place.service("d")
    second = start()
    eventually(lambda: place.condition("d").get("reason") == "poolExhausted", what="d is told")
    assert addresses(place, "a", "b", "c") == given
    assert {name: place.file("Service", name).stat().st_ino for name in given} == files
    assert second.end() == 0
    assert [line["event"] for line in second.lines()[-2:]] == ["stopping", "stopped"]
    assert not second.logged("ipAllocated")


def test_a_bad_configuration_over_a_good_one_is_told_everywhere_and_takes_nothing(
    start: Start, place: Place
) -> None:
    program = start()
    place.service("web")
    eventually(lambda: place.address("web") == "192.0.2.10", what="web has an address")
    assert program.get("/readyz") == (200, "config: ok\nobjects: ok\n")
    place.pools({"name": "home", "addresses": ["192.0.2.300"]})
    eventually(lambda: place.state()["result"] == "Invalid", what="the state is Invalid")
    assert "'192.0.2.300'" in place.state()["errorSummary"]
    assert program.metric("metallb_k8s_client_config_stale_bool") == 1
    assert program.metric("metallb_k8s_client_config_loaded_bool") == 1
    assert program.metric("metallb_allocator_addresses_in_use_total") == 1
    (line,) = eventually(lambda: program.logged("configStale"), what="a line in the log")
    assert line["level"] == "error"
    assert line["error"] == place.state()["errorSummary"]
    assert place.address("web") == "192.0.2.10"
    assert program.get("/readyz")[0] == 200


def test_a_restart_under_a_bad_configuration_goes_on_with_the_last_good_one(
    start: Start, place: Place
) -> None:
    program = start()
    place.service("web")
    eventually(lambda: place.address("web") == "192.0.2.10", what="web has an address")
    place.pools({"name": "home", "addresses": ["192.0.2.300"]})
    eventually(lambda: place.state()["result"] == "Invalid", what="the state is Invalid")
    assert program.end() == 0
    program = start()
    place.service("later")
    eventually(lambda: place.address("later"), what="a new Service is served from the last good")
    assert place.address("web") == "192.0.2.10"
    assert place.state()["result"] == "Invalid"
    assert program.metric("metallb_k8s_client_config_stale_bool") == 1


def test_without_a_configuration_the_program_lives_but_is_not_ready(
    start: Start, place: Place
) -> None:
    place.remove("config.yaml")
    program = start()
    eventually(place.state, what="the state is reported")
    assert program.get("/livez") == (200, "ok\n")
    status, text = program.get("/readyz")
    assert status == 503
    assert text.startswith("config: No valid configuration was loaded")
    place.pools(HOME)
    eventually(lambda: program.get("/readyz")[0] == 200, what="it is ready")


def test_what_happens_is_logged_in_the_words_that_metallbs_users_look_for(
    start: Start, place: Place
) -> None:
    program = start()
    place.service("web")
    eventually(lambda: program.logged("ipAllocated"), what="an address is given")
    place.pools({"name": "lab", "addresses": ["198.51.100.7/32"]})
    eventually(lambda: len(program.logged("ipAllocated")) == 2, what="another one is given")
    place.service("other")
    eventually(lambda: program.logged("allocateIPs"), what="the pool is dry")
    place.remove("default-web.yaml")
    eventually(lambda: len(program.logged("ipAllocated")) == 3, what="the other one is served")
    assert program.end() == 0
    told = [
        (line.get("event") or line["op"], line.get("service"), line.get("ip") or line.get("ips"))
        for line in program.lines()
        if "service" in line
    ]
    assert told == [
        ("serviceUpdated", "default/web", ["192.0.2.10"]),
        ("ipAllocated", "default/web", "192.0.2.10"),
        ("serviceUpdated", "default/web", ["198.51.100.7"]),
        ("clearAssignment", "default/web", None),
        ("ipAllocated", "default/web", "198.51.100.7"),
        ("serviceUpdated", "default/other", []),
        ("allocateIPs", "default/other", None),
        ("serviceDeleted", "default/web", ["198.51.100.7"]),
        ("serviceUpdated", "default/other", ["198.51.100.7"]),
        ("ipAllocated", "default/other", "198.51.100.7"),
    ]
    moved = program.logged("serviceUpdated")[1]
    taken = [line["msg"] for line in program.logged("clearAssignment")]
    assert (moved["ips"], moved["reason"], moved["takenBack"]) == (
        ["198.51.100.7"],
        "allocated",
        taken,
    )
    why = (
        "192.0.2.10 is taken back (poolChanged): 192.0.2.10 is in no configured pool (pools: lab)."
        " Ask for an address of a pool, or add this one to a pool."
    )
    assert taken == [why]
    assert [line["pools"] for line in program.logged("configLoaded")] == [["home"], ["lab"]]
    (dry,) = program.logged("allocateIPs")
    assert (dry["level"], dry["reason"]) == ("error", "poolExhausted")


@pytest.mark.parametrize(("run_dir", "flag"), [("run", "--run-dir"), ("other", "--directory")])
def test_a_second_controller_is_refused_and_told_which_process_is_the_first(
    start: Start, place: Place, run_dir: str, flag: str
) -> None:
    first = start()
    eventually(place.state, what="the first one works")
    second = start(run_dir)
    assert second.process.wait(20) == 1
    (line,) = second.logged("start")
    assert (
        f"is held by process {first.process.pid}: end that vipcast-controller first, or"
        in (line["error"])
    )
    assert line["error"].endswith(f"give this one another {flag}.")
    place.service("web")
    eventually(lambda: place.address("web"), what="the first one works on")


def test_a_directory_that_does_not_exist_is_named_and_not_made(
    start: Start, tmp_path: Path
) -> None:
    missing = tmp_path / "nowhere"
    program = start(directory=missing)
    assert program.process.wait(20) == 1
    (line,) = program.logged("run")
    assert str(missing) in line["error"]
    assert "--directory" in line["error"]
    assert not missing.exists()


def test_services_are_served_by_their_class(start: Start, place: Place) -> None:
    place.service("plain")
    place.service("ours", loadBalancerClass="example.com/lan")
    place.service("theirs", loadBalancerClass="example.com/wan")
    first = start(flags=["--lb-class=example.com/lan,example.com/other"])
    eventually(partial(place.address, "ours"), what="the Service of our class has an address")
    assert addresses(place, "plain", "ours", "theirs") == {
        "plain": None,
        "ours": "192.0.2.10",
        "theirs": None,
    }
    assert first.end() == 0
    start(flags=["--lb-class=example.com/lan", "--lb-class-default=true"])
    eventually(partial(place.address, "plain"), what="one without a class has an address, too")
    assert addresses(place, "ours", "theirs") == {"ours": "192.0.2.10", "theirs": None}
