"""HTTP as Replicate's API needs it: the token in a header, rate limits waited for, every break a Failure in words."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from arbius_tui.services import notes, replicate_words, replies
from arbius_tui.services.cog_http import SMALL, read
from arbius_tui.services.tokens import ReplicateToken

if TYPE_CHECKING:
    import httpx

LIMIT = 30.0
"""Seconds for one answer of the API."""

PATIENCE = 300.0
"""Seconds of rate limit that one request waits for, all in all."""

USUAL, LONGEST = 5.0, 120.0
"""Seconds to wait where a 429 does not say how long, and at most in one go."""


class ReplicateHttp:
    """Requests to the API at `base`. The client is made when it is first used."""

    def __init__(self, base: str, token: ReplicateToken) -> None:
        self.base, self.token = base.rstrip("/"), token
        self._client: httpx.AsyncClient | None = None

    async def aclose(self) -> None:
        """Close the client."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def ask(
        self, method: str, path: str, what: str, body: Mapping[str, Any] | None = None, more: Mapping[str, str] = {}
    ) -> dict[str, Any]:
        """A JSON object of the API; `what` is asked for, in words. A rate limit is waited for, with a word about it."""
        data, waited = None if body is None else json.dumps(body).encode(), 0.0
        while True:
            try:
                async with asyncio.timeout(LIMIT), self.request(method, path, LIMIT, data, more) as response:
                    said = await read(response, SMALL)
            except TimeoutError:
                raise replicate_words.lost(f"no answer within {LIMIT:.0f} s") from None
            if response.status_code != 429:
                return understood(response.status_code, said, what)
            pause = pause_of(response.headers.get("retry-after"), replies.document(said))
            if waited + pause > PATIENCE:
                raise replicate_words.refused(429, said, what)
            notes.tell(f"Replicate's rate limit: waiting {math.ceil(pause)} s, as it asks")
            waited += pause
            await asyncio.sleep(pause)

    @asynccontextmanager
    async def request(
        self, method: str, path: str, limit: float, body: bytes | None = None, more: Mapping[str, str] = {}
    ) -> AsyncIterator[httpx.Response]:
        """An open response; a path is the API's and gets the token, a whole URL of another host never does."""
        if self._client is None:
            self._client = await asyncio.to_thread(client)
        import httpx

        ours = path.startswith("/") or self.owns(path)
        headers = {**more, **({"Content-Type": "application/json"} if body is not None else {})}
        if ours:
            headers["Authorization"] = f"Bearer {(await self.token.get()).reveal()}"
        url = self.base + path if path.startswith("/") else path
        try:
            async with self._client.stream(
                method, url, content=body, headers=headers, timeout=httpx.Timeout(limit, connect=10)
            ) as response:
                yield response
        except httpx.ConnectError as error:
            raise replicate_words.unreachable(str(error)) from None
        except httpx.ConnectTimeout:
            raise replicate_words.unreachable("nobody answered within 10 s") from None
        except (httpx.InvalidURL, UnicodeError, ValueError):
            raise replicate_words.strange("a link that is none") from None
        except httpx.HTTPError as error:
            raise replicate_words.lost(f"{type(error).__name__}: {error}") from None

    def owns(self, url: str) -> bool:
        """Whether a URL is the API's own; only there may the token go."""
        return url.startswith(self.base + "/")


def understood(status: int, body: bytes, what: str) -> dict[str, Any]:
    """The object of a good answer; a Failure for every other one."""
    if status not in (200, 201, 202):
        raise replicate_words.refused(status, body, what)
    found = replies.document(body)
    if not isinstance(found, dict):
        raise replicate_words.strange("its answer is no JSON object", replies.words(body))
    return found


def pause_of(header: str | None, reply: Any) -> float:
    """Seconds that a 429 wants: its header Retry-After, else `retry_after` in its body."""
    inside = reply.get("retry_after") if isinstance(reply, dict) else None
    for value in (header, inside):
        try:
            seconds = float(str(value))
        except ValueError:
            continue
        if math.isfinite(seconds) and seconds >= 0:
            return min(seconds, LONGEST)
    return USUAL


def client() -> httpx.AsyncClient:
    """The HTTP client; call it in a thread. The proxy of the environment is for the internet, and so for this."""
    import httpx

    return httpx.AsyncClient(headers={"Accept-Encoding": "identity", "User-Agent": "arbius-tui"})
