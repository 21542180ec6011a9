"""HTTP as a Cog server needs it: one client, no kept connection, and every break a Failure in words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from arbius_tui.services import replies

if TYPE_CHECKING:
    import httpx

    from arbius_tui.services.outputs import Sieve

SMALL = 16 * 1024 * 1024
"""Bytes of an answer that is no prediction."""


class CogHttp:
    """Requests to Cog servers. The client is made when it is first used."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    async def aclose(self) -> None:
        """Close the client."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def opened(self) -> httpx.AsyncClient:
        """The client itself, for requests to another place than the server."""
        if self._client is None:
            self._client = await asyncio.to_thread(client)
        return self._client

    async def get(self, url: str, path: str, limit: float) -> dict[str, Any]:
        """A JSON object within `limit` seconds; a Failure for everything else."""
        try:
            async with asyncio.timeout(limit), self.request("GET", url, path, limit) as response:
                body = await read(response, SMALL)
                if response.status_code != 200:
                    raise replies.refused(response.status_code, body, url)
        except TimeoutError:
            raise replies.late(url, limit) from None
        if not isinstance(found := replies.document(body), dict):
            raise replies.not_cog(url, f"{path} is no JSON object", replies.words(body))
        return found

    @asynccontextmanager
    async def request(
        self, method: str, url: str, path: str, limit: float | None, body: bytes | None = None
    ) -> AsyncIterator[httpx.Response]:
        """An open response, not read yet. Whatever breaks on the way is a Failure, also while it is read."""
        opened = await self.opened()
        import httpx

        headers = {"Content-Type": "application/json"} if body is not None else {}
        target, timeout = replies.endpoint(url) + path, httpx.Timeout(limit, connect=10)
        try:
            async with opened.stream(method, target, content=body, headers=headers, timeout=timeout) as response:
                yield response
        except httpx.TimeoutException:
            raise replies.late(url, limit or 10) from None
        except httpx.ConnectError as error:
            raise replies.unreachable(url, str(error)) from None
        except (httpx.InvalidURL, UnicodeError):
            raise replies.bad_endpoint(url) from None
        except httpx.HTTPError as error:
            raise replies.lost(url, f"{type(error).__name__}: {error}") from None


async def read(response: httpx.Response, limit: int) -> bytes:
    """A whole body of at most `limit` bytes; NotReady `output-too-big`."""
    announced(response, limit)
    body = bytearray()
    async for data in response.aiter_bytes():
        body += data
        if len(body) > limit:
            raise replies.too_big(len(body), limit)
    return bytes(body)


async def poured(response: httpx.Response, pieces: AsyncIterator[bytes], sieve: Sieve, limit: int) -> str:
    """Hash a file of at most `limit` bytes as it comes, as one more payload of the sieve; the mark that stands for it.

    `pieces` are the bytes of this response, raw or decoded. NotReady `output-too-big`, as soon as that is known.
    """
    announced(response, limit)
    payload, mark = sieve.open(response.headers.get("content-type", "").partition(",")[0])
    async for data in pieces:
        payload.add(data)
        if payload.size > limit:
            raise replies.too_big(payload.size, limit)
    payload.end()
    return mark


def announced(response: httpx.Response, limit: int) -> None:
    """Refuse an answer by the size it announces, before a byte of it is read."""
    length = response.headers.get("content-length", "")
    if length.isdecimal() and int(length) > limit:
        raise replies.too_big(int(length), limit)


def client() -> httpx.AsyncClient:
    """The HTTP client. Importing httpx and reading the certificates takes time: call it in a thread.

    No connection is kept: right after an answer a coglet refuses five times as many requests on a kept one, and a
    restarted server has closed it. The environment's proxy is not for a model on this machine.
    """
    import httpx

    return httpx.AsyncClient(
        headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "arbius-tui"},
        limits=httpx.Limits(max_keepalive_connections=0),
        trust_env=False,
    )
