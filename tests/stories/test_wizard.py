"""The wizard on a real terminal, with keys alone."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from arbius_tui.steps.base import TITLES
from tests.stories.terminal import Terminal

Launch = Callable[..., Terminal]
SIZES = [(80, 24), (120, 40)]


def state(home: Path) -> dict[str, Any]:
    """The rehearsal's state as it lies on disk."""
    found: dict[str, Any] = json.loads((home / ".local/state/arbius-tui/rehearsal/state.json").read_text())
    return found


def go_to(terminal: Terminal, number: int) -> None:
    """Ctrl+G and the number, as fast as a hand or a macro types it."""
    terminal.send("ctrl+g", *str(number), *(["enter"] if number == 1 else []))


@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_the_rehearsal_from_checks_to_after(columns: int, rows: int, launch: Launch, home: Path) -> None:
    terminal = launch("--rehearse", columns=columns, rows=rows)
    terminal.wait_for("5 ok")
    terminal.send("f10")
    terminal.wait_for("predict.py:Predictor")
    terminal.send("f10")
    terminal.wait_for("No server yet")
    terminal.send("enter")
    terminal.wait_for("READY", 40)
    terminal.send("f10")
    terminal.wait_for("Nothing is proved yet")
    terminal.send(" ")
    terminal.wait_for("reproducible", 60)
    go_to(terminal, 6)
    terminal.wait_for("No template yet")
    terminal.send("enter")
    for question in ("Where shall the template lie?", "Where shall the template come from?"):
        terminal.wait_for(question)
        terminal.send("enter")
    terminal.wait_for("of 65,536")
    terminal.send("f10")
    terminal.wait_for("pinned nowhere")
    terminal.send("enter")
    terminal.wait_for("3 SAME", 40)
    terminal.send("f10", "enter")
    terminal.wait_for("0.01 ETH", 40)
    terminal.send("f10", "enter")
    for question in ("Which address", "What fee"):
        terminal.wait_for(question)
        terminal.send("enter")
    terminal.wait_for("Type the last 4 characters")
    predicted = state(home)
    assert "register" not in predicted["records"]
    terminal.send(*tail(terminal))
    terminal.wait_for("matches")
    terminal.send("enter")
    terminal.wait_for("mined", 40)
    record = state(home)["records"]["register"]
    assert record["mined_id"] == record["model_id"]
    go_to(terminal, 11)
    terminal.wait_for("on chain")
    terminal.wait_for("4 ok", 40)
    terminal.send("ctrl+q")
    assert terminal.wait_exit() == 0


def tail(terminal: Terminal) -> str:
    """The last four characters of the model id, as the review shows it."""
    row = next(line for line in terminal.screen() if "model id" in line and ".." in line)
    return row.split("..")[1][:4]


def test_a_digit_typed_right_after_go_to_is_not_lost(launch: Launch) -> None:
    terminal = launch("--rehearse")
    terminal.wait_for("5 ok")
    for number, title in ((5, "Publish"), (9, "Register"), (2, "Model"), (11, "After")):
        go_to(terminal, number)
        terminal.wait_for(f"{number} {title}")


@pytest.mark.parametrize("number", range(1, 12))
def test_quit_and_start_again_stands_on_the_same_step(number: int, launch: Launch) -> None:
    title = list(TITLES.values())[number - 1]
    for _ in range(2):
        terminal = launch("--rehearse")
        terminal.wait_for("arbius-tui")
        if _ == 0:
            terminal.wait_for("5 ok")
            go_to(terminal, number)
        terminal.wait_for(f"{number} {title} ")
        terminal.send("ctrl+q")
        assert terminal.wait_exit() == 0


@pytest.mark.parametrize("number", range(1, 12))
def test_ctrl_c_never_ends_the_wizard(number: int, launch: Launch) -> None:
    terminal = launch("--rehearse")
    terminal.wait_for("5 ok")
    go_to(terminal, number)
    terminal.wait_for(f"{number} {list(TITLES.values())[number - 1]} ")
    terminal.settle()
    terminal.wait_gone("x cancel")  # a screen that looks by itself is stopped by the key first
    terminal.send("ctrl+c")
    if any("stopped; nothing" in row for row in terminal.wait_until(answered, what="an answer to Ctrl+C")):
        terminal.settle()  # it came while a step that starts by itself was still at work
        terminal.send("ctrl+c")
    terminal.wait_for("Ctrl+Q quits")
    terminal.send("ctrl+q")
    assert terminal.wait_exit() == 0


def answered(rows: list[str]) -> bool:
    """Ctrl+C says at once what it did, or what it does not do."""
    return any("stopped; nothing" in row or "Ctrl+Q quits" in row for row in rows)


def test_ctrl_c_stops_what_runs_and_keeps_what_is_done(launch: Launch, home: Path) -> None:
    terminal = launch("--rehearse")
    terminal.wait_for("5 ok")
    go_to(terminal, 3)
    terminal.wait_for("No server yet")
    terminal.send("enter")
    terminal.wait_for("READY", 40)
    go_to(terminal, 4)
    terminal.wait_for("Nothing is proved yet")
    terminal.send(" ")
    terminal.wait_for("A  ")
    terminal.send("ctrl+c")
    terminal.wait_for("stopped; nothing is lost")
    terminal.wait_gone("x cancel")
    states = state(home)["states"]
    assert (states["run"], states["seed_test"]) == ("ok", "-")
    terminal.send("ctrl+q")
    assert terminal.wait_exit() == 0


@pytest.mark.parametrize(("columns", "rows"), [(60, 20), (40, 12), (20, 5)])
def test_a_small_terminal_is_no_refusal(columns: int, rows: int, launch: Launch) -> None:
    terminal = launch("--rehearse")
    terminal.wait_for("5 ok")
    terminal.resize(columns, rows)
    terminal.settle()
    for number in (4, 9, 11, 2):
        go_to(terminal, number)
        terminal.settle()
    terminal.resize(80, 24)
    terminal.wait_for("2 Model")
    terminal.send("ctrl+q")
    assert terminal.wait_exit() == 0


def test_a_terminal_that_goes_away_leaves_nothing_running(launch: Launch, home: Path) -> None:
    terminal = launch("--rehearse")
    terminal.wait_for("5 ok")
    go_to(terminal, 6)
    terminal.wait_for("No template yet")
    started = time.monotonic()
    os.close(terminal.fd)
    terminal.fd = os.open(os.devnull, os.O_RDWR)
    assert terminal.process.wait(20) == 129
    assert time.monotonic() - started < 20
    assert state(home)["at"] == "template"


def test_a_second_wizard_says_who_has_the_project(launch: Launch) -> None:
    first = launch("--rehearse")
    first.wait_for("5 ok")
    second = launch("--rehearse")
    second.wait_for(f"open in process {first.process.pid}")
    assert second.wait_exit() == 3
    first.send("ctrl+q")
    assert first.wait_exit() == 0


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"NO_COLOR": ""}, {"TERM": "xterm", "COLORTERM": None}])
def test_colours_are_the_terminals_choice(env: dict[str, str | None], launch: Launch) -> None:
    terminal = launch("--rehearse", env=env)
    terminal.wait_for("5 ok")
    coloured = b"\x1b[38;" in terminal.raw or b"\x1b[48;" in terminal.raw
    assert coloured == (env.get("NO_COLOR") == "")


@pytest.mark.parametrize("env", [{"ACCESSIBLE": "1"}, {"TERM": "dumb"}])
def test_a_reader_gets_lines_and_prompts(env: dict[str, str | None], launch: Launch) -> None:
    terminal = launch("--rehearse", columns=160, rows=50, env=env)
    terminal.wait_for("Where shall the template lie?", 60)
    assert b"\x1b[?1049h" not in terminal.raw
    for question in ("Where shall the template come from?", "Which account", "be called", "Which address", "What fee"):
        terminal.send("\n")
        terminal.wait_for(question, 40)
    terminal.send("\n")
    terminal.wait_for("Type the last 4 characters", 40)
    shown = "\n".join(terminal.screen())
    identity = next(word for word in shown.split() if word.startswith("0x") and len(word) == 66)
    terminal.send(identity[-4:] + "\n")
    assert terminal.wait_exit(60) == 0


def test_the_folder_here_gives_the_project_its_name(launch: Launch, home: Path) -> None:
    folder = home / "my-sdxl"
    folder.mkdir()
    (folder / "cog.yaml").write_text('predict: "predict.py:Predictor"\n')
    terminal = launch(".", cwd=folder)
    terminal.wait_for("my-sdxl   Arbitrum One 42161   REHEARSAL off")
    terminal.send("ctrl+q")
    assert terminal.wait_exit() == 0
