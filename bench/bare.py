"""The floor: a bare Textual app with a header, one line of text that a key changes, and a footer."""

from __future__ import annotations

from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.widgets import Footer, Header, Static


class BareApp(App[None]):
    """As little as an app can be."""

    BINDINGS: ClassVar[list[BindingType]] = [("x", "bump", "Bump"), ("q", "quit", "Quit")]
    count = 0

    def compose(self) -> ComposeResult:
        """A header, the line, a footer."""
        yield Header()
        yield Static("READY-MARKER 0", id="body")
        yield Footer()

    def action_bump(self) -> None:
        """Change the line."""
        self.count += 1
        self.query_one("#body", Static).update(f"READY-MARKER {self.count}")


if __name__ == "__main__":
    BareApp().run()
