"""The keys of the cases: add, change, duplicate, take away, undo, samples of all cases, pairs. Each change is kept."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType

from arbius_tui.screens import case_form
from arbius_tui.screens.case_changes import CaseForms
from arbius_tui.widgets.fields import Form


class CaseKeys(CaseForms):
    """What the author can do with cases."""

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
