"""Key press to painted frame while a build prints 5,000 lines a second, and what its log takes of memory.

The wizard shows the build on its Model screen; up and down move the cursor in the table of steps, and only the frame in
which the cursor has moved is the answer: the log repaints by itself all the time. The bare app is pressed in turns,
under the same load of the machine.
"""

from __future__ import annotations

import os
import random
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench.keys import MOST, both, go
from bench.probe import (
    BARE,
    COLUMNS,
    LIMIT,
    ROWS,
    Program,
    mark,
    opened,
    painted,
    percentile,
    presses,
    scratch,
)
from bench.report import Row
from tests.stories.terminal import FRAME_END, Terminal, View

PRESSES = 200
BLOCK = 20
WAIT = 1.0
"""Seconds after which a key counts as not answered."""

SPELL = 0.06
"""Seconds that are read before the screen is looked at."""

TAKES = 4.0
"""Seconds of a block of presses of both programs, about; the build has to last for all of them."""

BOUND = 40.0
"""Megabytes that the process may grow by while the log comes: 16 MB of text at most, and what Python adds to it."""

MODEL = {
    "cog.yaml": 'build:\n  python_version: "3.11"\npredict: "predict.py:Predictor"\n',
    "predict.py": "from cog import BasePredictor, Path\n\n\nclass Predictor(BasePredictor):\n"
    "    def predict(self, prompt: str, seed: int = 0) -> list[Path]:\n        return []\n",
}


@dataclass
class Flood:
    """What came of it: milliseconds of ours and of the bare app, megabytes before and after, lines seen and lost."""

    times: list[float]
    floor: list[float]
    before: float
    after: float
    lines: int
    lost: int
    rate: float


def measure(count: int = PRESSES) -> list[Row]:
    """Three rows: the keys, the memory, the file."""
    found = flooded(count)
    p99 = percentile(found.times, 0.99)
    name = f"key to frame on 2 Model while a build prints {found.rate:,.0f} lines/s ({len(found.times)} presses)"
    ratio = f"{p99 / percentile(found.floor, 0.99):.1f}"
    keys = Row(f"{name}, p50 / p99 ms", both(found.times), both(found.floor), ratio, f"p99 {MOST:g}", p99 <= MOST)
    grown = found.after - found.before
    memory = Row(f"memory that its log of {found.lines:,} lines takes, MB", f"{grown:.0f}", "", "", f"{BOUND:g}",
                 grown <= BOUND)  # fmt: skip
    return [keys, memory, Row("lines of it that are not in the log file", f"{found.lost}", "", "", "0", not found.lost)]


def flooded(count: int) -> Flood:
    """Build, and press keys meanwhile."""
    with scratch() as home:
        ours = program(Path(home), seconds=4 + TAKES * count / BLOCK)
        os.environ["PATH"] = f"{home}/bin{os.pathsep}{os.environ['PATH']}"
        with opened(BARE, home) as bare, opened(ours, home) as terminal:
            painted(bare, BARE.ready)
            painted(terminal, ours.ready)
            terminal.settle(1.5)
            go(terminal, 2, "Model")
            before = resident(terminal)
            terminal.send("b")
            terminal.wait_for("What shall the image be called?", LIMIT)
            terminal.send("enter")
            terminal.wait_for("line 0", LIMIT)
            times, floor = pressed(terminal, bare, count)
            after = resident(terminal)
            terminal.wait_until(lambda rows: not any("x cancel" in row for row in rows), 120, "the build to end")
            return Flood(times, floor, before, after, *kept(Path(home)))


def program(home: Path, seconds: float) -> Program:
    """The wizard on a model whose cog floods for so long."""
    (home / "bin").mkdir()
    (home / "model").mkdir()
    for name, text in MODEL.items():
        (home / "model" / name).write_text(text)
    cog = home / "bin" / "cog"
    cog.write_text(
        f'#!/bin/sh\nSECONDS={seconds} exec "{sys.executable}" "{Path(__file__).with_name("flood.py")}" "$@"\n'
    )
    cog.chmod(0o755)
    argv = (str(Path(sys.executable).parent / "arbius-tui"), str(home / "model"))
    return Program("ours", argv, "Checks", "down", lambda before, now: mark(before) != mark(now))


def pressed(ours: Terminal, bare: Terminal, count: int) -> tuple[list[float], list[float]]:
    """The milliseconds of both programs, in turns."""
    times: list[float] = []
    floor: list[float] = []
    view = View(COLUMNS, ROWS)
    view.show(ours.raw)
    for _ in range(0, count, BLOCK):
        times += [press(ours, view, name) for name in ("up", "down") * (BLOCK // 2)]
        floor += presses(bare, (BARE.key,), BLOCK // 2)
    return times, floor


def press(terminal: Terminal, view: View, name: str) -> float:
    """Press a key; milliseconds to the frame in which the cursor of the table has moved. 1000 where it never did."""
    terminal.settle(0.01, limit=random.uniform(0.02, 0.08))
    before = mark(view.show(terminal.raw))
    while terminal.read(0):
        pass
    before = mark(view.show(terminal.raw))
    seen, sent = len(terminal.chunks), terminal.send(name)
    for _ in range(round(WAIT / SPELL)):
        # To look at the screen takes longer than to read it, so that is done when the clock has been read.
        end = time.monotonic() + SPELL
        while (left := end - time.monotonic()) > 0 and not terminal.ended:
            terminal.read(left)
        for when, length in terminal.chunks[seen:]:
            seen += 1
            if FRAME_END in terminal.raw[:length][-4096:] and mark(view.show(terminal.raw[:length])) != before:
                return when - sent
    return WAIT * 1000


def resident(terminal: Terminal) -> float:
    """Megabytes of the program's memory."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{terminal.process.pid}/status").read_text())
    return int(found[1]) / 1000 if found else 0.0


def kept(home: Path) -> tuple[int, int, float]:
    """Lines in the log file, how many numbers are missing among them, and how many came in a second."""
    (log,) = home.rglob("build.log")
    lines = re.findall(r"^#\d+ (\d+\.\d+) line (\d{7}) ", log.read_text(), re.MULTILINE)
    numbers = [int(number) for _, number in lines]
    lost = len(set(range(max(numbers) + 1)) - set(numbers)) + len(numbers) - len(set(numbers))
    return len(lines), lost, len(lines) / float(lines[-1][0])


if __name__ == "__main__":
    from bench.report import table

    print(table(measure(int(sys.argv[1]) if len(sys.argv) > 1 else PRESSES)))
