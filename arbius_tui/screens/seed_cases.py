"""The cases of the seed test before they run: what each asks and wants, changed by keys and a form; over the test."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual.content import Content
from textual.widget import Widget

from arbius_tui.domain.events import Done, Found, Started
from arbius_tui.screens.case_keys import CaseKeys
from arbius_tui.screens.cases import plain, request_lines
from arbius_tui.screens.findings import SideBySide, place
from arbius_tui.widgets.panes import Empty, Fact, why
from arbius_tui.widgets.text import KEY, Column, Row, line, words

if TYPE_CHECKING:
    from arbius_tui.steps.seed_case import CaseSeen


class CasesScreen(CaseKeys):
    """All cases in their order, and the one under the cursor explained or in a form."""

    DEFAULT_CSS = """
    CasesScreen {
        #form-rule, InputForm { display: none; }
        &.-editing { #form-rule, InputForm { display: block; } Table, Empty, #finding { display: none; } }
        &.-editing.-asking Dock Table { display: block; }
        &.-wide { #main > Table { max-height: 52%; } .more { height: 10; } }
    }
    """
    why = (
        "These are the predictions that the seed test runs, in their order. The standard ones come from what miners do "
        "and from the model's own inputs; yours come after them, and those that you tried and kept on the Run step.\n"
        "Every change is saved at once and holds for every later test of this project. u takes the last one back. "
        "With pairs every two choices or bounds of two inputs meet in some case: what breaks only together is found."
    )
    columns: ClassVar[Sequence[Column]] = (
        Column("#", 2, 2, right=True),
        Column("Case", 26, 30),
        Column("Seed", 16, 16, right=True),
        Column("Asks and wants", 0, 0),
    )
    lead = 1
    room = 4

    def nothing(self) -> Empty:
        """Until the model has said what it takes."""
        return Empty(
            "The cases follow from what the model takes.",
            [("F5", "ask the model again what it takes"), ("Esc", "back to the test")],
            "Each bound and each choice of its inputs is tried once.",
        )

    def body(self) -> Iterable[Widget]:
        """The form in place of the table while a case is changed."""
        yield from super().body()
        yield self.form_rule
        yield self.form

    def finding(self) -> Iterable[Widget]:
        """The case under the cursor, and at 120 what it sends."""
        yield from super().finding()
        self.more = SideBySide("All cases send", "This one sends")
        yield self.more

    def on_mount(self) -> None:
        """Ask the model what it takes."""
        self.action_run()

    def on_started(self, event: Started) -> None:
        """The list comes anew, whole."""
        super().on_started(event)
        self.coming_cases: list[CaseSeen] = []

    def on_found(self, event: Found) -> None:
        """The list as a whole, then each case."""
        from arbius_tui.steps.seed_case import CaseSeen
        from arbius_tui.steps.seed_edit import CasesSeen

        if isinstance(event.item, CasesSeen):
            self.seen = event.item
        elif isinstance(event.item, CaseSeen):
            self.coming_cases.append(event.item)

    def on_done(self, event: Done) -> None:
        """Show what there is now."""
        if event.ok:
            self.cases = {case.id: case for case in self.coming_cases}
            self.own = frozenset(case.id for case in self.edits.cases)
            self.table.set_rows([self.row(case) for case in self.cases.values()])
            self.reveal()
            if self.goal in self.cases:
                self.table.go(self.goal)
            if self.goal in self.cases and self.opening:
                self.call_after_refresh(self.edit_case)
            self.goal, self.opening = "", False
        super().on_done(event)
        if self.table.row:
            self.explain(self.table.row.id)

    def row(self, case: CaseSeen) -> Row:
        """A case on the grid; what the author made stands out."""
        own = case.id in self.own
        tone = "$ink" if own else "$muted"
        cells = ((str(case.number), "$muted"), (case.title, "bold $ink" if own else "$ink"), (str(case.seed), tone))
        return Row(case.id, (*cells, (asks(case), tone)), "ok")

    def present(self, id: str) -> None:
        """The case under the cursor."""
        if (case := self.cases.get(id)) is None:
            return
        made = "yours" if id in self.own else "standard"
        own = ", ".join(f"{name} {plain(value)}" for name, value in case.changes.items())
        facts = [why(case.purpose or "you added it")]
        facts += [Fact("wants", wants(case) or "an output; any bytes will do")]
        facts += [Fact("inputs", own or ("those that all cases send", "$muted"))]
        facts += [Fact("before it", before(case))] if case.before else []
        self.pane.show(f"case {case.number}  {case.title}", made, place(self.table), facts)
        shared = self.seen.shared if self.seen else {}
        rows = [line((f"{name}  {plain(value)}", "$muted")) for name, value in shared.items()]
        self.more.show(rows[:9], request_lines(case))

    def status(self) -> Content:
        """How many, and how many of them are the author's."""
        if self.has_class("-editing"):
            wrong = sum(field.state == "ERROR" for field in self.form.form.fields)
            if wrong:
                return words((f"{wrong} ERROR", "bold $error"), ("  it stays as it was until that is valid", "$muted"))
            return words(("every change is saved when you leave its field", "$muted"))
        if not self.seen or self.running:
            return super().status()
        own = sum(id in self.own for id in self.cases)
        parts: list[Any] = [f"{self.seen.count} cases"]
        parts += [(f"  {own} yours", "$muted")] if own else []
        parts += [(f"  {len(self.edits.without)} taken away", "$muted")] if self.edits.without else []
        return words(*parts)

    def aside(self) -> Content:
        """About how long it takes, and whether pairs are among them."""
        if not self.seen or self.running or self.has_class("-editing"):
            return super().aside() if self.running else Content("")
        pairs = sum(id.startswith("pair-") for id in self.cases)
        time = f"{self.seen.about}  " if self.seen.about else ""
        said = f" leaves {pairs} pairs out" if self.seen.pairwise else " adds pairs of values"
        return words((time, "$muted"), ("p", KEY), (said, "$muted"))

    def command(self) -> str:
        """The same without a screen."""
        return self.shell("seed-test", *(self.seen.flags if self.seen else ()), "--dry-run")

    def copy_text(self) -> str:
        """The case under the cursor as a flag."""
        from arbius_tui.screens.case_form import plain_row, text_of

        case = self.cases.get(self.table.row.id) if self.table.row else None
        return shlex.join(["--case", text_of(plain_row(case))]) if case else ""


def asks(case: CaseSeen) -> str:
    """What a case asks and wants, in a few words."""
    own = ", ".join(f"{name} {plain(value)}" for name, value in case.changes.items())
    return "; ".join(part for part in (before(case), own, wants(case)) if part) or "an output"


def wants(case: CaseSeen) -> str:
    """What its output must be like."""
    return {"same": f"bytes of {case.against}", "differs": f"other bytes than {case.against}"}.get(case.expect, "")


def before(case: CaseSeen) -> str:
    """What happens before it."""
    return {"pause": "a second later", "restart": "after a restart"}.get(case.before, "")
