"""A bounded log that takes batches and draws only what is on screen; Textual's RichLog cannot follow a build."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from arbius_tui.widgets.text import GUTTER, inert, words

MOST, ROOM, LONGEST = 20_000, 4_000_000, 8192
"""Lines that are kept for the screen, characters of all of them, and of one: the bound of a log in memory.

That is at most 16 MB of text. A build keeps its whole log in a file.
"""


class LogLines:
    """The lines of one step, the newest `MOST` of them, in at most `ROOM` characters. Several views may show them."""

    def __init__(self) -> None:
        self.kept: deque[tuple[str, str]] = deque()
        self.chars = 0
        self.dropped = 0
        self.widest = 0
        self.views: list[Callable[[], None]] = []

    def feed(self, text: str, style: str = "") -> None:
        """Take text, one line or several; a view paints it with its next batch."""
        for row in text.split("\n"):
            shown = inert(row if len(row) <= LONGEST else f"{row[:LONGEST]} ..")
            self.kept.append((shown, style))
            self.chars += len(shown)
            self.widest = max(self.widest, len(shown) if shown.isascii() else cell_len(shown))
        while len(self.kept) > MOST or self.chars > ROOM:
            self.chars -= len(self.kept.popleft()[0])
            self.dropped += 1
        for view in self.views:
            view()

    def clear(self) -> None:
        """Another log begins."""
        self.kept.clear()
        self.chars = self.dropped = self.widest = 0
        for view in self.views:
            view()

    def find(self, needle: str, start: int, by: int) -> int:
        """The index of the next line with `needle`, from `start` on, round the ends; -1 if there is none."""
        count, low = len(self.kept), needle.lower()
        rows = [row.lower() for row, _ in self.kept] if low else []
        return next((i for n in range(count) if rows and low in rows[i := (start + n * by) % count]), -1)


class LogTail(ScrollView, can_focus=True):
    """Shows the end of some lines and follows it as long as nobody scrolled up."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("home", "scroll_home", "start of the log", id="log.home", show=False),
        Binding("end", "scroll_end", "end of the log", id="log.end", show=False),
    ]
    BATCH, FLOOD = 1 / 10, 1 / 4
    """Seconds between two repaints of a log that grows, and of one that nobody can read because it grows by more than
    a screenful in that time: a key that is pressed during a repaint waits for it."""

    def __init__(self, lines: LogLines, id: str | None = None) -> None:
        super().__init__(id=id)
        self.lines = lines
        self.needle, self.at = "", -1
        self._due, self._following, self._dropped = False, True, lines.dropped
        self._flooded, self._seen = False, 0

    def on_mount(self) -> None:
        """From now on each batch is painted."""
        self.lines.views.append(self.wake)
        self.flush()

    def on_unmount(self) -> None:
        """No more batches."""
        self.lines.views.remove(self.wake)

    def wake(self) -> None:
        """Lines came: paint them with the next batch. No timer runs while nothing comes."""
        if not self._due:
            self._due = True
            self.set_timer(self.FLOOD if self._flooded else self.BATCH, self.flush)

    def flush(self) -> None:
        """One new size and one repaint for all lines that came."""
        # Also not for a reader who has just begun to scroll up.
        self._due = False
        self._following = self.is_vertical_scroll_end and self.scroll_target_y >= self.max_scroll_y
        came = self.lines.dropped + len(self.lines.kept)
        self._flooded, self._seen = came - self._seen > self.size.height > 0, came
        gone, self._dropped = max(0, self.lines.dropped - self._dropped), self.lines.dropped
        self.at = max(-1, self.at - gone)
        self.grow(Size(self.lines.widest + GUTTER, len(self.lines.kept)))
        if gone and not self._following:
            # Whoever reads further up goes on reading the same lines.
            self.scroll_to(y=max(0, self.scroll_offset.y - gone), animate=False, force=True, immediate=True)
        self.keep_up()
        self.refresh()

    def grow(self, size: Size) -> None:
        """So large is the log now. A screen is laid out anew only where its scrolling may begin or end."""
        old = self.virtual_size
        if self.show_vertical_scrollbar and size.width == old.width and size.height >= old.height:
            self.set_reactive(LogTail.virtual_size, size)
        else:
            self.virtual_size = size

    def keep_up(self) -> None:
        """Stay at the end for a reader who was there; one who scrolled up is left alone."""
        if self._following:
            self.scroll_end(animate=False, force=True, immediate=True, x_axis=False)

    def show(self, lines: LogLines, at: int = -1) -> None:
        """Other lines, at this one of them or at their end."""
        self.lines.views.remove(self.wake)
        self.lines, self._dropped = lines, lines.dropped
        self.lines.views.append(self.wake)
        self.grow(Size(lines.widest + GUTTER, len(lines.kept)))
        self.at = at
        if at >= 0:
            self.go(at)
        else:
            self.scroll_end(animate=False, force=True, immediate=True, x_axis=False)
        self.refresh()

    def go(self, at: int) -> None:
        """This line in the middle, marked; a new layout does not lead away from it."""
        self.at, self._following = at, False
        self.scroll_to(y=max(0, at - self.size.height // 2), animate=False, force=True, immediate=True)
        self.refresh()

    def on_resize(self) -> None:
        """The end is elsewhere now."""
        self.keep_up()

    def search(self, needle: str, by: int = 1) -> bool:
        """Go to the next line with this text; False if there is none."""
        start = (self.at + by) if needle == self.needle and self.at >= 0 else self.scroll_offset.y
        self.needle, self.at = needle, self.lines.find(needle, start, by)
        if self.at >= 0:
            self.go(self.at)
        self.refresh()
        return self.at >= 0

    def render_line(self, y: int) -> Strip:
        """One line of the log."""
        x, top = self.scroll_offset
        width, index = self.size.width, top + y
        if index >= len(self.lines.kept):
            return Strip.blank(width, self.visual_style.rich_style)
        text, style = self.lines.kept[index]
        if not style and not self.needle and index != self.at:
            # Nearly every line, and ten times as fast as through Content.
            return Strip([Segment(f"  {text}", self.visual_style.rich_style)]).crop_extend(
                x, x + width, self.visual_style.rich_style
            )
        content = self.content(text, style, here=index == self.at)
        room = max(width, content.cell_length)
        return Visual.to_strips(self, content, room, 1, self.visual_style, pad=True)[0].crop(x, x + width)

    def content(self, text: str, style: str, *, here: bool) -> Content:
        """The line with what was searched for in reverse, so that it shows in every palette."""
        content = words((">" if here else " ", "bold $accent"), " ", (text, style))
        return content.add_spans([]) if not self.needle else mark(content, self.needle)


def mark(content: Content, needle: str) -> Content:
    """Each occurrence of the needle in reverse."""
    for start in occurrences(content.plain.lower(), needle.lower()):
        content = content.stylize("reverse", start, start + len(needle))
    return content


def occurrences(text: str, needle: str) -> Iterable[int]:
    """Where the needle begins."""
    at = text.find(needle)
    while at >= 0:
        yield at
        at = text.find(needle, at + len(needle))
