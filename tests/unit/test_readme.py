"""README's objects, in a directory that holds nothing else, are all that a Service needs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.support.waiting import eventually
from vipcast.files.reading import read
from vipcast.kube.store import Store
from vipcast.model.raw import Batch, Delta

README = (Path(__file__).parents[2] / "README.md").read_text()
OBJECTS = "---\n".join(re.findall(r"```yaml\n(.*?)```", README, re.DOTALL))


def test_the_readme_s_objects_are_read_without_a_finding() -> None:
    reading = read("first.yaml", OBJECTS)
    assert reading.problems == reading.remarks == ()
    store = Store("metallb-system")
    store.apply(Batch(tuple(Delta(one.ref, one.raw) for one in reading.objects), synced=True))
    assert [str(key) for key in store.services] == ["default/web"]
    assert list(store.nodes) == ["node1"]
    assert store.findings == ()
    assert len(reading.objects) == 4


def test_the_readme_s_service_gets_the_first_address_of_the_readme_s_pool(tmp_path: Path) -> None:
    objects = tmp_path / "objects"
    objects.mkdir()
    (objects / "first.yaml").write_text(OBJECTS)
    shown = objects / "status" / "controller" / "Service" / "default" / "web.yaml"
    program = Path(sys.executable).parent / "vipcast-controller"
    words: list[str | Path] = [program, "--directory", objects, "--port=0"]
    words += ["--run-dir", tmp_path / "run"]
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(words, stdout=log, stderr=log) as controller,
    ):
        try:
            eventually(shown.exists, what="the controller has decided", deadline=60.0)
        finally:
            controller.terminate()
    said: dict[str, Any] = yaml.safe_load(shown.read_text())
    assert said["status"]["loadBalancer"]["ingress"] == [{"ip": "192.0.2.240"}]
