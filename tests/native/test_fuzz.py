"""native/bgpwire against a fuzzer, which finds nothing but the mistakes put in on purpose."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.native.fuzz.building import MAX_INPUT, NATIVE, SOURCES, built, compiled, linked
from tests.native.fuzz.seeds import SEEDS, Call
from tests.support.fuzzing import command, planted
from tests.support.sanitizers import run_sanitized

RUNS = 10_000
MET = re.compile(r"^met: (\d+) inputs; by call:((?: \d+)+); by result:((?: \d+)+)$", re.MULTILINE)


def corpus(directory: Path) -> Path:
    """Every seed as a file."""
    return planted(directory / "corpus", {name: seed.packed() for name, seed in SEEDS.items()})


def test_no_call_touches_a_byte_that_is_not_its_own_or_says_another_than_it_should(
    tmp_path: Path,
) -> None:
    options = ("-seed=1", f"-runs={RUNS}")
    done = run_sanitized(command(built(tmp_path), corpus(tmp_path), MAX_INPUT, *options))
    assert done.returncode == 0, done.stdout
    met = MET.search(done.stdout)
    assert met is not None, done.stdout
    by_call, by_result = ([int(word) for word in met.group(part).split()] for part in (2, 3))
    assert (int(met.group(1)) > RUNS / 2, len(by_call), len(by_result)) == (True, len(Call), 11)
    assert (min(by_call) > 0, min(by_result) > 0) == (True, True), met.group()


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Everything compiled, by the sources' names."""
    directory = tmp_path_factory.mktemp("objects")
    return {source.name: compiled(source, directory) for source in SOURCES}


@pytest.mark.parametrize(
    ("file", "right", "wrong", "finding"),
    [
        ("bgpwire_update.c", "room - done < length", "room - done + 1 < length", "Sanitizer"),
        ("bgpwire_update.c", "space - EXTENDED_HEAD", "space - SHORT_HEAD", "finding: "),
        ("bgpwire_update.c", "space > EXTENDED_HEAD + SHORT_VALUE", "space > 260", "finding: "),
        ("bgpwire_update.c", "value_size > SHORT_VALUE;", "value_size >= SHORT_VALUE;", "finding"),
        ("bgpwire_update.c", "BGPWIRE_LONGEST - UPDATE_SIZE ?", "BGPWIRE_LONGEST + 9 ?", "Sanit"),
        ("bgpwire_update.c", "if (space == 0)", "if (space == 1)", "finding: "),
        ("bgpwire_update.c", "> UINT16_MAX)", "> UINT16_MAX + 1u)", "finding: "),
        ("bgpwire_prefixes.c", "if (left < stride)", "if (left + 1 < stride)", "Sanitizer"),
        ("bgpwire_prefixes.c", "at[0] > source->longest", "at[0] > 128", "Sanitizer"),
        ("bgpwire_prefixes.c", "(end - out) >= record", "(end - out) >= 1", "Sanitizer"),
        ("bgpwire_prefixes.c", "at[size - 1] & beyond", "0", "finding: "),
        ("bgpwire_prefixes.c", "byte < stride", "byte + 1 < stride", "finding: "),
        ("bgpwire_prefixes.c", "(at[3 * stride] ^ first)", "0", "finding: "),
        ("bgpwire.c", "text_size >= BGPWIRE", "text_size > BGPWIRE", "finding: "),
        ("bgpwire.c", "(text[text_size] & 0xc0) == 0x80", "0", "finding: "),
        ("bgpwire.c", "size - CAPABILITY_HEAD >= capabilities[1]", "1", "Sanitizer"),
        ("bgpwire.c", "PARAMETER_HEAD + size > LONGEST_VALUE", "size > LONGEST_VALUE", "finding"),
        ("bgpwire.c", "length > BGPWIRE_LONGEST", "length > 2 * BGPWIRE_LONGEST", "finding: "),
    ],
)
def test_a_mistake_is_found_by_the_seeds(
    tmp_path: Path, objects: dict[str, Path], file: str, right: str, wrong: str, finding: str
) -> None:
    text = (NATIVE / file).read_text()
    assert text.count(right) == 1, f"{file} has no such one place: {right!r}"
    mistaken = tmp_path / file
    mistaken.write_text(text.replace(right, wrong))
    parts = {**objects, file: compiled(mistaken, tmp_path)}
    fuzzer = linked(parts.values(), tmp_path)
    done = run_sanitized(command(fuzzer, corpus(tmp_path), MAX_INPUT, "-runs=0"), symbols=False)
    assert (done.returncode != 0, finding in done.stdout) == (True, True), done.stdout


def test_every_seed_is_an_input_of_its_own() -> None:
    assert len({seed.packed() for seed in SEEDS.values()}) == len(SEEDS)
