"""Publish: Replicate. What is known is shown; pushing is not built yet, and it says so."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from arbius_tui.domain.errors import Fix, Problem
from arbius_tui.domain.events import Done, Event, Found, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Ask
from arbius_tui.domain.records import ModelRecord, RunRecord
from arbius_tui.services.ports import Services
from arbius_tui.steps.base import Step
from arbius_tui.steps.model import Fact

NOT_BUILT = Problem(
    "not-built-yet",
    "pushing to Replicate from here is not built yet",
    "others try your model there; the template's meta.docker names the digest",
    Fix(
        "log in and push by hand, then put the digest it prints into meta.docker",
        "cog login && cog push r8.im/OWNER/NAME",
    ),
    severity="info",
)


class Publish(Step):
    """Say what would be published."""

    name = "publish"

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield what is known, then what this version cannot do yet."""
        model, run = journey.get(ModelRecord), journey.get(RunRecord)
        folder = model.folder if model else "no folder was given"
        image = run.image if run and run.image else "none known: a server was taken as it runs"
        yield Found(Fact("model", "model", "ok" if model else "wait", folder, "cog push builds it once more"))
        yield Found(
            Fact("image", "image", "ok" if run and run.image else "off", image, "its digest is what miners run")
        )
        yield Trouble(NOT_BUILT)
        yield Done(True, 0, {"image": run.image if run else "", "digest": None}, "off")
