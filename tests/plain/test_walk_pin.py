"""A pin that nobody can fetch ends a walk, unless the author can be asked whether to register all the same."""

from __future__ import annotations

import io
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from arbius_tui.domain.events import Done, Event, Saved
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Ask
from arbius_tui.domain.records import PinRecord
from arbius_tui.plain.answers import Answers
from arbius_tui.plain.faces import JsonFace
from arbius_tui.plain.walk import steps
from arbius_tui.services.memory_store import MemoryStore
from arbius_tui.services.ports import Services
from arbius_tui.steps.base import Step, Walk

ALONE = ({"id": "kubo", "alone": True},)


class Unfetchable(Step):
    """Pins as a node that is offline does."""

    name = "pin"

    def __init__(self, **record: Any) -> None:
        self.record = PinRecord(cid="Qm", **record)

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        yield Saved(self.record)
        yield Done(False, 6)


class After(Step):
    """What comes then."""

    name = "wallet"

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        yield Done(True)


async def exit_of(pin: Step, *, person: bool = False, **given: str) -> int:
    journey = Journey("p", "one", "", "pin", {}, {"template": {"path": "t.json"}}, "2026-01-02T12:41:07")
    services: Any = None
    ask = Answers({key.replace("_", "-"): value for key, value in given.items()}, person=person, rehearsal=False,
                  out=io.StringIO())  # fmt: skip
    done = await steps(Walk(MemoryStore(journey), services), [pin, After()], ask, JsonFace(io.StringIO()))
    return done.exit


@pytest.mark.parametrize("stores", [(), ALONE])
async def test_with_somebody_to_ask_the_walk_goes_on(stores: tuple[dict[str, Any], ...]) -> None:
    assert await exit_of(Unfetchable(stores=stores), person=True) == 0
    assert await exit_of(Unfetchable(stores=stores), not_pinned="yes") == 0


@pytest.mark.parametrize("stores", [(), ALONE])
async def test_with_nobody_to_ask_it_ends_with_the_pin(stores: tuple[dict[str, Any], ...]) -> None:
    assert await exit_of(Unfetchable(stores=stores)) == 6


async def test_bytes_that_must_not_be_registered_end_it_in_any_case() -> None:
    assert await exit_of(Unfetchable(blocked="the engine computes another CID"), person=True, not_pinned="yes") == 6


async def test_a_pin_that_failed_though_others_may_fetch_ends_it() -> None:
    assert await exit_of(Unfetchable(stores=({"id": "kubo"},)), person=True, not_pinned="yes") == 6
