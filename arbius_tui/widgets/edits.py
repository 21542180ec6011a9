"""The last steps of a history, and what could be redone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from textual.content import Content
from textual.geometry import Size

from arbius_tui.widgets.frame import Lines
from arbius_tui.widgets.text import line


class Named(Protocol):
    """A step of a history."""

    @property
    def name(self) -> str:
        """What was done."""


class LastEdits(Lines):
    """Always the same number of lines, so that an edit is a repaint."""

    ROOM = 5

    def __init__(self) -> None:
        super().__init__()
        self.past: Sequence[Named] = ()
        self.future: Sequence[Named] = ()

    def show(self, past: Sequence[Named], future: Sequence[Named]) -> None:
        """The history as it is now."""
        self.past, self.future = past, future
        self.refresh()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """A heading and four steps."""
        return self.ROOM

    def lines(self, width: int) -> Iterable[Content]:
        """The newest step first and in ink; what could be redone before it."""
        rows = [line(("LAST EDITS", "$muted"))]
        if self.future:
            rows.append(line(("redo ", "$muted"), (self.future[0].name, "$muted")))
        for number, step in enumerate(reversed(self.past[-self.ROOM :])):
            rows.append(line((step.name, "$ink" if not number else "$muted")))
        if len(rows) == 1:
            rows.append(line(("none yet", "$muted")))
        return rows[: self.ROOM]
