"""The page behind `g` on Checks: where the published guide no longer works, to read from top to bottom."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content

from arbius_tui.domain.journey import order
from arbius_tui.screens.pages import Page
from arbius_tui.steps.base import TITLES
from arbius_tui.widgets.panes import Text
from arbius_tui.widgets.text import KEY, LABEL, line, wrap

if TYPE_CHECKING:
    from arbius_tui.steps.guide import Drift

ROOM = 76
"""Cells of a line, so that nothing is cut at 80."""

INTRO = (
    "The published guide (Adding Models) was right when it was written. This is where following it by hand goes wrong "
    "today, in the guide's own order, and what to do instead; the step that does it for you stands beside it."
)


class GuidePage(Page):
    """All places, under the names of the guide's sections."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("g", "close", "back", id="page.guide", show=False)]
    AUTO_FOCUS = "VerticalScroll"
    hints = ("Esc back", "PgDn more", "PgUp back")

    def __init__(self, places: Iterable[Drift]) -> None:
        self.places = tuple(places)
        super().__init__("The published guide, today", f"{len(self.places)} places")

    def page(self) -> ComposeResult:
        """What it is, then each place."""
        with VerticalScroll():
            yield Text(list(rows(self.places)))


def rows(places: Iterable[Drift]) -> Iterable[Content]:
    """Lines of at most 78 cells: what the guide says, what happens, what to do instead, and how we know."""
    yield Content("")
    yield from (line(row) for row in wrap(INTRO, ROOM, 9))
    section = ""
    for place in places:
        if place.section != section:
            section = place.section
            yield Content("")
            yield line((section.upper(), "$muted"))
        else:
            yield Content("")
        yield from labelled("guide", place.says, "bold")
        yield from labelled("today", place.today)
        yield from labelled("instead", place.instead)
        yield from labelled("step", f"{order(place.step)} {TITLES[place.step]}", KEY)
        yield from labelled("source", place.source, "$muted")


def labelled(label: str, text: str, style: str = "") -> Iterable[Content]:
    """A label and a text on as many lines as it needs, its values under one another."""
    first, *more = wrap(text, ROOM - LABEL, 9)
    yield line((label.ljust(LABEL), "$muted"), (first, style))
    yield from (line(" " * LABEL, (row, style)) for row in more)
