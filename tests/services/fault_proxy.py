"""An HTTP proxy on loopback that breaks things on purpose, in front of a real node (JSON-RPC or Kubo's /api/v0).

A rule is `NAME=FAULT[*COUNT]`. NAME is a JSON-RPC method, a path prefix, or `*`; after COUNT faults it behaves
(default: never). Faults:

    status:CODE[:BODY]   this HTTP status            refuse        close before the target is asked
    lose-answer          ask the target, then close  truncate      half of the target's answer
    hang                 never answer                html          a captive portal
    null                 JSON-RPC result null        error:CODE:MESSAGE   a JSON-RPC error
    json:OBJECT          these members in the JSON-RPC answer
    redirect:URL         307 to there                swap:A:B      replace text in the target's answer
"""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from tests.loopback import listening

LARGEST = 2**26

Headers = dict[str, str]


@dataclass
class Rule:
    """One rule with how often it still strikes; None is for ever."""

    name: str
    fault: str
    left: int | None

    @classmethod
    def parse(cls, text: str) -> Rule:
        name, fault = text.split("=", 1)
        body, star, count = fault.rpartition("*")
        return cls(name, body, int(count)) if star and count.isdigit() else cls(name, fault, None)

    def strikes(self, names: list[str]) -> bool:
        hit = self.name == "*" or any(
            name == self.name or (self.name.startswith("/") and name.startswith(self.name)) for name in names
        )
        if not hit or self.left == 0:
            return False
        self.left = None if self.left is None else self.left - 1
        return True


@dataclass
class Seen:
    """A request that came in: its path and JSON-RPC methods, the fault it met, and its headers."""

    names: list[str]
    fault: str
    headers: Headers = field(repr=False)


class FaultProxy:
    """`async with FaultProxy(target, rules) as proxy:` then `proxy.url`, and `proxy.seen` for what was asked."""

    def __init__(self, target: str, *rules: str) -> None:
        self._target = urlsplit(target)
        self._rules = [Rule.parse(rule) for rule in rules]
        self._stack = AsyncExitStack()
        self.seen: list[Seen] = []
        self.asked = asyncio.Event()
        """Set by the first request."""
        self.url = ""

    def count(self, name: str) -> int:
        """How many requests of this name came in."""
        return sum(name in seen.names for seen in self.seen)

    async def __aenter__(self) -> FaultProxy:
        self.url = f"http://{await self._stack.enter_async_context(listening(self._serve))}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._answer(reader, writer)
        await writer.drain()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line, headers, body = await read_message(reader)
        names, rpc_id = names_of(line, body)
        fault = next((rule.fault for rule in self._rules if rule.strikes(names)), "")
        self.seen.append(Seen(names, fault, headers))
        self.asked.set()
        if fault == "hang":
            await asyncio.Event().wait()
        elif fault and fault not in ("lose-answer", "truncate") and not fault.startswith("swap:"):
            writer.write(invented(fault, rpc_id))
        else:
            status, answered, content = await self._ask(line, headers, body)
            if fault.startswith("swap:"):
                _, old, new = fault.split(":", 2)
                content = content.replace(old.encode(), new.encode())
            whole = response(status, answered.get("content-type", "application/octet-stream"), content)
            keep = {"lose-answer": 0, "truncate": len(whole) - len(content) // 2}.get(fault, len(whole))
            writer.write(whole[:keep])

    async def _ask(self, line: str, headers: Headers, body: bytes) -> tuple[str, Headers, bytes]:
        reader, writer = await asyncio.open_connection(self._target.hostname, self._target.port or 80, limit=LARGEST)
        method, path, _ = line.split(" ", 2)
        kept = {k: v for k, v in headers.items() if k not in ("connection", "transfer-encoding")}
        kept |= {"host": self._target.netloc, "connection": "close", "content-length": str(len(body))}
        head = "".join(f"{key}: {value}\r\n" for key, value in kept.items())
        try:
            writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin1") + body)
            await writer.drain()
            status, answered, content = await read_message(reader, until_closed=True)
        finally:
            writer.close()
        return status.split(" ", 1)[1], answered, content


def invented(fault: str, rpc_id: Any) -> bytes:
    """An answer that the target never gave; empty for `refuse`."""
    kind, _, rest = fault.partition(":")
    if kind == "refuse":
        return b""
    if kind == "status":
        code, _, text = rest.partition(":")
        return response(f"{code} X", "text/plain", (text or "fault").encode())
    if kind == "redirect":
        return response("307 X", "text/plain", b"", f"location: {rest}\r\n")
    if kind == "html":
        return response("200 OK", "text/html", b"<html>captive portal</html>")
    members: dict[str, Any] = {"result": None}
    if kind == "error":
        code, _, text = rest.partition(":")
        members = {"error": {"code": int(code), "message": text}}
    if kind == "json":
        members = json.loads(rest)
    return response("200 OK", "application/json", json.dumps({"jsonrpc": "2.0", "id": rpc_id, **members}).encode())


def response(status: str, content_type: str, body: bytes, more: str = "") -> bytes:
    """A whole HTTP answer."""
    head = f"HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {len(body)}\r\n{more}"
    return f"{head}connection: close\r\n\r\n".encode() + body


def names_of(line: str, body: bytes) -> tuple[list[str], Any]:
    """The path and the JSON-RPC methods of a request, and the id to answer to."""
    names = [line.split(" ")[1].partition("?")[0]]
    try:
        parsed = json.loads(body)
    except ValueError:
        return names, 1
    calls = [call for call in (parsed if isinstance(parsed, list) else [parsed]) if isinstance(call, dict)]
    return names + [str(call["method"]) for call in calls if "method" in call], calls[0].get("id", 1) if calls else 1


async def read_message(reader: asyncio.StreamReader, until_closed: bool = False) -> tuple[str, Headers, bytes]:
    """First line, headers in lower case, and body of a request or an answer."""
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin1").split("\r\n")
    pairs = (line.split(":", 1) for line in lines[1:] if ":" in line)
    headers = {key.strip().lower(): value.strip() for key, value in pairs}
    if "chunked" in headers.get("transfer-encoding", ""):
        body = b""
        while size := int((await reader.readline()).split(b";")[0], 16):
            body += await reader.readexactly(size)
            await reader.readline()
        while (await reader.readline()) not in (b"\r\n", b""):
            pass
    elif "content-length" in headers:
        body = await reader.readexactly(int(headers["content-length"]))
    else:
        body = await reader.read() if until_closed else b""
    return lines[0], headers, body
