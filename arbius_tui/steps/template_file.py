"""A template's file without a journey: check it, show it, compare it, or draft it from a schema."""

from __future__ import annotations

import asyncio
import difflib
import hashlib
import json
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

from arbius_tui.domain.draft import draft
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
from arbius_tui.steps.template import identity, notes, parts, result


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


class DraftFile(Step):
    """Draft a template from a running server's document, or from one in a file."""

    name = "template"

    def __init__(self, out: Path, schema: Path | None, endpoint: str) -> None:
        self.out, self.schema, self.endpoint = out, schema, endpoint

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Write the draft; an existing file is not written over."""
        if self.out.exists():
            raise BadInput(
                "file-exists",
                f"{clean(str(self.out))} exists",
                why="what stands in it may be the author's own work",
                fix="give another name, or move that file away",
            )
        document = await self.document(services)
        meta = {"title": self.out.stem, "description": "", "git": "", "docker": "", "version": 1}
        drafted = draft(document, meta)
        await asyncio.to_thread(files.write, self.out, drafted.template.data)
        yield Line(f"written to {self.out}")
        for part in parts(drafted.template, drafted):
            yield Found(part)
        yield Found(identity(self.out, drafted.template))
        problems = lint(drafted.template) + notes(drafted)
        for problem in problems:
            yield Trouble(problem)
        bad = any(p.severity == "error" for p in problems)
        found = result(self.out, drafted.template, problems, drafted)
        yield Done(not bad, TemplateInvalid.exit_code if bad else 0, found)

    async def document(self, services: Services) -> Mapping[str, Any]:
        """The OpenAPI document."""
        if self.schema is None:
            return await services.predictions.schema(self.endpoint)
        data = await asyncio.to_thread(files.read, self.schema)
        try:
            found = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise BadInput(
                "schema-not-json", f"{clean(str(self.schema))} is not JSON", detail=clean(str(error)),
                fix="give the document that the server has at /openapi.json",
            ) from None  # fmt: skip
        return found if isinstance(found, Mapping) else {}


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
            theirs, name = await committed(self.path), "git HEAD"
        old, new = laid_out(theirs), laid_out(mine)
        diff = [clean(line) for line in difflib.unified_diff(old, new, name, str(self.path), lineterm="")]
        for line in diff:
            yield Line(line)
        if not diff:
            yield Line("no difference" if mine == theirs else "the values are the same, the bytes are not")
        yield Done(True, 0, {**result(self.path, Template.parse(mine), [], None), "same": mine == theirs, "diff": diff})


async def committed(path: Path) -> bytes:
    """The file as git has it."""
    argv = ["git", "-C", str(path.parent), "show", f"HEAD:./{path.name}"]
    done = await process.output(argv, 10)
    if done.code != 0:
        raise BadInput(
            "not-in-git", f"{clean(str(path))} has no version in git to compare it with",
            fix="name the other file: arbius-tui template diff FILE OTHER", detail=done.stderr,
        )  # fmt: skip
    return done.stdout.encode()


def laid_out(data: bytes) -> list[str]:
    """The template with one value a line; what is no JSON stays as its lines are."""
    return json.dumps(json.loads(Template.parse(data).data), indent=2, ensure_ascii=False).splitlines()
