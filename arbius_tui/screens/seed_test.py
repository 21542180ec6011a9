"""Seed test on screen: the cases in a table, why one is there or failed, its output, the request, the diagnosis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, ClassVar

from textual.content import Content
from textual.widget import Widget

from arbius_tui.domain.errors import Failure, Problem
from arbius_tui.domain.events import Done, Found, Started, Trouble
from arbius_tui.domain.text import seconds
from arbius_tui.screens.cases import (
    COLUMNS,
    cause_of,
    diagnosed,
    diagnosis_lines,
    output_facts,
    reasons,
    request_lines,
    verdict_of,
)
from arbius_tui.screens.findings import FactBlock, SideBySide
from arbius_tui.screens.pages import ReadingPage
from arbius_tui.screens.seed_table import SeedTable
from arbius_tui.screens.tabled import TableScreen, texts
from arbius_tui.widgets.frame import Rule
from arbius_tui.widgets.panes import Empty, Fact
from arbius_tui.widgets.text import Column, counts, line, words

if TYPE_CHECKING:
    # With its first case or a saved one; the first frame needs neither.
    from arbius_tui.steps.seed_case import CaseSeen
    from arbius_tui.steps.seed_compare import ComparisonSeen


class SeedTestScreen(SeedTable):
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
    columns: ClassVar[Sequence[Column]] = COLUMNS
    lead = 1
    room = 5

    def nothing(self) -> Empty:
        """Before the first run."""
        return Empty(
            "Nothing is proved yet.",
            [
                ("Space", "run the model with one seed, with others, and after a restart"),
                ("a", "see the cases first, change them, add your own"),
            ],
            "Miners are compared byte by byte: the seed alone must decide the output.",
        )

    def body(self) -> Iterable[Widget]:
        """Also where the cases are kept."""
        self.setup_keys()
        self.setup_table()
        self.looked: list[ComparisonSeen] = []
        self.diagnosis: list[Problem] = []
        yield from super().body()

    def finding(self) -> Iterable[Widget]:
        """The case, its output, and at 120 what was sent and what it all means."""
        yield from super().finding()
        self.output_rule, self.output = Rule("Output"), FactBlock(3)
        self.more = SideBySide("Diagnosis", "Request")
        yield self.output_rule
        yield self.output
        yield self.more

    def recall(self) -> None:
        """The cases of the last run; their diagnosis follows from them."""
        from arbius_tui.steps.seed_case import read

        record = self.saved_record()
        for server in record.get("endpoints") or ():
            if isinstance(server, Mapping):
                self.know(server)
        rows = record.get("cases")
        for number, row in enumerate(rows if isinstance(rows, list | tuple) else (), 1):
            if isinstance(row, Mapping):
                self.take(read(row, number))
        self.diagnosis = diagnosed(self.cases.values())
        self.to_first_trouble()

    def on_started(self, event: Started) -> None:
        """All anew."""
        self.looked = []
        super().on_started(event)

    def on_found(self, event: Found) -> None:
        """A case, a server, or a comparison of two runs."""
        from arbius_tui.steps.seed_case import CaseSeen, EndpointSeen
        from arbius_tui.steps.seed_compare import ComparisonSeen

        match event.item:
            case ComparisonSeen() as found:
                self.looked.append(found)
            case EndpointSeen() as server:
                if (server.id, server.state) == ("1", "wait"):
                    self.forget_servers()
                self.know(asdict(server))
            case CaseSeen() as case:
                self.on_case(case)

    def on_case(self, case: CaseSeen) -> None:
        """A case; the cursor goes with the running one until the author moves it, and stays where trouble is."""
        if case.status == "wait" and case.number == 1 and case.endpoint == "1":
            self.anew()
        if case.status == "run":
            self.case_began = self.session.clock()
        self.take(case)
        if case.status not in ("wait", "run"):
            self.diagnosis = diagnosed(self.cases.values())
        if case.status == "run" and self.following:
            self.led = case.id
            self.table.go(case.id)
        self.refresh_status()

    def anew(self) -> None:
        """The cases of this test, and no others."""
        self.cases.clear()
        self.diagnosis, self.led = [], ""
        self.table.set_rows([])

    @property
    def following(self) -> bool:
        """Whether the cursor still stands where the run put it, on a case that is well."""
        here = self.table.row
        well = all(case.wanted for case in self.cases.values() if case.id == self.led)
        return not self.led or (here is not None and here.id == self.led and well)

    def on_trouble(self, event: Trouble) -> None:
        """A diagnosis belongs to the cases and stands in their finding; all else is a panel."""
        from arbius_tui.domain.causes import CAUSES

        if event.problem.code not in CAUSES:
            super().on_trouble(event)
            return
        super(TableScreen, self).on_trouble(event)
        self.show_problem(None)
        if event.problem.code not in {problem.code for problem in self.diagnosis}:
            self.diagnosis.append(event.problem)

    def on_done(self, event: Done) -> None:
        """The cursor to the first case that is not as it must be; two runs that were compared on a page."""
        super().on_done(event)
        if self.looked:
            self.app.push_screen(comparison_page(self.looked, self.app.size.width))
        elif not event.ok and not self.problems:
            self.to_first_trouble()
        elif self.table.row:
            self.explain(self.table.row.id)

    def end(self) -> None:
        """A case that was cut off did not run."""
        for case in [c for c in self.cases.values() if c.status == "run"]:
            if self.is_attached:
                self.take(replace(case, status="wait"))
        super().end()

    def present(self, id: str) -> None:
        """The case under the cursor."""
        if (case := self.here) is None:
            return
        cause = cause_of(case, self.diagnosis)
        verdict = verdict_of(case)
        took = seconds(case.seconds) if case.seconds else ""
        where = f"  on server {case.endpoint}" if len(self.servers) > 1 else ""
        self.pane.show(
            f"case {case.number}  {case.title}{where}",
            verdict,
            case.why if cause and not case.near else took,
            [*reasons(case, cause), *([Fact("server", self.about[case.endpoint])] if where else [])],
        )
        self.output_rule.show("Output", "", f"case {case.number}")
        self.output.show(output_facts(case))
        self.more.rules[1].show("Request", "", "POST /predictions")
        room = max(20, (self.size.width - 27) // 2 - 4)
        self.more.show(diagnosis_lines(self.diagnosis, room, self.finished), request_lines(case))

    def refresh_status(self) -> None:
        """The running row ticks with the clock."""
        super().refresh_status()
        running = next((c for c in self.cases.values() if c.status == "run"), None) if self.running else None
        if running and len(self.servers) < 2:
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
        from arbius_tui.domain.case_edits import flags as case_flags
        from arbius_tui.domain.case_edits import recalled

        urls = list(self.servers.values()) or [texts(self.saved_record("run"), "url")[0] or "URL"]
        own = case_flags(recalled(self.saved_record("seed_cases")))
        return self.shell("seed-test", *flags(urls, texts(self.saved_record("run"), "image")[0]), *own)

    def copy_text(self) -> str:
        """The full hashes of the run that is looked at."""
        return "\n".join(output.sha256 for output in self.here.outputs) if self.here else ""


def flags(servers: Sequence[str], image: str) -> list[str]:
    """These servers as flags of the command line; on a Docker Engine the image is started."""
    from arbius_tui.domain.places import place

    with suppress(Failure):
        kinds = [place(text).kind for text in servers]
        named = ["--image", image] if image and "docker" in kinds else []
        return [word for kind, text in zip(kinds, servers, strict=True) for word in (FLAG[kind], text)] + named
    return [word for text in servers for word in ("--endpoint", text)]


FLAG = {"docker": "--docker", "cog": "--endpoint", "replicate": "--endpoint"}


def comparison_page(found: Sequence[ComparisonSeen], width: int) -> ReadingPage:
    """Two runs side by side as a page."""
    rows = [Content("")]
    for one in found:
        rows += [line((one.filename, "bold"), "  ", one.verdict), Content("")]
        rows += [line(text) for text in one.lines if text != one.verdict] + [Content("")]
    return ReadingPage("Two runs", f"{found[0].one} and {found[0].other}"[: width // 2], rows)
