"""All figures as one Markdown table: `make bench`. `make bench ARGS=--quick` takes a tenth of the samples."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime

from textual import __version__ as textual

from bench import build, keys, startup, walk
from bench.report import table


def main() -> None:
    """Measure all; exit 1 if a target is missed."""
    quick = "--quick" in sys.argv[1:]
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, Textual {textual}, a terminal of 120x40, median [least-most]\n",
        flush=True,
    )
    rows = []
    for what, measure, samples in (
        ("starting", startup.measure, 2 if quick else startup.ROUNDS),
        ("pressing keys", keys.measure, 20 if quick else keys.PRESSES),
        ("building", build.measure, 20 if quick else build.PRESSES),
        ("walking", walk.measure, 1 if quick else walk.ROUNDS),
    ):
        print(f"bench: {what} ..", file=sys.stderr, flush=True)
        rows += measure(samples)
    print(table(rows))
    sys.exit(any(row.met is False for row in rows))


if __name__ == "__main__":
    main()
