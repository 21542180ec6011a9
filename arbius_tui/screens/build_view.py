"""A build on screen: its steps with their time, its log as it comes, and what was built."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.containers import Vertical
from textual.timer import Timer
from textual.widget import Widget

from arbius_tui.domain.errors import Problem
from arbius_tui.domain.text import seconds
from arbius_tui.screens.facts import row as fact_row
from arbius_tui.widgets.frame import Rule
from arbius_tui.widgets.log import LogLines, LogTail
from arbius_tui.widgets.panes import Fact, why
from arbius_tui.widgets.table import Table
from arbius_tui.widgets.text import Cell, Column, Row

if TYPE_CHECKING:
    from arbius_tui.domain.build_log import BuildStep
    from arbius_tui.steps.model import Fact as Seen

COLUMNS = (Column("Build", 0, 0), Column("State", 6, 6), Column("Took", 6, 8, right=True))
FACTS = (Column("What", 10, 12), Column("State", 5, 5), Column("Found", 0, 0))
QUIET = {"cached": "$muted", "off": "$muted"}


class BuildView(Vertical):
    """The steps of a build over its log; when it is done, what was built over the log. It holds what came, too."""

    DEFAULT_CSS = """
    BuildView {
        height: 1fr; display: none;
        & > Table { height: auto; max-height: 60%; }
        &.-built > #steps { display: none; }
        & > #made { display: none; }
        &.-built > #made { display: block; }
    }
    """

    def __init__(self, lines: LogLines, clock: Callable[[], float]) -> None:
        super().__init__()
        self.clock = clock
        self.steps: dict[str, BuildStep] = {}
        self.began: dict[str, float] = {}
        self.facts: dict[str, Seen] = {}
        self.warnings: list[Problem] = []
        self.filling, self.led = False, ""
        self.began_at = self.ended_at = 0.0
        self.ended = self.built = False
        self.ticker: Timer | None = None
        self.table, self.made = Table(COLUMNS, id="steps"), Table(FACTS, id="made", loud=False)
        self.rule, self.tail = Rule("Log"), LogTail(lines)

    def compose(self) -> Iterable[Widget]:
        """Steps or results, then the log."""
        yield from (self.table, self.made, self.rule, self.tail)

    @property
    def log_file(self) -> Path | None:
        """Where the whole log is."""
        fact = self.facts.get("build-log")
        return Path(fact.found) if fact else None

    @property
    def shown(self) -> Table:
        """The table that is shown."""
        return self.made if self.has_class("-built") else self.table

    @property
    def begun(self) -> bool:
        """Whether there is a build to show."""
        return bool(self.facts or self.steps)

    @property
    def lasted(self) -> str:
        """How long it took."""
        return seconds(max(0.0, self.ended_at - self.began_at))

    def items(self) -> list[Any]:
        """Steps and facts, for JSON."""
        return [*self.facts.values(), *self.warnings, *self.steps.values()]

    def start(self) -> None:
        """It begins; once a second the time of its steps is drawn."""
        self.began_at = self.clock()
        self.ticker = self.set_interval(1, self.tick)

    def end(self, ok: bool) -> None:
        """It ended: the image, or the step that failed."""
        self.ended, self.built, self.ended_at = True, ok, self.clock()
        if self.ticker:
            self.ticker.stop()
        self.stop()
        self.fill()
        if ok:
            self.show_result()
        elif failed := next((step.id for step in reversed(self.steps.values()) if step.state == "FAIL"), ""):
            self.table.go(failed)

    def clear(self) -> None:
        """Nothing is known of this build yet."""
        self.ended = self.built = False
        self.steps.clear()
        self.began.clear()
        self.facts.clear()
        self.warnings.clear()
        self.led = ""
        self.set_class(False, "-built")
        self.table.set_rows([])
        self.rule.show("Log")

    def step(self, step: BuildStep) -> None:
        """A step, new or changed. New ones come in bursts and are laid out once."""
        known = self.steps.get(step.id)
        self.steps[step.id] = step
        if step.state == "run":
            self.began.setdefault(step.id, self.clock())
        if known:
            # What a step says and how long it runs is drawn once a second: it may say 5,000 things in that time.
            if known.state != step.state and not self.filling:
                self.table.update_row(self.row(step))
        elif not self.filling:
            self.filling = True
            self.call_later(self.fill)

    def fill(self) -> None:
        """All steps; the cursor goes with the newest until the author moves it."""
        self.filling = False
        follows = not self.led or (self.table.row is not None and self.table.row.id == self.led)
        self.table.set_rows([self.row(step) for step in self.steps.values()])
        if follows and self.steps:
            self.led = list(self.steps)[-1]
            self.table.go(self.led)

    def row(self, step: BuildStep) -> Row:
        """A step on the grid."""
        word: Cell = (step.state, QUIET[step.state]) if step.state in QUIET else step.state
        took = self.took(step)
        return Row(step.id, (step.title, word, took), "ok" if step.state == "cached" else step.state)

    def took(self, step: BuildStep) -> str:
        """The seconds of a step; of one that runs as many as went by."""
        if step.state != "run":
            return seconds(step.seconds) if step.seconds else ""
        gone = max(step.seconds, self.clock() - self.began.get(step.id, self.clock()))
        return seconds(gone) if gone >= 1 else ""

    def tick(self) -> None:
        """A second went by."""
        for step in self.steps.values():
            if step.state == "run" and step.id in self.table.rows.places:
                self.table.update_row(self.row(step))

    def fact(self, fact: Seen) -> None:
        """Something that is known of the image or the log."""
        self.facts[fact.id] = fact
        if fact.id == "build-log":
            self.rule.show("Log", "", fact.found)

    def stop(self) -> None:
        """The build ended early: what ran does not any more."""
        for step in list(self.steps.values()):
            if step.state == "run":
                self.step(replace(step, state="off", seconds=max(step.seconds, self.clock() - self.began[step.id])))

    def show_result(self) -> None:
        """What was built, in place of the steps; warnings below."""
        facts = sorted(self.facts.values(), key=lambda fact: fact.id == "build-log")  # it came first, and is shown last
        rows: list[Row | str] = ["Image", *(fact_row(f.id, f.title, f.state, f.found) for f in facts)]
        if self.warnings:
            rows += ["Warnings", *(Row(f"warning-{n}", (problem.code, "warn", problem.what), "warn")
                                   for n, problem in enumerate(self.warnings))]  # fmt: skip
        self.made.set_rows(rows)
        self.set_class(True, "-built")

    def about(self, place: str) -> tuple[str, str, str, list[Fact]]:
        """Title, state, place and facts of the row under the cursor."""
        here = self.shown.row
        if here is None:
            return "Build", "", "", [Fact("", ("no step was printed yet", "$muted"))]
        if step := self.steps.get(here.id):
            return "Step", step.state, place, [Fact("step", step.title), Fact("said", (step.note or "-", "$muted"))]
        if fact := self.facts.get(here.id):
            return fact.title, fact.state, place, [why(fact.why), Fact("found", fact.found)]
        problem = self.warning
        if problem is None:
            return "", "", "", []
        fix = problem.fix.text if problem.fix else ""
        said = [Fact("what", (problem.what, "bold")), why(problem.why), Fact("fix", fix)]
        return problem.code, "warn", place, [fact for fact in said if fact.value]

    @property
    def warning(self) -> Problem | None:
        """The warning under the cursor."""
        here = self.shown.row
        number = here.id.removeprefix("warning-") if here else ""
        return self.warnings[int(number)] if number.isdigit() and int(number) < len(self.warnings) else None

    def copy_text(self) -> str:
        """What the row under the cursor gives: a value, the command of a warning, else the place of the log."""
        here = self.shown.row
        if here and (fact := self.facts.get(here.id)):
            return fact.found
        if (problem := self.warning) and problem.fix:
            return problem.fix.command or problem.fix.text
        return str(self.log_file or "")
