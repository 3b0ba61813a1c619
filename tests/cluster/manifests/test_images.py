"""The images, built from the Dockerfiles, and both programs in containers as the manifests ask.

Root is read-only, rights are those that are named, memory is limited, and the API server is found
as in any Pod; a client gets its answer.
"""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Iterator

import pytest

from lab.host import Host
from lab.kubernetes.cluster import Cluster
from lab.kubernetes.pods import ProgramPods
from lab.vipcast import Vipcast, pool, service
from tests.support.containers import Image, Images, Pod, memory
from tests.support.manifests import container
from tests.support.waiting import eventually

OWN = "metallb-system"
COMPILERS = re.compile(r"clang|llvm|LLVM|bcc|/(gcc|cc|as|ld|pip)[\d.-]*$")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Image]]:
    """The three images, mounted. Building them takes a minute or two."""
    building = Images(tmp_path_factory.mktemp("images"))
    try:
        building.build()
        yield {name: building.image(name) for name in ("controller", "loader", "speaker")}
    finally:
        building.remove()


def pod(cluster: Cluster, kind: str, name: str, host: Host, **secrets: str) -> Pod:
    """A Pod of a workload on a host of the lab, with what its kubelet would give it."""
    place = cluster.lab.run.path / f"pod-{name}"
    account = place / "account"
    account.mkdir(parents=True, exist_ok=True)
    shutil.copy(cluster.credentials.ca, account / "ca.crt")
    (account / "token").write_text(cluster.token(name, OWN))
    (account / "namespace").write_text(OWN)
    for path in (account, *account.iterdir()):
        path.chmod(0o755)
    for path in (host.pin_path, host.run_dir):
        path.mkdir(parents=True, exist_ok=True)
    pods = ProgramPods(cluster, OWN)
    pods.variables(name, host)
    metadata = pods.get(name, host)["metadata"]
    told = {f"metadata.{field}": metadata[field] for field in ("name", "namespace", "uid")}
    return Pod(
        kind,
        name,
        cluster.lab,
        host,
        place,
        {"spec.nodeName": host.name, **told},
        secrets,
        {"/sys/fs/bpf": host.pin_path, "/run/vipcast": host.run_dir},
        account,
        str(cluster.credentials.api),
    )


def files(image: Image) -> list[str]:
    """Every file of an image, by its path from the root."""
    return [str(path.relative_to(image.root)) for path in image.root.rglob("*") if path.is_file()]


@pytest.mark.parametrize("name", ["controller", "speaker"])
def test_what_runs_for_long_has_no_compiler(images: dict[str, Image], name: str) -> None:
    programs = [
        file
        for file in files(images[name])
        if file.startswith(("usr/bin/", "usr/sbin/", "opt/vipcast/bin/")) or ".so" in file
    ]

    assert f"opt/vipcast/bin/vipcast-{name}" in programs
    assert [file for file in programs if COMPILERS.search(file)] == []


def test_the_controller_s_image_is_nobody_s(images: dict[str, Image]) -> None:
    assert images["controller"].user == (65534, 65534)


def test_both_programs_do_their_work_in_containers_as_the_manifests_ask(
    cluster: Cluster, images: dict[str, Image]
) -> None:
    lab, node = cluster.lab, cluster.lab.node(1)
    wire = Vipcast(lab)
    cluster.apply(pool(["192.0.2.240-192.0.2.250"]), service("web"))
    cluster.serve("web")
    first = pod(cluster, "Deployment", "controller", lab.cp)

    with first.running(images["controller"], "controller") as controller:
        eventually(lambda: cluster.list("secret", OWN), what="there is a key", deadline=60)
        found = cluster.get("secret", "memberlist", OWN)["data"]["secretkey"]
        secrets = {"memberlist/secretkey": base64.b64decode(found).decode()}
        second = pod(cluster, "DaemonSet", "speaker", node, **secrets)
        with second.running(images["loader"], "loader") as loader:
            assert loader.wait(60.0) == 0, loader.output
        with second.running(images["speaker"], "speaker") as speaker:
            wire.await_ready(node)
            vip = eventually(lambda: address(cluster), what="there is an address", deadline=60)
            eventually(lambda: wire.answering(vip) == "node1", what="it is answered for")
            ask = ["curl", "-sS", "-f", "-m", "2", f"http://{vip}/"]
            eventually(
                lambda: lab.client.run(ask, check=False).returncode == 0, what="a pod answers"
            )
            eventually(
                lambda: cluster.list("servicel2statuses", OWN), what="the holder is reported"
            )
            (report,) = cluster.list("servicel2statuses", OWN)
            (of,) = report["metadata"]["ownerReferences"]
            assert (of["kind"], of["uid"]) == ("Pod", second.fields["metadata.uid"])
            limit = memory(container("speaker"))
            assert second.most_memory("speaker") < 0.8 * limit
            assert '"level":"error"' not in speaker.output
        with second.running(images["speaker"], "speaker") as speaker:
            wire.await_ready(node)
            assert "The program was attached already." in speaker.output
            assert wire.answering(vip) == "node1"
        assert '"bug"' not in controller.output
    cluster.unserve("web")
    cluster.kubectl("delete", "service", "web")
    cluster.kubectl("delete", "configmap", "config", "-n", OWN)
    cluster.kubectl("delete", "pods", "-l", "app=metallb", "-n", OWN, "--force")


def address(cluster: Cluster) -> str:
    """The Service's address, "" while it has none."""
    status = cluster.get("service", "web")["status"]["loadBalancer"]
    return str(status["ingress"][0]["ip"]) if status.get("ingress") else ""
