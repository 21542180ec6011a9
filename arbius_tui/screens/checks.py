"""Checks: what this machine has, which steps need it, and the command that mends what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import work as worker
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from arbius_tui.screens.base import StepScreen
from arbius_tui.screens.check_rows import COLUMNS, CheckList, facts, open_now, output, row, runs, unlocks
from arbius_tui.screens.findings import Finding, SideBySide, as_json, copy_out, place
from arbius_tui.screens.session import Session
from arbius_tui.steps.base import Step
from arbius_tui.widgets.pane import Cancelled
from arbius_tui.widgets.panes import Fact
from arbius_tui.widgets.table import Table
from arbius_tui.widgets.text import counts, words

if TYPE_CHECKING:
    from arbius_tui.domain.events import Done, Found, Trouble
    from arbius_tui.steps.checks import Check


WHY = (
    "Making an image of your model, proving its seed and registering it each need a few programs and services. "
    "This table says what is here, in which version, and which step needs it. A row that waits for another runs by "
    "itself once that one is ok.\n"
    "A FAIL holds up only the steps in its last column; all other steps can be done now. A warn holds up nothing."
)


class ChecksScreen(StepScreen):
    """A table that fills while the checks run, and the finding of the row under its cursor."""

    step = "checks"
    auto_run = True
    CSS = "ChecksScreen.-wide #main > Table { max-height: 66%; }"
    why = WHY
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "fix", "fix", id="checks.fix", tooltip="run the command that mends this row; it asks first"),
        Binding("r", "recheck", "recheck", id="checks.recheck", tooltip="look at this row again"),
        Binding("f", "problems", "problems", id="checks.problems", tooltip="show only the rows that need you, or all"),
        Binding("slash", "filter", "filter", id="checks.filter", tooltip="show only rows with a text"),
        Binding("j", "json", "JSON", id="checks.json", tooltip="copy all rows as JSON"),
        Binding("g", "guide", "guide", id="checks.guide", tooltip="where the published guide no longer works"),
        Binding("f5", "run", "all", id="frame.run", tooltip="check everything again"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.list = CheckList(session.journey)
        self.filling, self.fresh, self.here = False, True, ""
        self.next_step: Step | None = None
        self.table = Table(COLUMNS, self.list.rows())
        self.pane, self.more = Finding(room=4), SideBySide("Full output", "What it unlocks")

    def body(self) -> Iterable[Widget]:
        """The table; until the first check comes it shows the words of the last time."""
        yield self.table

    def finding(self) -> Iterable[Widget]:
        """The row under the cursor."""
        yield from self.pane.parts()
        yield self.more

    def work(self) -> Step | None:
        """All checks, or what a key asked for."""
        step, self.next_step = self.next_step, None
        return step

    def on_found(self, event: Found) -> None:
        """A check as `wait`, or with its answer. New rows come in a burst and are laid out once."""
        from arbius_tui.steps.checks import Check

        if not isinstance(item := event.item, Check):
            return
        known = item.id in self.list.checks
        self.list.checks[item.id] = item
        if known and not self.list.filtered:
            self.table.update_row(row(item))
        elif not self.filling:
            self.filling = True
            self.call_later(self.fill)
        self.refresh_status()

    def fill(self) -> None:
        """All rows that are to be shown."""
        self.filling = False
        self.table.set_rows(self.list.rows())
        if self.table.row is None:
            self.pane.show(self.list.nothing, "", "", [Fact("rows", "f and / choose which are shown", "Esc all rows")])
            self.more.show([], [])
        self.refresh_status()
        self.refresh_keys()

    def on_trouble(self, event: Trouble) -> None:
        """A failed check is its row; only other troubles, e.g. of a fix that failed, become the panel."""
        before = self.panel.problem if self.has_class("-problem") else None
        super().on_trouble(event)
        if event.problem.code.startswith("check-"):
            self.show_problem(before)

    def on_done(self, event: Done) -> None:
        """After the first run the cursor goes to what needs the author most, unless the author has moved it."""
        first, self.fresh = self.fresh, False
        if first and (worst := self.list.worst()) and self.table.cursor == self.table.rows.near(-1, 1):
            self.table.go(worst)
        super().on_done(event)

    @property
    def check(self) -> Check | None:
        """The check under the cursor."""
        return self.list.checks.get(self.table.row.id) if self.table.row else None

    @property
    def fix_command(self) -> str:
        """The command that mends it, empty if there is none."""
        check = self.check
        return (check.fix.command or "") if check and check.fix else ""

    def on_table_row_highlighted(self, event: Table.RowHighlighted) -> None:
        """The finding follows the cursor; the panel of a fix that failed goes when the author looks elsewhere."""
        if event.row.id != self.here and not self.running:
            self.show_problem(None)
        self.here = event.row.id
        if check := self.list.checks.get(event.row.id):
            self.pane.show(check.title or check.id, check.state, place(self.table), facts(check))
            self.more.show(output(check), unlocks(check, self.session.journey))
        self.refresh_keys()

    def wanted(self) -> list[str]:
        """Next is to run the command that mends the row, or to copy it for a terminal; else the next step."""
        command = self.fix_command
        first = "frame.next" if not command else "checks.fix" if runs(command) else "frame.copy"
        own = [first, "checks.recheck", "checks.problems", "checks.filter", "checks.guide", "frame.run", "checks.json"]
        return ["frame.cancel", *own] if self.running else own

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """`Enter fix` is a key only where there is a command."""
        if action == "fix":
            return bool(self.fix_command)
        return super().check_action(action, parameters)

    @worker(group="fix", exclusive=True, exit_on_error=False)
    async def action_fix(self) -> None:
        """Run the command after asking, or copy it where only the author can run it."""
        from arbius_tui.steps.fix import Mend

        command, check = self.fix_command, self.check
        if self.running or not (check and check.fix):
            self.say("the checks still run; x cancels them")
        elif runs(command):
            self.next_step = Mend(command, changes=check.fix.text)
            self.action_run()
        else:
            await copy_out(self, command, then="run it, then r")

    def action_recheck(self) -> None:
        """This row once more."""
        from arbius_tui.steps.checks import Checks

        if self.table.row and not self.running:
            self.next_step = Checks(self.table.row.id)
            self.action_run()

    def action_guide(self) -> None:
        """Where the published guide no longer works, on a page of its own."""
        from arbius_tui.screens.guide import GuidePage
        from arbius_tui.steps.guide import drift

        self.app.push_screen(GuidePage(drift()))

    def action_problems(self) -> None:
        """Only rows that need the author, or all."""
        self.list.only_problems = not self.list.only_problems
        self.fill()

    @worker(group="pane", exclusive=True, exit_on_error=False)
    async def action_filter(self) -> None:
        """Ask for a text that the rows must have."""
        from arbius_tui.domain.questions import Question

        question = Question("filter", "Show only rows with this text", "an empty answer shows all", self.list.needle)
        try:
            self.list.needle = (await self.ask(question)).strip()
        except Cancelled:
            return
        self.fill()

    async def action_back(self) -> None:
        """Esc shows all rows again before it goes anywhere."""
        if self.ask.pane is None and self.list.filtered:
            self.list.needle, self.list.only_problems = "", False
            self.fill()
            self.refresh_status()
        else:
            await super().action_back()

    @worker(group="copy", exclusive=True, exit_on_error=False)
    async def action_json(self) -> None:
        """All rows as JSON."""
        await copy_out(self, as_json(self.list.checks.values()), f"{len(self.list.checks)} checks as JSON")

    def command(self) -> str:
        """The same without a screen: the fix of the row where it has one, else all checks."""
        check = self.check
        if self.fix_command and check and runs(self.fix_command):
            return f"arbius-tui check --fix {check.id}"
        return "arbius-tui check"

    def copy_text(self) -> str:
        """The fix of the row, else what was found."""
        check = self.check
        return self.fix_command or (check.raw or check.found if check else "")

    def status(self) -> Content:
        """Counts, and which rows are shown."""
        states = self.list.states()
        found = counts(*((states.count(word), word) for word in ("ok", "warn", "FAIL", "wait", "off")))
        return words(found, (self.list.shown, "$accent"))

    def aside(self) -> Content:
        """What can be done although something failed."""
        if self.running:
            return super().aside()
        room = self.size.width - self.status().cell_length - 14
        if not (named := open_now(self.list, self.session.journey, room)):
            return words(("no step is held up", "$muted")) if self.list.checks else Content("")
        return words(("open now  ", "$muted"), named)
