"""One cluster of three nodes for all tests here; a failed test shows what its programs wrote.

A test puts back what it changes: it works in a namespace of its own, and starts again what it
stopped. A test that talks to the API server itself does so from inside the lab.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from lab.cluster import Lab
from lab.kubernetes.cluster import Cluster
from lab.kubernetes.programs import provide
from tests.support.apiproxy import ApiProxy
from tests.support.kubesources import KubeHarness, Users, prepare
from tests.support.labs import logs, unique_name
from tests.support.netns import inside

_numbers = itertools.count(1)


@pytest.fixture(scope="package")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """Three nodes, one client, one segment (192.0.2.0/24), and Kubernetes; no Services but its own.

    The first build says how far it is, past pytest's capture.
    """
    capture = request.config.pluginmanager.getplugin("capturemanager")
    terminal = request.config.get_terminal_writer()

    def say(sentence: str) -> None:
        with capture.global_and_fixture_disabled():
            terminal.line(f"cluster: {sentence}")

    programs = provide(say)
    with Lab(unique_name(), control_plane=True) as lab:
        standing = Cluster(lab, programs)
        standing.start()
        yield standing


@pytest.fixture
def lab(cluster: Cluster) -> Lab:
    """The lab that the cluster is in."""
    return cluster.lab


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A Kubernetes namespace of the test's own, ready for Pods; goes with all that is in it."""
    name = f"t{next(_numbers)}"
    cluster.create_namespace(name)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def inside_lab(cluster: Cluster) -> Iterator[None]:
    """This thread, with the loop that runs in it, is in the control plane's network namespace."""
    with inside(cluster.lab.cp.namespace):
        yield


@pytest.fixture
def users(cluster: Cluster, inside_lab: None) -> Iterator[Users]:  # noqa: ARG001 - opens sockets
    """The cluster's administrator, without kubectl."""
    opened = Users(cluster)
    yield opened
    opened.close()


@pytest.fixture
def proxy(cluster: Cluster) -> Iterator[ApiProxy]:
    """A proxy to the API server; from inside the lab."""
    credentials = cluster.credentials
    with ApiProxy(cluster.lab.cp.namespace, credentials.url, credentials.ca) as standing:
        yield standing


@pytest.fixture
def kube(cluster: Cluster, users: Users, proxy: ApiProxy, tmp_path: Path) -> Iterator[KubeHarness]:
    """The surroundings of a KubeSource, as the contract suite has them."""
    prepare(cluster)
    standing = KubeHarness(users, proxy, tmp_path)
    yield standing
    standing.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    used = getattr(item, "funcargs", {}).get("cluster")
    if call.excinfo is not None and isinstance(used, Cluster):
        report.sections += [(f"log {name}", text) for name, text in logs(used.lab)]
    return report
