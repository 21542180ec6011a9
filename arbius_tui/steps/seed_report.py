"""The report of the last seed test as files: JSON, a page of Markdown, and the card for miners."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from arbius_tui import __version__
from arbius_tui.domain import report
from arbius_tui.domain.errors import Failure, NotReady
from arbius_tui.domain.events import Done, Event, Line
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Ask
from arbius_tui.domain.records import RegisterRecord, RunRecord, SeedTestRecord, TemplateRecord
from arbius_tui.services import files as on_disk
from arbius_tui.services import saving
from arbius_tui.services.ports import Output, Services
from arbius_tui.steps import seed_case
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
        written = await asyncio.to_thread(write, self.folder, journey, services.state)
        for path in written:
            yield Line(f"written: {path}")
        yield Done(True, 0, {"written": [str(path) for path in written]}, state_of(journey))


def write(folder: Path, journey: Journey, outputs: Path | None) -> list[Path]:
    """The files of the report, each written whole; NotReady `cannot-write`. `outputs` lie in this state. Blocks."""
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
    if card and (names := template_names(journey.get(TemplateRecord), card)):
        card = report.renamed(card, names, committed_as(names, found, card, outputs))
    texts = {"seed-test.json": dump(found), "seed-test.md": report.markdown(found, card)}
    if card:
        texts |= {"miner-card.json": dump(card), "miner-card.go": report.go_snippet(card)}
    for name, text in texts.items():
        on_disk.write(folder / name, text.encode("utf-8", "replace"))
    return [folder / name for name in texts]


def template_names(record: TemplateRecord | None, card: Mapping[str, Any]) -> tuple[str, ...]:
    """The names that the template gives the outputs, where they are others than ours and as many; else none."""
    from arbius_tui.domain.template import Template

    files = [file["filename"] for file in card["known_answer"]["files"]]
    try:
        template = Template.parse(on_disk.read(Path(record.path))) if record and record.path else None
    except Failure:
        return ()
    names = tuple(output.filename for output in template.outputs) if template else ()
    plain = all(name and "/" not in name and name not in (".", "..") for name in names)
    usable = plain and len(set(names)) == len(names) == len(files)
    return names if usable and list(names) != files else ()


def committed_as(
    names: Sequence[str], found: Mapping[str, Any], card: Mapping[str, Any], state: Path | None
) -> str | None:
    """The CID of the folder of the first run's outputs under these names; None when they are not here any more."""
    first = next(case for case in found["cases"] if case["expect"] == "base")
    place = seed_case.place(seed_case.outputs(state), first["endpoint"], first["id"]) if state else None
    if place is None:
        return None
    kept = [Output(o["filename"], o["mime"], o["bytes"], o["sha256"]) for o in card["known_answer"]["files"]]
    kept = [replace(output, path=str(place / output.filename)) for output in kept]
    return saving.committed(kept, names)


def dump(value: object) -> str:
    """JSON for people."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
