"""Between the reading and the build: a step that makes an image runs, and one of the two is what is shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual.widget import Widget

from arbius_tui.domain.errors import Problem
from arbius_tui.domain.events import Done, Found, Line, Progress, Started, Trouble
from arbius_tui.screens.base import StepScreen
from arbius_tui.screens.build_view import BuildView
from arbius_tui.screens.findings import place
from arbius_tui.screens.reading import ReadingScreen
from arbius_tui.screens.session import Session
from arbius_tui.steps.base import Step
from arbius_tui.widgets.table import Table

if TYPE_CHECKING:
    from arbius_tui.steps.build import Build, UseImage

NOTHING_LEFT = "cancelled: no process, no container and no half-made image is left"


class BuildingScreen(ReadingScreen):
    """`building`: the step that runs makes an image. `at_build`: the build is what is shown, also after its end."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.view = BuildView(self.log_lines, session.clock)
        self.next_step: Step | None = None
        self.reader: Step | None = None
        self.maker: Build | UseImage | None = None
        self.building = self.at_build = self.stale = False
        self.wrong: Problem | None = None
        """Why the build that is shown failed."""

    def body(self) -> Iterable[Widget]:
        """The reading, and in its place the build."""
        yield from super().body()
        yield self.view

    def show_parts(self) -> None:
        """The empty state, the reading, or the build."""
        super().show_parts()
        self.swap()

    def swap(self) -> None:
        """Either the reading or the build; what both have below stays."""
        reading = not self.at_build
        self.view.display = self.at_build
        self.table.display = reading and self.nothing is None
        if self.nothing:
            self.nothing.display = reading
        for part in self.pane.parts():
            part.display = self.at_build or self.nothing is None

    def action_view(self, build: bool) -> None:
        """The build, or the reading; the files may have changed since an image was made of them."""
        self.at_build = build
        if not build and self.stale and not self.running and self.nothing is None:
            self.stale = False
            self.call_after_refresh(self.action_run)
        self.swap()
        self.show_problem(self.wrong if build else None)
        self.call_after_refresh(self.focus_table)
        self.present()
        self.refresh_status()
        self.refresh_keys()

    def focus_table(self) -> None:
        """Keys go to the table that is shown, unless a question or the log has them."""
        if self.ask.pane is None and self.is_current and self.focused is not self.view.tail:
            (self.view.shown if self.at_build else self.table).focus()

    def present(self) -> None:
        """The row under the cursor of what is shown."""
        if self.at_build:
            self.patch.display = self.note.display = False
            self.pane.show(*self.view.about(place(self.view.shown)))
        elif self.nothing is None:
            super().present()

    def on_table_row_highlighted(self, event: Table.RowHighlighted) -> None:
        """Only the table that is shown has a say."""
        if event.table is (self.view.shown if self.at_build else self.table):
            self.present()

    # what runs

    def work(self) -> Step | None:
        """The step that makes an image, where a key asked for one."""
        step, self.next_step = self.next_step, None
        self.building = step is not None
        reader, self.reader = self.reader, None
        return step or reader

    def start(self, step: Build | UseImage) -> None:
        """Make an image in this way."""
        if self.session.rehearsal:
            self.say("the rehearsal builds no image: it runs without Docker")
            return
        self.next_step = self.maker = step
        self.wrong = None
        self.view.clear()
        self.log_lines.clear()
        self.action_view(True)
        self.action_run()

    # what came

    def on_started(self, event: Started) -> None:
        """A new reading; a build keeps what was read."""
        if not self.building:
            super().on_started(event)
            return
        self.view.start()
        StepScreen.on_started(self, event)
        self.refresh_keys()

    def on_line(self, event: Line) -> None:
        """What cog prints, or where the build stands."""
        super().on_line(event)
        if self.building and not event.source:
            self.doing = event.text
            self.refresh_status()

    def on_progress(self, event: Progress) -> None:
        """How far it is; the same as before is no news."""
        if event != self.progress:
            super().on_progress(event)

    def on_found(self, event: Found) -> None:
        """A step of the build, or a fact of its image; all else was read in the files."""
        from arbius_tui.domain.build_log import BuildStep
        from arbius_tui.steps.model import Fact as Seen

        if not self.building:
            super().on_found(event)
        elif isinstance(item := event.item, BuildStep):
            self.view.step(item)
        elif isinstance(item, Seen):
            self.view.fact(item)

    def on_trouble(self, event: Trouble) -> None:
        """Why there is no image is the panel; what else is odd about it is a row."""
        if not self.building:
            super().on_trouble(event)
            self.note.display = self.note.display and not self.at_build
            return
        StepScreen.on_trouble(self, event)
        if event.problem.severity == "error":
            self.wrong = event.problem
        else:
            self.view.warnings.append(event.problem)

    def on_done(self, event: Done) -> None:
        """What was read, or what was built."""
        if not self.building:
            super().on_done(event)
            return
        self.view.end(event.ok)
        self.stale = True
        StepScreen.on_done(self, event)

    def cancel_job(self) -> bool:
        """Ending cog and tidying up take a moment, and say so."""
        if self.building and self.running:
            self.doing = "cancelling: cog is ended, and what is half-made goes"
            self.refresh_status()
        return super().cancel_job()

    def end(self) -> None:
        """A build that did not come to its end was cancelled, or never begun."""
        built, self.building = self.building, False
        super().end()
        if not built or not self.is_attached:
            return
        if not self.view.begun:
            self.action_view(False)
            return
        if not self.view.ended:
            self.view.end(False)
            if not self.wrong:
                self.say(NOTHING_LEFT)
        self.present()
        self.call_after_refresh(self.focus_table)
