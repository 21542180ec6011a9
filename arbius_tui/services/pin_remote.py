"""Pinning services: who keeps a template online for money or for nothing. What they say is compared, never believed.

Pinata's newer upload gives a CIDv1 whatever is asked; its older `pinFileToIPFS` takes `cidVersion` 0, so that one is
used, and never `pinJSONToIPFS`, which writes the JSON anew. The Pinning Service API (1.0.0) takes no bytes but a CID,
and fetches the block itself from the nodes that we name as `origins`.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from arbius_tui.domain.cid import cid as cid_of
from arbius_tui.domain.cid_forms import parse
from arbius_tui.domain.errors import BadInput, Failure, PinFailed
from arbius_tui.domain.secret import Secret
from arbius_tui.domain.text import clean
from arbius_tui.services import ipfs_words, notes
from arbius_tui.services.ipfs import KuboNode
from arbius_tui.services.pin_http import ServiceHttp, strange
from arbius_tui.services.ports import Peer, Stored

PINATA = "https://api.pinata.cloud"
PSA = "https://api.pinata.cloud/psa"
FILEBASE = "https://rpc.filebase.io"
"""Speaks Kubo's RPC behind a token."""

ORIGINS = 20
"""Addresses of providers that one request may name (Pinning Service API)."""

NAME = 255
"""Characters of a pin's name at most."""


class Pinata(ServiceHttp):
    """Implements `ports.PinService`: the bytes are uploaded, and the answer must be the CIDv0 computed here."""

    sort = "pinata"

    def __init__(
        self, base: str = PINATA, token: Secret | None = None, limit: float = 60, patience: float = 120
    ) -> None:
        super().__init__(base, token, limit, patience)
        self.id = f"pinata {self.id}"

    async def pin(self, data: bytes, name: str, near: Sequence[Peer] = ()) -> Stored:
        """Upload and pin; PinFailed `cid-mismatch` if Pinata says another CID."""
        expected = cid_of(data)
        filename = quote(PurePath(name).name or "file", safe="")
        fields = {
            "pinataOptions": json.dumps({"cidVersion": 0}),
            "pinataMetadata": json.dumps({"name": clean(name)[:NAME]}),
        }
        files = {"file": (filename, data, "application/octet-stream")}
        said = await self.ask("POST", "/pinning/pinFileToIPFS", "pin the file", files=files, data=fields)
        found = said.get("IpfsHash")
        if not isinstance(found, str):
            raise strange(self.id, f"no IpfsHash in {json.dumps(said)[:300]}")
        if found != expected:
            raise ipfs_words.other_cid(self.id, expected, found, data, name)
        held = await self.pinned(expected)
        note = "it says it is pinned" if held else "taken, and not in its list of pins yet"
        return Stored(self.id, self.base, expected, held, True, note, self.sort)

    async def pinned(self, cid: str) -> bool:
        """Whether it lists this CID among the pins of the token's owner."""
        said = await self.ask("GET", f"/data/pinList?status=pinned&hashContains={cid}", "list the pin")
        rows = said.get("rows")
        listed = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        return any(row.get("ipfs_pin_hash") == cid for row in listed)


@dataclass(frozen=True, slots=True)
class PinStatus:
    """A pin as the Pinning Service API tells it; `status` is queued, pinning, pinned or failed."""

    request: str
    status: str
    cid: str
    delegates: tuple[str, ...]
    info: str

    @classmethod
    def of(cls, service: str, said: Mapping[str, Any]) -> PinStatus:
        """From an answer; PinFailed (`pin-answer`) for one that is no PinStatus."""
        pin, delegates, info = said.get("pin"), said.get("delegates"), said.get("info")
        request, status = said.get("requestid"), said.get("status")
        known = status in ("queued", "pinning", "pinned", "failed")
        cid = pin.get("cid") if isinstance(pin, dict) else None
        if not (known and isinstance(request, str) and request and isinstance(cid, str)):
            raise strange(service, f"no PinStatus: {json.dumps(dict(said))[:300]}")
        named = [clean(d)[:300] for d in delegates if isinstance(d, str)] if isinstance(delegates, list) else []
        words = clean(str(info.get("status_details", ""))) if isinstance(info, dict) else ""
        return cls(request, str(status), cid, tuple(named[:ORIGINS]), words[:300])


class PinningService(ServiceHttp):
    """Implements `ports.PinService`: the service is given the CID, and fetches the block from the nodes that have it.

    `wait` is how many seconds it may take to fetch, `pause` the seconds between two looks.
    """

    sort = "psa"

    def __init__(
        self, base: str = PSA, token: Secret | None = None, limit: float = 60, wait: float = 120, pause: float = 2
    ) -> None:
        super().__init__(base, token, limit)
        self.id = f"psa {self.id}"
        self.wait, self.pause = wait, pause

    async def pin(self, data: bytes, name: str, near: Sequence[Peer] = ()) -> Stored:
        """Ask for the pin and follow it; PinFailed `pin-failed`, or `pin-queued` when it takes longer than `wait`."""
        cid = cid_of(data)
        found = await self.known(cid) or await self.order(cid, name, await origins(near))
        await asyncio.gather(*(node.connect(peer) for node in near for peer in found.delegates))
        found = await self.followed(found)
        if found.cid != cid and parse(found.cid) != parse(cid):
            raise ipfs_words.other_cid(self.id, cid, found.cid, data, name)
        if found.status == "failed":
            raise failed(self.id, found)
        if found.status != "pinned":
            raise queued(self.id, found, self.wait)
        return Stored(self.id, self.base, cid, True, True, "it says it fetched and pinned it", self.sort)

    async def pinned(self, cid: str) -> bool:
        """Whether it lists this CID as pinned."""
        found = await self.known(cid)
        return found is not None and found.status == "pinned"

    async def known(self, cid: str) -> PinStatus | None:
        """The pin of this CID that it has already; one that failed is ordered again."""
        said = await self.ask("GET", f"/pins?cid={cid}&status=queued,pinning,pinned", "list the pin")
        results = said.get("results")
        if not isinstance(results, list):
            raise strange(self.id, f"no list of pins: {json.dumps(said)[:300]}")
        for row in results:
            if isinstance(row, dict) and (found := PinStatus.of(self.id, row)).cid == cid:
                return found
        return None

    async def order(self, cid: str, name: str, near: Sequence[str]) -> PinStatus:
        """Ask it to pin."""
        body = {"cid": cid, "name": clean(name)[:NAME], "origins": list(near)}
        said = await self.ask("POST", "/pins", "take the pin", json={k: v for k, v in body.items() if v})
        return PinStatus.of(self.id, said)

    async def followed(self, found: PinStatus) -> PinStatus:
        """The pin once it is over, or as it stands after `wait` seconds."""
        until, told = time.monotonic() + self.wait, ""
        while found.status in ("queued", "pinning") and time.monotonic() < until:
            if found.status != told:
                told = found.status
                notes.tell(f"{self.id}: {told}; it fetches the block from your node")
            await asyncio.sleep(self.pause)
            said = await self.ask("GET", f"/pins/{quote(found.request, safe='')}", "say how far it is")
            found = PinStatus.of(self.id, said)
        return found


async def origins(near: Sequence[Peer]) -> list[str]:
    """Where the service can fetch the block: the nodes' own addresses, public ones first."""
    found: list[str] = []
    for node in near:
        try:
            peer, addresses = await node.identity()
        except Failure:
            continue
        found += [a if "/p2p/" in a else f"{a}/p2p/{peer}" for a in addresses if a.startswith("/")]
    return sorted(dict.fromkeys(found), key=lambda a: "/127.0.0.1/" in a or "/::1/" in a)[:ORIGINS]


def failed(service: str, found: PinStatus) -> PinFailed:
    """The service gave up."""
    return PinFailed(
        "pin-failed",
        f"{service} could not fetch the block",
        why="a pinning service fetches it from your node, which must be online and reachable",
        fix="start the node so that others reach it, or upload: --remote pinata",
        command="ipfs daemon",
        detail=found.info,
    )


def queued(service: str, found: PinStatus, wait: float) -> PinFailed:
    """The service has not got it yet."""
    return PinFailed(
        "pin-queued",
        f"{service} has not fetched the block within {wait:g} s ({found.status})",
        why="until it has, only your own node gives it out",
        fix="leave the node running and try again in some minutes: the order stands",
        detail=found.info,
    )


def store_of(place: str, token: Secret | None = None) -> Pinata | PinningService | KuboNode:
    """The store that `--remote` names: `pinata`, `psa`, `filebase`, each with `=URL` for another address, or a URL.

    A URL alone is one of a Pinning Service API, unless it ends in /api/v0: then it is a Kubo RPC.
    """
    kind, _, address = place.strip().partition("=")
    kind = kind.lower()
    if kind == "pinata":
        return Pinata(address or PINATA, token)
    if kind == "psa":
        return PinningService(address or PSA, token)
    if kind in ("filebase", "kubo") and (address or kind == "filebase"):
        return KuboNode(address or FILEBASE, token)
    if place.rstrip("/").endswith("/api/v0"):
        return KuboNode(place, token)
    if "://" in place:
        return PinningService(place, token)
    raise BadInput(
        "pin-place",
        f"{clean(place)[:60]!r} is no place to pin to",
        fix="one of pinata, filebase, psa=URL (a Pinning Service API), or the URL of one",
    )
