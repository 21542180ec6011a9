"""The Docker Engine's API without a blocked event loop: each call in a thread with a limit, each stream in batches.

The docker package does the talking. It knows nothing of docker contexts by itself, and looks for them in the wrong
place when there is no config.json, so the address is found here, as the docker command finds it.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import urlsplit

from arbius_tui.domain.errors import Problem
from arbius_tui.domain.images import numbers
from arbius_tui.domain.text import clean
from arbius_tui.services import docker_errors
from arbius_tui.services.machine import docker_folder, docker_host, docker_socket, json_file

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

LIMIT = 15.0
"""Seconds for one call that only asks."""

PATIENCE = 180.0
"""Seconds after which the docker package gives a call up by itself; the thread is gone then at the latest."""

SETTLE = 10.0
"""Seconds that a cancelled call has to end, so that what it made is known."""

ROOM = 5000
"""Items of a stream that wait for a slow reader; after that the Engine waits."""

LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Stream(Protocol[T_co]):
    """A blocking stream that another thread may close."""

    def __iter__(self) -> Iterator[T_co]:
        """What comes."""

    def close(self) -> None:
        """End it; a reader that waits is woken."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where an Engine is. `how` says who named it; `certificates` is a folder with ca.pem, cert.pem and key.pem.

    `called` is its name for a person where the URL says nothing, e.g. that of a tunnel.
    """

    url: str
    how: str = "given"
    certificates: Path | None = None
    verify: bool = True
    called: str = ""

    @property
    def words(self) -> str:
        """How a person knows it."""
        return self.called or self.url

    @property
    def here(self) -> bool:
        """Whether a port that a container publishes opens on this machine."""
        kind, _, rest = self.url.partition("://")
        return kind not in ("tcp", "http", "https", "ssh") or urlsplit(f"//{rest}").hostname in LOOPBACK


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What an Engine says of itself; `platform` is e.g. `linux/amd64`."""

    version: str
    api: str
    platform: str
    runtimes: tuple[str, ...]
    storage: str
    folder: str

    @property
    def nvidia(self) -> bool:
        """Whether it names NVIDIA's runtime. Docker Desktop hands out GPUs without; only a start is a proof."""
        return "nvidia" in self.runtimes


def address(environ: Mapping[str, str] = os.environ) -> Address:
    """Where the docker command would look: DOCKER_HOST, a context, else a socket. NotReady: `docker-context`."""
    if host := environ.get("DOCKER_HOST"):
        folder = Path(environ.get("DOCKER_CERT_PATH") or docker_folder())
        return Address(host, "DOCKER_HOST", folder if environ.get("DOCKER_TLS_VERIFY") else None)
    name = environ.get("DOCKER_CONTEXT") or json_file(docker_folder() / "config.json").get("currentContext")
    if not isinstance(name, str) or name in ("", "default"):
        return Address(docker_host(), "default")
    return of_context(name, "DOCKER_CONTEXT or docker's configuration names it, and it says where the Docker Engine is")


def of_context(name: str, why: str) -> Address:
    """Where the docker context of this name points, with its TLS files; NotReady `docker-context`."""
    contexts, key = docker_folder() / "contexts", hashlib.sha256(name.encode()).hexdigest()
    endpoints = json_file(contexts / "meta" / key / "meta.json").get("Endpoints")
    engine = endpoints.get("docker") if isinstance(endpoints, dict) else None
    if not isinstance(engine, dict) or not isinstance(engine.get("Host"), str):
        raise docker_errors.unknown_context(name, str(contexts), why)
    tls = contexts / "tls" / key / "docker"
    return Address(
        engine["Host"], f"context {clean(name)}", tls if tls.is_dir() else None, not engine.get("SkipTLSVerify")
    )


def named(where: str) -> Address:
    """An Engine by its URL or the name of its context, as --docker takes it; `default` is this machine's own."""
    if "://" in where:
        folder = Path(os.environ.get("DOCKER_CERT_PATH") or docker_folder())
        secure = where.startswith("tcp://") and os.environ.get("DOCKER_TLS_VERIFY")
        return Address(where, certificates=folder if secure else None)
    if where == "default":
        return address() if os.environ.get("DOCKER_HOST") else Address(docker_socket(), "default")
    return of_context(where, "it was named as a machine of the test")


class Engine:
    """One Docker Engine. Nothing is opened before the first call; use it with `async with`."""

    def __init__(self, where: Address | None = None) -> None:
        self._where = where
        self._client: Any = None
        self._lock = threading.Lock()

    async def __aenter__(self) -> Engine:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await in_thread(client.close)

    @property
    def where(self) -> Address:
        """Its address; NotReady `docker-context` when a context is named that does not exist."""
        if self._where is None:
            self._where = address()
        return self._where

    async def call(self, doing: str, work: Callable[[Any], T], limit: float = LIMIT, *, settle: bool = False) -> T:
        """Run `work` with docker's APIClient in a thread. Every exception is a Failure in words.

        `settle`: a call that makes something is waited for (10 s at most) when it is cancelled or late.
        """
        where = self.where
        running = asyncio.ensure_future(in_thread(lambda: work(self._api())))
        try:
            async with asyncio.timeout(limit):
                return await asyncio.shield(running)
        except TimeoutError as error:
            await settled(running, settle)
            raise docker_errors.late(where.words, limit, doing) from error
        except asyncio.CancelledError:
            await settled(running, settle)
            raise
        except Exception as error:  # the boundary: whatever docker, requests or urllib3 raise
            raise docker_errors.failure(error, doing, where.words) from None

    async def stream(
        self, doing: str, begin: Callable[[Any], Stream[T]], limit: float = 86400
    ) -> AsyncGenerator[list[T], None]:
        """What a stream of the Engine brings, in batches. Closing this ends the stream and what the Engine does for it.

        `begin` gets an APIClient of its own. A Failure when it breaks, or takes more than `limit` seconds.
        """
        where, deadline = self.where, time.monotonic() + limit
        pump = Pump(lambda: Owned(where, begin))
        try:
            while batch := await self._batch(pump, doing, limit, deadline):
                yield batch
        finally:
            pump.close()

    async def _batch(self, pump: Pump[T], doing: str, limit: float, deadline: float) -> list[T]:
        try:
            async with asyncio.timeout(max(deadline - time.monotonic(), 0)):
                return await pump.take()
        except TimeoutError as error:
            raise docker_errors.late(self.where.words, limit, doing) from error
        except Exception as error:  # the boundary, as above
            raise docker_errors.failure(error, doing, self.where.words) from None

    async def facts(self) -> EngineFacts:
        """Its version, processor and runtimes."""
        info, version = await self.call("say what it is", lambda api: (api.info(), api.version()))
        runtimes = info.get("Runtimes")
        return EngineFacts(
            version=clean(str(version.get("Version", ""))),
            api=clean(str(version.get("ApiVersion", ""))),
            platform=clean(f"{version.get('Os', 'linux')}/{version.get('Arch', '')}"),
            runtimes=tuple(sorted(map(clean, runtimes))) if isinstance(runtimes, dict) else (),
            storage=clean(str(info.get("Driver", ""))),
            folder=clean(str(info.get("DockerRootDir", ""))),
        )

    def _api(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = made(self.where)
            return self._client


def made(where: Address) -> Any:
    """An APIClient, which asks the Engine for its version at once. Importing it takes time: call this in a thread."""
    from docker import APIClient
    from docker.tls import TLSConfig

    tls: Any = False
    if where.certificates is not None:
        pair = (str(where.certificates / "cert.pem"), str(where.certificates / "key.pem"))
        tls = TLSConfig(client_cert=pair, ca_cert=str(where.certificates / "ca.pem"), verify=where.verify)
    return APIClient(base_url=where.url, version="auto", timeout=PATIENCE, tls=tls, use_ssh_client=True)


def too_old(facts: EngineFacts) -> Problem | None:
    """An Engine before 23 runs an image well; the last step of a cog build fails on it (seen with 20.10)."""
    if numbers(facts.version) >= (23,) or not numbers(facts.version):
        return None
    return Problem(
        "docker-old",
        f"Docker Engine {facts.version} runs images, but no cog build can end on it",
        "the step that adds cog's labels needs an Engine of version 23 or later",
        severity="warn",
    )


async def settled(running: asyncio.Future[Any], wanted: bool) -> None:
    """Wait for a call that was given up, where that matters; what it says is of no interest any more."""
    if wanted:
        await asyncio.wait({running}, timeout=SETTLE)
    running.add_done_callback(lambda future: future.cancelled() or future.exception())


async def in_thread(work: Callable[[], T]) -> T:
    """Run in a thread of its own that never holds up the end of the process, nor takes a place in asyncio's pool.

    An Engine that hangs would fill that pool, and writing the journey needs it.
    """
    future: Future[T] = Future()

    def run() -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(work())
        except BaseException as error:  # whoever awaits gets it
            future.set_exception(error)

    threading.Thread(target=run, name="docker", daemon=True).start()
    return await asyncio.wrap_future(future)


class Owned(Generic[T]):
    """A stream with a client of its own, which is closed with it."""

    def __init__(self, where: Address, begin: Callable[[Any], Stream[T]]) -> None:
        self._api = made(where)
        try:
            self._stream = begin(self._api)
        except BaseException:
            self._api.close()
            raise

    def __iter__(self) -> Iterator[T]:
        try:
            yield from self._stream
        finally:
            self._api.close()

    def close(self) -> None:
        """End the stream; the thread that reads it closes the client."""
        self._stream.close()


class Pump(Generic[T]):
    """A blocking stream read in a thread, for a loop that takes what has come. At most ROOM items wait."""

    def __init__(self, begin: Callable[[], Stream[T]]) -> None:
        self._begin = begin
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[T] = deque()
        self._room = threading.Semaphore(ROOM)
        self._some = asyncio.Event()
        self._stream: Stream[T] | None = None
        self._fault: BaseException | None = None
        self._over = False
        self._closed = threading.Event()
        threading.Thread(target=self._read, name="docker stream", daemon=True).start()

    async def take(self) -> list[T]:
        """All that has come, at least one item; empty at the end. Raises what ended the stream."""
        while not self._waiting:
            if self._over:
                if self._fault is not None:
                    raise self._fault
                return []
            await self._some.wait()
            self._some.clear()
        batch: list[T] = []
        while self._waiting:
            batch.append(self._waiting.popleft())
        self._room.release(len(batch))
        return batch

    def close(self) -> None:
        """End the stream; its thread is woken wherever it waits."""
        self._closed.set()
        self._room.release(ROOM)
        if self._stream is not None:
            with suppress(Exception):  # it is closed already, or of a kind that cannot be
                self._stream.close()

    def _read(self) -> None:
        try:
            self._stream = self._begin()
            if self._closed.is_set():
                self._stream.close()
                return
            for item in self._stream:
                self._room.acquire()
                if self._closed.is_set():
                    return
                self._waiting.append(item)
                if len(self._waiting) == 1:
                    self._wake()
        except BaseException as error:  # whoever takes gets it
            self._fault = error
        finally:
            self._over = True
            self._wake()

    def _wake(self) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody takes any more
            self._loop.call_soon_threadsafe(self._some.set)
