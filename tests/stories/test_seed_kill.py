"""kill -9 in the middle of the cases: what was finished is kept, and the servers see only what is left."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.stories.cog_server import PATIENCE, Gate, cog_server
from tests.stories.conftest import PROGRAM
from tests.stories.terminal import Terminal

Launch = Callable[..., Terminal]
MODEL = Path(__file__).parents[1] / "models" / "text"


@pytest.fixture
def gates() -> Iterator[Callable[..., list[Gate]]]:
    """Gates in front of one real Cog server, each with how many predictions it answers before it holds one."""
    with ExitStack() as held:

        def made(*hold_after: int | None) -> list[Gate]:
            url = held.enter_context(cog_server(MODEL))
            return [held.enter_context(Gate(url, count)) for count in hold_after]

        yield made


def argv(gates: list[Gate]) -> list[str]:
    return [PROGRAM, "seed-test", "--json", "--no-input", *(w for gate in gates for w in ("--endpoint", gate.url))]


def killed(gates: list[Gate], home: Path) -> None:
    """Run until every gate holds a prediction, and kill the whole process there."""
    with subprocess.Popen(argv(gates), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=home) as child:
        for gate in gates:
            assert gate.reached.wait(PATIENCE)
        child.kill()
        assert child.wait() == -signal.SIGKILL
    for gate in gates:
        gate.let_go()


def finished(gates: list[Gate], home: Path) -> dict[str, Any]:
    done = subprocess.run(argv(gates), capture_output=True, text=True, cwd=home, timeout=300)
    last = json.loads(done.stdout.splitlines()[-1])
    assert last["exit"] == done.returncode == 0, done.stdout[-2000:]
    result: dict[str, Any] = last["result"]
    return result


@pytest.mark.parametrize("before", [(5,), (2, 7, 4)])
def test_the_servers_see_only_what_is_left(
    before: tuple[int, ...], gates: Callable[..., list[Gate]], home: Path
) -> None:
    made = gates(*before)
    killed(made, home)
    first = [list(gate.answered) for gate in made]
    assert [len(seen) for seen in first] == list(before)
    result = finished(made, home)
    for number, (gate, seen) in enumerate(zip(made, first, strict=True), 1):
        sent = [c["inputs"] for c in result["cases"] if c["endpoint"] == str(number) and c["status"] == "succeeded"]
        assert gate.answered == sent, "each case ran once, in the plan's order, whatever was killed between"
        assert gate.answered[: len(seen)] == seen


def test_after_the_end_all_begins_anew(gates: Callable[..., list[Gate]], home: Path) -> None:
    (gate,) = gates(None)
    count = [len(gate.answered) for _ in range(2) if finished([gate], home)]
    assert count[1] == 2 * count[0]
    assert not list((home / ".local/state/arbius-tui").glob("*/passing/*/*")), "nothing of it stays"


def on_the_step(launch: Launch, gates: list[Gate], columns: int, rows: int) -> Terminal:
    """The wizard on the seed test, with these servers."""
    terminal = launch(*(word for gate in gates for word in ("--endpoint", gate.url)), columns=columns, rows=rows)
    terminal.wait_for("arbius-tui")
    return terminal


def to_the_test(terminal: Terminal) -> None:
    """Take the servers in step 3, and go to step 4."""
    terminal.settle()
    terminal.send("ctrl+g", "3")
    terminal.wait_for("No server yet")
    terminal.send("enter")
    terminal.wait_for("READY", 60)
    terminal.send("ctrl+g", "4")
    terminal.wait_for("Nothing is proved yet")


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (120, 40)])
def test_in_the_wizard_too(columns: int, rows: int, gates: Callable[..., list[Gate]], launch: Launch) -> None:
    made = gates(4, 6)
    terminal = on_the_step(launch, made, columns, rows)
    to_the_test(terminal)
    terminal.send(" ")
    terminal.wait_until(lambda _: all(gate.reached.is_set() for gate in made), PATIENCE, "both servers at work")
    terminal.kill()
    for gate in made:
        gate.let_go()
    first = [list(gate.answered) for gate in made]
    assert [len(seen) for seen in first] == [4, 6]
    again = on_the_step(launch, made, columns, rows)
    again.wait_for("Nothing is proved yet", 60)
    again.settle()
    again.send(" ")
    again.wait_for("  reproducible", PATIENCE)
    assert [gate.answered[: len(seen)] for gate, seen in zip(made, first, strict=True)] == first
    assert len(made[0].answered) == len(made[1].answered), "each case once on each server"
    again.send("ctrl+q")
    assert again.wait_exit() == 0
