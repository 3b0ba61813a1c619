"""One lab of three nodes for the tests of a module; a failed test shows its programs' logs."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest

from lab.cluster import Lab
from tests.support.labs import logs, unique_name


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Three nodes, one client, one segment (192.0.2.0/24); a test puts back what it changes."""
    with Lab(unique_name()) as standing:
        yield standing


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    arguments = getattr(item, "funcargs", {})
    if call.excinfo is not None:
        for value in arguments.values():
            if isinstance(value, Lab):
                report.sections += [(f"log {name}", text) for name, text in logs(value)]
    return report
