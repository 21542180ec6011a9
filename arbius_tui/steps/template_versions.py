"""What stands beside a template while it is edited: the model's own word, who will register it, and other versions.

None of it is needed to edit: what cannot be had is left out, and is said only when the author asked for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from arbius_tui.domain import cid as cids
from arbius_tui.domain.engine import model_id
from arbius_tui.domain.errors import BadInput, Failure
from arbius_tui.domain.events import Event, Found, Line
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.lint_model import Model
from arbius_tui.domain.questions import Ask
from arbius_tui.domain.records import RegisterRecord, WalletRecord
from arbius_tui.domain.template import Template
from arbius_tui.services.ports import Services
from arbius_tui.steps.base import Step
from arbius_tui.steps.template_chain import from_chain
from arbius_tui.steps.template_check import committed
from arbius_tui.steps.template_meta import About
from arbius_tui.steps.template_model import sources
from arbius_tui.steps.template_sources import document_of


@dataclass(frozen=True, slots=True)
class ModelSays:
    """What the model takes, and where that is from: its server, else its image, else its folder."""

    kind: ClassVar[str] = "model-says"
    id: str
    source: str
    model: Model = field(repr=False)


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
        for source in sources(journey, services.endpoints):
            try:
                document, where, _ = await document_of(source, About(""), journey, services)
            except Failure:
                continue
            yield Found(ModelSays("model", where, await asyncio.to_thread(Model.of, document)))
            return
        yield Line("no model answers; the template is not compared with one")


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
        if record is None or not (record.mined_id or record.model_id):
            raise BadInput("not-registered", "none is registered yet", fix="step 9 registers it")
        taken = await from_chain(record.mined_id or record.model_id, services)
        yield Found(Version("chain", "the chain", taken.template.data.decode()))


def text_of(data: bytes) -> str:
    """A template's text; TemplateInvalid where it is none."""
    return Template.read(data).data.decode()
