"""Which API server, and as whom: what cannot be used is named before anything is asked."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from vipcast.kube.api import Access, Api, decode
from vipcast.model.errors import HostError


def config(**parts: Any) -> str:
    """A kubeconfig, but for the parts given."""
    whole = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    return json.dumps({**whole, **parts})


async def enter(access: Access) -> str:
    """Where a client with this access would go."""
    async with Api(access) as api:
        return api.url


async def test_a_kubeconfig_says_where_the_api_server_is(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(config())
    assert await enter(Access((file,))) == "http://127.0.0.1:1"


async def test_several_files_are_one_together_and_those_that_are_not_there_are_left_out(
    tmp_path: Path,
) -> None:
    for name, text in (
        ("first", config(clusters=[], **{"current-context": ""})),
        ("second", config(contexts=[], users=[])),
    ):
        (tmp_path / name).write_text(text)
    files = tuple(tmp_path / name for name in ("nowhere", "first", "second"))
    assert await enter(Access(files)) == "http://127.0.0.1:1"
    missing = tmp_path / "nowhere"
    with pytest.raises(HostError, match=f"{missing}, {missing} cannot be used: No such file"):
        await enter(Access((missing, missing)))


CA = {"server": "https://127.0.0.1:1", "certificate-authority-data": "eA=="}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "cannot be used"),
        ("[1, 2]", "holds no mapping of keys to values"),
        ("a: [", "while parsing"),
        (config(contexts=[]), "Expected object with name x in .*contexts"),
        (config(**{"current-context": "y"}), "Expected object with name y"),
        (config(clusters=[{"name": "c", "cluster": CA}]), "cannot be used"),
        (config(users=[{"name": "u", "user": {"tokenFile": "/nowhere"}}]), "No such file"),
    ],
)
async def test_a_kubeconfig_that_is_none_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "config"
    file.write_text(text)
    with pytest.raises(HostError, match=said) as caught:
        await enter(Access((file,)))
    sentence = str(caught.value)
    assert sentence.startswith(f"The kubeconfig {file} cannot be used: ")
    assert sentence.endswith(". Name one that kubectl can use with --kubeconfig.")


async def test_a_kubeconfig_that_is_missing_is_named(tmp_path: Path) -> None:
    file = tmp_path / "config"
    with pytest.raises(HostError, match=f"{file} cannot be used: No such file or directory"):
        await enter(Access((file,)))


@pytest.mark.parametrize(
    ("files", "environment", "said"),
    [
        (("token", "ca.crt"), {}, "Service host/port is not set"),
        (("ca.crt",), {"KUBERNETES_SERVICE_PORT": "1"}, "Service token file does not exist"),
        (("token",), {"KUBERNETES_SERVICE_PORT": "1"}, "certification file does not exist"),
    ],
)
async def test_a_place_that_is_no_pod_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: Iterable[str],
    environment: dict[str, str],
    said: str,
) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.delenv("KUBERNETES_SERVICE_PORT", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for name in files:
        (tmp_path / name).write_text("x")
    with pytest.raises(HostError, match=f"{said}. Give --kubeconfig, or --directory"):
        await enter(Access(account=tmp_path))


def test_equal_keys_of_different_objects_are_one_text() -> None:
    first, second = decode(b'{"someKey": 1}'), decode(b'{"someKey": 2}')
    assert next(iter(first)) is next(iter(second))


def test_values_that_come_again_and_again_are_one_text() -> None:
    one, other = (decode(b'{"protocol": "T\\u0043P", "ip": "192.0.2.1"}') for _ in range(2))
    assert one == other == {"protocol": "TCP", "ip": "192.0.2.1"}
    assert one["protocol"] is other["protocol"]
    assert one["ip"] is not other["ip"]
    assert decode(b'{"protocol": ["TCP"]}') == {"protocol": ["TCP"]}


def test_neither_the_models_nor_the_client_without_asyncio_are_loaded(tmp_path: Path) -> None:
    """They would cost each speaker some 40 MiB."""
    file = tmp_path / "config"
    file.write_text(config())
    made = subprocess.run(
        [sys.executable, "-c", LOADING, file],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    loaded = [name for name in made.stdout.split() if name.startswith("kubernetes.")]
    assert "kubernetes.aio.client.api_client" in loaded
    assert not [name for name in loaded if not name.startswith("kubernetes.aio")]
    assert not [name for name in loaded if ".models." in name or ".api." in name]


LOADING = """
import asyncio, sys
from pathlib import Path
from vipcast.kube.api import Access, Api

async def main():
    async with Api(Access((Path(sys.argv[1]),))):
        print(*sys.modules)

asyncio.run(main())
"""


@pytest.fixture
def secured(tmp_path: Path) -> ssl.SSLContext:
    """For a server on this machine, whose certificate is where a Pod looks for it."""
    key, certificate = tmp_path / "key", tmp_path / "ca.crt"
    request = ["openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=lab"]
    request += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key)]
    subprocess.run([*request, "-out", str(certificate)], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


async def test_a_token_that_ends_with_a_line_break_is_sent_without_it_and_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secured: ssl.SSLContext
) -> None:
    heard: list[str] = []

    async def answer(asked: web.Request) -> web.Response:
        heard.append(asked.headers["Authorization"])
        return web.json_response({}, status=401 if heard.count(heard[-1]) > 2 else 200)

    application = web.Application()
    application.router.add_get("/version", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=secured).start()
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(runner.addresses[0][1]))
    token = tmp_path / "token"
    token.write_text("old\n")
    async with Api(Access(account=tmp_path)) as api:
        for _ in range(2):
            await api.call("GET", "/version")
        token.write_text("new\n")
        for _ in range(2):
            await api.call("GET", "/version")
    await runner.cleanup()
    assert heard == ["bearer old"] * 3 + ["bearer new"] * 2
