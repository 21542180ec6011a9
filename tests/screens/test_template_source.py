"""Where a template comes from, chosen on screen by keys alone."""

from __future__ import annotations

import json
from pathlib import Path

from arbius_tui.domain.cid import cid
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.records import TemplateRecord
from arbius_tui.rehearsal.example import example_model
from arbius_tui.rehearsal.world import open_rehearsal
from arbius_tui.services.memory_store import MemoryStore
from tests.screens.test_steps_b import lines, shown, wizard, work

SCHEMA = Path(__file__).parents[1] / "fixtures" / "schemas" / "schema-types-v019.json"


async def test_a_template_of_somebody_else_is_taken_to_the_byte(tmp_path: Path) -> None:
    data = b'{ "meta": {"title": "[bold]T"}, "input": [], "output": [] }'
    (tmp_path / "theirs.json").write_bytes(data)
    async with open_rehearsal(tmp_path / "rehearsal") as services:
        store = MemoryStore(Journey("demo", "rehearsal", str(example_model())))
        async with wizard(store, services, "template") as pilot:
            await work(pilot, "enter")
            await work(pilot, "enter")
            text = shown(pilot.app)
            assert "Where shall the template come from?" in text
            assert ">  1  draft it from .cog/openapi_schema.json" in text, "no server runs: the last build's document"
            await work(pilot, "down", "enter")
            assert "Which file?" in shown(pilot.app)
            await pilot.press(*str(tmp_path / "theirs.json"))
            screen = await work(pilot, "enter")
            assert screen.copy_text() == cid(data)
            assert "59 B of 65,536" in lines(pilot.app)[-3]
    record = store.load().get(TemplateRecord)
    assert record is not None
    assert record.source == str(tmp_path / "theirs.json")
    assert Path(record.path).read_bytes() == data


async def test_going_back_from_the_question_writes_nothing(tmp_path: Path) -> None:
    async with open_rehearsal(tmp_path / "rehearsal") as services:
        store = MemoryStore(Journey("demo", "rehearsal", str(example_model())))
        async with wizard(store, services, "template") as pilot:
            await work(pilot, "enter")
            await work(pilot, "enter")
            await work(pilot, "escape")
            assert "No template yet." in shown(pilot.app)
        assert not list(services.out.glob("*.json"))
    assert store.load().get(TemplateRecord) is None


async def test_what_the_model_does_not_say_is_asked_for_or_left_as_a_warning(tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_text(json.dumps(json.loads(SCHEMA.read_text())))
    async with open_rehearsal(tmp_path / "rehearsal") as services:
        store = MemoryStore(Journey("demo", "rehearsal", str(example_model())))
        async with wizard(store, services, "template") as pilot:
            await work(pilot, "enter")
            await work(pilot, "enter")
            await work(pilot, "down", "enter")
            await pilot.press(*str(tmp_path / "schema.json"))
            await work(pilot, "enter")
            assert "not in the model's document" in shown(pilot.app)
            screen = await work(pilot, "enter")
            asked = [problem for problem in screen.found if problem.code == "draft-asked"]
            assert len(asked) > 5
            assert all(problem.path.startswith(("/input/", "/output/", "/meta/")) for problem in asked)
            blocked = [problem.path for problem in screen.found if problem.code == "draft-blocked"]
            assert blocked
            assert all(path.removeprefix("/") in screen.table.rows.places for path in blocked)
