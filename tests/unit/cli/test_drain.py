"""`vipcast drain`: what is to be written, what follows, and on a cluster that it is written."""

from __future__ import annotations

import asyncio
import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from tests.unit.cli.cluster import SINCE, Directory, report
from tests.unit.cli.commands import Vipcast
from vipcast.cli.arguments import DrainOptions, command_line
from vipcast.cli.drain import NoSuchNodeError, drain
from vipcast.cli.main import LACKING, NOT_FOUND, UNREADABLE, WELL
from vipcast.cli.nodetext import LEAVES as LEAVES_NOW
from vipcast.cli.wording import said
from vipcast.model.errors import RefusedError
from vipcast.model.objects import DRAIN_ANNOTATION, EXCLUDE_LABEL
from vipcast.model.reasons import Reason
from vipcast.model.status import PeerReport
from vipcast.ops.flags import Objects

LEAVES = [
    "Node node2 is to announce nothing any more.",
    "On segments other nodes answer for its addresses at once.",
    (
        "Its routers are asked to use other paths; 10 s later it withdraws its routes and ends the"
        " sessions."
    ),
    "Its pods stay where they are. `vipcast explain node/node2` shows when it has left.",
    "To take it back: vipcast drain node2 --undo",
]
STAYS = "Node node2 may announce addresses again. `vipcast explain node/node2` shows what it does."
AGAIN = "Nothing was changed: files are yours. Give the same command again when it is done."


def node(name: str, **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, **metadata}}


DRAINED = {"annotations": {DRAIN_ANNOTATION: "true"}}


@pytest.mark.parametrize("word", ["node2", "node/node2", "nodes/node2", "Node/node2"])
def test_a_node_is_named_as_kubectl_names_it(word: str) -> None:
    found = command_line(["drain", word, "--undo"], {"VIPCAST_DIRECTORY": "/objects"})
    assert found == DrainOptions(Objects(Path("/objects")), "node2", undo=True)


@pytest.mark.parametrize("word", ["default/web", "service/web", "Node2", "", "a/b/c"])
def test_what_names_no_node_is_refused(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        command_line(["drain", word], {"VIPCAST_DIRECTORY": "/objects"})
    assert left.value.code == UNREADABLE
    assert capsys.readouterr().err == (
        f"vipcast drain: NODE has the value {word!r}, which is no name of a node: give NAME or"
        " node/NAME.\n"
    )


def test_in_a_directory_the_line_is_told_that_is_to_be_written(
    vipcast: Vipcast, tmp_path: Path
) -> None:
    Directory(tmp_path).put("rack/nodes.yaml", node("node1"), node("node2"))
    before = (tmp_path / "rack/nodes.yaml").read_text()
    code, lines = vipcast("drain", "node2")
    assert code == LACKING
    assert lines == [
        f"Write this into {tmp_path}/rack/nodes.yaml, in the Node that begins in line 8:",
        "  metadata:",
        "    annotations:",
        f'      {DRAIN_ANNOTATION}: "true"',
        AGAIN,
    ]
    assert (tmp_path / "rack/nodes.yaml").read_text() == before
    # What is told comes true.
    told = yaml.safe_load("\n".join(lines[1:4]))
    Directory(tmp_path).put("rack/nodes.yaml", node("node1"), node("node2", **told["metadata"]))
    assert vipcast("drain", "node2") == (WELL, LEAVES)


def test_in_json_it_is_told_as_json(vipcast: Vipcast, tmp_path: Path) -> None:
    (tmp_path / "node2.json").write_text(json.dumps(node("node2")))
    code, lines = vipcast("drain", "node2")
    assert code == LACKING
    assert json.loads(f"{{{lines[1]}}}") == {"metadata": DRAINED}


def test_a_drain_is_undone_where_the_line_is_gone(vipcast: Vipcast, tmp_path: Path) -> None:
    directory = Directory(tmp_path)
    directory.put("node2.yaml", node("node2", **DRAINED))
    assert vipcast("drain", "node2", "--undo") == (
        LACKING,
        [
            (
                f"Take this line out of {tmp_path}/node2.yaml, in the Node that begins in line 2,"
                " below metadata.annotations:"
            ),
            f"  {DRAIN_ANNOTATION}",
            AGAIN,
        ],
    )
    directory.put("node2.yaml", node("node2"))
    assert vipcast("drain", "node2", "--undo") == (WELL, [STAYS])


def test_who_comes_back_is_told_what_else_keeps_it(vipcast: Vipcast, tmp_path: Path) -> None:
    directory = Directory(tmp_path)
    directory.put("node2.yaml", node("node2", labels={EXCLUDE_LABEL: ""}))
    _, lines = vipcast("drain", "node2", "--undo")
    assert " ".join(lines) == (
        "Node node2 is not drained any more, but still announces nothing: it has the label"
        f" {EXCLUDE_LABEL}."
    )
    directory.put("node2.yaml", {**node("node2"), "spec": {"unschedulable": True}})
    _, lines = vipcast("drain", "node2", "--undo")
    assert " ".join(lines) == (
        "Node node2 may announce addresses again. It is cordoned, so it tells routers only of"
        " addresses that no node that stays can tell them, and asks to be used last, until it is"
        " uncordoned: kubectl uncordon node2"
    )


def test_a_node_that_is_not_there_is_told_from_one_that_cannot_be_read(
    vipcast: Vipcast, tmp_path: Path
) -> None:
    directory = Directory(tmp_path)
    directory.put("node1.yaml", node("node1"))
    assert vipcast.said("drain", "node2") == (
        NOT_FOUND,
        [],
        f"vipcast: There is no node node2 in {tmp_path}.\n",
    )
    (tmp_path / "bad.yaml").write_text("a: [")
    code, lines, errors = vipcast.said("drain", "node2")
    assert (code, lines) == (UNREADABLE, [])
    assert errors.startswith(f"vipcast: There is no node node2 in what can be read of {tmp_path}.")
    assert "bad.yaml" in errors


def test_kubectl_finds_the_same_command() -> None:
    """`kubectl vipcast` runs kubectl-vipcast, wherever that is in the PATH."""
    root = Path(__file__).parents[3]
    scripts = tomllib.loads((root / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts["kubectl-vipcast"] == scripts["vipcast"]


class Server:
    """An API server that knows one node, and who may patch it."""

    def __init__(self) -> None:
        self.node = node("node2", annotations={"somebody": "else's"})
        self.allowed = True
        self.calls: list[tuple[str, str, str]] = []

    async def answer(self, request: web.Request) -> web.Response:
        kind = request.headers["Content-Type"]
        self.calls.append((request.method, request.path, kind))
        if not self.allowed:
            said = 'nodes "node2" is forbidden: User "ann" cannot patch resource "nodes"'
            return web.json_response({"message": said}, status=403)
        if not request.path.endswith("/node2"):
            return web.json_response({"message": "nodes not found"}, status=404)
        for key, value in (await request.json())["metadata"]["annotations"].items():
            self.node["metadata"]["annotations"].pop(key, None)
            if value is not None:
                self.node["metadata"]["annotations"][key] = value
        return web.json_response(self.node)


@pytest.fixture
def server() -> Server:
    return Server()


def ask(server: Server, tmp_path: Path, name: str, *, undo: bool = False) -> tuple[str, ...]:
    """Drain a node with a kubeconfig; it has to be done."""

    async def talk() -> tuple[str, ...]:
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            port = runner.addresses[0][1]
            file = tmp_path / "kubeconfig"
            file.write_text(json.dumps(kubeconfig(f"http://127.0.0.1:{port}")))
            outcome = await drain(DrainOptions(Objects(None, (file,)), name, undo))
        finally:
            await runner.cleanup()
        assert outcome.done
        return outcome.sentences

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", server.answer)
    return asyncio.run(talk())


def kubeconfig(url: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "ann"}}],
        "clusters": [{"name": "here", "cluster": {"server": url}}],
        "users": [{"name": "ann", "user": {"token": "a token"}}],
    }


def test_on_a_cluster_the_annotation_is_written_and_taken_off_and_no_other(
    server: Server, tmp_path: Path
) -> None:
    assert list(ask(server, tmp_path, "node2")) == LEAVES
    annotations = server.node["metadata"]["annotations"]
    assert annotations == {"somebody": "else's", DRAIN_ANNOTATION: "true"}
    assert ask(server, tmp_path, "node2", undo=True) == (STAYS,)
    assert annotations == {"somebody": "else's"}
    patch = ("PATCH", "/api/v1/nodes/node2", "application/merge-patch+json")
    assert server.calls == [patch, patch]


def test_a_right_that_is_missing_is_named(server: Server, tmp_path: Path) -> None:
    server.allowed = False
    with pytest.raises(RefusedError, match="cannot patch resource") as refused:
        ask(server, tmp_path, "node2")
    assert "the right to patch Nodes (verb patch, resource nodes)" in str(refused.value)


def test_a_node_that_the_cluster_does_not_have_is_told(server: Server, tmp_path: Path) -> None:
    with pytest.raises(NoSuchNodeError, match="There is no node node3 at"):
        ask(server, tmp_path, "node3")


def states(vipcast: Vipcast) -> dict[str, str]:
    """What `status` says of each node; all has to be well."""
    code, lines = vipcast("status", "-ojson")
    assert code == WELL
    return {one["node"]: one["drain"] for one in json.loads("\n".join(lines))["speakers"]}


def test_a_node_is_draining_until_it_speaks_with_no_router_and_then_it_has_left(
    vipcast: Vipcast, directory: Directory
) -> None:
    directory.put("nodes.yaml", node("node1", **DRAINED), node("node2"), node("node3"))
    session = PeerReport("tor", "192.0.2.1", 179, 64500, 64501, "Established", SINCE)
    others = (report("node2"), report("node3"))
    directory.speakers(replace(report("node1"), peers=(session,)), *others)
    assert states(vipcast) == {"node1": "draining", "node2": "", "node3": ""}
    assert "node1  lan0       generic  2      draining" in vipcast("status")[1]
    code, lines = vipcast("explain", "node1")
    assert (code, lines[1]) == (WELL, LEAVES_NOW)
    directory.speakers(report("node1"), *others)
    assert states(vipcast) == {"node1": "left", "node2": "", "node3": ""}
    code, lines = vipcast("explain", "node1")
    assert code == WELL
    assert lines[1] == f"It may announce nothing (nodeDrained): {said(Reason.NODE_DRAINED)}"


def test_a_drained_node_that_is_switched_off_lacks_nothing(
    vipcast: Vipcast, directory: Directory
) -> None:
    directory.put("nodes.yaml", node("node1", **DRAINED), node("node2"), node("node3"))
    directory.speakers(report("node1"), report("node2", ("node3",)), report("node3", ("node2",)))
    directory.config("", "node2", "node3")
    assert states(vipcast)["node1"] == "left"
    assert vipcast("explain", "node1")[0] == WELL
