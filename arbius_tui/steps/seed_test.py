"""Seed test: the proof that a seed means one output, and the likely reason when it does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

from arbius_tui.domain import inputs
from arbius_tui.domain import reproducibility as proof
from arbius_tui.domain.errors import Failure, NotReady, NotReproducible, Problem
from arbius_tui.domain.events import Done, Event, Found, Line, Progress, Saved, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Ask
from arbius_tui.domain.records import RunRecord, SeedTestRecord
from arbius_tui.services.ports import Prediction, Server, Services
from arbius_tui.steps.base import Step
from arbius_tui.steps.run import asked, awake, watched

CASE_LIMIT = 900.0
"""Seconds a single prediction may take."""


@dataclass(frozen=True, slots=True)
class CaseSeen:
    """A case as it stands. `status`: wait, run, succeeded, failed, skipped. Equal outputs carry the same `letter`."""

    kind: ClassVar[str] = "case"
    id: str
    number: int
    title: str
    seed: int
    endpoint: str
    inputs: Mapping[str, Any]
    status: str = "wait"
    verdict: str = ""
    wanted: bool = True
    seconds: float = 0.0
    outputs: tuple[proof.Hashed, ...] = ()
    folder_cid: str | None = None
    error: str = ""
    letter: str = ""
    why: str = ""
    code: str = ""
    """Of the error."""


class SeedTest(Step):
    """Run the standard cases one after the other on the running server."""

    name = "seed_test"

    def __init__(self) -> None:
        self.server = Server("")
        self.outcomes: list[proof.Outcome] = []

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield every case as `wait`, then each as it runs and ends, then the diagnosis."""
        before = journey.get(RunRecord) or RunRecord()
        record = await awake(before, journey, services)
        if record != before:
            yield Line("the server had ended and was started again")
            yield Saved(record)
        self.server = Server(record.url, record.pid, record.container, bool(record.pid or record.container))
        sample = inputs.sample(inputs.read(await services.predictions.schema(self.server.url)))
        if sample.impossible:
            raise needs_sample(sample.impossible)
        if sample.stated:
            yield Line(f"made up, because they have no default: {', '.join(sample.stated)}", "sample")
        cases = proof.standard_cases()
        for number, case in enumerate(cases, 1):
            yield Found(self.seen(number, case, sample.inputs))
        for number, case in enumerate(cases, 1):
            yield Progress("cases", number - 1, len(cases), "cases")
            now = self.seen(number, case, sample.inputs)
            yield Found(replace(now, status="run"))
            was = self.server
            outcome = await self.outcome(case, services, sample.inputs)
            if self.server != was:
                yield Saved(replace(record, url=self.server.url, pid=self.server.pid, container=self.server.container))
            self.outcomes.append(outcome)
            yield Found(self.judged(now, outcome))
        yield Progress("cases", len(cases), len(cases), "cases")
        async for event in self.conclude(record, sample.inputs):
            yield event

    async def outcome(self, case: proof.Case, services: Services, sample: Mapping[str, Any]) -> proof.Outcome:
        """Run one case; whatever becomes of it is an outcome."""
        try:
            if case.before == "pause":
                await asyncio.sleep(proof.PAUSE)
            if case.before == "restart":
                self.server = await services.servers.restart(self.server)
                async for _ in watched(self.server, services, limit=CASE_LIMIT):
                    pass
        except NotReady as failure:
            if failure.problem.code == "not-ours":
                return proof.Outcome(case, skipped=failure.problem.what)
            return proof.Outcome(case, problem=failure.problem)
        try:
            found = await asked(self.server, services, {**sample, "seed": case.seed}, CASE_LIMIT)
        except Failure as failure:
            return proof.Outcome(case, problem=failure.problem)
        return proof.Outcome(case, hashed(found), seconds=found.seconds)

    def seen(self, number: int, case: proof.Case, sample: Mapping[str, Any]) -> CaseSeen:
        """A case before it runs."""
        values = {**sample, "seed": case.seed}
        return CaseSeen(case.id, number, case.title, case.seed, self.server.url, values)

    def judged(self, now: CaseSeen, outcome: proof.Outcome) -> CaseSeen:
        """A case that ended."""
        verdict = proof.judge(outcome, self.outcomes[0])
        status = "skipped" if outcome.skipped else "failed" if outcome.problem else "succeeded"
        return replace(
            now,
            status=status,
            verdict=verdict.verdict,
            wanted=verdict.wanted,
            seconds=round(outcome.seconds, 3),
            outputs=outcome.outputs,
            error=outcome.problem.what if outcome.problem else "",
            code=outcome.problem.code if outcome.problem else "",
            letter=proof.letters(self.outcomes).get(outcome.case.id, ""),
            why=verdict.note,
        )

    async def conclude(self, record: RunRecord, sample: Mapping[str, Any]) -> AsyncGenerator[Event, None]:
        """The diagnosis, what is kept, and the end."""
        proved = proof.prove(self.outcomes)
        cases = [self.judged(self.seen(n, outcome.case, sample), outcome) for n, outcome in enumerate(self.outcomes, 1)]
        for problem in proved.diagnosis:
            yield Trouble(problem)
        hashes = tuple(o.digests[0] for o in self.outcomes if o.ran)
        mime = next((o.outputs[0].mime for o in self.outcomes if o.ran), "")
        rows = tuple(case_row(case) for case in cases)
        yield Saved(SeedTestRecord(proved.reproducible, hashes, rows, mime))
        if not proved.reproducible and not proved.diagnosis:
            yield Trouble(unproved())
        result = {
            "reproducible": proved.reproducible,
            "endpoints": [
                {
                    "id": "1",
                    "url": self.server.url,
                    "gpu": record.gpu,
                    "driver": "",
                    "cog": record.cog,
                    "cpu_only": record.cpu_only,
                }
            ],
            "cases": list(rows),
            "diagnosis": list(proved.diagnosis),
        }
        yield Done(proved.reproducible, 0 if proved.reproducible else NotReproducible.exit_code, result)


def hashed(found: Prediction) -> tuple[proof.Hashed, ...]:
    """A prediction's outputs as the proof compares them."""
    return tuple(proof.Hashed(o.filename, o.mime, o.bytes, o.sha256) for o in found.outputs)


def case_row(case: CaseSeen) -> dict[str, Any]:
    """A case as scripts read it and as the journey keeps it."""
    row = asdict(case)
    return {key: list(value) if isinstance(value, tuple) else value for key, value in row.items() if key != "number"}


def needs_sample(names: tuple[str, ...]) -> NotReady:
    """An input that only the author can give."""
    return NotReady(
        "needs-sample",
        f"the model wants {', '.join(names)}, which has no default and cannot be made up",
        why="the test sends what a miner would send when a user gives nothing",
        fix="give this input a default in the predictor; miners can send only text and numbers",
    )


def unproved() -> Problem:
    """Too little ran to say anything."""
    return Problem(
        "not-proved",
        "too few cases ran to prove anything",
        "a proof needs the first run, its repeat and another seed",
    )
