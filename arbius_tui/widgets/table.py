"""The one table of the application: fixed columns, one strip for each row, and only rows that changed are repainted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from time import monotonic
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click, Key
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from arbius_tui.widgets.strips import Strips
from arbius_tui.widgets.text import (
    CALM,
    GAP,
    GUTTER,
    KEY,
    STATES,
    Cell,
    Column,
    Row,
    fit,
    glyphs,
    spread,
    state_style,
    widths,
    words,
)

WIDEST = 10_000
"""More cells than any terminal has."""


class Rows:
    """The rows and headings of a table, by place and by id."""

    def __init__(self, rows: Sequence[Row | str]) -> None:
        self.all: list[Row | str] = list(rows)
        self.places = {row.id: place for place, row in enumerate(self.all) if isinstance(row, Row)}
        self.order = sorted(self.places.values())

    def __len__(self) -> int:
        return len(self.all)

    def __getitem__(self, place: int) -> Row | str:
        return self.all[place]

    def at(self, place: int) -> Row | None:
        """The row at a place; None for a heading or beyond the ends."""
        row = self.all[place] if 0 <= place < len(self.all) else None
        return row if isinstance(row, Row) else None

    def near(self, place: int, by: int) -> int:
        """The place `by` rows further, headings not counted, at most the first or the last."""
        if not self.order:
            return -1
        here = self.order.index(place) if place in self.order else (-1 if by > 0 else len(self.order))
        return self.order[min(max(here + by, 0), len(self.order) - 1)]


class Brush:
    """Draws rows on columns. `loud`: rows that are well recede; `lead`: the index of the column with the name."""

    def __init__(self, columns: Sequence[Column], *, loud: bool, lead: int) -> None:
        self.columns, self.loud, self.lead = columns, loud, lead

    def heads(self, width: int) -> Content:
        """The titles of the columns."""
        return self.draw([(c.head, "$muted") for c in self.columns], width)

    def heading(self, text: str, width: int) -> Content:
        """The name of a group, in capitals so that it differs without colour."""
        return words((fit("  " + text.upper(), width), "$muted"))

    def row(self, row: Row, width: int, mark: str) -> Content:
        """One row with its mark."""
        return self.draw(list(self.tones(row)), width, mark)

    def tones(self, row: Row) -> Iterable[Cell]:
        """A row that is well recedes: only its name is in ink. A row that needs you is bold."""
        calm = row.state in CALM and self.loud
        name = "bold $ink" if not calm else "$ink" if row.state in ("ok", "") else "$muted"
        for place, cell in enumerate(row.cells):
            if isinstance(cell, tuple):
                yield cell
            elif place <= self.lead:
                yield cell, (name if self.loud else "$ink") if place == self.lead else "$muted"
            else:
                yield cell, state_style(cell) if cell in STATES else "$muted" if calm else "$ink"

    def draw(self, cells: Sequence[Cell], width: int, mark: str = " ") -> Content:
        """Cells on the columns, exactly `width` cells wide."""
        parts: list[Cell] = [(mark.ljust(GUTTER), "")]
        for column, cell, room in zip(self.columns, cells, widths(self.columns, width + 1), strict=False):
            if room < 0:
                continue
            text, style = cell if isinstance(cell, tuple) else (cell, "")
            parts += [(fit(text, room, column.right), style), " " * GAP]
        return spread(words(*parts[:-1]), Content(""), width)

    def name_end(self, width: int) -> int:
        """The cell after the name."""
        shown = widths(self.columns, width)[: self.lead + 1]
        return GUTTER - 1 + sum(w + GAP for w in shown if w > 0) - 1


class Table(Strips, can_focus=True):
    """Rows on fixed columns with a cursor; a `str` among the rows is the heading of a group."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", "next row", id="table.down", show=False),
        Binding("up", "move(-1)", "row before", id="table.up", show=False),
        Binding("pagedown", "page(1)", "page down", id="table.pagedown", show=False),
        Binding("pageup", "page(-1)", "page up", id="table.pageup", show=False),
        Binding("home", "move(-99999)", "first row", id="table.home", show=False),
        Binding("end", "move(99999)", "last row", id="table.end", show=False),
    ]
    DIGIT_PAUSE = 0.8
    """Seconds within which a second digit belongs to the first."""

    cursor: reactive[int] = reactive(-1, repaint=False)

    class RowHighlighted(Message):
        """The cursor stands on another row, or its row changed."""

        def __init__(self, table: Table, row: Row) -> None:
            super().__init__()
            self.table, self.row = table, row

        @property
        def control(self) -> Table:
            """The table, for `@on` selectors."""
            return self.table

    def __init__(
        self,
        columns: Sequence[Column],
        rows: Sequence[Row | str] = (),
        *,
        loud: bool = True,
        lead: int = 0,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self.rows = Rows(rows)
        self.brush = Brush(columns, loud=loud, lead=lead)
        self.top = 0
        self._digits, self._digit_at = "", 0.0
        self.set_reactive(Table.cursor, self.rows.near(-1, 1))

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self.rows.at(self.cursor)

    def set_rows(self, rows: Sequence[Row | str]) -> None:
        """Other rows; the cursor stays on the row with the same id. Layout only when their number changed."""
        here, longer = self.row, len(rows) != len(self.rows)
        self.rows = Rows(rows)
        self._strips.clear()
        goal = self.rows.places.get(here.id, -1) if here else -1
        self.cursor = goal if goal >= 0 else self.rows.near(min(self.cursor, len(rows)), 0 if self.row else 1)
        self.follow()
        self.refresh(layout=longer)
        if longer:
            # Textual counts layouts to know what it has measured, but not one that is asked for while another waits.
            self.styles.max_width = WIDEST + len(rows)
        if (now := self.row) and now is not here:
            self.post_message(self.RowHighlighted(self, now))

    def update_row(self, row: Row) -> None:
        """The row with this id, changed: one repainted line, no layout. A new id is added at the end."""
        place = self.rows.places.get(row.id)
        if place is None:
            self.set_rows([*self.rows.all, row])
            return
        self.rows.all[place] = row
        self.touch(place)
        if place == self.cursor:
            self.post_message(self.RowHighlighted(self, row))

    def go(self, id: str) -> None:
        """The cursor to the row with this id, if there is one."""
        self.cursor = self.rows.places.get(id, self.cursor)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """One row more, for the heads."""
        return len(self.rows) + 1

    def action_move(self, by: int) -> None:
        """So many rows down or up, headings not counted."""
        self.cursor = self.rows.near(self.cursor, by)

    def action_page(self, by: int) -> None:
        """A screenful down or up."""
        self.action_move(by * max(1, self.size.height - 2))

    def on_key(self, event: Key) -> None:
        """Digits go to the row of that number; a second digit within a moment belongs to the first."""
        if not (event.character and event.character.isascii() and event.character.isdigit()):
            self._digits = ""
            return
        now = monotonic()
        longer = self._digits + event.character if now - self._digit_at < self.DIGIT_PAUSE else event.character
        number = int(longer) if 0 < int(longer) <= len(self.rows.order) else int(event.character)
        self._digits, self._digit_at = str(number), now
        if 0 < number <= len(self.rows.order):
            event.stop()
            self.cursor = self.rows.order[number - 1]

    def on_click(self, event: Click) -> None:
        """A click is the same as moving there."""
        if event.y and self.rows.at(place := event.y - 1 + self.top):
            self.cursor = place

    def watch_cursor(self, old: int, new: int) -> None:
        """Two rows changed, or all when the list moved."""
        if self.follow():
            self._strips.clear()
            self.refresh()
        else:
            self.touch(old)
            self.touch(new)
        if row := self.row:
            self.post_message(self.RowHighlighted(self, row))

    def follow(self) -> bool:
        """Move the list so that the cursor shows, with its heading when that fits."""
        room, top = max(1, self.size.height - 1), self.top
        first = self.cursor - (self.cursor > 0 and isinstance(self.rows[self.cursor - 1], str))
        self.top = max(min(top, first, max(0, len(self.rows) - room)), self.cursor - room + 1, 0)
        return self.top != top

    def on_resize(self) -> None:
        """Another width, other strips; a frame may have been drawn before this message came."""
        self._strips.clear()
        if self.follow():
            self.refresh()

    def touch(self, place: int) -> None:
        """Repaint one row."""
        y = place - self.top + 1
        self._strips.pop(y, None)
        if 0 < y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def watch_has_focus(self, has_focus: bool) -> None:
        """The cursor row shows where typing goes."""
        self.touch(self.cursor)
        super().watch_has_focus(has_focus)

    def render_line(self, y: int) -> Strip:
        """A row as a strip, kept until it changes, or the table another width: that is painted before it is told."""
        width, strip = self.size.width, self._strips.get(y)
        if strip is None or strip.cell_length != width:
            strip = self._strips[y] = self.painted(self.content(y, width), width)
        return strip

    def content(self, y: int, width: int) -> Content:
        """What stands on line `y`: heads, a heading or a row, and the scroll mark in the last cell."""
        margin = words((glyphs().scroll if y and self.thumb(y - 1) else " ", "$rule"))
        if y == 0:
            return self.brush.heads(width - 1) + margin
        place = y - 1 + self.top
        row = self.rows[place] if place < len(self.rows) else ""
        if isinstance(row, str):
            return self.brush.heading(row, width - 1) + margin
        here = place == self.cursor
        drawn = self.brush.row(row, width - 1, ">" if here else " ") + margin
        return self.marked(drawn, width) if here else drawn

    def thumb(self, y: int) -> bool:
        """Whether the scroll mark in the right margin covers this row."""
        room, total = self.size.height - 1, len(self.rows)
        if total <= room or room < 1:
            return False
        long = max(1, room * room // total)
        start = round(self.top * (room - long) / (total - room))
        return start <= y < start + long

    def marked(self, drawn: Content, width: int) -> Content:
        """The cursor: ground and mark; the palette adds reverse to the name where grounds do not show."""
        if not self.has_focus:
            return drawn.stylize("$muted", 0, 1).stylize_before("on $select-blurred")
        end = min(self.brush.name_end(width), len(drawn))
        return drawn.stylize(KEY, 0, 1).stylize("$cursor-style", 0, end).stylize_before("on $select")
