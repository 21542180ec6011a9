"""Two pages that lie over a step: its help and its log. Esc closes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input

from arbius_tui.widgets.ask import Prompt
from arbius_tui.widgets.fields import editor
from arbius_tui.widgets.frame import Keys, Rule
from arbius_tui.widgets.log import LogLines, LogTail
from arbius_tui.widgets.panes import Text
from arbius_tui.widgets.text import KEY, fit, line, wrap

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

    AUTO_FOCUS = "VerticalScroll"

    def __init__(self, title: str, right: str, rows: Sequence[Content]) -> None:
        super().__init__(title, right)
        self.rows = rows

    def page(self) -> ComposeResult:
        """All of them."""
        with VerticalScroll():
            yield Text(list(self.rows))


class LogPage(Page):
    """All lines of a step; `/` searches, n and N go on to the next match and the one before."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f3", "close", "back", id="page.log", show=False),
        Binding("slash", "search", "search", id="log.search"),
        Binding("n", "again(1)", "next match", id="log.again"),
        Binding("N", "again(-1)", "match before", id="log.before"),
    ]
    AUTO_FOCUS = "LogTail"
    hints = ("Esc back", "/ search", "n next", "N before", "Home start", "End follow")

    def __init__(self, title: str, lines: LogLines) -> None:
        super().__init__(title, "log")
        self.lines = lines
        self.input = editor()
        self.prompt = Prompt("search", self.input)

    def page(self) -> ComposeResult:
        """The log over the search field."""
        yield LogTail(self.lines)
        yield self.prompt

    def on_mount(self) -> None:
        """The field comes with `/`."""
        self.prompt.display = False
        kept, dropped = len(self.lines.kept), self.lines.dropped
        self.say(f"{kept} lines" + (f", {dropped} older ones dropped" if dropped else ""))

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
        self.query_one(LogTail).focus()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.end_search()
        self.look(event.value, 1)

    def action_again(self, by: int) -> None:
        """The same text once more."""
        self.look(self.query_one(LogTail).needle, by)

    def look(self, needle: str, by: int) -> None:
        """Go to a match and say so."""
        tail = self.query_one(LogTail)
        found = bool(needle) and tail.search(needle, by)
        self.say(f"line {tail.at + 1} of {len(self.lines.kept)}" if found else f"no line has {needle}")
