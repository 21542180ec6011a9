"""A widget that keeps the strips of its lines until it looks otherwise."""

from __future__ import annotations

from collections.abc import Hashable

from textual.content import Content
from textual.strip import Strip
from textual.visual import Visual
from textual.widget import Widget


class Strips(Widget):
    """`_strips` holds what was drawn, by a key of the subclass's own choice; another theme or ground empties it."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._strips: dict[Hashable, Strip] = {}
        self._look: tuple[object, ...] = ()

    def notify_style_update(self) -> None:
        """Focus, theme or ground changed; only another look makes all strips old."""
        look = self.visual_style, self.app.theme
        if look != self._look:
            self._look = look
            self._strips.clear()
        super().notify_style_update()

    def painted(self, line: Content, width: int) -> Strip:
        """A line as a strip of `width` cells."""
        return Visual.to_strips(self, line, width, 1, self.visual_style, pad=True)[0]
