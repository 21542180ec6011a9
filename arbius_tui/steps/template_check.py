"""A template's file is looked at and never written: checked by itself, held against a model, compared with another."""

from __future__ import annotations

import asyncio
import difflib
import hashlib
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

from arbius_tui.domain.errors import BadInput, Problem, TemplateInvalid
from arbius_tui.domain.events import Done, Event, Found, Line, Saved, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.lint import lint
from arbius_tui.domain.questions import Ask
from arbius_tui.domain.readers import views
from arbius_tui.domain.records import TemplateRecord
from arbius_tui.domain.registered import parse_id
from arbius_tui.domain.spelling import laid_out
from arbius_tui.domain.template import MAX_BYTES, Template
from arbius_tui.domain.text import clean, exact_bytes
from arbius_tui.services import files, process
from arbius_tui.services.ports import Services
from arbius_tui.steps.base import Step
from arbius_tui.steps.template import identity, parts, result
from arbius_tui.steps.template_chain import from_chain
from arbius_tui.steps.template_model import held
from arbius_tui.steps.template_taken import Source
from arbius_tui.steps.template_titles import beside

MOST_LINES, MOST_CHARACTERS = 200, 16_384
"""How much of a file that is no template is shown as text."""

MOST_COMPARED, LONGEST_LINE = 4 * MAX_BYTES, 4_000
"""Bytes of a file whose lines are compared, and characters of a line; more takes minutes, and nobody reads it."""


class CheckFile(Step):
    """Read a file and say what it is and what is wrong with it; the file is never written."""

    name = "template"

    def __init__(self, path: Path, judge: bool = True, source: Source | None = None, reader: str = "") -> None:
        self.path, self.judge, self.source, self.reader = path, judge, source, reader

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield parts, identity, problems and readers; with `judge`, errors end in exit code 5."""
        data = await asyncio.to_thread(files.read, self.path)
        try:
            found = Template.parse(data)
        except TemplateInvalid:
            for line in as_text(data) if not self.judge else ():
                yield Line(line)
            raise
        for part in parts(found, None):
            yield Found(part)
        yield Found(identity(self.path, found))
        problems = await asyncio.to_thread(lint, found) + await asyncio.to_thread(beside, self.path, found)
        if self.source is not None:
            async for event in held(found, self.source, journey, services):
                if isinstance(event, Trouble):
                    problems.append(event.problem)
                else:
                    yield event
        mine = [problem for problem in problems if not self.reader or self.reader in problem.readers]
        for problem in mine:
            yield Trouble(problem)
        readers = views(found, problems, (self.reader,)) if self.reader else views(found, problems)
        for reader in readers:
            yield Found(reader)
        yield Line(said(mine))
        digest = hashlib.sha256(data).hexdigest()
        yield Saved(TemplateRecord(path=str(self.path), bytes=found.size, cid=found.cid, sha256=digest))
        bad = self.judge and any(p.severity == "error" for p in mine)
        told = {**result(self.path, found, mine, None), "readers": readers}
        yield Done(not bad, TemplateInvalid.exit_code if bad else 0, told)


def as_text(data: bytes) -> Iterator[str]:
    """The beginning of a file that is no template, harmless, line by line."""
    text = clean(data[: 4 * MOST_CHARACTERS].decode("utf-8", "replace"))
    lines = text[:MOST_CHARACTERS].split("\n")
    yield from (line[:400] for line in lines[:MOST_LINES])
    if len(text) > MOST_CHARACTERS or len(lines) > MOST_LINES or len(data) > 4 * MOST_CHARACTERS:
        yield f"... the file has {exact_bytes(len(data))}"


class DiffFile(Step):
    """Compare a template with another file, with its own last commit, or with what is registered."""

    name = "template"

    def __init__(self, path: Path, other: Path | None = None, model_id: str = "") -> None:
        self.path, self.other, self.model_id = path, other, model_id

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield a unified diff of the two, laid out with one value a line; a file that is no template as it stands."""
        mine = await asyncio.to_thread(files.read, self.path)
        theirs, name = await self.others(services)
        for line in (diff := differences(theirs, mine, name, str(self.path))):
            yield Line(line)
        yield Line(summary(theirs, mine, bool(diff)))
        told = {**result(self.path, Template.parse(mine), [], None), "same": mine == theirs, "diff": diff}
        yield Done(True, 0, {**told, "other": name})

    async def others(self, services: Services) -> tuple[bytes, str]:
        """The bytes to compare with, and what they are."""
        if self.model_id:
            taken = await from_chain(parse_id(self.model_id), services)
            return taken.template.data, f"model {clean(self.model_id)}"
        if self.other is not None:
            return await asyncio.to_thread(files.read, self.other), str(self.other)
        return await committed(self.path), "git HEAD"


async def committed(path: Path) -> bytes:
    """The file as git has it, to the byte."""
    argv = ["git", "-C", str(path.parent), "show", f"HEAD:./{path.name}"]
    done = await process.output(argv, 10)
    if done.code != 0:
        raise BadInput(
            "not-in-git", f"{clean(str(path))} has no version in git to compare it with",
            fix="name the other file: arbius-tui template diff FILE OTHER", detail=done.stderr,
        )  # fmt: skip
    return done.raw


def differences(theirs: bytes, mine: bytes, name: str, path: str) -> list[str]:
    """The lines of a unified diff, clean."""
    lines = difflib.unified_diff(readable(theirs), readable(mine), clean(name), clean(path), lineterm="")
    return [clean(line) for line in lines]


def summary(theirs: bytes, mine: bytes, differ: bool) -> str:
    """Whether the two are the same, byte for byte."""
    if mine == theirs:
        return "no difference"
    sizes = f"{exact_bytes(len(theirs))} and {exact_bytes(len(mine))}"
    return f"{sizes}: another CID" if differ else f"the values are the same, the bytes are not: {sizes}, another CID"


def readable(data: bytes) -> list[str]:
    """The template with one value a line; what is no template as its lines are; the beginning of what is too big."""
    if len(data) > MOST_COMPARED:
        return list(as_text(data))
    try:
        lines = laid_out(Template.read(data).document).split("\n")
    except TemplateInvalid:
        lines = clean(data.decode("utf-8", "replace")).split("\n")
    return [cut(line) for line in lines]


def cut(line: str) -> str:
    """A line as long as somebody reads it; one that was cut says how much it has."""
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} .. {len(line):,} characters"


def said(problems: list[Problem]) -> str:
    """How many of each sort."""
    counts = [(sum(p.severity == word for p in problems), word) for word in ("error", "warn", "info")]
    return ", ".join(f"{count} {word}" for count, word in counts if count) or "no problem"
