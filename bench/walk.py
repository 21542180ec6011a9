"""Wall time of the whole rehearsal without a terminal, from Cog model to model id."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time

from bench.probe import OURS, private, scratch
from bench.report import Row

ROUNDS = 3
MOST = 20.0
"""Seconds: the target on two cores."""


def measure(rounds: int = ROUNDS) -> list[Row]:
    """Each round in a home of its own, so that none resumes another."""
    seconds = [one() for _ in range(rounds)]
    met = statistics.median(seconds) <= MOST
    return [
        Row(
            "plain rehearsal, s",
            f"{statistics.median(seconds):.1f} [{min(seconds):.1f}-{max(seconds):.1f}]",
            target="20",
            met=met,
        )
    ]


def one() -> float:
    """Walk once; the seconds it took."""
    with scratch() as home:
        start = time.perf_counter()
        rehearse(home)
        return time.perf_counter() - start


def rehearse(home: str) -> None:
    """The whole journey in this home; the benchmark ends when the journey does not end well."""
    argv = [OURS.argv[0], "rehearse", "--json", "--no-input"]
    env = {**os.environ, **private(home)}
    done = subprocess.run(
        argv, check=False, capture_output=True, text=True, timeout=300, env=env, cwd=home, stdin=subprocess.DEVNULL
    )
    last = json.loads(done.stdout.splitlines()[-1]) if done.stdout else {}
    if done.returncode or not last.get("ok"):
        raise SystemExit(f"bench: the rehearsal failed with exit {done.returncode}: {last or done.stderr[-400:]}")


if __name__ == "__main__":
    from bench.report import table

    print(table(measure(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)))
