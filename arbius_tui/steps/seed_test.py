"""Seed test: the proof that a seed means one output on every server, and the likely reason when it does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from arbius_tui.domain import cases as listed
from arbius_tui.domain import reproducibility as proof
from arbius_tui.domain.errors import Fix, NotReproducible, Problem
from arbius_tui.domain.events import Done, Event, Found, Line, Progress, Saved, Trouble, plain
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Ask
from arbius_tui.domain.records import RunRecord, SeedTestRecord
from arbius_tui.services import files
from arbius_tui.services.case_log import CaseLog
from arbius_tui.services.passing import passing
from arbius_tui.services.ports import Services
from arbius_tui.steps import seed_case, seed_report
from arbius_tui.steps.base import Step
from arbius_tui.steps.merging import merged
from arbius_tui.steps.run import READY_LIMIT, awake, moved
from arbius_tui.steps.seed_case import NOT_OVER, CaseSeen
from arbius_tui.steps.seed_plan import Change, Plan, planned
from arbius_tui.steps.seed_servers import Machines, allowed, image_for, one_server, servers
from arbius_tui.steps.seed_track import Control, Track

AT_ONCE = 8
"""Servers that work at the same time; each has one prediction at a time."""


LOG = "cases.jsonl"
"""What is over of a test that is under way; the file goes with the end of the test."""


class SeedTest(Step):
    """Run the cases on every server.

    `cases` is a file of them, `change` what is to change about the model's own first, `schema` a document that says the
    inputs in place of the server's. With `again` the cases of the last test that were as wanted are kept, and the
    others run once more. `report` is a folder for the report, `limit` the seconds that another server has to become
    READY. `machines` are servers beside those of the command line.
    """

    name = "seed_test"

    def __init__(
        self,
        *,
        cases: Path | None = None,
        change: Change | None = None,
        schema: Path | None = None,
        again: bool = False,
        report: Path | None = None,
        limit: float = READY_LIMIT,
        control: Control | None = None,
        machines: Machines | None = None,
    ) -> None:
        self.cases, self.schema, self.again, self.report = cases, schema, again, report
        self.changes = (change,) if change else ()
        self.machines = machines or Machines()
        self.limit, self.control = limit, control or Control()
        self.tracks: list[Track] = []
        self.letters = proof.Letters()
        self.shown: dict[tuple[str, str], CaseSeen] = {}

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield every server and case as `wait`, then each as it runs and ends, then the diagnosis."""
        before = journey.get(RunRecord) or RunRecord()
        seen = [server for server, _ in servers(before, services, self.machines.also)]
        self.machines.check(seen)
        image_for(before, services, self.machines.image, seen)
        record = await awake(before, journey, services)
        if record != before:
            yield Line("the server had ended and was started again")
            yield Saved(record)
        with workplace(services) as folder:
            async with aclosing(self.proved(journey, record, services, folder, ask)) as events:
                async for event in events:
                    yield event

    async def proved(
        self, journey: Journey, record: RunRecord, services: Services, folder: Path, ask: Ask
    ) -> AsyncGenerator[Event, None]:
        """All cases on all servers, their outputs in this folder."""
        here = list(servers(record, services, self.machines.also))
        found = await planned(
            journey, record, services, folder, cases=self.cases, schema=self.schema, changes=self.changes
        )
        plan = found.plan
        if self.changes:
            yield Saved(found.record)
        for text in found.said:
            yield Line(text, "cases")
        async with aclosing(allowed([seen for seen, _ in here], services, ask, len(plan.cases))) as events:
            async for event in events:
                yield event
        log = await self.log(plan, record, services, folder)
        kept = await asyncio.to_thread(self.recalled, log, journey)
        if any(case.status not in NOT_OVER for case in kept):
            yield Line(f"{len(kept)} finished cases of the last time are kept")
        self.tracks = [Track(seen, server, plan, services, self.control, log) for seen, server in here]
        image = image_for(record, services, self.machines.image, [seen for seen, _ in here])
        for track in self.tracks:
            track.image = image
            track.recall(kept)
            yield Found(track.endpoint)
        for event in self.waiting(plan):
            yield event
        async with aclosing(self.tested(plan, services)) as events:
            async for event in events:
                yield event
        if self.tracks[0].server.url != record.url:
            record = moved(record, self.tracks[0].server)
            yield Saved(record)
        await asyncio.to_thread(log.close)
        async for event in self.conclude(journey, services):
            yield event

    async def log(self, plan: Plan, record: RunRecord, services: Services, folder: Path) -> CaseLog:
        """Where finished cases are kept. Only those of the very same test on the very same process are taken again."""
        health = await services.predictions.health(record.url)
        subject = {
            "cases": [asdict(case) for case in plan.cases],
            "inputs": dict(plan.inputs),
            "servers": [record.image_id or record.url, *services.endpoints[1:], *self.machines.also],
        }
        return CaseLog(folder / LOG, subject, f"{record.url} {health.since}")

    def recalled(self, log: CaseLog, journey: Journey) -> list[CaseSeen]:
        """Finished cases that need not run again: those before a kill, or those that were as wanted."""
        rows = [seed_case.read(row) for row in log.open()]
        if not self.again:
            return rows
        last = journey.get(SeedTestRecord) or SeedTestRecord()
        known = [seed_case.read(row) for row in last.cases]
        planned = [case for case in known if not case.id.startswith("further-")]
        return rows or [case for case in planned if case.wanted and case.status == "succeeded"]

    def waiting(self, plan: Plan) -> Iterator[Event]:
        """Every case before it runs, or as it ended before."""
        for track in self.tracks:
            for number, case in enumerate(plan.cases, 1):
                now = seed_case.seen(number, case, track.endpoint.id, plan.inputs)
                yield Found(self.told(track, now) if case.id in track.outcomes else now)

    async def tested(self, plan: Plan, services: Services) -> AsyncGenerator[Event, None]:
        """The events of all servers as they come."""
        total, over = len(plan.cases) * len(self.tracks), 0
        yield Progress("cases", 0, total, "cases")
        streams = [one_server(track, self.tracks, services, self.machines, self.limit) for track in self.tracks]
        async with aclosing(merged(streams, AT_ONCE)) as events:
            async for event in events:
                if isinstance(event, Found) and isinstance(event.item, CaseSeen) and event.item.status not in NOT_OVER:
                    over += 1
                    yield Found(self.told(self.track(event.item.endpoint), event.item))
                    total = max(total, over)
                    yield Progress("cases", over, total, "cases")
                else:
                    yield event

    def track(self, endpoint: str) -> Track:
        """The walk of one server."""
        return next(track for track in self.tracks if track.endpoint.id == endpoint)

    def told(self, track: Track, now: CaseSeen) -> CaseSeen:
        """A case that is over, with the verdict that all servers together give it."""
        outcome, own, first = track.outcomes[now.id], track.judge(now.id), self.tracks[0]
        found = proof.differs_from_first(outcome, own, first.outcomes, first.endpoint.id) or own
        case = replace(track.judged(now, found), letter=self.letters.of(outcome))
        self.shown[case.key] = case
        return case

    def hindsight(self) -> Iterator[Event]:
        """Cases whose verdict changed when another server ended the same one."""
        for case in list(self.shown.values()):
            if (now := self.told(self.track(case.endpoint), case)) != case:
                yield Found(now)

    def record(self, found: proof.Comparison) -> SeedTestRecord:
        """What the journey keeps."""
        rows = [seed_case.row(case) for case in sorted(self.shown.values(), key=lambda c: (c.number, c.endpoint))]
        first = [o for o in self.tracks[0].outcomes.values() if o.ran]
        return SeedTestRecord(
            found.reproducible,
            tuple(o.digests[0] for o in first),
            tuple(rows),
            first[0].outputs[0].mime if first else "",
            tuple(asdict(track.endpoint) for track in self.tracks),
            tuple(plain(problem) for problem in found.diagnosis),
            datetime.now(UTC).isoformat(timespec="seconds"),
        )

    async def conclude(self, journey: Journey, services: Services) -> AsyncGenerator[Event, None]:
        """What changed in hindsight, the diagnosis, what is kept, the report, and the end."""
        for event in self.hindsight():
            yield event
        found = proof.compare_servers({t.endpoint.id: list(t.outcomes.values()) for t in self.tracks})
        for problem in found.diagnosis or ([] if found.reproducible else [unproved(self.tracks)]):
            yield Trouble(problem)
        record = self.record(found)
        yield Saved(record)
        if self.report:
            for path in await asyncio.to_thread(seed_report.write, self.report, journey.having(record), services.state):
                yield Line(f"written: {path}")
        result = {"endpoints": list(record.endpoints), "cases": list(record.cases), "diagnosis": list(found.diagnosis)}
        code = 0 if found.reproducible else NotReproducible.exit_code
        yield Done(found.reproducible, code, {"reproducible": found.reproducible, **result})


class WriteCases(Step):
    """Write the cases that the model's inputs call for to a file, to be changed and replayed."""

    name = "seed_test"

    def __init__(self, path: Path, schema: Path | None = None, change: Change | None = None) -> None:
        self.path, self.schema, self.changes = path, schema, (change,) if change else ()

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield where the file lies; nothing is asked of the model but its inputs."""
        record = journey.get(RunRecord) or RunRecord()
        found = await planned(journey, record, services, Path(), schema=self.schema, changes=self.changes)
        plan = found.plan
        if self.changes:
            yield Saved(found.record)
        for text in found.said:
            yield Line(text, "cases")
        await asyncio.to_thread(files.write, self.path, listed.written(plan.cases, plan.inputs).encode())
        yield Line(f"written: {self.path}, {len(plan.cases)} cases")
        yield Done(True, 0, {"cases": len(plan.cases), "path": str(self.path)}, seed_case.state_of(journey))


@contextmanager
def workplace(services: Services) -> Iterator[Path]:
    """Where outputs and finished cases lie: in the project's state; for a journey that is not kept, until the end."""
    if services.lasting and services.state:
        yield seed_case.outputs(services.state)
    else:
        with passing(services.state, services.endpoints, LOG) as folder:
            yield folder


def unproved(tracks: Sequence[Track]) -> Problem:
    """Too little ran to say anything, perhaps because a server is missing."""
    if gone := [track for track in tracks if track.gone]:
        named = "; ".join(f"server {track.endpoint.id}: {track.gone}" for track in gone)
        return Problem(
            "not-proved",
            f"nothing is proved for a server that is missing ({named})",
            "the proof is for all servers that were named, and for no others",
            Fix("mend what is said of it, or leave it out, then test again"),
        )
    return Problem(
        "not-proved",
        "too few cases ran to prove anything",
        "a proof needs the first run, its repeat and another seed",
    )
