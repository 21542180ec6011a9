"""Changes of cases on screen: each is kept before the next one, and the form in which a case is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from textual import on

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


class CaseForms(TableScreen):
    """Cases that can be changed. Changes wait in `pending` while one is saved; `past` is for undo."""

    step = "seed_test"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.form, self.form_rule = InputForm(empty="as all cases send it"), Rule("Case", id="form-rule", active=True)
        self.cases: dict[str, CaseSeen] = {}
        self.seen: CasesSeen | None = None
        self.pending: list[Change] = []
        self.past: list[CasesRecord] = []
        self.promised: set[str] = set()
        self.own: frozenset[str] = frozenset()
        """The ids of the cases that the author made or changed."""
        self.back_to: CasesRecord | None = None
        self.editing, self.goal, self.opening = "", "", False
        self.before: dict[str, str] = {}

    @property
    def edits(self) -> Edits:
        """What the author changed so far."""
        from arbius_tui.domain.case_edits import recalled

        return recalled(self.saved_record("seed_cases"))

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
        stated = "made up: the model has no default; say what a task would ask"
        fields = [case_form.optional(item) for item in self.seen.inputs if item.name != "seed"]
        self.form.notes = dict.fromkeys(self.seen.stated, stated)
        self.form.empty = "as the model has it"
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
