"""The base of screens that show what a step found as a table of facts: Model, Publish and After."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import work as worker
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from arbius_tui.domain.events import Done, Found, Started, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.text import short
from arbius_tui.screens.base import StepScreen
from arbius_tui.screens.findings import Finding, Note, as_json, copy_out, place
from arbius_tui.screens.session import Session
from arbius_tui.widgets.panes import Empty, Fact, why
from arbius_tui.widgets.table import Table
from arbius_tui.widgets.text import Column, Row, counts

if TYPE_CHECKING:
    from arbius_tui.steps.after import Status
    from arbius_tui.steps.model import Fact as Seen

LONG = re.compile(r"0x[0-9a-fA-F]{20,}|\bQm[1-9A-HJ-NP-Za-km-z]{44}\b")
"""Hashes, ids, addresses and CIDs, which a table shows by their ends."""


class FactScreen(StepScreen):
    """A step that only looks. It starts by itself when there is something to look at, and again when that changed."""

    basis: ClassVar[Sequence[str]] = ()
    """Steps whose records it reads: when one of them changed since it looked, it looks again."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5,r", "run", "look", id="frame.run", tooltip="look again"),
        Binding("j", "json", "JSON", id="facts.json", tooltip="copy all rows as JSON"),
    ]
    hints: ClassVar[Sequence[str]] = ("frame.next", "frame.run", "facts.json")
    columns: ClassVar[Sequence[Column]] = (Column("What", 14, 18), Column("State", 5, 5), Column("Found", 0, 0))

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.items: dict[str, Seen | Status] = {}
        self.looked_at: Mapping[str, Any] | None = None
        self.table = Table(self.columns, self.saved_rows(session.journey), loud=False)
        self.pane, self.note = Finding(room=3), Note("Not in this version", room=5)
        self.nothing = self.empty()
        if self.nothing:
            self.nothing.styles.height = "1fr"  # an error or a question then stands on the status line

    def body(self) -> Iterable[Widget]:
        """The table, or what to do when there is nothing for it."""
        if self.nothing:
            yield self.nothing
        yield self.table

    def finding(self) -> Iterable[Widget]:
        """The row under the cursor, and what this version leaves to the author."""
        yield from self.pane.parts()
        yield self.note

    def empty(self) -> Empty | None:
        """Hook: what stands there when the step has nothing to look at; None when it has."""
        return None

    def saved_rows(self, journey: Journey) -> list[Row | str]:
        """Hook: rows of what was saved, so that a journey that is taken up again is not empty for a moment."""
        return []

    def on_mount(self) -> None:
        """Look, if there is something."""
        self.show_parts()
        self.look()

    def on_screen_resume(self) -> None:
        """Look again if what it reads has changed meanwhile."""
        if self.nothing and self.empty() is None:
            self.nothing.display, self.nothing = False, None
            self.show_parts()
            self.call_after_refresh(self.set_focus, self.parts()[0])
        self.look()

    def parts(self) -> Sequence[Widget]:
        """Hook: what is hidden as long as there is nothing; the first takes the focus."""
        return (self.table, *self.pane.parts())

    def show_parts(self) -> None:
        """The empty state, or the parts."""
        for part in self.parts():
            part.display = self.nothing is None

    def look(self) -> None:
        """Run unless nothing changed."""
        records = self.session.journey.records
        seen = {step: records.get(step) for step in self.basis}
        if self.nothing is None and not self.running and seen != self.looked_at:
            self.looked_at = seen
            self.action_run()

    def on_started(self, event: Started) -> None:
        """A new look."""
        self.items.clear()
        self.note.show(())
        super().on_started(event)

    def on_found(self, event: Found) -> None:
        """A row."""
        from arbius_tui.steps.after import Status
        from arbius_tui.steps.model import Fact as Seen

        if isinstance(item := event.item, Seen | Status):
            self.items[item.id] = item
            self.table.update_row(row(item.id, item.title, item.state, item.found))
            self.refresh_status()

    def on_trouble(self, event: Trouble) -> None:
        """What is no error is a note, in calm words; an error is the panel."""
        super().on_trouble(event)
        if event.problem.severity == "info":
            self.note.tell(event.problem)

    def on_done(self, event: Done) -> None:
        """All rows are there now."""
        super().on_done(event)
        self.present()

    def on_table_row_highlighted(self, event: Table.RowHighlighted) -> None:
        """The finding follows the cursor."""
        self.present()

    def present(self) -> None:
        """The row under the cursor, its value in full."""
        item = self.items.get(self.table.row.id) if self.table.row else None
        if item:
            self.pane.show(item.title, item.state, place(self.table), [why(item.why), Fact("found", item.found)])

    @property
    def value(self) -> str:
        """The value under the cursor, in full."""
        item = self.items.get(self.table.row.id) if self.table.row else None
        return item.found if item else ""

    def copy_text(self) -> str:
        """The command that the note offers, else the value of the row."""
        return self.note.command or self.value

    async def action_to_register(self) -> None:
        """To the step that is missing."""
        await self.run_action("app.go('register')")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enter goes to Register only as long as that is what is missing."""
        return self.nothing is not None if action == "to_register" else super().check_action(action, parameters)

    @worker(group="copy", exclusive=True, exit_on_error=False)
    async def action_json(self) -> None:
        """All rows as JSON."""
        await copy_out(self, as_json(self.items.values()), f"{len(self.items)} rows as JSON")

    def status(self) -> Content:
        """Counts of the state words."""
        if self.running or not self.items:
            return super().status()
        states = [item.state for item in self.items.values()]
        return counts(*((states.count(word), word) for word in ("ok", "warn", "FAIL", "wait", "off")))


def row(id: str, title: str, state: str, found: str) -> Row:
    """A fact as a row; long hashes are cut to their ends, the finding has them in full."""
    tone = "$muted" if state in ("wait", "off") else "$ink"
    text = LONG.sub(lambda match: short(match.group()), found)
    return Row(id, ((title, "$muted"), state, (text, tone)), state)


def kept(journey: Journey, step: str, key: str) -> str:
    """A text of a saved record, read as plain JSON; empty where there is none."""
    return str(journey.records.get(step, {}).get(key) or "")
