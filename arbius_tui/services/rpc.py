"""One JSON-RPC endpoint: every question has a limit, every trouble becomes a Failure, nothing leaks a key.

This is the plumbing of `chain`; it knows no Engine. It speaks JSON-RPC over httpx itself: web3 would add half a second
and 30 MB to every command for formats that are read here in a few lines, and it asks questions one by one.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from arbius_tui.domain.errors import Failure
from arbius_tui.services import rpc_errors

if TYPE_CHECKING:
    import httpx

Question: TypeAlias = tuple[Any, ...]
"""A method and its parameters."""

READ_LIMIT, SEND_LIMIT = 30.0, 60.0
"""Seconds for one question, and for a broadcast: Arbitrum's sequencer answers with the block, after up to 12 s."""

TRIES, PAUSE = 3, 0.2
"""How often a question is asked that got no answer, and seconds before the second time; then twice as long."""

PASSING = frozenset({429, 500, 502, 503, 504})
"""HTTP statuses that may be gone a moment later."""

NO_BATCH = frozenset({400, 405, 413, 415, 422, 501})
"""HTTP statuses with which services refuse several questions in one request."""

LARGEST = 32 << 20
"""Bytes of an answer at most; the largest block's transactions are a tenth of it."""

QUANTITY, DATA = re.compile(r"0x[0-9a-fA-F]{1,64}"), re.compile(r"0x(?:[0-9a-fA-F]{2})*")


class Provider(Protocol):
    """Who answers JSON-RPC: a node over HTTP, or the embedded chain (a web3 provider has the same call)."""

    async def make_request(self, method: Any, params: Any) -> Any:
        """The whole answer, with `result` or `error`."""


class HttpProvider:
    """A node over HTTP. No redirect is followed: it would carry a signed transaction to a host that nobody chose."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self.endpoint_uri, self._client = url, client

    async def make_request(self, method: Any, params: Any) -> Any:
        """One question; httpx's errors, `HttpStatus` or `NoJson` when it got no answer."""
        return await self._post({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})

    async def make_batch(self, questions: Sequence[Question]) -> list[Any] | None:
        """All answers in the order of the questions; None when the node takes no batches."""
        body = [
            {"jsonrpc": "2.0", "id": n, "method": method, "params": params}
            for n, (method, *params) in enumerate(questions)
        ]
        try:
            found = await self._post(body)
        except rpc_errors.HttpStatus as status:
            if status.status in NO_BATCH:
                return None
            raise
        except rpc_errors.NoJson:
            return None
        if not isinstance(found, list):
            return None
        by_id = {answer.get("id"): answer for answer in found if isinstance(answer, Mapping)}
        return [by_id[n] for n in range(len(body))] if set(range(len(body))) <= set(by_id) else None

    async def _post(self, body: Any) -> Any:
        async with self._client.stream("POST", self.endpoint_uri, json=body) as response:
            content = bytearray()
            async for piece in response.aiter_bytes():
                content += piece
                if len(content) > LARGEST:
                    raise rpc_errors.NoJson(f"an answer of more than {LARGEST:,} bytes")
        if response.status_code >= 300:
            if (found := parsed(content)) is not None and isinstance(found, Mapping) and "error" in found:
                return {**found, "status": response.status_code}
            raise rpc_errors.HttpStatus(response.status_code, content[:500].decode("utf-8", "replace"))
        if (found := parsed(content)) is None:
            raise rpc_errors.NoJson(content[:500].decode("utf-8", "replace"))
        return found


def parsed(content: bytes | bytearray) -> Any:
    """JSON, or None."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


@asynccontextmanager
async def open_provider(url: str, limit: float, proxy: str | None = None) -> AsyncIterator[HttpProvider]:
    """A provider for an http(s) URL, closed on exit; `limit` is seconds for one try, BadInput `rpc-url`."""
    rpc_errors.check_url(url)

    def made() -> httpx.AsyncClient:
        import httpx

        # Where there is no TLS, reading the certificates of the world is 30 ms for nothing.
        tls = url.lower().startswith("https")
        return httpx.AsyncClient(timeout=limit, follow_redirects=False, proxy=proxy, verify=tls)

    async with await asyncio.to_thread(made) as client:
        yield HttpProvider(url, client)


class Rpc:
    """Asks one provider. `limit` and `send_limit` are seconds for a question and for a broadcast, retries included."""

    def __init__(self, provider: Provider, limit: float, send_limit: float) -> None:
        self.redact = rpc_errors.Redactor(str(getattr(provider, "endpoint_uri", None) or ""))
        self.limit, self.send_limit = limit, send_limit
        self._provider = provider
        self._singly = not hasattr(provider, "make_batch")

    async def ask(self, method: str, *params: Any) -> Any:
        """The result as the node wrote it, None where it says null; a Failure in words for everything else.

        What is lost is asked again, but never a broadcast.
        """
        try:
            async with asyncio.timeout(self.send_limit if method == rpc_errors.SEND else self.limit):
                answer = await self._patiently(method, params)
            return self._read(answer, method)
        except Exception as error:
            raise rpc_errors.failure(error, method, self.redact) from None

    async def batch(self, questions: Sequence[Question]) -> list[Any]:
        """The result of each question, or the Failure that it met, in one request where the node takes several.

        A Failure is raised only when the node cannot be asked at all. No broadcast belongs here.
        """
        answers = None if self._singly or len(questions) < 2 else await self._batched(questions)
        if answers is None:
            self._singly = self._singly or len(questions) > 1
            return list(await asyncio.gather(*(self._settled(question) for question in questions)))
        return [self._one(method, answer) for (method, *_), answer in zip(questions, answers, strict=True)]

    async def _batched(self, questions: Sequence[Question]) -> list[Any] | None:
        provider: Any = self._provider
        try:
            async with asyncio.timeout(self.limit):
                found: list[Any] | None = await again(lambda: provider.make_batch(questions))
        except Exception as error:
            raise rpc_errors.failure(error, "a question", self.redact) from None
        return found

    def _one(self, method: str, answer: Any) -> Any:
        try:
            return rpc_errors.result(answer, method)
        except (rpc_errors.Refused, rpc_errors.NoJson) as error:
            return rpc_errors.failure(error, method, self.redact)

    async def _settled(self, question: Question) -> Any:
        try:
            return await self.ask(*question)
        except Failure as failure:
            return failure

    async def _patiently(self, method: str, params: Any) -> Any:
        if method == rpc_errors.SEND:
            return await self._provider.make_request(method, list(params))
        return await again(lambda: self._provider.make_request(method, list(params)))

    def _read(self, answer: Any, method: str) -> Any:
        """The result of an answer; the embedded chain's has numbers and bytes of Python in it."""
        found = rpc_errors.result(answer, method)
        return found if hasattr(self._provider, "make_batch") else as_json(found)

    def quantity(self, method: str, found: Any) -> int:
        """A whole number as JSON-RPC writes it; a Failure that came in its place is raised."""
        if isinstance(found, Failure):
            raise found
        if isinstance(found, str) and QUANTITY.fullmatch(found):
            return int(found, 16)
        raise rpc_errors.garbled(method, f"{found!r} instead of a number", self.redact)

    def data(self, method: str, found: Any) -> bytes:
        """Bytes as JSON-RPC writes them; a Failure that came in their place is raised."""
        if isinstance(found, Failure):
            raise found
        if isinstance(found, str) and DATA.fullmatch(found):
            return bytes.fromhex(found[2:])
        raise rpc_errors.garbled(method, f"{found!r} instead of bytes", self.redact)

    def base_fee(self, head: Any) -> int | None:
        """Wei for a unit of gas by a block's own word; None where the chain has no base fee."""
        if isinstance(head, Failure):
            raise head
        if not isinstance(head, Mapping) or "number" not in head:
            raise rpc_errors.garbled("eth_getBlockByNumber", repr(head), self.redact)
        base = head.get("baseFeePerGas")
        return None if base is None else self.quantity("eth_getBlockByNumber", base)

    async def number(self, method: str, *params: Any) -> int:
        """An answer that must be a whole number."""
        return self.quantity(method, await self.ask(method, *params))

    async def call(self, transaction: Mapping[str, Any], block: int | str = "latest") -> bytes:
        """What a call would return, at the head or after a block; a revert is a Failure in words."""
        at = hex(block) if isinstance(block, int) else block
        return self.data("eth_call", await self.ask("eth_call", dict(transaction), at))

    async def code(self, address: str) -> bytes:
        """The contract at an address, empty where there is none."""
        return self.data("eth_getCode", await self.ask("eth_getCode", address, "latest"))

    async def balance(self, address: str) -> int:
        """Wei of an account."""
        return await self.number("eth_getBalance", address, "latest")

    async def nonce(self, address: str, at: str = "pending") -> int:
        """The next nonce of an account, waiting transactions counted."""
        return await self.number("eth_getTransactionCount", address, at)

    async def found(self, method: str, tx_hash: str) -> Mapping[str, Any] | None:
        """A transaction or a receipt, None when the chain does not know it."""
        answer = await self.ask(method, tx_hash)
        if answer is not None and not isinstance(answer, Mapping):
            raise rpc_errors.garbled(method, repr(answer), self.redact)
        return answer


def as_json(value: Any) -> Any:
    """Numbers and bytes of Python as JSON-RPC writes them."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, int) and not isinstance(value, bool):
        return hex(value)
    if isinstance(value, Mapping):
        return {key: as_json(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(part) for part in value]
    return value


async def again(question: Any) -> Any:
    """Ask; what is lost on the way or refused for a moment is asked again."""
    import httpx

    pause = PAUSE
    for left in reversed(range(TRIES)):
        try:
            return await question()
        except httpx.TimeoutException:
            raise
        except (httpx.TransportError, rpc_errors.HttpStatus) as error:
            if not left or (isinstance(error, rpc_errors.HttpStatus) and error.status not in PASSING):
                raise
        await asyncio.sleep(pause)
        pause *= 2
    raise AssertionError("unreachable")


def is_revert(failure: Failure) -> bool:
    """Whether a failure of `Rpc.call` is the contract's word, not trouble on the way."""
    return not failure.problem.code.startswith("rpc-")
