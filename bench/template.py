"""The template editor with 500 inputs and nearly 64 KiB: from key to painted frame, and from going there to the form.

The wizard edits a file that the bench wrote, with lint, CID and everything that follows each key. Keys are pressed in
three places: rows of the outline, letters in a text field (which change the file), and undo with redo.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.keys import both
from bench.probe import BARE, COLUMNS, LIMIT, OURS, ROWS, opened, painted, percentile, presses, private, scratch
from bench.report import Row
from tests.stories.terminal import Terminal

PRESSES = 200
BLOCK = 40
ROUNDS = 5
INPUTS = 500
MOST = 20.0
"""Milliseconds: the target of p99 from a key to its frame."""
OPENING = 300.0
"""Milliseconds: the target from the key that goes to the step to its form."""
READY = "of 65,536"


def big(inputs: int = INPUTS, size: int = 65_000) -> bytes:
    """A template of so many inputs and bytes at most."""
    kinds = [
        {"type": "string", "required": False, "default": ""},
        {"type": "int", "required": False, "min": 0, "max": 100, "default": 5},
        {"type": "int_enum", "required": False, "choices": [256, 512], "default": 512},
    ]
    rows = [{"variable": f"input_{n}", **kinds[n % 3], "description": ""} for n in range(inputs)]
    found = {"meta": {"title": "Big", "description": "on an A100", "git": "", "docker": "", "version": 1},
             "input": rows, "output": [{"filename": "out-1.png", "type": "image"}]}  # fmt: skip
    spare = (size - len(json.dumps(found, separators=(",", ":")))) // inputs
    for row in rows:
        row["description"] = "d" * max(0, spare)
    return json.dumps(found, separators=(",", ":")).encode() + b"\n"


def measure(count: int = PRESSES) -> list[Row]:
    """A row for each place where keys are pressed, and one for opening."""
    with scratch() as home, opened(BARE, home) as bare:
        painted(bare, BARE.ready)
        prepare(home)
        with wizard(home) as ours:
            ours.send("ctrl+g", "6")  # the digit goes there; Enter would be a key of the editor
            painted(ours, READY)
            ours.settle(1.5, limit=20)
            rows = [row(what, keys, ours, bare, count) for what, keys in places(ours)]
        return [*rows, opening(home)]


def prepare(home: str) -> None:
    """A journey whose template is the big file."""
    path = Path(home) / "big.json"
    path.write_bytes(big())
    argv = [OURS.argv[0], "template", "edit", str(path), "set", "/meta/title=Big one", "--project", "big", "--json"]
    env = {**os.environ, **private(home)}
    done = subprocess.run(
        argv, check=False, capture_output=True, timeout=120, env=env, cwd=home, stdin=subprocess.DEVNULL
    )
    if done.returncode not in (0, 5):
        raise SystemExit(f"bench: the template could not be edited: {done.stdout[-400:]!r}")


def to_checks(home: str) -> None:
    """The journey stands at its first step."""
    place = next(Path(home).glob("state/arbius-tui/*/state.json"))
    found = json.loads(place.read_text())
    place.write_text(json.dumps({**found, "at": "checks"}))


@contextmanager
def wizard(home: str) -> Iterator[Terminal]:
    """The wizard on that journey, its first screen painted."""
    to_checks(home)
    with Terminal((OURS.argv[0], "--project", "big"), COLUMNS, ROWS, private(home), cwd=home) as terminal:
        painted(terminal, "Checks")
        terminal.settle(1.0, limit=LIMIT)
        yield terminal
        terminal.send("ctrl+q")
        terminal.settle(0.3, limit=5)


def places(terminal: Terminal) -> Iterator[tuple[str, tuple[str, str]]]:
    """What is pressed, each after the keys that lead there."""
    terminal.send("end", "up", "up")
    terminal.settle(0.5)
    yield "rows of the outline", ("up", "down")
    terminal.send("enter")
    terminal.settle(0.5)
    yield "letters in the variable of a row", ("x", "backspace")
    terminal.send("x")
    terminal.settle(0.5)
    yield "undo and redo", ("ctrl+z", "ctrl+r")


def row(what: str, keys: tuple[str, str], ours: Terminal, bare: Terminal, count: int) -> Row:
    """Press in blocks, one program and then the other."""
    times: list[float] = []
    floor: list[float] = []
    for done in range(0, count, BLOCK):
        times += presses(ours, keys, min(BLOCK, count - done))
        floor += presses(bare, (BARE.key,), BLOCK // 4)
    p99 = percentile(times, 0.99)
    name = f"template of {INPUTS} inputs, {what} ({len(times)} presses), p50 / p99 ms"
    return Row(name, both(times), both(floor), f"{p99 / percentile(floor, 0.99):.1f}", f"p99 {MOST:g}", p99 <= MOST)


def opening(home: str, rounds: int = ROUNDS) -> Row:
    """From the digit of Ctrl+G to the frame with the form, each in a program of its own."""
    times = [one_opening(home) for _ in range(rounds)]
    middle = statistics.median(times)
    text = f"{middle:.0f} [{min(times):.0f}-{max(times):.0f}]"
    return Row(f"opening a template of {INPUTS} inputs, ms", text, target=f"{OPENING:g}", met=middle <= OPENING)


def one_opening(home: str) -> float:
    """Milliseconds until the status line tells the bytes."""
    with wizard(home) as terminal:
        terminal.settle(3.0, limit=30)
        terminal.send("ctrl+g")
        terminal.settle(0.3)
        start = len(terminal.raw)
        sent = terminal.send("6")
        end = time.monotonic() + LIMIT
        while READY.encode() not in terminal.raw[start:]:
            if time.monotonic() > end:
                raise SystemExit("bench: the template was never shown:\n" + terminal.text())
            terminal.read(0.05)
        return terminal.chunks[-1][0] - sent


if __name__ == "__main__":
    from bench.report import table

    print(table(measure(int(sys.argv[1]) if len(sys.argv) > 1 else PRESSES)))
