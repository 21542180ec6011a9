"""The report of the last seed test as files: JSON, a page of Markdown, and the card for miners."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path

from arbius_tui import __version__
from arbius_tui.domain import report
from arbius_tui.domain.errors import NotReady
from arbius_tui.domain.events import Done, Event, Line
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Ask
from arbius_tui.domain.records import RegisterRecord, RunRecord, SeedTestRecord
from arbius_tui.services import files
from arbius_tui.services.ports import Services
from arbius_tui.steps.base import Step
from arbius_tui.steps.seed_case import state_of


class SeedReport(Step):
    """Write the report of the last seed test into this folder."""

    name = "seed_test"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield where each file lies; the step keeps its state."""
        record = journey.get(SeedTestRecord)
        if record is None or not record.cases:
            raise NotReady("no-seed-test", "nothing was tested yet", fix="run the test first")
        written = await asyncio.to_thread(write, self.folder, journey)
        for path in written:
            yield Line(f"written: {path}")
        yield Done(True, 0, {"written": [str(path) for path in written]}, state_of(journey))


def write(folder: Path, journey: Journey) -> list[Path]:
    """The files of the report, each written whole; NotReady `cannot-write`. Blocks."""
    test, run, registered = journey.get(SeedTestRecord), journey.get(RunRecord), journey.get(RegisterRecord)
    about = {
        "project": journey.project,
        "image": run.image if run else "",
        "image_id": run.image_id if run else "",
        "digest": run.digest if run else "",
        "arbius_tui": __version__,
    }
    found = report.report(test.__dict__ if test else {}, about)
    card = report.miner_card(found, registered.mined_id if registered else "")
    texts = {"seed-test.json": dump(found), "seed-test.md": report.markdown(found, card)}
    if card:
        texts |= {"miner-card.json": dump(card), "miner-card.go": report.go_snippet(card)}
    for name, text in texts.items():
        files.write(folder / name, text.encode("utf-8", "replace"))
    return [folder / name for name in texts]


def dump(value: object) -> str:
    """JSON for people."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
