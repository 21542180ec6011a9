"""HTTP as Kubo's RPC needs it: POST only, a time limit around each call, and nothing that looks like a browser."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlsplit

from arbius_tui.domain.errors import PinFailed
from arbius_tui.domain.secret import Secret
from arbius_tui.domain.text import clean
from arbius_tui.services import ipfs_words as failures
from arbius_tui.services.ipfs_address import endpoint, guarded, header, socket_of
from arbius_tui.services.pin_tokens import StoreToken

if TYPE_CHECKING:
    import httpx

ANSWER = 4 << 20
"""Bytes of an answer at most; a block has at most 2 MiB."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: status, media type, body, and what Kubo calls the stream error, if it came as a header."""

    status: int
    kind: str
    body: bytes
    late: str = ""
    command: str = ""

    @property
    def message(self) -> str:
        """The node's own words, clean and short."""
        try:
            said = json.loads(self.body)
        except (ValueError, RecursionError):
            said = None
        text = said["Message"] if isinstance(said, dict) and isinstance(said.get("Message"), str) else ""
        return clean(self.late or text or self.body[:500].decode(errors="replace")).strip()[:500]


class KuboHttp:
    """Calls of one RPC. `limit` is in seconds for each; nothing is opened before the first."""

    def __init__(self, address: str, authorization: Secret | None, limit: float) -> None:
        self.socket = socket_of(address)
        self.base = "http://localhost" if self.socket else endpoint(address)
        self.place = f"unix://{self.socket}" if self.socket else self.base
        self.id = f"kubo {self.socket or urlsplit(self.base).netloc}"
        self.limit = limit
        self.token = StoreToken(self.place, authorization)
        guarded(self.base, authorization)
        self._header = None if authorization is None else header(authorization)
        self._client: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connection; the next call opens another one."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def give(self, token: Secret) -> None:
        """Use this token from the next call on; BadInput for what can be none, or would travel in clear text."""
        guarded(self.base, token)
        self._header = header(token)
        self.token.give(token)
        await self.aclose()

    async def post(
        self,
        command: str,
        params: Mapping[str, str] | None = None,
        data: bytes | None = None,
        name: str = "",
        limit: float = 0,
    ) -> Answer:
        """One call within its time limit; PinFailed when there is no answer at all."""
        if self._client is None:
            self._client = await asyncio.to_thread(self._open)  # httpx and its certificates take a tenth of a second
        import httpx

        filename = quote(PurePath(name).name or "file", safe="")
        files = None if data is None else {"file": (filename, data, "application/octet-stream")}
        seconds = limit or self.limit
        problem: PinFailed
        try:
            async with (
                asyncio.timeout(seconds),
                self._client.stream("POST", f"{self.base}/api/v0/{command}", params=params, files=files) as response,
            ):
                return await read(response, command)
        except httpx.ConnectError as error:
            problem = failures.unreachable(self.id, self.place, str(error))
        except (httpx.TimeoutException, TimeoutError):
            problem = failures.silent(self.id, command, seconds)
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            problem = failures.broken(self.id, f"{type(error).__name__}: {error}")
        raise problem

    def _open(self) -> httpx.AsyncClient:
        import httpx

        # Kubo refuses what looks like a browser (Mozilla, Origin, Referer); the environment's proxies are not asked.
        headers = {"User-Agent": "arbius-tui"}
        if self._header is not None:
            headers["Authorization"] = self._header.reveal()
        # asyncio.timeout is around every call; certificates are loaded only where they are looked at.
        transport = httpx.AsyncHTTPTransport(uds=self.socket) if self.socket else None
        secure = self.base.startswith("https")
        return httpx.AsyncClient(headers=headers, timeout=None, trust_env=False, verify=secure, transport=transport)  # noqa: S113


async def read(response: httpx.Response, command: str) -> Answer:
    """A whole answer of at most 4 MiB; PinFailed (`ipfs-answer`) above."""
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > ANSWER:
            raise failures.broken(response.url.netloc.decode("ascii", "replace"), f"more than {ANSWER >> 20} MiB")
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return Answer(response.status_code, kind, bytes(body), response.headers.get("x-stream-error", ""), command)


def rows(body: bytes) -> list[dict[str, Any]]:
    """The JSON objects of an answer, one a line or one over many lines; what is none is left out."""
    found = []
    for line in [body] if b"\n" not in body.strip() else body.split(b"\n"):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict):
            found.append(row)
    return found
