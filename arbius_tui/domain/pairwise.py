"""Pairwise cases: every two values of two inputs meet in at least one case, in far fewer cases than there are pairs.

Two values that break a model together are what a single change never finds; more than two at once are rarely needed.
The cases are made by allpairspy, which is what Python testers use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

MOST_CASES = 100
"""Cases that are made at most; an enum with too many choices is thinned until they are enough."""
MOST_VALUES = 12
"""Values of one input that are combined at most. Each of the others is still tried alone."""
MOST_INPUTS = 60
"""Inputs that are combined at most: time grows with the square of their number."""


@dataclass(frozen=True, slots=True)
class Combined:
    """Inputs of each case, and for each input that was thinned how many of how many values are combined."""

    rows: tuple[Mapping[str, Any], ...]
    thinned: Mapping[str, tuple[int, int]]
    levels: Mapping[str, tuple[Any, ...]]
    """The values that meet."""


def combined(levels: Mapping[str, Sequence[Any]]) -> Combined:
    """Rows in which every two values of two inputs meet; no row where fewer than two inputs have several values.

    The first value of each input is its usual one. The same levels always give the same rows.
    """
    found = {name: tuple(values) for name, values in levels.items() if len(values) > 1}
    several = dict(islice(found.items(), MOST_INPUTS))
    if len(several) < 2:
        return Combined((), {}, several)
    for most in range(MOST_VALUES, 1, -1):
        chosen = {name: thin(values, most) for name, values in several.items()}
        rows = covered([len(values) for values in chosen.values()])
        if rows is not None:
            break
    thinned = {n: (len(chosen.get(n, "-")), len(found[n])) for n in found if len(chosen.get(n, "-")) < len(found[n])}
    made = tuple(
        {name: values[at] for (name, values), at in zip(chosen.items(), row, strict=True)} for row in rows or ()
    )
    return Combined(made, thinned, chosen)


def thin(values: Sequence[Any], most: int) -> tuple[Any, ...]:
    """The first value, the last one and some between them."""
    if len(values) <= most:
        return tuple(values)
    places = {round(n * (len(values) - 1) / (most - 1)) for n in range(most)}
    return tuple(values[place] for place in sorted(places))


def covered(sizes: Sequence[int]) -> list[list[int]] | None:
    """Rows of places in which all pairs meet; None when they would be too many."""
    from allpairspy import AllPairs

    two = sorted(sizes)[-2:]
    if two[0] * two[1] > MOST_CASES:
        return None
    rows = list(islice(AllPairs([list(range(size)) for size in sizes]), MOST_CASES + 1))
    return [list(row) for row in rows] if len(rows) <= MOST_CASES else None
