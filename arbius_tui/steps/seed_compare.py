"""Two runs of the seed test side by side: what differs in their outputs, and by how much."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from arbius_tui.domain import comparison_words
from arbius_tui.domain.errors import BadInput, NotReady
from arbius_tui.domain.events import Done, Event, Found
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Ask
from arbius_tui.domain.records import SeedTestRecord
from arbius_tui.services.comparison import compare
from arbius_tui.services.ports import Services
from arbius_tui.steps import seed_case
from arbius_tui.steps.base import Step
from arbius_tui.steps.seed_case import CaseSeen

PANE = 46
"""Cells of a line of the comparison."""


@dataclass(frozen=True, slots=True)
class ComparisonSeen:
    """Two outputs compared: the verdict in one line, then all there is to say, a line each."""

    kind: ClassVar[str] = "comparison"
    id: str
    one: str
    other: str
    filename: str
    equal: bool
    near: str
    verdict: str
    lines: tuple[str, ...]


class SeedCompare(Step):
    """Compare the outputs of two runs of the last test, each named `case` or `server/case`."""

    name = "seed_test"

    def __init__(self, one: str, other: str) -> None:
        self.one, self.other = one, other

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield a comparison for each output; the step keeps its state."""
        record = journey.get(SeedTestRecord)
        if record is None or not record.cases or services.state is None:
            raise NotReady("no-seed-test", "nothing was tested yet", fix="run the test first: arbius-tui seed-test")
        cases = [seed_case.read(row) for row in record.cases]
        one, other = named(cases, self.one), named(cases, self.other)
        folder = seed_case.outputs(services.state)
        results: list[dict[str, object]] = []
        for number, (first, second) in enumerate(zip(one.outputs, other.outputs, strict=False), 1):
            paths = [kept(folder, one, first.filename), kept(folder, other, second.filename)]
            found = await compare(paths[0], paths[1], second.mime)
            verdict, lines = comparison_words.verdict(found), tuple(comparison_words.lines(found, PANE))
            name = second.filename
            yield Found(
                ComparisonSeen(str(number), label(one), label(other), name, found.equal, found.near, verdict, lines)
            )
            results.append({"filename": name, "equal": found.equal, "near": found.near, "verdict": verdict})
        if len(one.outputs) != len(other.outputs):
            said = f"{len(one.outputs)} and {len(other.outputs)} outputs"
            yield Found(ComparisonSeen("count", label(one), label(other), "", False, "", said, ()))
        yield Done(True, 0, {"one": label(one), "other": label(other), "outputs": results}, seed_case.state_of(journey))


def label(case: CaseSeen) -> str:
    """How a run is named: by its case, on another server than the first with that."""
    return case.id if case.endpoint == "1" else f"{case.endpoint}/{case.id}"


def named(cases: Sequence[CaseSeen], text: str) -> CaseSeen:
    """The run of this name; BadInput where there is none or it has no output."""
    found = next((case for case in cases if text in (label(case), f"{case.endpoint}/{case.id}")), None)
    if found is None:
        known = ", ".join(label(case) for case in cases[:40])
        raise BadInput("no-such-case", f"the last test has no case {text[:60]!r}", fix=f"one of: {known}")
    if not found.outputs:
        raise BadInput(
            "no-output", f"{label(found)} gave no output", why="there is nothing to compare", fix="choose another"
        )
    return found


def output_path(services: Services, case: CaseSeen) -> Path | None:
    """Where the first output of a run lies, if it was kept."""
    if services.state is None or not case.outputs:
        return None
    try:
        return kept(seed_case.outputs(services.state), case, case.outputs[0].filename)
    except NotReady:
        return None


def kept(folder: Path, case: CaseSeen, filename: str) -> Path:
    """Where an output of a run lies; NotReady when it was too large to be kept, or is gone."""
    path = seed_case.place(folder, case.endpoint, case.id) / filename
    if not path.is_file():
        raise NotReady(
            "output-not-kept",
            f"the output of {label(case)} is not here any more",
            why="outputs of more than 64 MB in all are hashed and not kept",
            fix="run the test again",
        )
    return path
