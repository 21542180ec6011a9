"""A widget that draws lines and keeps the strip of each for as long as it says the same."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip

from arbius_tui.widgets.strips import Strips
from arbius_tui.widgets.text import clip

KEPT = 600
"""Strips that are kept: some screenfuls."""


class Drawn(Strips):
    """Override `drawn`. A repaint of the whole widget costs only the lines that say something new."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: list[Content] | None = None

    def drawn(self, width: int) -> Iterable[Content]:
        """Hook: the lines in sight, in `width` cells."""
        raise NotImplementedError

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Drawn:
        """Something changed: the lines are made anew."""
        self._rows = None
        super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)
        return self

    def render_line(self, y: int) -> Strip:
        """A line as a strip, kept by what it says."""
        width = self.size.width
        if self._rows is None:
            self._rows = [clip(row, width) for row in self.drawn(width)]
        row = self._rows[y] if y < len(self._rows) else Content("")
        key = (width, row.plain, *row.spans)
        strip = self._strips.get(key)
        if strip is None:
            if len(self._strips) > KEPT:
                self._strips.clear()
            strip = self._strips[key] = self.painted(row, width)
        return strip
