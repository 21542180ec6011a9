"""The journey end to end on real embedded parts, and what the walk promises of every step."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.events import Done, Event, Found, Line, Saved, Started, Trouble
from arbius_tui.domain.journey import STEPS, Journey, Place, Record
from arbius_tui.domain.questions import Ask
from arbius_tui.domain.records import PinRecord, RegisterRecord, RunRecord, SeedTestRecord, TemplateRecord
from arbius_tui.services.memory_store import MemoryStore
from arbius_tui.services.ports import Server, Services
from arbius_tui.steps.base import NEEDS, TITLES, Step, Walk, load
from tests.steps.conftest import Author, collect, end


@pytest.mark.parametrize("name", STEPS)
def test_each_step_is_found_by_its_name(name: str) -> None:
    assert load(name).name == name
    assert TITLES[name]


async def test_the_whole_journey(walk: Walk) -> None:
    for name in STEPS:
        events = await collect(walk, name)
        assert isinstance(events[0], Started)
        assert end(events).ok, events
        assert sum(isinstance(event, Done) for event in events) == 1
    register, seed = walk.journey.get(RegisterRecord), walk.journey.get(SeedTestRecord)
    template, pin = walk.journey.get(TemplateRecord), walk.journey.get(PinRecord)
    assert register
    assert seed
    assert template
    assert pin
    assert register.mined_id == register.model_id
    assert template.cid == pin.cid == register.cid
    assert seed.reproducible
    assert len({*seed.sha256}) == 5
    assert seed.sha256.count(seed.sha256[0]) == 5
    assert walk.journey.at == "after"


async def test_a_second_registration_is_found_and_sends_nothing(walk: Walk, services: Services) -> None:
    for name in ("run", "template", "pin", "wallet", "register"):
        assert end(await collect(walk, name)).ok
    first = walk.journey.get(RegisterRecord)
    assert first
    author = Author()
    done = end(await collect(walk, "register", author))
    assert done.ok
    assert done.result["already"] is True
    assert done.result["tx_hash"] == first.tx_hash
    assert "confirm" not in {question.id for question in author.asked}
    assert await services.chain.nonce(first.sender) == first.nonce + 1


@pytest.mark.parametrize("name", NEEDS)
async def test_a_step_that_is_too_early_says_what_it_needs(name: str, services: Services) -> None:
    early = Walk(MemoryStore(Journey("demo", "rehearsal")), services)
    events = await collect(early, name)
    assert end(events).exit == 3
    problem = next(event.problem for event in events if isinstance(event, Trouble))
    assert problem.code == "step-needs"
    assert TITLES[NEEDS[name][0]] in problem.what


class Slow(Step):
    name = "run"
    closed = False

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        try:
            yield Line("working")
            yield Line("never seen")
        finally:
            self.closed = True


async def test_a_cancelled_step_is_open_again(walk: Walk) -> None:
    slow = Slow()
    async with aclosing(walk.run("run", Author(), slow)) as events:
        async for event in events:
            if isinstance(event, Line):
                assert walk.journey.state("run") == "run"
                break
    assert slow.closed
    assert walk.journey.state("run") == "-"


class Remembers(Step):
    name = "run"

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        yield Saved(RunRecord(url="http://127.0.0.1:1"))
        raise BadInput("wrong", "it is wrong")


class Held(MemoryStore):
    """A disk that takes its time over the last word of a step."""

    def __init__(self, journey: Journey) -> None:
        super().__init__(journey)
        self.writing, self.go_on = threading.Event(), threading.Event()

    def apply(self, change: Record) -> Journey:
        if isinstance(change, Place) and change.states.get("run") == "ok":
            self.writing.set()
            self.go_on.wait(20)
        return super().apply(change)


class Quick(Step):
    name = "run"

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        yield Done(True)


async def test_a_step_that_is_stopped_as_its_end_is_written_down_has_ended(services: Services) -> None:
    store = Held(Journey("demo", "rehearsal"))
    walk = Walk(store, services)
    seen: list[str] = []
    walk.watchers.append(lambda journey: seen.append(journey.state("run")))
    task = asyncio.create_task(collect(walk, "run", step=Quick()))
    await asyncio.to_thread(store.writing.wait, 20)
    task.cancel()
    store.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert store.load().state("run") == "ok"
    assert walk.journey.state("run") == "ok"
    assert seen[-1] == "ok"


async def test_what_is_saved_is_kept_before_a_face_sees_it(walk: Walk) -> None:
    seen = []
    walk.watchers.append(lambda journey: seen.append(journey.get(RunRecord)))
    events = await collect(walk, "run", step=Remembers())
    assert walk.journey.get(RunRecord) == RunRecord(url="http://127.0.0.1:1")
    assert seen[-1] == walk.journey.get(RunRecord)
    assert end(events).exit == 2
    assert walk.journey.state("run") == "FAIL"


async def test_a_changed_template_is_not_registered(walk: Walk) -> None:
    for name in ("run", "template", "pin", "wallet"):
        assert end(await collect(walk, name)).ok
    record = walk.journey.get(TemplateRecord)
    assert record
    path = Path(record.path)
    path.write_text(path.read_text().replace('"version":1', '"version":2'))
    events = await collect(walk, "register")
    assert end(events).exit == 6
    assert "changed-since-pin" in {e.problem.code for e in events if isinstance(e, Trouble)}


async def test_an_authors_file_is_never_written_over(walk: Walk, services: Services) -> None:
    assert end(await collect(walk, "run")).ok
    path = services.out / "demo.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"{ half")
    events = await collect(walk, "template")
    assert end(events).exit == 5
    assert path.read_bytes() == b"{ half"


async def test_template_errors_block_the_pin(walk: Walk) -> None:
    for name in ("run", "template"):
        assert end(await collect(walk, name)).ok
    record = walk.journey.get(TemplateRecord)
    assert record
    Path(record.path).write_text('{"meta":{},"input":[],"output":[]}\n')
    events = await collect(walk, "pin")
    assert end(events).exit == 5


async def test_the_server_is_found_again(walk: Walk, services: Services) -> None:
    assert end(await collect(walk, "run")).ok
    first = walk.journey.get(RunRecord)
    events = await collect(walk, "run")
    assert any(isinstance(e, Line) and e.text.startswith("found again") for e in events)
    second = walk.journey.get(RunRecord)
    assert first
    assert second
    assert second.pid == first.pid


@pytest.mark.parametrize("name", ["seed_test", "template"])
async def test_a_server_that_ended_is_started_again(name: str, walk: Walk, services: Services) -> None:
    assert end(await collect(walk, "run")).ok
    first = walk.journey.get(RunRecord)
    assert first
    await services.servers.stop(Server(first.url, first.pid, started_by_us=True))
    assert end(await collect(walk, name)).ok


async def test_an_endpoint_is_adopted_and_its_restart_is_left_out(walk: Walk, services: Services) -> None:
    from arbius_tui.services.servers import Endpoints

    assert end(await collect(walk, "run")).ok
    record = walk.journey.get(RunRecord)
    assert record
    adopted = replace(services, endpoints=(record.url,), servers=Endpoints(()))
    other = Walk(MemoryStore(Journey("other", "rehearsal")), adopted)
    assert end(await collect(other, "run")).ok
    events = await collect(other, "seed_test")
    done = end(events)
    assert done.ok
    case = next(c for c in done.result["cases"] if c["id"] == "after-restart")
    assert case["verdict"] == "SKIPPED"
    assert any(isinstance(e, Found) for e in events)
