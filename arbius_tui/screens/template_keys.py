"""The keys of the template editor: what each does to the template, and where the cursor is then."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from arbius_tui.domain.errors import BadInput
from arbius_tui.screens.template_hints import TemplateHints

if TYPE_CHECKING:
    # With the first template; they load pydantic.
    from arbius_tui.domain.editing import Editing


class TemplateKeys(TemplateHints):
    """Letters act on the row under the cursor of the outline; the other keys act wherever the focus is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "edit", id="template.open", tooltip="to the fields of this row"),
        Binding("f8", "fix", "fix", id="template.fix", tooltip="apply the fix of the problem here, else of the next"),
        Binding("n,ctrl+n", "add", "add", id="template.add", tooltip="a new row below; in choices a new choice"),
        Binding("D", "duplicate", "double", id="template.duplicate", tooltip="this row once more"),
        Binding("delete,f7", "remove", "remove", id="template.remove", tooltip="take this row or choice out"),
        Binding("K,shift+up", "shift(-1)", "up", id="template.up", tooltip="this row or choice one place up"),
        Binding("J,shift+down", "shift(1)", "down", id="template.down", tooltip="this row or choice one place down"),
        Binding("ctrl+z", "undo", "undo", id="template.undo", priority=True, tooltip="undo, step by step, all of it"),
        Binding("ctrl+r", "redo", "redo", id="template.redo", priority=True, tooltip="do again what was undone"),
        Binding("f6", "file", "file", id="template.file", tooltip="to the file as it will be registered, and back"),
        Binding("d", "base", "compare", id="template.base", tooltip="compare the file with another version"),
        Binding("i", "include", "import", id="template.include", tooltip="take in what the model or a template has"),
        Binding("slash", "filter", "filter", id="template.filter", tooltip="only rows with a text"),
        Binding("ctrl+e", "edit", "$EDITOR", id="template.edit", priority=True, tooltip="open it in your own editor"),
    ]
    LETTERS: ClassVar[frozenset[str]] = frozenset({"include", "filter", "duplicate"})
    """Actions of letters alone: they need a list that has the focus."""

    def take(self, editing: Editing, at: str = "") -> None:
        """Hook: the template is this one now; `at` is the row of the outline to stand on."""

    def action_include(self) -> None:
        """Hook: take in what another source has and the template lacks."""

    def restore(self) -> object:
        """Hook: the version from before in place of a file that cannot be read."""

    # --- where the keys are

    @property
    def place(self) -> str:
        """The pointer of what is added to, taken out or moved: a choice with the cursor, else the row."""
        if self.form.has_focus_within and "/choices/" in self.form.at:
            return self.form.at
        return f"/{self.here}"

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Letters are keys of the lists; everything needs a template."""
        if action == "edit":
            return self.ask.pane is None and not self.running
        if action == "fix" and self.is_broken:
            return self.ask.pane is None
        if action in ("add", "remove", "shift", "undo", "redo", "file", "fix", *self.LETTERS):
            listed = self.table.has_focus or (self.view.has_focus and action != "duplicate")
            return self.editing is not None and self.ask.pane is None and (action not in self.LETTERS or listed)
        if action == "base":
            return self.editing is not None and (self.table.has_focus or self.view.has_focus)
        return super().check_action(action, parameters)

    # --- what they do

    def do(self, edit: Callable[[Editing], Editing], at: str = "") -> None:
        """An edit, and the cursor to where it shows; what cannot be done is said."""
        if self.editing is None:
            return
        self.form.rest()
        try:
            self.take(edit(self.editing), at)
        except BadInput as refused:
            self.say(refused.problem.what)

    def action_open(self) -> None:
        """To the fields; without a template the step itself."""
        if self.editing is None:
            self.action_run()
        elif self.form.form.fields:
            self.form.form.focus()

    def action_add(self) -> None:
        """A row below the one with the cursor, ready to be named."""
        from arbius_tui.domain import template_edits as edits

        if "/choices/" in self.place:
            self.form.form.go(self.place.rpartition("/")[0] + "/-")
            return
        group, _, number = self.here.partition("/")
        if group == "left":
            self.action_include()
            return
        group = group if group in edits.GROUPS else "input"
        known = len(edits.rows(self.editing, group)) if self.editing else 0
        place = int(number) + 1 if number.isdigit() else known
        self.do(lambda editing: edits.added(editing, group, place), f"{group}/{place}")

    def action_duplicate(self) -> None:
        """The row once more, below."""
        from arbius_tui.domain import template_edits as edits

        group, _, number = self.here.partition("/")
        self.do(lambda editing: edits.duplicated(editing, f"/{self.here}"),
                f"{group}/{int(number) + 1}" if number.isdigit() else "")  # fmt: skip

    def action_remove(self) -> None:
        """Without the row or choice; undo brings it back."""
        from arbius_tui.domain import template_edits as edits

        path = self.place
        self.do(lambda editing: edits.deleted(editing, path), self.here)

    def action_shift(self, by: int) -> None:
        """The row or choice one place up or down, with the cursor."""
        from arbius_tui.domain import template_edits as edits

        path = self.place
        parent, _, last = path.rpartition("/")
        goal = f"{parent}/{max(0, int(last) + by)}" if last.isdigit() else path
        before = self.editing
        self.do(lambda editing: edits.moved(editing, path, by), goal[1:] if "/choices/" not in path else self.here)
        if "/choices/" in path and self.editing is not before:
            self.form.form.go(goal)

    def action_undo(self) -> None:
        """The last step undone, and where it was."""
        if self.editing and self.editing.past:
            name = self.editing.past[-1].name
            self.do(lambda editing: editing.undo(), "?")
            self.say(f"undone: {name}")
        else:
            self.say("there is nothing to undo")

    def action_redo(self) -> None:
        """The next step done again."""
        if self.editing and self.editing.future:
            name = self.editing.future[0].name
            self.do(lambda editing: editing.redo(), "?")
            self.say(f"done again: {name}")
        else:
            self.say("there is nothing to do again")

    def action_fix(self) -> None:
        """Apply the fix of the problem here, else of the first that has one; of a broken file, what was before."""
        if self.is_broken:
            self.restore()
            return
        from arbius_tui.domain import template_edits as edits
        from arbius_tui.screens.part_fields import part_id

        problem = self.fixable()
        if problem is None or problem.fix is None:
            self.say("no problem here is mended by a key")
            return
        self.do(lambda editing: edits.fixed(editing, problem), part_id(problem.path))
        self.say(f"done: {problem.fix.text}; ^Z undoes it")

    def action_file(self) -> None:
        """To the file, and back to the outline."""
        away = self.view.has_focus
        self.set_class(not away, "-file")
        if self.editing:
            self.take(self.editing)
        self.set_focus(self.table if away else self.view)

    async def action_back(self) -> None:
        """From the fields and the file back to the outline; from there a step back."""
        if self.ask.pane is None and self.editing and (self.form.has_focus_within or self.view.has_focus):
            self.set_class(False, "-file")
            self.set_focus(self.table)
        elif self.ask.pane is None and self.needle and self.editing:
            self.needle = ""
            self.take(self.editing)
        else:
            await super().action_back()
