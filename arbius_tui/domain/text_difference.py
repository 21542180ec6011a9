"""What differs between two texts: lines, words, or the values of two JSON documents."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile, zip_longest
from operator import eq
from typing import Any

from arbius_tui.domain.comparison import Text, Values
from arbius_tui.domain.media_parts import NOT_THERE, Difference
from arbius_tui.domain.text import clean, grouped

MOST_COMPARED = 800
"""Lines of each side that difflib is given, behind those that both begin with: its worst case grows faster than n^2."""

MOST_LINES, LONGEST_LINE, BEFORE = 200, 400, 40
MOST_PATHS, LONGEST_VALUE, DEEPEST = 200, 300, 100


def compare_texts(one: str, other: str) -> Text:
    """A unified diff of two texts, limited in lines and in their length, and whether all their words are equal."""
    left, right = one.splitlines(), other.splitlines()
    head, tail = common(left, right)
    before = max(0, head - 3)
    ends = len(left) - tail + 3, len(right) - tail + 3
    middle = left[before : ends[0]], right[before : ends[1]]
    cut = max(map(len, middle)) > MOST_COMPARED
    shortened = [lines[:MOST_COMPARED] for lines in middle]
    diff = list(difflib.unified_diff(shortened[0], shortened[1], n=3, lineterm=""))[2:]
    removed = sum(line.startswith("-") for line in diff)
    added = sum(line.startswith("+") for line in diff)
    left_out = f"only the first {MOST_COMPARED} lines after the first difference were compared" if cut else ""
    if len(diff) > MOST_LINES:
        left_out = left_out or f"{grouped(len(diff) - MOST_LINES)} more lines"
    shown = tuple(map(visible, narrowed(diff[:MOST_LINES])))
    words_equal = one.split() == other.split() and bool(one.split())
    return Text(shown, removed, added, left_out, words_equal, numbers_near(one, other))


NUMBER = re.compile(r"-?(?<![\w.])(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?(?![\w.])")
"""A number that stands alone; digits of a name or of a hash are none."""
NEAR_BY = 1e-5
"""By how much of their size two numbers may differ: what is left of 32 bits after some thousand sums."""


def numbers_near(one: str, other: str) -> bool:
    """Whether two texts differ in fractions alone, and in those by next to nothing."""
    here = there = 0
    for left, right in zip_longest(NUMBER.finditer(one), NUMBER.finditer(other)):
        if not left or not right or one[here : left.start()] != other[there : right.start()]:
            return False
        if left[0] != right[0] and not near_fractions(left[0], right[0]):
            return False
        here, there = left.end(), right.end()
    return one != other and one[here:] == other[there:]


def near_fractions(left: str, right: str) -> bool:
    """Whether two numbers as they are written are fractions and all but equal; whole numbers are counts or ids."""
    if not any(sign in left + right for sign in ".eE"):
        return False
    a, b = float(left), float(right)
    return abs(a - b) <= NEAR_BY * max(abs(a), abs(b), 1e-6)


def common(left: Sequence[str], right: Sequence[str]) -> tuple[int, int]:
    """How many lines two texts have in common at their start, and behind that at their end."""
    head = sum(1 for _ in takewhile(bool, map(eq, left, right)))
    most = min(len(left), len(right)) - head
    tail = sum(1 for _ in takewhile(bool, map(eq, left[: -most - 1 : -1], right[: -most - 1 : -1]))) if most else 0
    return head, tail


def narrowed(diff: Sequence[str]) -> list[str]:
    """The diff; where one long line became another, both are shown from shortly before they part."""
    changed = [line for line in diff if line[:1] in ("-", "+")]
    if len(changed) != 2 or changed[0][0] == changed[1][0] or min(map(len, changed)) <= LONGEST_LINE:
        return list(diff)
    same = common(changed[0][1:], changed[1][1:])[0]
    start = max(0, same - BEFORE)
    return [f"{line[0]}..{line[1 + start :]}" if start and line in changed else line for line in diff]


def visible(line: str) -> str:
    """A line that can be shown; what hides from the eye in it is written out."""
    shown = line if clean(line) == line else line.encode("unicode_escape").decode()
    return clip(shown, LONGEST_LINE)


def clip(text: str, most: int) -> str:
    """The first `most` characters of a text, with two points where it goes on."""
    return f"{text[:most]}.." if len(text) > most else text


class Number(str):
    """A number as it is written, so that none is rounded and 1 is not 1.0 or true."""

    __slots__ = ()


def compare_json(one: str, other: str) -> Values | None:
    """The values that differ between two documents; None when one is no JSON, has a key twice or is nested too deep."""
    try:
        left, right = (dict(leaves(parsed(text))) for text in (one, other))
    except (ValueError, RecursionError):
        return None
    paths = [path for path in dict.fromkeys([*left, *right]) if left.get(path) != right.get(path)]
    rows = [Difference(path, "payload", said(left, path), said(right, path)) for path in paths[:MOST_PATHS]]
    near = all(numbers_near(left.get(path, NOT_THERE), right.get(path, NOT_THERE)) for path in paths)
    return Values(tuple(rows), len(paths), len(left), bool(paths) and near)


def said(values: Mapping[str, str], path: str) -> str:
    """The value at a path, shortened."""
    return clip(values.get(path, NOT_THERE), LONGEST_VALUE)


def parsed(text: str) -> Any:
    """A document with its numbers as written; ValueError for a key that comes twice."""
    return json.loads(text, parse_float=number, parse_int=number, parse_constant=number, object_pairs_hook=once)


def number(text: str) -> Number:
    """A number as it is written. A function of our own, because only in one of those other threads get their turn."""
    return Number(text)


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of which no key comes twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key comes twice")
    return found


def leaves(document: Any) -> Iterator[tuple[str, str]]:
    """Each value with its path, `/images/[0]/width`, as one clean line; ValueError for what is nested too deep."""
    waiting: list[tuple[str, Any, int]] = [("", document, 0)]
    while waiting:
        path, value, depth = waiting.pop()
        if depth > DEEPEST:
            raise ValueError("nested too deep")
        children: list[tuple[str, Any]] = []
        if isinstance(value, dict) and value:
            children = [(pointer(key), item) for key, item in value.items()]
        elif isinstance(value, list) and value:
            children = [(f"[{at}]", item) for at, item in enumerate(value)]
        else:
            yield path or "/", leaf(value)
        waiting += [(f"{path}/{name}", item, depth + 1) for name, item in reversed(children)]


PLAIN = re.compile(r"[A-Za-z0-9_. -]+")


def pointer(key: str) -> str:
    """A key as a part of a path; in quotes unless it is plain, so that no two paths look alike."""
    return key if PLAIN.fullmatch(key) else json.dumps(key)


def leaf(value: Any) -> str:
    """A value that holds no other, as JSON; a text with something hidden in it is written out."""
    if isinstance(value, Number):
        return str(value)
    return json.dumps(value, ensure_ascii=isinstance(value, str) and clean(value) != value)
