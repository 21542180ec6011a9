"""Two pages that lie over a step: its help and its log. Esc closes them."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input

from arbius_tui.domain.errors import Failure
from arbius_tui.widgets.ask import Prompt
from arbius_tui.widgets.fields import editor
from arbius_tui.widgets.frame import Keys, Rule
from arbius_tui.widgets.log import LogLines, LogTail
from arbius_tui.widgets.panes import Text
from arbius_tui.widgets.text import KEY, fit, line, wrap

if TYPE_CHECKING:
    from arbius_tui.steps.logs import Window

KeyRow = tuple[str, str]
"""The name of a key and what it does."""


class Page(Screen[None]):
    """A title, something to read, and the way back."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "back", id="page.close")]
    hints: Sequence[str] = ("Esc back",)

    def __init__(self, title: str, right: str = "") -> None:
        super().__init__()
        self.heading, self.right = title, right

    def compose(self) -> ComposeResult:
        """Title, body, keys."""
        yield Rule(self.heading, "", self.right, active=True)
        yield from self.page()
        footer = Keys()
        footer.show_keys(self.hints, (), filled=True)
        yield footer

    def page(self) -> ComposeResult:
        """What there is to read."""
        yield from ()

    def say(self, text: str) -> None:
        """A word on the status line."""
        self.query_one(Keys).show_status(line((text, "$muted")), Content(""))

    def action_close(self) -> None:
        """Back to the step."""
        self.dismiss()


class HelpPage(Page):
    """Why this step, and every key that works now; made from the bindings, so it cannot be out of date."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f1,question_mark", "close", "back", id="page.help", show=False)]
    AUTO_FOCUS = "VerticalScroll"

    def __init__(self, title: str, why: str, groups: Mapping[str, Sequence[KeyRow]]) -> None:
        super().__init__(title, "help")
        self.why, self.groups = why, groups

    def page(self) -> ComposeResult:
        """The reason, then keys in groups."""
        with VerticalScroll():
            yield Text(list(self.rows()))

    def rows(self) -> Iterable[Content]:
        """Lines of at most 78 cells, so that nothing is cut at 80."""
        yield Content("")
        for sentence in self.why.split("\n"):
            yield from (line(row) for row in wrap(sentence, 76, 9))
        for title, keys in self.groups.items():
            yield Content("")
            yield line((title.upper(), "$muted"))
            for key, does in keys:
                first, *more = wrap(does, 58, 3)
                yield line((fit(key, 16), KEY), first)
                yield from (line(" " * 16, row) for row in more)


class ReadingPage(Page):
    """Lines to be read and scrolled, e.g. two outputs side by side. They are inert text."""

    hints = ("Esc back", "PgDn more")
    AUTO_FOCUS = "VerticalScroll"

    def __init__(self, title: str, right: str, rows: Sequence[Content]) -> None:
        super().__init__(title, right)
        self.rows = rows

    def page(self) -> ComposeResult:
        """All of them."""
        with VerticalScroll():
            yield Text(list(self.rows))


class LogPage(Page):
    """All lines of a step; `/` searches, n and N go on to the next match and the one before.

    `file` is where the whole log is when the step keeps one: what is too old to be here is found there. `search` asks
    for a text at once, `error` goes to the last line that tells of one.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f3", "close", "back", id="page.log", show=False),
        Binding("slash", "search", "search", id="log.search"),
        Binding("n", "again(1)", "next match", id="log.again"),
        Binding("N", "again(-1)", "match before", id="log.before"),
        Binding("e", "error", "last error", id="log.error"),
        Binding("l", "live", "newest lines", id="log.live"),
        Binding("f4", "copy", "copy", id="log.copy"),
    ]
    AUTO_FOCUS = "LogTail"

    def __init__(
        self, title: str, lines: LogLines, file: Path | None = None, *, search: bool = False, error: bool = False
    ) -> None:
        super().__init__(title, "log")
        self.lines, self.file = lines, file
        self.window: Window | None = None
        self.begin = "search" if search else "error" if error else ""
        self.tail, self.input = LogTail(lines), editor()
        self.prompt = Prompt("search", self.input)
        self.hints = ("Esc back", "/ search", "n next", "N before", "e error", "F4 copy", "l newest")

    def page(self) -> ComposeResult:
        """The log over the search field."""
        yield self.tail
        yield self.prompt

    async def on_mount(self) -> None:
        """The field comes with `/`."""
        self.prompt.display = False
        self.tell()
        if self.begin:
            self.call_after_refresh(self.run_action, self.begin)

    def tell(self) -> None:
        """How much of the log this is, and where all of it is."""
        kept, dropped = len(self.lines.kept), self.lines.dropped
        older = f", {dropped:,} older ones only in the file" if dropped and self.file else ""
        older = older or (f", {dropped:,} older ones dropped" if dropped else "")
        self.say(f"{kept:,} lines{older}" + (f"   {self.file}" if self.file else ""))

    def action_search(self) -> None:
        """Ask for a text."""
        self.input.clear()
        self.prompt.display = True
        self.input.focus()

    def action_close(self) -> None:
        """Esc closes the field first."""
        if self.prompt.display:
            self.end_search()
        else:
            self.dismiss()

    def end_search(self) -> None:
        """Back to the lines."""
        self.prompt.display = False
        self.tail.focus()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.end_search()
        self.look(event.value, 1)

    def action_again(self, by: int) -> None:
        """The same text once more."""
        self.look(self.tail.needle, by)

    def look(self, needle: str, by: int) -> None:
        """Go to a match and say so; in the file where some lines are only there."""
        if needle and self.file and (self.lines.dropped or self.window):
            self.look_in_file(needle, by)
            return
        found = bool(needle) and self.tail.search(needle, by)
        self.say(f"line {self.tail.at + 1} of {len(self.lines.kept)}" if found else f"no line has {needle}")

    @work(group="find", exclusive=True, exit_on_error=False)
    async def look_in_file(self, needle: str, by: int) -> None:
        """The lines around the next match, from the file; a new search begins at its first line."""
        from arbius_tui.steps.logs import find

        fresh = needle != self.tail.needle or self.window is None
        here = (self.window.at if self.window else 0) if not fresh else 0 if by > 0 else sys.maxsize
        self.tail.needle = needle
        self.say(f"looking for {needle} in {self.file}")
        await self.take(find(self.file or Path(), needle, here, by), f"no line has {needle}")

    @work(group="find", exclusive=True, exit_on_error=False)
    async def action_error(self) -> None:
        """The last line that tells of an error, then the one before it."""
        from arbius_tui.steps.logs import find_trouble

        if self.file is None:
            self.say("this step keeps no log in a file; / searches in these lines")
            return
        here = self.window.at if self.window else sys.maxsize
        await self.take(find_trouble(self.file, here), "no line tells of an error")

    async def take(self, coming: Awaitable[Window | None], else_say: str) -> None:
        """Show what was found."""
        try:
            found = await coming
        except Failure as failure:
            self.say(failure.problem.what)
            return
        if found is None:
            self.say(else_say)
            return
        lines = LogLines()
        lines.feed("\n".join(found.lines))
        self.window = found
        self.tail.show(lines, max(0, found.at - found.first - lines.dropped))
        self.say(f"line {found.at:,} of {self.file}")

    def action_live(self) -> None:
        """The newest lines, followed as they come."""
        self.window = None
        self.tail.show(self.lines)
        self.tell()

    @work(group="copy", exclusive=True, exit_on_error=False)
    async def action_copy(self) -> None:
        """The place of the file, else the line that was found, else all lines."""
        from arbius_tui.screens.clipboard import copy

        all_lines = "\n".join(text for text, _ in self.lines.kept)
        self.say(await copy(str(self.file) if self.file else all_lines, self.app.copy_to_clipboard))
