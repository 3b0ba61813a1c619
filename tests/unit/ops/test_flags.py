"""Flags: three places to set each, typed options, and one sentence for each bad value."""

from __future__ import annotations

import os
import pty
import sys
import termios
from collections.abc import Callable, Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

import pytest

from vipcast.model.classes import Classes
from vipcast.model.xdp import XdpMode
from vipcast.ops import flags
from vipcast.ops.flags import (
    ControllerOptions,
    Objects,
    SpeakerOptions,
    UninstallOptions,
)
from vipcast.ops.parser import version
from vipcast.ops.values import LogFormat, LogLevel

DEFAULTS = SpeakerOptions(
    node_name="node-1",
    objects=Objects(Path("/objects")),
    namespace="metallb-system",
    config="config",
    service_cidr=(),
    ml_secret_name="memberlist",
    port=7472,
    pin_path=Path("/sys/fs/bpf/vipcast"),
    run_dir=Path("/run/vipcast"),
    xdp_mode=XdpMode.AUTO,
    log_level=LogLevel.INFO,
    log_format=LogFormat.JSON,
)


def test_a_speaker_needs_objects_and_a_node_name_and_the_rest_has_defaults() -> None:
    assert flags.speaker(["--directory", "/objects", "--node-name=node-1"], {}) == DEFAULTS


def test_a_controller_needs_objects_and_the_rest_has_defaults() -> None:
    assert flags.controller(["--directory=/objects"], {}) == ControllerOptions(
        objects=Objects(Path("/objects")),
        namespace="metallb-system",
        config="config",
        service_cidr=(),
        ml_secret_name="memberlist",
        port=7472,
        run_dir=Path("/run/vipcast"),
        log_level=LogLevel.INFO,
        log_format=LogFormat.JSON,
    )


def test_every_flag_of_the_speaker_can_be_given_on_the_command_line() -> None:
    arguments = [
        *("--directory", "here", "--node-name", "n.example", "--namespace", "lb"),
        *("--config", "pools", "--ml-secret-name", "key", "--port", "0"),
        *("--service-cidr", "10.96.0.1/12, fd00::/108"),
        *("--pin-path", "/bpf/x", "--run-dir", "/tmp/run", "--xdp-mode", "generic"),
        *("--log-level", "all", "--log-format", "text"),
        *("--lb-class", "lan, example.com/Wide", "--lb-class-default", "true"),
    ]
    assert flags.speaker(arguments, {}) == SpeakerOptions(
        node_name="n.example",
        objects=Objects(Path("here")),
        namespace="lb",
        config="pools",
        service_cidr=(IPv4Network("10.96.0.0/12"), IPv6Network("fd00::/108")),
        ml_secret_name="key",
        port=0,
        pin_path=Path("/bpf/x"),
        run_dir=Path("/tmp/run"),
        xdp_mode=XdpMode.GENERIC,
        log_level=LogLevel.ALL,
        log_format=LogFormat.TEXT,
        lb_class=Classes(frozenset({"lan", "example.com/Wide"}), default=True),
    )


def test_every_flag_of_the_speaker_has_a_variable_of_ours() -> None:
    environment = {
        "VIPCAST_DIRECTORY": "/objects",
        "VIPCAST_NODE_NAME": "node-2",
        "VIPCAST_NAMESPACE": "lb",
        "VIPCAST_CONFIG": "pools",
        "VIPCAST_SERVICE_CIDR": "10.96.0.0/12",
        "VIPCAST_ML_SECRET_NAME": "key",
        "VIPCAST_PORT": "7473",
        "VIPCAST_PIN_PATH": "/bpf/x",
        "VIPCAST_RUN_DIR": "/tmp/run",
        "VIPCAST_XDP_MODE": "native",
        "VIPCAST_LOG_LEVEL": "none",
        "VIPCAST_LOG_FORMAT": "text",
        "VIPCAST_LB_CLASS": "example.com/lan",
        "VIPCAST_LB_CLASS_DEFAULT": "false",
    }
    assert flags.speaker([], environment) == SpeakerOptions(
        node_name="node-2",
        objects=Objects(Path("/objects")),
        namespace="lb",
        config="pools",
        service_cidr=(IPv4Network("10.96.0.0/12"),),
        ml_secret_name="key",
        port=7473,
        pin_path=Path("/bpf/x"),
        run_dir=Path("/tmp/run"),
        xdp_mode=XdpMode.NATIVE,
        log_level=LogLevel.NONE,
        log_format=LogFormat.TEXT,
        lb_class=Classes(frozenset({"example.com/lan"}), default=False),
    )


@pytest.mark.parametrize(
    ("given", "classes"),
    [
        ([], Classes()),
        (["--lb-class=none"], Classes()),
        (["--lb-class=a/b"], Classes(frozenset({"a/b"}), default=False)),
        (["--lb-class=a/b", "--lb-class-default=auto"], Classes(frozenset({"a/b"}), default=False)),
        (["--lb-class=a/b", "--lb-class-default=true"], Classes(frozenset({"a/b"}), default=True)),
        (["--lb-class-default=false"], Classes(default=False)),
    ],
)
def test_services_without_a_class_are_ours_unless_there_is_a_class_or_a_word_for_it(
    given: list[str], classes: Classes
) -> None:
    assert flags.controller(["--directory=/objects", *given], {}).lb_class == classes


@pytest.mark.parametrize(
    ("arguments", "environment", "namespace"),
    [
        (
            ["--namespace=flag"],
            {"VIPCAST_NAMESPACE": "ours", "METALLB_NAMESPACE": "theirs"},
            "flag",
        ),
        ([], {"VIPCAST_NAMESPACE": "ours", "METALLB_NAMESPACE": "theirs"}, "ours"),
        ([], {"METALLB_NAMESPACE": "theirs"}, "theirs"),
        ([], {"VIPCAST_NAMESPACE": "", "METALLB_NAMESPACE": "theirs"}, "theirs"),
        ([], {"VIPCAST_NAMESPACE": "", "METALLB_NAMESPACE": ""}, "metallb-system"),
    ],
)
def test_the_flag_counts_before_our_variable_before_metallbs_before_the_default(
    arguments: list[str], environment: Mapping[str, str], namespace: str
) -> None:
    arguments = ["--directory=/objects", *arguments]
    assert flags.controller(arguments, environment).namespace == namespace


def test_metallbs_variables_are_those_that_its_manifests_set() -> None:
    known = {flag.name: flag.metallb for flag in flags.SPEAKER_FLAGS if flag.metallb}
    assert known == {
        "node-name": "METALLB_NODE_NAME",
        "namespace": "METALLB_NAMESPACE",
        "ml-secret-name": "METALLB_ML_SECRET_NAME",
    }


def test_the_arguments_of_metallbs_old_manifests_are_understood() -> None:
    environment = {
        "METALLB_NODE_NAME": "node-1",
        "METALLB_HOST": "192.0.2.1",
        "VIPCAST_DIRECTORY": "/objects",
    }
    assert flags.speaker(["--port=7472", "--config=config"], environment) == DEFAULTS


@pytest.mark.parametrize("arguments", [["--uninstall"], ["--uninstall=true"]])
def test_uninstalling_needs_neither_directory_nor_node_name(arguments: list[str]) -> None:
    assert flags.speaker([*arguments, "--pin-path=/bpf/x"], {}) == UninstallOptions(
        pin_path=Path("/bpf/x"),
        run_dir=Path("/run/vipcast"),
        log_level=LogLevel.INFO,
        log_format=LogFormat.JSON,
    )


Call = Callable[[], object]
NEEDED = ["--directory=/objects", "--node-name=node-1"]


def test_a_sentence_about_a_flag_is_wrapped_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    far, near = pty.openpty()
    termios.tcsetwinsize(near, (24, 60))
    with os.fdopen(far, "rb", buffering=0) as screen, os.fdopen(near, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        with pytest.raises(SystemExit):
            flags.controller([], {})
        terminal.flush()
        shown = screen.read(4096).decode().splitlines()
    assert len(shown) > 1
    assert max(map(len, shown)) <= 60
    assert shown[0].startswith("vipcast-controller: Nothing says where the objects are")


@pytest.mark.parametrize(
    ("arguments", "environment", "sentence"),
    [
        (
            ["--directory=/objects"],
            {},
            "--node-name is not set: give it, or set VIPCAST_NODE_NAME or METALLB_NODE_NAME.",
        ),
        (
            ["--node-name=node-1", "--directory="],
            {},
            "--directory is not set: give it, or set VIPCAST_DIRECTORY.",
        ),
        (
            [*NEEDED, "--xdp-mode=tc"],
            {},
            (
                "--xdp-mode has the value 'tc', which this version cannot attach in yet:"
                " use auto, native or generic."
            ),
        ),
        (
            NEEDED,
            {"VIPCAST_XDP_MODE": "raw"},
            (
                "VIPCAST_XDP_MODE has the value 'raw', which this version cannot attach in yet:"
                " use auto, native or generic."
            ),
        ),
        (
            NEEDED,
            {"VIPCAST_XDP_MODE": "fast"},
            (
                "VIPCAST_XDP_MODE has the value 'fast', which is not one of them:"
                " use auto, native or generic."
            ),
        ),
        (
            [*NEEDED, "--port=65536"],
            {},
            (
                "--port has the value '65536', which is not a port:"
                " give a number from 1 to 65535, or 0 for any free port."
            ),
        ),
        (
            NEEDED,
            {"METALLB_NAMESPACE": "Kube"},
            (
                "METALLB_NAMESPACE has the value 'Kube', which cannot name a namespace:"
                " use up to 63 small letters, digits and -, with a letter or digit at both ends."
            ),
        ),
        (
            [*NEEDED, "--config=a_b"],
            {},
            (
                "--config has the value 'a_b', which cannot name a Kubernetes object:"
                " use small letters, digits, - and ., with a letter or digit at both ends."
            ),
        ),
        *(
            (
                [*NEEDED, f"--lb-class={text}"],
                {},
                (
                    f"--lb-class has the value '{text}', which is no list of classes:"
                    " give them with commas in between, such as example.com/lan."
                ),
            )
            for text in ("a,", "a b", "/a", "A/b", "a/b/c", "a/-b")
        ),
        (
            [*NEEDED, "--lb-class-default=yes"],
            {},
            (
                "--lb-class-default has the value 'yes', which is none of them:"
                " use true, false or auto."
            ),
        ),
        *(
            (
                [*NEEDED, f"--service-cidr={text}"],
                {},
                (
                    f"--service-cidr has the value '{text}', which is no list of networks:"
                    " give them with commas in between, such as 10.96.0.0/12."
                ),
            )
            for text in ("10.96.0.0", "10.96.0.0/12,", "10.96.0.0/12 fd00::/108", "10.0.0.0/33")
        ),
        (
            [*NEEDED, "--pin-path=bpf"],
            {},
            (
                "--pin-path has the value 'bpf', which is a relative path:"
                " give it from the root, with a leading /."
            ),
        ),
        (
            [*NEEDED, "--log-level=trace"],
            {},
            (
                "--log-level has the value 'trace', which is not one of them:"
                " use all, debug, info, warn, error or none."
            ),
        ),
        (
            ["--uninstall=maybe"],
            {},
            ("--uninstall has the value 'maybe', which is neither on nor off: use true or false."),
        ),
        (
            ["--speed=1"],
            {},
            "unrecognized arguments: --speed=1. See vipcast-speaker --help.",
        ),
        (
            ["--port"],
            {},
            "argument --port: expected one argument. See vipcast-speaker --help.",
        ),
    ],
)
def test_a_bad_value_ends_the_program_with_a_sentence_that_names_flag_value_and_fix(
    arguments: list[str],
    environment: Mapping[str, str],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as left:
        flags.speaker(arguments, environment)
    shown = capsys.readouterr()
    assert (left.value.code, shown.out, shown.err) == (2, "", f"vipcast-speaker: {sentence}\n")


def test_all_bad_values_are_named_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        flags.controller(["--port=http"], {"VIPCAST_LOG_FORMAT": "xml"})
    assert left.value.code == 2
    assert capsys.readouterr().err.splitlines() == [
        (
            "vipcast-controller: --port has the value 'http', which is not a port:"
            " give a number from 1 to 65535, or 0 for any free port."
        ),
        (
            "vipcast-controller: VIPCAST_LOG_FORMAT has the value 'xml', which is not one of them:"
            " use json or text."
        ),
    ]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: flags.controller(["--version"], {}), "vipcast-controller"),
        (lambda: flags.speaker(["--version"], {}), "vipcast-speaker"),
    ],
)
def test_the_version_is_shown_without_any_other_flag(
    call: Call, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        call()
    assert (left.value.code, capsys.readouterr().out) == (0, f"{name} {version()}\n")


NOWHERE = (
    "Nothing says where the objects are: give --directory or --kubeconfig, or set"
    " VIPCAST_DIRECTORY, VIPCAST_KUBECONFIG or KUBECONFIG; only in a Pod they are found without."
)
TWICE = "--directory and --kubeconfig exclude each other: give one of them."


@pytest.mark.parametrize(
    ("arguments", "environment", "objects"),
    [
        (["--directory=d"], {}, Objects(directory=Path("d"))),
        (["--kubeconfig=k:l"], {}, Objects(kubeconfig=(Path("k:l"),))),
        ([], {"KUBECONFIG": "k"}, Objects(kubeconfig=(Path("k"),))),
        ([], {"KUBECONFIG": "k::l:"}, Objects(kubeconfig=(Path("k"), Path("l")))),
        ([], {"VIPCAST_KUBECONFIG": "v", "KUBECONFIG": "k"}, Objects(kubeconfig=(Path("v"),))),
        (["--directory=d"], {"KUBECONFIG": "k"}, Objects(directory=Path("d"))),
        ([], {"KUBERNETES_SERVICE_HOST": "192.0.2.1"}, Objects()),
        (["--kubeconfig=none"], {"KUBERNETES_SERVICE_HOST": "192.0.2.1"}, Objects()),
    ],
)
def test_objects_are_in_a_directory_or_on_an_api_server(
    arguments: list[str], environment: dict[str, str], objects: Objects
) -> None:
    assert flags.controller(arguments, environment).objects == objects


@pytest.mark.parametrize(
    ("arguments", "environment", "sentence"),
    [
        ([], {}, NOWHERE),
        ([], {"KUBECONFIG": ":"}, NOWHERE),
        ([], {"HOME": "/root"}, NOWHERE),
        (["--directory=none"], {"KUBERNETES_SERVICE_HOST": ""}, NOWHERE),
        (["--directory=d", "--kubeconfig=k"], {}, TWICE),
        (["--directory=d"], {"VIPCAST_KUBECONFIG": "k"}, TWICE),
    ],
)
def test_it_must_be_clear_where_the_objects_are(
    arguments: list[str],
    environment: dict[str, str],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as left:
        flags.controller(arguments, environment)
    assert (left.value.code, capsys.readouterr().err) == (2, f"vipcast-controller: {sentence}\n")


@pytest.mark.parametrize("path", ["run", "./run", "/tmp/run"])
def test_directories_are_given_from_the_root_or_from_here(path: str) -> None:
    options = flags.controller([f"--directory={path}", f"--run-dir={path}"], {})
    assert options.objects.directory == options.run_dir == Path(path)


@pytest.mark.parametrize(
    ("call", "needed"),
    [
        (lambda: flags.controller(["--help"], {}), []),
        (lambda: flags.speaker(["--help"], {}), ["--node-name"]),
    ],
)
def test_help_shows_apart_what_must_be_given(
    call: Call, needed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        call()
    _, _, below = capsys.readouterr().out.partition("must be given, here or by a variable:\n")
    group = below.partition("\n\n")[0]
    assert [line.split()[0] for line in group.splitlines() if line.startswith("  --")] == needed


def test_help_names_each_flag_with_its_variables_and_default(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        flags.speaker(["--help"], {})
    shown = " ".join(capsys.readouterr().out.split())
    for flag in flags.SPEAKER_FLAGS:
        assert f"--{flag.name}" in shown
        assert f"[{', '.join(flag.variables)}" in shown


def test_the_key_of_the_hellos_comes_by_a_variable_of_ours_or_of_metallb_s() -> None:
    assert flags.secret_key({}) is None
    assert flags.secret_key({"METALLB_ML_SECRET_KEY": ""}) is None
    assert flags.secret_key({"METALLB_ML_SECRET_KEY": "key\n"}) == b"key\n"
    both = {"METALLB_ML_SECRET_KEY": "theirs", "VIPCAST_ML_SECRET_KEY": "ours"}
    assert flags.secret_key(both) == b"ours"
