"""One server's walk through the cases of the seed test."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from arbius_tui.domain import reproducibility as proof
from arbius_tui.domain.cases import Case
from arbius_tui.domain.comparison_words import verdict
from arbius_tui.domain.errors import BadInput, Failure, NotReady, Problem
from arbius_tui.domain.events import Event, Found, Line
from arbius_tui.domain.health import ENDED
from arbius_tui.services import saving
from arbius_tui.services.case_log import CaseLog
from arbius_tui.services.comparison import compare
from arbius_tui.services.notes import heard
from arbius_tui.services.ports import Output, Server, Services
from arbius_tui.steps import seed_case
from arbius_tui.steps.merging import told_while
from arbius_tui.steps.run import asked, watched
from arbius_tui.steps.seed_case import CaseSeen, EndpointSeen
from arbius_tui.steps.seed_plan import Plan

T = TypeVar("T")

CASE_LIMIT = 900.0
"""Seconds a single prediction may take at most."""
PATIENCE, SLOWER = 60.0, 20.0
"""Seconds that every prediction has, and how many times that of the slowest one before: 500 steps for 50 pass."""

REVIVALS = 3
"""How often a server that a case ended is started again; a model that dies each time is known well enough then."""

NOT_ITS_FAULT = frozenset({"server-broken", "endpoint-unreachable"})
"""Codes of a case that found the server dead: it runs once more when the server is back."""

USELESS = frozenset(
    {"replicate-token", "replicate-no-token", "replicate-payment", "replicate-forbidden", "replicate-not-found",
     "replicate-limit"}
)  # fmt: skip
"""Codes of a failure after which every other case would fail in the same way."""

DEAD = frozenset(
    {*ENDED, "timeout", "model-crashed", "endpoint-lost", "endpoint-unreachable", "server-broken", "not-a-cog-server"}
)
"""Codes of a failure after which the server may answer nothing any more."""


@dataclass
class Control:
    """What the author may do while the test runs: hold it before the next case, and leave out the case that runs."""

    going: asyncio.Event = field(default_factory=asyncio.Event)
    at_work: dict[tuple[str, str], asyncio.Task[Any]] = field(default_factory=dict)
    left_out: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.going.set()

    @property
    def held(self) -> bool:
        """Whether no further case begins."""
        return not self.going.is_set()

    def hold(self) -> None:
        """Begin no further case."""
        self.going.clear()

    def go_on(self) -> None:
        """Begin the next case."""
        self.going.set()

    def leave_out(self, key: tuple[str, str]) -> bool:
        """Stop this case of (server, case); False when it does not run."""
        task = self.at_work.get(key)
        if task is None:
            return False
        self.left_out.add(key)
        return task.cancel()

    async def run(self, key: tuple[str, str], work: Coroutine[Any, Any, T]) -> T | None:
        """What the work gives; None when the author left it out."""
        task: asyncio.Task[T] = asyncio.ensure_future(work)
        self.at_work[key] = task
        try:
            return await task
        except asyncio.CancelledError:
            if key not in self.left_out or not task.cancelled():
                raise
            return None
        finally:
            task.cancel()
            del self.at_work[key]


class Track:
    """Runs the cases one after the other on one server, and starts it again after a case that ended it, if it may."""

    def __init__(
        self, endpoint: EndpointSeen, server: Server, plan: Plan, services: Services, control: Control, log: CaseLog
    ) -> None:
        self.endpoint, self.server, self.plan = endpoint, server, plan
        self.services, self.control, self.log = services, control, log
        self.outcomes: dict[str, proof.Outcome] = {}
        self.kept: dict[str, tuple[Output, ...]] = {}
        self.cids: dict[str, str | None] = {}
        self.gone, self.revivals = "", 0
        self.image = ""
        """What is started on another machine."""
        self.notes: asyncio.Queue[str] = asyncio.Queue()

    def recall(self, cases: Sequence[CaseSeen]) -> None:
        """Take the cases that are over already."""
        for case in cases:
            if case.endpoint == self.endpoint.id:
                self.outcomes[case.id] = seed_case.outcome(case)
                self.cids[case.id] = case.folder_cid

    async def run(self) -> AsyncGenerator[Event, None]:
        """Yield each case as it begins and as it ends."""
        yield Found(replace(self.endpoint, state="run"))
        async for event in self.each(self.plan.cases, 1):
            yield event
        more = () if self.gone else proof.further(list(self.outcomes.values()))
        async for event in self.each(more, len(self.plan.cases) + 1):
            yield event
        ok = all(self.judge(case.id).wanted for case in (*self.plan.cases, *more))
        self.endpoint = replace(self.endpoint, state="ok" if ok and not self.gone else "FAIL", why=self.gone)
        yield Found(self.endpoint)

    async def each(self, cases: Sequence[Case], first: int) -> AsyncGenerator[Event, None]:
        """These cases one after the other, numbered from `first`; what is known already is told only."""
        for number, case in enumerate(cases, first):
            now = seed_case.seen(number, case, self.endpoint.id, self.plan.inputs)
            if case.id not in self.outcomes:
                await self.control.going.wait()
                async for event in self.one(case, now):
                    yield event
            yield Found(self.judged(now))

    async def one(self, case: Case, now: CaseSeen) -> AsyncGenerator[Event, None]:
        """One case from its beginning to its outcome, on disk before anybody is told."""
        if self.gone:
            self.outcomes[case.id] = proof.Outcome(case, skipped=self.gone)
            return
        yield Found(replace(now, status="run"))
        working = asyncio.ensure_future(self.control.run(now.key, self.outcome(case)))
        async with aclosing(told_while(working, self.notes)) as notes:
            async for text in notes:
                yield Line(f"server {self.endpoint.id}: {text}")
        outcome = await working
        self.outcomes[case.id] = outcome or proof.Outcome(case, skipped=proof.LEFT_OUT)
        if outcome and outcome.problem and (said := await self.after(outcome.problem)):
            yield Line(said)
        await asyncio.to_thread(self.tidy, case)
        await asyncio.to_thread(self.log.add, seed_case.row(self.judged(now)))

    def tidy(self, case: Case) -> None:
        """Remove large outputs that no later case is compared with."""
        place = self.place(case)
        large = sum(output.bytes for output in self.kept.get(case.id, ())) > saving.LARGEST_FOLDER
        if place and large and case.id not in {other.against for other in self.plan.cases}:
            shutil.rmtree(place, ignore_errors=True)

    async def outcome(self, case: Case) -> proof.Outcome:
        """Run one case; whatever becomes of it is an outcome. A seed that the schema refuses is not sent."""
        if refused := self.plan.refused(case):
            return refused
        try:
            if case.before == "pause":
                await asyncio.sleep(proof.PAUSE)
            if case.before == "restart":
                await self.restart()
        except NotReady as failure:
            if failure.problem.code == "not-ours":
                how = f"; {failure.problem.fix.text}" if failure.problem.fix else ""
                return proof.Outcome(case, skipped=f"{failure.problem.what}{how}")
            return proof.Outcome(case, problem=failure.problem)
        folder = await asyncio.to_thread(self.folder, case)
        try:
            inputs = await self.plan.sent(case)
            with heard(self.notes.put_nowait):
                found = await asked(self.server, self.services, inputs, self.limit, folder)
        except Failure as failure:
            if folder:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            return proof.Outcome(case, problem=failure.problem)
        made = tuple(proof.Hashed(o.filename, o.mime, o.bytes, o.sha256) for o in found.outputs)
        self.kept[case.id] = found.outputs
        self.cids[case.id] = await asyncio.to_thread(saving.committed, found.outputs)
        return await self.compared(proof.Outcome(case, made, seconds=found.seconds))

    async def compared(self, outcome: proof.Outcome) -> proof.Outcome:
        """An outcome that should have the bytes of an earlier one and has not: what alone differs, if little does."""
        case, other = outcome.case, self.outcomes.get(outcome.case.against)
        apart = other is not None and other.ran and other.digests != outcome.digests
        pairs = list(zip(self.kept.get(case.against, ()), self.kept[case.id], strict=False))
        if case.expect != "same" or other is None or not apart or len(other.outputs) != len(outcome.outputs):
            return outcome
        found = []
        for one, this in pairs:
            if one.sha256 != this.sha256 and one.path and this.path:
                with suppress(BadInput):  # one that was large is gone by now
                    found.append(await compare(Path(one.path), Path(this.path), this.mime))
        said = "; ".join(dict.fromkeys(verdict(f) for f in found))
        nearly = bool(found) and all(f.near or f.noise for f in found)
        noise, timely = any(f.noise for f in found), bool(found) and all(f.looks_like_time for f in found)
        return replace(outcome, near=said if nearly else "", timely=timely, noise=nearly and noise, apart=said)

    @property
    def limit(self) -> float:
        """Seconds for the next prediction; the first one has them all, nobody knows how long it takes."""
        known = [outcome.seconds for outcome in self.outcomes.values() if outcome.ran]
        return min(CASE_LIMIT, max(PATIENCE, SLOWER * max(known))) if known else CASE_LIMIT

    async def restart(self) -> None:
        """The same model in a new process, and READY."""
        self.server = await self.services.servers.restart(self.server)
        async for _ in watched(self.server, self.services, limit=CASE_LIMIT):
            pass
        if self.endpoint.id == "1":
            health = await self.services.predictions.health(self.server.url)
            await asyncio.to_thread(self.log.moved, f"{self.server.url} {health.since}")

    async def after(self, problem: Problem) -> str:
        """What becomes of the server after this failure; what there is to say of it."""
        if problem.code in USELESS:
            self.gone = problem.what
            return f"{self.endpoint.url}: {problem.what}; its other cases are left out"
        return await self.revived(problem) if problem.code in DEAD else ""

    async def revived(self, problem: Problem) -> str:
        """Start a server that a case ended once more, where we may; what there is to say of it."""
        with suppress(Failure):
            # A coglet says READY for a moment after its worker has died.
            health = await self.services.predictions.health(self.server.url)
            if health.status in ("READY", "BUSY") and problem.code != "model-crashed":
                return ""
        if self.revivals < REVIVALS:
            self.revivals += 1
            with suppress(Failure):
                await self.restart()
                return f"{self.endpoint.url} was gone and was started again"
        self.gone = f"the server is gone: {problem.what}"
        return f"{self.endpoint.url} is gone; its other cases are left out"

    def folder(self, case: Case) -> Path | None:
        """An empty folder for the outputs of this case."""
        if place := self.place(case):
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True, mode=0o700)
        return place

    def place(self, case: Case) -> Path | None:
        """Where the outputs of this case lie."""
        return seed_case.place(self.plan.folder, self.endpoint.id, case.id) if self.plan.folder else None

    def judge(self, id: str) -> proof.Judged:
        """The verdict of a case that is over, by what this server alone gave."""
        return proof.judge(self.outcomes[id], self.outcomes)

    def judged(self, now: CaseSeen, by: proof.Judged | None = None) -> CaseSeen:
        """A case that is over, with this verdict or its own; the letter is given where all servers are seen."""
        outcome, found = self.outcomes[now.id], by or self.judge(now.id)
        return replace(
            now,
            status=seed_case.status(outcome),
            verdict=found.verdict,
            wanted=found.wanted,
            seconds=round(outcome.seconds, 3),
            outputs=outcome.outputs,
            folder_cid=self.cids.get(now.id),
            error=outcome.problem.what if outcome.problem else "",
            code=outcome.problem.code if outcome.problem else "",
            why=found.note,
            near=outcome.near,
            timely=outcome.timely,
            noise=outcome.noise,
            apart=outcome.apart,
        )
