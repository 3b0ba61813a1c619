"""What holds for the whole test run: who needs root, and that nothing is left on the machine.

An example of a property test may take as long as it takes: other things run on the machine as well.

Every namespace, mount and BPF pin that the lab makes carries its prefix. One that was not there at
the start of the session fails it at its end, and the failure names what was left.

`make test` has two workers (pytest-xdist): tests that mostly wait for the lab leave a processor to
those that compute. One worker has all of a folder, with what its tests share, in their order.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from tests.support.leftovers import leftovers

CLUSTER = Path(__file__).parent / "cluster"
NEED_ROOT = tuple(Path(__file__).parent / kind for kind in ("bpf", "cluster", "lab"))

settings.register_profile("vipcast", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("vipcast")

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # A shell ignores SIGINT for what it runs in the background, and programs inherit that: those
    # that the tests start and interrupt would never notice.
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    # The same under nohup: what catches a signal survives it, too, and programs inherit no handler.
    signal.signal(signal.SIGHUP, lambda *_: None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(item.path.is_relative_to(directory) for directory in NEED_ROOT):
            item.add_marker(pytest.mark.root)
        if item.path.is_relative_to(CLUSTER):
            item.add_marker(pytest.mark.cluster)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("root") and os.geteuid() != 0:
        pytest.skip(f"needs root rights; this user's id is {os.geteuid()}")


class ByFolder(LoadScopeScheduling):  # type: ignore[misc]
    """Hands a folder of tests to a worker as a whole."""

    def _split_scope(self, nodeid: str) -> str:
        _, folder, inner = nodeid.split("/", 2)
        return inner.partition("/")[0] if folder == "unit" else folder


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFolder:
    return ByFolder(config, log)


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_left_behind() -> Iterator[None]:
    before = leftovers()
    yield
    left = sorted(leftovers() - before)
    assert not left, "the tests left behind: " + ", ".join(left)
