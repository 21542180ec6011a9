"""Key press to painted frame on each of the eleven screens: p50 and p99 over 200 presses.

Both programs are open at once; presses go to one and the other in blocks, so that what slows the machine down falls on
both alike. On each screen the first pair of keys that paints every time is pressed: the rows of a table, else the
fields, else F4 and Ctrl+S, which every screen answers on its status line.
"""

from __future__ import annotations

import sys

from arbius_tui.steps.base import TITLES
from bench.probe import BARE, LIMIT, OURS, opened, painted, percentile, press, presses, scratch
from bench.report import Row
from tests.stories.terminal import Terminal

PRESSES = 200
BLOCK = 40
PAIRS = (("down", "up"), ("tab", "shift+tab"), ("a", "backspace"), ("pagedown", "pageup"), ("f4", "ctrl+s"))
MOST = 20.0
"""Milliseconds: the target of p99."""


def measure(count: int = PRESSES) -> list[Row]:
    """One row for each screen."""
    with scratch() as home, opened(BARE, home) as bare, opened(OURS, home) as ours:
        painted(bare, BARE.ready)
        painted(ours, OURS.ready)
        ours.settle(1.0)
        return [screen(number, title, ours, bare, count) for number, title in enumerate(TITLES.values(), 1)]


def screen(number: int, title: str, ours: Terminal, bare: Terminal, count: int) -> Row:
    """Go to a step and press its keys, in blocks with the bare app's key."""
    go(ours, number, title)
    keys = pair(ours)
    times: tuple[list[float], list[float]] = ([], [])
    for done in range(0, count, BLOCK):
        times[0].extend(presses(ours, keys, min(BLOCK, count - done)))
        times[1].extend(presses(bare, (BARE.key,), min(BLOCK, count - done)))
    p99 = percentile(times[0], 0.99)
    name = f"key to frame on {number} {title} ({keys[0]}, {keys[1]}; {len(times[0])} presses), p50 / p99 ms"
    return Row(
        name, both(times[0]), both(times[1]), f"{p99 / percentile(times[1], 0.99):.1f}", f"p99 {MOST:g}", p99 <= MOST
    )


def go(terminal: Terminal, number: int, title: str) -> None:
    """Ctrl+G, the number, Enter; wait until the step is named as the current one."""
    terminal.settle(0.2)
    terminal.send("ctrl+g")
    terminal.settle(0.2)
    terminal.send(str(number))
    terminal.settle(0.2)
    terminal.send("enter")
    terminal.wait_for(title, LIMIT)
    terminal.settle(0.5)


def pair(terminal: Terminal) -> tuple[str, str]:
    """The first pair of keys that paints on this screen every time."""
    for keys in PAIRS:
        if all(press(terminal, name) is not None for name in keys * 2):
            return keys
    raise SystemExit("bench: no key paints anything on this screen:\n" + terminal.text())


def both(times: list[float]) -> str:
    """p50 / p99."""
    return f"{percentile(times, 0.5):.1f} / {percentile(times, 0.99):.1f}"


if __name__ == "__main__":
    from bench.report import table

    print(table(measure(int(sys.argv[1]) if len(sys.argv) > 1 else PRESSES)))
