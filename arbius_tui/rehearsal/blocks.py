"""The rehearsal's block store: real blocks under their real CIDs, as files in one folder."""

from __future__ import annotations

import asyncio
from pathlib import Path

from arbius_tui.domain.cid import CHUNK, block, block_cid, to_multihash
from arbius_tui.domain.errors import BadInput, NotReady, PinFailed
from arbius_tui.services.ports import Stored
from arbius_tui.services.store import replace_file


class EmbeddedBlocks:
    """Keeps dag-pb blocks in a folder, each in a file named by its CIDv0. Satisfies services.ports.Ipfs."""

    id = "embedded"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def pin(self, data: bytes, name: str) -> Stored:
        """Keep these bytes as one UnixFS file of at most 256 KiB; BadInput (`file-too-big`) above."""
        if len(data) > CHUNK:
            raise BadInput(
                "file-too-big",
                f"{len(data):,} bytes are more than one block of {CHUNK:,} bytes",
                why="the rehearsal keeps single blocks, and the engine takes at most 65,536 bytes",
                fix="make the file smaller",
            )
        node = block(data)
        cid = block_cid(node)
        await asyncio.to_thread(self._write, cid, node)
        await self.block(cid)  # read back, as with a real node
        note = "rehearsal: kept on this machine, never announced"
        return Stored(self.id, str(self.folder), cid, True, False, note, "embedded", True)

    async def block(self, cid: str) -> bytes:
        """The raw block; PinFailed (`block-absent`) when it is not here, (`cid-mismatch`) when the file is damaged."""
        to_multihash(cid)  # also keeps anything that is not a CID out of the path
        try:
            node = await asyncio.to_thread((self.folder / cid).read_bytes)
        except OSError as error:
            raise PinFailed(
                "block-absent",
                f"{cid} is not in the rehearsal's block store",
                why="nobody can fetch what no store has",
                fix="pin the template again",
                detail=str(error),
            ) from None
        if (found := block_cid(node)) != cid:
            raise PinFailed(
                "cid-mismatch",
                f"the file {cid} in the rehearsal's block store holds another block: {found}",
                why="a template is what its CID says, byte for byte",
                fix="pin the template again",
                detail=str(self.folder / cid),
            )
        return node

    async def pinned(self, cid: str) -> bool:
        """Whether the block is here and whole."""
        try:
            await self.block(cid)
        except PinFailed:
            return False
        return True

    def _write(self, cid: str, node: bytes) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace_file(self.folder / cid, node)
        except OSError as error:
            raise NotReady(
                "store-not-writable",
                f"nothing can be kept in {self.folder}: {error.strerror}",
                why="the rehearsal keeps its blocks there",
                fix="set XDG_STATE_HOME to a folder you can write to",
                detail=str(error),
            ) from None
