"""Changes to the cases of the seed test, each kept at once: samples, cases added, rewritten or taken away, pairs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from arbius_tui.domain import case_edits
from arbius_tui.domain import cases as listed
from arbius_tui.domain.errors import Failure
from arbius_tui.domain.events import Done, Event, Found, Line, Saved, Trouble
from arbius_tui.domain.inputs import ModelInput
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Ask
from arbius_tui.domain.records import CasesRecord, RunRecord
from arbius_tui.domain.typed_inputs import written
from arbius_tui.services.ports import Services
from arbius_tui.steps import seed_case
from arbius_tui.steps.base import Step
from arbius_tui.steps.run import awake
from arbius_tui.steps.seed_plan import Change, Planned, about, edits_of, planned


@dataclass(frozen=True, slots=True)
class CasesSeen:
    """What the next test runs: how many cases, about how long, and what the author changed, as flags of a command.

    `inputs` are the model's own, `shared` what all cases send, and `stated` those of it that had to be made up.
    """

    kind: ClassVar[str] = "cases"
    id: str
    count: int
    about: str
    pairwise: bool
    flags: tuple[str, ...]
    inputs: tuple[ModelInput, ...]
    shared: Mapping[str, Any]
    stated: tuple[str, ...]


class EditCases(Step):
    """Change the cases, and say what they are now; without a change only that. Nothing is asked of the model but its
    inputs, and the step keeps the state that the last test left it. `back_to` are all changes as they were before.
    """

    name = "seed_test"

    def __init__(self, *changes: Change, schema: Path | None = None, back_to: CasesRecord | None = None) -> None:
        self.changes, self.schema, self.back_to = changes, schema, back_to

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield the changes as they are saved, then every case; one that cannot be is told, and nothing is changed."""
        try:
            async with aclosing(self.edited(journey, services)) as events:
                async for event in events:
                    yield event
        except Failure as failure:
            yield Trouble(failure.problem)
            yield Done(False, failure.exit_code, {}, seed_case.state_of(journey))

    async def edited(self, journey: Journey, services: Services) -> AsyncGenerator[Event, None]:
        """The same; every failure comes through."""
        before = journey.get(RunRecord) or RunRecord()
        record = before if self.schema else await awake(before, journey, services)
        if record != before:
            yield Line("the server had ended and was started again")
            yield Saved(record)
        if self.back_to:
            yield Saved(self.back_to)
            journey = journey.having(self.back_to)
        found = await planned(journey, record, services, Path(), schema=self.schema, changes=self.changes)
        if found.edits != edits_of(journey):
            yield Saved(found.record)
        for text in found.said:
            yield Line(text, "cases")
        for event in seen(found, journey):
            yield event
        result = {"cases": [listed.row_of(case) for case in found.plan.cases], "inputs": dict(found.plan.inputs)}
        yield Done(True, 0, result, seed_case.state_of(journey))


def seen(found: Planned, journey: Journey) -> list[Event]:
    """The cases and what is to be said of all of them."""
    plan, stated = found.plan, [i for i in found.sample.stated if i in found.plan.inputs]
    own = CasesSeen(
        "cases", len(plan.cases), about(len(plan.cases), journey), found.edits.pairwise,
        tuple(case_edits.flags(found.edits)), plan.known, plan.inputs, tuple(stated),
    )  # fmt: skip
    rows = [seed_case.seen(number, case, "1", plan.inputs) for number, case in enumerate(plan.cases, 1)]
    return [Found(own), *(Found(replace(row, status="listed")) for row in rows)]


class KeepTried(Step):
    """Keep a prediction that was tried as a case: it runs, and its seed gives the same bytes once more.

    `texts` are what was typed, by input, as the form of a prediction has it.
    """

    name = "run"

    def __init__(self, texts: Mapping[str, str], title: str = "") -> None:
        self.texts, self.title = texts, title

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield what was kept; the state of the server stays."""
        record = journey.get(RunRecord) or RunRecord()
        async for event in keep(self.texts, self.title, journey, record, services):
            yield event
        yield Done(True, 0, {}, "ok" if journey.state("run") in ("ok", "run") else "")


async def keep(
    texts: Mapping[str, str], title: str, journey: Journey, record: RunRecord, services: Services
) -> AsyncGenerator[Event, None]:
    """The tried inputs as two cases in the journey; an input that is no value of the model's is left out."""
    now = await planned(journey, record, services, Path())
    values = {item.name: value for item in now.plan.known if item.name != "seed"
              for value in kept_values(item, texts, now.plan.inputs)}  # fmt: skip
    seed = texts.get("seed", "").strip()
    first, again = case_edits.tried(values, int(seed) if seed.isdecimal() else None, now.plan.cases, title)
    rows = tuple(case_edits.text_of(case) for case in (first, again))
    found = await planned(journey, record, services, Path(), changes=[Change(cases=rows)])
    yield Saved(found.record)
    yield Line(f"kept for the seed test: {first.title}, seed {first.seed}, wanted twice with the same bytes", "cases")


def kept_values(item: ModelInput, texts: Mapping[str, str], shared: Mapping[str, Any]) -> Sequence[Any]:
    """The value of an input where it differs from what all cases send, else nothing."""
    if item.name not in texts:
        return []
    try:
        value = case_edits.checked({item.name: texts[item.name]}, [item]).get(item.name)
    except Failure:
        return []
    same = item.name in shared and written(shared[item.name]) == written(value)
    return [] if value is None or same else [value]
