"""A template is edited: by words on the command line, or key by key on a screen. Both are kept in the same way.

The file is written first (whole, by rename), then the history, then the journey's record. A file that another program
changed meanwhile is left alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from arbius_tui.domain.edit_words import BROUGHT, Change, act
from arbius_tui.domain.editing import Editing
from arbius_tui.domain.errors import BadInput, Failure, NotReady, Problem, TemplateInvalid
from arbius_tui.domain.events import Done, Event, Found, Line, Saved, Trouble
from arbius_tui.domain.journey import Journey, Place
from arbius_tui.domain.lint import lint
from arbius_tui.domain.questions import Ask
from arbius_tui.domain.records import TemplateRecord
from arbius_tui.domain.template import MAX_BYTES, Template
from arbius_tui.domain.text import clean
from arbius_tui.services import files
from arbius_tui.services.edit_log import EditLog
from arbius_tui.services.ports import Services
from arbius_tui.steps.base import Step
from arbius_tui.steps.template import record, result, shown
from arbius_tui.steps.template_import import bring, place_named

OUTSIDE = "changed by another program"
PAUSE = 0.25
"""Seconds without an edit after which the journey learns of the new bytes; the file has them at once."""


@dataclass(frozen=True, slots=True)
class Edited:
    """One step of the history that was done, undone or redone."""

    kind: ClassVar[str] = "edit"
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Opened:
    """The template with its history, for a screen that edits it."""

    kind: ClassVar[str] = "opened"
    id: str
    path: str
    editing: Editing = field(repr=False)


@dataclass(frozen=True, slots=True)
class Kept:
    """The file and its history are on disk, as they are after so many steps."""

    kind: ClassVar[str] = "kept"
    id: str
    bytes: int
    steps: int


@dataclass(frozen=True, slots=True)
class BrokenFile:
    """The text of a file that is no template: it is shown as it is and never written over.

    `before` says whether the history knows a version from before, which `restore` brings back.
    """

    kind: ClassVar[str] = "broken"
    id: str
    path: str
    before: bool
    text: str = field(repr=False)


class Desk:
    """The file of a template and the log of its history, opened for editing.

    `outside` is the name of the step that another program's change becomes.
    """

    def __init__(self, path: Path, folder: Path | None, outside: str = OUTSIDE) -> None:
        self.path, self.outside = path, outside
        self.log = EditLog(folder, path)
        self.data = b""

    def open(self) -> Editing:
        """The template with its history. What another program made of the file is one step of it."""
        self.data = files.read(self.path)
        template = Template.read(self.data)
        known = self.log.read()
        editing = Editing(template)
        if known and known.text.encode() == self.data:
            editing = Editing(template, known.pending, known.past, known.future)
            self.log.resume(editing)
            return editing
        if known:
            with suppress(Failure, ValueError):  # a history whose text is no template any more begins anew
                before = Editing(Template.read(known.text.encode()), known.pending, known.past, known.future)
                editing = before.replaced(self.outside, template)
        self.log.begin(editing)
        return editing

    def restore(self) -> tuple[Editing, Path | None]:
        """The last version that the history knows, in place of a file that cannot be read; where that one lies now."""
        broken = files.read(self.path) if self.path.exists() else None
        if broken is not None and is_template(broken):
            raise BadInput("not-broken", f"{clean(str(self.path))} can be read", why="nothing was changed",
                           fix="`undo` brings the version before back")  # fmt: skip
        known = self.log.read()
        if known is None:
            raise BadInput("no-history", f"no version of {clean(str(self.path))} from before is known",
                           why="the file was left as it is", fix="mend it in an editor")  # fmt: skip
        self.data = known.text.encode()
        editing = Editing(Template.read(self.data), known.pending, known.past, known.future)
        aside = None
        if broken is not None:
            aside = free(self.path)
            files.write(aside, broken)
        files.write(self.path, self.data, broken)
        self.log.begin(editing)
        return editing, aside

    def keep(self, editing: Editing) -> None:
        """Write what is new; NotReady (`changed-outside`) when the file is not as this desk left it."""
        data = editing.template.data
        if data != self.data:
            try:
                files.write(self.path, data, self.data)
            except NotReady:
                self.log.add(editing)  # what was made here is in the history, whatever became of the file
                raise
            self.data = data
        self.log.add(editing)


def is_template(data: bytes) -> bool:
    """Whether these bytes can be edited."""
    try:
        Template.read(data)
    except TemplateInvalid:
        return False
    return True


def free(path: Path) -> Path:
    """A name beside the file that nothing has yet."""
    number = 1
    while (found := path.with_name(f"{path.name}.broken-{number}")).exists():
        number += 1
    return found


def record_of(path: Path, editing: Editing, journey: Journey) -> TemplateRecord:
    """What the journey remembers."""
    return replace(record(path, editing.template, None, journey), pending=dict(editing.pending))


def state_word(problems: Sequence[Problem]) -> str:
    """The state of the step: `1 ERROR`, warn or ok."""
    errors = sum(problem.severity == "error" for problem in problems)
    warned = any(problem.severity == "warn" for problem in problems)
    return f"{errors} ERROR" if errors else "warn" if warned else "ok"


def ours(journey: Journey, path: Path) -> bool:
    """Whether this file is, or may become, the template of the journey."""
    known = journey.get(TemplateRecord)
    return known is None or known.path in ("", str(path))


class EditTemplate(Step):
    """Do some edits, one after the other, all or none of them."""

    name = "template"

    def __init__(self, path: Path, changes: Sequence[Change]) -> None:
        self.path, self.changes = path, changes

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield each edit, then the parts, the identity and the problems of what came of them."""
        desk = Desk(self.path, services.state if services.lasting else None)
        changes = self.changes
        if changes and changes[0].verb == "restore":
            editing, aside = await asyncio.to_thread(desk.restore)
            kept = f"; what could not be read is kept as {clean(aside.name)}" if aside else ""
            yield Line(f"as it was before{kept}")
            changes = changes[1:]
        else:
            editing = await asyncio.to_thread(desk.open)
        for number, change in enumerate(changes, 1):
            after = await self.after(editing, change, journey, services, ask)
            yield Found(Edited(str(number), told(editing, after)))
            editing = after
        await asyncio.to_thread(desk.keep, editing)
        problems = lint(editing.template)
        for event in shown(self.path, editing.template, None, problems):
            yield event
        if ours(journey, self.path):
            yield Saved(record_of(self.path, editing, journey))
        bad = any(problem.severity == "error" for problem in problems)
        found = {
            **result(self.path, editing.template, problems, None),
            "history": [edit.name for edit in editing.past],
            "can_redo": [edit.name for edit in editing.future],
        }
        yield Done(not bad, TemplateInvalid.exit_code if bad else 0, found, state_word(problems))

    async def after(self, editing: Editing, change: Change, journey: Journey, services: Services, ask: Ask) -> Editing:
        """The template after one edit; what it needs from elsewhere is fetched for it."""
        if change.verb not in BROUGHT:
            return act(editing, change)
        brought = await bring(place_named(change.about), journey, services, ask)
        return brought.whole(editing) if change.verb == "take" else brought.lacking(editing)


def told(before: Editing, after: Editing) -> str:
    """What an edit did."""
    if after is before:
        return "nothing changed"
    if len(after.past) < len(before.past):
        return f"undo: {before.past[-1].name}"
    again = before.future and after.future == before.future[1:]
    return f"redo: {before.future[0].name}" if again else after.past[-1].name


class Newest:
    """Hands the newest state of an editor to the step that keeps it; states in between need not be written."""

    def __init__(self) -> None:
        self.editing: Editing | None = None
        self.word = ""
        self.filled = asyncio.Event()
        self.kept = asyncio.Event()
        """Set while all that was put is on disk, or the author knows why not."""
        self.kept.set()

    def put(self, editing: Editing, word: str) -> None:
        """This is the template now, and that the state of the step."""
        self.editing, self.word = editing, word
        self.kept.clear()
        self.filled.set()

    async def wait(self, limit: float | None) -> bool:
        """Whether something new came within so many seconds."""
        try:
            await asyncio.wait_for(self.filled.wait(), limit)
        except TimeoutError:
            return False
        self.filled.clear()
        return True


class EditSession(Step):
    """Open a template for a screen, then keep what the author does there until the screen goes."""

    name = "template"

    def __init__(self, path: Path, newest: Newest, outside: str = OUTSIDE) -> None:
        self.path, self.newest, self.outside = path, newest, outside

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield `Opened`, then `Kept` for each state that is on disk; the journey is told when the author pauses."""
        desk = Desk(self.path, services.state if services.lasting else None, self.outside)
        try:
            editing = await asyncio.to_thread(desk.open)
        except TemplateInvalid:
            text = (await asyncio.to_thread(files.read, self.path))[:MAX_BYTES].decode("utf-8", "replace")
            known = await asyncio.to_thread(desk.log.read) is not None
            yield Found(BrokenFile("template", str(self.path), known, clean(text)))
            if ours(journey, self.path):
                yield Saved(Place(at="template", states={"template": "1 ERROR"}))
            raise
        if ours(journey, self.path) and record_of(self.path, editing, journey) != journey.get(TemplateRecord):
            yield Saved(record_of(self.path, editing, journey))
        told = True
        try:
            if editing.past and editing.past[-1].name == OUTSIDE:
                yield Line("another program changed the file; undo brings the version before back")
            yield Found(Opened("template", str(self.path), editing))
            while True:
                if await self.newest.wait(None if told else PAUSE):
                    told = False
                    async for event in self.kept(desk):
                        yield event
                elif self.newest.editing is not None:
                    told = True
                    yield Saved(record_of(self.path, self.newest.editing, journey))
                    yield Saved(Place(at="template", states={"template": self.newest.word}))
        finally:
            self.last_words(desk)

    async def kept(self, desk: Desk) -> AsyncGenerator[Event, None]:
        """The newest state on disk, or why not; the screen goes on in either case."""
        editing = self.newest.editing
        if editing is None:
            return
        try:
            await asyncio.to_thread(desk.keep, editing)
            yield Found(Kept("template", editing.template.size, len(editing.past)))
        except Failure as failure:
            yield Trouble(failure.problem)
        if editing is self.newest.editing:
            self.newest.kept.set()

    def last_words(self, desk: Desk) -> None:
        """The screen goes: what was not written yet is written now. Nothing may be awaited while a generator closes."""
        editing = self.newest.editing
        if editing is not None and editing is not desk.log.last:
            with suppress(Failure):
                desk.keep(editing)
