"""A screen whose step may have to wait for somebody elsewhere: a browser wallet, or a signer in a window of its own.

Beside another base it comes second, for Textual takes styles from the first: `class X(TableScreen, HandingScreen)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from textual import work as worker
from textual.content import Content

from arbius_tui.domain.events import plain
from arbius_tui.screens.base import StepScreen
from arbius_tui.widgets.pane import Cancelled
from arbius_tui.widgets.text import KEY, words

if TYPE_CHECKING:
    from arbius_tui.domain.events import Found
    from arbius_tui.widgets.handover import HandoverPane


class HandingScreen(StepScreen):
    """Shows a `Handover` in place of the finding until it is answered; Esc stops the step."""

    handed: HandoverPane | None = None

    def on_found(self, event: Found) -> None:
        """Something is wanted elsewhere, or happened there."""
        if event.item.kind == "handover":
            self.hand(plain(event.item))
        else:
            super().on_found(event)

    def hand(self, item: Mapping[str, Any]) -> None:
        """The pane for it, and a line in the log; the address is not logged, for it holds the token."""
        from arbius_tui.widgets.handover import Elsewhere, HandoverPane

        self.log_lines.feed(item["text"])
        if item["state"] in ("connected", "sent"):
            self.take_back()
            return
        if self.handed is None:
            self.handed = HandoverPane()
            self.put_pane(self.handed)
        self.handed.tell(Elsewhere(item["text"], item["url"], item["page"], item["tunnel"]))

    @worker(group="handover", exclusive=True, exit_on_error=False)
    async def put_pane(self, pane: HandoverPane) -> None:
        """As long as it stands; Esc stops the step."""
        try:
            await self.ask.put(pane)
        except Cancelled:
            self.handed = None
            self.cancel_job()

    def status(self) -> Content:
        """Who has the word."""
        if self.handed is None:
            return super().status()
        return words(("wait  ", KEY), "your wallet has the word; nothing happens before you answer there")

    def take_back(self) -> None:
        """Nobody is waited for any more."""
        if self.handed is not None:
            self.handed.reply("")
            self.handed = None

    def end(self) -> None:
        """However the step ended."""
        self.take_back()
        super().end()

    @worker(group="opening", exclusive=True, exit_on_error=False)
    async def on_handover_pane_opened(self, event: HandoverPane.Opened) -> None:
        """Open the page in the browser of this desktop."""
        from arbius_tui.screens.opening import open_file

        said = await open_file(event.page)
        self.say(
            "opened in your browser" if said == "opened" else "no browser here: open the address yourself, F4 copies it"
        )
