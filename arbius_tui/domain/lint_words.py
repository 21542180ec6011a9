"""What the rules of lint share: problems with the fix that one key applies, and values as the readers see them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Any, TypeGuard

from arbius_tui.domain.errors import Fix, Problem, Severity
from arbius_tui.domain.json_places import pointer
from arbius_tui.domain.template import INT32_MAX, INT32_MIN, Spelled
from arbius_tui.domain.text import clean

Operation = tuple[str, str, Any]

KASUMI_2, KASUMI_3, GOBIUS = "kasumi-2", "kasumi-3", "gobius"
WEBSITE, WEBSITE_2, EXPLORER = "website", "website2", "explorer"
READERS = (KASUMI_2, KASUMI_3, GOBIUS, WEBSITE, WEBSITE_2, EXPLORER)
"""Everybody who reads templates: the first miner (its source has left the repository), the one in bots/kasumi-3, the
miner in Go, the form of the old website, the new website, and the explorer."""
KASUMIS = (KASUMI_2, KASUMI_3)
MINERS = (*KASUMIS, GOBIUS)

TYPES = ("string", "int", "decimal", "string_enum", "int_enum")
"""The input types that every reader of templates knows."""
MAX_EXACT = 2**53
"""Whole numbers up to this are exact in JavaScript."""


def problem(
    severity: Severity,
    code: str,
    path: str,
    words: tuple[str, str, str],
    *patch: Operation,
    readers: Sequence[str] = (),
) -> Problem:
    """A problem; `words` are what, why and the fix, `patch` is what one key does about it."""
    what, why, fix = words
    return Problem(code, what, why, Fix(fix, patch=patch), severity=severity, path=path, readers=tuple(readers))


def error(
    code: str, path: str, what: str, why: str, fix: str, *patch: Operation, readers: Sequence[str] = ()
) -> Problem:
    """Some task or page fails."""
    return problem("error", code, path, (what, why, fix), *patch, readers=readers)


def warn(
    code: str, path: str, what: str, why: str, fix: str, *patch: Operation, readers: Sequence[str] = ()
) -> Problem:
    """Somebody has been bitten by it."""
    return problem("warn", code, path, (what, why, fix), *patch, readers=readers)


def info(
    code: str, path: str, what: str, why: str, fix: str, *patch: Operation, readers: Sequence[str] = ()
) -> Problem:
    """Good to know."""
    return problem("info", code, path, (what, why, fix), *patch, readers=readers)


def moved(found: Problem, base: str) -> Problem:
    """A problem of a row, whose paths begin at the row, as one of the template that has the row at `base`."""
    fix = found.fix
    if fix and fix.patch:
        patch = tuple((op, base + path, base + value if op == "move" else value) for op, path, value in fix.patch)
        fix = replace(fix, patch=patch)
    return replace(found, path=base + found.path, fix=fix)


class Remembered:
    """The problems of rows that were looked at already, by a row's text, and by its text and place.

    Of a form of 500 rows with one change, one is judged anew; where all moved by one place, only the places are new.
    """

    def __init__(self, most: int = 4096) -> None:
        self.most = most
        self.rows: dict[str, tuple[Problem, ...]] = {}
        self.placed: dict[tuple[str, str], tuple[Problem, ...]] = {}

    def at(
        self, base: str, row: Mapping[str, Any], judge: Callable[[Mapping[str, Any]], Iterable[Problem]]
    ) -> Iterable[Problem]:
        """The problems of the row that stands at `base`; `judge` says those of a row that is new."""
        text = repr(row)  # tells 1 from 1.0 and from true, and keeps the spelling of numbers
        found = self.rows.get(text)
        if found is None:
            if len(self.rows) >= self.most:
                self.rows.clear()
            found = self.rows[text] = tuple(judge(row))
        if not found:
            return ()
        placed = self.placed.get((base, text))
        if placed is None:
            if len(self.placed) >= self.most:
                self.placed.clear()
            placed = self.placed[base, text] = tuple(moved(problem, base) for problem in found)
        return placed


# --- values ------------------------------------------------------------------------------------------------------


def number(value: Any) -> TypeGuard[int | float]:
    """A JSON number that is no boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def finite(value: float) -> bool:
    """Whether a double holds it; math.isfinite cannot be asked of an int of 400 digits."""
    return -1.7e308 < value < 1.7e308


def is_text(value: Any) -> bool:
    """Text."""
    return isinstance(value, str)


def is_whole(value: Any) -> bool:
    """A whole number, 512.0 too."""
    return number(value) and (isinstance(value, int) or value.is_integer())


def among(value: Any, choices: Sequence[Any]) -> bool:
    """Whether a reader would find the value among the choices: true is not 1, 512.0 is 512."""
    return any(value == choice and isinstance(value, bool) == isinstance(choice, bool) for choice in choices)


def plain_number(value: float) -> float:
    """4.0 as 4."""
    return int(value) if not isinstance(value, int) and math.isfinite(value) and value == int(value) else value


def read_number(text: Any) -> float | None:
    """The number that somebody put into quotes, or None."""
    try:
        found = float(text) if isinstance(text, str) and len(text) <= 40 else math.nan
    except ValueError:
        return None
    return plain_number(found) if math.isfinite(found) else None


def in_32_bit(value: float) -> float:
    """The nearest value that an int may have."""
    return min(max(value, INT32_MIN), INT32_MAX)


def shown(value: Any) -> str:
    """A value of the file, harmless and short."""
    if isinstance(value, list | tuple | Mapping):
        return "an object" if isinstance(value, Mapping) else "an array"
    text = value.spelling if isinstance(value, Spelled) else clean(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= 60 else text[:58] + ".."


def nearest(name: str, candidates: Sequence[str], least: float = 0.6) -> str:
    """The candidate that somebody most likely meant by `name`, or nothing: `steps` is near `num_steps`."""
    best, mark = "", least
    for candidate in candidates:
        found = alike(name, candidate, mark)
        if found > mark or (found == mark and not best):
            best, mark = candidate, found
    return best


def alike(one: str, other: str, least: float = 0.0) -> float:
    """How alike two names are, from 0 to 1; one whose words are all in the other is near it. Below `least` it is 0."""
    a, b = one.casefold(), other.casefold()
    if len(a) > 100 or len(b) > 100 or not a or not b:
        return float(a == b)
    words_a, words_b = set(a.replace("-", "_").split("_")), set(b.replace("-", "_").split("_"))
    if words_a <= words_b or words_b <= words_a:
        return max(0.8, SequenceMatcher(None, a, b).ratio())
    most = 2 * min(len(a), len(b)) / (len(a) + len(b))  # what the ratio could be, were all of the shorter in the other
    if most < least or len(set(a) & set(b)) < least * min(len(set(a)), len(set(b))) / 2:
        return 0.0
    return SequenceMatcher(None, a, b).ratio()


_COMPARED = 20
"""Unknown keys of one object that are held against the known ones; with more of them it is something else."""


# --- what is true of every part ----------------------------------------------------------------------------------


def unknown_keys(
    path: str, raw: Mapping[str, Any], known: Sequence[str], others: Mapping[str, str]
) -> Iterator[Problem]:
    """Keys that nobody reads; one that is nearly a known one gets its name. `others` are what people write instead."""
    unknown = [key for key in raw if key not in known]
    for key in unknown:
        place = path + pointer(key)
        meant = {name: name for name in known} | dict(others)
        free = [name for name, good in meant.items() if good not in raw] if len(unknown) <= _COMPARED else []
        better = meant.get(nearest(key, free, 0.75), "")
        what = f"the key {shown(key)} is not known"
        if better:
            patch = ("move", path + pointer(better), place)
            yield warn("key-name", place, what, "nobody reads it", f"name it {better}, if that was meant", patch)
        else:
            why, fix = "nobody reads it; it is kept as it is", "take it out unless you know who reads it"
            yield info("unknown-key", place, what, why, fix, ("remove", place, None))


def hidden(path: str, value: Any) -> Iterator[Problem]:
    """Characters that cannot be seen, in every text of a value and in every key."""
    for place, text, is_key in texts(path, value):
        if (seen := clean(text)) != text:
            why = "a reader sees another text than the one that is registered"
            patch = () if is_key else (("replace", place, seen),)
            what = f"the {'key' if is_key else 'text'} has characters that cannot be seen"
            yield warn("hidden-key" if is_key else "hidden-characters", place, what, why, "write it anew", *patch)


def texts(path: str, value: Any) -> Iterator[tuple[str, str, bool]]:
    """Every text in a value, with its place and whether it is a key."""
    if isinstance(value, str):
        yield path, value, False
    elif isinstance(value, Mapping):
        for key, part in value.items():
            place = path + pointer(key)
            yield place, key, True
            yield from texts(place, part)
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from texts(f"{path}/{index}", part)
