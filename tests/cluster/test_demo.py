"""`make demo CLUSTER=1`: it comes true on real Kubernetes, and however it ends, all goes."""

from __future__ import annotations

import subprocess

import pytest

from lab.host import ROOT
from lab.kubernetes.programs import provide
from tests.lab.test_demo import SHOWN, WIDEST, Start, run, start
from tests.support.labs import unique_name
from tests.support.leftovers import leftovers

__all__ = ["start"]

HERE = (
    "✓ kube-proxy has written its rules on every node",
    "kubectl apply -f manifests/vipcast.yaml",
    "service/web LoadBalancer",
    "IPAllocated service/web Assigned 192.0.2.240 from pool default.",
    "nodeAssigned service/web announcing from node ",
    "✓ kubectl get svc 192.0.2.240",
)
ELSEWHERE = ("✓ 10 from pod",)
"""Counts of requests, which the lab takes in turn where kube-proxy draws lots."""


@pytest.fixture(autouse=True)
def _built() -> None:
    """Whoever waits for the first build is told by other tests how far it is."""
    provide(lambda _sentence: None)


def test_the_demo_comes_true_and_kubectl_shows_it() -> None:
    name = unique_name()

    done = run(name, "--cluster")

    assert done.returncode == 0, done.stdout + done.stderr
    wanted = [words for words in SHOWN if not words.startswith(ELSEWHERE)]
    assert [words for words in wanted if words not in done.stdout] == []
    # Columns are as wide as other Events make them, and long lines are wrapped.
    told = " ".join(done.stdout.split())
    assert [words for words in HERE if words not in told] == []
    assert "✗" not in done.stdout
    assert [line for line in done.stdout.splitlines() if len(line) > WIDEST] == []
    assert leftovers(name) == set()


@pytest.mark.parametrize("words", ["etcd answers", "$ kubectl get svc web"])
def test_ctrl_c_at_any_point_leaves_nothing_behind(start: Start, words: str) -> None:
    demo = start("--cluster")
    demo.reaches(words)
    demo.press_ctrl_c()
    assert demo.ended() == 130


def test_make_has_a_word_for_it() -> None:
    said = subprocess.run(
        ["make", "--dry-run", "--old-file=setup", "demo", "CLUSTER=1"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "-m lab.demo --cluster" in said.stdout
