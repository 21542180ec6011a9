"""Ways into a template that is edited: the author's own editor, another source, the version from before."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

from textual import work as worker

from arbius_tui.domain.errors import Failure, Problem
from arbius_tui.domain.events import Done, Found, Line
from arbius_tui.screens.editing import editor, lend
from arbius_tui.screens.session import Session
from arbius_tui.screens.template_around import TemplateAround
from arbius_tui.steps.base import TITLES
from arbius_tui.widgets.pane import Cancelled


class TemplateWays(TemplateAround):
    """Lends the file, takes it back, takes in what another source has."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.importing = False
        """Whether the author is asked what to take in."""

    def open_file(self, path: str, outside: str = "", said: str = "") -> None:
        """Hook: open the file with its history, and say something when it is open."""

    async def all_kept(self) -> None:
        """Hook: wait until all that was edited is on disk, or cannot be."""

    def refused(self, problem: Problem) -> None:
        """Hook: a file that cannot be read or written."""

    # --- the author's own editor

    async def action_edit(self) -> None:
        """Open the file in the author's editor, then take it back as one step of the history."""
        command = editor()
        busy = next(
            (TITLES.get(name, name) for name, state in self.session.journey.states.items() if state == "run"), ""
        )
        if not self.path:
            self.say("there is no file yet; Enter makes one")
        elif not command:
            self.say(f"$EDITOR is not set; edit {self.path} and press F5")
        elif busy:
            # The editor holds up everything here; a prediction would run into its time limit.
            self.say(f"{busy} is running; it would stand still while the editor is open")
        else:
            await self.all_kept()
            trouble = lend(self.app, [*command, self.path])
            # Also after a failure: what an editor wrote before it failed is in the file.
            self.open_file(self.path, f"edited in {Path(command[0]).name}", trouble)

    # --- a file that cannot be read

    @worker(group="restore", exclusive=True, exit_on_error=False)
    async def restore(self) -> None:
        """The version from before in place of a file that cannot be read, which is kept beside it."""
        from arbius_tui.domain.edit_words import Change
        from arbius_tui.steps.template_edit import EditTemplate

        said = ""
        try:
            walk = await self.session.opened()
            step = EditTemplate(Path(self.path), [Change("restore")])
            async with aclosing(walk.beside(step, self.ask)) as events:
                async for event in events:
                    if isinstance(event, Line):
                        said = event.text
        except Failure as failure:
            self.refused(failure.problem)
        else:
            self.open_file(self.path, "", said)

    # --- rows that are shown or taken in

    def action_include(self) -> None:
        """The input under the cursor that only the model has; elsewhere whatever another source has."""
        if not self.here.startswith("left/"):
            self.bring_in()
            return
        from arbius_tui.domain import template_edits as edits

        name = self.here.removeprefix("left/")
        row = self.missing().get(name)
        if row is None:
            self.say("this one stays out: the reason stands beside it")
            return
        count = len(edits.rows(self.editing, "input")) if self.editing else 0
        patch = [("add", "/input/-", dict(row))]
        self.do(lambda editing: edits.patch_of(editing, f"import {name}", patch), f"input/{count}")

    @worker(group="import", exclusive=True, exit_on_error=False)
    async def bring_in(self) -> None:
        """Ask where from and what of it; it is one step of the history."""
        from arbius_tui.steps.template_import import Brought, Import

        if self.editing is None:
            return
        brought: Brought | None = None
        what = ""
        self.importing = True
        try:
            walk = await self.session.opened()
            async with aclosing(walk.beside(Import(self.editing), self.ask)) as events:
                async for event in events:
                    match event:
                        case Found(Brought() as found):
                            brought = found
                        case Line(text):
                            self.say(text)
                        case Done():
                            what = str(event.result["what"])
        except Cancelled:
            return
        except Failure as failure:
            self.in_trouble(failure.problem)
            return
        finally:
            self.importing = False
        if brought is not None and what:
            self.show_problem(None)
            self.do(brought.whole if what == "whole" else brought.lacking, "?")
            self.say(f"taken from {brought.source}; ^Z undoes it")
        elif brought is not None:
            self.say(f"{brought.source} is the same, to the byte")
