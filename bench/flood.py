"""A `cog` that prints 5,000 lines a second in BuildKit's plain form: `flood.py build ..`; SECONDS says for how long.

It is run as a program and imports nothing of ours. Every line has its number, so that a lost one is seen.
"""

from __future__ import annotations

import os
import sys
import time

RATE = 5000
BATCH = 50
STEPS = 12
"""Steps that have ended before the one that floods, so that there is a table to move in."""


def main() -> None:
    """Announce some steps, then flood."""
    if sys.argv[1:] == ["--version"]:
        print("cog version 0.22.0 (built 2026-11-22T00:00:00Z)")
        return
    print("Building Docker image from environment in cog.yaml as flood...\n", flush=True)
    for step in range(1, STEPS + 1):
        print(f"#{step} [stage-0 {step}/{STEPS + 1}] RUN step {step}\n#{step} DONE 0.{step:02}s\n", flush=True)
    print(f"#{STEPS + 1} [stage-0 {STEPS + 1}/{STEPS + 1}] RUN pip install everything", flush=True)
    flood(float(os.environ.get("SECONDS", "10")))
    print(f"#{STEPS + 1} DONE 9.9s\n\nAdding labels to image...\n\nImage built as flood", flush=True)


def flood(seconds: float) -> None:
    """Numbered lines at the rate, whatever the reader does; one that is late is caught up with."""
    began, printed, most = time.monotonic(), 0, int(RATE * seconds)
    while printed < most:
        due = min(most, int((time.monotonic() - began) * RATE))
        for start in range(printed, due, BATCH):
            numbers = range(start, min(start + BATCH, due))
            text = "".join(
                f"#{STEPS + 1} {time.monotonic() - began:.3f} line {n:07} Collecting package-{n % 97} (from x)\n"
                for n in numbers
            )
            os.write(1, text.encode())
        printed = due
        time.sleep(BATCH / RATE)


if __name__ == "__main__":
    main()
