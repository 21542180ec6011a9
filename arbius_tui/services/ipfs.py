"""Kubo's RPC API, /api/v0, over HTTP; also of services that speak it behind a token (Filebase).

The node's own defaults may give another CID (import profiles, Kubo 0.40 and later), so every option that decides the
CID is sent, and what the node answers is compared with the CID that was computed here. Nothing a node says is believed:
a block is hashed before it is given out. A late error of Kubo comes in an HTTP trailer, which HTTP clients drop; it
shows as an answer that ends early, and the comparison finds it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from arbius_tui.domain.cid import block_cid, to_multihash
from arbius_tui.domain.cid import cid as cid_of
from arbius_tui.domain.errors import BadInput, PinFailed
from arbius_tui.domain.secret import Secret
from arbius_tui.domain.text import clean
from arbius_tui.services.ports import Stored

if TYPE_CHECKING:
    import httpx

LOCAL = "http://127.0.0.1:5001"
"""Where a Kubo daemon answers unless it was told otherwise."""

ADD = {
    "cid-version": "0", "hash": "sha2-256", "raw-leaves": "false", "chunker": "size-262144", "trickle": "false",
    "inline": "false", "wrap-with-directory": "false", "preserve-mode": "false", "preserve-mtime": "false",
    "pin": "true", "quieter": "true", "progress": "false",
}  # fmt: skip
"""Options of `add` that decide the CID, and three that keep the answer short; a node ignores those it does not know."""

ANSWER = 4 << 20
"""Bytes of an answer at most; a block has at most 2 MiB."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: status, media type, body, and what Kubo calls the stream error, if it came as a header."""

    status: int
    kind: str
    body: bytes
    late: str = ""

    @property
    def message(self) -> str:
        """The node's own words, clean and short."""
        try:
            said = json.loads(self.body)
        except (ValueError, RecursionError):
            said = None
        text = said["Message"] if isinstance(said, dict) and isinstance(said.get("Message"), str) else ""
        return clean(self.late or text or self.body[:500].decode(errors="replace")).strip()[:500]


class KuboNode:
    """One node. `limit` is in seconds for each call; nothing is opened before the first call."""

    def __init__(self, address: str = LOCAL, authorization: Secret | None = None, limit: float = 30) -> None:
        self.base = endpoint(address)
        self.id = f"kubo {urlsplit(self.base).netloc}"
        self.limit = limit
        self._header = None if authorization is None else header(authorization)
        self._client: httpx.AsyncClient | None = None

    async def __aenter__(self) -> KuboNode:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def pin(self, data: bytes, name: str) -> Stored:
        """Add and pin these bytes, then ask for the pin; PinFailed (`cid-mismatch`) if the node says another CID."""
        expected = cid_of(data)
        short = clean(name).encode()[:255].decode(errors="ignore")
        answer = self._good(await self._post("add", {**ADD, "pin-name": short}, data=data, name=name))
        if not (said := added(answer)):
            raise broken(self.id, f"no CID in the answer: {answer.message}")
        if said != expected:
            raise mismatch(self.id, expected, said)
        held = await self.pinned(expected)
        announced, note = await self.announce(expected)
        return Stored(self.id, self.base, expected, held, announced, note)

    async def block(self, cid: str) -> bytes:
        """The raw block, its hash checked; PinFailed `block-absent`, `cid-mismatch` or what else went wrong."""
        to_multihash(cid)
        answer = await self._post("block/get", {"arg": cid})
        if answer.status == 500 and re.search("not found|could not find", answer.message):
            raise PinFailed(
                "block-absent",
                f"{self.id} does not have {cid}",
                why="a template that cannot be fetched cannot be mined",
                fix="pin it again, or wait until the node that has it is online",
                detail=answer.message,
            )
        body = self._good(answer).body
        if (found := block_cid(body)) != cid:
            raise mismatch(self.id, cid, found, answer.late)
        return body

    async def pinned(self, cid: str) -> bool:
        """Whether this node has it pinned recursively now."""
        to_multihash(cid)
        answer = await self._post("pin/ls", {"arg": cid, "type": "recursive"})
        if answer.status == 500 and "not pinned" in answer.message:
            return False
        keys = self._object(answer).get("Keys")
        return isinstance(keys, dict) and cid in keys

    async def announce(self, cid: str, limit: float = 10) -> tuple[bool, str]:
        """Tell others that this node has it: (whether they were told, a note). Never a failure: the pin stands."""
        for command in ("provide/once", "routing/provide"):  # Kubo 0.42 and later; older ones
            try:
                answer = await self._post(command, {"arg": cid}, limit=limit)
            except PinFailed as failure:
                return False, f"stored here; announcing it: {failure.problem.what}"
            if answer.status == 200:
                return True, "announced to the network"
            if answer.status != 404:
                return False, unannounced(answer)
        return False, "stored here; this node cannot be asked to announce it"

    async def providers(self, cid: str, number: int = 3) -> tuple[str, ...]:
        """Peer ids of nodes that say they have it, this node among them; empty when nobody does."""
        to_multihash(cid)
        answer = self._good(await self._post("routing/findprovs", {"arg": cid, "num-providers": str(number)}))
        found = [
            str(peer.get("ID", ""))
            for row in rows(answer.body)
            if row.get("Type") == 4 and isinstance(row.get("Responses"), list)
            for peer in row["Responses"]
            if isinstance(peer, dict)
        ]
        return tuple(dict.fromkeys(clean(peer) for peer in found if peer))

    async def version(self) -> str:
        """Kubo's version, e.g. `0.42.0`."""
        return clean(str(self._object(await self._post("version")).get("Version", "")))[:40]

    async def identity(self) -> tuple[str, tuple[str, ...]]:
        """The node's peer id and its addresses; no address means that it runs offline."""
        said = self._object(await self._post("id"))
        addresses = said.get("Addresses")
        listed = addresses if isinstance(addresses, list) else []
        return clean(str(said.get("ID", ""))), tuple(clean(str(address)) for address in listed)

    async def config(self, key: str) -> Any:
        """A value of the node's configuration, e.g. `Import`; None where nothing is set."""
        return self._object(await self._post("config", {"arg": key})).get("Value")

    def _good(self, answer: Answer) -> Answer:
        """The answer if it is one of Kubo's and no error; PinFailed in words else."""
        if answer.status == 200 and answer.kind != "text/html" and not answer.late:
            return answer
        raise refused(self.id, answer)

    def _object(self, answer: Answer) -> dict[str, Any]:
        found = rows(self._good(answer).body)
        if not found:
            raise refused(self.id, answer)
        return found[0]

    async def _post(
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
                return await read(response)
        except httpx.ConnectError as error:
            problem = unreachable(self.id, self.base, str(error))
        except (httpx.TimeoutException, TimeoutError):
            problem = silent(self.id, command, seconds)
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            problem = broken(self.id, f"{type(error).__name__}: {error}")
        raise problem

    def _open(self) -> httpx.AsyncClient:
        import httpx

        # Kubo refuses what looks like a browser (Mozilla, Origin, Referer); the environment's proxies are not asked.
        headers = {"User-Agent": "arbius-tui"}
        if self._header is not None:
            headers["Authorization"] = self._header.reveal()
        # asyncio.timeout is around every call; certificates are loaded only where they are looked at.
        return httpx.AsyncClient(headers=headers, timeout=None, trust_env=False, verify=self.base.startswith("https"))  # noqa: S113


async def read(response: httpx.Response) -> Answer:
    """A whole answer of at most 4 MiB; PinFailed (`ipfs-answer`) above."""
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > ANSWER:
            raise broken(response.url.netloc.decode("ascii", "replace"), f"more than {ANSWER >> 20} MiB")
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return Answer(response.status_code, kind, bytes(body), response.headers.get("x-stream-error", ""))


def endpoint(address: str) -> str:
    """`/ip4/127.0.0.1/tcp/5001`, `127.0.0.1:5001` or a URL -> base URL without /api/v0; BadInput (`ipfs-address`)."""
    text = address.strip()
    multi = re.fullmatch(r"/(ip4|ip6|dns|dns4|dns6)/([^/]+)/tcp/(\d+)((?:/tls)?/https?)?/?", text)
    if multi:
        kind, host, port, scheme = multi.groups()
        secure = scheme in ("/https", "/tls/http", "/tls/https")
        text = f"http{'s' if secure else ''}://{f'[{host}]' if kind == 'ip6' else host}:{port}"
    elif "://" not in text:
        text = f"http://{text}"
    base = re.sub(r"(/api/v0)?/*$", "", text)
    try:
        parts = urlsplit(base)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        good = False
    if (
        not good
        or text.startswith("/")
        or parts.query
        or parts.fragment
        or not base.isascii()
        or re.search(r"\s", base)
    ):
        raise BadInput(
            "ipfs-address",
            f"{clean(address)[:80]!r} is no address of an IPFS node",
            fix="write it as http://127.0.0.1:5001 or /ip4/127.0.0.1/tcp/5001",
        )
    if "@" in parts.netloc:
        raise BadInput(
            "ipfs-address",
            "the address of the IPFS node holds a password",
            why="an address is shown on screen, saved and printed",
            fix="put `basic:USER:PASSWORD` into a file and name it with --token-file",
        )
    return base


def header(authorization: Secret) -> Secret:
    """The value of the HTTP header for a token; BadInput (`ipfs-token`) when it can be none."""
    value = credentials(authorization)
    if not len(value):
        raise BadInput(
            "ipfs-token",
            "the token for the IPFS node is empty or has characters that no token has",
            fix="the file holds the token alone, or bearer:TOKEN, or basic:USER:PASSWORD, in one line",
        )
    return value


def credentials(authorization: Secret) -> Secret:
    """`bearer:TOKEN`, `basic:USER:PASSWORD` (as in Kubo's API.Authorizations) or a token; empty for anything else."""
    text = authorization.reveal().strip()
    scheme, _, rest = text.partition(":")
    if scheme.lower() == "basic" and rest:
        value = "Basic " + base64.b64encode(rest.encode()).decode()
    elif scheme.lower() == "bearer" and rest:
        value = f"Bearer {rest.strip()}"
    else:
        value = text if text.lower().startswith(("bearer ", "basic ")) else f"Bearer {text}"
    return Secret(value if text and value.isascii() and value.isprintable() else "")


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


def added(answer: Answer) -> str:
    """The CID in the last line of an answer to `add`, empty when there is none."""
    said = [row["Hash"] for row in rows(answer.body) if isinstance(row.get("Hash"), str)]
    return clean(said[-1])[:120] if said else ""


def unannounced(answer: Answer) -> str:
    """Why others were not told."""
    if "online mode" in answer.message:
        return "stored here, nobody can fetch it: the node runs offline"
    if "no connected peers" in answer.message:
        return "stored here, nobody can fetch it: the node is connected to nobody"
    if answer.status in (401, 403):
        return "stored here; the token does not allow announcing it"
    return f"stored here; announcing it: {answer.message[:120] or f'HTTP {answer.status}'}"


def mismatch(node: str, expected: str, said: str, detail: str = "") -> PinFailed:
    """The node has other bytes than ours, or names them otherwise."""
    return PinFailed(
        "cid-mismatch",
        f"{node} says {said} where these bytes have the CID {expected}",
        why="the engine registers one CID; miners look for exactly that",
        fix="use Kubo 0.22 or later, or another node; nothing is registered with a CID that differs",
        detail=detail,
    )


def unreachable(node: str, base: str, detail: str) -> PinFailed:
    """Nobody listens there."""
    local = urlsplit(base).hostname in ("127.0.0.1", "localhost", "::1")
    return PinFailed(
        "ipfs-unreachable",
        f"{node} does not answer",
        why="the template must be stored where others can fetch it",
        fix="start the IPFS daemon and leave it running" if local else "look at the address, and whether it runs",
        command="ipfs daemon" if local else None,
        detail=clean(detail),
    )


def silent(node: str, command: str, seconds: float) -> PinFailed:
    """It took the call and did not end it in time."""
    return PinFailed(
        "ipfs-timeout",
        f"{node} did not answer {command} within {seconds:g} s",
        why="without its answer nobody knows whether the template is stored",
        fix="try again; pinning the same bytes twice changes nothing",
    )


def broken(node: str, detail: str) -> PinFailed:
    """The answer ended early, or is none of HTTP's."""
    return PinFailed(
        "ipfs-answer",
        f"{node} gave an answer that cannot be read",
        why="without its answer nobody knows whether the template is stored",
        fix="look whether this is the RPC address (port 5001), then try again",
        detail=clean(detail),
    )


def refused(node: str, answer: Answer) -> PinFailed:
    """An answer that is not a good one, in words."""
    said = answer.message
    if answer.status in (401, 403):
        code, what, fix = "ipfs-refused", "refuses us", "give its token with --token-file"
    elif answer.status == 429:
        code, what, fix = "ipfs-busy", "asks for fewer calls", "wait a minute, then try again"
    elif answer.status >= 500 or answer.late or (answer.status == 400 and answer.kind == "application/json"):
        code, fix = "ipfs-error", "look at the node's own log, then try again"
        what = f"could not do it: {said.splitlines()[0][:160] if said else 'no reason given'}"
    else:
        code, fix = "ipfs-not-kubo", "use the RPC address (port 5001), not the gateway (8080)"
        what = f"answers, but not as Kubo's RPC does ({answer.kind or 'no media type'})"
    return PinFailed(
        code,
        f"{node} {what}",
        why="the template must be stored where others can fetch it",
        fix=fix,
        detail=f"HTTP {answer.status}\n{said}".strip(),
    )
