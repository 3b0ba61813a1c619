"""docs/parity.md says what is so: what is there is there, and what is not yet there is not."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from tests.support.parity import BETTER, SAME, VERDICTS, Line, lines, shown
from tests.unit.ops.test_health import get, serving
from vipcast.kube.parse import POOL_OUTPUT, parse_service
from vipcast.kube.slips import PREFIXES
from vipcast.ops import flags
from vipcast.ops.parser import Flag
from vipcast.ops.pod import VARIABLES as POD_VARIABLES

ROOT = Path(__file__).parents[3]
PROGRAMS = ("vipcast", "controller", "speaker")
TESTED = ("Metrics", "Words in the log", "Lines of the log")
"""Each line of these tables has a test of its own."""


def names(*sections: str, here: bool, start: str = "") -> list[str]:
    """What MetalLB's users find there, or do not."""
    found = [line for line in lines(*sections) if line.here is here]
    return [name for line in found for name in line.names if name.startswith(start)]


@cache
def texts() -> frozenset[str]:
    """Every text that stands for itself in the programs."""
    return frozenset(
        node.value
        for room in PROGRAMS
        for path in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


DECLARED: Mapping[str, Flag[object]] = {
    f"--{flag.name}": flag for flag in (*flags.CONTROLLER_FLAGS, *flags.SPEAKER_FLAGS)
}
VARIABLES = {variable for flag in DECLARED.values() for variable in flag.variables}
VARIABLES |= {*flags.KEY_VARIABLES, *POD_VARIABLES}


@pytest.mark.parametrize("line", lines(), ids=lambda line: line.metallb)
def test_every_line_has_a_verdict(line: Line) -> None:
    assert line.verdict in VERDICTS
    assert line.verdict not in (SAME, BETTER) or all(line.cells)


@pytest.mark.parametrize("name", names(*TESTED, here=True))
def test_every_line_about_metrics_and_the_log_has_a_test(name: str) -> None:
    assert shown().get(name), f"no test is marked @shows({name!r})"


def test_every_test_that_shows_a_line_shows_one_that_is_on_the_page() -> None:
    assert set(shown()) == set(names(*TESTED, here=True))


@pytest.mark.parametrize("flag", names("Flags", here=True, start="--"))
def test_a_flag_that_is_there_is_taken(flag: str) -> None:
    assert flag in DECLARED


@pytest.mark.parametrize("flag", names("Flags", here=False))
@pytest.mark.parametrize("program", [flags.controller, flags.speaker])
def test_a_flag_that_is_not_yet_there_is_refused_by_its_name(
    program: object, flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(program)
    with pytest.raises(SystemExit) as left:
        program([f"{flag}=x"], {})
    assert left.value.code == 2
    assert flag in capsys.readouterr().err


@pytest.mark.parametrize("variable", names("Environment", here=True))
def test_a_variable_that_is_there_is_read(variable: str) -> None:
    assert variable in VARIABLES


@pytest.mark.parametrize("variable", names("Environment", here=False))
def test_a_variable_that_is_not_yet_there_is_not_read(variable: str) -> None:
    assert variable not in VARIABLES | texts()


async def test_the_paths_that_are_there_are_served_and_the_others_are_not() -> None:
    async with serving() as place:
        for path in names("Endpoints", here=True, start="/"):
            assert (await get(f"{place}{path}"))[0] == 200, path
        for path in names("Endpoints", here=False, start="/"):
            assert (await get(f"{place}{path}"))[0] == 404, path


@pytest.mark.parametrize("word", names("Events", here=True))
def test_an_event_that_is_there_is_told_by_a_program(word: str) -> None:
    assert word in texts()


@pytest.mark.parametrize("word", names("Events", here=False))
def test_an_event_that_is_not_yet_there_is_told_by_none(word: str) -> None:
    assert word not in texts()


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("name", names("Annotations", here=True))
def test_an_annotation_is_read_with_each_prefix_or_is_the_controller_s_own(
    name: str, prefix: str
) -> None:
    def service(**annotations: str) -> dict[str, object]:
        metadata = {"namespace": "default", "name": "web", "annotations": annotations}
        return {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"type": "LoadBalancer", "ports": [{"port": 80, "protocol": "TCP"}]},
        }

    read = parse_service(service(**{prefix + name: "192.0.2.1"})) != parse_service(service())
    written = f"metallb.io/{name}" == POOL_OUTPUT
    assert read is (prefix + name == POOL_OUTPUT if written else True)
