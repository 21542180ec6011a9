"""HTTP as pinning services need it: a token that goes to one place only, rate limits waited for, faults in words."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from arbius_tui.domain.errors import PinFailed
from arbius_tui.domain.secret import Secret
from arbius_tui.domain.text import clean
from arbius_tui.services import notes
from arbius_tui.services.gateways import pause_of
from arbius_tui.services.ipfs_address import endpoint, guarded, header, on_this_machine
from arbius_tui.services.ipfs_words import WHY
from arbius_tui.services.pin_tokens import StoreToken

if TYPE_CHECKING:
    import httpx

LARGEST = 1 << 20
"""Bytes of an answer at most."""

USUAL, LONGEST = 2.0, 60.0
"""Seconds to wait where a 429 does not say how long, and at most in one go."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A service's answer: the status, the media type, the body, how long it wants to be left alone."""

    status: int
    kind: str
    body: bytes
    wait: float = 0

    @property
    def document(self) -> Any:
        """Its JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def words(self) -> str:
        """The service's own words, clean and short: `error.details`, `error.reason`, `error`, `message`, the text."""
        said = self.document
        error = said.get("error", said) if isinstance(said, dict) else said
        if isinstance(error, dict):
            parts = [error.get(key) for key in ("reason", "details", "message") if isinstance(error.get(key), str)]
            error = ": ".join(part for part in parts if part)
        text = error if isinstance(error, str) and error else self.body[:500].decode("utf-8", "replace")
        return clean(text).strip()[:500]


class ServiceHttp:
    """Requests to one service at `base` with its token. `limit` and `patience` are in seconds: for one answer, and
    for all rate limits of one request together."""

    def __init__(self, base: str, token: Secret | None, limit: float = 60, patience: float = 120) -> None:
        self.base = endpoint(base)
        self.id = urlsplit(self.base).netloc
        self.limit, self.patience = limit, patience
        self.token = StoreToken(self.base, token)
        guarded(self.base, token)
        self._client: httpx.AsyncClient | None = None

    async def aclose(self) -> None:
        """Close the connection; the next request opens another one."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def give(self, token: Secret) -> None:
        """Use this token from the next request on; BadInput for what can be none, or would travel in clear text."""
        guarded(self.base, token)
        header(token)
        self.token.give(token)

    async def ask(self, method: str, path: str, what: str, **content: Any) -> dict[str, Any]:
        """The JSON object of a good answer; `what` is asked for, in words. PinFailed in words for anything else."""
        if self.token.given is None:
            raise no_token(self.id)
        waited = 0.0
        while True:
            reply = await self._once(method, path, what, content)
            pause = min(reply.wait or USUAL, LONGEST)
            if reply.status not in (429, 503) or (reply.status == 503 and not reply.wait):
                break
            if waited + pause > self.patience:
                break
            notes.tell(f"{self.id} asks for fewer calls: waiting {math.ceil(pause)} s, as it says")
            waited += pause
            await asyncio.sleep(pause)
        return understood(self.id, reply, what)

    async def _once(self, method: str, path: str, what: str, content: Mapping[str, Any]) -> Reply:
        import httpx

        if self._client is None:
            self._client = await asyncio.to_thread(self._open)
        headers = {"Authorization": header(self.token.given or Secret("")).reveal()}
        try:
            async with (
                asyncio.timeout(self.limit),
                self._client.stream(method, self.base + path, headers=headers, **content) as response,
            ):
                return await read(self.id, response)
        except (TimeoutError, httpx.ReadTimeout, httpx.WriteTimeout):
            raise late(self.id, what, self.limit) from None
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise unreachable(self.id, f"{type(error).__name__}: {error}") from None
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError) as error:
            raise strange(self.id, f"{type(error).__name__}: {error}") from None

    def _open(self) -> httpx.AsyncClient:
        import httpx

        # No redirect is followed: the token is for this place. The environment's proxy is for the internet.
        timeout = httpx.Timeout(self.limit, connect=10)
        return httpx.AsyncClient(timeout=timeout, trust_env=not on_this_machine(self.base))


async def read(service: str, response: httpx.Response) -> Reply:
    """A whole answer of at most 1 MiB; PinFailed (`pin-answer`) above."""
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > LARGEST:
            raise strange(service, f"more than {LARGEST >> 20} MiB")
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return Reply(response.status_code, kind, bytes(body), pause_of(response.headers.get("retry-after")))


def understood(service: str, reply: Reply, what: str) -> dict[str, Any]:
    """The object of a good answer; PinFailed in words for every other one."""
    if reply.status not in (200, 201, 202):
        raise refused(service, reply, what)
    found = reply.document
    if not isinstance(found, dict):
        kind = "a web page" if reply.kind == "text/html" else "no JSON object"
        raise strange(service, f"HTTP {reply.status}, {kind}\n{reply.words}")
    return found


def refused(service: str, reply: Reply, what: str) -> PinFailed:
    """An answer that is not a good one, in words."""
    said = f"HTTP {reply.status}\n{reply.words}".strip()
    status, broke = reply.status, "INSUFFICIENT_FUNDS" in reply.words
    if status in (401, 403):
        code, happened = "pin-refused", "does not accept the token"
        fix = "make a new token on its site with the right to pin, put it into a file: --token-file F"
    elif status == 402 or (status == 409 and broke) or "quota" in reply.words.lower():
        code, happened = "pin-quota", "has no room left in your plan"
        fix = "remove old pins or pay for more on its site, or pin to another place: --ipfs URL"
    elif status == 413:
        code, happened, fix = "pin-too-big", "says the file is too big", "pin to another place: --ipfs URL"
    elif status == 429:
        code, happened, fix = "pin-busy", "asks for fewer calls", "wait some minutes, then try again"
    elif status >= 500:
        code, happened = "pin-service", f"is in trouble (HTTP {status})"
        fix = "try again in a minute; pinning the same bytes twice changes nothing"
    else:
        code, happened = "pin-answer", f"did not {what} (HTTP {status})"
        fix = "look at the address: pinata, psa=URL of a Pinning Service API, or --ipfs URL of a Kubo RPC"
    return PinFailed(code, f"{service} {happened}", why=WHY, fix=fix, detail=said)


def no_token(service: str) -> PinFailed:
    """Every service wants one."""
    return PinFailed(
        "pin-no-token",
        f"there is no token for {service}",
        why="a pinning service stores for its customers only",
        fix="put it into a file that only you can read, and name it: --token-file F",
    )


def late(service: str, what: str, limit: float) -> PinFailed:
    """It took the request and did not answer in time."""
    return PinFailed(
        "pin-timeout",
        f"{service} did not {what} within {limit:g} s",
        why="without its answer nobody knows whether the template is stored",
        fix="try again; pinning the same bytes twice changes nothing",
    )


def unreachable(service: str, detail: str) -> PinFailed:
    """Nobody answers there."""
    return PinFailed(
        "pin-unreachable",
        f"{service} does not answer",
        why=WHY,
        fix="look at the address and at this machine's way to the internet, or pin to another place: --ipfs URL",
        detail=clean(detail),
    )


def strange(service: str, detail: str) -> PinFailed:
    """An answer that is none of this service's."""
    return PinFailed(
        "pin-answer",
        f"{service} gave an answer that cannot be read",
        why="without its answer nobody knows whether the template is stored",
        fix="look at the address; then try again, pinning the same bytes twice changes nothing",
        detail=clean(detail),
    )
