"""The lines of a template as they are read: the part under the cursor open, the others folded, and what differs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Any

from arbius_tui.screens.parts import dumped
from arbius_tui.widgets.json_view import FileLine

KEPT = 4_000
"""Texts of rows that are kept; a row of a document is never changed, only replaced."""


class FileLines:
    """Makes the lines. Texts of rows are kept by the row itself, so that an edit of one costs one."""

    def __init__(self) -> None:
        self.texts: dict[int, tuple[Any, str]] = {}
        self.folded: dict[tuple[int, str], tuple[Any, FileLine]] = {}

    def text(self, value: Any) -> str:
        """A row as JSON on one line."""
        known = self.texts.get(id(value))
        if known and known[0] is value:
            return known[1]
        if len(self.texts) > KEPT:
            self.texts.clear()
        found = dumped(value)
        self.texts[id(value)] = (value, found)
        return found

    def of(
        self, now: Mapping[str, Any], base: Mapping[str, Any] | None, here: str, states: Mapping[str, str]
    ) -> list[FileLine]:
        """All lines. `base` is what is compared with, `here` the pointer of the part under the cursor, `states` the
        words of problems by pointer."""
        rows: list[FileLine] = [FileLine("{")]
        last = next(reversed(list(now)), "")
        for key, value in now.items():
            comma = "" if key == last else ","
            old = base.get(key, _NONE) if base is not None else value
            path = f"/{key}"
            if isinstance(value, Mapping):
                rows.append(FileLine(f'"{key}": {{'))
                rows += keyed(value, old if isinstance(old, Mapping) else {}, path, here, states, 1)
                rows.append(FileLine("}" + comma))
            elif isinstance(value, list):
                rows.append(FileLine(f'"{key}": ['))
                rows += self.listed(value, old if isinstance(old, list) else [], path, here, states)
                rows.append(FileLine("]" + comma))
            else:
                rows += pair(f'"{key}": ', value, old, path, here, states, comma)
        gone = [key for key in base or {} if key not in now]
        return [*rows, *(FileLine(f'"{key}": {dumped((base or {})[key])}', "-") for key in gone), FileLine("}")]

    def listed(
        self, now: Sequence[Any], base: Sequence[Any], path: str, here: str, states: Mapping[str, str]
    ) -> Iterable[FileLine]:
        """The rows of an array, each on a line but for the open one."""
        last = len(now) - 1
        for op, i, j, k, m in self.blocks(base, now):
            olds = list(base[i:j]) if op != "equal" else []
            for number in range(k, m):
                value, comma = now[number], "," if number < last else ""
                if op == "equal" and f"{path}/{number}" != here:
                    yield self.line(value, comma)
                    continue
                old = value if op == "equal" else olds.pop(0) if olds else _NONE
                yield from self.row(value, old, f"{path}/{number}", here, states, comma)
            for value in olds:
                yield FileLine(f"  {folded(value)},", "-")

    def line(self, value: Any, comma: str) -> FileLine:
        """A row that is folded and as it was."""
        known = self.folded.get((id(value), comma))
        if known and known[0] is value:
            return known[1]
        if len(self.folded) > KEPT:
            self.folded.clear()
        found = FileLine(f"  {folded(value)}{comma}")
        self.folded[id(value), comma] = (value, found)
        return found

    def blocks(self, base: Sequence[Any], now: Sequence[Any]) -> Iterable[tuple[str, int, int, int, int]]:
        """What is equal and what differs; the equal beginning and end are found without comparing all with all."""
        if base is now:
            return [("equal", 0, len(now), 0, len(now))]
        most = min(len(base), len(now))
        head = next((n for n in range(most) if not self.same(base[n], now[n])), most)
        tail = next((n for n in range(most - head) if not self.same(base[-1 - n], now[-1 - n])), most - head)
        old, new = (list(map(self.text, rows[head : len(rows) - tail])) for rows in (base, now))
        middle = SequenceMatcher(None, old, new, autojunk=False)
        found = [(op, i + head, j + head, k + head, m + head) for op, i, j, k, m in middle.get_opcodes()]
        end = ("equal", len(base) - tail, len(base), len(now) - tail, len(now))
        return [("equal", 0, head, 0, head), *found, end]

    def same(self, one: Any, other: Any) -> bool:
        """Whether two rows are written alike; most are the very same object."""
        return one is other or self.text(one) == self.text(other)

    def row(
        self, value: Any, old: Any, path: str, here: str, states: Mapping[str, str], comma: str
    ) -> Iterable[FileLine]:
        """One row: open when it has the cursor or differs in some of its keys, else on one line."""
        same = value is old or (old is not _NONE and self.text(value) == self.text(old))
        if isinstance(value, Mapping) and (path == here or (not same and isinstance(old, Mapping))):
            at = path == here
            mark = "+" if old is _NONE else " "
            yield FileLine("  {", mark, at)
            before = value if same else old if isinstance(old, Mapping) else {}
            for line in keyed(value, before, path, here, states, 2):
                yield replace(line, mark="+") if old is _NONE else line
            yield FileLine("  }" + comma, mark, at)
            return
        word = next((states[at] for at in states if at == path or at.startswith(path + "/")), "") if not same else ""
        if not same and old is not _NONE:
            yield FileLine(f"  {folded(old)},", "-")
        yield FileLine(f"  {folded(value)}{comma}", " " if same else "+", path == here, word)


_NONE = object()


def keyed(
    now: Mapping[str, Any], base: Mapping[str, Any], path: str, here: str, states: Mapping[str, str], depth: int
) -> Iterable[FileLine]:
    """The keys of an object, one a line; what differs twice, as it was and as it is."""
    last = next(reversed(list(now)), "")
    for key, value in base.items():
        if key not in now:
            yield FileLine(f"{'  ' * depth}{dumped(key)}: {dumped(value)},", "-")
    for key, value in now.items():
        name = "  " * depth + f"{dumped(key)}: "
        comma = "" if key == last else ","
        yield from pair(name, value, base.get(key, _NONE), f"{path}/{escaped(key)}", here, states, comma)


def pair(
    name: str, value: Any, old: Any, path: str, here: str, states: Mapping[str, str], comma: str
) -> Iterable[FileLine]:
    """One key: what it was, if that differs, and what it is."""
    text, at = dumped(value), path == here or path.rpartition("/")[0] == here
    same = value is old or (old is not _NONE and dumped(old) == text)
    if not same and old is not _NONE:
        yield FileLine(f"{name}{dumped(old)},", "-")
    yield FileLine(name + text + comma, " " if same else "+", at, states.get(path, ""))


def escaped(key: str) -> str:
    """A key inside of a pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def folded(value: Any) -> str:
    """A row by its first key."""
    if not isinstance(value, Mapping) or not value:
        return dumped(value)
    name, found = next(iter(value.items()))
    return f"{{{dumped(name)}: {dumped(found)}{', ..' if len(value) > 1 else ''}}}"


def differing(rows: Sequence[FileLine]) -> str:
    """`+2 -1`, or nothing where nothing differs."""
    marks = [row.mark for row in rows]
    plus, minus = marks.count("+"), marks.count("-")
    return f"+{plus} -{minus}" if plus or minus else ""
