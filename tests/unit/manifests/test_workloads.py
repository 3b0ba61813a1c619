"""The workloads ask for what the programs need, and their roles for the calls that they make."""

from __future__ import annotations

from typing import Any

import pytest

from controller.main import KINDS as CONTROLLER_KINDS
from speaker.adapters.pulse import PORT as HELLO_PORT
from speaker.main import KINDS as SPEAKER_KINDS
from tests.support.manifests import Object, Right, container, installed, one, rights
from vipcast.kube.paths import plural
from vipcast.model.raw import CLUSTER_WIDE, CONFIG_MAP, ENDPOINT_SLICE, SECRET, SERVICE, Kind
from vipcast.ops import flags
from vipcast.ops.parser import version

EVERYWHERE = CLUSTER_WIDE | {SERVICE, ENDPOINT_SLICE}
NAMES = {
    "controller": {CONFIG_MAP: "config", SECRET: "memberlist"},
    "speaker": {CONFIG_MAP: "config"},
}
"""The only objects of their kinds that a program follows."""

EVENTS = {Right("everywhere", "", "events", verb) for verb in ("create", "delete", "get", "patch")}


def own(group: str, resource: str, *verbs: str) -> set[Right]:
    return {Right("own", group, resource, verb) for verb in verbs}


STATE = own("metallb.io", "configurationstates", "create", "patch") | own(
    "metallb.io", "configurationstates/status", "patch"
)
WRITES = {
    "controller": EVENTS
    | STATE
    | {Right("everywhere", "", "services/status", "patch")}
    | own("", "secrets", "create")
    | own("metallb.io", "ipaddresspools/status", "patch"),
    "speaker": EVENTS
    | STATE
    | own("metallb.io", "servicebgpstatuses", "create", "delete", "patch")
    | own("metallb.io", "servicebgpstatuses/status", "patch")
    | own("metallb.io", "servicel2statuses", "create", "delete", "patch")
    | own("metallb.io", "servicel2statuses/status", "patch")
    | own("vipcast.io", "speakerstatuses", "create", "patch")
    | own("vipcast.io", "speakerstatuses/status", "patch"),
}
"""What the programs write; each is shown to be needed in tests/cluster/manifests/test_rights.py."""


def reads(program: str, kinds: frozenset[Kind]) -> set[Right]:
    """Each kind that a program follows is listed and watched."""
    return {
        Right(
            "everywhere" if kind in EVERYWHERE else "own",
            kind.group,
            plural(kind),
            verb,
            NAMES[program].get(kind, ""),
        )
        for kind in kinds
        for verb in ("list", "watch")
    }


def workload(name: str) -> Object:
    return one("Deployment" if name == "controller" else "DaemonSet", name)


def pod(name: str) -> Any:
    return workload(name)["spec"]["template"]["spec"]


@pytest.mark.parametrize(
    ("program", "kinds"), [("controller", CONTROLLER_KINDS), ("speaker", SPEAKER_KINDS)]
)
def test_a_program_may_make_the_calls_that_it_makes_and_no_other(
    program: str, kinds: frozenset[Kind]
) -> None:
    assert rights(program) == reads(program, kinds) | WRITES[program]


def test_nobody_may_use_a_wildcard() -> None:
    for program in ("controller", "speaker"):
        assert not [each for each in rights(program) if "*" in "".join(each)]


def test_the_programs_take_the_arguments_and_variables_of_their_containers() -> None:
    given = {"VIPCAST_NODE_NAME": "node1", "VIPCAST_NAMESPACE": "metallb-system"}
    for name in ("controller", "speaker"):
        said = {each["name"] for each in container(name)["env"]}
        environment = {key: value for key, value in given.items() if key in said}
        environment[flags.IN_A_POD] = "192.0.2.5"
        read: Any = flags.controller if name == "controller" else flags.speaker
        options = read(container(name)["args"], environment)
        (probe,) = {
            container(name)[each]["httpGet"]["port"] for each in ("livenessProbe", "readinessProbe")
        }
        ports = {port["name"]: port["containerPort"] for port in container(name)["ports"]}
        assert options.port == ports[probe] == 7472
        assert options.namespace == "metallb-system"


def test_the_loader_and_the_speaker_work_on_the_same_pins_of_the_node() -> None:
    options = flags.speaker(
        container("speaker")["args"], {"VIPCAST_NODE_NAME": "n", flags.IN_A_POD: "192.0.2.5"}
    )
    assert isinstance(options, flags.SpeakerOptions)
    assert container("loader")["args"] == [f"--pin-path={options.pin_path}"]
    mounts = {each["name"]: each["mountPath"] for each in container("speaker")["volumeMounts"]}
    hosts = {
        each["name"]: each.get("hostPath", {}).get("path") for each in pod("speaker")["volumes"]
    }
    assert options.pin_path.is_relative_to(mounts["bpf"])
    assert {hosts[name]: path for name, path in mounts.items()} == {
        mounts["bpf"]: "/sys/fs/bpf",
        str(options.run_dir): str(options.run_dir),
    }


@pytest.mark.parametrize("name", ["controller", "loader", "speaker"])
def test_no_container_can_write_to_its_root_or_gain_rights(name: str) -> None:
    security = container(name)["securityContext"]
    assert security["readOnlyRootFilesystem"] is True
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"]["drop"] == ["ALL"]
    assert "privileged" not in security
    assert container(name)["resources"]["limits"].keys() == {"memory"}, "no limit of processor time"


def test_the_controller_is_nobody_and_the_speaker_fits_into_100_mib() -> None:
    assert pod("controller")["securityContext"]["runAsNonRoot"] is True
    assert pod("controller")["securityContext"]["runAsUser"] == 65534
    assert "add" not in container("controller")["securityContext"]["capabilities"]
    assert container("speaker")["resources"]["limits"]["memory"] == "100Mi"
    assert pod("speaker")["hostNetwork"] is True


def test_labels_annotations_and_ports_are_where_metallb_s_users_look_for_them() -> None:
    for name in ("controller", "speaker"):
        metadata = workload(name)["spec"]["template"]["metadata"]
        assert metadata["labels"] == {"app": "metallb", "component": name}
        assert workload(name)["spec"]["selector"]["matchLabels"] == metadata["labels"]
        assert metadata["annotations"] == {
            "prometheus.io/port": "7472",
            "prometheus.io/scrape": "true",
        }
    ports = {each["name"]: each["containerPort"] for each in container("speaker")["ports"]}
    assert ports == {"monitoring": 7472, "hello": HELLO_PORT}
    assert {each["metadata"].get("namespace", "metallb-system") for each in installed()} == {
        "metallb-system"
    }


def test_the_images_are_of_this_version() -> None:
    for name in ("controller", "loader", "speaker"):
        assert container(name)["image"] == f"vipcast/{name}:{version()}"


def test_two_controllers_never_run_at_once() -> None:
    assert workload("controller")["spec"]["strategy"] == {"type": "Recreate"}
    assert workload("controller")["spec"]["replicas"] == 1


def test_the_key_of_the_hellos_is_no_condition_for_a_start() -> None:
    (key,) = (each for each in container("speaker")["env"] if each["name"] in flags.KEY_VARIABLES)
    assert key["valueFrom"]["secretKeyRef"] == {
        "name": "memberlist",
        "key": "secretkey",
        "optional": True,
    }
