"""The cases on screen: real keys on the real rehearsal. Each change is kept, and a command line says the same."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from textual.pilot import Pilot

from arbius_tui import cli
from arbius_tui.app import ArbiusApp
from arbius_tui.domain.case_edits import Edits, applied, recalled
from arbius_tui.domain.cases import Case, cases_for, pairs_of, pairwise_cases
from arbius_tui.domain.events import Done
from arbius_tui.domain.inputs import ModelInput, sample
from arbius_tui.domain.journey import Journey
from arbius_tui.rehearsal.example import example_model
from arbius_tui.rehearsal.world import open_rehearsal
from arbius_tui.screens.case_form import AGAINST, WANTS
from arbius_tui.screens.predict import PredictScreen
from arbius_tui.screens.seed_cases import CasesScreen
from arbius_tui.services.memory_store import MemoryStore
from arbius_tui.services.ports import Services
from arbius_tui.steps import seed_edit, seed_plan
from arbius_tui.steps.base import Walk
from tests.screens.demo import Scripted
from tests.screens.still import still
from tests.screens.test_frame import lines, settle, shown, until
from tests.screens.test_steps_b import done

SIZES = [(80, 24), (120, 40)]


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    async with open_rehearsal(tmp_path / "rehearsal") as found:
        yield found


@asynccontextmanager
async def listing(services: Services, size: tuple[int, int] = (80, 24), at: str = "seed_test") -> AsyncIterator[Any]:
    """The pilot and the cases of the example, which runs."""
    store = MemoryStore(Journey("demo", "rehearsal", str(example_model())))
    await done(Walk(store, services), "run")
    await Walk(store, services).go(at)

    async def open_walk() -> Walk:
        return Walk(store, services)

    app = ArbiusApp(open_walk, store.load(), palette="dark")
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.session.walk)
        if at == "seed_test":
            await pilot.press("a")
            await until(pilot, lambda: isinstance(app.screen, CasesScreen) and app.screen.cases)
            await quiet(pilot)
        yield pilot


async def quiet(pilot: Pilot[Any]) -> Any:
    """Nothing is being kept any more; the screen."""
    screen: Any = pilot.app.screen
    await until(pilot, lambda: not (screen.running or getattr(screen, "pending", [])))
    await settle(pilot)
    await until(pilot, lambda: not (screen.running or getattr(screen, "pending", [])))
    return screen


def edits(pilot: Pilot[Any]) -> Edits:
    app: Any = pilot.app
    return recalled(app.session.journey.records.get("seed_cases", {}))


async def press(pilot: Pilot[Any], *keys: str) -> Any:
    """Keys, each after what the one before it did."""
    for key in keys:
        await pilot.press(key)
        await settle(pilot)
    return await quiet(pilot)


async def typing(pilot: Pilot[Any], field: str, *keys: str) -> Any:
    """Keys in this field, which is then left."""
    screen: Any = pilot.app.screen
    screen.form.form.go(field)
    await settle(pilot)
    return await press(pilot, *keys, "tab")


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
async def test_a_case_is_added_changed_and_taken_away_with_keys_only(size: tuple[int, int], services: Services) -> None:
    async with listing(services, size) as pilot:
        screen: Any = pilot.app.screen
        assert "first run" in shown(pilot.app)
        assert "inputs" in shown(pilot.app)
        standard = len(screen.cases)
        await press(pilot, "n")
        await until(pilot, lambda: screen.editing == "case-1")
        assert "my case 1" in shown(pilot.app)
        await typing(pilot, "seed", *["backspace"] * 5, "7")
        await typing(pilot, "prompt", "[", "x", "]")
        await typing(pilot, WANTS, "right", "right")
        (case,) = edits(pilot).cases
        assert (case.seed, case.expect, case.against) == (7, "differs", "first"), "kept when the field was left"
        assert case.inputs == {"prompt": f"{screen.seen.shared['prompt']}[x]"}
        await press(pilot, "escape")
        assert not screen.editing
        row = next(row for row in lines(pilot.app) if "my case 1" in row)
        assert " 7 " in row
        assert screen.table.row.id == "case-1"
        await press(pilot, "D")
        assert [c.id for c in edits(pilot).cases] == ["case-1", "case-2"]
        assert edits(pilot).cases[1].inputs == case.inputs
        assert screen.table.row.id == "case-2"
        await press(pilot, "delete")
        assert [c.id for c in edits(pilot).cases] == ["case-1"]
        await press(pilot, "u")
        assert [c.id for c in edits(pilot).cases] == ["case-1", "case-2"], "one key brings it back"
        await press(pilot, "u", "u")
        assert len(screen.cases) == standard + 1
        await press(pilot, "escape")
        assert not isinstance(pilot.app.screen, CasesScreen)
        assert "--case" in pilot.app.screen.command()


async def test_the_command_that_f2_shows_makes_the_same_cases(services: Services) -> None:
    async with listing(services) as pilot:
        screen: Any = pilot.app.screen
        await press(pilot, "n")
        await until(pilot, lambda: screen.editing)
        await typing(pilot, "prompt", "'", "x")
        await press(pilot, "escape", "i")
        await typing(pilot, "prompt", "Y")
        await press(pilot, "escape", "p")
        words = shlex.split(screen.command())
        expected = edits(pilot)
        services_now = pilot.app.session.walk.services
        journey = Journey("other", "rehearsal", str(example_model()), records={"run": screen.saved_record("run")})
    asked: dict[str, Any] = {}

    def instead(options: Any, *stops: Any, **settings: Any) -> int:
        asked["step"] = stops[-1]
        return 0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cli, "saved", instead)
        assert CliRunner().invoke(cli.main, words[1:], standalone_mode=False).exit_code == 0
    step = asked["step"]
    assert isinstance(step, seed_edit.EditCases)
    record: Any = journey.records["run"]
    found = await seed_plan.planned(
        journey, seed_plan.RunRecord(record["url"]), services_now, Path(), changes=step.changes
    )
    assert found.edits == expected


async def test_a_sample_is_changed_for_all_cases_at_once_and_can_be_the_models_own_again(services: Services) -> None:
    async with listing(services) as pilot:
        screen: Any = pilot.app.screen
        stated = screen.seen.stated
        await press(pilot, "i")
        assert "What all cases send" in shown(pilot.app)
        if "prompt" in stated:
            assert "made up" in shown(pilot.app)
        await typing(pilot, "prompt", "!")
        assert edits(pilot).inputs == {"prompt": "arbius test cat!"}
        assert all(
            case.inputs["prompt"].endswith("!") for case in screen.cases.values() if "prompt" not in case.changes
        )
        await typing(pilot, "prompt", *["backspace"] * 20)
        assert edits(pilot).inputs == {}
        await press(pilot, "escape")
        assert screen.seen.shared["prompt"] == "arbius test cat"


async def test_what_is_not_valid_is_said_never_traps_and_leaves_the_case_as_it_was(services: Services) -> None:
    async with listing(services) as pilot:
        screen: Any = pilot.app.screen
        await press(pilot, "n")
        await until(pilot, lambda: screen.editing)
        before = edits(pilot)
        screen.form.form.go("seed")
        await settle(pilot)
        await press(pilot, "x", "shift+tab")
        assert "ERROR" in shown(pilot.app)
        assert edits(pilot) == before
        await press(pilot, "escape")
        assert not screen.editing
        assert "seed: not valid" in shown(pilot.app)
        assert edits(pilot) == before


async def test_a_run_that_others_need_stays_and_the_panel_says_why(services: Services) -> None:
    async with listing(services) as pilot:
        screen: Any = pilot.app.screen
        await press(pilot, "delete")
        assert screen.has_class("-problem")
        assert "is compared with first" in shown(pilot.app)
        assert edits(pilot) == Edits()
        assert pilot.app.session.journey.state("seed_test") == "-"
        await press(pilot, "down", "delete")
        assert edits(pilot).without == ("again",)
        assert "again" not in screen.cases


async def test_pairs_are_shown_before_they_run_and_space_runs_all(services: Services) -> None:
    async with listing(services) as pilot:
        screen: Any = pilot.app.screen
        await press(pilot, "p")
        pairs = [id for id in screen.cases if id.startswith("pair-")]
        assert pairs
        assert f"leaves {len(pairs)} pairs out" in shown(pilot.app)
        await press(pilot, "p")
        assert not [id for id in screen.cases if id.startswith("pair-")]
        listed = list(screen.cases)
        await pilot.press("space")
        await until(pilot, lambda: not isinstance(pilot.app.screen, CasesScreen))
        test: Any = pilot.app.screen
        async with asyncio.timeout(300):
            while pilot.app.session.journey.state("seed_test") != "ok":
                await pilot.pause(0.1)
        assert [id for _, id in test.cases] == listed


async def test_a_form_cannot_be_compared_to_a_later_case_and_the_first_to_none(services: Services) -> None:
    async with listing(services) as pilot:
        screen: Any = pilot.app.screen
        await press(pilot, "enter")
        assert WANTS not in screen.form.known
        await press(pilot, "escape", "down", "down", "enter")
        assert screen.form.known[AGAINST].choices == ("first", "again")


async def test_a_prediction_that_was_tried_is_kept_by_one_key(services: Services) -> None:
    async with listing(services, at="run") as pilot:
        app: Any = pilot.app
        await pilot.press("f5")
        await until(pilot, lambda: app.screen.ready and not app.screen.running)
        await settle(pilot)
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, PredictScreen) and not app.screen.reading)
        await settle(pilot)
        await pilot.press("z", "f5")
        screen: Any = app.screen
        await until(pilot, lambda: screen.output.whole and not screen.running)
        await settle(pilot)
        assert "k keep" in shown(app)
        await pilot.press("k")
        await until(pilot, lambda: len(edits(pilot).cases) == 2 and not screen.running)
        first, again = edits(pilot).cases
        assert first.inputs["prompt"] == "z"
        assert (again.expect, again.against, again.seed) == ("same", first.id, first.seed)
        await settle(pilot)
        assert "kept for the seed test" in shown(app)
        assert app.session.journey.state("run") == "ok"


async def test_keys_that_come_while_one_change_is_kept_are_not_lost(services: Services) -> None:
    async with listing(services) as pilot:
        screen: Any = pilot.app.screen
        screen.table.go("over-32-bits")
        for _ in range(3):
            screen.action_copy_case()
        await quiet(pilot)
        assert [case.id for case in edits(pilot).cases] == ["case-1", "case-2", "case-3"]


SHARED = {"prompt": "arbius test cat", "width": 64, "steps": 50}
KNOWN = (
    ModelInput("prompt", "string", 0, True, description="what to draw"),
    ModelInput("width", "integer", 1, False, 64, True, choices=(64, 128, 256)),
    ModelInput("steps", "integer", 2, False, 50, True, 1, 500),
    ModelInput("seed", "integer", 3, False),
)
MINE = Case("case-1", "my [b]case[/] 1", 7, "differs", inputs={"prompt": "a cat and a dog"})


def scripted(pairs: bool) -> ArbiusApp:
    """The cases of a model that nobody runs."""
    known = sample(KNOWN)
    edits = Edits({}, (MINE,), (), pairs)
    made = (*cases_for(KNOWN, known), *(pairwise_cases(KNOWN, known, pairs_of(KNOWN, known)) if pairs else ()))
    plan = seed_plan.Plan(applied(edits, made), SHARED, None, KNOWN)
    start = Journey("my-sdxl", "one", "", "seed_test", {"run": "ok"}, {"run": {"url": "http://127.0.0.1:5000"}},
                    "2026-01-02T12:41:07")  # fmt: skip
    start = start.having(seed_plan.Planned(plan, edits, known).record)
    script = [*seed_edit.seen(seed_plan.Planned(plan, edits, known), start), Done(True, state="-")]

    async def open_walk() -> Walk:
        nowhere: Any = None
        return Walk(MemoryStore(start), nowhere)

    screen = type("Played", (CasesScreen,), {"work": lambda self: Scripted(script), "BINDINGS": CasesScreen.BINDINGS})
    app = ArbiusApp(open_walk, start, palette="dark", screens=lambda _: screen)
    app.session.clock = lambda: 100.0
    return app


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("state", ["list", "form", "form-wrong", "samples", "pairs"])
def test_the_look(state: str, size: tuple[int, int], snap_compare: Any) -> None:
    async def ready(pilot: Pilot[Any]) -> None:
        screen: Any = pilot.app.screen
        await until(pilot, lambda: screen.cases and not screen.running)
        await settle(pilot)
        keys = {"list": ["end"], "form": ["end", "enter"], "form-wrong": ["end", "enter", "down", "x", "down"],
                "samples": ["i"], "pairs": ["end", "up"]}[state]  # fmt: skip
        for key in keys:
            await pilot.press(key)
            await settle(pilot)
        await still(pilot)

    assert snap_compare(scripted(state == "pairs"), terminal_size=size, run_before=ready)
