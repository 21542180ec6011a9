"""The seed test against real Cog servers: verdicts and diagnosis of models that nobody told it about."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from arbius_tui.domain.events import Done, Event, Found, Line, Saved, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.records import CasesRecord, RunRecord, SeedTestRecord
from arbius_tui.rehearsal.example import example_model
from arbius_tui.rehearsal.server import LocalServers
from arbius_tui.services.memory_store import MemoryStore
from arbius_tui.services.ports import Server, Services
from arbius_tui.services.store import ProjectStore
from arbius_tui.steps.base import Walk
from arbius_tui.steps.predict import Predict
from arbius_tui.steps.seed_case import CaseSeen, EndpointSeen
from arbius_tui.steps.seed_edit import EditCases, KeepTried
from arbius_tui.steps.seed_plan import Change
from arbius_tui.steps.seed_report import SeedReport
from arbius_tui.steps.seed_test import SeedTest, WriteCases
from arbius_tui.steps.seed_track import Control
from tests import parts
from tests.steps.conftest import Author, collect, end

MODELS = Path(__file__).parents[1] / "models"


def python_of(generation: str) -> str:
    """The interpreter that has this generation of Cog."""
    if generation == "0.23":
        return sys.executable
    return parts.need("cog-old" if generation == "0.9" else "cog-mid")


async def tried(services: Services, model: Path, **asked: Any) -> tuple[Walk, list[Event]]:
    """A model that is run and tested."""
    walk = Walk(MemoryStore(Journey("demo", "rehearsal", str(model))), services)
    assert end(await collect(walk, "run")).ok
    return walk, await collect(walk, "seed_test", step=SeedTest(**asked))


def codes(events: list[Event]) -> set[str]:
    return {event.problem.code for event in events if isinstance(event, Trouble)}


def over(events: list[Event]) -> dict[tuple[str, str], CaseSeen]:
    """The last word on each case that is over."""
    cases = [event.item for event in events if isinstance(event, Found) and isinstance(event.item, CaseSeen)]
    return {case.key: case for case in cases if case.status not in ("wait", "run")}


def ended(event: Event) -> str:
    """The id of a case that has just succeeded."""
    item = event.item if isinstance(event, Found) else None
    return item.id if isinstance(item, CaseSeen) and item.status == "succeeded" else ""


def began(events: list[Event]) -> set[str]:
    """The ids of the cases that were really run."""
    cases = [event.item for event in events if isinstance(event, Found) and isinstance(event.item, CaseSeen)]
    return {case.id for case in cases if case.status == "run"}


EXPECTED: dict[str, str | None] = {
    "text": None,
    "dict": None,
    "iter": "seed-ignored model-failed",
    "files": None,
    "nondet": "unseeded-randomness",
    "stateful": "state-between-predictions",
    "seedignored": "seed-ignored",
    "stamp": "time-in-output",
    "npseed": "seed-over-32-bits",
    "hashseed": "hash-randomisation",
    "zeroseed": "seed-zero-unused",
    "largeseed": "large-seed-unused",
    "leak": "order-leak",
    "narrow": "model-failed",
    "shapes": "output-shape",
    "types": "model-failed",
    "metauuid": "metadata-only",
    "finestamp": "time-in-output",
}


@pytest.mark.parametrize(("model", "code"), EXPECTED.items())
async def test_each_model_gets_its_diagnosis(model: str, code: str | None, services: Services) -> None:
    _, events = await tried(services, MODELS / model)
    done = end(events)
    assert codes(events) == {*(code or "").split()}
    assert (done.ok, done.exit) == ((True, 0) if code is None else (False, 4))
    assert done.result["reproducible"] is (code is None)


OLD = ["text", "dict", "files", "iter", "nondet", "stateful", "hashseed", "npseed", "seedignored", "stamp"]


@pytest.mark.parametrize("generation", ["0.16", "0.9"])
@pytest.mark.parametrize("model", OLD)
async def test_older_cogs_give_the_same_diagnosis(
    model: str, generation: str, services: Services, tmp_path: Path
) -> None:
    old = LocalServers(tmp_path / "old", python_of(generation))
    try:
        _, events = await tried(replace(services, servers=old), MODELS / model)
    finally:
        await old.aclose()
    assert codes(events) == {*(EXPECTED[model] or "").split()}
    assert end(events).exit == (4 if EXPECTED[model] else 0)


@pytest.mark.parametrize("generation", ["0.23", "0.16", "0.9"])
async def test_a_setup_that_fails_is_no_seed_test(generation: str, services: Services, tmp_path: Path) -> None:
    servers = LocalServers(tmp_path / "servers", python_of(generation))
    home = str(MODELS / "setupfail")
    walk = Walk(MemoryStore(Journey("demo", "rehearsal", home)), replace(services, servers=servers))
    try:
        done = end(await collect(walk, "run"))
    finally:
        await servers.aclose()
    assert (done.ok, done.exit) == (False, 3)


async def test_large_outputs_are_the_same_on_every_cog(services: Services, tmp_path: Path) -> None:
    path = tmp_path / "cases.json"
    listed: list[dict[str, Any]] = [
        {"id": "first", "seed": 1}, {"id": "again", "seed": 1, "expect": "same"},
        {"id": "other", "seed": 2, "expect": "differs"},
    ]  # fmt: skip
    path.write_text(json.dumps({"inputs": {"mb": 3, "ext": "bin"}, "cases": listed}))
    seen = set()
    for generation in ("0.23", "0.16", "0.9"):
        servers = LocalServers(tmp_path / generation, python_of(generation))
        try:
            _, events = await tried(replace(services, servers=servers), MODELS / "big", cases=path)
        finally:
            await servers.aclose()
        assert end(events).ok
        seen.add(over(events)["1", "first"].outputs[0].sha256)
    assert len(seen) == 1


async def test_a_picture_with_another_id_in_it_is_near_and_says_which_chunk(services: Services) -> None:
    _, events = await tried(services, MODELS / "metauuid")
    case = over(events)["1", "again"]
    assert (case.verdict, case.wanted) == ("NEAR", False)
    assert "tEXt" in case.near
    assert "256 pixels" in case.near


async def test_a_model_that_dies_is_started_again_and_the_other_cases_go_on(services: Services, tmp_path: Path) -> None:
    path = tmp_path / "cases.json"
    modes = ["ok", "osexit", "raise", "none", "segv", "ok"]
    listed = [{"id": f"{n} {mode}", "seed": n, "inputs": {"mode": mode}} for n, mode in enumerate(modes)]
    path.write_text(json.dumps({"cases": listed}))
    _, events = await tried(services, MODELS / "crash", cases=path)
    found = {id: case.status for (_, id), case in over(events).items()}
    assert list(found.values()) == ["succeeded", "failed", "failed", "failed", "failed", "succeeded"]
    assert sum("was gone and was started again" in e.text for e in events if isinstance(e, Line)) == 2
    assert not [case for case in over(events).values() if case.outputs and case.status != "succeeded"]
    assert codes(events) >= {"model-failed"}


@asynccontextmanager
async def beside(model: Path, folder: Path) -> AsyncIterator[Server]:
    """Another server of a model, which the wizard did not start."""
    servers = LocalServers(folder)
    try:
        yield await servers.start(model)
    finally:
        await servers.aclose()


async def test_two_servers_that_agree_prove_it_together(services: Services, tmp_path: Path) -> None:
    async with beside(MODELS / "text", tmp_path / "beside") as other:
        walk, events = await tried(replace(services, endpoints=()), MODELS / "text")
        assert end(events).ok
        both = replace(services, endpoints=("", other.url))
        events = await collect(Walk(walk.store, both), "seed_test", step=SeedTest())
    assert end(events).ok
    found = over(events)
    assert {server for server, _ in found} == {"1", "2"}
    assert found["1", "first"].outputs == found["2", "first"].outputs
    assert found["1", "first"].letter == found["2", "first"].letter
    servers = end(events).result["endpoints"]
    assert [(s["id"], s["state"], s["cog"]) for s in servers] == [("1", "ok", "0.23.1"), ("2", "ok", "0.23.1")]


async def test_a_server_with_other_arithmetic_is_other_hardware(services: Services, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    source = (MODELS / "text" / "predict.py").read_text()
    (other / "cog.yaml").write_text((MODELS / "text" / "cog.yaml").read_text())
    (other / "predict.py").write_text(source.replace("return ", "return 'other arithmetic ' + ", 1))
    async with beside(other, tmp_path / "beside") as second:
        walk, _ = await tried(services, MODELS / "text")
        events = await collect(Walk(walk.store, replace(services, endpoints=("", second.url))), "seed_test")
    assert codes(events) == {"hardware"}
    case = over(events)["2", "first"]
    assert (case.verdict, case.wanted) == ("BLOCKER", False)
    assert over(events)["1", "first"].wanted


async def test_a_server_that_is_not_there_is_marked_and_the_rest_goes_on(services: Services) -> None:
    walk, _ = await tried(services, MODELS / "text")
    gone = replace(services, endpoints=("", "http://127.0.0.1:9"))
    events = await collect(Walk(walk.store, gone), "seed_test", step=SeedTest(limit=1))
    found = over(events)
    assert all(case.status == "succeeded" for (server, _), case in found.items() if server == "1")
    assert {case.status for (server, _), case in found.items() if server == "2"} == {"skipped"}
    assert not end(events).result["reproducible"]
    last = [e.item for e in events if isinstance(e, Found) and isinstance(e.item, EndpointSeen) and e.item.id == "2"][
        -1
    ]
    assert last.state == "FAIL"
    assert last.why


async def test_what_was_finished_before_a_kill_is_not_run_again(services: Services) -> None:
    walk = Walk(MemoryStore(Journey("demo", "rehearsal", str(MODELS / "text"))), services)
    assert end(await collect(walk, "run")).ok
    async with aclosing(walk.run("seed_test", Author(), SeedTest())) as events:
        async for event in events:
            if ended(event) == "other-seed":
                break
    events = await collect(walk, "seed_test")
    assert end(events).ok
    assert any("3 finished cases" in event.text for event in events if isinstance(event, Line))
    ran = {
        e.item.id for e in events if isinstance(e, Found) and isinstance(e.item, CaseSeen) and e.item.status == "run"
    }
    assert "first-again" in ran
    assert not ran & {"first", "again", "other-seed"}


async def test_another_process_behind_the_same_journey_starts_over(services: Services) -> None:
    walk = Walk(MemoryStore(Journey("demo", "rehearsal", str(MODELS / "text"))), services)
    assert end(await collect(walk, "run")).ok
    async with aclosing(walk.run("seed_test", Author(), SeedTest())) as events:
        async for event in events:
            if ended(event):
                break
    known = walk.journey.get(RunRecord)
    assert known
    server = await services.servers.restart(Server(known.url, known.pid, started_by_us=True))
    await walk.save(replace(known, url=server.url, pid=server.pid))
    assert end(await collect(walk, "run")).ok
    events = await collect(walk, "seed_test")
    assert end(events).ok
    assert not any("finished cases" in event.text for event in events if isinstance(event, Line))


async def test_only_what_was_not_as_wanted_runs_again(services: Services) -> None:
    walk, _ = await tried(services, MODELS / "narrow")
    events = await collect(walk, "seed_test", step=SeedTest(again=True))
    ran = {
        e.item.id for e in events if isinstance(e, Found) and isinstance(e.item, CaseSeen) and e.item.status == "run"
    }
    assert ran == {"width-1"}
    assert codes(events) == {"model-failed"}


async def test_cases_are_written_changed_and_replayed(services: Services, tmp_path: Path) -> None:
    walk = Walk(MemoryStore(Journey("demo", "rehearsal", str(MODELS / "text"))), services)
    assert end(await collect(walk, "run")).ok
    path = tmp_path / "cases.json"
    assert end(await collect(walk, "seed_test", step=WriteCases(path))).ok
    found = json.loads(path.read_text())
    found["cases"] = [*found["cases"][:3], {"id": "mine", "title": "my own", "seed": 5, "inputs": {"prompt": "mine"}}]
    path.write_text(json.dumps(found))
    events = await collect(walk, "seed_test", step=SeedTest(cases=path))
    assert end(events).ok
    assert [case.id for case in over(events).values()] == ["first", "again", "other-seed", "mine"]
    assert over(events)["1", "mine"].inputs["prompt"] == "mine"


async def test_the_report_is_written_and_its_known_answer_is_what_a_miner_commits(
    services: Services, tmp_path: Path
) -> None:
    walk, events = await tried(services, example_model(), report=tmp_path / "report")
    assert end(events).ok
    card = json.loads((tmp_path / "report" / "miner-card.json").read_text())
    assert card["known_answer"]["seed"] == 33111
    assert card["known_answer"]["folder_cid"].startswith("Qm")
    assert card["cpu_only"] is True
    page = (tmp_path / "report" / "seed-test.md").read_text()
    assert "**Reproducible** on one server" in page
    assert "CPU only" in page
    again = await collect(walk, "seed_test", step=SeedReport(tmp_path / "later"))
    assert end(again).ok
    assert (tmp_path / "later" / "seed-test.md").read_text() == page
    assert end(await collect(walk, "seed_test", step=WriteCases(tmp_path / "cases.json"))).ok
    assert walk.journey.state("seed_test") == "ok", "writing files changes nothing of what was proved"
    record = walk.journey.get(SeedTestRecord)
    assert record
    assert record.reproducible


async def test_a_case_is_left_out_by_the_author_and_the_next_one_runs(services: Services) -> None:
    walk = Walk(MemoryStore(Journey("demo", "rehearsal", str(MODELS / "text"))), services)
    assert end(await collect(walk, "run")).ok
    control, events = Control(), list[Event]()
    async with aclosing(walk.run("seed_test", Author(), SeedTest(control=control))) as stream:
        async for event in stream:
            events.append(event)
            if isinstance(event, Found) and isinstance(event.item, CaseSeen) and began([event]) == {"after-pause"}:
                asyncio.get_running_loop().call_later(0.2, control.leave_out, event.item.key)
    case = over(events)["1", "after-pause"]
    assert (case.status, case.why) == ("skipped", "left out by you")
    assert over(events)["1", "after-restart"].status == "succeeded"
    assert end(events).ok


async def test_a_test_that_is_held_begins_no_case_until_it_goes_on(services: Services) -> None:
    walk = Walk(MemoryStore(Journey("demo", "rehearsal", str(MODELS / "text"))), services)
    assert end(await collect(walk, "run")).ok
    control = Control()
    control.hold()
    task = asyncio.create_task(collect(walk, "seed_test", step=SeedTest(control=control)))
    done, _ = await asyncio.wait({task}, timeout=0.3)
    assert not done
    control.go_on()
    assert end(await task).ok


async def test_nothing_is_saved_before_the_end_but_the_state(services: Services) -> None:
    _, events = await tried(services, MODELS / "text")
    saved = [type(event.change) for event in events if isinstance(event, Saved)]
    assert saved.count(SeedTestRecord) == 1
    assert isinstance(events[-1], Done)


# -- what the author changes


SCHEMA = {
    "prompt": {"type": "string", "x-order": 0},
    "width": {"type": "integer", "enum": [64, 128], "default": 64, "x-order": 1},
    "steps": {"type": "integer", "minimum": 1, "maximum": 50, "default": 50, "x-order": 2},
    "seed": {"type": "integer", "x-order": 3},
}


def schema_file(folder: Path, required: tuple[str, ...] = ("prompt",), **props: Any) -> Path:
    """A document that says the inputs."""
    path = folder / "openapi.json"
    inputs = {"properties": props or SCHEMA, "required": list(required)}
    path.write_text(json.dumps({"components": {"schemas": {"Input": inputs}}}))
    return path


def listed(events: list[Event]) -> list[CaseSeen]:
    return [event.item for event in events if isinstance(event, Found) and isinstance(event.item, CaseSeen)]


async def started(services: Services, model: Path = MODELS / "text") -> Walk:
    walk = Walk(MemoryStore(Journey("demo", "rehearsal", str(model))), services)
    assert end(await collect(walk, "run")).ok
    return walk


async def edited(walk: Walk, *changes: Change, **asked: Any) -> list[Event]:
    return await collect(walk, "seed_test", step=EditCases(*changes, **asked))


async def test_every_change_is_kept_at_once_and_the_next_test_runs_it(services: Services) -> None:
    walk = await started(services)
    events = await edited(walk, Change(cases=('{"id": "mine", "prompt": "mine", "seed": 5}',)))
    assert end(events).ok
    assert listed(events)[-1].id == "mine"
    assert {case.status for case in listed(events)} == {"listed"}, "nothing was run"
    assert walk.journey.state("seed_test") == "-"
    await edited(walk, Change(cases=('{"id": "mine", "prompt": "other", "seed": 6, "expect": "differs"}',)))
    await edited(walk, Change(samples=("prompt=a [b]dog",), without=("over-32-bits",)))
    record = walk.journey.get(CasesRecord)
    assert record
    assert (record.inputs, record.without) == ({"prompt": "a [b]dog"}, ("over-32-bits",))
    found = over(await collect(walk, "seed_test"))
    assert found["1", "first"].inputs["prompt"] == "a [b]dog"
    assert (found["1", "mine"].inputs["prompt"], found["1", "mine"].verdict) == ("other", "DIFFERS")
    assert ("1", "over-32-bits") not in found
    events = await edited(walk, Change(afresh=True))
    assert [case.id for case in listed(events)][-1] != "mine"
    assert walk.journey.state("seed_test") == "ok", "a change leaves what was proved"


async def test_several_changes_in_one_go_are_made_in_their_order(services: Services) -> None:
    walk = await started(services)
    mine = '{"id": "mine", "inputs": {"prompt": "mine"}, "seed": 5}'
    events = await edited(walk, Change(cases=(mine,)), Change(cases=('{"id": "twice", "seed": 5}',), without=("mine",)))
    assert [case.id for case in listed(events)][-1] == "twice"
    assert "mine" not in [case.id for case in listed(events)]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (Change(cases=('{"promt": "x"}',)), "case-wrong"),
        (Change(without=("nobody",)), "no-such-case"),
        (Change(without=("first",)), "case-needed"),
        (Change(samples=("promt=x",)), "case-wrong"),
    ],
)
async def test_a_change_that_cannot_be_changes_nothing(change: Change, code: str, services: Services) -> None:
    walk = await started(services)
    events = await edited(walk, Change(pairwise=True), change)
    assert codes(events) == {code}
    assert end(events).exit == 2
    assert walk.journey.get(CasesRecord) is None
    assert walk.journey.state("seed_test") == "-", "what was proved, or not, stays"


async def test_pairs_are_counted_before_they_run(services: Services, tmp_path: Path) -> None:
    walk = await started(services)
    schema = schema_file(tmp_path)
    without = listed(await edited(walk, schema=schema))
    events = await edited(walk, Change(pairwise=True), schema=schema)
    pairs = [case for case in listed(events) if case.id.startswith("pair-")]
    assert [dict(case.changes) for case in pairs] == [{"width": 128, "steps": 1}]
    assert len(listed(events)) == len(without) + len(pairs)
    said = [event.text for event in events if isinstance(event, Line)]
    assert any("1 more cases" in text for text in said)


async def test_a_case_may_ask_with_a_file_of_the_author(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = predictor(
        tmp_path / "model", "picture: Path = Input(), seed: int = Input(default=0)",
        "f'{seed} {picture.read_bytes().hex()}'", ("picture",),
        picture={"type": "string", "format": "uri"}, seed={"type": "integer", "default": 0},
    )  # fmt: skip
    mine = tmp_path / "mine.bin"
    mine.write_bytes(b"one")
    walk = await started(services, model)
    monkeypatch.chdir(tmp_path)
    await edited(walk, Change(samples=("picture=@mine.bin",), cases=(f'{{"id": "mine", "picture": "@{mine}"}}',)))
    monkeypatch.chdir("/")
    events = await collect(walk, "seed_test", step=SeedTest())
    assert end(events).ok, codes(events)
    found = over(events)
    assert found["1", "first"].outputs[0].bytes == len("33111 6f6e65")
    assert found["1", "mine"].verdict == "SAME"
    assert found["1", "first"].inputs["picture"] == f"@{mine}", "its place is kept, not its bytes"


async def test_an_input_that_only_the_author_can_give_is_asked_for_and_taken(
    services: Services, tmp_path: Path
) -> None:
    walk = await started(services)
    schema = schema_file(tmp_path, ("prompt",), prompt={"type": "string", "pattern": "^[0-9]+$"}, seed=SCHEMA["seed"])
    events = await edited(walk, schema=schema)
    assert codes(events) == {"needs-sample"}
    events = await edited(walk, Change(samples=("prompt=12",)), schema=schema)
    assert end(events).ok
    assert listed(events)[0].inputs["prompt"] == "12"


async def test_a_prediction_that_was_tried_is_kept_and_wanted_twice(services: Services) -> None:
    walk = await started(services)
    events = await collect(walk, "run", step=Predict(["prompt=tried it", "seed=77"], save_case="my try"))
    assert end(events).ok
    assert walk.journey.state("run") == "ok"
    rows = listed(await edited(walk))
    first, again = rows[-2:]
    assert (first.title, first.seed, dict(first.changes)) == ("my try", 77, {"prompt": "tried it"})
    assert (again.expect, again.against) == ("same", first.id)
    found = over(await collect(walk, "seed_test"))
    assert found["1", first.id].outputs == found["1", again.id].outputs
    assert found["1", again.id].verdict == "SAME"
    events = await collect(walk, "run", step=KeepTried({"prompt": "by form", "seed": "", "nonsense": "x"}))
    assert end(events).ok
    assert walk.journey.state("run") == "ok"
    kept = [case for case in listed(await edited(walk)) if case.changes.get("prompt") == "by form"]
    assert len(kept) == 2
    assert kept[0].seed == 33111


async def test_a_prediction_that_failed_is_no_case(services: Services) -> None:
    walk = await started(services, MODELS / "crash")
    events = await collect(walk, "run", step=Predict(["mode=raise"], save_case=""))
    assert not end(events).ok
    assert walk.journey.get(CasesRecord) is None


def predictor(folder: Path, arguments: str, body: str, required: tuple[str, ...] = (), **props: Any) -> Path:
    """A model of one method, with the document that cog build would make of it."""
    document = json.loads((MODELS / "text" / ".cog" / "openapi_schema.json").read_text())
    listed = {name: {"title": name, "x-order": n, **prop} for n, (name, prop) in enumerate(props.items())}
    document["components"]["schemas"]["Input"] = {
        "title": "Input", "type": "object", "properties": listed, "required": list(required),
    }  # fmt: skip
    (folder / ".cog").mkdir(parents=True)
    (folder / ".cog" / "openapi_schema.json").write_text(json.dumps(document))
    (folder / "cog.yaml").write_text("predict: predict.py:Predictor\n")
    (folder / "predict.py").write_text(
        "from typing import Optional\nfrom cog import BasePredictor, Input, Path\n\n\nclass Predictor(BasePredictor):\n"
        f"    def predict(self, {arguments}) -> str:\n        return {body}\n"
    )
    return folder


async def test_a_seed_with_a_bound_is_said_and_its_cases_are_not_sent(services: Services, tmp_path: Path) -> None:
    model = predictor(tmp_path / "model", "seed: int = Input(default=0, ge=0, le=2147483647)", "str(seed)",
                      seed={"type": "integer", "default": 0, "minimum": 0, "maximum": 2147483647})  # fmt: skip
    _, events = await tried(services, model)
    found = over(events)
    above = {id for (_, id), case in found.items() if case.verdict == "SKIPPED"}
    assert above == {"largest-32-bits", "over-32-bits", "largest-seed", "largest-seed-again", "miner-defaults"}
    assert "no seed above 2147483647" in found["1", "over-32-bits"].why
    assert not found["1", "over-32-bits"].outputs
    assert "BLOCKER" not in {case.verdict for case in found.values()}
    assert codes(events) == {"seed-over-32-bits"}, "nearly every task would fail"
    assert end(events).exit == 4
    assert any("no seed above 2147483647" in event.text for event in events if isinstance(event, Line))


async def test_a_seed_that_may_not_be_zero_is_only_said(services: Services, tmp_path: Path) -> None:
    model = predictor(tmp_path / "model", "seed: int = Input(default=1, ge=1)", "str(seed)",
                      seed={"type": "integer", "default": 1, "minimum": 1})  # fmt: skip
    _, events = await tried(services, model)
    assert end(events).ok
    assert over(events)["1", "seed-zero"].verdict == "SKIPPED"
    assert "no seed below 1" in over(events)["1", "seed-zero"].why


async def test_a_narrow_seed_is_proved_within_its_bounds(services: Services, tmp_path: Path) -> None:
    model = predictor(tmp_path / "model", "seed: int = Input(default=0, ge=0, le=1000)", "str(seed)",
                      seed={"type": "integer", "default": 0, "minimum": 0, "maximum": 1000})  # fmt: skip
    _, events = await tried(services, model)
    found = over(events)
    assert (found["1", "first"].seed, found["1", "again"].verdict) == (1000, "SAME")
    assert found["1", "other-seed"].verdict == "DIFFERS"
    assert codes(events) == {"seed-over-32-bits"}


async def test_a_model_without_a_seed_is_told_so(services: Services, tmp_path: Path) -> None:
    _, events = await tried(services, predictor(tmp_path / "model", "prompt: str = Input(default='x')", "prompt",
                      prompt={"type": "string", "default": "x"}))  # fmt: skip
    assert codes(events) == {"seed-ignored"}
    assert any("no input named seed" in event.text for event in events if isinstance(event, Line))


async def test_a_seed_that_is_a_text_fails_as_it_fails_with_a_miner(services: Services, tmp_path: Path) -> None:
    _, events = await tried(services, predictor(tmp_path / "model", "seed: str = Input(default='0')", "seed",
                      seed={"type": "string", "default": "0"}))  # fmt: skip
    assert codes(events) == {"model-failed"}
    assert any("seed is a string" in event.text for event in events if isinstance(event, Line))


@pytest.mark.parametrize("generation", ["0.23", "0.16"])
async def test_a_seed_that_may_be_left_out_is_sent_all_the_same(
    generation: str, services: Services, tmp_path: Path
) -> None:
    model = predictor(
        tmp_path / "model",
        "prompt: str = Input(default='a', choices=['a', 'b']), strength: float = Input(default=7.0, ge=0, le=10),"
        " many: Optional[int] = Input(default=None, ge=1, le=4), seed: Optional[int] = Input(default=None)",
        "f'{prompt} {strength} {many} {seed}'",
        prompt={"type": "string", "enum": ["a", "b"], "default": "a"},
        strength={"type": "number", "default": 7.0, "minimum": 0, "maximum": 10},
        many={"type": "integer", "nullable": True, "minimum": 1, "maximum": 4},
        seed={"type": "integer", "nullable": True},
    )
    servers = LocalServers(tmp_path / "servers", python_of(generation))
    try:
        walk, events = await tried(replace(services, servers=servers), model)
    finally:
        await servers.aclose()
    assert end(events).ok, codes(events)
    found = over(events)
    assert {tuple(case.changes.items()) for case in found.values() if case.id.startswith("many-")} == {
        (("many", 1),), (("many", 4),),
    }  # fmt: skip
    assert "many" not in found["1", "first"].inputs
    assert repr(found["1", "first"].inputs["strength"]) == "7", "as JavaScript and Go write it"
    assert walk.journey.state("seed_test") == "ok"


async def test_a_change_is_on_disk_before_anybody_is_told(services: Services, tmp_path: Path) -> None:
    with ProjectStore.open(tmp_path / "project", "demo", "rehearsal", str(MODELS / "text")) as store:
        walk = Walk(store, services)
        assert end(await collect(walk, "run")).ok
        change = EditCases(Change(cases=('{"id": "mine", "prompt": "mine", "seed": 5}',), pairwise=True))
        async with aclosing(walk.run("seed_test", Author(), change)) as events:
            async for event in events:
                if isinstance(event, Saved) and isinstance(event.change, CasesRecord):
                    break
        # As after kill -9: nothing was closed, and another process reads what is there.
        found = ProjectStore.peek(tmp_path / "project", "demo").get(CasesRecord)
    assert found
    assert [case["id"] for case in found.cases] == ["mine"]
    assert found.pairwise
