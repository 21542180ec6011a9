"""Seed test on screen: the cases in a table, why one is there or failed, its output, the request, the diagnosis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from arbius_tui.domain.errors import Problem
from arbius_tui.domain.events import Done, Found, Started, Trouble
from arbius_tui.domain.text import seconds
from arbius_tui.screens.cases import (
    cause_of,
    diagnosed,
    diagnosis_lines,
    drawn,
    output_facts,
    reasons,
    request_lines,
    row_id,
    verdict_of,
)
from arbius_tui.screens.findings import FactBlock, SideBySide
from arbius_tui.screens.tabled import TableScreen, texts
from arbius_tui.widgets.frame import Rule
from arbius_tui.widgets.panes import Empty
from arbius_tui.widgets.text import Cell, Column, Row, bar, counts, words

if TYPE_CHECKING:
    # With its first case or a saved one; the first frame needs neither.
    from arbius_tui.steps.seed_case import CaseSeen


class SeedTestScreen(TableScreen):
    """The proof that a seed decides the bytes."""

    step = "seed_test"
    why = (
        "A miner runs your model with the seed of its task and commits to the hash of what came out; other miners run "
        "the same and compare. One byte that differs, and the answer is contested.\n"
        "So the same inputs and the same seed must give the same bytes: at once, a second later, after another seed, "
        "and after a restart. Another seed must give other bytes. And because the seed is derived from the task's id, "
        "seeds far above 32 bits come: up to 2**53 - 17.\n"
        "Each run is hashed after the output is decoded. A prediction that fails has no hash and never counts as the "
        "same. Equal outputs carry the same letter."
    )
    columns: ClassVar[Sequence[Column]] = (
        Column("#", 1, 2, right=True),
        Column("Case", 0, 0),
        Column("Seed", 16, 16, right=True),
        Column("", 1, 1),
        Column("sha256", 14, 14),
        Column("Size", 7, 7, right=True, spare=True),
        Column("Time", -1, 5, right=True),
        Column("Verdict", 7, 7),
    )
    lead = 1
    room = 5
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "run", "run", id="seed_test.run", tooltip="run all cases, one after the other"),
    ]

    def nothing(self) -> Empty:
        """Before the first run."""
        return Empty(
            "Nothing is proved yet.",
            [("Space", "run the model with one seed, with others, and after a restart")],
            "Miners are compared byte by byte: the seed alone must decide the output.",
        )

    def body(self) -> Iterable[Widget]:
        """Also where the cases are kept."""
        self.cases: dict[str, CaseSeen] = {}
        self.diagnosis: list[Problem] = []
        self.led, self.case_began = "", 0.0
        yield from super().body()

    def finding(self) -> Iterable[Widget]:
        """The case, its output, and at 120 what was sent and what it all means."""
        yield from super().finding()
        self.output_rule, self.output = Rule("Output"), FactBlock(2)
        self.more = SideBySide("Diagnosis", "Request")
        yield self.output_rule
        yield self.output
        yield self.more

    def recall(self) -> None:
        """The cases of the last run; their diagnosis follows from them."""
        from arbius_tui.steps.seed_case import read

        rows = self.saved_record().get("cases")
        for number, row in enumerate(rows if isinstance(rows, list | tuple) else (), 1):
            if isinstance(row, Mapping):
                self.take(read(row, number))
        self.diagnosis = diagnosed(self.cases.values())
        self.to_first_trouble()

    def take(self, case: CaseSeen) -> None:
        """A case as it stands now."""
        self.cases[row_id(case)] = case
        self.put(self.row(case))

    def row(self, case: CaseSeen) -> Row:
        """A case on the grid."""
        return drawn(case, self.bar() if case.status == "run" else "")

    def bar(self) -> Cell:
        """How far the running case is, judged by those before it; the seconds alone for the first one."""
        now = self.session.clock() - self.case_began
        ended = [c.seconds for c in self.cases.values() if c.status == "succeeded"]
        if not ended or now < 1:
            return (seconds(now) if now >= 1 else "", "$accent")
        usual = sum(ended) / len(ended)
        return bar(min(int(now * 100), int(usual * 99.5)), max(1, int(usual * 100))), "$accent"

    def on_started(self, event: Started) -> None:
        """All anew."""
        self.diagnosis, self.led = [], ""
        super().on_started(event)

    def on_found(self, event: Found) -> None:
        """A case; the cursor goes with the running one until the author moves it, and stays where trouble is."""
        from arbius_tui.steps.seed_case import CaseSeen

        if not isinstance(case := event.item, CaseSeen):
            return
        if case.status == "run":
            self.case_began = self.session.clock()
        self.take(case)
        if case.status not in ("wait", "run"):
            self.diagnosis = diagnosed(self.cases.values())
        if case.status == "run" and self.following:
            self.led = row_id(case)
            self.table.go(self.led)
        self.refresh_status()

    @property
    def following(self) -> bool:
        """Whether the cursor still stands where the run put it, on a case that is well."""
        here = self.table.row
        return not self.led or (here is not None and here.id == self.led and self.cases[self.led].wanted)

    def on_trouble(self, event: Trouble) -> None:
        """A diagnosis belongs to the cases and stands in their finding; all else is a panel."""
        from arbius_tui.domain.reproducibility import CAUSES

        if event.problem.code not in CAUSES:
            super().on_trouble(event)
            return
        super(TableScreen, self).on_trouble(event)
        self.show_problem(None)
        if event.problem.code not in {problem.code for problem in self.diagnosis}:
            self.diagnosis.append(event.problem)

    def on_done(self, event: Done) -> None:
        """The cursor to the first case that is not as it must be."""
        super().on_done(event)
        if not event.ok and not self.problems:
            self.to_first_trouble()
        elif self.table.row:
            self.explain(self.table.row.id)

    def to_first_trouble(self) -> None:
        """Where the author has to look."""
        if id := next((id for id, case in self.cases.items() if not case.wanted), ""):
            self.table.go(id)
            self.explain(id)

    def end(self) -> None:
        """A case that was cut off did not run."""
        for case in [c for c in self.cases.values() if c.status == "run"]:
            if self.is_attached:
                self.take(replace(case, status="wait"))
        super().end()

    def present(self, id: str) -> None:
        """The case under the cursor."""
        case = self.cases[id]
        cause = cause_of(case, self.diagnosis)
        verdict = verdict_of(case)
        took = seconds(case.seconds) if case.seconds else ""
        self.pane.show(f"case {case.number}  {case.title}", verdict, case.why if cause else took, reasons(case, cause))
        self.output_rule.show("Output", "", f"case {case.number}")
        self.output.show(output_facts(case))
        self.more.rules[1].show("Request", "", "POST /predictions")
        room = max(20, (self.size.width - 27) // 2 - 4)
        self.more.show(diagnosis_lines(self.diagnosis, room, self.finished), request_lines(case))

    def refresh_status(self) -> None:
        """The running row ticks with the clock."""
        super().refresh_status()
        running = next((c for c in self.cases.values() if c.status == "run"), None) if self.running else None
        if running:
            self.table.update_row(self.row(running))

    def status(self) -> Content:
        """How many of each verdict."""
        if self.has_class("-empty"):
            return super().status()
        seen = [verdict_of(case) for case in self.cases.values()]
        order = ("SAME", "DIFFERS", "NEAR", "BLOCKER", "TIMEOUT", "SKIPPED", "run", "wait")
        return counts(*((seen.count(word), word) for word in order))

    def aside(self) -> Content:
        """The time so far and about how much is left; afterwards what was proved."""
        if not self.running:
            proved = self.saved_record().get("reproducible")
            if proved is None or self.has_class("-empty"):
                return Content("")
            return words(("reproducible", "$success") if proved else ("not reproducible", "bold $error"))
        ended = sum(c.status not in ("wait", "run") for c in self.cases.values())
        if not ended:
            return super().aside()
        left = (self.session.clock() - self.began) / ended * (len(self.cases) - ended)
        return words((f"{self.elapsed()} so far, about {int(left) // 60}:{int(left) % 60:02} left", "$muted"))

    def command(self) -> str:
        """The same without a screen."""
        return self.shell("seed-test", "--endpoint", texts(self.saved_record("run"), "url")[0] or "URL")

    def copy_text(self) -> str:
        """The full hashes of the case under the cursor."""
        case = self.cases.get(self.table.row.id) if self.table.row else None
        return "\n".join(output.sha256 for output in case.outputs) if case else ""
