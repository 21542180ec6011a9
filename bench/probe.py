"""What every figure stands on: the two programs, how each answers a key, and how a key press is timed."""

from __future__ import annotations

import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.stories.terminal import FRAME_END, Terminal, View

COLUMNS, ROWS = 120, 40
LIMIT = 40.0
"""Seconds after which a program that has not painted counts as broken."""

MARK = re.compile(r"(?:^|(?<=[ │]))>(?= )")
"""The mark of a table's cursor, in the gutter before a row."""

Screen = list[str]


def mark(rows: Screen) -> list[tuple[int, int]]:
    """Where the cursor marks of tables stand."""
    return [(y, found.start()) for y, row in enumerate(rows) for found in MARK.finditer(row)]


@dataclass(frozen=True)
class Program:
    """A program to measure. `answered(before, now)`: does a screen answer `key`, pressed on the screen before?"""

    name: str
    argv: tuple[str, ...]
    ready: str
    key: str
    answered: Callable[[Screen, Screen], bool]


BARE = Program(
    "bare", (sys.executable, str(Path(__file__).with_name("bare.py"))), "READY-MARKER", "x",
    lambda _, now: any("READY-MARKER 1" in row for row in now),
)  # fmt: skip
OURS = Program(
    "ours", (str(Path(sys.executable).parent / "arbius-tui"), "--rehearse"), "Checks", "down",
    lambda before, now: mark(before) != mark(now),
)  # fmt: skip


def private(home: str) -> dict[str, str]:
    """The variables of a run that keeps to this folder."""
    folders = {f"XDG_{kind}_HOME": f"{home}/{kind.lower()}" for kind in ("CONFIG", "CACHE", "DATA", "STATE")}
    return {"HOME": home, "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring", **folders}


@contextmanager
def opened(program: Program, home: str) -> Iterator[Terminal]:
    """The program on a terminal, in a home of the benchmark's own so that nothing of the user's is read."""
    with Terminal(program.argv, COLUMNS, ROWS, private(home), cwd=home) as terminal:
        yield terminal
        terminal.send("ctrl+q")
        terminal.settle(0.3, limit=2)


@contextmanager
def scratch() -> Iterator[str]:
    """A home for a run, removed with what the programs leave in it."""
    with tempfile.TemporaryDirectory(prefix="arbius-tui-bench-", ignore_cleanup_errors=True) as home:
        yield home


def in_turns(programs: Sequence[Program], rounds: int) -> Iterator[tuple[int, Program]]:
    """Every program once in each round, shuffled, so that what slows the machine down falls on all alike."""
    for number in range(rounds):
        for program in random.sample(programs, len(programs)):
            yield number, program


def painted(terminal: Terminal, text: str) -> None:
    """Wait until the stream holds this text. Cheaper than looking at the screen while timing."""
    needle = text.encode()
    end = time.monotonic() + LIMIT
    while needle not in terminal.raw:
        if terminal.ended or time.monotonic() > end:
            raise SystemExit(f"bench: {text!r} was never painted; the screen shows:\n{terminal.text()}")
        terminal.read(0.05)


def replay(terminal: Terminal) -> Iterator[tuple[float, Screen]]:
    """The screen after each read, with the milliseconds at which it stood there."""
    view = View(COLUMNS, ROWS)
    for when, length in terminal.chunks:
        yield when, view.show(bytes(terminal.raw[:length]))


def press(terminal: Terminal, name: str) -> float | None:
    """Press a key on a quiet screen: milliseconds to the last byte of the next frame, None if none comes in 1 s."""
    start = len(terminal.raw)
    sent = terminal.send(name)
    end = time.monotonic() + 1
    while time.monotonic() < end and not terminal.ended:
        if terminal.read(end - time.monotonic()) and FRAME_END in terminal.raw[start:]:
            return terminal.chunks[-1][0] - sent
    return None


def presses(terminal: Terminal, keys: Sequence[str], count: int) -> list[float]:
    """Press these keys in turn, out of step with Textual's timer; the milliseconds of those that painted."""
    times = []
    for number in range(count):
        terminal.settle(random.uniform(0.02, 0.04), limit=1)
        if (taken := press(terminal, keys[number % len(keys)])) is not None:
            times.append(taken)
    return times


def percentile(values: Sequence[float], part: float) -> float:
    """Nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, round(part * len(ordered) + 0.5) - 1))]


def middle(values: Sequence[float]) -> str:
    """Median and range, as text."""
    return f"{statistics.median(values):.0f} [{min(values):.0f}-{max(values):.0f}]"
