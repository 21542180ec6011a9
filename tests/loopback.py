"""A server of a test on loopback, of which nothing is left when the test ends."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Connections:
    """Every open connection of a server; a socket left to the garbage collector would fail whichever test runs then."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        try:
            await self._handle(reader, writer)
        except (asyncio.CancelledError, asyncio.IncompleteReadError, ConnectionError):
            pass  # the peer or the test has gone; Python 3.11 would log a cancelled task of a server as a mistake
        finally:
            self._open.pop(task)
            writer.close()
            with suppress(asyncio.CancelledError, ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    async def close(self) -> None:
        """End every connection and wait until it is gone."""
        while self._open:
            for task, writer in self._open.items():
                task.cancel()
                writer.transport.abort()
            await asyncio.gather(*self._open, return_exceptions=True)


def relay(engine: str) -> Handle:
    """Passes everything on to the socket of a unix:// address, and back: a real Docker Engine at another place."""

    async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        sink.close()

    async def passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_unix_connection(engine.removeprefix("unix://"))
        try:
            await asyncio.gather(copy(reader, outer), copy(inner, writer))
        finally:
            outer.transport.abort()

    return passed


@asynccontextmanager
async def listening(
    handle: Handle, path: str = "", tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[str]:
    """Serve on loopback, or on a socket at `path`, which goes with the end; gives host:port, or the path."""
    connections = Connections(handle)
    start = asyncio.start_unix_server(connections, path) if path else None
    server = await (start or asyncio.start_server(connections, host, 0, ssl=tls, limit=1 << 26))
    try:
        yield path or f"{host}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        if path:
            Path(path).unlink(missing_ok=True)
        await connections.close()
