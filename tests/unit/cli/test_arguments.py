"""The arguments of `vipcast`: typed options of each command, one sentence for what is wrong."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from vipcast.cli.arguments import ExplainOptions, LintOptions, StatusOptions, command_line
from vipcast.cli.subject import Subject, Topic, parse_subject
from vipcast.model.classes import EVERY_DEFAULT, Classes
from vipcast.ops.flags import Objects
from vipcast.ops.parser import version
from vipcast.ops.values import Output


def test_each_command_has_its_options() -> None:
    environment = {"VIPCAST_DIRECTORY": "/objects"}
    assert command_line(["status", "-o", "json"], environment) == StatusOptions(
        Objects(Path("/objects")), "metallb-system", EVERY_DEFAULT, Output.JSON
    )
    words = ["explain", "shop/web", "--namespace=lb", "-oyaml", "--lb-class=a,b"]
    assert command_line(words, environment) == ExplainOptions(
        Objects(Path("/objects")),
        "lb",
        "config",
        (),
        Classes(frozenset({"a", "b"}), default=False),
        Subject(Topic.SERVICE, "web", "shop"),
        Output.YAML,
    )
    words = ["lint", "a.yaml", "-", "--config=pools", "--service-cidr=10.96.0.0/12"]
    assert command_line(words, {}) == LintOptions(
        (Path("a.yaml"), Path("-")),
        "metallb-system",
        "pools",
        (IPv4Network("10.96.0.0/12"),),
        Output.TABLE,
    )


@pytest.mark.parametrize(
    ("word", "subject"),
    [
        ("192.0.2.10", Subject(Topic.ADDRESS, "192.0.2.10")),
        ("2001:DB8:0::1", Subject(Topic.ADDRESS, "2001:db8::1")),
        ("config", Subject(Topic.CONFIG, "config")),
        ("web", Subject(Topic.NAME, "web")),
        ("node1.example.org", Subject(Topic.NAME, "node1.example.org")),
        ("shop/web", Subject(Topic.SERVICE, "web", "shop")),
        ("service/config", Subject(Topic.SERVICE, "config")),
        ("svc/shop/web", Subject(Topic.SERVICE, "web", "shop")),
        ("service/node/web", Subject(Topic.SERVICE, "web", "node")),
        ("node/web", Subject(Topic.NODE, "web")),
        ("services/shop/web", Subject(Topic.SERVICE, "web", "shop")),
        ("Service/web", Subject(Topic.SERVICE, "web")),
        ("nodes/web", Subject(Topic.NODE, "web")),
        ("Node/web", Subject(Topic.NODE, "web")),
        ("node/192.0.2.10", Subject(Topic.NODE, "192.0.2.10")),
    ],
)
def test_what_is_to_be_explained_is_told_apart_by_how_it_is_written(
    word: str, subject: Subject
) -> None:
    assert parse_subject(word) == subject


FORMS = (
    "names nothing: give an address, a Service as NAME, NAMESPACE/NAME or service/NAME,"
    " a node as NAME or node/NAME, or config."
)
LONG = "is too long for a name: at most 253 characters, and 63 between dots."


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        ("a/b/c", FORMS),
        ("node/a/b", FORMS),
        ("svc/a/b/c", FORMS),
        ("node/", FORMS),
        ("/web", FORMS),
        ("Web", FORMS),
        ("", FORMS),
        ("a" * 64, LONG),
        ("/".join(("a" * 64, "web")), "is too long for a name: at most 63 characters."),
        ("192.0.2.300", "is no IP address: write it as 192.0.2.10 or 2001:db8::1."),
        ("192.0.2", "is no IP address: write it as 192.0.2.10 or 2001:db8::1."),
        ("2001:db8", "is no IP address: write it as 192.0.2.10 or 2001:db8::1."),
    ],
)
def test_what_names_nothing_is_refused_with_what_does(
    word: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        command_line(["explain", word, "--directory=/objects"], {})
    line = f"vipcast explain: SUBJECT has the value {word!r}, which {problem}\n"
    assert (left.value.code, capsys.readouterr().err) == (2, line)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["explain", "--directory=/objects"],
            (
                "vipcast explain: the following arguments are required: SUBJECT."
                " See vipcast explain --help."
            ),
        ),
        (
            ["status", "--directory=/objects", "-oyml"],
            (
                "vipcast status: --output has the value 'yml', which is not one of them:"
                " use table, json or yaml."
            ),
        ),
        (
            ["lint", "-ojson"],
            ("vipcast lint: the following arguments are required: FILE. See vipcast lint --help."),
        ),
        (
            ["lint", "a.yaml", "--directory=x"],
            "vipcast: unrecognized arguments: --directory=x. See vipcast --help.",
        ),
        (
            [],
            "vipcast: the following arguments are required: COMMAND. See vipcast --help.",
        ),
    ],
)
def test_the_command_line_names_what_it_cannot_use_on_stderr_alone(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        command_line(arguments, {})
    assert (left.value.code, capsys.readouterr()) == (2, ("", f"{line}\n"))


def test_the_version_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        command_line(["--version"], {})
    assert (left.value.code, capsys.readouterr().out) == (0, f"vipcast {version()}\n")


@pytest.mark.parametrize("command", ["status", "explain", "lint"])
def test_help_shows_the_exit_codes_in_80_columns(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        command_line([command, "--help"], {})
    shown = capsys.readouterr().out
    assert "exit codes:\n  0  " in shown
    assert max(map(len, shown.splitlines())) <= 80


def objects(*arguments: str, **environment: str) -> Objects:
    """Where `vipcast status` looks."""
    options = command_line(["status", *arguments], environment)
    assert isinstance(options, StatusOptions)
    return options.objects


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home directory with a kubeconfig."""
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text("{}")
    return tmp_path


def test_the_kubeconfig_at_home_counts_where_nothing_is_given(home: Path) -> None:
    at_home = str(home)
    own = home / ".kube" / "config"
    assert objects(HOME=at_home) == Objects(kubeconfig=(own,))
    assert objects(HOME=at_home, KUBERNETES_SERVICE_HOST="192.0.2.1") == Objects()
    assert objects("--directory=d", HOME=at_home) == Objects(Path("d"))
    assert objects("--kubeconfig=k", HOME=at_home) == Objects(kubeconfig=(Path("k"),))
    assert objects(HOME=at_home, KUBECONFIG="a:b") == Objects(kubeconfig=(Path("a"), Path("b")))


def refused(capsys: pytest.CaptureFixture[str], *arguments: str, **environment: str) -> str:
    """What is said where it is not clear where to look."""
    with pytest.raises(SystemExit) as left:
        command_line(["status", *arguments], environment)
    assert left.value.code == 2
    return capsys.readouterr().err


def test_without_one_at_home_it_is_told_what_to_give(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begin = (
        "vipcast status: Nothing says where the objects are: give --directory or --kubeconfig, or"
    )
    begin += " set VIPCAST_DIRECTORY, VIPCAST_KUBECONFIG or KUBECONFIG"
    end = "; only in a Pod they are found without.\n"
    elsewhere = str(tmp_path / "elsewhere")
    assert refused(capsys, HOME=elsewhere) == f"{begin}, there is no ~/.kube/config{end}"
    assert refused(capsys, "--kubeconfig=none", HOME=str(home)) == f"{begin}{end}"
