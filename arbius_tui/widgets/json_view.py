"""A file as lines with marks of what differs; only the lines in sight are drawn, however long the file is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size

from arbius_tui.widgets.drawn import Drawn
from arbius_tui.widgets.text import fit, glyphs, spread, state_style, words


@dataclass(frozen=True, slots=True)
class FileLine:
    """A line: `mark` is `+`, `-` or a blank; `here` belongs to what has the cursor; `state` is a problem's word."""

    text: str
    mark: str = " "
    here: bool = False
    state: str = ""


class JsonView(Drawn, can_focus=True):
    """The file. It follows the part under the cursor, and scrolls by keys when it has the focus."""

    DEFAULT_CSS = "JsonView { height: 1fr; text-wrap: nowrap; text-overflow: clip; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "scroll(1)", "line down", id="json.down", show=False),
        Binding("up", "scroll(-1)", "line up", id="json.up", show=False),
        Binding("pagedown,space", "page(1)", "page down", id="json.pagedown", show=False),
        Binding("pageup", "page(-1)", "page up", id="json.pageup", show=False),
        Binding("home", "scroll(-999999)", "first line", id="json.home", show=False),
        Binding("end", "scroll(999999)", "last line", id="json.end", show=False),
    ]

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.rows: Sequence[FileLine] = ()
        self.top = self.start = 0

    def show(self, rows: Sequence[FileLine], follow: bool = True) -> None:
        """Other lines: a repaint. With `follow` the lines of the part under the cursor come into sight."""
        self.rows = rows
        self.start = next((n for n, row in enumerate(rows) if row.here), self.start)
        if follow:
            last = next((n for n in range(len(rows) - 1, -1, -1) if rows[n].here), self.start)
            self.bring(self.start, last)
        self.refresh()

    def bring(self, first: int, last: int) -> None:
        """These lines into sight, the first of them at least."""
        room = max(1, self.size.height)
        if first < self.top + 1 or last > self.top + room - 2:
            self.top = first - max(1, (room - (last - first + 1)) // 3)
        self.top = max(0, min(self.top, len(self.rows) - room, first))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """All the room there is."""
        return container.height

    def action_scroll(self, by: int) -> None:
        """So many lines further."""
        self.top = max(0, min(self.top + by, len(self.rows) - self.size.height))
        self.refresh()

    def action_page(self, by: int) -> None:
        """A screenful further."""
        self.action_scroll(by * max(1, self.size.height - 1))

    def on_resize(self) -> None:
        """Another height, another part in sight."""
        self.bring(self.start, self.start)

    def drawn(self, width: int) -> Iterable[Content]:
        """The lines in sight, and the scroll mark in the last cell."""
        room = self.size.height
        for y, row in enumerate(self.rows[self.top : self.top + room]):
            tone = state_style(row.state) if row.state else "bold $ink" if row.here else "$muted"
            if row.mark == "+" and not row.state:
                tone = "bold $ink" if row.here else "$ink"
            end = words((f" {row.state} " if row.state else " ", tone))
            text = fit(row.text, width - 2 - end.cell_length)
            left = words((row.mark, tone), " ", (text.rstrip(), tone))
            margin = words((glyphs().scroll if self.thumb(y) else " ", "$rule"))
            yield spread(left, end[:-1] + margin, width)

    def thumb(self, y: int) -> bool:
        """Whether the scroll mark covers this row."""
        room, total = self.size.height, len(self.rows)
        if total <= room or room < 1:
            return False
        long = max(1, room * room // total)
        start = round(self.top * (room - long) / (total - room))
        return start <= y < start + long
