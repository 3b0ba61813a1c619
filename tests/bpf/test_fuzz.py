"""The XDP program against a fuzzer, which finds nothing but the mistakes put in on purpose."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bpf.abi import VERDICTS
from tests.bpf.fuzz.building import built, command, planted
from tests.bpf.fuzz.seeds import ANSWERED, SEEDS
from tests.support.bpf import changed
from tests.support.sanitizers import run_sanitized

RUNS = 300_000
BOUND = "(const void *)(frame + 1) > end"


def test_no_frame_in_any_situation_is_treated_otherwise_than_it_should_be(tmp_path: Path) -> None:
    corpus = planted(tmp_path / "corpus")
    done = run_sanitized(command(built(tmp_path), corpus, "-seed=1", f"-runs={RUNS}"))
    assert done.returncode == 0, done.stdout
    met = re.search(r"^met: (\d+) inputs; by verdict:((?: \d+)+)$", done.stdout, re.MULTILINE)
    assert met is not None, done.stdout
    by_verdict = dict(zip(VERDICTS, map(int, met.group(2).split()), strict=True))
    assert (int(met.group(1)) > RUNS / 2, min(by_verdict.values()) > 0) == (True, True), by_verdict


@pytest.mark.parametrize(
    ("file", "right", "wrong", "finding"),
    [
        ("parse.h", BOUND, "!end", "AddressSanitizer: SEGV"),
        ("parse.h", BOUND, "(const char *)frame + 41 > (const char *)end", "AddressSanitizer:"),
        ("parse.h", "BE16(0x0100)", "BE16(0x0200)", "finding: action"),
        ("l2_responder.c", "entry->term <= node->fenced", "0", "finding: "),
        ("l2_responder.c", "!node || !lease", "!node", "null pointer of type 'union vip_slot'"),
        ("l2_responder.c", "verdict == VIP_ANSWERED)", "verdict < 4)", "finding: byte"),
        ("arp.h", "frame->target_mac, frame->sender_mac", "frame->target_mac, frame->to", "byte"),
    ],
    ids=[
        "no bound",
        "a bound one byte too far",
        "unicast taken for multicast",
        "fenced, and yet answered",
        "a slot that is not there",
        "dropped frames changed",
        "the reply for somebody else",
    ],
)
def test_a_mistake_is_found_from_one_good_request(
    tmp_path: Path, file: str, right: str, wrong: str, finding: str
) -> None:
    sources = changed(tmp_path / "bpf", file, right, wrong)
    corpus = planted(tmp_path / "corpus", {"answered": ANSWERED})
    fuzz = command(built(tmp_path, sources), corpus, "-seed=1", f"-runs={RUNS}")
    done = run_sanitized(fuzz, symbols=False)
    assert (done.returncode != 0, finding in done.stdout) == (True, True), done.stdout


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("entry->term <= node->fenced", "entry->term < node->fenced"),
        ("if (now >= lease->until)", "if (now > lease->until)"),
    ],
    ids=["fenced at its own term", "a lease that ends now"],
)
def test_a_mistake_of_one_nanosecond_or_term_is_found_by_the_seeds(
    tmp_path: Path, right: str, wrong: str
) -> None:
    sources = changed(tmp_path / "bpf", "l2_responder.c", right, wrong)
    fuzz = command(built(tmp_path, sources), planted(tmp_path / "corpus"), "-seed=1", "-runs=0")
    done = run_sanitized(fuzz, symbols=False)
    assert "finding: action 3 should be 1" in done.stdout, done.stdout
    assert done.returncode != 0


def test_every_seed_is_an_input_of_its_own() -> None:
    assert len({seed.packed() for seed in SEEDS.values()}) == len(SEEDS)
