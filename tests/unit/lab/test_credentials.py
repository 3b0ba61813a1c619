"""Certificates, keys and client files of a lab's cluster."""

from __future__ import annotations

import csv
import ssl
import stat
import subprocess
from ipaddress import IPv4Address
from pathlib import Path

import pytest
import yaml

from lab.kubernetes.credentials import USERS, Credentials


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Credentials:
    credentials = Credentials(
        tmp_path_factory.mktemp("lab") / "kubernetes", IPv4Address("192.0.2.5")
    )
    credentials.make()
    return credentials


def test_nobody_else_can_read_them(made: Credentials) -> None:
    assert stat.S_IMODE(made.folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "name",
    [
        ["-verify_ip", "192.0.2.5"],
        ["-verify_ip", "10.96.0.1"],
        ["-verify_hostname", "kubernetes.default.svc"],
    ],
)
def test_the_api_server_is_whom_its_certificate_names(made: Credentials, name: list[str]) -> None:
    strictly = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver"]
    files = ["-CAfile", str(made.ca), str(made.server_certificate)]

    subprocess.run([*strictly, *name, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.server_certificate, made.server_key)


def test_each_user_s_client_file_holds_the_token_that_the_api_server_knows(
    made: Credentials,
) -> None:
    with made.tokens.open() as file:
        known = {token: (user, group) for token, user, _id, group in csv.reader(file)}

    assert len(known) == len(USERS)
    for name, expected in USERS.items():
        document = yaml.safe_load(made.kubeconfig(name).read_text())
        assert known[document["users"][0]["user"]["token"]] == expected
        assert document["clusters"][0]["cluster"] == {
            "server": "https://192.0.2.5:6443",
            "certificate-authority": str(made.ca),
        }


def test_a_client_file_of_ones_own_is_beside_the_others(made: Credentials, tmp_path: Path) -> None:
    file = made.write_kubeconfig("speaker", tokenFile=str(tmp_path / "token"))

    assert file == made.kubeconfig("speaker")
    (user,) = yaml.safe_load(file.read_text())["users"]
    assert user == {"name": "speaker", "user": {"tokenFile": str(tmp_path / "token")}}
