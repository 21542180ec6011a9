"""A template held against its model: what the model's document says to it, and what a live model says to all defaults.

The journey's own step, `template check` and the editor all come here, so that they say the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

from arbius_tui.domain.errors import Failure
from arbius_tui.domain.events import Event, Line, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.lint_model import Model, against, all_defaults, refused
from arbius_tui.domain.places import REPLICATE
from arbius_tui.domain.records import ModelRecord, RunRecord
from arbius_tui.domain.template import Template
from arbius_tui.domain.text import clean
from arbius_tui.services.ports import Services
from arbius_tui.steps.template_meta import About
from arbius_tui.steps.template_sources import document_of
from arbius_tui.steps.template_taken import Source

MODEL_SAID = ("input-refused", "model-failed", "model-crashed", "no-output", "output-broken")
"""Failures of a prediction that are the model's word on its inputs; all others prove nothing."""


def sources(journey: Journey, endpoints: Sequence[str] = ()) -> list[Source]:
    """Where the model's document may be, the surest first; nothing is started for it.

    `endpoints` are servers that the author named now.
    """
    run, model = journey.get(RunRecord), journey.get(ModelRecord)
    found = [Source("server", endpoint) for endpoint in endpoints]
    found += [Source("server", run.url)] if run and run.url else []
    found += [Source("image", model.image)] if model and model.image else []
    return found + ([Source("folder", model.folder)] if model and model.folder else [])


async def held(
    template: Template, source: Source, journey: Journey, services: Services, prove: bool = True
) -> AsyncGenerator[Event, None]:
    """What the model's document says to a template, and with `prove` what a running model says to all defaults.

    A Failure where the document cannot be had; then nothing was compared.
    """
    document, where, _ = await document_of(source, About(""), journey, services)
    model = await asyncio.to_thread(Model.of, document)
    yield Line(f"held against {where}: {len(model.inputs)} inputs")
    for problem in await asyncio.to_thread(against, template, model):
        yield Trouble(problem)
    if prove and source.kind == "server" and source.value and model.inputs:
        yield Line("sending all defaults to the model, as a miner does for a task that says nothing")
        for event in await proof(template, model, source.value, services):
            yield event


async def held_against_own(template: Template, journey: Journey, services: Services) -> AsyncGenerator[Event, None]:
    """The same with the journey's own model, where it can be had as things are; nobody is billed for it."""
    for source in sources(journey, services.endpoints):
        hosted = source.value.startswith(REPLICATE)
        try:
            async for event in held(template, source, journey, services, prove=not hosted):
                yield event
        except Failure as failure:
            yield Line(f"not compared with the model: {clean(failure.problem.what)}")
            continue
        if hosted:
            yield Line("all defaults were not sent to the model: Replicate bills a prediction; "
                       f"template check --endpoint {clean(source.value)} sends them")  # fmt: skip
        return
    yield Line("no model answers; the template is not compared with one")


async def proof(found: Template, model: Model, url: str, services: Services) -> list[Event]:
    """All defaults, sent to a running model: that it took them, or what it said."""
    try:
        made = await services.predictions.predict(url, all_defaults(found, model))
    except Failure as failure:
        problem = failure.problem
        if problem.code in MODEL_SAID:
            said = refused(found, problem.what, problem.code, problem.detail)
            return [Trouble(each) for each in said]
        what = f"nobody knows whether the model takes all defaults: {problem.what}"
        return [Trouble(replace(problem, code="defaults-unproven", what=what, severity="warn", path="/input"))]
    return [Line(f"the model took all defaults: {made.shape or 'an output'} in {made.seconds:.1f} s")]
