"""What waits for the author elsewhere, e.g. on the page of a browser wallet: the address, and what happens there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from arbius_tui.widgets.ask import Notice
from arbius_tui.widgets.frame import rule
from arbius_tui.widgets.panes import Fact, fact_line
from arbius_tui.widgets.text import COMMAND, GUTTER, LABEL, words, wrap


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What is wanted (`text`), where (`url`, with a file that leads there), and the tunnel from another machine."""

    text: str = ""
    url: str = ""
    page: str = ""
    tunnel: str = ""


class HandoverPane(Notice):
    """Stands as long as somebody else has the word; Esc stops the step. The address goes when it was opened."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("o", "open", "open", id="handover.open")]

    class Opened(Message):
        """The author wants the page opened here."""

        def __init__(self, page: str) -> None:
            super().__init__()
            self.page = page

    def __init__(self) -> None:
        super().__init__("In your wallet", ())
        self.now = Elsewhere()

    def tell(self, now: Elsewhere) -> None:
        """Something happened there."""
        self.now, self.copied = now, now.url or now.text
        self.title = "In your browser" if now.url else self.title
        self.show_keys(
            ("o open", "F4 copy", "Esc stop") if now.page else ("F4 copy", "Esc stop"), filled=bool(now.page)
        )
        self.refresh(layout=True)

    def lines(self, width: int) -> Iterable[Content]:
        """What to do, the address on a line of its own, and the tunnel."""
        yield rule(width, self.title, "", "your key stays there", active=self.has_focus)
        first, *more = wrap(self.now.text, width - GUTTER - LABEL - 1, 3) or [""]
        yield fact_line(Fact("now", first), width)
        yield from (fact_line(Fact("", row), width) for row in more)
        if self.now.url:
            yield words("  ", (self.now.url, "bold $accent"))
        if self.now.tunnel:
            yield fact_line(Fact("ssh", "on the machine that has the browser, run this first:"), width)
            yield fact_line(Fact("", (self.now.tunnel, COMMAND)), width)

    def action_open(self) -> None:
        """Ask the screen to open it."""
        if self.now.page:
            self.post_message(self.Opened(self.now.page))
