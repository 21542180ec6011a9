"""The editor beside the chain, a real anvil with our engine: compared with what is registered, and taken from it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from arbius_tui.app import ArbiusApp
from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.events import Found, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.template import Template
from arbius_tui.services.memory_store import MemoryStore
from arbius_tui.steps.base import Walk
from arbius_tui.steps.template_edit import EditTemplate
from arbius_tui.steps.template_versions import OtherVersion, Version
from tests.screens.test_frame import lines, settle, shown, until
from tests.screens.test_template import TEXT, Quiet, file, kept, opened, press
from tests.services.chains import ETHER, Stage, anvil_stage
from tests.steps.conftest import Author, collect, end
from tests.stories.test_draft_from_chain import registered

__all__ = ["file"]
pytestmark = pytest.mark.real


@pytest.fixture
async def stage(anvil: str) -> AsyncIterator[Stage]:
    async with anvil_stage(anvil) as found:
        await found.fund(found.author, ETHER)
        yield found


class Chained(Quiet):
    """Services of a journey whose chain is a real node."""

    ipfs = ()
    gateways = ()
    chains = ()

    def __init__(self, state: Path, stage: Stage) -> None:
        super().__init__(state)
        self.chain = stage.chain


def walk_of(file: Path, stage: Stage, model_id: str = "", mined: bool = True) -> Walk:
    register: dict[str, Any] = {"mined_id" if mined else "model_id": model_id, "sender": stage.author, "fee_wei": "0"}
    records: dict[str, Any] = {"template": {"path": str(file), "cid": "Qm"}}
    if model_id:
        records["register"] = register
    journey = Journey("my-sdxl", "rehearsal", "", "template", {}, records, "2026-01-02T12:41:07")
    services: Any = Chained(file.parent / "state", stage)
    return Walk(MemoryStore(journey), services)


async def version(walk: Walk, file: Path) -> Version:
    events = [event async for event in walk.beside(OtherVersion(file, "chain"), Author())]
    (found,) = [e.item for e in events if isinstance(e, Found) and isinstance(e.item, Version)]
    return found


@pytest.mark.parametrize("mined", [True, False])
async def test_the_registered_bytes_are_the_other_version(stage: Stage, file: Path, mined: bool) -> None:
    theirs = TEXT.replace(b"My SDXL", b"On chain %d" % mined)
    walk = walk_of(file, stage, await registered(stage, theirs), mined)
    found = await version(walk, file)
    assert (found.name, found.text.encode()) == ("the chain", theirs)


async def test_without_a_registration_there_is_nothing_to_compare_with(stage: Stage, file: Path) -> None:
    with pytest.raises(BadInput, match="none is registered yet"):
        await version(walk_of(file, stage), file)


async def test_the_template_of_a_model_id_is_taken_as_one_step(stage: Stage, file: Path) -> None:
    theirs = TEXT.replace(b"My SDXL", b"Taken by its id").replace(b'"max":50', b'"max":51')
    model_id = await registered(stage, theirs)
    walk = walk_of(file, stage)
    from arbius_tui.domain.edit_words import changes

    events = await collect(walk, "template", step=EditTemplate(file, changes(["take", model_id])))
    assert end(events).result["cid"] == Template.read(theirs).cid
    assert file.read_bytes() == theirs
    events = await collect(walk, "template", step=EditTemplate(file, changes(["undo"])))
    assert file.read_bytes() == TEXT
    events = await collect(walk, "template", step=EditTemplate(file, changes(["take", "0x" + "cd" * 32])))
    assert [e.problem.code for e in events if isinstance(e, Trouble)] == ["model-unknown"]
    assert file.read_bytes() == TEXT


async def test_on_screen_the_difference_to_the_chain_stands_beside_the_part(stage: Stage, file: Path) -> None:
    theirs = TEXT.replace(b'"title":"My SDXL"', b'"title":"On \x1b chain"'.replace(b"\x1b", b"\\u001b"))
    model_id = await registered(stage, theirs)
    walk = walk_of(file, stage, model_id)

    async def open_walk() -> Walk:
        return walk

    app = ArbiusApp(open_walk, walk.journey, palette="dark")
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        screen.table.go("meta/title")
        await press(pilot, "f6", "d")
        await until(pilot, lambda: screen.pane_of_file.base_name == "the chain")
        await settle(pilot)
        text = shown(pilot.app)
        assert "since the chain" in text
        assert "\x1b" not in text
        removed = [row for row in lines(pilot.app) if '-   "title"' in row or '- "title"' in row or "On " in row]
        assert removed, text
        await press(pilot, "f6", "4", "enter", "x")
        await kept(pilot, file, lambda d: d["input"][3]["variable"] == "stepsx")
        assert "since the chain" in shown(pilot.app), "the comparison goes on while the author types"
        await press(pilot, "escape", "d")
        await until(pilot, lambda: screen.pane_of_file.base_name == "saved")
        await settle(pilot)
        assert "since saved" in shown(pilot.app), "the edit is a difference to what was saved"
        assert json.loads(file.read_bytes())["meta"]["title"] == "My SDXL"
