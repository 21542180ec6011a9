"""Walks steps without a screen and says how it ended."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from arbius_tui.domain.events import Done, Line, Started
from arbius_tui.domain.journey import STEPS
from arbius_tui.domain.pinning import consent
from arbius_tui.domain.questions import Ask
from arbius_tui.domain.records import PinRecord, RegisterRecord, SeedTestRecord, TemplateRecord
from arbius_tui.plain.answers import Answers
from arbius_tui.plain.faces import Face
from arbius_tui.steps.base import TITLES, Step, Walk

AGAIN = frozenset({"checks", "run", "after"})
"""Steps that look at the world as it is now; a walk that goes on does them again."""


Stop = str | Step
"""A step by its name, or one that is made for this command."""


async def steps(walk: Walk, stops: Sequence[Stop], ask: Ask, face: Face) -> Done:
    """Run these steps one after the other; the last one's `Done` is given back and not shown."""
    done = Done(True)
    for place, stop in enumerate(stops, 1):
        name, step = (stop, None) if isinstance(stop, str) else (stop.name, stop)
        async for event in walk.run(name, ask, step):
            if isinstance(event, Done):
                done = event
            else:
                face.show(name, event)
        if not done.ok and not may_go_on(walk, name, ask):
            break
        if place < len(stops):
            face.show(name, done)
    return done


def may_go_on(walk: Walk, name: str, ask: Ask) -> bool:
    """Whether the registration may still ask for consent after a pin that nobody can fetch: an author must answer."""
    record = walk.journey.get(PinRecord)
    if name != "pin" or record is None or record.blocked or not isinstance(ask, Answers):
        return False
    question = consent(record)
    return question is not None and ask.can_answer(question)


async def everything(walk: Walk, ask: Ask, face: Face) -> Done:
    """All steps in order. What an earlier run finished is not done twice."""
    began = time.monotonic()
    done = Done(True)
    for name in STEPS:
        if walk.journey.state(name) in ("ok", "warn", "off") and name in walk.journey.records and name not in AGAIN:
            face.show(name, Started(TITLES[name]))
            face.show(name, Line("done in an earlier run"))
            face.show(name, Done(True))
            continue
        done = await steps(walk, [name], ask, face)
        face.show(name, done)
        if name == "model" and done.ok and wants_image(walk):
            from arbius_tui.steps.build import MakeImage

            done = await steps(walk, [MakeImage()], ask, face)
            face.show(name, done)
        if not done.ok and name != "checks" and not may_go_on(walk, name, ask):
            break
    return Done(done.ok, done.exit, summary(walk, time.monotonic() - began))


def wants_image(walk: Walk) -> bool:
    """Whether the next step has nothing to start: no image, no server that runs, and Docker's part is not left out."""
    record, services = walk.journey.records.get("model", {}), walk.services
    named = services.image or services.endpoints or "run" in walk.journey.records
    return services.builder is not None and not record.get("image") and not named


def summary(walk: Walk, seconds: float) -> Mapping[str, Any]:
    """What a rehearsal comes to."""
    journey = walk.journey
    register, template = journey.get(RegisterRecord), journey.get(TemplateRecord)
    seed = journey.get(SeedTestRecord)
    return {
        "model_id": register.mined_id if register else None,
        "cid": template.cid if template else None,
        "predicted_id": register.model_id if register else None,
        "sha256": list(seed.sha256) if seed else [],
        "seconds": round(seconds, 2),
    }
