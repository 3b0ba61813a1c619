"""The manifests on a real API server: they apply, apply again, and leave MetalLB's kinds alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import kernel
from lab.errors import CommandFailed
from lab.kubernetes.cluster import Cluster
from lab.kubernetes.programs import provide
from tests.cluster.manifests.conftest import say
from tests.support.manifests import MANIFESTS, Object, definitions, documents, installed

FILES = ("-f", str(MANIFESTS / "namespace.yaml"), "-f", str(MANIFESTS / "vipcast.yaml"))
EXAMPLES = sorted((MANIFESTS / "examples").glob("*.yaml"))
STRICT = "--validate=strict"
COMMUNITY: Object = {
    "apiVersion": "metallb.io/v1beta1",
    "kind": "Community",
    "metadata": {"name": "theirs", "namespace": "metallb-system"},
    "spec": {"communities": [{"name": "vpn", "value": "64512:1"}]},
}


def kustomized(folder: Path) -> str:
    """What kubectl makes of a folder; needs no API server."""
    return kernel.call([str(provide(say) / "kubectl"), "kustomize", str(folder)])


def versions(cluster: Cluster) -> dict[str, str]:
    """The resource version of every installed object."""
    text = cluster.kubectl("get", *FILES, "-o", "json")
    return {
        f"{each['kind']} {each['metadata']['name']}": each["metadata"]["resourceVersion"]
        for each in json.loads(text)["items"]
    }


def test_the_single_files_are_what_the_folders_say() -> None:
    said, _, text = (MANIFESTS / "vipcast.yaml").read_text().partition("\n")

    assert "scripts/manifests" in said
    assert text == kustomized(MANIFESTS / "programs"), "run scripts/manifests"


def test_the_folder_installs_the_same_as_the_two_files(tmp_path: Path) -> None:
    whole = tmp_path / "whole.yaml"
    whole.write_text(kustomized(MANIFESTS))

    def by_name(objects: list[Object]) -> list[Object]:
        return sorted(objects, key=lambda each: (each["kind"], each["metadata"]["name"]))

    assert by_name(documents(whole)) == by_name(installed())


def test_everything_is_there_after_one_apply_and_another_changes_nothing(cluster: Cluster) -> None:
    before = versions(cluster)
    assert len(before) == len(installed())

    said = cluster.kubectl("apply", *FILES, STRICT).splitlines()

    assert [line for line in said if not line.endswith("unchanged")] == []
    assert versions(cluster) == before


def test_the_server_knows_every_field_of_every_object(cluster: Cluster) -> None:
    cluster.kubectl(
        "apply", "--server-side", "--dry-run=server", STRICT, "--force-conflicts", *FILES
    )


def test_every_kind_is_served_in_every_version(cluster: Cluster) -> None:
    for each in definitions():
        path = f"/apis/{each.group}/{each.version}/{each.plural}"
        listed = json.loads(cluster.kubectl("get", "--raw", path))
        assert listed["kind"] == f"{each.kind}List"
        definition = cluster.get("crd", f"{each.plural}.{each.group}")
        conditions = {one["type"]: one for one in definition["status"]["conditions"]}
        assert conditions["Established"]["status"] == "True"
        assert "NonStructuralSchema" not in conditions, conditions


@pytest.mark.parametrize("file", EXAMPLES, ids=[file.name for file in EXAMPLES])
def test_an_example_applies(cluster: Cluster, file: Path) -> None:
    cluster.kubectl("apply", "--dry-run=server", STRICT, "-f", str(file))


def test_pods_are_admitted_to_the_namespace_as_the_workloads_ask_for_them(cluster: Cluster) -> None:
    """No kubelet and no scheduler run here, but admission looks at Pods as it does anywhere."""
    for each in installed():
        if each["kind"] not in ("DaemonSet", "Deployment"):
            continue
        template = each["spec"]["template"]
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {**template["metadata"], "name": "trial", "namespace": "metallb-system"},
            "spec": template["spec"],
        }
        arguments = ("create", "--dry-run=server", STRICT, "-f", "-")
        assert "trial" in cluster.kubectl(*arguments, text=json.dumps(pod))


class TestBesideMetalLB:
    """A kind of group metallb.io that is there already, in another form, with an object in it."""

    NAME = "communities.metallb.io"

    @pytest.fixture
    def foreign(self, cluster: Cluster) -> Iterator[Any]:
        """The spec of the kind as somebody else has applied it; ours is put back in the end."""
        theirs = next(each for each in installed() if each["metadata"]["name"] == self.NAME)
        version = theirs["spec"]["versions"][0]
        version["additionalPrinterColumns"] = [
            {"name": "Theirs", "type": "string", "jsonPath": ".spec.communities[*].name"}
        ]
        cluster.kubectl("delete", "crd", self.NAME, "--timeout=60s")
        cluster.apply(theirs)
        cluster.kubectl("wait", "--for=condition=Established", f"crd/{self.NAME}", "--timeout=60s")
        cluster.apply(COMMUNITY)
        yield self.spec(cluster)
        cluster.kubectl("delete", "crd", self.NAME, "--timeout=60s")
        cluster.kubectl("apply", *FILES)

    def spec(self, cluster: Cluster) -> Any:
        return cluster.get("crd", self.NAME)["spec"]

    def test_it_is_left_alone_by_the_installation_that_is_for_this(
        self, cluster: Cluster, foreign: Any
    ) -> None:
        cluster.kubectl("apply", "-k", str(MANIFESTS / "beside-metallb"))

        assert self.spec(cluster) == foreign

    def test_creating_the_kinds_adds_those_that_are_missing_and_leaves_it_alone(
        self, cluster: Cluster, foreign: Any
    ) -> None:
        missing = "bfdprofiles.metallb.io"
        cluster.kubectl("delete", "crd", missing, "--timeout=60s")

        with pytest.raises(CommandFailed, match=f'"{self.NAME}" already exists'):
            cluster.kubectl("create", "-k", str(MANIFESTS / "crds"))

        assert self.spec(cluster) == foreign
        assert cluster.get("crd", missing)

    def test_the_whole_installation_takes_its_place_and_keeps_its_objects(
        self, cluster: Cluster, foreign: Any
    ) -> None:
        cluster.kubectl("apply", *FILES)

        assert self.spec(cluster) != foreign
        kept = cluster.get("community", "theirs", "metallb-system")
        assert kept["spec"] == COMMUNITY["spec"]
