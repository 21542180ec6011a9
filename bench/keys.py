"""Key press to painted frame on each of the eleven screens: p50 and p99 over 200 presses.

Both programs are open at once; presses go to one and the other in blocks, so that what slows the machine down falls on
both alike. On each screen the first pair of keys that paints every time is pressed: the rows of a table, else the
fields, else F4 and Ctrl+S, which every screen answers on its status line.
"""

from __future__ import annotations

import sys

from arbius_tui.domain.journey import STEPS
from arbius_tui.steps.base import TITLES
from bench.probe import BARE, LIMIT, OURS, opened, painted, percentile, press, presses, scratch
from bench.report import Row
from bench.walk import rehearse
from tests.stories.terminal import Terminal

PRESSES = 200
BLOCK = 40
PAIRS = (("down", "up"), ("tab", "shift+tab"), ("a", "backspace"), ("pagedown", "pageup"), ("f4", "ctrl+s"))
SOON = 250.0
"""Milliseconds: a later frame is no answer, but the screen's own clock."""
MOST = 20.0
"""Milliseconds: the target of p99."""


def measure(count: int = PRESSES) -> list[Row]:
    """One row for each screen; beside each the bare app's figure over the whole run."""
    with scratch() as home, opened(BARE, home) as bare:
        rehearse(home)
        with opened(OURS, home) as ours:
            return pressed(ours, bare, count)


def pressed(ours: Terminal, bare: Terminal, count: int) -> list[Row]:
    """Press keys on every screen of a finished journey, so that the tables are full."""
    painted(bare, BARE.ready)
    painted(ours, OURS.ready)
    ours.settle(1.0)
    floor: list[float] = []
    found = [screen(number, TITLES[name], ours, bare, count, floor) for number, name in enumerate(STEPS, 1)]
    return [row(name, times, floor) for name, times in found]


def screen(
    number: int, title: str, ours: Terminal, bare: Terminal, count: int, floor: list[float]
) -> tuple[str, list[float]]:
    """Go to a step and press its keys, after each block the bare app's a few times; the figure's name and the times."""
    go(ours, number, title)
    keys = pair(ours)
    times: list[float] = []
    for done in range(0, count, BLOCK):
        times += presses(ours, keys, min(BLOCK, count - done))
        floor += presses(bare, (BARE.key,), BLOCK // 4)
    return f"key to frame on {number} {title} ({keys[0]}, {keys[1]}; {len(times)} presses), p50 / p99 ms", times


def row(name: str, times: list[float], floor: list[float]) -> Row:
    """The figure of a screen."""
    p99 = percentile(times, 0.99)
    return Row(name, both(times), both(floor), f"{p99 / percentile(floor, 0.99):.1f}", f"p99 {MOST:g}", p99 <= MOST)


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
        if all((press(terminal, name) or SOON) < SOON for name in keys * 3):
            return keys
    raise SystemExit("bench: no key paints anything on this screen:\n" + terminal.text())


def both(times: list[float]) -> str:
    """p50 / p99."""
    return f"{percentile(times, 0.5):.1f} / {percentile(times, 0.99):.1f}"


if __name__ == "__main__":
    from bench.report import table

    print(table(measure(int(sys.argv[1]) if len(sys.argv) > 1 else PRESSES)))
