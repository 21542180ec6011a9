"""Takes a template from its source: a model's document is drafted, a template that exists is taken to the byte."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from arbius_tui.domain import inputs, openapi
from arbius_tui.domain.draft import Draft, draft
from arbius_tui.domain.errors import BadInput, Failure, NotReady
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Ask, Choice, Consent
from arbius_tui.domain.records import RunRecord, SeedTestRecord
from arbius_tui.domain.registered import parse_id
from arbius_tui.domain.template import Template
from arbius_tui.domain.text import clean
from arbius_tui.services import files, model_folder
from arbius_tui.services.ports import Services
from arbius_tui.steps import template_meta
from arbius_tui.steps.base import needs
from arbius_tui.steps.model import Fact
from arbius_tui.steps.run import asked as predicted
from arbius_tui.steps.run import awake, server_of
from arbius_tui.steps.template_chain import from_chain
from arbius_tui.steps.template_meta import About
from arbius_tui.steps.template_taken import Source, Taken, counted


async def take(source: Source, about: About, journey: Journey, services: Services, ask: Ask) -> Taken:
    """The template of this source; a Failure in words where there is none. Nothing is written."""
    match source.kind:
        case "file":
            return await from_file(files.absolute(source.value), about, services)
        case "checkout":
            return await from_checkout(files.absolute(source.value), ask)
        case "model-id":
            return await from_chain(parse_id(source.value), services)
        case _:
            return await drafted(source, about, journey, services, ask)


# --- a model's document ------------------------------------------------------------------------------------------


async def drafted(source: Source, about: About, journey: Journey, services: Services, ask: Ask) -> Taken:
    """A draft from the model's own document, with what is known of its meta."""
    document, where, about = await document_of(source, about, journey, services)
    proof = journey.get(SeedTestRecord)
    mime = proof.mime if proof else ""
    if not mime and source.kind == "server":
        mime = await seen_output(document, source, journey, services, ask)
    return await of_document(document, where, about, services, mime)


async def of_document(
    document: Mapping[str, Any], where: str, about: About, services: Services, mime: str = ""
) -> Taken:
    """The draft of a document."""
    known = await template_meta.gather(about, services)
    made = await asyncio.to_thread(draft, document, known.meta, mime, known.open)
    facts = [*known.facts, output_fact(made, mime)]
    return Taken(made.template, f"drafted from {where}: {counted(made)}", where, made, facts, known.problems)


async def document_of(
    source: Source, about: About, journey: Journey, services: Services
) -> tuple[Mapping[str, Any], str, About]:
    """The OpenAPI document, where it is from, and what is known of the model through it."""
    value = source.value
    if source.kind == "server":
        if not value:
            record = journey.get(RunRecord)
            if record is None:
                raise needs("template", ("run",))
            value = (await awake(record, journey, services)).url
        return await services.predictions.schema(value), f"the server at {clean(value)}", about
    if source.kind == "image":
        return await labelled(value, services), f"the label of the image {clean(value)}", replace(about, image=value)
    path = files.absolute(value)
    if source.kind == "folder":
        return await in_folder(path), f"{clean(str(path / model_folder.SCHEMA))}", replace(about, folder=path)
    return await in_file(path), clean(str(path)), about


async def labelled(reference: str, services: Services) -> Mapping[str, Any]:
    """The document in an image's labels, as `docker image inspect` has it."""
    if services.builder is None:
        raise BadInput(
            "rehearsal-docker", "the rehearsal looks at no image", why="it runs without Docker",
            fix="leave --network rehearsal out, or draft from the server",
        )  # fmt: skip
    image = await services.builder.image(reference)
    if image.openapi is None:
        raise NotReady(
            "image-no-schema",
            f"the image {clean(reference)} has no OpenAPI document in its labels",
            why="cog build writes it into run.cog.openapi_schema; a Dockerfile of your own does not",
            fix="start it and draft from the server",
            command=f"arbius-tui run {clean(reference)}",
        )
    return image.openapi


async def in_folder(folder: Path) -> Mapping[str, Any]:
    """The document that the last build left in a model's folder."""
    if not await asyncio.to_thread(folder.is_dir):
        raise BadInput("no-such-folder", f"{clean(str(folder))} is not a folder", fix="give the folder of your model")
    path = folder / model_folder.SCHEMA
    if not await asyncio.to_thread(path.is_file):
        raise NotReady(
            "folder-no-schema",
            f"there is no {model_folder.SCHEMA} in {clean(str(folder))}",
            why="cog writes it when it builds the model; nothing of the model is run here",
            fix="build it, or draft from its running server",
            command=f"arbius-tui build {template_meta.here(folder)}",
        )
    return await in_file(path)


async def in_file(path: Path) -> Mapping[str, Any]:
    """The document in a file."""
    data = await asyncio.to_thread(files.read, path)
    found = openapi.unwrapped(await asyncio.to_thread(openapi.parse, data, str(path)))
    if "Input" not in inputs.schemas_of(found):
        raise BadInput(
            "schema-no-input",
            f"{clean(str(path))} is JSON, but no model's OpenAPI document",
            why="the inputs are in components.schemas.Input, and it has no such part",
            fix="give the document that the model's server has at /openapi.json; a template is taken with --from",
        )
    return found


async def seen_output(
    document: Mapping[str, Any], source: Source, journey: Journey, services: Services, ask: Ask
) -> str:
    """The media type of one real prediction, where the author wants it and the inputs can be made up; else nothing."""
    sample = inputs.sample(inputs.read(document))
    if sample.impossible or not any(item.variable == "output" for item in draft(document).asked):
        return ""
    hosted = source.value.startswith("replicate:")
    question = Consent(
        "draft-predict",
        "Run one prediction to see what the output is?",
        why="the document only says: a file",
        default="no",
        rehearsal="yes",
        changes="one prediction with the model's own defaults" + (", which Replicate bills" if hosted else ""),
        undo="nothing is kept of it",
    )
    if await ask(question) != "yes":
        return ""
    record = journey.get(RunRecord)
    if source.value:
        found = await services.predictions.predict(source.value, {**sample.inputs, "seed": 1337})
    else:
        record = await awake(record or RunRecord(), journey, services)
        found = await predicted(server_of(record), services, {**sample.inputs, "seed": 1337}, 600)
    return found.outputs[0].mime if found.outputs else ""


def output_fact(made: Draft, mime: str) -> Fact:
    """The output's type, and how it is known."""
    row = made.template.document["output"][0]
    asked = any(item.variable == "output" for item in made.asked)
    source = f"a real prediction ({clean(mime)})" if mime else "nobody has seen an output" if asked else "the document"
    return Fact("output", "output", "warn" if asked else "ok", f"{row['type']}, {row['filename']}", source)


# --- a template that exists --------------------------------------------------------------------------------------


async def from_file(path: Path, about: About, services: Services) -> Taken:
    """A file: a template as it is, or an OpenAPI document, which is drafted."""
    if await asyncio.to_thread(path.is_dir):
        raise BadInput(
            "folder-not-file", f"{clean(str(path))} is a folder",
            fix="name the template in it; of an Arbius checkout they lie in templates/",
        )  # fmt: skip
    data = await asyncio.to_thread(files.read, path)
    try:
        found = Template.parse(data)
    except Failure:
        document = await asyncio.to_thread(perhaps, data, str(path))
        if document is None:
            raise
        return await of_document(document, clean(str(path)), about, services)
    if not openapi.is_template(found.document) and inputs.read(openapi.unwrapped(found.document)):
        document = openapi.unwrapped(await asyncio.to_thread(openapi.parse, data, str(path)))
        return await of_document(document, clean(str(path)), about, services)
    return Taken(found, f"taken as it is from {clean(str(path))}", clean(str(path)))


def perhaps(data: bytes, name: str) -> Mapping[str, Any] | None:
    """The document in bytes that are no template, e.g. because they are too many; None where they are neither."""
    try:
        found = openapi.unwrapped(openapi.parse(data, name))
    except Failure:
        return None
    return found if inputs.read(found) else None


async def from_checkout(folder: Path, ask: Ask) -> Taken:
    """One of the templates that lie in a checkout of the Arbius repository."""
    found = await asyncio.to_thread(templates_of, folder)
    if not found:
        raise BadInput(
            "no-templates",
            f"there are no templates in {clean(str(folder))}",
            why="in a checkout of the Arbius repository they are templates/*.json",
            fix="give the folder of the checkout, or the file itself",
        )
    options = tuple((path.stem, clean(path.name)) for path in found)
    question = Choice("template-pick", "Which template?", why="it is taken as it is, to the byte", options=options)
    name = await ask(question)
    path = next((path for path in found if name in (path.stem, path.name)), None)
    if path is None:
        raise BadInput(
            "no-such-template", f"there is no template {clean(name)!r} there",
            fix=f"it has: {', '.join(clean(path.stem) for path in found[:40])}",
        )  # fmt: skip
    template = Template.parse(await asyncio.to_thread(files.read, path))
    return Taken(template, f"taken as it is from {clean(str(path))}", clean(str(path)))


def templates_of(folder: Path) -> list[Path]:
    """The templates of a checkout by their names; the folder itself may be the one they lie in."""
    inside = folder / "templates"
    return sorted(path for path in (inside if inside.is_dir() else folder).glob("*.json") if path.is_file())


def is_checkout(folder: Path) -> bool:
    """Whether a folder looks like a checkout of the Arbius repository."""
    return (folder / "templates").is_dir() and (folder / "contract").is_dir()
