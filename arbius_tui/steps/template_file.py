"""A template's file without a journey: check it, show it, compare it, or draft it from a schema."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

from arbius_tui.domain.errors import BadInput, TemplateInvalid
from arbius_tui.domain.events import Done, Event, Line
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.lint import lint
from arbius_tui.domain.questions import Ask
from arbius_tui.domain.text import clean
from arbius_tui.services import files
from arbius_tui.services.ports import Services
from arbius_tui.steps.base import Step
from arbius_tui.steps.template import notes, result, shown
from arbius_tui.steps.template_answers import answered
from arbius_tui.steps.template_meta import About
from arbius_tui.steps.template_sources import is_checkout, take
from arbius_tui.steps.template_taken import Kind, Source, told


def source_of(flag: str, value: str) -> Source:
    """The source that a flag of the command line names; a checkout of Arbius is known by its folders."""
    if flag in ("folder", "file") and is_checkout(files.absolute(value)):
        return Source("checkout", value)
    if flag == "folder" and files.absolute(value).is_file():
        return Source("file", value)
    kinds: dict[str, Kind] = {
        "endpoint": "server", "image": "image", "schema": "schema", "file": "file", "model_id": "model-id",
        "folder": "folder",
    }  # fmt: skip
    return Source(kinds[flag], value.rstrip("/") if flag == "endpoint" else value)


class DraftFile(Step):
    """Take a template from a source, and write it to a file that does not exist yet; without `out` write nothing."""

    name = "template"

    def __init__(self, out: Path | None, source: Source) -> None:
        self.out, self.source = out, source
        self.data = b""
        """The bytes of the template, once there are any."""

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Write the draft; an existing file is not written over."""
        if self.out is not None and files.there(self.out):
            raise BadInput(
                "file-exists",
                f"{clean(str(self.out))} exists",
                why="what stands in it may be the author's own work",
                fix="give another name, or move that file away",
            )
        taken = await take(self.source, await asyncio.to_thread(self.about), journey, services, ask)
        taken = await answered(taken, ask)
        self.data = taken.template.data
        for event in told(taken):
            yield event
        if self.out is not None:
            await asyncio.to_thread(files.write, self.out, self.data)
            yield Line(f"written to {self.out}")
        problems = lint(taken.template) + notes(taken)
        for event in shown(self.out or Path("template.json"), taken.template, taken, problems):
            yield event
        bad = any(p.severity == "error" for p in problems)
        found = result(self.out, taken.template, problems, taken)
        yield Done(not bad, TemplateInvalid.exit_code if bad else 0, found)

    def about(self) -> About:
        """What the source itself tells: the folder's or the image's name."""
        value = self.source.value
        match self.source.kind:
            case "folder":
                return About(files.absolute(value).resolve().name, files.absolute(value))
            case "image":
                return About(value.partition("@")[0].rpartition("/")[2].partition(":")[0])
            case "schema" if self.out is None:
                return About(Path(value).stem)
            case _:
                return About(self.out.stem if self.out else "model")
