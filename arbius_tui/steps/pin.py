"""Pin: the CID computed in independent ways, and the block put where others can fetch it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

from arbius_tui.domain import cid as cids
from arbius_tui.domain.editing import Editing
from arbius_tui.domain.errors import Failure, PinFailed, Problem, TemplateInvalid
from arbius_tui.domain.events import Done, Event, Found, Line, Saved, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.lint import lint
from arbius_tui.domain.questions import Ask
from arbius_tui.domain.records import PinRecord, TemplateRecord
from arbius_tui.domain.template import Template
from arbius_tui.domain.template_edits import problems
from arbius_tui.services import files
from arbius_tui.services.ports import Services, Stored
from arbius_tui.steps.base import Step


@dataclass(frozen=True, slots=True)
class Way:
    """One way to come to the CID. `state`: SAME, FAIL, wait or off."""

    kind: ClassVar[str] = "way"
    id: str
    title: str
    state: str
    cid: str = ""
    note: str = ""


class Pin(Step):
    """Compute, ask the engine, store, and read back."""

    name = "pin"

    def __init__(self) -> None:
        self.stored: list[Stored] = []
        self.problems: list[Problem] = []

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield each way as it ends; a CID that differs anywhere ends the step."""
        record = journey.get(TemplateRecord) or TemplateRecord()
        data = await asyncio.to_thread(files.read, Path(record.path))
        template = valid(data, record.pending)
        if hashlib.sha256(data).hexdigest() != record.sha256:
            yield Line("the file has changed since the template step; these are its bytes now")
        yield Found(Way("computed", "computed here", "SAME", template.cid, f"{len(data):,} B, no network"))
        async for event in self.engine(services, template):
            yield event
        for store in services.ipfs:
            async for event in self.store(services, store.id, data, Path(record.path).name):
                yield event
        fetchable = any(stored.announced for stored in self.stored)
        digest = hashlib.sha256(data).hexdigest()
        yield Saved(PinRecord(template.cid, len(data), digest, tuple(asdict(s) for s in self.stored), fetchable))
        for problem in self.problems:
            yield Trouble(problem)
        ok = bool(self.stored) and not self.problems
        rows = [
            {"id": s.id, "kind": s.where, "cid": s.cid, "pinned": s.pinned, "announced": s.announced}
            for s in self.stored
        ]
        result = {"cid": template.cid, "bytes": len(data), "stores": rows, "gateways": []}
        yield Done(ok, 0 if ok else PinFailed.exit_code, result)

    async def engine(self, services: Services, template: Template) -> AsyncIterator[Event]:
        """The engine's own computation; another answer than ours blocks everything after it."""
        way = Way("engine", "engine contract", "wait", note="generateIPFSCID")
        yield Found(way)
        try:
            said = await services.chain.cid(template.data)
        except Failure as failure:
            self.problems.append(failure.problem)
            yield Found(Way("engine", "engine contract", "FAIL", note=failure.problem.what))
            return
        if said != template.multihash:
            yield Found(Way("engine", "engine contract", "FAIL", cids.from_multihash(said), "another CID than ours"))
            raise PinFailed(
                "cid-mismatch",
                "the engine computes another CID for these bytes",
                why="miners look for the CID that the engine registers",
                fix="do not register; check that the engine is the real one",
                detail=f"here {template.cid}, engine {said}",
            )
        yield Found(Way("engine", "engine contract", "SAME", template.cid, "generateIPFSCID"))

    async def store(self, services: Services, name: str, data: bytes, filename: str) -> AsyncIterator[Event]:
        """Pin in one store, then read the block back and hash it."""
        store = next(s for s in services.ipfs if s.id == name)
        yield Found(Way(name, name, "wait"))
        try:
            stored = await store.pin(data, filename)
            node = await store.block(stored.cid)
        except Failure as failure:
            self.problems.append(failure.problem)
            yield Found(Way(name, name, "FAIL", note=failure.problem.what))
            if failure.problem.code == "cid-mismatch":
                raise
            return
        if cids.block_cid(node) != stored.cid:
            raise PinFailed("block-differs", f"{name} gives back another block than it was given")
        self.stored.append(stored)
        told = "announced" if stored.announced else "stored, not announced to anybody"
        yield Found(Way(name, name, "SAME", stored.cid, stored.note or told))


def valid(data: bytes, pending: Mapping[str, str] = MappingProxyType({})) -> Template:
    """The template, if it has no errors: what is pinned and registered can never be mended.

    `pending` was typed in the editor and is no valid value; the author meant another file than this one.
    """
    template = Template.parse(data)
    errors = problems(Editing(template, pending)) + [p for p in lint(template) if p.severity == "error"]
    if errors:
        raise TemplateInvalid(
            "template-has-errors",
            f"the template has {len(errors)} error{'s' * (len(errors) > 1)}, the first: {errors[0].what}",
            why="it is registered for good, with every error in it",
            fix="mend them in step 6 Template",
            detail="\n".join(f"{p.path} {p.what}" for p in errors),
        )
    return template
