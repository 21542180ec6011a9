"""JSON-RPC with a signer on this machine: HTTP on loopback (HTTPS elsewhere), or a Unix socket. One call, one answer.

Nothing that it says is believed here; it is only made safe to show. It may wait for its owner as long as `limit` says.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from arbius_tui.domain.errors import BadInput, Failure, NotReady, TransactionFailed
from arbius_tui.domain.text import clean

MOST = 1 << 20
"""Bytes of an answer."""

ORIGIN = "http://arbius-tui.localhost"
"""Frame asks its owner once for each origin; a name of our own keeps what it allows us apart from web pages."""

DENIED = re.compile(r"den(y|ied)|reject|declin|cancel|not approved|refus", re.IGNORECASE)
METHOD_NOT_FOUND, REJECTED, UNAUTHORIZED = -32601, 4001, 4100


@dataclass(frozen=True, slots=True)
class RpcError(Exception):
    """The signer answered with an error."""

    code: int
    message: str


def checked_url(text: str) -> str:
    """Where a signer answers, if it may be asked there: a socket's path, loopback, or HTTPS; BadInput `signer-url`."""
    typed = clean(text).strip()
    parts = urlsplit(typed)
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if parts.scheme in ("", "ipc", "unix") and typed.endswith((".ipc", ".sock", ".socket")):
        return str(Path(parts.path if parts.scheme else typed).expanduser())
    if parts.username or parts.password:
        raise wrong_url("a password in a URL is not kept", "give the URL without it")
    if parts.scheme == "https" and host:
        return typed
    if parts.scheme == "http" and loopback(host) and port is not None:
        return typed
    if parts.scheme == "http" and host:
        why = "over plain HTTP from another machine anybody between could change what is signed"
        raise wrong_url(why, f"bring it here by SSH, e.g. ssh -L 8550:127.0.0.1:{port or 8550} {host}")
    raise wrong_url(
        "it is neither a URL nor the path of a socket", "e.g. http://127.0.0.1:8550 (Clef), ~/.clef/clef.ipc"
    )


def loopback(host: str) -> bool:
    """Whether this host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def call(url: str, method: str, params: list[Any], limit: float) -> Any:
    """What the signer answers. RpcError for its own errors, NotReady `signer-..` for everything else."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    fault: Failure | None = None
    try:
        async with asyncio.timeout(limit):
            data = await (over_http(url, body) if "://" in url else over_socket(url, body))
    except TimeoutError:
        fault = no_answer("signer-timeout", f"the signer at {url} did not answer within {limit:g} s", "")
    except OSError as error:
        detail = clean(error.strerror or type(error).__name__)
        fault = no_answer("signer-unreachable", f"no signer answers at {url}", detail)
    if fault:
        raise fault
    return answer_of(data, url)


async def over_http(url: str, body: str) -> bytes:
    """A POST; no proxy, no redirect, no more than MOST bytes. OSError when nothing can be said with it."""
    import httpx

    headers = {"Content-Type": "application/json", "Origin": ORIGIN}
    fault = ""
    try:
        async with (
            httpx.AsyncClient(timeout=None, trust_env=False, follow_redirects=False) as client,  # noqa: S113 - `call` has it
            client.stream("POST", url, content=body, headers=headers) as reply,
        ):
            data = bytearray()
            async for piece in reply.aiter_bytes():
                data += piece
                if len(data) > MOST:
                    break
            if reply.status_code >= 300 and not data.lstrip().startswith(b"{"):
                fault = f"HTTP {reply.status_code}"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        fault = f"{type(error).__name__}: {error}"
    if fault:
        raise OSError(0, fault)
    return bytes(data)


async def over_socket(path: str, body: str) -> bytes:
    """One JSON value over a Unix socket, which has no end but its own."""
    reader, writer = await asyncio.open_unix_connection(path, limit=MOST)
    try:
        writer.write(body.encode() + b"\n")
        await writer.drain()
        data = b""
        while len(data) <= MOST:
            piece = await reader.read(1 << 16)
            data += piece
            if not piece or whole(data):
                break
        return data
    finally:
        writer.close()


def whole(data: bytes) -> bool:
    """Whether the JSON value has arrived."""
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def answer_of(data: bytes, url: str) -> Any:
    """The result in an answer; RpcError, or NotReady `signer-garbled`."""
    try:
        found = json.loads(data) if len(data) <= MOST else None
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict) and isinstance(found.get("error"), dict):
        error = found["error"]
        code = error.get("code")
        raise RpcError(code if isinstance(code, int) else 0, clean(str(error.get("message", "")))[:300])
    if not isinstance(found, dict) or "result" not in found:
        raise no_answer("signer-garbled", f"what answers at {url} is no signer", clean(repr(data[:80])))
    return found["result"]


def refused(error: RpcError, chain_id: int) -> Failure:
    """An error of the signer while it was asked to sign or send, in words; nothing was sent."""
    detail = f"{error.code}: {error.message}"
    if error.code == REJECTED or DENIED.search(error.message):
        return BadInput(
            "signer-denied", "the signer's owner said no",
            why="nothing was signed and nothing was sent", fix="run the step again if that was a mistake",
            detail=detail,
        )  # fmt: skip
    if "chain" in error.message.lower():
        return wrong_chain(chain_id, detail)
    return NotReady(
        "signer-refused", f"the signer refused: {error.message or error.code}",
        why="nothing was signed and nothing was sent",
        fix="see what it says in its own window; its account must be unlocked and known to it", detail=detail,
    )  # fmt: skip


def wrong_chain(chain_id: int, detail: str) -> BadInput:
    """The signer is set to another chain."""
    return BadInput(
        "signer-wrong-chain", f"the signer is set to another chain than {chain_id}",
        why="a signature is good on one chain only; nothing was sent",
        fix=f"set it to chain {chain_id} (Clef: --chainid {chain_id}; Frame: choose the chain), then run this again",
        detail=detail,
    )  # fmt: skip


def unclear(detail: str) -> TransactionFailed:
    """It was handed over, and what became of it is not known."""
    return TransactionFailed(
        "send-unclear", "the wallet was asked to send, and its answer was lost",
        why="it may have been sent: a second request could be a second transaction",
        fix="look in the wallet; run this step again: it looks for the model before anything else", detail=detail,
    )  # fmt: skip


def no_answer(code: str, what: str, detail: str) -> NotReady:
    """The signer cannot be asked."""
    return NotReady(
        code, what, why="it has the key, and only it can sign",
        fix="start it (clef --http, or Frame), unlock it, and look at its own window for a question", detail=detail,
    )  # fmt: skip


def wrong_url(why: str, fix: str) -> BadInput:
    """No place to ask for a signature."""
    return BadInput("signer-url", "a signer cannot be asked there", why=why, fix=fix)
