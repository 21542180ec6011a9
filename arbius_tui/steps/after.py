"""After: where the journey stands, looked at anew each time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

from arbius_tui.domain import cid as cids
from arbius_tui.domain.errors import Failure, PinFailed
from arbius_tui.domain.events import Done, Event, Found
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Ask
from arbius_tui.domain.records import PinRecord, RegisterRecord, TemplateRecord
from arbius_tui.domain.text import grouped
from arbius_tui.services import files
from arbius_tui.services.ports import Ipfs, PinService, Services
from arbius_tui.steps.base import Step


@dataclass(frozen=True, slots=True)
class Status:
    """A row of the status page."""

    kind: ClassVar[str] = "status"
    id: str
    title: str
    state: str
    found: str
    why: str
    age_seconds: float = 0.0


class After(Step):
    """Ask the chain, the store and the disk once more."""

    name = "after"

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield one row for each thing that others will rely on."""
        rows: list[Status] = []
        for identity, title, why, look in LOOKS:
            try:
                state, found = await look(journey, services)
            except Failure as failure:
                state, found = "FAIL", failure.problem.what
            rows.append(Status(identity, title, state, found, why))
            yield Found(rows[-1])
        bad = any(row.state == "FAIL" for row in rows)
        yield Done(not bad, 9 if bad else 0, {"rows": [asdict(row) for row in rows]})


async def on_chain(journey: Journey, services: Services) -> tuple[str, str]:
    """Whether the engine has the model, with our CID."""
    record = journey.get(RegisterRecord) or RegisterRecord()
    there = await services.chain.model(record.model_id)
    if there is None:
        return "FAIL", "the engine does not know this model"
    same = there.cid == cids.to_multihash(record.cid)
    return ("ok", f"{record.model_id}") if same else ("FAIL", f"registered with another CID, {there.cid}")


async def transaction(journey: Journey, services: Services) -> tuple[str, str]:
    """The transaction that registered it."""
    record = journey.get(RegisterRecord) or RegisterRecord()
    if not record.tx_hash:
        return "off", "registered before this journey"
    receipt = await services.chain.receipt(record.tx_hash, 0)
    if receipt is None:
        return "wait", f"{record.tx_hash} is not mined"
    return ("ok" if receipt.ok else "FAIL"), f"{record.tx_hash} in block {grouped(receipt.block)}"


async def template(journey: Journey, services: Services) -> tuple[str, str]:
    """Whether the file on disk is still what was registered."""
    record = journey.get(TemplateRecord) or TemplateRecord()
    registered = journey.get(RegisterRecord) or RegisterRecord()
    data = await asyncio.to_thread(files.read, Path(record.path))
    same = cids.cid(data) == registered.cid
    return ("ok", f"{record.path} is what was registered") if same else ("warn", f"{record.path} has changed since")


async def retrievable(journey: Journey, services: Services) -> tuple[str, str]:
    """Whether a store has the block, and who else was told."""
    record = journey.get(PinRecord) or PinRecord()
    told = record.fetchable or services.fund is not None
    note = "" if record.fetchable else ", nobody else has been seen to fetch it"
    said = [f"no store of yours has {record.cid}"]
    stores: tuple[Ipfs | PinService, ...] = (*services.ipfs, *services.remotes)
    for store in stores:
        try:
            if await store.pinned(record.cid):
                if isinstance(store, Ipfs):
                    await store.block(record.cid)
                return "ok" if told else "warn", f"{record.cid} in {store.id}{note}"
        except PinFailed as failure:  # another store may have it
            said.append(failure.problem.what)
    return "FAIL", "; ".join(said)


LOOKS: tuple[tuple[str, str, str, Callable[[Journey, Services], Awaitable[tuple[str, str]]]], ...] = (
    ("on-chain", "on chain", "miners and the website find the model by this id", on_chain),
    ("transaction", "transaction", "the proof of when and by whom it was registered", transaction),
    ("template", "template file", "keep the file: its bytes are the CID", template),
    ("retrievable", "template block", "miners read the template by its CID", retrievable),
)
