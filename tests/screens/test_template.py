"""The template editor on the real step: keys alone, the file and its history on disk, problems that trap nobody."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from arbius_tui.app import ArbiusApp
from arbius_tui.domain.errors import NotReady
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.template import Template
from arbius_tui.screens.template import TemplateScreen
from arbius_tui.services.memory_store import MemoryStore
from arbius_tui.steps.base import Walk
from tests.screens.still import still
from tests.screens.test_frame import lines, settle, shown, until

TEXT = (
    b'{"meta":{"title":"My SDXL","description":"on an A100","git":"https://github.com/me/sdxl/tree/'
    + b"a" * 40
    + b'","docker":"r8.im/me/sdxl@sha256:'
    + b"b" * 64
    + b'","version":1},"input":['
    b'{"variable":"prompt","type":"string","required":true,"default":"","description":"what to draw"},'
    b'{"variable":"guidance_scale","type":"decimal","required":false,"min":1,"max":50,"default":7,'
    b'"description":"Scale for [red]classifier-free[/] guidance"},'
    b'{"variable":"width","type":"int_enum","required":false,"choices":[512,768],"default":512,"description":"W"},'
    b'{"variable":"steps","type":"int","required":false,"min":1,"max":50,"default":20,"description":"how many"}],'
    b'"output":[{"filename":"out-1.png","type":"image"}]}\n'
)
URL = "http://127.0.0.1:5000"
DOCUMENT = {
    "components": {
        "schemas": {
            "Input": {
                "type": "object",
                "required": ["prompt"],
                "properties": {
                    "prompt": {"type": "string", "x-order": 0, "description": "what to draw"},
                    "guidance_scale": {"type": "number", "minimum": 1, "maximum": 20, "default": 7, "x-order": 1},
                    "width": {"type": "integer", "enum": [512, 768], "default": 512, "x-order": 2},
                    "num_steps": {"type": "integer", "minimum": 1, "maximum": 50, "default": 20, "x-order": 3},
                    "seed": {"type": "integer", "x-order": 4},
                },
            }
        }
    }
}


class Model:
    """A server that says what it takes."""

    async def schema(self, url: str) -> dict[str, Any]:
        if url != URL:
            raise NotReady("endpoint-unreachable", "nothing answers")
        return DOCUMENT


class Quiet:
    """Services of a journey that is kept in a folder; nothing else is asked of them."""

    lasting = True
    builder = None
    endpoints = ()
    predictions = Model()

    def __init__(self, state: Path) -> None:
        self.state = state


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "my_sdxl.json"
    path.write_bytes(TEXT)
    return path


def app_of(file: Path, palette: str = "dark", **records: Any) -> ArbiusApp:
    """The screen on a file; `records` are what the journey remembers."""
    known = {"template": {"path": str(file), "cid": "Qm"}, **records}
    journey = Journey("my-sdxl", "one", "", "template", {}, known, "2026-01-02T12:41:07")
    services: Any = Quiet(file.parent / "state")

    async def open_walk() -> Walk:
        return Walk(MemoryStore(journey), services)

    return ArbiusApp(open_walk, journey, palette=palette)


def screen_of(pilot: Pilot[Any]) -> TemplateScreen:
    screen = pilot.app.screen
    assert isinstance(screen, TemplateScreen)
    return screen


async def opened(pilot: Pilot[Any]) -> TemplateScreen:
    screen = screen_of(pilot)
    await until(pilot, lambda: screen.editing is not None and screen.table.has_focus)
    await settle(pilot)
    return screen


async def kept(pilot: Pilot[Any], file: Path, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The file once it fits."""
    await until(pilot, lambda: fits(json.loads(file.read_bytes())))
    found: dict[str, Any] = json.loads(file.read_bytes())
    return found


def names(document: dict[str, Any]) -> list[str]:
    return [row["variable"] for row in document["input"]]


async def press(pilot: Pilot[Any], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await pilot.pause()
    await settle(pilot)


async def test_it_opens_with_its_parts_and_says_what_the_bytes_give(file: Path) -> None:
    async with app_of(file).run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        text = shown(pilot.app)
        assert f"{len(TEXT):,} B of 65,536" in text
        cid = Template.parse(TEXT).cid
        assert f"CID {cid[:8]}..{cid[-4:]}" in text
        assert screen.table.row
        assert screen.table.row.id == "input/0"
        await press(pilot, "2")
        text = shown(pilot.app)
        assert "input 2 of 4" in text
        assert "[red]classif" in text, "the file's text is no markup"
        assert "slider 1 to 50" in text
        assert file.read_bytes() == TEXT, "opening writes nothing"


async def test_add_duplicate_move_delete_undo_and_redo(file: Path) -> None:
    async with app_of(file).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await press(pilot, "4", "n", "D", "K", "delete")
        after = await kept(pilot, file, lambda d: names(d) == ["prompt", "guidance_scale", "width", "steps", "input_5"])
        assert len(after["input"]) == 5
        assert screen.editing
        wanted = ["add input_5", "duplicate input_5", "move input_5_copy up", "delete input_5_copy"]
        assert [edit.name for edit in screen.editing.past] == wanted
        last = file.read_bytes()
        await press(pilot, *["ctrl+z"] * 4)
        await until(pilot, lambda: file.read_bytes() == TEXT)
        assert "undone: add input_5" in shown(pilot.app)
        await press(pilot, "ctrl+z")
        assert "nothing to undo" in shown(pilot.app)
        await press(pilot, *["ctrl+r"] * 4)
        await until(pilot, lambda: file.read_bytes() == last)


async def test_typing_is_one_step_and_what_is_not_valid_traps_nobody(file: Path) -> None:
    async with app_of(file).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await press(pilot, "4", "enter")
        await press(pilot, *["down"] * 4)
        assert screen.form.at == "/input/3/min"
        await press(pilot, "backspace", *"abc")
        await press(pilot, "shift+tab")
        text = shown(pilot.app)
        assert "[abc" in text, "what was typed stays"
        assert "`min` is 'abc', not a whole number" in text
        await press(pilot, "escape")
        assert screen.table.has_focus
        await until(pilot, lambda: pilot.app.session.journey.state("template") == "1 ERROR")
        assert json.loads(file.read_bytes()) == json.loads(TEXT), "the file keeps the last valid value"
        await settle(pilot)
        assert "6 Template  1 ERROR" in lines(pilot.app)[1]
        assert screen.editing
        assert [edit.name for edit in screen.editing.past] == ["min 1 -> abc"]
        await press(pilot, "ctrl+z")
        await until(pilot, lambda: file.read_bytes() == TEXT)
        await until(pilot, lambda: pilot.app.session.journey.state("template") != "1 ERROR")


async def test_choices_are_a_list(file: Path) -> None:
    async with app_of(file).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await press(pilot, "3", "enter", *["down"] * 4, "ctrl+n")
        assert screen.form.at == "/input/2/choices/-"
        await press(pilot, *"1024")
        assert screen.form.at == "/input/2/choices/2"
        await kept(pilot, file, lambda d: d["input"][2]["choices"] == [512, 768, 1024])
        await press(pilot, "shift+up", "shift+up")
        assert screen.form.at == "/input/2/choices/0"
        await kept(pilot, file, lambda d: d["input"][2]["choices"] == [1024, 512, 768])
        await press(pilot, "down", "f7")
        await kept(pilot, file, lambda d: d["input"][2]["choices"] == [1024, 768])
        assert screen.editing
        assert [edit.name for edit in screen.editing.past] == [
            "add choice 1024", "move choice 1024 up", "move choice 1024 up", "delete choice 512"]  # fmt: skip


async def test_flags_and_types_are_turned(file: Path) -> None:
    async with app_of(file).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "4", "enter", "down", "d")
        await kept(pilot, file, lambda d: d["input"][3]["type"] == "decimal")
        await press(pilot, "down", "space")
        await kept(pilot, file, lambda d: d["input"][3]["required"] is True)


async def test_the_model_says_what_it_takes_and_a_key_mends_what_differs(file: Path) -> None:
    async with app_of(file, run={"url": URL}).run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        await until(pilot, lambda: screen.model is not None and screen.judged.at("/input/3/variable"))
        await press(pilot, "2")
        text = shown(pilot.app)
        assert "le 20" in text
        assert "ge=1, le=20, default=7" in text
        assert any(problem.severity == "error" for problem in screen.judged.at("/input/1/max"))
        await press(pilot, "f8")
        await kept(pilot, file, lambda d: d["input"][1]["max"] == 20)
        await press(pilot, "4")
        assert "num_steps" in shown(pilot.app)
        await press(pilot, "f8")
        await kept(pilot, file, lambda d: d["input"][3]["variable"] == "num_steps")
        await press(pilot, "ctrl+z")
        await kept(pilot, file, lambda d: d["input"][3]["variable"] == "steps")


async def test_what_the_model_has_and_the_template_lacks_is_taken_in(file: Path) -> None:
    async with app_of(file, run={"url": URL}).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await until(pilot, lambda: "left/num_steps" in screen.table.rows.places)
        await press(pilot, "end")
        assert "miners set it" in " ".join(shown(pilot.app).split()) or screen.here == "left/num_steps"
        screen.table.go("left/num_steps")
        await press(pilot, "i")
        after = await kept(pilot, file, lambda d: "num_steps" in names(d))
        assert after["input"][-1]["max"] == 50
        assert screen.here == "input/4"
        screen.table.go("left/seed")
        await press(pilot, "i")
        assert "stays out" in shown(pilot.app)


async def test_the_filter_and_the_way_back(file: Path) -> None:
    async with app_of(file).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await press(pilot, "slash", *"scale", "enter")
        await until(pilot, lambda: "input/0" not in screen.table.rows.places)
        assert "input/1" in screen.table.rows.places
        screen.table.focus()
        await press(pilot, "escape")
        assert "input/0" in screen.table.rows.places


async def test_the_file_is_compared_with_git_and_with_what_was_saved(file: Path) -> None:
    def git(*words: str) -> None:
        who = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
        subprocess.run(["git", "-C", str(file.parent), *who, *words], check=True, capture_output=True, timeout=30)

    file.write_bytes(TEXT.replace(b"My SDXL", b"Old name"))
    git("init", "-q")
    git("add", file.name)
    git("commit", "-qm", "first")
    file.write_bytes(TEXT)
    async with app_of(file).run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        await press(pilot, "2", "D", "f6")
        assert screen.view.has_focus
        assert "since saved" in shown(pilot.app)
        await press(pilot, "d")
        await until(pilot, lambda: screen.pane_of_file.base_name == "git HEAD")
        await settle(pilot)
        assert '-   "title": "Old name"' in shown(pilot.app) or "since git HEAD" in shown(pilot.app)
        await press(pilot, "d")
        await until(pilot, lambda: screen.pane_of_file.base_name == "saved")
        assert "none is registered yet" in shown(pilot.app)
        await press(pilot, "f6")
        assert screen.table.has_focus


async def test_at_80_columns_the_file_takes_the_place_of_the_form(file: Path) -> None:
    async with app_of(file).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        assert '"meta"' not in shown(pilot.app)
        await press(pilot, "2", "f6")
        assert '"variable": "guidance_scale"' in shown(pilot.app)
        await press(pilot, "escape")
        assert screen.table.has_focus
        assert '"meta"' not in shown(pilot.app)


async def test_a_broken_file_is_shown_as_text_and_never_written(file: Path) -> None:
    broken = TEXT.replace(b'"input":[', b'\n"input":[,')
    file.write_bytes(broken)
    async with app_of(file).run_test(size=(80, 24)) as pilot:
        screen = screen_of(pilot)
        await until(pilot, lambda: screen.has_class("-broken"))
        await settle(pilot)
        text = shown(pilot.app)
        assert "line 2, column 10" in text
        assert '2  "input":[,' in text
        await press(pilot, "n", "ctrl+z", "delete")
        assert file.read_bytes() == broken
        file.write_bytes(TEXT)
        await press(pilot, "f5")
        await until(pilot, lambda: screen.editing is not None)
        assert not screen.has_class("-broken")


async def test_a_change_from_outside_is_not_written_over(file: Path) -> None:
    other = TEXT.replace(b"My SDXL", b"Theirs")
    async with app_of(file).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        file.write_bytes(other)
        await press(pilot, "4", "delete")
        await until(pilot, lambda: screen.has_class("-problem"))
        assert file.read_bytes() == other
        await press(pilot, "f5")
        await until(pilot, lambda: screen.editing is not None and screen.editing.template.data == other)
        await press(pilot, "ctrl+z")
        await kept(pilot, file, lambda d: len(d["input"]) == 3)


async def test_the_history_is_there_after_a_restart(file: Path) -> None:
    async with app_of(file).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "4", "delete")
        await kept(pilot, file, lambda d: len(d["input"]) == 3)
        await pilot.app.run_action("leave")
    async with app_of(file).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        assert screen.editing
        assert [edit.name for edit in screen.editing.past] == ["delete steps"]
        await press(pilot, "ctrl+z")
        await until(pilot, lambda: file.read_bytes() == TEXT)


async def test_the_command_of_the_field_and_of_the_file(file: Path) -> None:
    async with app_of(file).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        assert screen.command() == f"arbius-tui template check {file}"
        assert screen.copy_text() == Template.parse(TEXT).cid
        await press(pilot, "4", "enter")
        assert screen.command() == f"arbius-tui template edit {file} set /input/3/variable=steps"


async def test_another_editor(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with app_of(file).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "ctrl+e")
        assert "$EDITOR is not set" in shown(pilot.app)
        monkeypatch.setenv("EDITOR", "true --flag")
        await press(pilot, "ctrl+e")
        assert "cannot be opened from here" in shown(pilot.app)


async def test_the_model_id_once_the_sender_is_known(file: Path) -> None:
    wallet = {"name": "author", "address": "0x52908400098527886E0F7030069857D2E4169EE7"}
    async with app_of(file, wallet=wallet).run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        await until(pilot, screen.model_id)
        await settle(pilot)
        before = screen.model_id()
        assert f"id {before[:10]}..{before[-4:]}" in shown(pilot.app)
        await press(pilot, "4", "delete")
        assert screen.model_id() != before


async def test_a_file_beyond_the_limit_says_so(file: Path) -> None:
    file.write_bytes(TEXT.replace(b"how many", b"h" * 66_000))
    async with app_of(file).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        assert "B of 65,536" in shown(pilot.app)
        assert any(problem.code == "too-big" for problem in screen.judged.problems)
        await press(pilot, "4", "delete")
        await until(pilot, lambda: len(file.read_bytes()) < 65_536)


# --- pictures --------------------------------------------------------------------------------------------------------


def ready(*keys: str) -> Callable[[Pilot[Any]], Any]:
    async def go(pilot: Pilot[Any]) -> None:
        screen = await opened(pilot)
        await until(pilot, lambda: screen.model is not None)
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        await until(pilot, lambda: screen.later is None or not screen.took > screen.QUICK)
        if keys:
            await until(pilot, lambda: "ERROR" in pilot.app.session.journey.state("template"))
        await still(pilot)

    return go


EDITED = ("2", "enter", "down", "down", "down", "down", "down", "backspace", "backspace", "4", "0", "tab")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("name", ["edited", "file"])
def test_the_look(name: str, size: tuple[int, int], snap_compare: Any, monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my_sdxl.json").write_bytes(TEXT)
    app = app_of(Path(os.curdir) / "my_sdxl.json", run={"url": URL})
    keys = EDITED if name == "edited" else (*EDITED, "f6")
    assert snap_compare(app, terminal_size=size, run_before=ready(*keys))


@pytest.mark.parametrize("palette", ["light", "ansi", "mono"])
def test_the_look_in_other_palettes(palette: str, snap_compare: Any, monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my_sdxl.json").write_bytes(TEXT)
    app = app_of(Path("my_sdxl.json"), palette, run={"url": URL})
    assert snap_compare(app, terminal_size=(80, 24), run_before=ready(*EDITED))
