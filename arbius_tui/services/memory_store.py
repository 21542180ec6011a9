"""A journey that is kept nowhere: for commands that are given everything they need."""

from __future__ import annotations

from arbius_tui.domain.journey import Journey, Record


class MemoryStore:
    """Implements Store without a file and without a lock."""

    def __init__(self, journey: Journey) -> None:
        self.journey = journey

    def load(self) -> Journey:
        """The journey as it stands."""
        return self.journey

    def apply(self, change: Record) -> Journey:
        """The journey after this change."""
        self.journey = self.journey.having(change)
        return self.journey
