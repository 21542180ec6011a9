"""Template on screen: the parts in a list, what stands in one and what is wrong with it, and the file as it is read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget

from arbius_tui.domain.errors import Problem
from arbius_tui.domain.events import Done, Found, Started, Trouble
from arbius_tui.domain.text import grouped, short
from arbius_tui.screens.editing import editor, lend
from arbius_tui.screens.findings import folded
from arbius_tui.screens.parts import (
    MOST,
    file_facts,
    first_trouble,
    laid_out,
    listed,
    parsed,
    part_facts,
    place_of,
    problem_lines,
    problems_of,
    value_at,
)
from arbius_tui.screens.tabled import TableScreen, texts
from arbius_tui.steps.base import TITLES
from arbius_tui.widgets.frame import Rule
from arbius_tui.widgets.panes import Empty, Facts, Text
from arbius_tui.widgets.text import GUTTER, LABEL, Column, counts, words

if TYPE_CHECKING:
    # With its first row; the step's module loads pydantic.
    from arbius_tui.steps.template import Identity, Part


class TemplateScreen(TableScreen):
    """The JSON that is registered, part by part."""

    DEFAULT_CSS = """
    TemplateScreen {
        #side Table { height: 1fr; }
        #part { width: 1fr; height: 1fr; overflow: hidden; }
        #json { width: 1fr; height: 1fr; overflow: hidden; border-left: solid $line; }
        #side { width: 27; }
        &.-narrow #json, &.-short #json { display: none; }
        &.-empty Horizontal#columns { display: none; }
        &.-problem Horizontal#columns { display: none; }
        &.-narrow.-empty #side { display: none; }
    }
    """
    step = "template"
    why = (
        "The template is the JSON that tells miners and the website what your model takes and gives: the inputs with "
        "their types, bounds and defaults, the output files, and where source and image are.\n"
        "Its exact bytes are hashed when it is registered, and nothing in it can be changed afterwards. So it is "
        "checked against everything that will read it: the engine's limit of 65,536 bytes, the miners and the "
        "website's form. It is drafted from the running model; nothing in it is made up without saying so. "
        "`seed` must not be in it, because miners set the seed themselves."
    )
    has_side = True
    columns: ClassVar[Sequence[Column]] = (
        Column("#", 1, 1, right=True),
        Column("Variable", 0, 0),
        Column("Type", 6, 6),
        Column("", 1, 1),
    )
    lead = 1
    room = 0
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "run", "check", id="template.run", tooltip="read the file again and check it"),
        Binding("ctrl+e", "edit", "$EDITOR", id="template.edit", tooltip="open the file in your editor, then check it"),
    ]

    def nothing(self) -> Empty:
        """Before the first draft."""
        return Empty(
            "No template yet.",
            [("Enter", "draft it from the running model, or read one that is there")],
            "It is the JSON that miners and the website read; it is registered for good.",
        )

    def side(self) -> Iterable[Widget]:
        """The parts, below the steps."""
        yield self.table

    def body(self) -> Iterable[Widget]:
        """The part under the cursor, and at 120 the file beside it."""
        self.parts: dict[str, Part] = {}
        self.left: dict[str, Part] = {}
        self.found: list[Problem] = []
        self.identity: Identity | None = None
        self.title_rule, self.facts = Rule(active=False), Facts()
        self.wrong_rule, self.wrong = Rule("Problems"), Text()
        self.file_rule, self.file = Rule(), Text()
        yield self.empty
        with Horizontal(id="columns"):
            with Vertical(id="part"):
                yield self.title_rule
                yield self.facts
                yield self.wrong_rule
                yield self.wrong
            with Vertical(id="json"):
                yield self.file_rule
                yield self.file

    def finding(self) -> Iterable[Widget]:
        """Nothing below: the part stands beside the list."""
        return ()

    def recall(self) -> None:
        """The file is where it was: read it again. Nothing is drafted by that."""
        path, cid = texts(self.saved_record(), "path", "cid")
        if path and cid and os.path.exists(path):
            self.action_run()

    def on_started(self, event: Started) -> None:
        """Nothing is known of this reading yet."""
        super().on_started(event)
        self.found, self.identity = [], None

    def on_found(self, event: Found) -> None:
        """A part, or the identity: then all rows are known."""
        from arbius_tui.steps.template import Identity, Part

        match event.item:
            case Part():
                if event.item.id == "meta/title":
                    # Only a draft knows what was left out; that stays true of the model when the file is read again.
                    self.left = {id: part for id, part in self.parts.items() if id.startswith("left/")}
                    self.parts.clear()
                self.parts[event.item.id] = event.item
            case Identity():
                self.identity = event.item
                named = {part.name for part in self.parts.values()}
                self.parts |= {id: part for id, part in self.left.items() if part.name not in named}
                self.draw()

    def draw(self) -> None:
        """The list: the file itself, then its parts in groups, each with its worst problem."""
        self.table.set_rows(listed(self.parts, self.found))
        self.reveal()
        if self.table.row:
            self.present(self.table.row.id)

    def on_trouble(self, event: Trouble) -> None:
        """What is wrong in a file that could be read stands at its part; all else is a panel."""
        if self.identity is None:
            super().on_trouble(event)
            return
        super(TableScreen, self).on_trouble(event)
        self.show_problem(None)
        self.found.append(event.problem)

    def on_done(self, event: Done) -> None:
        """The cursor to the first error, or it stays."""
        super().on_done(event)
        if self.identity is None:
            return
        self.draw()
        if self.table.row and self.table.row.id == "file":
            self.table.go(first_trouble(self.parts, self.found))
        if self.table.row:
            self.present(self.table.row.id)
        self.refresh_status()

    def present(self, id: str) -> None:
        """What stands in the part, what is wrong with it, and where it is in the file."""
        if self.identity is None:
            return
        part = self.parts.get(id)
        document = parsed(self.identity.text)
        title = part.name if part else Path(self.identity.path).name
        self.title_rule.show(title, "", place_of(id, self.parts))
        known = self.identity
        shown = file_facts(known.path, known.bytes, known.cid, self.part_room - LABEL)
        facts = part_facts(part, value_at(document, id)) if part else shown
        self.facts.show([row for fact in facts for row in folded(fact, self.part_room + GUTTER + 2, 3)])
        self.wrong.show(
            problem_lines(problems_of(id, self.parts, self.found), self.part_room, [] if part else self.found)
        )
        self.file_rule.show(Path(self.identity.path).name, "", "laid out to read")
        rows, start = laid_out(document, id)
        self.file.show(rows[max(0, start - 12) :] if len(rows) > self.size.height - 8 else rows)

    @property
    def part_room(self) -> int:
        """Cells of text in the middle column."""
        main = self.size.width - 27
        return (main // 2 if self.size.width >= 116 and self.size.height >= 34 else main) - GUTTER - 2

    def status(self) -> Content:
        """How many problems, and how big the file is."""
        if self.running or self.identity is None:
            return super().status()
        severities = [problem.severity for problem in self.found]
        big = words((f"{grouped(self.identity.bytes)} B of {grouped(MOST)}", "$muted"))
        return counts((severities.count("error"), "ERROR"), (severities.count("warn"), "warn")) + big

    def aside(self) -> Content:
        """The CID."""
        if self.running or self.identity is None:
            return super().aside()
        return words(("CID ", "$muted"), short(self.identity.cid))

    def command(self) -> str:
        """The same without a screen."""
        return self.shell("template", "check", self.path or "FILE")

    @property
    def path(self) -> str:
        """Where the file lies, once that is known."""
        return self.identity.path if self.identity else texts(self.saved_record(), "path")[0]

    def copy_text(self) -> str:
        """The CID in full."""
        return self.identity.cid if self.identity else texts(self.saved_record(), "cid")[0]

    def action_edit(self) -> None:
        """Open the file in the author's editor, then check it."""
        command = editor()
        busy = next(
            (TITLES.get(name, name) for name, state in self.session.journey.states.items() if state == "run"), ""
        )
        if not self.path:
            self.say("there is no file yet; Enter drafts one")
        elif not command:
            self.say(f"$EDITOR is not set; edit {self.path} and press Enter")
        elif busy:
            # The editor holds up everything here; a prediction would run into its time limit.
            self.say(f"{busy} is running; it would stand still while the editor is open")
        elif trouble := lend(self.app, [*command, self.path]):
            self.say(trouble)
        else:
            self.action_run()
