"""Template on screen: the outline, the fields of one part with what is wrong with it, and the file as it is read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from arbius_tui.screens.outline_rows import OutlineRows, changed, number_of, outline_columns
from arbius_tui.screens.part_fields import RANKS, fields, specs_of
from arbius_tui.screens.part_form import PartForm
from arbius_tui.screens.parts import file_facts, place_of
from arbius_tui.screens.session import Session
from arbius_tui.screens.tabled import texts
from arbius_tui.screens.template_file import FilePane
from arbius_tui.screens.template_foot import TemplateFoot
from arbius_tui.screens.template_pane import Below
from arbius_tui.widgets.edits import LastEdits
from arbius_tui.widgets.frame import Rule
from arbius_tui.widgets.outline import Outline
from arbius_tui.widgets.panes import Empty, Fact
from arbius_tui.widgets.text import GUTTER, LABEL, Column

if TYPE_CHECKING:
    # With its first template; they load pydantic.
    from arbius_tui.domain.editing import Editing
    from arbius_tui.domain.inputs import ModelInput


WHY = (
    "The template is the JSON that tells miners and the website what your model takes and gives: the inputs with "
    "their types, bounds and defaults, the output files, and where source and image are.\n"
    "Its exact bytes are hashed when it is registered, and nothing in it can be changed afterwards. So it is "
    "checked against everything that will read it: the engine's limit of 65,536 bytes, the miners and the "
    "website's form. It is drafted from the running model; nothing in it is made up without saying so. "
    "`seed` must not be in it, because miners set the seed themselves.\n"
    "Every change is saved at once, and every change can be undone, also tomorrow. Errors block only Pin and "
    "Register: you can leave a field, this step and the program at any time."
)


class TemplateScreen(TemplateFoot):
    """The JSON that is registered, part by part."""

    DEFAULT_CSS = """
    TemplateScreen {
        #side { width: 27; & Outline { height: 1fr; } }
        #part { width: 1fr; height: 1fr; overflow: hidden; }
        FilePane { width: 1fr; height: 1fr; overflow: hidden; border-left: solid $line; }
        &.-wide #part { width: 56%; }
        &.-narrow FilePane, &.-short FilePane { display: none; border-left: none; }
        &.-narrow.-file #part, &.-short.-file #part { display: none; }
        &.-narrow.-file FilePane, &.-short.-file FilePane { display: block; }
        &.-empty Horizontal#columns { display: none; }
        &.-narrow.-empty #side { display: none; }
        &.-short LastEdits, &.-empty LastEdits { display: none; }
        &.-broken #part { display: none; }
        &.-broken FilePane { display: block; border-left: none; }
    }
    """
    step = "template"
    why = WHY
    has_side = True
    AUTO_FOCUS = "Outline"
    columns: ClassVar[Sequence[Column]] = outline_columns(1)
    lead = 1
    room = 0

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.table = Outline(self.columns, lead=self.lead)
        self.outline = OutlineRows()
        self.title_rule, self.form, self.below = Rule(), PartForm(), Below()
        self.form.form.tail = self.below.lines
        self.pane_of_file, self.edits = FilePane(), LastEdits()
        self.view = self.pane_of_file.view
        self.shown: tuple[Any, ...] = ()
        self.keyed: tuple[object, ...] = ()

    def nothing(self) -> Empty:
        """Before there is a file."""
        return Empty(
            "No template yet.",
            [
                ("Enter", "choose where it comes from: the model, a file, an Arbius checkout, a model id"),
                ("F2", "the command that does the same"),
            ],
            "It is the JSON that miners and the website read; nothing is registered by this.",
        )

    def side(self) -> Iterable[Widget]:
        """The parts, below the steps; and the last edits where there is room."""
        yield self.table
        yield self.edits

    def body(self) -> Iterable[Widget]:
        """The part under the cursor, and at 120 the file beside it."""
        yield self.empty
        with Horizontal(id="columns"):
            with Vertical(id="part"):
                yield self.title_rule
                yield self.form
            yield self.pane_of_file

    def finding(self) -> Iterable[Widget]:
        """Nothing below: the part stands beside the outline."""
        return ()

    def recall(self) -> None:
        """The file is where it was: open it again, with its history. Nothing is drafted by that."""
        path, cid = texts(self.saved_record(), "path", "cid")
        if path and cid and os.path.exists(path):
            self.open_file(path)

    # --- drawing

    def draw(self, at: str = "") -> None:
        """The outline, then the part under its cursor; `at` is the row to stand on, `?` what differs from before."""
        if self.editing is None:
            return
        document = self.editing.template.document
        rows = self.outline.of(document, self.judged, self.left_out(), self.needle)
        differing = changed(self.table.rows.all, rows)
        if differing is None:
            self.table.brush.columns = outline_columns(len(str(max(number_of(row) for row in rows))))
            self.table.set_rows(rows)
        else:
            for row in differing:
                self.table.update_row(row)
        self.reveal()
        if at:
            self.table.go(at)
        self.edits.show(self.editing.past, self.editing.future)
        self.present(self.here)
        self.refresh_status()

    def present(self, id: str) -> None:
        """The fields of the part, what is wrong with it, and where it is in the file."""
        editing = self.editing
        pane = self.pane_of_file
        look = self.size, pane.base, self.has_class("-file")
        state = (id, editing, self.judged, self.form.typing, self.model, *look)
        if editing is None or state == self.shown or not id:
            return
        if self.keyed != (keyed := (self.fixable(), id.startswith("left/"))):
            self.keyed = keyed
            self.call_later(self.refresh_keys)
        moved = not self.shown or self.shown[0] != id
        self.shown = state
        self.show_fields(id, editing, moved)
        document, part = editing.template.document, f"/{id}"
        group = id.partition("/")[0]
        problems = sorted(self.judged.of_part(id), key=lambda p: RANKS.index(p.severity))
        others = [p for p in self.judged.problems if p not in problems] if id == "file" else ()
        facts = self.facts_of(id, editing)
        model = self.model_of(id)
        source = self.model.source if self.model else ""
        self.below.show(document, part, problems, facts=facts, others=others, model=(model, source))
        name = self.path if group == "file" else id.partition("/")[2] if group in ("left", "meta") else self.name_of(id)
        self.title_rule.show(os.path.basename(name), "", place_of(id, list(self.table.rows.places)))
        if self.has_class("-file") or (self.has_class("-wide") and not self.has_class("-short")):
            self.pane_of_file.show(self.path, document, part if group != "meta" else "/meta", self.judged)

    def show_fields(self, id: str, editing: Editing, moved: bool) -> None:
        """The form; on another row the cursor stays on the field of the same name."""
        if id.partition("/")[0] not in ("meta", "input", "output"):
            self.form.show([])
            return
        specs = specs_of(editing, id)
        drawn = fields(editing, specs, self.judged, self.model_of(id), self.form.typing)
        at = ""
        if moved:
            last = self.form.at.rpartition("/")[2]
            at = f"/{id}" if id.startswith("meta/") else f"/{id}/{last}"
        elif self.form.typing[0]:
            at = self.form.typing[0]
        self.form.show(drawn, at)

    def facts_of(self, id: str, editing: Editing) -> list[Fact]:
        """What stands there for a row that has no fields."""
        if id == "file":
            found = editing.template
            room = max(12, self.form.size.width - GUTTER - LABEL - 2)
            return [*file_facts(self.path, found.size, found.cid, room), Fact("id", self.model_id() or
                    ("known once step 8 has an account", "$muted"))]  # fmt: skip
        if id.startswith("left/"):
            name = id.removeprefix("left/")
            open_to = name in self.missing()
            mend = [Fact("add", "as a draft would make it", "i import")] if open_to else []
            return [Fact("why", self.left_reason(name)), *mend]
        return []

    def name_of(self, id: str) -> str:
        """The variable or file name of a row."""
        row = self.table.row
        cell = row.cells[self.lead] if row and row.id == id else ""
        return cell if isinstance(cell, str) else cell[0]

    def model_of(self, id: str) -> ModelInput | None:
        """The model's input of the same name as the row's variable."""
        if self.model is None or not id.startswith("input/"):
            return None
        return self.model.model.inputs.get(self.name_of(id))

    def refresh_keys(self) -> None:
        """Other keys mean that the focus moved: the title of what has it is heavy."""
        super().refresh_keys()
        found = ((self.title_rule, self.form.has_focus_within), (self.pane_of_file.rule, self.view.has_focus))
        for title, active in found:
            if title.active != active:
                title.active = active
                title.refresh()

    def on_resize(self) -> None:
        """Another size, other lines."""
        self.shown = ()
        super().on_resize()
