"""Looking at a container without touching it: its state, its log, and why it ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import aclosing, suppress
from typing import Any, TypeVar

from arbius_tui.domain.errors import Failure, NotReady
from arbius_tui.domain.gpus import QUERY, Gpu, listed
from arbius_tui.services import containers_logs, containers_state, watching
from arbius_tui.services.containers_engine import Engine
from arbius_tui.services.containers_state import MISSING, ContainerState
from arbius_tui.services.ports import Health, Server
from arbius_tui.services.process import LineReader

LOOK = 0.3
"""Seconds between two looks at a container that is watched."""

SETTLES = 3.0
"""Seconds in which an Engine notices that a container whose connection broke has ended."""

BROKEN_OFF = ("endpoint-lost", "endpoint-unreachable", "server-error", "not-a-cog-server", "timeout")
"""Failures of a request whose reason may be that the container runs no more."""

T = TypeVar("T")
TAIL = 200
LOG_LIMIT = 5.0

REMOVAL = 0.5
"""Seconds in which a container that was killed by its removal is gone."""


class Watcher:
    """Looks at containers; `project` decides which are ours."""

    def __init__(self, project: str, engine: Engine) -> None:
        self.project, self.engine = project, engine

    async def state(self, server: Server) -> ContainerState:
        """The container now; `missing` when there is none."""
        try:
            found = await self.engine.call("look at the container", lambda api: api.inspect_container(server.container))
        except NotReady as failure:
            if failure.problem.code != "container-missing":
                raise
            return ContainerState(server.container, MISSING)
        return containers_state.read(found, self.project)

    async def logs(self, server: Server, *, follow: bool = True, tail: int = TAIL) -> AsyncGenerator[str, None]:
        """The container's log as plain lines, the last `tail` first; with `follow` until the container ends."""

        def begin(api: Any) -> Any:
            lines = api.logs(server.container, stream=True, follow=follow, tail=tail)
            return lines

        reader, batches = LineReader(), self.engine.stream("read the log", begin)
        async with aclosing(batches):
            async for batch in batches:
                for line in reader.feed(b"".join(batch)):
                    yield containers_logs.plain(line)
        for line in reader.end():
            yield containers_logs.plain(line)

    async def gpu(self, server: Server) -> Gpu:
        """The GPU that the model in this container sees and its driver; nothing where nvidia-smi is not in it."""

        def ask(api: Any) -> bytes:
            made = api.exec_create(server.container, list(QUERY), stderr=False)["Id"]
            said: bytes = api.exec_start(made)
            return said if api.exec_inspect(made).get("ExitCode") == 0 else b""

        with suppress(Failure):
            return listed((await self.engine.call("ask for its GPU", ask)).decode("utf-8", "replace"))
        return Gpu()

    async def last_lines(self, server: Server, count: int = 60) -> list[str]:
        """The end of the log, empty when there is none to be had."""
        lines: list[str] = []
        with suppress(Failure, TimeoutError):
            async with asyncio.timeout(LOG_LIMIT), aclosing(self.logs(server, follow=False, tail=count)) as log:
                lines = [line async for line in log]
        return lines

    async def trouble(self, server: Server, *, was_ready: bool) -> NotReady | None:
        """Why the model in this container cannot answer, None while it runs."""
        state = await self.state(server)
        if state.status == "running":
            return None
        lines = await self.last_lines(server)
        if state.status in ("exited", "removing"):
            # Whoever removes a running container kills it first: a look a little later tells the one from the other.
            await asyncio.sleep(REMOVAL)
            state = await self.state(server)
            if state.status == "running":
                return None
        return containers_state.verdict(state, lines, was_ready=was_ready)

    def while_running(self, server: Server, healths: AsyncIterator[Health]) -> AsyncGenerator[Health, None]:
        """The healths of a server, but for a container that ends meanwhile: a NotReady then says why it ended."""
        return watching.while_running(healths, lambda: self.trouble(server, was_ready=False), LOOK)

    async def during(self, server: Server, work: Coroutine[Any, Any, T]) -> T:
        """What a request to the model in this container gives; a container that ends meanwhile is its failure.

        While the Engine itself does not answer, the request goes on: it may still come to a good end.
        """
        working, ended = asyncio.ensure_future(work), asyncio.ensure_future(self._ended(server))
        try:
            await asyncio.wait((working, ended), return_when=asyncio.FIRST_COMPLETED)
            if ended.done() and not working.done() and ended.exception() is None:
                raise ended.result()
            return await working
        except NotReady as failure:
            if failure.problem.code not in BROKEN_OFF:
                raise
            raise await self._why(server) or failure from None
        finally:
            for task in (working, ended):
                task.cancel()
            await asyncio.gather(working, ended, return_exceptions=True)

    async def _why(self, server: Server) -> NotReady | None:
        """Why a request broke off, if it is because of the container: it may take a moment to be seen."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLES):
                return await self._ended(server)
        return None

    async def _ended(self, server: Server) -> NotReady:
        """Wait until the container runs no more."""
        return await watching.ended(lambda: self.trouble(server, was_ready=False), LOOK)
