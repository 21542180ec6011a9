"""Stories of the seed test on a real terminal, with a real Cog server and keys alone."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.steps.test_strange_models import TEXT, written
from tests.stories.cog_server import PATIENCE, Gate, cog_server
from tests.stories.conftest import PROGRAM
from tests.stories.terminal import Terminal
from tests.stories.test_seed_kill import on_the_step, to_the_test

Launch = Callable[..., Terminal]
Open = Callable[..., Gate]
SIZES = [(80, 24), (120, 40)]
HASH = re.compile(r"\b[0-9a-f]{64}\b|\b[0-9a-f]{8}\.\.[0-9a-f]{4}\b")


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """A gate in front of the real server of a model with this body."""
    with ExitStack() as held:

        def made(body: str, hold_after: int | None = None) -> Gate:
            url = held.enter_context(cog_server(written(tmp_path / "model", TEXT, body)))
            return held.enter_context(Gate(url, hold_after))

        yield made


def proved(launch: Launch, gate: Gate, size: tuple[int, int]) -> Terminal:
    """The wizard after a whole test."""
    terminal = on_the_step(launch, [gate], *size)
    to_the_test(terminal)
    terminal.send(" ")
    terminal.wait_until(lambda rows: any(row.rstrip().endswith("reproducible") for row in rows), PATIENCE, "the end")
    return terminal


def ended_well(rows: list[str]) -> bool:
    """Whether the test is over and found nothing."""
    return any(line.endswith(" reproducible") and "not reproducible" not in line for line in rows)


def row(terminal: Terminal, title: str) -> str:
    """The row of a case."""
    return next((line for line in terminal.screen() if title in line), "")


def scripted(gate: Gate, home: Path) -> tuple[int, list[dict[str, Any]], str]:
    """The same test without a screen: exit code, events, all that was printed."""
    argv = [PROGRAM, "seed-test", "--endpoint", gate.url, "--json", "--no-input"]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=home, timeout=300)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stdout + done.stderr


@pytest.mark.parametrize("size", SIZES)
def test_7_a_model_that_is_not_deterministic(size: tuple[int, int], opened: Open, launch: Launch, home: Path) -> None:
    gate = opened("return ''.join(random.SystemRandom().sample(''.join(map(chr, range(33, 127))) * 9, 700))")
    terminal = proved(launch, gate, size)
    assert row(terminal, "same seed again").rstrip("┃│ ").endswith("BLOCKER")
    terminal.wait_for("not reproducible")
    terminal.send("d")
    terminal.wait_for("all bytes differ")
    terminal.send("escape")
    terminal.wait_for("same seed again")
    terminal.send("ctrl+g", "9")
    terminal.wait_for("Locked: the seed test says that this model is not reproducible")
    terminal.send("enter")
    terminal.wait_for("FAIL      the seed test says")
    terminal.send("ctrl+q")
    assert terminal.wait_exit() == 0
    code, events, _ = scripted(gate, home)
    assert (code, events[-1]["exit"]) == (4, 4)
    assert {problem["code"] for problem in events[-1]["result"]["diagnosis"]} == {"unseeded-randomness"}


@pytest.mark.parametrize("size", SIZES)
def test_9_a_seed_that_is_ignored(size: tuple[int, int], opened: Open, launch: Launch) -> None:
    terminal = proved(launch, opened("return digest(prompt)"), size)
    assert row(terminal, "other seed").rstrip("┃│ ").endswith("BLOCKER")
    terminal.wait_for("the seed has no effect")
    terminal.send("ctrl+q")
    assert terminal.wait_exit() == 0


@pytest.mark.parametrize("size", SIZES)
def test_11_a_prediction_without_an_output(size: tuple[int, int], opened: Open, launch: Launch, home: Path) -> None:
    gate = opened("return None")
    terminal = proved(launch, gate, size)
    terminal.wait_for("not reproducible")
    assert re.search(r"failed .*BLOCKER", row(terminal, "same seed again"))
    terminal.send("down", "down", "ctrl+q")
    assert terminal.wait_exit() == 0
    code, events, said = scripted(gate, home)
    assert code == 4
    assert {case["verdict"] for case in events[-1]["result"]["cases"] if case["status"] == "failed"} == {"BLOCKER"}
    for text in (said, terminal.raw.decode("utf-8", "replace")):
        assert not HASH.search(text)
        assert "SAME" not in text


@pytest.mark.parametrize("size", SIZES)
def test_hold_leave_out_and_run_again(size: tuple[int, int], opened: Open, launch: Launch) -> None:
    gate = opened("return digest(prompt, seed)", 2)
    terminal = on_the_step(launch, [gate], *size)
    to_the_test(terminal)
    terminal.send(" ")
    terminal.wait_until(lambda _: gate.reached.is_set(), PATIENCE, "the third case at work")
    terminal.send("l")
    terminal.wait_until(lambda _: "SKIPPED" in row(terminal, "other seed"), PATIENCE, "the case to be left out")
    gate.let_go(drop=False)
    terminal.wait_for("too few cases ran", PATIENCE)
    terminal.wait_for("F5  rerun")
    ran = len(gate.answered)
    terminal.send("f5")
    terminal.wait_until(lambda _: "DIFFERS" in row(terminal, "other seed"), PATIENCE, "the case to have run")
    terminal.wait_until(ended_well, PATIENCE, "the end")
    assert len(gate.answered) == ran + 1, "only what had not run"
    terminal.send("ctrl+q")
    assert terminal.wait_exit() == 0


@pytest.mark.parametrize("size", SIZES)
def test_a_held_test_begins_nothing(size: tuple[int, int], opened: Open, launch: Launch) -> None:
    gate = opened("return digest(prompt, seed)", 3)
    terminal = on_the_step(launch, [gate], *size)
    to_the_test(terminal)
    terminal.send(" ")
    terminal.wait_until(lambda _: gate.reached.is_set(), PATIENCE, "the fourth case at work")
    terminal.send(" ")
    terminal.wait_for("no further case begins")
    gate.let_go()
    terminal.wait_until(lambda _: "BLOCKER" in row(terminal, "first seed again"), PATIENCE, "the case to end")
    assert len(gate.answered) == 3, "the case that was at work lost its connection, and no other began"
    terminal.send(" ")
    terminal.wait_for("F5  rerun", PATIENCE)
    terminal.send("f5")
    terminal.wait_until(lambda _: "SAME" in row(terminal, "first seed again"), PATIENCE, "the case to have run")
    terminal.wait_until(ended_well, PATIENCE, "the end")
    terminal.send("ctrl+q")
    assert terminal.wait_exit() == 0
