"""`vipcast lint`: what is wrong with files, said with file and line; what was looked at."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from vipcast.cli.linting import check, tell_checked
from vipcast.cli.main import LACKING, UNREADABLE, WELL, main
from vipcast.cli.text import Screen
from vipcast.ops.values import Output

INPUTS = Path(__file__).parents[2] / "inputs"
CONFIG = (INPUTS / "l2-home.yaml").read_text()
REVERSED = CONFIG.replace("192.168.1.49", "192.168.1.9")
NODE = """\
apiVersion: v1
kind: Node
metadata: {name: node1}
status:
  addresses: [{type: InternalIP, address: 192.168.1.33}]
"""
POOL = """\
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: home, namespace: metallb-system}
spec:
  addresses: [192.0.2.0/28]
"""
ADVERTISEMENT = """\
apiVersion: metallb.io/v1beta1
kind: L2Advertisement
metadata: {name: home, namespace: metallb-system}
"""
LINE = (
    ":12: ConfigMap metallb-system/config: address-pools[0].addresses[0] ="
    " '192.168.1.30-192.168.1.9': The range ends before it begins."
    " Did you mean 192.168.1.9-192.168.1.30?"
)

Lint = Callable[..., tuple[int, list[str], str]]


@pytest.fixture
def lint(capsys: pytest.CaptureFixture[str]) -> Lint:
    """Runs the command; returns exit code, lines, and stderr."""

    def run(*arguments: object) -> tuple[int, list[str], str]:
        code = main(["lint", *map(str, arguments)])
        shown = capsys.readouterr()
        return code, shown.out.splitlines(), shown.err

    return run


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_clean_run_says_what_was_looked_at(tmp_path: Path, lint: Lint) -> None:
    path = put(tmp_path / "all.yaml", f"{POOL}---\n{ADVERTISEMENT}---\n{NODE}")
    summary = (
        "Checked 3 objects in 1 file (1 IPAddressPool, 1 L2Advertisement, 1 Node):"
        " nothing is wrong."
    )
    assert lint(path) == (WELL, [summary], "")


def test_a_finding_has_file_line_and_fix(tmp_path: Path, lint: Lint) -> None:
    path = put(tmp_path / "config.yaml", REVERSED)
    summary = "Checked 1 object in 1 file (1 ConfigMap): 1 finding."
    assert lint(path) == (LACKING, [f"{path}{LINE}", "", summary], "")


def test_stdin_is_a_file_as_well(lint: Lint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(REVERSED.encode())))
    code, lines, _ = lint("-")
    assert (code, lines[0]) == (LACKING, f"stdin{LINE}")


def test_nodes_among_the_files_are_compared_with_the_pools(tmp_path: Path, lint: Lint) -> None:
    code, lines, _ = lint(put(tmp_path / "a.yaml", CONFIG), put(tmp_path / "b.yaml", NODE))
    assert code == LACKING
    assert lines[0] == (
        f"{tmp_path}/a.yaml:12: ConfigMap metallb-system/config: address-pools[0].addresses[0] ="
        " '192.168.1.30-192.168.1.49': It contains 192.168.1.33, an address of node node1."
        " Leave it out of the pool: write ranges around it, or choose other addresses."
    )


def test_ranges_of_cluster_ips_are_compared_with_the_pools(tmp_path: Path, lint: Lint) -> None:
    path = put(tmp_path / "a.yaml", f"{POOL}---\n{ADVERTISEMENT}")
    code, lines, _ = lint(path, "--service-cidr=192.0.2.0/24")
    assert (code, lines[-1]) == (
        LACKING,
        "Checked 2 objects in 1 file (1 IPAddressPool, 1 L2Advertisement): 1 finding.",
    )
    assert lines[0].startswith(f"{path}:5: IPAddressPool metallb-system/home: spec.addresses[0] =")
    assert "(--service-cidr)" in lines[0]


def test_a_directory_stands_for_the_files_that_the_programs_would_read(
    tmp_path: Path, lint: Lint
) -> None:
    put(tmp_path / "deep" / "pool.yml", CONFIG)
    put(tmp_path / "node.json", json.dumps(yaml.safe_load(NODE.replace("168.1.33", "168.1.3"))))
    for name in (".hidden.yaml", "notes.txt", "pool.yaml~", "status/speaker/x.yaml"):
        put(tmp_path / name, "a: [")
    assert lint(tmp_path) == (
        WELL,
        ["Checked 2 objects in 2 files (1 ConfigMap, 1 Node): nothing is wrong."],
        "",
    )


def test_warnings_spoil_nothing(tmp_path: Path, lint: Lint) -> None:
    pool = "apiVersion: metallb.io/v1beta1\nkind: AddressPool\nmetadata: {name: old}\n"
    path = put(tmp_path / "pool.yaml", pool)
    assert lint(path) == (
        WELL,
        [
            (
                f"{path}:2: warning: 'AddressPool': Kind AddressPool is not read in this version."
                " Write it as an IPAddressPool."
            ),
            "",
            "Checked 0 objects in 1 file: nothing is wrong, 1 warning.",
        ],
        "",
    )


def test_a_file_that_is_no_yaml_is_named_once_with_its_line(tmp_path: Path, lint: Lint) -> None:
    path = put(tmp_path / "bad.yaml", "kind: Node\n  metadata: {}\n")
    code, lines, _ = lint(path)
    assert code == LACKING
    assert lines[0].startswith(f"{path}:2: This is not YAML: ")
    assert lines[0].count("bad.yaml") == 1


def test_json_and_yaml_hold_findings_warnings_and_what_was_looked_at(
    tmp_path: Path, lint: Lint
) -> None:
    path = put(tmp_path / "config.yaml", REVERSED)
    wanted = {
        "healthy": False,
        "files": [str(path)],
        "objects": {"ConfigMap": 1},
        "findings": [
            {
                "file": str(path),
                "line": 12,
                "object": "ConfigMap metallb-system/config",
                "field": "address-pools[0].addresses[0]",
                "value": "192.168.1.30-192.168.1.9",
                "message": "The range ends before it begins.",
                "fix": "Did you mean 192.168.1.9-192.168.1.30?",
            }
        ],
        "warnings": [],
    }
    code, lines, _ = lint(path, "-ojson")
    assert (code, json.loads("\n".join(lines))) == (LACKING, wanted)
    assert yaml.safe_load("\n".join(lint(path, "-oyaml")[1])) == wanted


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        (
            "none.yaml",
            None,
            ("cannot be read: No such file or directory. Give a file or directory that is there."),
        ),
        ("latin.yaml", "é".encode("latin-1"), "is not text in UTF-8."),
        ("empty", b"", "has no file of objects (*.yaml, *.yml, *.json)."),
    ],
)
def test_what_cannot_be_opened_is_exit_code_2_and_the_others_are_checked(
    tmp_path: Path, lint: Lint, name: str, content: bytes | None, problem: str
) -> None:
    path = tmp_path / name
    if content == b"":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    good = put(tmp_path / "good.yaml", CONFIG)
    assert lint(path) == (UNREADABLE, [], f"vipcast: {path} {problem}\n")
    code, lines, errors = lint(good, path)
    assert (code, errors) == (UNREADABLE, f"vipcast: {path} {problem}\n")
    assert lines == ["Checked 1 object in 1 file (1 ConfigMap): nothing is wrong."]


@pytest.mark.parametrize("path", sorted(INPUTS.glob("*.yaml")), ids=lambda path: str(path.name))
def test_no_line_about_a_users_file_is_wider_than_80_columns(
    path: Path, tmp_path: Path, lint: Lint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vipcast.cli.main.screen_of", lambda _: Screen(80))
    monkeypatch.chdir(tmp_path)
    put(Path("good.yaml"), path.read_text())
    put(Path("bad.yaml"), path.read_text().replace("name", "nmae").replace("addresses", "adress"))
    code, lines, _ = lint("good.yaml")
    assert code == WELL
    assert any(line.startswith("Checked ") for line in lines)
    code, more, _ = lint("bad.yaml")
    assert code == LACKING
    assert max(map(len, [*lines, *more])) <= 80


PIECES = st.sampled_from([CONFIG, REVERSED, NODE, POOL, "---\n", "items:\n", "- ", "\t", "\x00"])


@given(st.lists(st.one_of(PIECES, st.text(max_size=20)), max_size=6).map("".join))
def test_whatever_a_file_holds_something_is_said_about_it(text: str) -> None:
    checked = check({"a.yaml": text}, "metallb-system", "config", ())
    assert tell_checked(checked, Output.TABLE, Screen()).splitlines()[-1].startswith("Checked ")
    told = json.loads(tell_checked(checked, Output.JSON, Screen()))
    assert yaml.safe_load(tell_checked(checked, Output.YAML, Screen())) == told
    assert told["healthy"] is (not told["findings"])


@pytest.mark.root
def test_it_needs_neither_root_nor_anything_but_the_file() -> None:
    # Below /tmp, for what pytest makes belongs to root alone.
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        put(place / "config.yaml", CONFIG).chmod(0o644)
        code = (
            "import os, sys; from vipcast.cli.main import main; os.setgid(65534); os.setuid(65534);"
            " sys.exit(main(['lint', sys.argv[1]]))"
        )
        environment = {"PATH": os.environ["PATH"]}
        words = [sys.executable, "-c", code, name]
        done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (WELL, "")
    assert done.stdout == "Checked 1 object in 1 file (1 ConfigMap): nothing is wrong.\n"
