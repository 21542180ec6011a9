"""Which source a template shall come from, asked where there is no file yet."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Ask, Choice, Question
from arbius_tui.domain.records import ModelRecord, RunRecord
from arbius_tui.domain.text import clean
from arbius_tui.services import model_folder
from arbius_tui.services.ports import Services
from arbius_tui.steps.base import needs
from arbius_tui.steps.template_taken import Source


@dataclass(frozen=True, slots=True)
class Offer:
    """A source that can be chosen: what is asked after it, if anything."""

    source: Source
    label: str
    question: Question | None = None


async def offers(journey: Journey, services: Services) -> list[Offer]:
    """What this journey can draft from, the best first, then what exists elsewhere."""
    run, model = journey.get(RunRecord), journey.get(ModelRecord)
    found = []
    if run is not None and run.url:
        found.append(Offer(Source("server"), f"draft it from the running model, {run.url}"))
    elif services.endpoints:
        found.append(Offer(Source("server", services.endpoints[0]), f"draft it from {services.endpoints[0]}"))
    folder = Path(journey.model_dir) if journey.model_dir else None
    if folder is not None and await asyncio.to_thread((folder / model_folder.SCHEMA).is_file):
        found.append(Offer(Source("folder", str(folder)), f"draft it from {model_folder.SCHEMA} of the last build"))
    if model is not None and model.image and services.builder is not None:
        found.append(Offer(Source("image", model.image), f"draft it from the labels of the image {model.image}"))
    return found + list(ELSEWHERE)


ELSEWHERE = (
    Offer(Source("file"), "take a file: a template, or an OpenAPI document", Question(
        "template-file", "Which file?", "a template is taken as it is, to the byte; a document is drafted",
    )),
    Offer(Source("checkout"), "take a template of an Arbius checkout", Question(
        "template-checkout", "Where is the checkout?", "the folder that has templates/ in it",
    )),
    Offer(Source("model-id"), "take the template of a registered model, by its id", Question(
        "template-model-id", "Which model id?", "its bytes are read from the chain or by CID, and proven by the id",
    )),
)  # fmt: skip


FIRST = ("Where shall the template come from?", "there is no file yet; nothing is registered by this")
MORE = ("Import from where?", "next: what to take of it; ^Z undoes it")


def said(offer: Offer, words: tuple[str, str]) -> str:
    """The label of an offer; only a first template is drafted."""
    return offer.label if words == FIRST else offer.label.removeprefix("draft it from ").removeprefix("take ")


async def choose(journey: Journey, services: Services, ask: Ask, words: tuple[str, str] = FIRST) -> Source:
    """The source that the author wants; where nobody can say, the running model. `words` say what it is for."""
    found = await offers(journey, services)
    own = [offer for offer in found if offer.question is None]
    question = Choice(
        "template-source",
        *words,
        default=own[0].source.kind if own else None,
        rehearsal=own[0].source.kind if own else None,
        options=tuple((offer.source.kind, clean(said(offer, words))) for offer in found),
    )
    if not own and not journey.get(RunRecord):
        question = replace(question, default="server")  # step 3 is what is missing, and its failure says so
    answer = await ask(question)
    chosen = next((offer for offer in found if offer.source.kind == answer), None)
    if chosen is None:
        if answer == "server":
            raise needs("template", ("run",))
        raise BadInput(
            "template-source", f"{clean(answer)!r} is no source of a template here",
            fix=f"take one of {', '.join(offer.source.kind for offer in found)}",
        )  # fmt: skip
    if chosen.question is None:
        return chosen.source
    return replace(chosen.source, value=await ask(chosen.question))
