"""Containers as the manifests ask for them: images built from the Dockerfiles, run by runc.

No engine and no registry are needed. Debian's packages make the base image (mmdebstrap), buildah
runs the Dockerfiles on it, and what a kubelet would do with a container of a Pod is done here: its
arguments, variables, mounts, rights and memory limit become an OCI bundle in a node of the lab.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import processes
from lab.cluster import Lab
from lab.host import Host
from lab.kernel import NAMESPACES
from lab.processes import Process
from tests.support.manifests import Object, container, one

PROJECT = Path(__file__).parents[2]
PATIENCE = 600.0
_MASKED = ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware", "/proc/scsi"]
_FIXED = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]


@dataclass(frozen=True, slots=True)
class Image:
    """The root file system of an image, mounted, and what the image says of its process."""

    root: Path
    entrypoint: list[str]
    variables: list[str]
    user: tuple[int, int]


class Images:
    """The images of a checkout, in a folder that goes with them."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._storage = ["--root", str(place / "store"), "--runroot", str(place / "run")]
        self._command = ["buildah", *self._storage, "--storage-driver", "overlay"]

    def build(self) -> None:
        """Make the base image, and from it ours."""
        base = self._place / "base.tar"
        _do(["mmdebstrap", "--quiet", "--variant=minbase", "bookworm", str(base)])
        (name,) = set(re.findall(r"^ARG DEBIAN=(\S+)$", self._dockerfiles(), re.MULTILINE))
        scratch = self._buildah("from", "scratch")
        self._buildah("add", "--quiet", scratch, str(base), "/")
        self._buildah("commit", "--quiet", "--rm", scratch, f"docker.io/library/{name}")
        base.unlink()
        engine = {"ENGINE": " ".join(self._command)}
        options = ["--isolation=chroot", "--network=host", "--pull=never", "--layers"]
        _do([str(PROJECT / "scripts" / "images"), *options, *self._certificates()], engine)

    def image(self, name: str) -> Image:
        """One of the images."""
        full = container(name)["image"]
        said = json.loads(self._buildah("inspect", "--type", "image", full))["OCIv1"]["config"]
        user, _, group = said.get("User", "0:0").partition(":")
        mounted = self._buildah("mount", self._buildah("from", "--pull=never", full))
        return Image(Path(mounted), said["Entrypoint"], said["Env"], (int(user), int(group)))

    def remove(self) -> None:
        """Unmount and remove everything."""
        self._buildah("umount", "--all")
        self._buildah("rm", "--all")
        shutil.rmtree(self._place)

    def _buildah(self, *words: str) -> str:
        return _do([*self._command, *words]).strip()

    def _dockerfiles(self) -> str:
        folders = ("controller", "speaker")
        return "".join((PROJECT / each / "Dockerfile").read_text() for each in folders)

    def _certificates(self) -> list[str]:
        """What this machine trusts, for pip while it builds."""
        file = self._place / "pip.conf"
        file.write_text("[global]\ncert = /run/host-certificates.crt\n")
        volumes = {
            "/etc/ssl/certs/ca-certificates.crt": "/run/host-certificates.crt",
            str(file): "/etc/pip.conf",
        }
        return [f"--volume={here}:{there}:ro" for here, there in volumes.items()]


def _do(argv: list[str], variables: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        argv,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env={**os.environ, **(variables or {})},
    )
    assert done.returncode == 0, f"{argv}: {done.stderr[-4000:]}"
    return done.stdout


@dataclass(frozen=True, slots=True)
class Pod:
    """Where a Pod of one of the two workloads runs, and what its kubelet fills in.

    `fields` are the values of fieldRefs, `secrets` those of secretKeyRefs ("name/key"); `hosts`
    says where in the lab a path of the node is; `account` has the files of the service account.
    """

    kind: str
    name: str
    lab: Lab
    host: Host
    place: Path
    fields: Mapping[str, str]
    secrets: Mapping[str, str]
    hosts: Mapping[str, Path]
    account: Path
    server: str

    @property
    def spec(self) -> Object:
        """The Pod's spec in the manifest."""
        return dict(one(self.kind, self.name)["spec"]["template"]["spec"])

    def bundle(self, image: Image, name: str) -> Path:
        """Write the OCI bundle of one container."""
        folder = self.place / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(self._configuration(image, name)))
        return folder

    @contextmanager
    def running(self, image: Image, name: str) -> Iterator[Process]:
        """One container, while it runs or has ended; removed in the end."""
        identity = f"{self.host.namespace}-{name}"
        command = ["runc", "--root", str(self.place / "runc")]
        bundle = str(self.bundle(image, name))
        # Not by the host itself: below `ip netns exec` there are no control groups to be seen.
        process = processes.start(
            [*command, "run", "--bundle", bundle, identity],
            name=f"{self.host.name}-{name}",
            records=self.lab.run.records,
            log=self.lab.run.log / f"{self.host.name}-{name}.log",
            env=os.environ,
            lock=self.lab.run.lock.descriptor,
        )
        try:
            yield process
        finally:
            process.stop(patience=10.0)
            subprocess.run([*command, "delete", "--force", identity], check=False)

    def most_memory(self, name: str) -> int:
        """Bytes that a running container has had at most, everything in it together."""
        below = f"vipcast-{self.host.namespace}-{name}"
        groups = Path("/sys/fs/cgroup")
        for file in (
            groups / "memory" / below / "memory.max_usage_in_bytes",
            groups / below / "memory.peak",
        ):
            if file.exists():
                return int(file.read_text())
        raise AssertionError(f"no control group tells the memory of {below}")

    def _configuration(self, image: Image, name: str) -> Object:
        asked, security = container(name), container(name)["securityContext"]
        of_pod = self.spec.get("securityContext", {})
        user = security.get("runAsUser", of_pod.get("runAsUser", image.user[0]))
        group = of_pod.get("runAsGroup", image.user[1])
        held = [f"CAP_{each}" for each in security["capabilities"].get("add", ())]
        # A user who is not root starts without any, whatever may be had.
        effective = held if user == 0 else []
        sets = dict.fromkeys(("effective", "permitted"), effective) | {"bounding": held}
        return {
            "ociVersion": "1.0.2",
            "root": {"path": str(image.root), "readonly": security["readOnlyRootFilesystem"]},
            "hostname": self.host.name,
            "process": {
                "user": {"uid": user, "gid": group},
                "args": [*image.entrypoint, *asked["args"]],
                "env": [*image.variables, *self._variables(asked)],
                "cwd": "/",
                "noNewPrivileges": not security["allowPrivilegeEscalation"],
                "capabilities": sets,
            },
            "mounts": [*_SYSTEM, *self._mounts(asked)],
            "linux": {
                "namespaces": [
                    *({"type": each} for each in ("pid", "ipc", "uts", "mount")),
                    {"type": "network", "path": str(NAMESPACES / self.host.namespace)},
                ],
                "cgroupsPath": f"/vipcast-{self.host.namespace}-{name}",
                "resources": {"memory": {"limit": memory(asked)}},
                "maskedPaths": _MASKED,
                "readonlyPaths": _FIXED,
            },
        }

    def _variables(self, asked: Object) -> list[str]:
        given = {"KUBERNETES_SERVICE_HOST": self.server, "KUBERNETES_SERVICE_PORT": "6443"}
        for each in asked.get("env", ()):
            source = each["valueFrom"]
            if "fieldRef" in source:
                given[each["name"]] = self.fields[source["fieldRef"]["fieldPath"]]
                continue
            ref = source["secretKeyRef"]
            value = self.secrets.get(f"{ref['name']}/{ref['key']}")
            assert value is not None or ref["optional"]
            if value is not None:
                given[each["name"]] = value
        return [f"{name}={value}" for name, value in given.items()]

    def _mounts(self, asked: Object) -> list[Object]:
        volumes = {each["name"]: each for each in self.spec["volumes"]}
        found = [_bind(self.account, "/run/secrets/kubernetes.io/serviceaccount", "ro")]
        for each in asked["volumeMounts"]:
            volume = volumes[each["name"]]
            if "hostPath" in volume:
                here = self.hosts[volume["hostPath"]["path"]]
            else:
                here = self.place / "volumes" / each["name"]
                here.mkdir(parents=True, exist_ok=True)
                here.chmod(0o777)
            found.append(_bind(here, each["mountPath"], "rw"))
        return found


def memory(asked: Object) -> int:
    """A container's memory limit in bytes."""
    text = str(asked["resources"]["limits"]["memory"])
    assert text.endswith("Mi")
    return int(text.removesuffix("Mi")) * 2**20


def _bind(here: Path, there: str, how: str) -> Object:
    return {"destination": there, "type": "bind", "source": str(here), "options": ["rbind", how]}


def _system(where: str, kind: str, *options: str) -> dict[str, Any]:
    return {"destination": where, "type": kind, "source": kind, "options": list(options)}


_SYSTEM = [
    _system("/proc", "proc"),
    _system("/dev", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
    _system("/dev/shm", "tmpfs", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k"),
    _system("/sys", "sysfs", "nosuid", "noexec", "nodev", "ro"),
]
