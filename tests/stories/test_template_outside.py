"""The author's own editor, lent the terminal for real: what it leaves is one step, and a broken file is never lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stories.terminal import Terminal
from tests.stories.test_template import LIMIT, Launch, file, rows, until

__all__ = ["file"]

SCRIPT = """#!/bin/sh
# An editor: it shows what it got, waits for a key as an editor would, and leaves what the test wants.
printf 'own editor has %s bytes\\n' "$(wc -c < "$1" | tr -d ' ')"
read -r answer
cp "{folder}/next.json" "$1"
exit $(cat "{folder}/code")
"""


@pytest.fixture
def own(home: Path) -> Callable[..., str]:
    """Makes $EDITOR: it writes these bytes over the file and ends with this code."""
    script = home / "my-editor"
    script.write_text(SCRIPT.format(folder=home))
    script.chmod(0o755)

    def made(data: bytes, code: int = 0) -> str:
        (home / "next.json").write_bytes(data)
        (home / "code").write_text(str(code))
        return str(script)

    return made


def started(launch: Launch, editor: str, size: tuple[int, int] = (80, 24)) -> Terminal:
    """The wizard at step 6 with this editor, the outline with the focus."""
    terminal = launch("--rehearse", columns=size[0], rows=size[1], env={"EDITOR": editor, "VISUAL": None})
    terminal.wait_for("on chain", LIMIT)
    terminal.send("ctrl+g", "6")
    terminal.wait_for("n add", LIMIT)
    until(terminal, idle, "the step that began by itself to end; the terminal is not lent before")
    return terminal


def idle() -> bool:
    """Whether no step runs."""
    state = Path.home() / ".local/state/arbius-tui/rehearsal/state.json"
    return "run" not in json.loads(state.read_text())["states"].values()


def lent(terminal: Terminal, bytes_there: int) -> None:
    """^E, the editor's own words on the author's own screen, and the key that ends it."""
    terminal.send("ctrl+e")
    terminal.wait_for(f"own editor has {bytes_there} bytes", LIMIT)
    terminal.send("x", "enter")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_what_another_editor_made_is_one_step_and_can_be_undone(
    size: tuple[int, int], launch: Launch, file: Path, own: Callable[..., str]
) -> None:
    before = file.read_bytes()
    document = json.loads(before)
    document["input"] = document["input"][:2]
    document["meta"]["title"] = "Changed outside, twice"
    after = json.dumps(document, indent=2).encode()
    terminal = started(launch, own(after), size)
    lent(terminal, len(before))
    terminal.wait_for(f"{len(after):,} B of 65,536", LIMIT)
    terminal.wait_for("INPUT 2", LIMIT)
    terminal.send("ctrl+z")
    terminal.wait_for("undone: edited in my-editor", LIMIT)
    until(terminal, lambda: file.read_bytes() == before, "the bytes from before")
    terminal.send("ctrl+r")
    until(terminal, lambda: file.read_bytes() == after, "the editor's bytes again")
    terminal.send("ctrl+q")
    assert terminal.wait_exit() == 0


def test_the_other_editor_gets_what_was_typed_a_moment_before(
    launch: Launch, file: Path, own: Callable[..., str]
) -> None:
    before = file.read_bytes()
    after = before.replace(b'"version":1', b'"version":2')
    assert after != before
    terminal = started(launch, own(after, code=3))
    terminal.send("1", "enter", "x", "y", "z", "ctrl+e")
    terminal.wait_for(f"own editor has {len(before) + 3} bytes", LIMIT)
    terminal.send("enter")
    terminal.wait_for("my-editor ended with 3", LIMIT)
    until(terminal, lambda: file.read_bytes() == after, "what it wrote before that to stand")
    terminal.send("ctrl+z", "ctrl+z")
    until(terminal, lambda: file.read_bytes() == before, "both steps to be undone")
    terminal.send("ctrl+q")
    assert terminal.wait_exit() == 0


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_of_a_file_left_broken_both_versions_are_kept_and_a_key_says_which_counts(
    size: tuple[int, int], launch: Launch, file: Path, own: Callable[..., str]
) -> None:
    before = file.read_bytes()
    broken = before.replace(b'"input":[', b'\n"input":[,', 1)
    editor = own(broken)
    terminal = started(launch, editor, size)
    terminal.send("1", "enter", "x", "escape")
    until(terminal, lambda: len(file.read_bytes()) == len(before) + 1, "an edit of ours")
    ours = file.read_bytes()
    lent(terminal, len(ours))
    terminal.wait_for("line 2, column 10", LIMIT)
    terminal.wait_for('"input":[,', LIMIT)
    terminal.wait_for("version from before", LIMIT)
    terminal.wait_for("Template  1 ERROR" if size[0] < 116 else "1 ERROR", LIMIT)
    assert file.read_bytes() == broken, "it is not written over"
    lent(terminal, len(broken))  # back to the editor, which leaves it as it is
    terminal.wait_for("version from before", LIMIT)
    assert file.read_bytes() == broken
    terminal.send("f2")
    terminal.wait_for("arbius-tui template edit", LIMIT)
    terminal.wait_until(
        lambda rows: any(row.rstrip().endswith("restore") for row in rows), LIMIT, "the end of a long path"
    )
    terminal.send("escape")
    terminal.wait_gone("arbius-tui template edit", LIMIT)
    terminal.send("f8")
    until(terminal, lambda: file.read_bytes() == ours, "the version from before")
    assert file.with_name(file.name + ".broken-1").read_bytes() == broken, "and the broken one beside it"
    terminal.wait_for("n add", LIMIT)
    terminal.send("ctrl+z")
    until(terminal, lambda: file.read_bytes() == before, "the history to go on")
    assert len(rows(file)) > 1
    terminal.send("ctrl+q")
    assert terminal.wait_exit() == 0


def test_keys_of_one_burst_land_where_the_earlier_ones_went(launch: Launch, file: Path) -> None:
    place = next(n for n, row in enumerate(rows(file), 1) if "min" in row)
    name, count = rows(file)[place - 1]["variable"], len(rows(file))
    low, required = rows(file)[place - 1]["min"], rows(file)[place - 1]["required"]
    terminal = started(launch, "")
    terminal.send(str(place), "enter", *"_nD", "tab", "tab", "space", "tab", "tab", "9", "tab", "escape")
    until(terminal, lambda: rows(file)[place - 1]["variable"] == f"{name}_nD", "the name")
    until(terminal, lambda: rows(file)[place - 1]["min"] == int(f"{low}9"), "min")
    assert rows(file)[place - 1]["required"] is not required
    assert len(rows(file)) == count
    terminal.send("ctrl+q")
    assert terminal.wait_exit() == 0
