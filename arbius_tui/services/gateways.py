"""IPFS gateways over HTTP: anybody's, none of them believed. What a gateway gives is hashed before it is used.

A gateway that speaks the trustless protocol gives the raw block (`?format=raw`), so its CID can be computed here. One
that gives the file instead is as good where the file fits into one block: the block is made of it and hashed.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from arbius_tui.domain.cid import CHUNK, block, block_cid, to_multihash
from arbius_tui.domain.errors import Failure, PinFailed
from arbius_tui.domain.text import clean
from arbius_tui.services import ports
from arbius_tui.services.ipfs_address import endpoint, is_url, on_this_machine

if TYPE_CHECKING:
    import httpx

PUBLIC = ("https://ipfs.arbius.org", "https://ipfs.io", "https://dweb.link", "https://trustless-gateway.link")
"""Where Arbius clients look, and gateways that are open to all."""

PROVING = PUBLIC[:2]
"""Who is asked whether others can fetch what was pinned: the project's own gateway and a public one."""

LIMIT = 60.0
"""Seconds; a gateway that has to find the block first may take that long."""

CONNECT = 10.0
"""Seconds for a connection."""

LARGEST = 2 << 20
"""Bytes of a block at most."""

HOPS = 5
"""Redirects that are followed."""

RAW = "application/vnd.ipld.raw"

LATER = {404, 429, 500, 502, 503, 504}
"""Answers after which a gateway may have it a little later: it looks for the block while it answers."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a gateway said: status, media type, how long it wants to be left alone, body."""

    status: int
    kind: str
    wait: float
    body: bytes


class Gateway:
    """One gateway. Nothing is opened before a block is asked for, and nothing stays open.

    `tries` is how often it is asked again within `limit` seconds while it is still looking, `pause` seconds apart.
    """

    def __init__(self, address: str, limit: float = LIMIT, tries: int = 1, pause: float = 5) -> None:
        self.base = endpoint(address)
        self.id = f"gateway {urlsplit(self.base).netloc}"
        self.limit, self.tries, self.pause = limit, tries, pause
        self.local = on_this_machine(self.base)

    async def block(self, cid: str) -> bytes:
        """The raw block, its hash checked.

        PinFailed `gateway-absent`, `gateway-busy` (429), `gateway-unreachable` or `cid-mismatch`.
        """
        to_multihash(cid)
        try:
            async with asyncio.timeout(self.limit):
                answer = await self._answer(cid)
        except TimeoutError:
            raise self._failed("gateway-absent", f"did not find it within {self.limit:g} s") from None
        if answer.status != 200:
            said = answer.body[:300].decode("utf-8", "replace")
            if answer.status == 429:
                raise self._failed("gateway-busy", "asks for fewer calls (HTTP 429)", said)
            raise self._failed("gateway-absent", f"does not have {cid} (HTTP {answer.status})", said)
        return self._checked(cid, answer)

    async def cached(self, cid: str) -> bool:
        """Whether the node behind it has the block already; it is asked not to look for it anywhere else."""
        try:
            async with asyncio.timeout(CONNECT):
                answer = await self._get(cid, {"Cache-Control": "only-if-cached"})
        except (TimeoutError, PinFailed):
            return False
        return answer.status == 200

    def _checked(self, cid: str, answer: Answer) -> bytes:
        body = answer.body
        if block_cid(body) == cid:
            return body
        if len(body) <= CHUNK and block_cid(made := block(body)) == cid:
            return made  # the file itself: its block has the hash that was asked for
        if answer.kind == "text/html":
            raise self._failed("cid-mismatch", "answers with a web page, not with the block")
        raise self._failed("cid-mismatch", f"gave a block with the CID {block_cid(body)} instead of {cid}")

    async def _answer(self, cid: str) -> Answer:
        """What it says in the end: a gateway that is still looking is asked again."""
        for left in range(self.tries - 1, -1, -1):
            answer = await self._get(cid, {})
            if answer.status not in LATER or not left:
                break
            await asyncio.sleep(max(self.pause, answer.wait))
        return answer

    async def _get(self, cid: str, more: Mapping[str, str]) -> Answer:
        import httpx

        client = await asyncio.to_thread(self._open)
        async with client:
            url = f"{self.base}/ipfs/{cid}?format=raw"
            try:
                for _ in range(HOPS + 1):
                    async with client.stream("GET", url, headers={"Accept": RAW, **more}) as response:
                        if not response.has_redirect_location:
                            return await self._read(response)
                        url = self._onward(url, response.headers["location"])
            except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
                detail = f"{type(error).__name__}: {error}"
                raise self._failed("gateway-unreachable", "does not answer", detail) from None
        raise self._failed("gateway-unreachable", f"sends us on more than {HOPS} times")

    def _open(self) -> httpx.AsyncClient:
        import httpx

        # The proxy of the environment is for the internet, not for this machine.
        return httpx.AsyncClient(timeout=httpx.Timeout(self.limit, connect=CONNECT), trust_env=not self.local)

    def _onward(self, url: str, location: str) -> str:
        """Where it sends us; never from the internet to this machine, whose own node would then prove itself."""
        target = urljoin(url, location)
        if not is_url(target.partition("?")[0].partition("#")[0]) or (on_this_machine(target) and not self.local):
            raise self._failed("gateway-unreachable", f"sends us to {clean(target)[:120]}, and we do not go there")
        return target

    async def _read(self, response: httpx.Response) -> Answer:
        body = bytearray()
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > LARGEST:
                raise self._failed("gateway-absent", f"answers with more than {LARGEST:,} bytes")
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Answer(response.status_code, kind, pause_of(response.headers.get("retry-after")), bytes(body))

    def _failed(self, code: str, what: str, detail: str = "") -> PinFailed:
        return PinFailed(
            code, f"{self.id} {what}", why="the block is looked for in other places, too",
            fix="wait a minute and try again, or name another gateway: --gateway URL", detail=clean(detail),
        )  # fmt: skip


def pause_of(header: str | None) -> float:
    """Seconds in a Retry-After; 0 for a date or anything else."""
    try:
        seconds = float(header or "")
    except ValueError:
        return 0
    return seconds if math.isfinite(seconds) and seconds > 0 else 0


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
