"""What another source has is taken into a template that exists: what it lacks, or all of it, as one step of history.

The sources are those of a draft: the running model, an image, a folder, a file, a checkout of Arbius, a model id.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from arbius_tui.domain import template_edits as edits
from arbius_tui.domain.editing import Editing
from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.events import Done, Event, Found, Line
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.patching import Operation
from arbius_tui.domain.questions import Ask, Choice
from arbius_tui.domain.records import SeedTestRecord
from arbius_tui.domain.template import Template
from arbius_tui.domain.text import clean
from arbius_tui.services import files
from arbius_tui.services.ports import Services
from arbius_tui.steps.base import Step
from arbius_tui.steps.template_choice import MORE, choose
from arbius_tui.steps.template_meta import About
from arbius_tui.steps.template_sources import document_of, is_checkout, of_document, take
from arbius_tui.steps.template_taken import Source

NAMED = {"input": "variable", "output": "filename"}


@dataclass(frozen=True, slots=True)
class Brought:
    """A template from elsewhere, to be taken into the one that is edited."""

    kind: ClassVar[str] = "brought"
    id: str
    source: str
    told: str
    other: Template = field(repr=False)

    def names(self, editing: Editing) -> list[str]:
        """What it has and the template that is edited lacks."""
        return [name for name, _ in missing(editing, self.other)]

    def lacking(self, editing: Editing) -> Editing:
        """With the rows and words of meta that were lacking; BadInput (`nothing-lacks`) where none is."""
        found = missing(editing, self.other)
        if not found:
            raise BadInput(
                "nothing-lacks", f"{self.source} has nothing that is missing here", why="nothing was changed",
                fix="take the whole of it, if that is what you want",
            )  # fmt: skip
        first = f"import {found[0][0]}" if len(found) == 1 else f"import {len(found)} from {self.source}"
        return edits.patch_of(editing, first, [operation for _, operation in found])

    def whole(self, editing: Editing) -> Editing:
        """The other template in place of this one, to the byte."""
        return editing.replaced(edits.brief_name(f"take all of {self.source}"), self.other)


def missing(editing: Editing, other: Template) -> list[tuple[str, Operation]]:
    """Rows by name, and words of meta, that only the other template has, each with what adds it here."""
    here, there = editing.template.document, other.document
    found: list[tuple[str, Operation]] = []
    known, told = here.get("meta"), there.get("meta")
    if isinstance(known, Mapping) and isinstance(told, Mapping):
        for key, value in told.items():
            if value not in (None, "") and known.get(key) in (None, ""):
                found.append((f"meta {clean(key)}", ("replace" if key in known else "add", f"/meta/{key}", value)))
    for group, name in NAMED.items():
        rows, others = here.get(group), there.get(group)
        if isinstance(rows, list) and isinstance(others, list):
            have = {str(row.get(name)) for row in rows if isinstance(row, Mapping)}
            for row in others:
                if isinstance(row, Mapping) and str(row.get(name)) not in have:
                    found.append((clean(str(row.get(name))), ("add", f"/{group}/-", dict(row))))
    return found


def place_named(where: str) -> Source:
    """The source that a word of the command line means: a URL, a model id, a path, or `image:NAME`."""
    if where.startswith("image:"):
        return Source("image", where.removeprefix("image:"))
    if where.startswith(("http://", "https://", "replicate:")):
        return Source("server", where.rstrip("/"))
    if where.lower().startswith("0x") and not files.absolute(where).exists():
        return Source("model-id", where)
    path = files.absolute(where)
    if is_checkout(path):
        return Source("checkout", where)
    return Source("folder" if path.is_dir() else "file", where)


async def bring(source: Source, journey: Journey, services: Services, ask: Ask) -> Brought:
    """What is at a source, to be taken in; a Failure in words where there is no template in it."""
    about = About.of(journey)
    if source.kind in ("file", "checkout", "model-id"):
        taken = await take(source, about, journey, services, ask)
    else:
        document, where, about = await document_of(source, about, journey, services)
        proof = journey.get(SeedTestRecord)
        taken = await of_document(document, where, about, services, proof.mime if proof else "")
    name = Path(taken.source).name if source.kind in ("file", "checkout") else taken.source
    return Brought("template", clean(name), taken.told, taken.template)


class Import(Step):
    """Ask where from and what, and hand it to a screen, whose template it becomes a step of."""

    name = "template"

    def __init__(self, editing: Editing) -> None:
        self.editing = editing

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield `Brought`; the result of `Done` says `lacking`, `whole`, or nothing where both are alike."""
        source = await choose(journey, services, ask, MORE)
        yield Line("reading the source")
        brought = await bring(source, journey, services, ask)
        yield Line(brought.told)
        yield Found(brought)
        if brought.other.data == self.editing.template.data:
            yield Done(True, 0, {"what": ""})
            return
        yield Done(True, 0, {"what": await ask(self.question(brought))})

    def question(self, brought: Brought) -> Choice:
        """What of it."""
        names = brought.names(self.editing)
        count = f"the {len(names)} that are missing here" if len(names) > 1 else "the one that is missing here"
        some = (("lacking", f"{count}: {', '.join(names)}"),) if names else ()
        return Choice(
            "template-import",
            "What of it?",
            brought.told,
            default="lacking" if names else None,
            options=(*some, ("whole", "all of it, in place of what is here")),
        )
