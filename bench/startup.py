"""Time to the first paint and to the first answered key, and peak memory at the first screen.

A key is pressed the moment the program's known text is painted; it counts as answered by the first frame that shows its
effect. The screen is looked at afterwards, in a replay, so that looking does not slow down what is timed.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.probe import BARE, LIMIT, OURS, Program, in_turns, middle, opened, painted, replay, scratch
from bench.report import Row
from tests.stories.terminal import Terminal

ROUNDS = 10


@dataclass(frozen=True)
class Start:
    """Milliseconds to the first paint and to the answered key; MiB of the program itself, at most, until then."""

    paint: float
    answer: float
    memory: float


def measure(rounds: int = ROUNDS) -> list[Row]:
    """Both programs in turns; round 0 warms the caches and does not count."""
    starts: dict[str, list[Start]] = {BARE.name: [], OURS.name: []}
    with scratch() as home:
        for number, program in in_turns((BARE, OURS), rounds + 1):
            start = one(program, home)
            if number:
                starts[program.name].append(start)
    bare, ours = starts[BARE.name], starts[OURS.name]
    return [
        against("first paint, ms", [s.paint for s in ours], [s.paint for s in bare], 1.4),
        against("first answered key, ms", [s.answer for s in ours], [s.answer for s in bare], 1.5),
        Row(
            "peak memory at the first screen, MiB", middle([s.memory for s in ours]), middle([s.memory for s in bare]),
            "", "60", statistics.median(s.memory for s in ours) <= 60,
        ),
    ]  # fmt: skip


def against(figure: str, ours: list[float], bare: list[float], most: float) -> Row:
    """A figure whose target is a multiple of the bare app's."""
    ratio = statistics.median(ours) / statistics.median(bare)
    return Row(figure, middle(ours), middle(bare), f"{ratio:.2f}", f"{most} x", ratio <= most)


def one(program: Program, home: str) -> Start:
    """Start it once, press its key, read its memory, end it."""
    with opened(program, home) as terminal:
        painted(terminal, program.ready)
        memory = peak(terminal.process.pid)
        sent = terminal.send(program.key)
        answered(terminal, program, sent)
        frames = list(replay(terminal))
    first = next(when for when, rows in frames if any(rows))
    before = [rows for when, rows in frames if when <= sent][-1]
    return Start(first, next(when for when, rows in frames if when > sent and program.answered(before, rows)), memory)


def answered(terminal: Terminal, program: Program, sent: float) -> None:
    """Read until the screen answers the key."""
    before = [rows for when, rows in replay(terminal) if when <= sent][-1]
    terminal.wait_until(lambda rows: program.answered(before, rows), LIMIT, f"an answer to {program.key}")


def peak(pid: int) -> float:
    """The most memory the process held so far, MiB. On macOS, what it holds now."""
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        return (
            next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM:")) / 1024
        )
    return (
        int(subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], check=True, capture_output=True, text=True).stdout)
        / 1024
    )


if __name__ == "__main__":
    from bench.report import table

    print(table(measure(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)))
