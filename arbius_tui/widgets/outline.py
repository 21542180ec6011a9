"""The outline of a template: a table whose digits go to the input of that number."""

from __future__ import annotations

from time import monotonic

from textual.events import Key

from arbius_tui.widgets.table import Table


class Outline(Table):
    """Rows by their parts: `input/0` is input 1, whatever stands above it."""

    def on_key(self, event: Key) -> None:
        """Digits go to an input; further digits within a moment belong to the first."""
        event.prevent_default()
        if not (event.character and event.character.isascii() and event.character.isdigit()):
            self._digits = ""
            return
        now = monotonic()
        longer = self._digits + event.character if now - self._digit_at < self.DIGIT_PAUSE else event.character
        number = next((n for n in (longer, event.character) if f"input/{int(n) - 1}" in self.rows.places), "")
        self._digits, self._digit_at = number, now
        if number:
            event.stop()
            self.go(f"input/{int(number) - 1}")
