"""Find a text in a log file of any length, and read the lines around it. A log may have millions.

For a thread. Nothing but the lines that are shown is kept in memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

from arbius_tui.domain.errors import NotReady
from arbius_tui.domain.text import clean

AROUND = 500
"""Lines that are read before and after the one that was found."""

LONGEST = 8192
"""Characters of a line that are shown."""


@dataclass(frozen=True, slots=True)
class Window:
    """Lines of a file, of which the first has the number `first` (from 1); `at` is the one that was found."""

    lines: tuple[str, ...]
    first: int
    at: int


def look(log: Path, wanted: str | re.Pattern[str], after: int = 0, by: int = 1) -> Window | None:
    """The lines around the next match after line `after`, or with `by` -1 the last one before it; round the ends.

    Text is found in either case of its letters. None where no line has it; NotReady (`no-log`) without a file.
    """
    fits = wanted.search if isinstance(wanted, re.Pattern) else holding(wanted.casefold())
    with opened(log) as lines:
        found = next_match(lines, fits, after) if by > 0 else match_before(lines, fits, after)
    return around(log, found) if found else None


def holding(needle: str) -> Callable[[str], bool]:
    """Whether a line has this text, case ignored."""
    return lambda line: needle in line.casefold()


def next_match(lines: IO[str], fits: Callable[[str], object], after: int) -> int:
    """The number of the first match after a line, else of the first one at all; 0 for none."""
    first = 0
    for number, line in enumerate(lines, 1):
        if fits(line):
            if number > after:
                return number
            first = first or number
    return first


def match_before(lines: IO[str], fits: Callable[[str], object], before: int) -> int:
    """The number of the last match before a line, else of the last one at all; 0 for none."""
    last = 0
    for number, line in enumerate(lines, 1):
        if number >= before and last and last < before:
            break
        last = number if fits(line) else last
    return last


def around(log: Path, number: int) -> Window:
    """The lines around this one, clean."""
    first = max(1, number - AROUND)
    with opened(log) as lines:
        shown = tuple(clean(line.rstrip("\n"))[:LONGEST] for line in islice(lines, first - 1, number + AROUND))
    return Window(shown, first, number)


@contextmanager
def opened(log: Path) -> Iterator[IO[str]]:
    """The file to read; NotReady when that cannot be."""
    try:
        with log.open(encoding="utf-8", errors="replace") as lines:
            yield lines
    except OSError as error:
        what = f"the log {clean(str(log))} cannot be read: {(error.strerror or str(error)).lower()}"
        raise NotReady("no-log", what, why="its newest lines are still on screen", fix="build again") from None
