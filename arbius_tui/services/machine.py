"""What the checks ask this machine: commands, the Docker Engine, RPCs. Each question is asked once, however many ask.

Looking at the surroundings is the purpose of this service, so PATH, DOCKER_HOST and the like are read here.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from arbius_tui.domain.errors import Failure, Fix, Problem
from arbius_tui.domain.networks import Network
from arbius_tui.domain.text import clean
from arbius_tui.services.ipfs_address import LOCAL
from arbius_tui.services.ports import CheckState, Subject
from arbius_tui.services.process import Completed, output

if TYPE_CHECKING:
    import httpx

    from arbius_tui.services.containers_engine import Address

T = TypeVar("T")

PATIENCE = 2.5
"""Seconds for one question; a check itself has 3."""

BODY = 1 << 20
"""Bytes of an answer at most."""


@dataclass(frozen=True, slots=True)
class Finding:
    """How a check went: the state word, what was found in a few words, what to do, and what was printed."""

    state: CheckState
    found: str
    fix: Fix | None = None
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server said: a value, or why there is none. `reached` tells a refusal from no answer at all.

    `number` is the errno of a connection that failed, 0 where there is none; `late`: it took too long.
    """

    value: Any = None
    fault: str = ""
    reached: bool = True
    seconds: float = 0.0
    number: int = 0
    late: bool = False


class Machine:
    """This machine, asked each thing once. Close it with `async with`; what still runs is cancelled then."""

    def __init__(self, network: Network, ipfs: str = LOCAL, docker: str = "", subject: Subject | None = None) -> None:
        self.network, self.ipfs, self.subject = network, ipfs, subject or Subject()
        self.docker_at, self.docker_fault = engine_address(docker)
        self._asked: dict[tuple[str, ...], asyncio.Task[Any]] = {}
        self._clients: list[httpx.AsyncClient] = []

    async def __aenter__(self) -> Machine:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        for task in self._asked.values():
            task.cancel()
        await asyncio.gather(*self._asked.values(), return_exceptions=True)
        for client in self._clients:
            await client.aclose()

    async def once(self, key: tuple[str, ...], work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Do this work, or wait for whoever does it already."""
        if key not in self._asked:
            self._asked[key] = asyncio.create_task(work())
        found: T = await asyncio.shield(self._asked[key])
        return found

    async def run(self, *argv: str) -> Completed:
        """A command, at most 2.5 s."""
        return await self.once(("run", *argv), lambda: output(argv, PATIENCE))

    def which(self, program: str) -> str:
        """Where a program is on PATH, empty when it is not."""
        return shutil.which(program) or ""

    async def docker(self, path: str) -> Reply:
        """GET a path of the Docker Engine's API."""
        return await self.once(("docker", path), lambda: self._docker(path))

    async def rpc(self, url: str, method: str, *params: Any) -> Reply:
        """A JSON-RPC call."""
        return await self.once(("rpc", url, method, json.dumps(params)), lambda: self._rpc(url, method, params))

    @property
    def docker_kind(self) -> str:
        """How the Docker Engine is reached: unix, tcp, http, https or ssh; empty for an address of no kind."""
        kind, found, _ = self.docker_at.url.partition("://")
        return kind if found and kind in ("unix", "tcp", "http", "https", "ssh") else ""

    @property
    def docker_socket(self) -> Path | None:
        """The Docker Engine's socket, None where it is reached over a network."""
        return Path(self.docker_at.url.removeprefix("unix://")) if self.docker_kind == "unix" else None

    async def _docker(self, path: str) -> Reply:
        kind, _, rest = self.docker_at.url.partition("://")
        if self.docker_kind in ("", "ssh"):
            return Reply(fault=f"{kind or 'an unknown kind of'} address, which is not looked at", reached=False)
        secure = kind == "https" or self.docker_at.certificates is not None
        uds, base = (rest, "http://docker") if kind == "unix" else ("", f"http{'s' if secure else ''}://{rest}")
        try:
            client = await self._client(uds, str(self.docker_at.certificates or "") if not uds else "")
        except OSError as error:  # the certificates
            return Reply(fault=f"its certificates cannot be read: {clean(str(error))}", reached=False)
        return await asked(client, "GET", f"{base}{path}")

    async def _rpc(self, url: str, method: str, params: tuple[Any, ...]) -> Reply:
        if (host := host_of(url)) == "?":
            return Reply(fault="this is no http address")
        if unnamed := await self.once(("name", host), lambda: unresolved(host)):
            return Reply(fault=unnamed, reached=False, late=True)
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        reply = await asked(await self._client(), "POST", url, body)
        if reply.fault:
            return reply
        said = reply.value if isinstance(reply.value, dict) else {}
        if said.get("result") is None:
            error = said.get("error")
            words = error.get("message") if isinstance(error, dict) else "no result"
            return Reply(fault=clean(str(words))[:200], seconds=reply.seconds)
        return Reply(said["result"], seconds=reply.seconds)

    async def _client(self, uds: str = "", certificates: str = "") -> httpx.AsyncClient:
        """One client for the network, one for each socket; made in a thread, for the package and its certificates."""
        return await self.once(("client", uds, certificates), lambda: asyncio.to_thread(self._made, uds, certificates))

    def _made(self, uds: str, certificates: str) -> httpx.AsyncClient:
        import ssl

        import httpx

        transport = httpx.AsyncHTTPTransport(uds=uds, verify=False) if uds else None
        if certificates:
            folder = Path(certificates)
            context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
            context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
            if not self.docker_at.verify:  # the author's context says so (SkipTLSVerify)
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            transport = httpx.AsyncHTTPTransport(verify=context)
        # asyncio.timeout is around every request; the environment's proxies are not asked.
        client = httpx.AsyncClient(transport=transport, timeout=None, trust_env=False)  # noqa: S113
        self._clients.append(client)
        return client


async def asked(client: httpx.AsyncClient, method: str, url: str, body: Any = None) -> Reply:
    """One HTTP request that is answered with JSON. The fault never holds the URL: a key may be part of it."""
    import httpx

    began, reached, number, late = time.monotonic(), False, 0, False
    try:
        async with asyncio.timeout(PATIENCE), client.stream(method, url, json=body) as response:
            reached = True
            value = json.loads(await bounded(response))
            if response.status_code < 400:
                return Reply(value, seconds=time.monotonic() - began)
            fault = f"HTTP {response.status_code}"
    except TimeoutError:
        fault, late = f"no answer in {PATIENCE:g} s", True
    except (httpx.UnsupportedProtocol, httpx.InvalidURL):
        fault, reached = "this is no http address", True
    except (ValueError, RecursionError):
        fault = f"the answer is not JSON (HTTP {response.status_code})"
    except httpx.ConnectError as error:
        fault, number = clean(str(error)).replace(url, "")[:200], number_of(error)
    except (httpx.HTTPError, httpx.StreamError, OSError) as error:
        fault = type(error).__name__
    return Reply(None, fault, reached, time.monotonic() - began, number, late)


def number_of(error: BaseException | None) -> int:
    """The errno inside an exception, 0 where there is none: its words depend on the system."""
    while error is not None:
        if isinstance(error, OSError) and error.errno:
            return error.errno
        error = error.__cause__ or error.__context__
    return 0


async def unresolved(host: str) -> str:
    """Why a name has no address in time, empty where it has one or its lack is for the HTTP client to say.

    In a thread of its own: a name server that is silent would hold up asyncio's, and with them the end of the process.
    """
    import socket

    from arbius_tui.services.containers_engine import in_thread

    try:
        async with asyncio.timeout(PATIENCE):
            await in_thread(lambda: socket.getaddrinfo(host, None))
    except TimeoutError:
        return f"no name server answers for {host}"
    except (OSError, UnicodeError):
        pass
    return ""


async def bounded(response: httpx.Response) -> bytes:
    """The body, at most 1 MiB; ValueError above."""
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > BODY:
            raise ValueError("too much")
    return bytes(body)


def engine_address(given: str) -> tuple[Address, Problem | None]:
    """Where the Docker Engine is, and what is wrong with what says so (a context that does not exist)."""
    from arbius_tui.services.containers_engine import Address, address

    if given:
        return Address(given), None
    try:
        return address(), None
    except Failure as failure:
        return Address("", "context"), failure.problem


def docker_host() -> str:
    """Where the Docker Engine should answer: DOCKER_HOST, the current context, or the first socket that is there."""
    if host := os.environ.get("DOCKER_HOST"):
        return host
    if host := docker_context():
        return host
    return docker_socket()


def docker_socket() -> str:
    """The first socket of a Docker Engine on this machine that is there, else the usual one."""
    places = [
        Path("/var/run/docker.sock"),
        Path(os.environ.get("XDG_RUNTIME_DIR") or "/nonexistent") / "docker.sock",
        Path.home() / ".docker/run/docker.sock",
    ]
    return f"unix://{next((place for place in places if place.exists()), places[0])}"


def docker_context() -> str:
    """The address of the context that `docker context use` chose, empty for the default one."""
    name = os.environ.get("DOCKER_CONTEXT") or json_file(docker_folder() / "config.json").get("currentContext", "")
    if not name or name == "default":
        return ""
    for meta in (docker_folder() / "contexts" / "meta").glob("*/meta.json"):
        found = json_file(meta)
        if found.get("Name") == name:
            endpoints = found.get("Endpoints")
            engine = endpoints.get("docker") if isinstance(endpoints, dict) else None
            return str(engine.get("Host", "")) if isinstance(engine, dict) else ""
    return ""


def docker_folder() -> Path:
    """Where docker keeps its configuration."""
    return Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")


def json_file(path: Path) -> dict[str, Any]:
    """A JSON object from a file, empty when there is none or it is none."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def host_of(url: str) -> str:
    """The part of a URL that may be shown: never its path or query, which may hold a key."""
    try:
        return clean(urlsplit(url).hostname or "?")
    except ValueError:
        return "?"
