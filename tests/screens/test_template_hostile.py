"""Files that nobody wants, opened in the editor: hostile text is inert, big and odd files are told truthfully."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from arbius_tui.domain.template import Template
from arbius_tui.screens.template import TemplateScreen
from tests.screens.test_frame import lines, settle, shown, until
from tests.screens.test_template import TEXT, app_of, file, kept, opened, press, screen_of

__all__ = ["file"]

HOSTILE = [
    "\x1b[31mred\x1b]0;owned\x07", "[bold red]x[/] [link=http://x]y[/link] [@click=app.leave]quit[/]", "nul\x00byte",
    "\u202egnp.exe\u2066x\u2069 \u200fright", "line\nbreak\r\ttab\u2028sep", "\u0000\u0008\u007f\u009b31m",
    "wide \U0001f600 e\u0301 中文",
]  # fmt: skip
BAD = set("\x00\x07\x08\x1b\x7f\x9b\u202e\u2066\u2069\u200f\u2028")


def inert(text: str) -> bool:
    """Whether nothing in the text could move a cursor, colour a terminal or turn a line."""
    return not BAD & set(text)


async def out(screen: TemplateScreen, pilot: Pilot[Any]) -> None:
    """From the fields to the outline; from there Esc would leave the step."""
    if screen.form.has_focus_within:
        await pilot.press("escape")
    assert screen.table.has_focus


@pytest.mark.parametrize("number", range(len(HOSTILE)))
@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda s: f"{s[0]}x{s[1]}")
async def test_hostile_text_is_shown_inert_everywhere(number: int, size: tuple[int, int], file: Path) -> None:
    text = HOSTILE[number]
    row = {"variable": f"v{text}", "type": "string", "required": False, "default": text, "description": text, text: 1}
    enum = {"variable": "e", "type": "string_enum", "choices": [text, "b"], "default": text, "required": True}
    document = {"meta": {"title": text, "description": text, "git": text, "docker": text, text: text},
                "input": [row, enum, {**row, "type": text}], "output": [{"filename": text, "type": "image"}],
                text: text}  # fmt: skip
    data = json.dumps(document).encode()
    file.write_bytes(data)
    async with app_of(file).run_test(size=size) as pilot:
        screen = await opened(pilot)
        for place in list(screen.table.rows.places):
            screen.table.go(place)
            await pilot.press("enter", "down", "down", "down")
            assert inert(shown(pilot.app)), place
            await out(screen, pilot)
        assert file.read_bytes() == data, "looking at it changes nothing"
        screen.table.go("input/0")
        await press(pilot, "D", "f6")
        assert inert(shown(pilot.app))
        assert inert("".join(lines(pilot.app)))
        await press(pilot, "f6", "f2")
        assert inert(shown(pilot.app))
        await press(pilot, "escape", "ctrl+z")
        await until(pilot, lambda: file.read_bytes() == data)
        assert inert(" ".join(edit.name for edit in screen.editing.future) if screen.editing else "")


async def test_typing_beside_hostile_text_keeps_its_bytes(file: Path) -> None:
    text = HOSTILE[0] + "\x00\u202e"
    document = json.loads(TEXT)
    document["input"][3]["description"] = text
    file.write_text(json.dumps(document))
    async with app_of(file).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        screen.table.go("input/3")
        await press(pilot, "enter", "x")
        after = await kept(pilot, file, lambda d: d["input"][3]["variable"] == "stepsx")
        assert after["input"][3]["description"] == text


NESTED: Any = 1
for _ in range(20):
    NESTED = {"a": [NESTED]}

ODD = {
    "duplicate keys": (TEXT.replace(b'"default":20', b'"default":19,"default":20'), "stands twice"),
    "NaN": (TEXT.replace(b'"default":20', b'"default":NaN'), "NaN"),
    "beyond 2^53": (TEXT.replace(b'"max":50,"default":20', b'"max":9007199254740993,"default":20'), "9007199254740993"),
    "20 levels": (TEXT.replace(b'"default":20', b'"default":20,"deep":' + json.dumps(NESTED).encode()), "deep"),
    "500 inputs": (Template.of({**json.loads(TEXT), "input": [
        {"variable": f"v{n}", "type": "int", "required": False, "min": 1, "max": 9, "default": 2, "description": "d"}
        for n in range(500)]}).data, "input 500 of 500"),
    "no input": (b'{"meta":{},"input":[],"output":[]}', "ERROR"),
    "other shapes": (b'{"meta":[1],"input":{"a":1},"output":"x"}', "ERROR"),
    "rows that are none": (b'{"meta":null,"input":[1,null,"x",[],{}],"output":[[]]}', "ERROR"),
    "1e999 and -0": (TEXT.replace(b'"max":50,"default":20', b'"max":1e999,"default":-0'), "1e999"),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda s: f"{s[0]}x{s[1]}")
async def test_odd_files_open_and_are_told_truthfully(name: str, size: tuple[int, int], file: Path) -> None:
    data, said = ODD[name]
    file.write_bytes(data)
    async with app_of(file).run_test(size=size) as pilot:
        screen = screen_of(pilot)
        await until(pilot, lambda: screen.editing is not None or screen.has_class("-broken"))
        await settle(pilot)
        seen = shown(pilot.app)
        for id in [id for id in (*META, "input/3", "input/499", "output/0") if id in screen.table.rows.places]:
            screen.table.go(id)
            await pilot.press("enter", "down", "down")
            seen += shown(pilot.app)
            await out(screen, pilot)
            await press(pilot, "f6")
            seen += shown(pilot.app)
            await pilot.press("end", "f6")
        assert said in seen, "it is said"
        assert file.read_bytes() == data, "looking at it changes nothing"
        if screen.editing is not None:
            await press(pilot, "n", "D", "J", "K", "delete", *["ctrl+z"] * 6)
            await until(pilot, lambda: file.read_bytes() == data)


META = ("file", "meta/title")

BROKEN = {
    "10 MB": (b'{"meta":{"title":"' + b"x" * 10_000_000 + b'"},"input":[],"output":[]}', "65,536"),
    "10 MB of nothing": (b" " * 10_000_000, "JSON"),
    "20 MB": (b"[" + b"1," * 10_000_000, "16,777,216"),
    "NUL": (TEXT.replace(b"My SDXL", b"My\x00SDXL"), "line 1, column"),
    "not UTF-8": (TEXT.replace(b"My SDXL", b"My \xff\xfe"), "UTF-8"),
    "BOM": (b"\xef\xbb\xbf" + TEXT, "BOM"),
    "too deep": (b'{"a":' * 100_000, "more than 64 objects"),
    "a list": (b"[1,2]", "object"),
    "empty": (b"", "empty"),
    "escapes": (b'{"meta": \x1b[31m[bold]red', "line 1, column"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_broken_files_are_shown_and_never_written(name: str, file: Path) -> None:
    data, said = BROKEN[name]
    file.write_bytes(data)
    async with app_of(file).run_test(size=(80, 24)) as pilot:
        screen = screen_of(pilot)
        await until(pilot, lambda: screen.editing is not None or screen.has_class("-problem"))
        await settle(pilot)
        text = shown(pilot.app)
        assert said.lower() in text.lower(), text
        assert inert(text)
        await press(pilot, "n", "delete", "down", "pagedown", "end", "f6", "enter", "f2")
        assert inert(shown(pilot.app))
        await press(pilot, "escape")
        if screen.editing is None:
            assert file.read_bytes() == data
