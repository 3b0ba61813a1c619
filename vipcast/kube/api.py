"""The one door to the kubernetes client: calls to an API server that take and give plain JSON.

    async with Api(Access((kubeconfig,))) as api:
        text = await api.version()
        pods = await api.call("GET", "/api/v1/pods", {"limit": 250})
        async with api.stream("/api/v1/pods", {"watch": "true"}) as lines:
            async for line in lines: ...

Of the client are used: its configuration (kubeconfig, service account, plug-ins for tokens), and
its raw calls. Its models are not: they cost seven times the parsing of the JSON, and refuse a whole
object for one odd value. What can fail raises SourceError with a sentence; RefusedError carries the
status of HTTP, ConflictError is 409. Whether to try again is the caller's, with two exceptions:
a token that is refused is read anew, once, and a server that says when to come back (429, or 503
with Retry-After) is asked again then.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlencode

import aiohttp

from vipcast.kube.kubeconfig import merged
from vipcast.model.errors import ConflictError, HostError, RefusedError, SourceError
from vipcast.packages import enter, instead_of

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a Pod finds its token and the certificate of its API server."""

CONNECT: Final = 5.0
"""Seconds in which a connection must stand."""

DEADLINE: Final = 15.0
"""Seconds in which a call must be answered."""

PATIENCE: Final = 3
"""A call that is put off by the server is made at most so many times more."""

LONGEST_HOLD: Final = 30.0
"""Seconds, the most that a server may put us off for."""

LONGEST_LINE: Final = 64 * 2**20
"""Bytes; an object has 1.5 MiB at most, before JSON escapes some of it sixfold."""

JSON: Final = "application/json"
MERGE: Final = "application/merge-patch+json"
STRATEGIC: Final = "application/strategic-merge-patch+json"
OPERATIONS: Final = "application/json-patch+json"

_IDLE, _INTERVAL, _PROBES = 10, 5, 3
"""Seconds, seconds and count of TCP's own probes: a host that is gone is noticed in 25 s."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach the API server: by kubeconfig files, or without any as a Pod does.

    A single file must be there; of several, those that are not are left out, as kubectl does.
    """

    kubeconfig: tuple[Path, ...] = ()
    account: Path = SERVICE_ACCOUNT

    def __str__(self) -> str:
        return ", ".join(map(str, self.kubeconfig)) or str(self.account)


class Api:
    """One client of one API server. Enter it first: that raises HostError if access is unusable."""

    def __init__(self, access: Access, *, agent: str = "vipcast") -> None:
        self._access = access
        self._agent = agent
        self._library = _library()
        self._client: Any = None
        self._connector: aiohttp.TCPConnector | None = None
        self._login = asyncio.Lock()
        self._hold_until = 0.0

    async def __aenter__(self) -> Self:
        configuration = await _configuration(self._access)
        # The client takes 0 as "as many connections as needed"; each watch keeps one.
        configuration.connection_pool_maxsize = 0
        try:
            self._client = self._library.client.ApiClient(configuration)
        except OSError as error:  # of ssl: a certificate or key that is none
            raise _unusable(self._access, error) from error
        self._client.user_agent = self._agent
        self._connector = aiohttp.TCPConnector(
            limit=0, ssl=self._client.rest_client.ssl_context, socket_factory=_probed
        )
        configuration.client_session_kwargs = {
            "connector": self._connector,
            "cookie_jar": aiohttp.DummyCookieJar(),
        }
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.close()
        if self._connector is not None:
            await self._connector.close()

    @property
    def url(self) -> str:
        """Where the API server is."""
        return str(self._client.configuration.host)

    async def version(self) -> tuple[int, int, str]:
        """Major and minor version of the server, and all of it as text ("v1.34.4")."""
        found = await self.call("GET", "/version")
        try:
            minor = "".join(digit for digit in found["minor"] if digit.isdigit())
            return int(found["major"]), int(minor), str(found["gitVersion"])
        except (KeyError, TypeError, ValueError) as error:
            raise SourceError(f"{self.url} does not answer as an API server: {found!r}.") from error

    async def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int] | None = None,
        body: Any = None,
        *,
        content: str = JSON,
        deadline: float = DEADLINE,
    ) -> Any:
        """Make a call; gives the decoded answer. `content` is the type of the body."""
        for left in range(PATIENCE, -1, -1):
            await self._held()
            timeout = aiohttp.ClientTimeout(total=deadline, sock_connect=CONNECT)
            try:
                response = await self._answer(method, path, query, body, content, timeout)
                text = await response.read()
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise self._unreached(error, deadline) from error
            if 200 <= response.status < 300:
                return self._decoded(text)
            if not self._put_off(response) or not left:
                raise _refused(method, path, response.status, text)
        raise AssertionError("the last turn raises")

    @asynccontextmanager
    async def stream(
        self, path: str, query: Mapping[str, str | int], *, silence: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The lines of an answer that goes on; after `silence` seconds without any it is given up.

        An answer that ends, ends the lines; whatever breaks it off raises SourceError.
        """
        await self._held()
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT, sock_read=silence)
        response = None
        try:
            response = await self._answer("GET", path, query, None, JSON, timeout)
            if response.status != 200:
                text = await response.read()
                self._put_off(response)
                raise _refused("GET", path, response.status, text)
            yield _lines(response.response.content)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._unreached(error, silence) from error
        finally:
            if response is not None:
                response.response.close()

    async def _answer(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int] | None,
        body: Any,
        content: str,
        timeout: aiohttp.ClientTimeout,
    ) -> Any:
        """The client's response, not read yet; asked with a new token if the old one is refused."""
        url = f"{path}?{urlencode(query)}" if query else path
        for first in (True, False):
            headers = {"Accept": JSON, "Content-Type": content}
            try:
                request = await self._client.param_serialize(
                    method, url, header_params=headers, body=body, auth_settings=["BearerToken"]
                )
            except self._library.config_exception.ConfigException as error:
                raise SourceError(f"The token of {self._access} is unusable: {error}") from error
            response = await self._client.call_api(*request, _request_timeout=timeout)
            if response.status != 401 or not first:
                return response
            await response.read()
            await self._log_in_again(request[2].get("authorization", ""))
        raise AssertionError("the last turn returns")

    async def _log_in_again(self, refused: str) -> None:
        """Read the token anew, unless somebody else has done so since it was refused."""
        async with self._login:
            configuration = self._client.configuration
            if configuration.api_key.get("BearerToken", "") != refused:
                return
            try:
                fresh = await _configuration(self._access)
            except HostError as error:
                raise SourceError(str(error)) from error
            configuration.api_key = fresh.api_key
            configuration.refresh_api_key_hook = fresh.refresh_api_key_hook

    async def _held(self) -> None:
        """Until the time at which the server wants to be asked again."""
        left = self._hold_until - time.monotonic()
        if left > 0:
            await asyncio.sleep(left)

    def _put_off(self, response: Any) -> bool:
        """Whether the server has said when to come back; nobody asks before."""
        after = response.headers.get("Retry-After")
        if response.status != 429 and (response.status != 503 or after is None):
            return False
        seconds = float(after) if after is not None and after.isdigit() else 1.0
        self._hold_until = time.monotonic() + min(seconds, LONGEST_HOLD)
        return True

    def _unreached(self, error: Exception, deadline: float) -> SourceError:
        if isinstance(error, TimeoutError):
            return SourceError(f"The API server {self.url} was silent for {deadline:g} s.")
        why = str(error) or type(error).__name__
        return SourceError(f"The API server {self.url} cannot be reached: {why}.")

    def _decoded(self, text: bytes) -> Any:
        try:
            return decode(text)
        except ValueError as error:
            raise SourceError(f"{self.url} sent what is no JSON: {error}.") from error


def decode(text: bytes) -> Any:
    """JSON as plain values. Equal keys, and values of the keys COMMON, are one text in memory.

    Raises ValueError.
    """
    return _DECODER.decode(text.decode())


COMMON: Final = frozenset(
    {
        *(
            "addressType",
            "externalTrafficPolicy",
            "internalTrafficPolicy",
            "ipFamilyPolicy",
            "kind",
        ),
        *("ipMode", "manager", "namespace", "nodeName", "protocol", "reason", "sessionAffinity"),
        *("status", "type"),
    }
)
"""Keys whose values are few, in however many objects they are."""


def _shared(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {
        sys.intern(key): sys.intern(value) if key in COMMON and type(value) is str else value
        for key, value in pairs
    }


_DECODER = json.JSONDecoder(object_pairs_hook=_shared)


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """The lines of a body, however long each is."""
    begun: list[bytes] = []
    size = 0
    async for chunk in content.iter_any():
        *whole, rest = chunk.split(b"\n")
        for line in whole:
            yield b"".join((*begun, line))
            begun, size = [], 0
        if rest:
            begun.append(rest)
            size += len(rest)
        if size > LONGEST_LINE:
            raise SourceError(f"A line of more than {LONGEST_LINE} bytes came from the API server.")


def _refused(method: str, path: str, code: int, text: bytes) -> SourceError:
    """What the answer says: a Status object of Kubernetes, or what something between us sent."""
    try:
        said = json.loads(text)["message"]
    except (ValueError, KeyError, TypeError):
        said = text[:200].decode(errors="replace").strip() or "no reason given"
    message = f"The API server answered {method} {path} with {code}: {said}"
    message = message if message.endswith(".") else f"{message}."
    return ConflictError(message) if code == 409 else RefusedError(message, code)


def _probed(info: Any) -> socket.socket:
    """A socket whose other end is probed while it is silent; see tcp(7)."""
    family, kind, protocol, _, _ = info
    opened = socket.socket(family, kind, protocol)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _IDLE)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _INTERVAL)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES)
    opened.setsockopt(
        socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1000 * (_IDLE + _PROBES * _INTERVAL)
    )
    return opened


async def _configuration(access: Access) -> Any:
    """The client's configuration for this access. Raises HostError if there is none to be had."""
    library = _library()
    configuration = library.client.Configuration()
    try:
        if not access.kubeconfig:
            library.incluster_config.InClusterConfigLoader(
                str(access.account / "token"), str(access.account / "ca.crt"), environ=os.environ
            ).load_and_set(configuration)
        else:
            document = merged(_read(access.kubeconfig))
            await library.kube_config.load_kube_config_from_dict(
                document, client_configuration=configuration
            )
        _trim(configuration)
    except Exception as error:  # what odd files make the loader raise is everything
        raise _unusable(access, error) from error
    return configuration


def _trim(configuration: Any) -> None:
    """Tokens without white space, now and whenever the client reads its file again.

    A file may end with a line break; in a header it is an error, of no kind that is expected.
    """
    refresh = configuration.refresh_api_key_hook

    def trimmed(asked: Any) -> None:
        if refresh is not None:
            refresh(asked)  # which puts itself in here again
            asked.refresh_api_key_hook = trimmed
        asked.api_key = {key: text.strip() for key, text in asked.api_key.items()}

    configuration.refresh_api_key_hook = trimmed
    trimmed(configuration)


def _read(files: tuple[Path, ...]) -> list[tuple[Path, str]]:
    """The texts of those that are there; raises OSError if none is."""
    there = [file for file in files if file.exists()] or files[:1]
    return [(file, file.read_text(encoding="utf-8")) for file in there]


def _unusable(access: Access, error: Exception) -> HostError:
    why = str(error.strerror if isinstance(error, OSError) and error.strerror else error)
    sentence = (why or type(error).__name__).rstrip(".")
    if access.kubeconfig:
        return HostError(
            f"The kubeconfig {access} cannot be used: {sentence}. Name one that kubectl can use"
            " with --kubeconfig."
        )
    return HostError(
        f"There is no API server to be found as in a Pod ({access.account}): {sentence}. Give"
        " --kubeconfig, or --directory to work without an API server."
    )


class _Unused:
    """A class of pydantic's, of which nothing is ever made here."""


_PYDANTIC: Final = {
    "BaseModel": _Unused,
    "Field": lambda *_default, **_constraints: None,
    "SecretStr": _Unused,
    "StrictBytes": bytes,
    "StrictInt": int,
}


@dataclass(frozen=True, slots=True)
class _Library:
    client: Any
    config_exception: Any
    incluster_config: Any
    kube_config: Any


def _library() -> _Library:
    """The parts of the client that are used.

    The packages around them import each API and the client without asyncio, which would cost 9 MiB
    in every speaker; so these two are entered without running their own code. Of pydantic, another
    7 MiB, the raw calls need that no body is a SecretStr, and nothing else.
    """
    enter("kubernetes", "kubernetes.aio")
    with instead_of("pydantic", **_PYDANTIC):
        from kubernetes.aio import client
        from kubernetes.aio.config import config_exception, incluster_config, kube_config

    return _Library(client, config_exception, incluster_config, kube_config)
