"""Who may do what in a lab's cluster: certificates, keys, tokens, and a kubeconfig for each user.

All of it is made anew for each lab, lies in its run directory and goes with it. People and tests
are `admin`; the controllers and kube-proxy have the users that Kubernetes' own roles are bound to.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import yaml

from lab import kernel
from lab.cluster import Lab
from lab.topology import SERVICES

API_PORT = 6443
ADMIN = "admin"
USERS = {
    ADMIN: (ADMIN, "system:masters"),
    "controllers": ("system:kube-controller-manager", ""),
    "proxy": ("system:kube-proxy", ""),
}
"""User and group by the name that the kubeconfig file has here."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The files, in one folder."""

    folder: Path
    api: IPv4Address

    @classmethod
    def of(cls, lab: Lab) -> Credentials:
        """Those of a lab with a control plane; they need not be made yet."""
        return cls(lab.run.path / "kubernetes", lab.cp.address)

    @property
    def bin(self) -> Path:
        """A folder with kubectl, for a person's PATH: it works on this cluster from anywhere."""
        return self.folder / "bin"

    @property
    def url(self) -> str:
        """Where the API server is, inside the lab."""
        return f"https://{self.api}:{API_PORT}"

    @property
    def ca(self) -> Path:
        """The certificate that the API server's is signed by."""
        return self.folder / "ca.crt"

    @property
    def server_certificate(self) -> Path:
        """The API server's own."""
        return self.folder / "server.crt"

    @property
    def server_key(self) -> Path:
        """Belongs to it."""
        return self.folder / "server.key"

    @property
    def account_key(self) -> Path:
        """Signs the tokens of service accounts."""
        return self.folder / "accounts.key"

    @property
    def account_public_key(self) -> Path:
        """Belongs to it."""
        return self.folder / "accounts.pub"

    @property
    def tokens(self) -> Path:
        """The API server's list of users: token, name, id, groups."""
        return self.folder / "tokens.csv"

    def kubeconfig(self, name: str) -> Path:
        """The configuration file of a client; those of USERS are there from the beginning."""
        return self.folder / f"{name}.kubeconfig"

    def make(self) -> None:
        """Write everything, for readers with the lab's rights alone. Raises CommandFailed."""
        self.folder.mkdir(mode=0o700)
        self._make_certificates()
        key = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        kernel.call([*key, "-out", str(self.account_key)])
        public = ["openssl", "pkey", "-in", str(self.account_key), "-pubout"]
        self.account_public_key.write_text(kernel.call(public))
        rows = []
        for name, (user, group) in USERS.items():
            token = secrets.token_hex(16)
            rows.append(f'{token},{user},{user},"{group}"\n')
            self.write_kubeconfig(name, token=token)
        self.tokens.write_text("".join(rows))

    def write_kubeconfig(self, name: str, **user: str) -> Path:
        """A client's file; `user` is its part of that name: token="…" or tokenFile="/…"."""
        file = self.kubeconfig(name)
        cluster = {"server": self.url, "certificate-authority": str(self.ca)}
        document: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "lab", "cluster": cluster}],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": name}}],
            "current-context": "lab",
        }
        file.write_text(yaml.safe_dump(document, sort_keys=False))
        return file

    def _make_certificates(self) -> None:
        ca_key = self.folder / "ca.key"
        request = ["openssl", "req", "-x509", "-days", "30", "-nodes", "-newkey", "ec"]
        request += ["-pkeyopt", "ec_paramgen_curve:prime256v1"]
        authority = ["-keyout", str(ca_key), "-out", str(self.ca), "-subj", "/CN=lab"]
        authority += ["-addext", "keyUsage=critical,keyCertSign,cRLSign"]
        kernel.call(request + authority)
        inside = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost")
        names = [f"DNS:{name}" for name in inside]
        names += [f"IP:{address}" for address in (self.api, SERVICES[1], "127.0.0.1")]
        extensions = [
            "basicConstraints=critical,CA:FALSE",
            "keyUsage=critical,digitalSignature",
            "extendedKeyUsage=serverAuth",
            f"subjectAltName={','.join(names)}",
        ]
        server = ["-CA", str(self.ca), "-CAkey", str(ca_key), "-subj", "/CN=kube-apiserver"]
        server += ["-keyout", str(self.server_key), "-out", str(self.server_certificate)]
        kernel.call(request + server + [w for each in extensions for w in ("-addext", each)])
