"""What `vipcast explain` is asked about: found, in several places, unreadable or not there."""

from __future__ import annotations

import json
from pathlib import Path

from tests.unit.cli.cluster import EXHAUSTED, healthy
from tests.unit.cli.commands import Explain
from vipcast.cli.main import NAMED, NOT_FOUND, UNREADABLE


def test_a_service_that_cannot_be_read_is_explained_by_its_finding(
    tmp_path: Path, explain: Explain
) -> None:
    directory = healthy(tmp_path)
    metadata = {"name": "odd", "namespace": "shop"}
    spec = {"type": "Balancer"}
    directory.put(
        "odd.yaml", {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
    )
    code, lines, errors = explain("shop/odd")
    assert (code, lines) == (UNREADABLE, [])
    first, second = errors.splitlines()
    assert first == "vipcast: Service shop/odd is there, but its file cannot be read as one:"
    assert second.startswith("vipcast: Service shop/odd: spec.type = 'Balancer': ")


def test_a_service_that_is_not_there_is_exit_code_3(tmp_path: Path, explain: Explain) -> None:
    healthy(tmp_path)
    neither = f"vipcast: There is no Service or node nothing. {NAMED}\n"
    assert explain("nothing") == (NOT_FOUND, [], neither)
    only = f"vipcast: There is no Service nothing. {NAMED}\n"
    assert explain("svc/nothing") == (NOT_FOUND, [], only)
    elsewhere = "vipcast: There is no Service shop/web; there is default/web.\n"
    assert explain("shop/web") == (NOT_FOUND, [], elsewhere)
    code, lines, _ = explain("svc/nothing", "-ojson")
    told = json.loads("\n".join(lines))
    wanted = {"healthy": False, "errors": [only.removeprefix("vipcast: ").rstrip()]}
    assert (code, told) == (NOT_FOUND, wanted)


def test_a_service_that_may_be_in_a_bad_file_is_not_said_to_be_missing(
    tmp_path: Path, explain: Explain
) -> None:
    healthy(tmp_path)
    (tmp_path / "new.yaml").write_text("kind: Service\n  metadata: {name: new}\n")
    code, lines, errors = explain("new")
    assert (code, lines) == (UNREADABLE, [])
    first, second = errors.splitlines()
    assert first == (
        "vipcast: No Service or node new can be read. It may stand in a file that cannot be read:"
    )
    assert second.startswith("vipcast: file new.yaml: line ")


def test_a_name_in_two_namespaces_has_to_be_given_in_full(tmp_path: Path, explain: Explain) -> None:
    directory = healthy(tmp_path)
    directory.service("web", EXHAUSTED, namespace="shop")
    assert explain("web") == (
        UNREADABLE,
        [],
        "vipcast: Several Services have the name web: give one of default/web, shop/web.\n",
    )
    assert explain("shop/web")[1][0] == "Service shop/web has no address (poolExhausted)."
