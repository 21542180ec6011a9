"""Kubo's RPC API, /api/v0, over HTTP; also of services that speak it behind a token (Filebase).

The node's own defaults may give another CID (import profiles, Kubo 0.40 and later), so every option that decides the
CID is sent, and what the node answers is compared with the CID that was computed here. Nothing a node says is believed:
a block is hashed before it is given out. A late error of Kubo comes in an HTTP trailer, which HTTP clients drop; it
shows as an answer that ends early, and the comparison finds it.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from arbius_tui.domain.cid import block_cid, to_multihash
from arbius_tui.domain.cid import cid as cid_of
from arbius_tui.domain.errors import PinFailed
from arbius_tui.domain.secret import Secret
from arbius_tui.domain.text import clean
from arbius_tui.services import ipfs_words as failures
from arbius_tui.services.ipfs_address import LOCAL, nearness
from arbius_tui.services.ipfs_http import Answer, KuboHttp, rows
from arbius_tui.services.ports import Stored

ADD = {
    "cid-version": "0", "hash": "sha2-256", "raw-leaves": "false", "chunker": "size-262144", "trickle": "false",
    "inline": "false", "wrap-with-directory": "false", "preserve-mode": "false", "preserve-mtime": "false",
    "pin": "true", "quieter": "true", "progress": "false",
}  # fmt: skip
"""Options of `add` that decide the CID, and three that keep the answer short; a node ignores those it does not know."""


class KuboNode(KuboHttp):
    """One node. `limit` is in seconds for each call; nothing is opened before the first call."""

    sort = "kubo"

    def __init__(self, address: str = LOCAL, authorization: Secret | None = None, limit: float = 30) -> None:
        super().__init__(address, authorization, limit)

    @property
    def exposed(self) -> bool:
        """Whether it is on the internet and takes orders without a token."""
        return not self.socket and nearness(self.base) == "internet" and self.token.given is None

    async def pin(self, data: bytes, name: str) -> Stored:
        """Add and pin these bytes, then ask for the pin; PinFailed (`cid-mismatch`) if the node says another CID."""
        expected = cid_of(data)
        short = clean(name).encode()[:255].decode(errors="ignore")
        answer = self._good(await self.post("add", {**ADD, "pin-name": short}, data=data, name=name))
        if not (said := added(answer)):
            raise failures.broken(self.id, f"no CID in the answer: {answer.message}")
        if said != expected:
            raise failures.other_cid(self.id, expected, said, data, name)
        held = await self.pinned(expected)
        told = await self.announce(expected)
        return Stored(self.id, self.place, expected, held, told.done, told.note, self.sort, told.alone)

    async def block(self, cid: str) -> bytes:
        """The raw block, its hash checked; PinFailed `block-absent`, `cid-mismatch` or what else went wrong."""
        to_multihash(cid)
        answer = await self.post("block/get", {"arg": cid})
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
            raise failures.other_block(self.id, cid, found, answer.late)
        return body

    async def pinned(self, cid: str) -> bool:
        """Whether this node has it pinned recursively now."""
        to_multihash(cid)
        answer = await self.post("pin/ls", {"arg": cid, "type": "recursive"})
        if answer.status == 500 and "not pinned" in answer.message:
            return False
        keys = self._object(answer).get("Keys")
        return isinstance(keys, dict) and cid in keys

    async def announce(self, cid: str, limit: float = 30) -> Told:
        """Tell others that this node has it. Never a failure: the pin stands."""
        for command in ("provide/once", "routing/provide"):  # Kubo 0.42 and later; older ones
            try:
                answer = await self.post(command, {"arg": cid}, limit=limit)
            except PinFailed as failure:
                return Told(note=f"stored; announcing it: {failure.problem.what}")
            if answer.status == 200:
                return Told(True, "announced to the network")
            if answer.status != 404:
                return unannounced(answer)
        return Told(note="stored; it cannot be asked to announce")

    async def has(self, cid: str) -> bool:
        """Whether the block lies on this node now; the network is not asked."""
        to_multihash(cid)
        answer = await self.post("block/stat", {"arg": cid, "offline": "true"})
        if answer.status == 500:
            return False
        return bool(self._object(answer).get("Key"))

    async def connect(self, address: str, limit: float = 10) -> bool:
        """Connect to a peer by its multiaddr; whether it worked."""
        try:
            return (await self.post("swarm/connect", {"arg": address}, limit=limit)).status == 200
        except PinFailed:
            return False

    async def probe(self, data: bytes) -> str:
        """Put a block nobody else can have on this node, unpinned; its CID. `forget` takes it away again."""
        answer = self._good(await self.post("add", {**ADD, "pin": "false"}, data=data, name="probe"))
        return added(answer)

    async def forget(self, cid: str) -> None:
        """Remove a block that is not pinned; the garbage collector would do it later."""
        with suppress(PinFailed):
            await self.post("block/rm", {"arg": cid, "force": "true"}, limit=5)

    async def providers(self, cid: str, number: int = 3) -> tuple[str, ...]:
        """Peer ids of nodes that say they have it, this node among them; empty when nobody does."""
        to_multihash(cid)
        answer = self._good(await self.post("routing/findprovs", {"arg": cid, "num-providers": str(number)}))
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
        return clean(str(self._object(await self.post("version")).get("Version", "")))[:40]

    async def identity(self) -> tuple[str, tuple[str, ...]]:
        """The node's peer id and its addresses; no address means that it runs offline."""
        said = self._object(await self.post("id"))
        addresses = said.get("Addresses")
        listed = addresses if isinstance(addresses, list) else []
        return clean(str(said.get("ID", ""))), tuple(clean(str(address)) for address in listed)

    async def config(self, key: str) -> Any:
        """A value of the node's configuration, e.g. `Import`; None where nothing is set."""
        return self._object(await self.post("config", {"arg": key})).get("Value")

    def _good(self, answer: Answer) -> Answer:
        """The answer if it is one of Kubo's and no error; PinFailed in words else."""
        if answer.status == 200 and answer.kind != "text/html" and not answer.late:
            return answer
        raise failures.refused(self.id, answer, answer.command, self.token.given is not None)

    def _object(self, answer: Answer) -> dict[str, Any]:
        found = rows(self._good(answer).body)
        if not found:
            raise failures.broken(self.id, f"no JSON object: {answer.message}")
        return found[0]


@dataclass(frozen=True, slots=True)
class Told:
    """Whether others were told that a node has a block; `alone`: it is known that nobody can fetch it from there."""

    done: bool = False
    note: str = ""
    alone: bool = False


def unannounced(answer: Answer) -> Told:
    """Why others were not told."""
    if "online mode" in answer.message:
        return Told(note="stored here, nobody can fetch it: the node runs offline", alone=True)
    if "no connected peers" in answer.message:
        return Told(note="stored here, nobody can fetch it: the node is connected to nobody", alone=True)
    if answer.status in (401, 403):
        return Told(note="stored; the token does not allow announcing it")
    return Told(note=f"stored; announcing it: {answer.message[:120] or f'HTTP {answer.status}'}")


def added(answer: Answer) -> str:
    """The CID in the last line of an answer to `add`, empty when there is none."""
    said = [row["Hash"] for row in rows(answer.body) if isinstance(row.get("Hash"), str)]
    return clean(said[-1])[:120] if said else ""
