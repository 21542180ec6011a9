"""Keys that arrive at once, as a fast hand or a paste sends them: each acts on what the keys before it made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from textual.events import Key, Paste
from textual.keys import _character_to_key
from textual.pilot import Pilot

from tests.screens.test_frame import until
from tests.screens.test_template import TEXT, app_of, file, kept, names, opened, press

__all__ = ["file"]


def burst(pilot: Pilot[Any], *keys: str) -> None:
    """All keys at once, before the first of them is answered; a text longer than a key is typed letter by letter."""
    for key in keys:
        letters = [key] if key in SPECIAL or len(key) == 1 else list(key)
        for letter in letters:
            name = letter if letter in SPECIAL else _character_to_key(letter)
            pilot.app.post_message(Key(name, letter if len(letter) == 1 else None))


SPECIAL = {"enter", "tab", "shift+tab", "down", "up", "space", "backspace", "escape", "ctrl+z", "ctrl+n", "f6", "end"}


async def test_keys_of_one_burst_land_where_the_earlier_ones_went(file: Path) -> None:
    async with app_of(file).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        burst(pilot, "4", "enter", "_per_image", "down", "d", "tab", "space", "tab", "backspace", "5", "tab", "3",
              "backspace", "backspace", "2", "tab", "0", "escape", "n")  # fmt: skip
        after = await kept(pilot, file, lambda d: len(d["input"]) == 5)
        row = after["input"][3]
        assert row["variable"] == "steps_per_image"
        assert (row["type"], row["required"]) == ("decimal", True)
        assert (row["default"], row["min"], row["max"]) == (25, 2, 500)
        assert names(after)[4] == "input_5", "n after Escape is a key of the outline again"


async def test_a_text_that_follows_enter_is_no_row_of_letters(file: Path) -> None:
    async with app_of(file).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        burst(pilot, "2", "enter", "nDiKJ", "ctrl+z", "_D", "shift+tab", "n")
        after = await kept(pilot, file, lambda d: names(d)[1] == "guidance_scale_D" and len(names(d)) == 5)
        assert names(after)[2] == "input_5", "Shift+Tab leaves the form, and n is a key of the outline"


async def test_the_filter_takes_what_is_typed_after_its_key(file: Path) -> None:
    async with app_of(file).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        burst(pilot, "/", "Dnwid", "enter")
        await until(pilot, lambda: screen.needle == "Dnwid")
        assert file.read_bytes() == TEXT, "none of it was a key of the outline"


async def test_a_paste_comes_in_turn_and_is_one_line(file: Path) -> None:
    async with app_of(file).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        burst(pilot, "4", "enter", "backspace")
        pilot.app.post_message(Paste("x\nnD\x1b[31mZ"))
        burst(pilot, "tab", "tab", "space")
        after = await kept(pilot, file, lambda d: d["input"][3]["required"] is True)
        assert names(after)[3].startswith("stepx")
        assert len(after["input"]) == 4


async def test_keys_from_the_file_pane_go_where_it_was_left(file: Path) -> None:
    async with app_of(file).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        burst(pilot, "4", "f6", "end", "f6", "n")
        await kept(pilot, file, lambda d: len(d["input"]) == 5)


async def test_a_thousand_keys_are_typed_to_the_end(file: Path) -> None:
    async with app_of(file).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await press(pilot, "1", "enter")
        text = "abcdefghij" * 30
        burst(pilot, "end", *text)
        await until(pilot, lambda: names(json.loads(file.read_bytes()))[0] == "prompt" + text)
        assert screen.editing
        assert len(screen.editing.past) == 1, "the typing of one visit is one step"


async def test_a_key_whose_work_takes_long_does_not_hold_up_the_rest(file: Path) -> None:
    async with app_of(file).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        with pilot.app.holding():  # somebody mounts for ever
            burst(pilot, "4", "enter", "x")
            await until(pilot, lambda: names(json.loads(file.read_bytes()))[3] == "stepsx")
