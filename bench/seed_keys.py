"""Key press to painted frame on the seed test while four servers stream their outputs, all hashed and written to disk.

The servers wait for nothing and send at a rate that together fills a gigabit line. Up and down move the
cursor in the table of cases; only the frame in which the cursor has moved is the answer. The bare app is pressed in
turns, under the same load of the machine.
"""

from __future__ import annotations

import sys

from bench.build import pressed
from bench.keys import MOST, both, go
from bench.probe import BARE, LIMIT, OURS, Program, opened, painted, percentile, scratch
from bench.report import Row
from bench.seed import SERVERS, serving

PRESSES = 200
RATE = 24.0
"""MB/s of each server, a third more on the line: that is base64."""

MB = 480
"""MB of an output: at that rate it takes 20 seconds."""


def measure(count: int = PRESSES) -> list[Row]:
    """One row."""
    with scratch() as home, serving(SERVERS, {"mb": MB, "rate": RATE}) as urls, opened(BARE, home) as bare:
        servers = [word for url in urls for word in ("--endpoint", url)]
        ours = Program("ours", (OURS.argv[0], *servers), "Checks", "down", OURS.answered)
        with opened(ours, home) as terminal:
            painted(bare, BARE.ready)
            painted(terminal, ours.ready)
            terminal.settle(1.5)
            go(terminal, 3, "Run")
            terminal.send("space")
            terminal.wait_for("READY", LIMIT)
            go(terminal, 4, "Seed test")
            terminal.send("space")
            terminal.wait_until(lambda rows: sum(row.count(" run ") for row in rows) > SERVERS, LIMIT, "all to run")
            terminal.settle(1.0, limit=2)
            terminal.send("down")
            times, floor = pressed(terminal, bare, count)
            if sum("run" in row for row in terminal.text().splitlines()) < 2:
                raise SystemExit(f"bench: the servers do not stream any more:\n{terminal.text()}")
    p99 = percentile(times, 0.99)
    load = f"while {SERVERS} servers stream {SERVERS * RATE:.0f} MB/s"
    figure = f"key to frame on 4 Seed test {load} ({len(times)} presses), p50 / p99 ms"
    ratio = f"{p99 / percentile(floor, 0.99):.1f}"
    return [Row(figure, both(times), both(floor), ratio, f"p99 {MOST:g}", p99 <= MOST)]


if __name__ == "__main__":
    from bench.report import table

    print(table(measure(int(sys.argv[1]) if len(sys.argv) > 1 else PRESSES)))
