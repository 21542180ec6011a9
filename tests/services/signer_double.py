"""A signer that answers JSON-RPC over HTTP or a socket as Clef and Frame document it, and goes wrong when told to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Refusal(Exception):
    """An error as JSON-RPC has it."""

    code: int
    message: str


def unknown(_: list[Any]) -> Any:
    """A method that is not there."""
    raise Refusal(-32601, "the method does not exist/is not available")


@dataclass
class Double:
    """`answers` has a function for each method; bytes that one returns are sent as they are, in place of an answer."""

    answers: dict[str, Callable[[list[Any]], Any]]
    url: str = ""
    asked: list[tuple[str, list[Any]]] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    waits: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once somebody waits for an answer that does not come."""
    hang: asyncio.Event = field(default_factory=asyncio.Event)
    """Set at the end: a method that answers None waits for it and then says nothing."""

    async def reply(self, body: bytes) -> bytes:
        """The answer to one request."""
        request = json.loads(body)
        self.asked.append((request["method"], request["params"]))
        head = {"jsonrpc": "2.0", "id": request["id"]}
        answer = self.answers.get(request["method"])
        try:
            result = (answer or unknown)(request["params"])
        except Refusal as refusal:
            return json.dumps({**head, "error": {"code": refusal.code, "message": refusal.message}}).encode()
        if result is None:
            self.waits.set()
            await self.hang.wait()
            return b""
        return result if isinstance(result, bytes) else json.dumps({**head, "result": result}).encode()

    async def over_http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request on one connection."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.headers.append(head)
            length = next(
                int(line.split(":")[1]) for line in head.splitlines() if line.lower().startswith("content-length")
            )
            answer = await self.reply(await reader.readexactly(length))
            if answer.startswith(b"HTTP/"):
                writer.write(answer)
            elif answer:
                writer.write(
                    b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer
                )
            await writer.drain()
        finally:
            writer.close()

    async def over_socket(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request on one connection, which stays open as geth's does; the answer comes in two pieces."""
        try:
            answer = await self.reply(await reader.readline())
            writer.write(answer[:9])
            await writer.drain()
            writer.write(answer[9:])
            await writer.drain()
            await reader.read()
        finally:
            writer.close()


@asynccontextmanager
async def double(socket: Path | None = None, **answers: Callable[[list[Any]], Any]) -> AsyncIterator[Double]:
    """A running signer; it ends with its connections."""
    found = Double(answers)
    tasks = set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        try:
            await (found.over_socket if socket else found.over_http)(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # whoever asked has gone
        finally:
            tasks.discard(task)

    if socket:
        server = await asyncio.start_unix_server(serve, socket)
        found.url = str(socket)
    else:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield found
    finally:
        found.hang.set()
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
