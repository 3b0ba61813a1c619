"""Flags of the programs: each declared once, with the variables that stand for it.

    flag --some-name  →  VIPCAST_SOME_NAME  →  MetalLB's or kubectl's variable, if any  →  default

The first that is given counts; an empty variable counts as not given. `controller` and `speaker`
return frozen options, as `vipcast.cli.arguments` does for the command `vipcast`. They leave the
program as argparse does, by SystemExit: with 0 after --help and --version, with 2 after bad values,
each named in one sentence on stderr.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from vipcast.model.addresses import Network
from vipcast.model.classes import EVERY_DEFAULT, Classes
from vipcast.model.xdp import XdpMode
from vipcast.ops import values
from vipcast.ops.parser import Flag, Parser
from vipcast.ops.values import LogFormat, LogLevel

T = TypeVar("T")

KEY_VARIABLES: Final = ("VIPCAST_ML_SECRET_KEY", "METALLB_ML_SECRET_KEY")
"""What a Pod has the key of the hellos in, as MetalLB's manifests have it."""

IN_A_POD: Final = "KUBERNETES_SERVICE_HOST"
"""The variable that a kubelet sets in each Pod."""

DIRECTORY: Final = Flag(
    "directory",
    values.file_or_none,
    "directory of Kubernetes objects (YAML or JSON) that is followed instead of an API server",
    "PATH",
    default="none",
)
KUBECONFIG: Final = Flag(
    "kubeconfig",
    values.file_or_none,
    "file that says which API server is followed, and as whom; a Pod knows its own, and the command"
    " vipcast takes ~/.kube/config",
    "FILE",
    default="none",
    kubectl="KUBECONFIG",
)
NAMESPACE: Final = Flag(
    "namespace",
    values.namespace,
    "namespace of the configuration, the Secret and the status objects",
    "NAME",
    default="metallb-system",
    metallb="METALLB_NAMESPACE",
)
CONFIG: Final = Flag(
    "config", values.object_name, "name of the ConfigMap with the configuration", "NAME", "config"
)
LB_CLASS: Final = Flag(
    "lb-class",
    values.class_names,
    "values of spec.loadBalancerClass, with commas between them, whose Services are ours",
    "NAMES",
    default="none",
)
LB_CLASS_DEFAULT: Final = Flag(
    "lb-class-default",
    values.switch_or_auto,
    "whether Services without a class are ours: true, false, or auto (if there is no --lb-class)",
    "WHEN",
    default="auto",
)
SECRET: Final = Flag(
    "ml-secret-name",
    values.object_name,
    "name of the Secret whose entry secretkey authenticates the speakers' hellos",
    "NAME",
    default="memberlist",
    metallb="METALLB_ML_SECRET_NAME",
)
SERVICE_CIDR: Final = Flag(
    "service-cidr",
    values.networks,
    "ranges of cluster IPs, with commas between them, which no pool may share addresses with",
    "CIDR,...",
    default="none",
)
NODE_NAME: Final = Flag(
    "node-name",
    values.object_name,
    "name of the Node object that this speaker runs on",
    "NAME",
    metallb="METALLB_NODE_NAME",
)
PORT: Final = Flag(
    "port",
    values.port,
    "port of /metrics, /livez and /readyz; 0: any free port, which the log and RUN_DIR/*.port name",
    "NUMBER",
    default="7472",
)
PIN_PATH: Final = Flag(
    "pin-path",
    values.absolute_path,
    "directory on a BPF file system for the pinned maps and programs",
    "PATH",
    default="/sys/fs/bpf/vipcast",
)
RUN_DIR: Final = Flag(
    "run-dir",
    values.directory,
    "directory for the lock and the port file",
    "PATH",
    default="/run/vipcast",
)
XDP_MODE: Final = Flag(
    "xdp-mode",
    values.xdp_mode,
    "how the responder is attached: auto (as suits the driver), native or generic",
    "MODE",
    default="auto",
)
LOG_LEVEL: Final = Flag(
    "log-level", values.log_level, "all, debug, info, warn, error or none", "LEVEL", "info"
)
LOG_FORMAT: Final = Flag("log-format", values.log_format, "json or text", "FORMAT", "json")
UNINSTALL: Final = Flag(
    "uninstall",
    values.switch,
    "detach the responder from all interfaces, remove what is pinned, and end",
    "true|false",
    default="false",
)
OUTPUT: Final = Flag(
    "output",
    values.output,
    "table (text for people), json or yaml",
    "FORMAT",
    default="table",
    short="-o",
)

_LOGGING: Final = (LOG_LEVEL, LOG_FORMAT)
_CLASSES: Final = (LB_CLASS, LB_CLASS_DEFAULT)
_CONFIG: Final = (NAMESPACE, CONFIG, SERVICE_CIDR)
_OBJECTS: Final = (DIRECTORY, KUBECONFIG)
_PROGRAM: Final = (*_OBJECTS, *_CONFIG, *_CLASSES, SECRET, PORT, RUN_DIR, *_LOGGING)
CONTROLLER_FLAGS: Final[tuple[Flag[Any], ...]] = _PROGRAM
SPEAKER_FLAGS: Final[tuple[Flag[Any], ...]] = (NODE_NAME, *_PROGRAM, PIN_PATH, XDP_MODE, UNINSTALL)
UNINSTALL_FLAGS: Final[tuple[Flag[Any], ...]] = (PIN_PATH, RUN_DIR, *_LOGGING, UNINSTALL)


@dataclass(frozen=True, slots=True)
class Objects:
    """Where the objects are: a directory, else the API server of a kubeconfig, else our Pod's.

    Several files of `kubeconfig` are one together.
    """

    directory: Path | None = None
    kubeconfig: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class ControllerOptions:
    """What vipcast-controller was asked to do; `objects` is where they are."""

    objects: Objects
    namespace: str
    config: str
    service_cidr: tuple[Network, ...]
    ml_secret_name: str
    port: int
    run_dir: Path
    log_level: LogLevel
    log_format: LogFormat
    lb_class: Classes = EVERY_DEFAULT


@dataclass(frozen=True, slots=True)
class SpeakerOptions:
    """What vipcast-speaker was asked to do; `objects` is where they are."""

    node_name: str
    objects: Objects
    namespace: str
    config: str
    service_cidr: tuple[Network, ...]
    ml_secret_name: str
    port: int
    pin_path: Path
    run_dir: Path
    xdp_mode: XdpMode
    log_level: LogLevel
    log_format: LogFormat
    lb_class: Classes = EVERY_DEFAULT


@dataclass(frozen=True, slots=True)
class UninstallOptions:
    """`vipcast-speaker --uninstall`: needs neither a directory nor a node's name."""

    pin_path: Path
    run_dir: Path
    log_level: LogLevel
    log_format: LogFormat


def controller(
    arguments: Sequence[str] | None = None, environment: Mapping[str, str] | None = None
) -> ControllerOptions:
    """Read vipcast-controller's flags (of this process, unless given). May raise SystemExit."""
    parser = Parser("vipcast-controller", "Gives addresses to Services of type LoadBalancer.")
    parser.add(CONTROLLER_FLAGS)
    given = Given(parser, vars(parser.parse_args(arguments)), environment)
    given.check(CONTROLLER_FLAGS)
    return ControllerOptions(
        objects=objects_of(given),
        namespace=given[NAMESPACE],
        config=given[CONFIG],
        service_cidr=given[SERVICE_CIDR],
        lb_class=classes_of(given),
        ml_secret_name=given[SECRET],
        port=given[PORT],
        run_dir=given[RUN_DIR],
        log_level=given[LOG_LEVEL],
        log_format=given[LOG_FORMAT],
    )


def speaker(
    arguments: Sequence[str] | None = None, environment: Mapping[str, str] | None = None
) -> SpeakerOptions | UninstallOptions:
    """Read vipcast-speaker's flags (of this process, unless given). May raise SystemExit."""
    parser = Parser("vipcast-speaker", "Answers ARP for the Services' addresses inside XDP.")
    parser.add(SPEAKER_FLAGS)
    given = Given(parser, vars(parser.parse_args(arguments)), environment)
    given.check((UNINSTALL,))
    if given[UNINSTALL]:
        given.check(UNINSTALL_FLAGS)
        return UninstallOptions(
            given[PIN_PATH], given[RUN_DIR], given[LOG_LEVEL], given[LOG_FORMAT]
        )
    given.check(SPEAKER_FLAGS)
    return SpeakerOptions(
        node_name=given[NODE_NAME],
        objects=objects_of(given),
        namespace=given[NAMESPACE],
        config=given[CONFIG],
        service_cidr=given[SERVICE_CIDR],
        lb_class=classes_of(given),
        ml_secret_name=given[SECRET],
        port=given[PORT],
        pin_path=given[PIN_PATH],
        run_dir=given[RUN_DIR],
        xdp_mode=given[XDP_MODE],
        log_level=given[LOG_LEVEL],
        log_format=given[LOG_FORMAT],
    )


def objects_of(given: Given) -> Objects:
    """Where the objects are. A directory goes before a KUBECONFIG that is there for kubectl."""
    directory = given[DIRECTORY]
    return Objects(directory, given.kubeconfig() if directory is None else ())


def secret_key(environment: Mapping[str, str] | None = None) -> bytes | None:
    """The key for hellos as a Pod has it from the Secret, if that was there when it started.

    By a variable alone: what stands on a command line, everybody on the node can read.
    """
    variables = os.environ if environment is None else environment
    found = next(filter(None, map(variables.get, KEY_VARIABLES)), None)
    return None if found is None else os.fsencode(found)


class Given:
    """The value of each flag: from the command line, else the environment, else the default.

    `at_home`: the kubeconfig in the home directory counts where nothing is given, as with kubectl.
    """

    def __init__(
        self,
        parser: Parser,
        found: Mapping[str, Any],
        environment: Mapping[str, str] | None,
        *,
        at_home: bool = False,
    ) -> None:
        self._parser = parser
        self._found = found
        self._environment = os.environ if environment is None else environment
        self._at_home = at_home

    def check(self, flags: Sequence[Flag[Any]]) -> None:
        """Leave with every value named that cannot be used."""
        wrong = [problem for flag in flags if (problem := self._problem(flag)) is not None]
        if not wrong and DIRECTORY in flags and (problem := self._nowhere()) is not None:
            wrong.append(problem)
        if wrong:
            self._parser.error("\n".join(wrong))

    def __getitem__(self, flag: Flag[T]) -> T:
        """The value of a checked flag."""
        return flag.parse(self._text(flag)[1])

    def kubeconfig(self) -> tuple[Path, ...]:
        """The files that say which API server; kubectl's variable may name several."""
        place, text = self._text(KUBECONFIG)
        if place == KUBECONFIG.kubectl:
            return tuple(Path(part) for part in text.split(os.pathsep) if part)
        file = self._own_file() if self._searched() else self[KUBECONFIG]
        return () if file is None else (file,)

    def _searched(self) -> bool:
        """Whether the kubeconfig in the home directory would count."""
        place, text = self._text(KUBECONFIG)
        given = self._found.get(KUBECONFIG.destination)
        default = given is None and place == f"--{KUBECONFIG.name}" and text == KUBECONFIG.default
        return self._at_home and default and not self._environment.get(IN_A_POD)

    def _own_file(self) -> Path | None:
        home = self._environment.get("HOME")
        own = Path(home, ".kube", "config") if home else None
        return own if own is not None and own.exists() else None

    def _problem(self, flag: Flag[Any]) -> str | None:
        place, text = self._text(flag)
        if not text:
            return f"--{flag.name} is not set: give it, or set {' or '.join(flag.variables)}."
        try:
            flag.parse(text)
        except ValueError as error:
            return f"{place} has the value {text!r}, which {error}."
        return None

    def _nowhere(self) -> str | None:
        """What is wrong where it is not clear where the objects are."""
        place, _ = self._text(KUBECONFIG)
        directory, named = self[DIRECTORY], place != KUBECONFIG.kubectl and self[KUBECONFIG]
        if directory is not None and named:
            return "--directory and --kubeconfig exclude each other: give one of them."
        if directory or self.kubeconfig() or self._environment.get(IN_A_POD):
            return None
        variables = f"{DIRECTORY.variable}, {' or '.join(KUBECONFIG.variables)}"
        home = ", there is no ~/.kube/config" if self._searched() else ""
        return (
            "Nothing says where the objects are: give --directory or --kubeconfig, or set"
            f" {variables}{home}; only in a Pod they are found without."
        )

    def _text(self, flag: Flag[Any]) -> tuple[str, str]:
        """Where the value was found, and the value as text ("" if there is none)."""
        given: str | None = self._found.get(flag.destination)
        if given is not None:
            return f"--{flag.name}", given
        for variable in flag.variables:
            if text := self._environment.get(variable):
                return variable, text
        return f"--{flag.name}", flag.default or ""


def classes_of(given: Given) -> Classes:
    """--lb-class and --lb-class-default together; as in MetalLB unless the latter says more."""
    names, default = given[LB_CLASS], given[LB_CLASS_DEFAULT]
    return Classes(names, not names if default is None else default)
