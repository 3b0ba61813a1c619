"""scripts/setup on a small project of its own, so that the checkout under test is left alone.

The script, its probe of the kernel, the venv and the build in place are the real ones; the project
has no dependencies, so nothing is fetched. apt-get is a stand-in that notes how it was called.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.waiting import eventually

PROJECT = Path(__file__).parents[2]

PYPROJECT = """
[build-system]
requires = []
build-backend = "setuptools.build_meta"
[project]
name = "small"
version = "1"
[project.scripts]
vipcast = "small:main"
vipcast-controller = "small:main"
vipcast-speaker = "small:main"
"""

MADE = [
    "set-up: making .venv with the packages of requirements.lock",
    "set-up: building the C modules and the commands",
    "set-up: done",
]


class Checkout:
    """A project with the real scripts, and a PATH whose first directory holds our stand-ins."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.tools = place / "tools"
        self.apt_calls = place / "apt-calls"
        self.tools.mkdir()
        (place / "scripts").mkdir()
        (place / "native").mkdir()
        for name in ("setup", "kernel_features.py"):
            shutil.copy(PROJECT / "scripts" / name, place / "scripts")
        (place / "pyproject.toml").write_text(PYPROJECT)
        (place / "setup.py").write_text(
            "from setuptools import setup\nsetup(py_modules=['small'])\n"
        )
        (place / "small.py").write_text("def main():\n    print('small')\n")
        (place / "requirements.lock").write_text("")
        self.stand_in("apt-get", f'echo "$*" >> {self.apt_calls}')

    def stand_in(self, name: str, body: str) -> None:
        path = self.tools / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.place / "scripts" / "setup"],
            env={**os.environ, "PATH": f"{self.tools}:{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )

    def set_up(self) -> list[str]:
        """Run the script, which has to succeed; its lines."""
        process = self.start()
        output = process.communicate(timeout=120)[0]
        assert process.returncode == 0, output
        return output.splitlines()

    def works(self) -> bool:
        command = [self.place / ".venv" / "bin" / "vipcast"]
        return subprocess.run(command, check=True, capture_output=True).stdout == b"small\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.fixture(scope="module")
def _whole(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    checkout = Checkout(tmp_path_factory.mktemp("whole"))
    assert checkout.set_up() == MADE
    return checkout


@pytest.fixture
def whole(_whole: Checkout) -> Iterator[Checkout]:
    """One that is set up already; each test leaves it so."""
    yield _whole
    _whole.set_up()


@pytest.fixture
def readable_by_all() -> Iterator[Path]:
    """The scripts where any user may read them (the checkout may lie in root's home)."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        shutil.copytree(PROJECT / "scripts", place / "scripts")
        yield place / "scripts" / "setup"


def test_the_first_line_without_root_says_so_and_what_to_do(readable_by_all: Path) -> None:
    nobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    command = [*(nobody if os.geteuid() == 0 else []), str(readable_by_all)]
    refused = subprocess.run(command, check=False, capture_output=True, text=True, cwd="/")
    assert (refused.returncode, refused.stdout, refused.stderr) == (
        1,
        "",
        "set-up: missing: root rights. Run the same command as root, for instance with sudo.\n",
    )


@pytest.mark.root
@pytest.mark.parametrize(
    ("taken", "what"), [("sys_admin", "network namespaces"), ("net_admin", "bridges")]
)
def test_the_first_line_names_the_kernel_feature_that_may_not_be_used(
    readable_by_all: Path, taken: str, what: str
) -> None:
    command = ["setpriv", f"--bounding-set=-{taken}", str(readable_by_all)]
    refused = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        f"set-up: missing: {what} (Operation not permitted: root may not use them here)."
        " Run outside of the container or sandbox that takes this away,"
        " or make it a privileged one.\n"
    )


@pytest.mark.root
def test_a_second_call_runs_neither_apt_nor_pip(whole: Checkout) -> None:
    python = whole.place / ".venv" / "bin" / "python"
    target = python.readlink()
    python.unlink()
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    try:
        assert whole.set_up() == ["set-up: nothing to do"]
        assert not whole.apt_calls.exists()
    finally:
        python.unlink()
        python.symlink_to(target)


@pytest.mark.root
def test_only_packages_that_are_missing_are_installed(whole: Checkout) -> None:
    query = shutil.which("dpkg-query")
    whole.stand_in(
        "dpkg-query", f'case "$*" in *nftables*|*curl*) exit 1;; esac; exec {query} "$@"'
    )
    try:
        assert whole.set_up() == [
            "set-up: installing Debian packages: nftables curl",
            "set-up: done",
        ]
    finally:
        (whole.tools / "dpkg-query").unlink()
    assert whole.apt_calls.read_text().splitlines() == [
        "-q -o DPkg::Lock::Timeout=300 update",
        "-q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends nftables curl",
    ]


@pytest.mark.root
def test_routers_are_installed_with_their_services_masked_and_nothing_that_starts_them(
    whole: Checkout,
) -> None:
    seen = whole.place / "asleep"
    query = shutil.which("dpkg-query")
    whole.stand_in("dpkg-query", f'case "$*" in *bird2*|*frr*) exit 1;; esac; exec {query} "$@"')
    whole.stand_in(
        "apt-get",
        f"""
        for tool in invoke-rc.d deb-systemd-invoke update-rc.d; do
            cmp -s "$(command -v $tool)" /bin/true && echo "$tool does nothing" >>{seen}
        done
        echo "${{*##*=300 }}" >>{seen}""",
    )
    # Where masks go is this machine's own: the test has one of its own in its place.
    masks = "mount -t tmpfs none /etc/systemd/system; scripts/setup; cd /etc/systemd/system"
    try:
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-euc", f"{masks}; find . -type l -printf '%f -> %l\n'"],
            cwd=whole.place,
            env={**os.environ, "PATH": f"{whole.tools}:{os.environ['PATH']}"},
            check=True,
            capture_output=True,
            text=True,
        )
    finally:
        (whole.tools / "dpkg-query").unlink()
        whole.stand_in("apt-get", f'echo "$*" >> {whole.apt_calls}')
    assert sorted(done.stdout.splitlines()[2:]) == [
        "bird.service -> /dev/null",
        "frr.service -> /dev/null",
    ]
    asleep = [
        f"{tool} does nothing" for tool in ("invoke-rc.d", "deb-systemd-invoke", "update-rc.d")
    ]
    update, *tools, install = seen.read_text().splitlines()
    assert update.endswith("update")
    assert tools == asleep
    assert sorted(install.split()[-2:]) == ["bird2", "frr"]


@pytest.mark.root
def test_a_failing_step_shows_what_it_printed(whole: Checkout) -> None:
    query = shutil.which("dpkg-query")
    whole.stand_in("dpkg-query", f'case "$*" in *curl*) exit 1;; esac; exec {query} "$@"')
    whole.stand_in("apt-get", "echo 'E: no network'; exit 100")
    try:
        process = whole.start()
        lines = process.communicate(timeout=120)[0].splitlines()
    finally:
        (whole.tools / "dpkg-query").unlink()
        whole.stand_in("apt-get", f'echo "$*" >> {whole.apt_calls}')
    assert process.returncode == 1
    assert lines[1:] == [
        "E: no network",
        "set-up: failed: apt-get -q -o DPkg::Lock::Timeout=300 update",
    ]


@pytest.mark.root
def test_a_changed_c_source_is_built_without_a_new_venv(whole: Checkout) -> None:
    (whole.place / "native" / "thing.c").write_text("int thing;\n")
    assert whole.set_up() == MADE[1:]


@pytest.mark.root
def test_a_killed_set_up_is_made_good_by_the_next(checkout: Checkout) -> None:
    process = checkout.start()
    half_made = checkout.place / ".venv" / "lib"
    eventually(half_made.exists, what="a venv that is being made")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert checkout.set_up() == MADE
    assert checkout.works()


@pytest.mark.root
def test_two_set_ups_at_once_do_the_work_once(checkout: Checkout) -> None:
    both = [checkout.start(), checkout.start()]
    outputs = sorted(process.communicate(timeout=120)[0].splitlines() for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert MADE in outputs
    outputs.remove(MADE)
    assert outputs == [
        ["set-up: waiting for another set-up of this checkout", "set-up: nothing to do"]
    ]
    assert checkout.works()


@pytest.mark.root
def test_a_checkout_that_was_moved_is_set_up_anew(whole: Checkout, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(whole.place, moved, symlinks=True)
    lines = subprocess.run(
        [moved / "scripts" / "setup"], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    assert lines == MADE
    command = moved / ".venv" / "bin" / "vipcast"
    assert command.read_text().startswith(f"#!{moved}/")
