"""The keys of the cases: add, change, duplicate, take away, undo, samples of all cases, pairs. Each change is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType

from arbius_tui.domain.events import Trouble
from arbius_tui.screens import case_form
from arbius_tui.screens.input_form import InputForm
from arbius_tui.screens.session import Session
from arbius_tui.screens.tabled import TableScreen
from arbius_tui.widgets.fields import Form
from arbius_tui.widgets.frame import Rule

if TYPE_CHECKING:
    from arbius_tui.domain.case_edits import Edits
    from arbius_tui.domain.inputs import ModelInput
    from arbius_tui.domain.records import CasesRecord
    from arbius_tui.steps.base import Step
    from arbius_tui.steps.seed_case import CaseSeen
    from arbius_tui.steps.seed_edit import CasesSeen
    from arbius_tui.steps.seed_plan import Change

ALL = "*"
"""In place of the id of a case: what all cases send."""


class CaseKeys(TableScreen):
    """What the author can do with cases. Changes wait in `pending` while one is saved; `past` is for undo."""

    step = "seed_test"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "edit", "change", id="cases.edit", tooltip="change this case in a form"),
        Binding("n", "add", "add", id="cases.add", tooltip="add a case after all others"),
        Binding("D", "copy_case", "duplic.", id="cases.copy", tooltip="a case of yours with the same inputs and seed"),
        Binding("delete", "remove", "remove", id="cases.remove", tooltip="take this case away; u brings it back"),
        Binding("i", "samples", "inputs", id="cases.samples", tooltip="what all cases send: the samples of the inputs"),
        Binding("p", "pairs", "pairs", id="cases.pairs", tooltip="every two choices or bounds together, or not"),
        Binding("u,ctrl+z", "undo", "undo", id="cases.undo", tooltip="take the last change back"),
        Binding("space", "test", "run", id="cases.test", tooltip="back to the test, and run all cases"),
        Binding("f5", "run", "ask", id="frame.run", tooltip="ask the model again what it takes"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.form, self.form_rule = InputForm(empty="as all cases send it"), Rule("Case", id="form-rule", active=True)
        self.cases: dict[str, CaseSeen] = {}
        self.seen: CasesSeen | None = None
        self.pending: list[Change] = []
        self.past: list[CasesRecord] = []
        self.promised: set[str] = set()
        self.back_to: CasesRecord | None = None
        self.editing, self.goal, self.opening = "", "", False
        self.before: dict[str, str] = {}

    @property
    def edits(self) -> Edits:
        """What the author changed so far."""
        from arbius_tui.domain.case_edits import recalled

        return recalled(self.saved_record("seed_cases"))

    def is_own(self, id: str) -> bool:
        """Whether the author made or changed this case."""
        return any(case.id == id for case in self.edits.cases)

    @property
    def here(self) -> CaseSeen | None:
        """The case under the cursor, or in the form."""
        id = self.editing or (self.table.row.id if self.table.row else "")
        return self.cases.get(id)

    def work(self) -> Step:
        """All changes that wait, in their order."""
        from arbius_tui.steps.seed_edit import EditCases

        changes, self.pending = self.pending, []
        back, self.back_to = self.back_to, None
        return EditCases(*changes, back_to=back)

    def change(self, change: Change) -> None:
        """Keep a change, after those that wait."""
        from arbius_tui.domain.records import CasesRecord

        walk = self.session.walk
        self.past.append((walk.journey.get(CasesRecord) if walk else None) or CasesRecord())
        self.pending.append(change)
        self.flush()

    def flush(self) -> None:
        """Begin, unless one is being saved; then this comes when that is over."""
        if not self.running and (self.pending or self.back_to):
            self.job = self.run_step()

    def end(self) -> None:
        """What was changed meanwhile comes now."""
        super().end()
        if self.is_attached:
            self.call_later(self.flush)

    def on_trouble(self, event: Trouble) -> None:
        """A change that cannot be was none."""
        super().on_trouble(event)
        self.goal, self.opening = "", False
        if event.problem.severity == "error" and self.past:
            self.past.pop()

    def action_add(self) -> None:
        """A case like the first one, opened in the form."""
        from arbius_tui.steps.seed_plan import Change

        if first := next(iter(self.cases.values()), None):
            number = self.new_number()
            self.goal, self.opening = f"case-{number}", True
            row = {"id": self.goal, "title": f"my case {number}", "seed": first.seed, "inputs": {}}
            self.change(Change(cases=(case_form.text_of(row),)))

    def new_number(self) -> int:
        """The number of a case that comes; also of those that are not kept yet."""
        from arbius_tui.domain.case_edits import free_number

        number = free_number([*self.cases, *self.promised])
        self.promised.add(f"case-{number}")
        return number

    def action_copy_case(self) -> None:
        """The same inputs and seed once more, after all others."""
        from arbius_tui.steps.seed_plan import Change

        if case := self.here:
            self.goal = f"case-{self.new_number()}"
            row = case_form.plain_row(case) | {"id": self.goal, "title": f"copy of {case.title}", "why": ""}
            row |= {"expect": "runs"} if case.expect == "base" else {}
            self.change(Change(cases=(case_form.text_of(row),)))

    def action_remove(self) -> None:
        """Take it away; whoever is compared with it must go first."""
        from arbius_tui.steps.seed_plan import Change

        if case := self.here:
            ids = list(self.cases)
            at = ids.index(case.id)
            self.goal = (ids[at + 1 :] or ids[:at] or [""])[0] if at + 1 < len(ids) else ids[at - 1]
            self.change(Change(without=(case.id,)))

    def action_pairs(self) -> None:
        """With pairs, or without."""
        from arbius_tui.steps.seed_plan import Change

        self.change(Change(pairwise=not (self.seen and self.seen.pairwise)))

    def action_undo(self) -> None:
        """As it was before the last change."""
        if self.running or not self.past:
            self.say("nothing to take back" if not self.past else "one moment")
            return
        self.back_to = self.past.pop()
        self.flush()

    def action_edit(self) -> None:
        """The case under the cursor in the form."""
        self.edit_case()

    def edit_case(self) -> None:
        """Open the form on the case under the cursor."""
        case = self.here
        if case is None or self.seen is None:
            return
        ids = list(self.cases)
        earlier = ids[: ids.index(case.id)]
        fields = case_form.fields_of(case, earlier, self.seen.inputs)
        self.form.notes, self.form.empty = dict(case_form.NOTES), "as all cases send it"
        self.open_form(case.id, f"case {case.number}  {case.title}", fields, case_form.texts_of(case, earlier))

    def action_samples(self) -> None:
        """What all cases send, in the form."""
        if self.seen is None:
            return
        stated = "made up, because the model has no default for it; write what a task would ask"
        fields = [case_form.optional(item) for item in self.seen.inputs if item.name != "seed"]
        self.form.notes = dict.fromkeys(self.seen.stated, stated)
        self.form.empty = "the model's own default, or our sample"
        self.open_form(ALL, "What all cases send", fields, case_form.shared_texts(self.seen.shared))

    def open_form(self, id: str, title: str, fields: Sequence[ModelInput], texts: Mapping[str, str]) -> None:
        """The form in place of the table, with the cursor on its first field."""
        self.editing = id
        self.form.form.at = 0
        self.form.form.set_fields([])
        self.form.show(fields, texts)
        self.before = self.form.texts
        self.form_rule.show(title, "", "saved as you go")
        self.set_class(True, "-editing")
        self.show_problem(None)
        self.call_after_refresh(self.form.form.focus)
        self.call_after_refresh(self.refresh_keys)
        self.refresh_status()

    def keep(self) -> None:
        """Keep what the form says where it differs from what was kept last; what is not valid waits."""
        from arbius_tui.steps.seed_plan import Change

        texts, wrong = self.form.texts, self.form.wrong
        valid = {name: self.before.get(name, "") if name in wrong else text for name, text in texts.items()}
        if not self.editing or valid == self.before:
            return
        if self.editing == ALL:
            pairs = tuple(f"{name}={text}" for name, text in valid.items() if text != self.before.get(name))
            self.change(Change(samples=pairs))
        elif (case := self.cases.get(self.editing)) and self.seen:
            self.goal = case.id
            row = case_form.row_of(case, valid, self.seen.inputs, self.seen.shared)
            self.change(Change(cases=(case_form.text_of(row),)))
        self.before = valid

    @on(Form.Moved)
    def _moved(self) -> None:
        self.keep()

    @on(InputForm.Judged)
    def _judged(self) -> None:
        self.refresh_status()

    @on(InputForm.Paused)
    def _paused(self) -> None:
        self.keep()

    @on(Form.Submitted)
    async def _submitted(self) -> None:
        await self.action_back()

    async def action_back(self) -> None:
        """From the form to the cases, from those to the test; what is valid is kept."""
        if self.ask.pane:
            self.ask.pane.escape()
        elif self.editing:
            wrong = ", ".join(self.form.wrong)
            self.keep()
            self.editing = ""
            self.set_class(False, "-editing")
            self.call_after_refresh(self.table.focus)
            self.call_after_refresh(self.refresh_keys)
            self.refresh_status()
            if wrong:
                self.say(f"{wrong}: not valid, left as before; Enter opens the case again", "$error")
        else:
            self.dismiss()

    async def action_test(self) -> None:
        """Back to the test, and run it."""
        if not self.running:
            self.dismiss()
            self.app.call_later(self.app.run_action, "screen.run_or_hold")

    def wanted(self) -> list[str]:
        """Changing is next; in the form typing."""
        if self.editing:
            return ["Enter next", "Space choose", "Esc back"]
        own = ("edit", "add", "copy", "remove", "samples", "test", "pairs", "undo")
        return [f"cases.{key}" for key in own] if self.cases else ["frame.run"]

    def fills(self) -> bool:
        """While typing is next, the field is the fill."""
        return not self.editing

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys of the list, where there is one and no form over it."""
        listed = bool(self.cases) and not self.editing
        if action in ("edit", "add", "copy_case", "remove", "samples", "pairs", "test"):
            return listed
        if action == "undo":
            return listed and bool(self.past)
        if action == "run":
            return not self.editing
        return super().check_action(action, parameters)
