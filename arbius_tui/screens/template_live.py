"""What runs behind the template editor: the file that is kept, the problems that are found, other versions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import work as worker
from textual.worker import Worker

from arbius_tui.domain.errors import Failure, Problem
from arbius_tui.domain.events import Done, Event, Found, Line, Started, Trouble
from arbius_tui.screens.part_fields import part_id
from arbius_tui.screens.part_form import PartForm
from arbius_tui.screens.parts import changed_part
from arbius_tui.screens.session import Session
from arbius_tui.screens.template_judged import TemplateJudged

if TYPE_CHECKING:
    # With its first template; they load pydantic.
    from arbius_tui.domain.editing import Editing
    from arbius_tui.steps.template_edit import BrokenFile, Newest


class TemplateLive(TemplateJudged):
    """Opens the file for editing, keeps every state of it, and judges each."""

    PATIENCE: ClassVar[float] = 5.0
    """Seconds that the disk may take before another editor opens."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.keeper: Worker[None] | None = None
        self.newest: Newest | None = None
        self.broken: BrokenFile | None = None
        self.found: list[Problem] = []
        self.readable = False
        self.outside = self.welcome = ""

    def jobs(self) -> list[Worker[None]]:
        """The file is kept until the last moment."""
        return [*super().jobs(), *([self.keeper] if self.keeper else [])]

    # --- the step: a draft, or the file read again

    def on_started(self, event: Started) -> None:
        """Nothing is known of this reading yet."""
        super().on_started(event)
        self.found, self.readable = [], False
        self.set_class(False, "-broken")

    def on_found(self, event: Found) -> None:
        """What was left out of a draft, and where the file lies."""
        from arbius_tui.steps.template import Identity, Part

        match event.item:
            case Part() if event.item.id.startswith("left/"):
                self.left[event.item.name] = event.item.note
            case Identity():
                self.opened, self.readable = event.item.path, True

    def on_trouble(self, event: Trouble) -> None:
        """What is wrong in a file that could be read stands at its part; all else is a panel."""
        if self.readable:
            self.found.append(event.problem)
        else:
            super().on_trouble(event)

    def on_done(self, event: Done) -> None:
        """Now the file is there: edit it."""
        super().on_done(event)
        self.readable = False
        if self.opened:
            self.open_file(self.opened)

    # --- the file

    def open_file(self, path: str, outside: str = "", said: str = "") -> None:
        """Open the file with its history; what was open before is on disk by then."""
        self.opened, self.outside, self.broken, self.welcome = path, outside, None, said
        self.keeper = self.keep(path)

    async def all_kept(self) -> None:
        """Wait until all that was edited is on disk; a disk that hangs does not hold up the author."""
        if self.newest:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.newest.kept.wait(), self.PATIENCE)

    @worker(group="edits", exclusive=True, exit_on_error=False)
    async def keep(self, path: str) -> None:
        """The worker that keeps what is edited, until another takes its place or the author quits."""
        from arbius_tui.steps.template_edit import OUTSIDE, EditSession, Newest

        self.newest = Newest()
        try:
            walk = await self.session.opened()
            step = EditSession(Path(path), self.newest, self.outside or OUTSIDE)
            async with aclosing(walk.beside(step, self.ask)) as events:
                async for event in events:
                    self.on_kept(event)
        except Failure as failure:
            self.refused(failure.problem)
        except Exception as error:
            await self.on_broken(error)

    def on_kept(self, event: Event) -> None:
        """The template is open, or a state of it is on disk, or cannot be."""
        from arbius_tui.steps.template_edit import BrokenFile, Opened

        match event:
            case Found(Opened() as opened):
                self.begin_editing(opened.editing)
            case Found(BrokenFile() as broken):
                self.broken = broken
            case Line(text):
                self.say(text)
            case Trouble(problem):
                self.refused(problem)

    def refused(self, problem: Problem) -> None:
        """A file that cannot be read, or written: in words, and its text where it has one."""
        from arbius_tui.domain.events import Trouble

        super().on_trouble(Trouble(problem))
        broken = self.broken
        if problem.code == "cannot-read" and self.editing is None and self.opened:
            broken = unreadable(self.opened)
        if broken is not None and broken.path == self.opened and problem.code != "changed-outside":
            self.show_as_text(broken, problem.what)
        self.refresh_keys()

    def show_as_text(self, broken: BrokenFile, what: str) -> None:
        """A file that is no template, as it is, and what can be done about it."""
        self.editing, self.broken = None, broken
        self.set_class(False, "-empty")
        self.set_class(True, "-broken")
        self.pane_of_file.show_broken(broken.path, broken.text, what)
        self.table.set_rows([])
        self.set_focus(self.view)
        self.say(
            "which version counts? F8 brings back the one from before; the broken one is kept beside it"
            if broken.before
            else "it is never written over; mend it in an editor, then F5 reads it again"
        )

    def begin_editing(self, editing: Editing) -> None:
        """The template is open."""
        from arbius_tui.domain.lint import lint
        from arbius_tui.domain.patching import value_at

        self.show_problem(None)
        self.set_class(False, "-broken")
        first = self.editing is None
        if self.saved_document is None:
            self.saved_document = editing.template.document
            self.pane_of_file.compare(self.saved_document, "saved")
        known = set(map(repr, lint(editing.template)))
        document = editing.template.document
        self.notes = [(p, value_at(document, p.path)) for p in self.found if repr(p) not in known]
        self.took = 0.0
        self.form.rest()  # what was typed is in the history; the field says what the file says now
        self.take(editing, first_trouble(self.problems_of(editing)) if first else "?")
        if first and self.ask.pane is None:
            self.set_focus(self.table)
        if self.welcome:
            self.say(self.welcome)
        self.call_after_refresh(self.look_around)

    def take(self, editing: Editing, at: str = "") -> None:
        """The template is this one now: judged, kept and drawn."""
        before = self.editing
        if at == "?":
            at = changed_part(before.template.document, editing.template.document) if before else ""
        self.editing = editing
        self.judge(editing)
        self.tell()
        self.draw(at)

    def tell(self) -> None:
        """The step that keeps the file hears of the newest state."""
        from arbius_tui.steps.template_edit import state_word

        if self.newest and self.editing:
            self.newest.put(self.editing, state_word(self.judged.problems))

    def on_part_form_typed(self, event: PartForm.Typed) -> None:
        """A key in a field."""
        from arbius_tui.domain.template_edits import settled, typed

        event.stop()
        if self.editing is None:
            return
        path = settled(self.editing, event.path)
        after = typed(self.editing, event.path, event.text, event.burst)
        if path != event.path and event.path not in after.pending:
            self.form.went(path)
        self.take(after)

    def on_part_form_entered(self, event: PartForm.Entered) -> None:
        """Another field, or a pause in the typing."""
        event.stop()
        if self.here.startswith("meta/") and self.form.at.startswith("/meta/"):
            self.table.go(self.form.at[1:])
        self.draw()


def unreadable(path: str) -> BrokenFile:
    """A file that is there and cannot be read: nothing of it can be shown."""
    from arbius_tui.steps.template_edit import BrokenFile

    return BrokenFile("template", path, False, "")


def first_trouble(problems: Sequence[Problem]) -> str:
    """The row to begin with: the first with an error, else with a warning, else the first input."""
    found = [problem for rank in ("error", "warn") for problem in problems if problem.severity == rank]
    return part_id(found[0].path) if found else "input/0"
