"""The template editor on a real terminal, with keys alone: stories 12, 13 and 14."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.stories.terminal import Terminal

Launch = Callable[..., Terminal]
SIZES = [(80, 24), (120, 40)]
LIMIT = 60.0


@pytest.fixture
def file(home: Path, program: str) -> Path:
    """The template of a rehearsal that is finished; its journey stands at the first step again."""
    argv = [program, "rehearse", "--json", "--no-input"]
    done = subprocess.run(argv, capture_output=True, timeout=300, cwd=home, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, done.stdout[-400:]
    state = home / ".local/state/arbius-tui/rehearsal/state.json"
    return Path(json.loads(state.read_text())["records"]["template"]["path"])


def editor(launch: Launch, size: tuple[int, int]) -> Terminal:
    """The wizard at step 6, the outline with the focus."""
    terminal = launch("--rehearse", columns=size[0], rows=size[1])
    terminal.wait_for("on chain", LIMIT)
    terminal.send("ctrl+g", "6")
    terminal.wait_for("of 65,536", LIMIT)
    terminal.wait_for("n add", LIMIT)
    return terminal


def rows(file: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(file.read_bytes())["input"]
    return found


def until(terminal: Terminal, fits: Callable[[], bool], what: str) -> None:
    """Read until something is true of the file."""
    terminal.wait_until(lambda _: fits(), LIMIT, what)


def number(file: Path, name: str) -> int:
    return next(n for n, row in enumerate(rows(file), 1) if row["variable"] == name)


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
def test_a_variable_that_the_model_lacks_is_named_and_mended(size: tuple[int, int], launch: Launch, file: Path) -> None:
    before = file.read_bytes()
    place = number(file, "width")
    terminal = editor(launch, size)
    terminal.send(str(place))
    terminal.wait_for(f"input {place} of", LIMIT)
    terminal.send("enter")
    terminal.wait_for("Enter next", LIMIT)
    terminal.send("s")
    until(terminal, lambda: rows(file)[place - 1]["variable"] == "widths", "the file to have the name")
    terminal.send("escape")
    terminal.wait_for('no input "widths"', LIMIT)
    terminal.wait_for("rename it to width", LIMIT)
    terminal.send("f8")
    until(terminal, lambda: rows(file)[place - 1]["variable"] == "width", "F8 to rename it")
    terminal.send("ctrl+z")
    until(terminal, lambda: rows(file)[place - 1]["variable"] == "widths", "undo to bring it back")
    terminal.send("ctrl+z")
    until(terminal, lambda: file.read_bytes() == before, "the bytes from before")
    terminal.send("ctrl+q")
    assert terminal.wait_exit() == 0


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
def test_add_duplicate_move_delete_undo_all_redo_all(size: tuple[int, int], launch: Launch, file: Path) -> None:
    before, count = file.read_bytes(), len(rows(file))
    terminal = editor(launch, size)
    terminal.send("1")
    terminal.wait_for(f"input 1 of {count}", LIMIT)
    new = f"input_{count + 1}"
    for key, fits, what in (
        ("n", lambda: rows(file)[1]["variable"] == new, "a new row"),
        ("D", lambda: rows(file)[2]["variable"] == f"{new}_copy", "a second one"),
        ("K", lambda: rows(file)[1]["variable"] == f"{new}_copy", "it to move up"),
        ("delete", lambda: rows(file)[1]["variable"] == new, "it to go"),
    ):
        terminal.send(key)
        until(terminal, fits, what)
    after = file.read_bytes()
    names = [f"delete {new}_copy", f"move {new}_copy up", f"duplicate {new}", f"add {new}"]
    for name in names:
        terminal.send("ctrl+z")
        terminal.wait_for(f"undone: {name}", LIMIT)
    until(terminal, lambda: file.read_bytes() == before, "the bytes from before")
    for name in reversed(names):
        terminal.send("ctrl+r")
        terminal.wait_for(f"done again: {name}", LIMIT)
    until(terminal, lambda: file.read_bytes() == after, "all of it again")
    terminal.send("ctrl+q")
    assert terminal.wait_exit() == 0


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
def test_what_is_not_valid_is_kept_and_traps_nobody(size: tuple[int, int], launch: Launch, file: Path) -> None:
    place = next(n for n, row in enumerate(rows(file), 1) if "min" in row)
    low, before = rows(file)[place - 1]["min"], json.loads(file.read_bytes())
    terminal = editor(launch, size)
    terminal.send(str(place))
    terminal.wait_for(f"input {place} of", LIMIT)
    terminal.send("enter")
    terminal.wait_for("Enter next", LIMIT)
    for name in ("type", "required", "default", "min"):
        terminal.send("down")
        terminal.wait_for(f"> {name}", LIMIT)
    terminal.send(*["backspace"] * len(str(low)), *"abc")
    terminal.wait_for("[abc", LIMIT)
    terminal.send("shift+tab")
    terminal.wait_for("`min` is 'abc', not a", LIMIT)
    terminal.send("escape")
    terminal.wait_for("n add", LIMIT)
    terminal.wait_for("Template  1 ERROR" if size[0] < 116 else "1 ERROR", LIMIT)
    assert json.loads(file.read_bytes()) == before, "the file keeps the last valid value"
    state = file.parent / "state.json"
    for folder in file.parents:
        if (folder / "state.json").exists():
            state = folder / "state.json"
            break
    until(terminal, lambda: "abc" in state.read_text(), "the journey to have it")
    terminal.kill()
    again = launch("--rehearse", columns=size[0], rows=size[1])
    again.wait_for("of 65,536", LIMIT)
    again.wait_for("1 ERROR", LIMIT)
    again.send(str(place))
    again.wait_for("`min` is 'abc', not a", LIMIT)
    again.send("ctrl+z")
    again.wait_gone("1 ERROR", LIMIT)
    assert json.loads(file.read_bytes()) == before
    again.send("ctrl+q")
    assert again.wait_exit() == 0
