"""A template is edited by words and key by key: on disk at once, with its history, never over another's change."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from arbius_tui.domain import template_edits as edits
from arbius_tui.domain.edit_words import Change, changes
from arbius_tui.domain.editing import Editing
from arbius_tui.domain.errors import BadInput, NotReady
from arbius_tui.domain.events import Event, Found, Line, Saved, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.records import TemplateRecord
from arbius_tui.domain.template import Template
from arbius_tui.services.memory_store import MemoryStore
from arbius_tui.steps.base import Walk
from arbius_tui.steps.template_edit import Desk, Edited, EditSession, EditTemplate, Kept, Newest, Opened
from tests.steps.conftest import Author, collect, end

ROW = {"variable": "steps", "type": "int", "required": False, "min": 1, "max": 20, "default": 10, "description": "n"}
DOCUMENT = {"meta": {"title": "T"}, "input": [ROW], "output": [{"filename": "out-1.png", "type": "image"}]}
EXE = str(Path(sys.executable).parent / "arbius-tui")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "my.json"
    path.write_bytes(Template.of(DOCUMENT).data)
    return path


class Quiet:
    """Services of a journey that is kept in a folder; nothing else is asked of them."""

    lasting = True

    def __init__(self, state: Path) -> None:
        self.state = state


def walk_in(state: Path) -> Walk:
    services: Any = Quiet(state)
    return Walk(MemoryStore(Journey("demo")), services)


def row(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_bytes())["input"][0]
    return found


async def edit(walk: Walk, path: Path, *words: str) -> list[Event]:
    return await collect(walk, "template", step=EditTemplate(path, changes(words)))


# --- words -------------------------------------------------------------------------------------------------------


async def test_edits_in_words_are_one_write_and_can_be_undone_later(file: Path, tmp_path: Path) -> None:
    before = file.read_bytes()
    walk = walk_in(tmp_path / "state")
    events = await edit(walk, file, "set", "/input/steps/max=50", "add", "output", "move", "/output/1=up")
    assert row(file)["max"] == 50
    assert [e.item.name for e in events if isinstance(e, Found) and isinstance(e.item, Edited)] == [
        "max 20 -> 50", "add out-2.png", "move out-2.png up"]  # fmt: skip
    record = walk.journey.get(TemplateRecord)
    assert record
    assert record.path == str(file)
    assert record.bytes == len(file.read_bytes())
    events = await edit(walk_in(tmp_path / "state"), file, "undo", "undo", "undo")
    assert file.read_bytes() == before
    assert end(events).result["can_redo"] == ["max 20 -> 50", "add out-2.png", "move out-2.png up"]
    await edit(walk_in(tmp_path / "state"), file, "redo")
    assert row(file)["max"] == 50


@pytest.mark.parametrize(
    "words",
    [
        ["set", "/input/0/min=abc"], ["set", "/input/9/min=1"], ["set", "min=1"], ["add", "meta"], ["delete", "/meta"],
        ["move", "/input/0=left"], ["fix", "nothing"], ["patch", "{"], ["patch", "[]"], ["patch", "5"],
        ["patch", '[{"op": "copy", "path": "/a"}]'], ["patch", '[{"op": "add", "path": "/a"}]'], ["undo"], ["redo"],
        ["patch", '[{"op": "remove", "path": "/none"}]'], ["set", "/input/0/type=float"],
    ],
)  # fmt: skip
async def test_what_cannot_be_done_changes_nothing(file: Path, tmp_path: Path, words: list[str]) -> None:
    before = file.read_bytes()
    first = () if words == ["undo"] else ("set", "/meta/title=other")
    events = await edit(walk_in(tmp_path / "state"), file, *first, *words)
    assert end(events).exit == 2
    (problem,) = [e.problem for e in events if isinstance(e, Trouble)]
    assert problem.fix
    assert file.read_bytes() == before, "all edits or none"


@pytest.mark.parametrize("words", [[], ["change", "x"], ["set"], ["undo", "add"]])
def test_words_that_are_no_edit(words: list[str]) -> None:
    with pytest.raises(BadInput):
        changes(words)


async def test_a_file_of_another_journey_is_edited_and_not_taken_over(file: Path, tmp_path: Path) -> None:
    walk = walk_in(tmp_path / "state")
    await walk.save(TemplateRecord("/somewhere/else.json", 1, "Qm", "0"))
    await edit(walk, file, "set", "/meta/title=other")
    record = walk.journey.get(TemplateRecord)
    assert record
    assert record.path == "/somewhere/else.json"


def test_the_command(file: Path, home: Path) -> None:
    def run(*words: str) -> tuple[int, dict[str, Any]]:
        argv = [EXE, "template", "edit", str(file), *words, "--json"]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, cwd=home, stdin=subprocess.DEVNULL)
        return done.returncode, json.loads(done.stdout.splitlines()[-1])["result"]

    code, found = run("set", "/input/steps/min=-5", "patch", '[{"op": "replace", "path": "/meta/title", "value": "X"}]')
    assert code == 0
    assert found["history"] == ["min 1 -> -5", "patch"]
    assert found["template"]["input"][0]["min"] == -5
    code, found = run("undo")
    assert found["history"] == ["min 1 -> -5"]
    assert json.loads(file.read_bytes())["meta"]["title"] == "T"
    assert run("delete", "/output/0")[0] == 5, "errors end in 5, as they do in check"
    assert run("set", "/input/0/min=x")[0] == 2


# --- key by key --------------------------------------------------------------------------------------------------


async def until(events: AsyncGenerator[Event, None], kind: type[Any]) -> Any:
    """The next event of this kind, or found item of it."""
    async for event in events:
        if isinstance(event, kind):
            return event
        if isinstance(event, Found) and isinstance(event.item, kind):
            return event.item
    raise AssertionError(f"no {kind}")


async def test_a_screen_s_edits_are_on_disk_and_the_journey_hears_of_them(file: Path, tmp_path: Path) -> None:
    walk, newest = walk_in(tmp_path / "state"), Newest()
    async with aclosing(walk.beside(EditSession(file, newest), Author())) as events:
        opened = await until(events, Opened)
        wrong = edits.typed(edits.typed(opened.editing, "/input/0/max", "50"), "/input/0/min", "abc")
        newest.put(wrong, "1 ERROR")
        assert (await until(events, Kept)).steps == 2
        assert row(file) == {**ROW, "max": 50}
        assert isinstance(await until(events, Saved), Saved)
        await until(events, Saved)
    record = walk.journey.get(TemplateRecord)
    assert record
    assert record.pending == {"/input/0/min": "abc"}
    assert walk.journey.state("template") == "1 ERROR"
    again = Desk(file, tmp_path / "state").open()
    assert again.pending == {"/input/0/min": "abc"}
    assert [step.name for step in again.past] == ["max 20 -> 50", "min 1 -> abc"]


async def test_what_was_not_written_yet_is_written_when_the_screen_goes(file: Path, tmp_path: Path) -> None:
    walk, newest = walk_in(tmp_path / "state"), Newest()
    async with aclosing(walk.beside(EditSession(file, newest), Author())) as events:
        opened = await until(events, Opened)
        newest.put(edits.typed(opened.editing, "/input/0/max", "50"), "ok")
    assert row(file)["max"] == 50


async def test_a_file_that_another_program_changed_is_left_alone(file: Path, tmp_path: Path) -> None:
    walk, newest = walk_in(tmp_path / "state"), Newest()
    other = Template.of({**DOCUMENT, "meta": {"title": "theirs"}}).data
    async with aclosing(walk.beside(EditSession(file, newest), Author())) as events:
        opened = await until(events, Opened)
        file.write_bytes(other)
        newest.put(edits.typed(opened.editing, "/input/0/max", "50"), "ok")
        trouble = await until(events, Trouble)
        assert trouble.problem.code == "changed-outside"
        assert file.read_bytes() == other
    walk, newest = walk_in(tmp_path / "state"), Newest()
    async with aclosing(walk.beside(EditSession(file, newest), Author())) as events:
        assert isinstance(await until(events, Line), Line)
        editing = (await until(events, Opened)).editing
        assert editing.template.data == other
        assert json.loads(editing.undo().text)["input"][0]["max"] == 50, "and undo brings ours back"


# --- the desk ----------------------------------------------------------------------------------------------------


def same(one: Editing, other: Editing) -> bool:
    plain = [replace(step, burst="", documents=None) for step in (*one.past, *one.future)]
    return (
        one.template.data == other.template.data
        and one.pending == other.pending
        and plain == [replace(step, burst="", documents=None) for step in (*other.past, *other.future)]
        and len(one.past) == len(other.past)
    )


def test_every_state_is_found_again_after_a_kill(file: Path, tmp_path: Path) -> None:
    desk = Desk(file, tmp_path)
    editing = desk.open()
    for text in ("5", "50", "500"):
        editing = edits.typed(editing, "/input/0/max", text, burst="max#1")
        desk.keep(editing)
    for act in (
        lambda e: edits.duplicated(e, "/input/0"), lambda e: edits.typed(e, "/input/1/min", "é\u2028\U0001f600"),
        lambda e: e.undo(), lambda e: e.undo(), lambda e: e.redo(), lambda e: edits.deleted(e, "/input/0"),
    ):  # fmt: skip
        editing = act(editing)
        desk.keep(editing)
        log = (tmp_path / "edits").glob("*.jsonl")
        copy = tmp_path / "copy" / "edits"
        copy.mkdir(parents=True, exist_ok=True)
        for path in log:
            (copy / path.name).write_bytes(path.read_bytes() + b'{"half of a line')
        assert same(Desk(file, tmp_path / "copy").open(), editing)


def test_a_damaged_history_begins_anew(file: Path, tmp_path: Path) -> None:
    desk = Desk(file, tmp_path)
    desk.keep(edits.typed(desk.open(), "/input/0/max", "50"))
    (log,) = (tmp_path / "edits").glob("*.jsonl")
    for damage in (b"\xff\n", b"[]\n", b'{"v": 9}\n', log.read_bytes().replace(b'"at": ', b'"at": 9'), b""):
        log.write_bytes(damage)
        assert Desk(file, tmp_path).open().past == ()


def test_a_long_history_drops_its_oldest_steps_and_goes_on(file: Path, tmp_path: Path) -> None:
    desk = Desk(file, tmp_path)
    editing = desk.open()
    for number in range(1_003):
        editing = edits.typed(editing, "/input/0/max", str(number))
        if number % 100 == 0 or number > 998:
            desk.keep(editing)
    assert 500 <= len(editing.past) < 1_000
    assert same(Desk(file, tmp_path).open(), editing)


def test_a_file_that_is_too_big_for_the_engine_can_be_edited(file: Path, tmp_path: Path) -> None:
    desk = Desk(file, tmp_path)
    desk.keep(edits.typed(desk.open(), "/meta/title", "x" * 70_000))
    editing = Desk(file, tmp_path).open()
    assert editing.template.size > 65_536
    assert Desk(file, tmp_path).open().undo().text == Template.of(DOCUMENT).data.decode()


def test_a_file_that_cannot_be_written_is_said_in_words(file: Path, tmp_path: Path, monkeypatch: Any) -> None:
    desk = Desk(file, None)
    editing = edits.typed(desk.open(), "/input/0/max", "50")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("arbius_tui.services.files.replace_file", full)
    with pytest.raises(NotReady, match="cannot write"):
        desk.keep(editing)


def test_a_change_is_words() -> None:
    assert changes(["set", "/a=b=c", "undo"]) == [Change("set", "/a=b=c"), Change("undo")]


async def test_newest_waits_at_most_so_long() -> None:
    newest = Newest()
    assert not await newest.wait(0)
    newest.put(Editing(Template.of(DOCUMENT)), "ok")
    assert await asyncio.wait_for(newest.wait(None), 30)
