"""What stands beside a template while it is edited: the model's own word, who will register it, and other versions.

None of it is needed to edit: what cannot be had is left out, and is said only when the author asked for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from arbius_tui.domain import cid as cids
from arbius_tui.domain import inputs
from arbius_tui.domain.draft import draft
from arbius_tui.domain.engine import model_id
from arbius_tui.domain.errors import BadInput, Failure, TemplateInvalid
from arbius_tui.domain.events import Done, Event, Found, Line, Trouble
from arbius_tui.domain.inputs import ModelInput
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Ask, Choice
from arbius_tui.domain.records import RegisterRecord, RunRecord, WalletRecord
from arbius_tui.domain.template import Template
from arbius_tui.services import files
from arbius_tui.services.ports import Services
from arbius_tui.steps.base import Step
from arbius_tui.steps.template_file import committed


@dataclass(frozen=True, slots=True)
class ModelSays:
    """What the running model takes: its inputs, the row that a draft makes of each, and why some have none."""

    kind: ClassVar[str] = "model-says"
    id: str
    source: str
    inputs: tuple[ModelInput, ...]
    rows: Mapping[str, Mapping[str, Any]]
    left_out: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Registrant:
    """Who will register, as far as it is known: with the CID this gives the model id."""

    kind: ClassVar[str] = "registrant"
    id: str
    sender: str
    addr: str
    fee_wei: str


@dataclass(frozen=True, slots=True)
class Version:
    """The template as it stands elsewhere; `id` is git or chain."""

    kind: ClassVar[str] = "version"
    id: str
    name: str
    text: str = field(repr=False)


class Surroundings(Step):
    """The running model's inputs and the future sender, where the journey knows them."""

    name = "template"

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield what can be had; a server that does not answer is no failure here."""
        wallet, register = journey.get(WalletRecord), journey.get(RegisterRecord)
        if wallet and wallet.address:
            known = register or RegisterRecord()
            who = Registrant("registrant", wallet.address, known.addr or wallet.address, known.fee_wei)
            # The first id loads packages that a key must not wait for.
            await asyncio.to_thread(model_id, who.sender, who.addr, int(who.fee_wei), cids.multihash(b""))
            yield Found(who)
        run = journey.get(RunRecord)
        if run and run.url:
            try:
                yield Found(await asyncio.to_thread(said, run.url, await services.predictions.schema(run.url)))
            except Failure:
                yield Line("the model's server does not answer; the template is not compared with it")


def said(url: str, document: Mapping[str, Any]) -> ModelSays:
    """The model's document, read and drafted."""
    found = draft(document)
    rows = found.template.document.get("input")
    drafted = {str(row.get("variable")): row for row in rows or () if isinstance(row, Mapping)}
    left = {item.variable: item.reason for item in found.left_out}
    return ModelSays("model", url, inputs.read(document), drafted, left)


class OtherVersion(Step):
    """The template as git or the chain has it, to compare with."""

    name = "template"

    def __init__(self, path: Path, which: str) -> None:
        self.path, self.which = path, which

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield the version; BadInput where there is none."""
        if self.which == "git":
            yield Found(Version("git", "git HEAD", text_of(await committed(self.path))))
            return
        record = journey.get(RegisterRecord)
        if record is None or not record.cid:
            raise BadInput("not-registered", "none is registered yet", fix="step 9 registers it")
        for store in services.ipfs:
            try:
                node = await store.block(record.cid)
            except Failure:
                continue
            yield Found(Version("chain", "the registered one", text_of(cids.content(node))))
            return
        raise BadInput("not-fetched", "the registered template cannot be fetched", fix="pin it again in step 7")


def text_of(data: bytes) -> str:
    """A template's text; TemplateInvalid where it is none."""
    return Template.read(data).data.decode()


class TakeBack(Step):
    """Look at a file that came back from the author's own editor; of one that is broken both versions are kept."""

    name = "template"

    def __init__(self, path: Path, before: bytes) -> None:
        self.path, self.before = path, before

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield `Done` whose result says what comes next: `open` the file, `edit` it again, or `leave` it broken."""
        data = await asyncio.to_thread(files.read, self.path)
        try:
            Template.read(data)
        except TemplateInvalid as failure:
            yield Trouble(failure.problem)
            answer = await ask(self.question(failure))
            if answer == "before":
                broken = free(self.path)
                await asyncio.to_thread(files.write, broken, data)
                await asyncio.to_thread(files.write, self.path, self.before, data)
                yield Line(f"as it was before; what the editor left is kept as {broken.name}")
            yield Done(answer == "before", 0, {"next": "open" if answer == "before" else answer})
            return
        yield Done(True, 0, {"next": "open"})

    @staticmethod
    def question(failure: TemplateInvalid) -> Choice:
        """Which of the two versions counts."""
        options = (
            ("edit", "open the editor again and mend it"),
            ("before", "the one from before; the broken one is kept beside it"),
            ("leave", "the broken one; it is shown as it is and never written over"),
        )
        return Choice("template-broken", "Which version counts?", failure.problem.what, "before", options=options)


def free(path: Path) -> Path:
    """A name beside the file that nothing has yet."""
    number = 1
    while (found := path.with_name(f"{path.name}.broken-{number}")).exists():
        number += 1
    return found
