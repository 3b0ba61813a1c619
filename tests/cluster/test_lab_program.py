"""`python -m lab up --cluster`, as somebody uses it who wants a cluster to play with."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.cluster import Lab
from lab.errors import NotReady
from lab.host import ROOT
from lab.kubernetes.cluster import Cluster
from lab.kubernetes.programs import NAMES, provide
from tests.support.labs import unique_name
from tests.support.leftovers import leftovers

DEADLINE = 300.0


def said(*words: str) -> str:
    """Run `python -m lab`."""
    done = subprocess.run(
        [sys.executable, "-m", "lab", *words],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=DEADLINE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def name() -> Iterator[str]:
    """The name of a lab that is gone afterwards."""
    one = unique_name()
    yield one
    said("down", "--name", one)
    assert leftovers(one) == set()


def test_a_shell_that_runs_the_lines_shown_has_a_kubectl_that_works(
    name: str, tmp_path: Path
) -> None:
    shown = said("up", "--cluster", "--name", name, "--nodes", "1")
    lines = re.findall(r"^  export .*$", shown, re.MULTILINE)
    # Another cluster's settings, a home of one's own and another directory do not matter.
    elsewhere = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "KUBECONFIG": "/nowhere"}

    done = subprocess.run(
        ["sh", "-euc", "\n".join([*lines, "kubectl get nodes -o name", 'cat "$KUBECONFIG"'])],
        cwd=tmp_path, env=elsewhere, capture_output=True, text=True, check=True, timeout=DEADLINE,
    )  # fmt: skip

    assert done.stdout.startswith("node/node1\n")
    assert "server: https://192.0.2.5:6443" in done.stdout
    assert list(tmp_path.iterdir()) == []
    assert "[etcd " in said("status", "--name", name)


def test_a_program_that_does_not_start_is_named_with_its_last_words(tmp_path: Path) -> None:
    programs = provide(print)
    for each in ("etcd", *NAMES):
        (tmp_path / each).symlink_to(programs / each)
    (tmp_path / "kube-apiserver").unlink()
    (tmp_path / "kube-apiserver").write_text("#!/bin/sh\necho no memory is left\nexit 1\n")
    (tmp_path / "kube-apiserver").chmod(0o755)

    with (
        Lab(unique_name(), nodes=1, control_plane=True) as lab,
        pytest.raises(NotReady, match=r"cp-kube-apiserver ended(?s:.*)no memory is left"),
    ):
        Cluster(lab, tmp_path).start()

    assert leftovers(lab.name) == set()
