"""What the programs do not load: a library's other rooms, which every node would pay for."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys

import pytest

from vipcast.model.errors import HostError
from vipcast.packages import enter, instead_of

LOAD = """
import sys
import {program}.main
import vipcast.kube.source
from vipcast.kube.api import Access, Api
Api(Access())
print(*sorted(sys.modules))
"""


def loaded(program: str) -> set[str]:
    """The modules of a program that follows an API server."""
    code = LOAD.format(program=program)
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(told.stdout.split())


def test_a_speaker_on_a_cluster_loads_of_each_library_what_it_uses() -> None:
    modules = loaded("speaker")
    assert {"pyroute2.iproute.linux", "kubernetes.aio.client.rest"} <= modules
    assert not modules & {
        *("pyroute2.ndb", "pyroute2.conntrack", "pyroute2.iproute.ipmock", "unittest"),
        *("pydantic", "pydantic_core"),
        *("kubernetes.client", "kubernetes.aio.client.api.core_v1_api", "watchfiles", "bcc"),
    }


def test_a_controller_on_a_cluster_loads_of_each_library_what_it_uses() -> None:
    modules = loaded("controller")
    assert "kubernetes.aio.client.rest" in modules
    assert not modules & {
        "pydantic",
        "pydantic_core",
        "kubernetes.client",
        "watchfiles",
        "pyroute2",
    }


def test_a_package_that_is_missing_is_named() -> None:
    with pytest.raises(HostError, match="The Python package nowhere is missing"):
        enter("nowhere", "nowhere.at_all")


def test_who_stands_in_is_gone_afterwards() -> None:
    with instead_of("nowhere", answer=42):
        assert importlib.import_module("nowhere").answer == 42
    assert "nowhere" not in sys.modules


def test_nobody_stands_in_for_what_is_there() -> None:
    with instead_of("json", loads=None):
        assert importlib.import_module("json") is json
    assert json.loads("1") == 1
