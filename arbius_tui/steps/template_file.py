"""A template's file without a journey: check it, show it, compare it, or draft it from a schema."""

from __future__ import annotations

import asyncio
import difflib
import hashlib
import json
from collections.abc import AsyncGenerator
from pathlib import Path

from arbius_tui.domain.errors import BadInput, TemplateInvalid
from arbius_tui.domain.events import Done, Event, Found, Line, Saved, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.lint import lint
from arbius_tui.domain.questions import Ask
from arbius_tui.domain.records import TemplateRecord
from arbius_tui.domain.template import Template
from arbius_tui.domain.text import clean
from arbius_tui.services import files, process
from arbius_tui.services.ports import Services
from arbius_tui.steps.base import Step
from arbius_tui.steps.template import identity, notes, parts, result, shown
from arbius_tui.steps.template_answers import answered
from arbius_tui.steps.template_meta import About
from arbius_tui.steps.template_sources import is_checkout, take
from arbius_tui.steps.template_taken import Kind, Source, told


class CheckFile(Step):
    """Read a file and say what it is and what is wrong with it; the file is never written."""

    name = "template"

    def __init__(self, path: Path, judge: bool = True) -> None:
        self.path, self.judge = path, judge

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield parts, identity and problems; with `judge`, errors end in exit code 5."""
        data = await asyncio.to_thread(files.read, self.path)
        found = Template.parse(data)
        for part in parts(found, None):
            yield Found(part)
        yield Found(identity(self.path, found))
        problems = lint(found)
        for problem in problems:
            yield Trouble(problem)
        digest = hashlib.sha256(data).hexdigest()
        yield Saved(TemplateRecord(path=str(self.path), bytes=found.size, cid=found.cid, sha256=digest))
        bad = self.judge and any(p.severity == "error" for p in problems)
        yield Done(not bad, TemplateInvalid.exit_code if bad else 0, result(self.path, found, problems, None))


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
        if self.out is not None and self.out.exists():
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


class DiffFile(Step):
    """Compare a template with another file, or with its own last commit."""

    name = "template"

    def __init__(self, path: Path, other: Path | None) -> None:
        self.path, self.other = path, other

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield a unified diff of the two, laid out with one value a line."""
        mine = await asyncio.to_thread(files.read, self.path)
        if self.other is not None:
            theirs, name = await asyncio.to_thread(files.read, self.other), str(self.other)
        else:
            theirs, name = await self.committed(), "git HEAD"
        old, new = laid_out(theirs), laid_out(mine)
        diff = [clean(line) for line in difflib.unified_diff(old, new, name, str(self.path), lineterm="")]
        for line in diff:
            yield Line(line)
        if not diff:
            yield Line("no difference" if mine == theirs else "the values are the same, the bytes are not")
        yield Done(True, 0, {**result(self.path, Template.parse(mine), [], None), "same": mine == theirs, "diff": diff})

    async def committed(self) -> bytes:
        """The file as git has it."""
        argv = ["git", "-C", str(self.path.parent), "show", f"HEAD:./{self.path.name}"]
        done = await process.output(argv, 10)
        if done.code != 0:
            raise BadInput(
                "not-in-git", f"{clean(str(self.path))} has no version in git to compare it with",
                fix="name the other file: arbius-tui template diff FILE OTHER", detail=done.stderr,
            )  # fmt: skip
        return done.stdout.encode()


def laid_out(data: bytes) -> list[str]:
    """The template with one value a line; what is no JSON stays as its lines are."""
    return json.dumps(json.loads(Template.parse(data).data), indent=2, ensure_ascii=False).splitlines()
