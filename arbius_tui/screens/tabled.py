"""The screen of a step that fills one table: empty at first, and the row under the cursor explained below it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from textual.widget import Widget

from arbius_tui.domain.errors import Problem
from arbius_tui.domain.events import Started, Trouble
from arbius_tui.screens.base import StepScreen
from arbius_tui.screens.findings import Finding
from arbius_tui.screens.session import Session
from arbius_tui.widgets.panes import Empty
from arbius_tui.widgets.table import Table
from arbius_tui.widgets.text import Column, Row


class TableScreen(StepScreen):
    """Override `nothing` (the empty state), `recall` (what was saved) and `present` (the row under the cursor)."""

    DEFAULT_CSS = """
    TableScreen {
        Empty { display: none; }
        &.-empty { Empty { display: block; } Table, #finding, #body .roomy { display: none; } }
        &.-empty Dock Table { display: block; }
    }
    """
    columns: ClassVar[Sequence[Column]] = ()
    lead: ClassVar[int] = 0
    room: ClassVar[int] = 4
    """Rows of facts in the finding."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.table = Table(self.columns, lead=self.lead)
        self.pane = Finding(self.room)
        self.empty = self.nothing()
        self.empty.styles.height = "1fr"  # a question or an error then stands on the status line
        self.problems: dict[str, Problem] = {}

    def nothing(self) -> Empty:
        """Hook: what stands there before the first run."""
        raise NotImplementedError

    def recall(self) -> None:
        """Hook: put the rows of what the journey remembers."""

    def present(self, id: str) -> None:
        """Hook: show the row with this id in the finding."""

    def row_of(self, problem: Problem) -> str:
        """Hook: the id of the row that a problem belongs to; empty for the row under the cursor."""
        return ""

    def body(self) -> Iterable[Widget]:
        """The empty state or the table."""
        yield self.empty
        yield self.table

    def finding(self) -> Iterable[Widget]:
        """The row under the cursor."""
        yield from self.pane.parts()

    def on_mount(self) -> None:
        """What was saved is there with the first frame."""
        self.set_class(True, "-empty")
        self.recall()

    def put(self, row: Row) -> None:
        """A row, new or changed."""
        self.table.update_row(row)
        self.reveal()

    def reveal(self) -> None:
        """The table in place of the empty state, with the focus unless a question has it."""
        if self.has_class("-empty"):
            self.set_class(False, "-empty")
            self.call_after_refresh(self.refocus)

    def on_table_row_highlighted(self, event: Table.RowHighlighted) -> None:
        """The pane below follows the cursor; a row that failed has the error panel there."""
        if event.table is self.table:
            self.explain(event.row.id)

    def explain(self, id: str) -> None:
        """The problem of this row, or its facts."""
        self.show_problem(self.problems.get(id))
        self.present(id)

    def on_resize(self) -> None:
        """Text that was broken into lines is broken anew."""
        if self.table.row and not self.has_class("-empty"):
            self.present(self.table.row.id)

    def begin(self) -> None:
        """A new run has no problems yet."""
        self.problems.clear()
        super().begin()

    def end(self) -> None:
        """The keys go to the table, unless a question has them."""
        super().end()
        self.call_after_refresh(self.refocus)

    def refocus(self) -> None:
        """The table takes the focus that nothing else has."""
        if self.is_attached and self.focused is None and self.ask.pane is None and not self.has_class("-empty"):
            self.table.focus()

    def on_started(self, event: Started) -> None:
        """Now it can be cancelled."""
        super().on_started(event)
        self.refresh_keys()

    def on_trouble(self, event: Trouble) -> None:
        """An error belongs to a row: moving the cursor away shows other findings again."""
        super().on_trouble(event)
        if event.problem.severity == "error" and self.table.row:
            id = self.row_of(event.problem) or self.table.row.id
            self.problems.setdefault(id, event.problem)
            self.table.go(id)
            self.show_problem(self.problems[id])

    @property
    def finished(self) -> bool:
        """Whether the next thing is the next step."""
        return self.session.journey.state(self.step) in ("ok", "warn")

    def wanted(self) -> list[str]:
        """The first key is the next thing to do: cancel, the next step, or to do this one."""
        keys = [key for key in super().wanted() if key != "frame.run"]  # the screen's own key does the same
        return ["frame.next", *keys] if self.finished and not self.running else keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What runs is not started a second time."""
        return not self.running if action == "run" else super().check_action(action, parameters)

    def saved_record(self, step: str = "") -> Mapping[str, Any]:
        """What the journey remembers of a step, as it was saved; empty when there is nothing.

        Untyped, because the typed way loads pydantic, and the first frame comes before it.
        """
        found = self.session.journey.records.get(step or self.step)
        return found if isinstance(found, Mapping) else {}

    def shell(self, *words: str) -> str:
        """A command line of ours, quoted for a shell; another network than the default is named."""
        network = self.session.journey.network
        more = ("--network", network) if network not in ("one", "rehearsal") else ()
        return shlex.join(["arbius-tui", *words, *more])


def texts(saved: Mapping[str, Any], *keys: str) -> tuple[str, ...]:
    """Some values of what was saved as text; empty where there is none."""
    return tuple(str(saved.get(key, "") or "") for key in keys)


def whole(value: Any) -> int:
    """A whole number that was saved; 0 for anything else."""
    return value if isinstance(value, int) else 0
