"""IPFS gateways over HTTP: anybody's, none of them believed. What a gateway gives is hashed before it is used.

A gateway that speaks the trustless protocol gives the raw block (`?format=raw`), so its CID can be computed here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import urlsplit

from arbius_tui.domain.cid import block_cid, to_multihash
from arbius_tui.domain.errors import Failure, PinFailed
from arbius_tui.domain.text import clean
from arbius_tui.services import ports
from arbius_tui.services.ipfs import endpoint

PUBLIC = ("https://ipfs.arbius.org", "https://ipfs.io", "https://dweb.link", "https://trustless-gateway.link")
"""Where Arbius clients look, and gateways that are open to all."""

LIMIT = 60.0
"""Seconds; a gateway that has to find the block first may take that long."""

LARGEST = 2 << 20
"""Bytes of a block at most."""

RAW = "application/vnd.ipld.raw"


class Gateway:
    """One gateway. Nothing is opened before a block is asked for, and nothing stays open."""

    def __init__(self, address: str, limit: float = LIMIT) -> None:
        self.base = endpoint(address)
        self.id = f"gateway {urlsplit(self.base).netloc}"
        self.limit = limit

    async def block(self, cid: str) -> bytes:
        """The raw block, its hash checked; PinFailed `gateway-absent`, `gateway-unreachable` or `cid-mismatch`."""
        to_multihash(cid)
        import httpx

        try:
            async with asyncio.timeout(self.limit):
                status, body = await self._get(cid)
        except TimeoutError:
            raise self._failed("gateway-absent", f"did not find it within {self.limit:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise self._failed("gateway-unreachable", "does not answer", f"{type(error).__name__}: {error}") from None
        if status != 200:
            said = body[:300].decode("utf-8", "replace")
            raise self._failed("gateway-absent", f"does not have {cid} (HTTP {status})", said)
        if (found := block_cid(body)) != cid:
            raise self._failed("cid-mismatch", f"gave a block with the CID {found} instead of {cid}")
        return body

    async def _get(self, cid: str) -> tuple[int, bytes]:
        import httpx

        body = bytearray()
        client = await asyncio.to_thread(httpx.AsyncClient, follow_redirects=True, max_redirects=5, timeout=self.limit)
        async with (
            client,
            client.stream(
                "GET", f"{self.base}/ipfs/{cid}", params={"format": "raw"}, headers={"Accept": RAW}
            ) as response,
        ):
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > LARGEST:
                    raise self._failed("gateway-absent", f"answers with more than {LARGEST:,} bytes")
            return response.status_code, bytes(body)

    def _failed(self, code: str, what: str, detail: str = "") -> PinFailed:
        return PinFailed(
            code, f"{self.id} {what}", why="the block is looked for in other places, too",
            fix="name another gateway: --gateway URL", detail=clean(detail),
        )  # fmt: skip


async def first(gateways: Sequence[ports.Gateway], cid: str) -> tuple[str, bytes]:
    """The first block that any of them gives, and who gave it; PinFailed `gateway-absent` that names all."""
    tasks = {asyncio.ensure_future(gateway.block(cid)): gateway for gateway in gateways}
    said: list[str] = []
    try:
        waiting = set(tasks)
        while waiting:
            over, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in over:
                try:
                    return tasks[task].id, task.result()
                except Failure as failure:
                    said.append(failure.problem.what)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    raise PinFailed("gateway-absent", "; ".join(said) or "no gateway was asked", fix="name one: --gateway URL")
