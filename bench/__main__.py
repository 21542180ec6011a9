"""All figures as one Markdown table: `make bench`. `make bench ARGS=--quick` takes a tenth of the samples.

`make bench ARGS=seed` measures the seed test alone; parts: startup, keys, build, seed, template, register and walk.
"""

from __future__ import annotations

import compileall
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

from textual import __version__ as textual

import arbius_tui
from bench import build, keys, register, seed, seed_keys, startup, template, walk
from bench.report import table


def main() -> None:
    """Measure all; exit 1 if a target is missed."""
    quick, parts = "--quick" in sys.argv[1:], [word for word in sys.argv[1:] if not word.startswith("-")]
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, Textual {textual}, a terminal of 120x40, median [least-most]\n",
        flush=True,
    )
    compileall.compile_dir(Path(arbius_tui.__file__).parent, quiet=1)  # as pip does with a program that it installs
    rows = []
    for name, what, measure, samples in (
        ("startup", "starting", startup.measure, 2 if quick else startup.ROUNDS),
        ("keys", "pressing keys", keys.measure, 20 if quick else keys.PRESSES),
        ("build", "building", build.measure, 20 if quick else build.PRESSES),
        ("seed", "hashing", seed.measure, 1 if quick else seed.ROUNDS),
        ("seed", "pressing keys while it hashes", seed_keys.measure, 20 if quick else seed_keys.PRESSES),
        ("template", "editing 500 inputs", template.measure, 20 if quick else template.PRESSES),
        ("register", "registering", register.measure, 2 if quick else register.ROUNDS),
        ("walk", "walking", walk.measure, 1 if quick else walk.ROUNDS),
    ):
        if not parts or name in parts:
            print(f"bench: {what} ..", file=sys.stderr, flush=True)
            rows += measure(samples)
    print(table(rows))
    sys.exit(any(row.met is False for row in rows))


if __name__ == "__main__":
    main()
