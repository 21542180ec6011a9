"""The rows of a template's outline: the file, its parts in groups, and what the model has that it lacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from arbius_tui.domain.errors import Problem
from arbius_tui.screens.part_fields import Judged, worst
from arbius_tui.widgets.text import Cell, Column, Row, state_style

SHORT_TYPES = {"string": "str", "decimal": "dec", "int_enum": "enum", "string_enum": "enum"}


def outline_columns(digits: int) -> tuple[Column, ...]:
    """The columns, with room for numbers of so many digits."""
    return (Column("#", digits, digits, right=True), Column("Variable", 0, 0), Column("Type", 5, 5), Column("", 1, 1))


def number_of(row: Row | str) -> int:
    """The number that a row is shown with; 0 for one without."""
    cell = "" if isinstance(row, str) else row.cells[0]
    text = cell if isinstance(cell, str) else cell[0]
    return int(text) if text.isdigit() else 0


META = ("title", "description", "git", "docker")
KEPT = 4_000


class OutlineRows:
    """Makes the rows. One is kept by what it was made of, so that only those that changed are drawn again."""

    def __init__(self) -> None:
        self.known: dict[tuple[Any, ...], tuple[Any, Row]] = {}

    def of(
        self, document: Mapping[str, Any], judged: Judged, left: Mapping[str, str], needle: str = ""
    ) -> list[Row | str]:
        """All rows; with a `needle` only those whose name or type has it."""
        rows: list[Row | str] = [self.row("file", "", "file", "", "", judged.of_part("file"))]
        meta = document.get("meta")
        known = meta if isinstance(meta, Mapping) else {}
        rows += self.group("Meta", [self.meta(key, known.get(key), judged) for key in META], needle)
        for group, title in (("input", "Input"), ("output", "Output")):
            found = document.get(group)
            parts = found if isinstance(found, list) else []
            listed = [self.part(group, number, part, judged) for number, part in enumerate(parts)]
            rows += self.group(f"{title} {len(parts)}", listed, needle)
        outside = [self.row(f"left/{name}", "-", name, (word, "$muted"), "", ()) for name, word in left.items()]
        return rows + self.group(f"Not in template {len(outside)}", outside, needle)

    def group(self, title: str, rows: Sequence[Row], needle: str) -> list[Row | str]:
        """A heading and its rows."""
        shown = [row for row in rows if needle.lower() in said(row)] if needle else rows
        return [title, *shown] if shown else []

    def meta(self, key: str, value: Any, judged: Judged) -> Row:
        """A key of meta: whether it says anything."""
        there: Cell = ("ok", "$success") if value not in (None, "") else ("empty", "$muted")
        return self.row(f"meta/{key}", "", key, there, "", judged.of_part(f"meta/{key}"))

    def part(self, group: str, number: int, part: Any, judged: Judged) -> Row:
        """A row of input or output."""
        id_here = f"{group}/{number}"
        key = (id_here, id(part), judged.words.get(id_here))
        known = self.known.get(key)
        if known and known[0] is part:
            return known[1]
        if len(self.known) > KEPT:
            self.known.clear()
        raw = part if isinstance(part, Mapping) else {}
        name, kind = str(raw.get("variable" if group == "input" else "filename", "")), str(raw.get("type", ""))
        flag = "*" if raw.get("required") is True else ""
        problems = judged.of_part(id_here)
        made = self.row(id_here, str(number + 1), name, SHORT_TYPES.get(kind, kind), flag, problems)
        self.known[key] = (part, made)
        return made

    @staticmethod
    def row(id: str, number: str, name: str, kind: Cell, flag: str, problems: Sequence[Problem]) -> Row:
        """One row; `!` where something is wrong with it."""
        word = {"ERROR": "FAIL", "warn": "warn"}.get(worst(problems), "")
        mark: Cell = ("!", state_style(word)) if word else (flag, "$muted")
        return Row(id, ((number, "$muted"), name, kind, mark), word)


def said(row: Row) -> str:
    """The words of a row, for the filter."""
    return " ".join(cell if isinstance(cell, str) else cell[0] for cell in row.cells).lower()


def changed(old: Sequence[Row | str], new: Sequence[Row | str]) -> Iterable[Row] | None:
    """The rows that differ; None when it is another list altogether."""
    if len(old) != len(new):
        return None
    found = []
    for one, other in zip(old, new, strict=True):
        if one is other:
            continue
        if isinstance(one, str) or isinstance(other, str):
            if one != other:
                return None
        elif one.id != other.id:
            return None
        elif one != other:
            found.append(other)
    return found
