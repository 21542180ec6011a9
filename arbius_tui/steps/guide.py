"""The published guide against today: every place where it no longer works, shown by each face; nothing is changed."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from arbius_tui.domain.events import Done, Event, Found, plain
from arbius_tui.domain.guide import DRIFT, Drift
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Ask
from arbius_tui.domain.records import ChecksRecord
from arbius_tui.services.ports import Services
from arbius_tui.steps.base import Step
from arbius_tui.steps.checks import state_of

__all__ = ["Drift", "Guide", "drift"]


class Guide(Step):
    """The list. It belongs to the first step and leaves that step's word as it is."""

    name = "checks"

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield each place, in the guide's order."""
        for place in DRIFT:
            yield Found(place)
        known = journey.get(ChecksRecord)
        yield Done(True, 0, {"drift": plain(DRIFT)}, state_of(known.states) if known else "-")


def drift() -> tuple[Drift, ...]:
    """The list for a page that shows it at once."""
    return DRIFT
