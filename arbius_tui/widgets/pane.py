"""Something below the table that wants an answer; ask.py has the panes and is loaded with the first question."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from textual.message import Message
from textual.widget import Widget


class Cancelled(asyncio.CancelledError):
    """The author went back instead of answering; the step ends calmly, as if its job had been cancelled."""


class Pane(Widget):
    """Something that wants an answer: its keys, whether the first is filled, and what F4 copies."""

    hints: Sequence[str] = ()
    filled = True
    copied = ""

    class Changed(Message):
        """The keys of the open pane changed, or it came or went."""

    def __init__(self) -> None:
        super().__init__()
        self.answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def reply(self, value: str) -> None:
        """Give the answer, once."""
        if not self.answer.done():
            self.answer.set_result(value)

    def escape(self) -> None:
        """Back: no answer."""
        if not self.answer.done():
            self.answer.set_exception(Cancelled())

    def target(self) -> Widget:
        """The widget that takes the focus."""
        return self

    def show_keys(self, hints: Sequence[str], *, filled: bool = True) -> None:
        """Other keys."""
        self.hints, self.filled = hints, filled
        self.post_message(self.Changed())
