"""Ways into and out of the template editor: other sources, a broken file, another program's change, what F2 says."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arbius_tui.domain.cid import cid
from arbius_tui.domain.engine import model_id
from arbius_tui.domain.lint import lint
from arbius_tui.domain.lint_model import Model as Taken
from arbius_tui.domain.lint_model import against
from arbius_tui.domain.template import Template
from arbius_tui.domain.template_edits import problems
from arbius_tui.domain.text import grouped, short
from arbius_tui.screens import template_ways
from tests.screens.test_frame import lines, settle, shown, until
from tests.screens.test_template import DOCUMENT, TEXT, URL, app_of, file, kept, opened, press, screen_of

__all__ = ["file"]

WALLET = {"name": "author", "address": "0x52908400098527886E0F7030069857D2E4169EE7"}


def flat(text: str) -> str:
    """The screen's words without its columns."""
    return " ".join(text.split())


# --- import ----------------------------------------------------------------------------------------------------------


async def test_i_asks_for_a_source_and_for_what_to_take(file: Path) -> None:
    other = json.loads(TEXT)
    other["input"].append({**other["input"][3], "variable": "height[red]"})
    theirs = file.with_name("theirs.json")
    theirs.write_text(json.dumps(other, indent=2))
    async with app_of(file, run={"url": URL}).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await press(pilot, "i")
        await until(pilot, lambda: "Import from where?" in shown(pilot.app))
        text = flat(shown(pilot.app))
        for source in (
            URL,
            "a file: a template, or an OpenAPI document",
            "a template of an Arbius checkout",
            "by its id",
        ):
            assert source in text
        assert "template edit" in screen.command()
        assert "import" in screen.command()
        await press(pilot, "down", "enter")
        await until(pilot, lambda: "Which file?" in shown(pilot.app))
        await press(pilot, *str(theirs), "enter")
        await until(pilot, lambda: "What of it?" in shown(pilot.app))
        assert "the one that is missing here: height[red]" in flat(shown(pilot.app))
        await press(pilot, "enter")
        await kept(pilot, file, lambda d: len(d["input"]) == 5)
        assert screen.here == "input/4"
        assert screen.editing
        assert screen.editing.past[-1].name == "import height[red]"
        await press(pilot, "i")
        await until(pilot, lambda: "Import from where?" in shown(pilot.app))
        await press(pilot, "down", "enter")
        await until(pilot, lambda: "Which file?" in shown(pilot.app))
        await press(pilot, *str(theirs), "enter")
        await until(pilot, lambda: "all of it" in shown(pilot.app))
        assert "missing here" not in shown(pilot.app)
        await press(pilot, "enter")
        await until(pilot, lambda: file.read_bytes() == theirs.read_bytes())
        await press(pilot, "ctrl+z", "ctrl+z")
        await until(pilot, lambda: file.read_bytes() == TEXT)


async def test_the_running_model_is_the_first_source(file: Path) -> None:
    async with app_of(file, run={"url": URL}).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await press(pilot, "i")
        await until(pilot, lambda: "Import from where?" in shown(pilot.app))
        await press(pilot, "escape")
        await until(pilot, lambda: screen.ask.pane is None)
        assert file.read_bytes() == TEXT, "Esc changes nothing"
        screen.table.focus()
        await press(pilot, "i")
        await until(pilot, lambda: "Import from where?" in shown(pilot.app))
        await press(pilot, "down", "enter")
        await until(pilot, lambda: "Which file?" in shown(pilot.app))
        await press(pilot, *"no-such-file", "enter")
        await until(pilot, lambda: screen.has_class("-problem"))
        await settle(pilot)
        assert "cannot read" in shown(pilot.app)
        await press(pilot, "4", "delete")
        await kept(pilot, file, lambda d: len(d["input"]) == 3)


# --- a file that breaks, a file that another program changes ---------------------------------------------------------


@contextmanager
def editor_that(file: Path, data: bytes, monkeypatch: pytest.MonkeyPatch, said: str = "") -> Iterator[None]:
    """^E leaves these bytes. What a real editor does on a real terminal is in tests/stories/test_template_outside."""

    def lend(_: Any, command: Any) -> str:
        assert command[-1] == str(file)
        file.write_bytes(data)
        return said

    monkeypatch.setenv("EDITOR", "own-editor --wait")
    with monkeypatch.context() as patch:
        patch.setattr(template_ways, "lend", lend)
        yield


async def test_a_broken_file_comes_back_by_one_key_or_by_its_command(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = TEXT.replace(b'"input":[', b'\n"input":[,')
    async with app_of(file).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await press(pilot, "4", "enter", "x")
        with editor_that(file, broken, monkeypatch):
            await press(pilot, "ctrl+e")
        await until(pilot, lambda: screen.has_class("-broken"))
        await settle(pilot)
        text = shown(pilot.app)
        assert "line 2, column 10" in text
        assert "F8" in lines(pilot.app)[-2]
        assert "version from before" in lines(pilot.app)[-2]
        assert screen.command() == f"arbius-tui template edit {file} restore"
        assert pilot.app.session.journey.state("template") == "1 ERROR"
        await press(pilot, "n", "delete", "ctrl+z", "D", "i", "slash")
        assert file.read_bytes() == broken, "no key but F8 and the author's editor changes it"
        assert screen.ask.pane is None
        await press(pilot, "f8")
        await until(pilot, lambda: screen.editing is not None and b"stepsx" in file.read_bytes())
        assert file.with_name(file.name + ".broken-1").read_bytes() == broken
        assert not screen.has_class("-broken")
        await press(pilot, "ctrl+z")
        await until(pilot, lambda: file.read_bytes() == TEXT)


async def test_a_field_says_what_the_other_editor_left(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with app_of(file).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await press(pilot, "4", "enter", "x")
        with editor_that(file, TEXT.replace(b'"steps"', b'"rounds"'), monkeypatch, "own-editor ended with 1"):
            await press(pilot, "ctrl+e")
        await until(pilot, lambda: screen.editing is not None and "rounds" in screen.editing.text)
        await settle(pilot)
        assert "[rounds " in shown(pilot.app)
        assert "own-editor ended with 1" in shown(pilot.app)
        await press(pilot, "f6")
        assert "since saved" in shown(pilot.app), "what came from outside is a difference, too"
        await press(pilot, "ctrl+z", "ctrl+z")
        await until(pilot, lambda: file.read_bytes() == TEXT)


async def test_a_change_from_outside_says_how_to_go_on(file: Path) -> None:
    other = TEXT.replace(b"My SDXL", b"Theirs")
    async with app_of(file).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        file.write_bytes(other)
        await press(pilot, "4", "enter", "x")
        await until(pilot, lambda: screen.has_class("-problem"))
        await settle(pilot)
        assert file.read_bytes() == other
        assert "F5" in lines(pilot.app)[-2]
        assert "read again" in lines(pilot.app)[-2]
        assert screen.command() == f"arbius-tui template edit {file} undo"
        await press(pilot, "y")
        assert file.read_bytes() == other, "typing on does not write it either"
        await press(pilot, "f5")
        await until(pilot, lambda: screen.editing is not None and screen.editing.template.data == other)
        await press(pilot, "ctrl+z")
        await until(pilot, lambda: b'"stepsxy"' in file.read_bytes())


async def test_the_file_pane_follows_the_row_also_the_second_time(file: Path) -> None:
    async with app_of(file).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "2", "f6")
        assert '"min": 1' in shown(pilot.app)
        assert '"variable": "guidance_scale"' in shown(pilot.app)
        await press(pilot, "f6", "4", "f6")
        assert '"variable": "width", ..}' in shown(pilot.app)
        assert '"default": 20' in shown(pilot.app)


async def test_a_file_that_may_not_be_read_is_not_called_no_template(file: Path) -> None:
    file.write_bytes(b"[" + b"1," * 10_000_000)
    async with app_of(file).run_test(size=(80, 24)) as pilot:
        screen = screen_of(pilot)
        await until(pilot, lambda: screen.has_class("-problem"))
        await settle(pilot)
        text = shown(pilot.app)
        assert "No template yet" not in text
        assert "it has more than 16,777,216 bytes" in text
        assert "F8" not in lines(pilot.app)[-2]


# --- no file yet -----------------------------------------------------------------------------------------------------


async def test_without_a_file_the_screen_says_what_to_do(file: Path) -> None:
    async with app_of(file, template={}).run_test(size=(80, 24)) as pilot:
        screen = screen_of(pilot)
        await settle(pilot)
        text = shown(pilot.app)
        assert "No template yet." in text
        assert "Enter" in text
        assert screen.command() == "arbius-tui template draft --schema FILE -o my-sdxl.json"
        await press(pilot, "n", "D", "delete", "i", "d", "slash", "f6", "f8", "ctrl+z", "ctrl+r", "ctrl+e", "ctrl+s")
        assert screen.editing is None
        assert screen.ask.pane is None
        assert "No template yet." in shown(pilot.app)
    async with app_of(file, template={}, run={"url": URL}).run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert screen_of(pilot).command() == f"arbius-tui template draft --endpoint {URL} -o my-sdxl.json"


# --- what the footer says is true after every key --------------------------------------------------------------------

KEYS = st.sampled_from([
    "n", "D", "delete", "K", "J", "f8", "ctrl+z", "ctrl+z", "ctrl+r", "down", "up", "enter", "escape", "tab",
    "shift+tab", "space", "left", "right", "x", "7", "-", "backspace", "home", "end", "ctrl+n", "f7", "shift+up",
    "shift+down", "f6", "d", "ctrl+s", "f5!", "editor!", "import!",
])  # fmt: skip
MODEL = Taken.of(DOCUMENT)


@settings(max_examples=int(os.environ.get("ARBIUS_EDIT_RUNS", "5")), deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])  # fmt: skip
@given(keys=st.lists(KEYS, min_size=1, max_size=20), wide=st.booleans())
async def test_the_footer_is_what_the_bytes_say_after_any_keys(
    keys: list[str], wide: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("edits") / "my_sdxl.json"
    file.write_bytes(TEXT)
    size = (120, 40) if wide else (80, 24)
    async with app_of(file, run={"url": URL}, wallet=WALLET).run_test(size=size) as pilot:
        screen = await opened(pilot)
        await until(pilot, lambda: screen.model is not None and screen.registrant is not None)
        for key in keys:
            if key == "f5!":
                screen.open_file(str(file))
            elif key == "editor!":
                await screen.all_kept()
                file.write_bytes(file.read_bytes().replace(b'"version":1', b'"version": 1 ').replace(b"7", b"77"))
                screen.open_file(str(file), "edited in own")
            elif key == "import!":
                screen.table.go("left/num_steps")
                screen.action_include()
            elif key != "escape" or not screen.table.has_focus:  # from there it leaves the step
                await pilot.press(key)
            await pilot.pause()
            footer_is_true(screen, pilot)
        await screen.all_kept()
        await until(pilot, lambda: screen.editing is not None and file.read_bytes() == screen.editing.template.data)
        await settle(pilot)
        footer_is_true(screen, pilot)


def footer_is_true(screen: Any, pilot: Any) -> None:
    """Bytes, CID, model id and counts are those of a fresh reading of the bytes."""
    editing = screen.editing
    data = editing.template.data
    fresh = Template.read(data)
    assert fresh.document == editing.template.document, "the document is what the bytes say"
    found = [*problems(editing), *lint(fresh), *against(fresh, MODEL)]
    counts = {level: sum(p.severity == level for p in found) for level in ("error", "warn")}
    assert {level: screen.judged.count(level) for level in counts} == counts
    said, aside = screen.status().plain, screen.aside().plain
    assert f"{grouped(len(data))} B of 65,536" in said
    assert short(cid(data)) in aside
    sender = WALLET["address"]
    assert short(model_id(sender, sender, 0, fresh.multihash)) in aside
    row = lines(pilot.app)[-3]
    if screen.said is None and screen.ask.pane is None:
        assert said.strip() in row, "and it stands on the screen"
        assert aside.strip() in row
