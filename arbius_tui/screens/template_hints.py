"""What the template editor is at the moment, and which keys its footer offers for that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from arbius_tui.domain.errors import Problem
from arbius_tui.screens.part_fields import Judged
from arbius_tui.screens.part_form import PartForm
from arbius_tui.screens.tabled import TableScreen
from arbius_tui.widgets.json_view import JsonView

if TYPE_CHECKING:
    # With the first template; they load pydantic.
    from arbius_tui.domain.editing import Editing
    from arbius_tui.steps.template_edit import BrokenFile


class TemplateHints(TableScreen):
    """A template that is edited, a file that cannot be read, one that another program changed, or none yet."""

    editing: Editing | None = None
    judged = Judged()
    needle = ""
    broken: BrokenFile | None = None
    form: PartForm
    view: JsonView

    @property
    def here(self) -> str:
        """The id of the row under the cursor of the outline."""
        return self.table.row.id if self.table.row else ""

    @property
    def is_broken(self) -> bool:
        """Whether the file is shown as text, because it is no template."""
        return self.editing is None and self.has_class("-broken")

    @property
    def outdated(self) -> bool:
        """Whether another program changed the file, and it is not read again yet."""
        problem = self.panel.problem if self.has_class("-problem") else None
        return problem is not None and problem.code == "changed-outside"

    def fixable(self) -> Problem | None:
        """The problem that F8 mends: of the field, of the row, or the first of all."""

        def first(problems: Sequence[Problem]) -> Problem | None:
            return next((problem for problem in problems if problem.fix and problem.fix.patch), None)

        at = self.form.at if self.form.has_focus_within else ""
        return first(self.judged.at(at)) or first(self.judged.of_part(self.here)) or first(self.judged.problems)

    def wanted(self) -> list[str]:
        """The keys of row 1: of a file that must be read again first, else by where the focus is."""
        if self.is_broken:
            before = ["F8 version from before"] if self.broken and self.broken.before else []
            return [*before, "template.edit", "F5 read again"]
        if self.running or self.editing is None:
            return ["frame.cancel"] if self.running else ["Enter choose"]
        fix = ["template.fix"] if self.fixable() else []
        if self.outdated:
            return ["F5 read again", *self.wanted_here([])]
        return self.wanted_here(fix)

    def wanted_here(self, fix: list[str]) -> list[str]:
        """The keys of what has the focus."""
        if self.view.has_focus:
            return [*fix, "template.file", "template.base", "template.undo", "template.redo", "template.edit"]
        if self.form.has_focus_within:
            choice = ["template.remove", "S-Up move"] if "/choices/" in self.form.at else []
            return [*fix, "Enter next", *choice, "template.undo", "template.redo", "template.file", "template.edit"]
        if self.here.startswith("left/"):
            return ["template.include", *fix, "template.file", "template.undo", "template.redo", "template.edit"]
        own = ["template.open", "template.add", "template.duplicate", "template.remove", "K/J move", "template.file"]
        return [*fix, *own, "template.include", "template.undo", "template.redo", "template.edit", "template.filter"]

    def fills(self) -> bool:
        """While typing is next the field is the fill."""
        return super().fills() and not self.form.has_focus_within
