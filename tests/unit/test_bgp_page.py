"""docs/bgp.md and the commands of every page: what people copy from them works."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

import pytest

from vipcast.cli.arguments import command_line
from vipcast.cli.rehearsal import rehearse
from vipcast.files.lint import lint
from vipcast.files.reading import read

PROJECT = Path(__file__).parents[2]
PAGE = PROJECT / "docs" / "bgp.md"
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE.read_text(), re.DOTALL)
OBJECTS = [text for language, text in BLOCKS if language == "yaml"]
FRR, BIRD = (text for language, text in BLOCKS if not language)
EXAMPLES = sorted((PROJECT / "manifests" / "examples").glob("*.yaml"))
PAGES = [PROJECT / "README.md", PROJECT / "manifests" / "README.md", *PROJECT.glob("docs/*.md")]
COMMANDS = [
    words.replace("SUBJECT", "config").split()
    for page in sorted(PAGES)
    for words in re.findall(r"^    vipcast +([^\[#\n]+)(?:#.*)?$", page.read_text(), re.MULTILINE)
]


@pytest.mark.parametrize("text", [*OBJECTS, *(path.read_text() for path in EXAMPLES)])
def test_objects_to_copy_have_neither_a_finding_nor_a_warning(text: str) -> None:
    assert read("page.yaml", text).problems == ()
    assert lint({"page.yaml": text}, "metallb-system", rehearse=rehearse) == ()


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_to_copy_has_flags_that_exist(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "DIR").mkdir()
    (tmp_path / "kubeconfig").touch()
    monkeypatch.chdir(tmp_path)
    assert command_line(words, {"KUBECONFIG": str(tmp_path / "kubeconfig")}) is not None


def test_pages_have_a_command_of_each_kind() -> None:
    assert {words[0] for words in COMMANDS} == {"status", "explain", "lint", "drain"}


@pytest.mark.root
def test_frr_takes_its_configuration() -> None:
    # bgpd reads it as its own user, to whom pytest's directories are closed.
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        file = Path(place) / "frr.conf"
        file.write_text(FRR)
        words = ["/usr/lib/frr/bgpd", "-C", "-f", str(file)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_bird_takes_its_configuration(tmp_path: Path) -> None:
    file = tmp_path / "bird.conf"
    file.write_text(f"router id 192.0.2.1;\nprotocol device {{}}\n{BIRD}")
    words = ["/usr/sbin/bird", "-p", "-c", str(file)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
