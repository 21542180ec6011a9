"""Text on the grid: columns, state words, one line of styled pieces. Nothing that is shown is ever markup."""

from __future__ import annotations

import locale
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from arbius_tui.domain.text import clean

GUTTER = 2
"""Cells left of all text: the mark of the cursor and a space."""
GAP = 2
"""Cells between two columns of a table."""
LABEL = 10
"""Cells of a label with its gap: why, fix, raw, and every other pair of label and value."""
WIDE = 116
"""From this many columns on the steps are a list at the left."""

CHIP = "$chip-style $on-accent on $chip"
"""Where you are and what the next key is: the only two filled places."""
COMMAND = "bold $ink on $field"
"""A command to run or to copy, on its own ground."""
KEY = "bold $accent"
"""A key that can be pressed."""

STATES = {
    "ok": "$success", "SAME": "$success", "DIFFERS": "$success", "READY": "bold $success",
    "warn": "bold $warning", "NEAR": "bold $warning", "FAIL": "bold $error", "ERROR": "bold $error",
    "BLOCKER": "bold $error", "TIMEOUT": "bold $error", "run": "bold $accent", "wait": "$muted", "off": "$muted",
    "SKIPPED": "$muted", "-": "$muted",
}  # fmt: skip
CALM = frozenset({"ok", "wait", "off", "-", ""})
"""States whose rows recede."""

Cell: TypeAlias = str | tuple[str, str]
"""Text, or text and its style. The style is ours, the text may come from anywhere."""


@dataclass(frozen=True, slots=True)
class Column:
    """Width below and from `WIDE`: 0 takes what is left, -1 is not shown. A `spare` one goes first on small screens."""

    head: str
    narrow: int
    wide: int
    right: bool = False
    spare: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table; `state` decides how loud it is, `id` is what it is found by again."""

    id: str
    cells: Sequence[Cell]
    state: str = "ok"


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The few characters outside ASCII: rules, the bar of an error panel, the scroll mark."""

    light: str = "─"
    heavy: str = "━"
    bar: str = "▌"
    scroll: str = "┃"
    unsaid: str = "\ufffd"
    """In place of a character that would steer the terminal."""


@lru_cache(1)
def glyphs() -> Glyphs:
    """Those this locale can show. Not decided at import, because the locale may be set after it."""
    if "utf" in locale.getpreferredencoding(False).lower():
        return Glyphs()
    return Glyphs("-", "=", "|", "|", "?")


def inert(text: str) -> str:
    """One line that can neither steer the terminal nor hide; the services clean too, this is the second door."""
    return text if text.isprintable() else clean(text).replace("\n", " ").replace("\t", " ")


def fit(text: str, width: int, right: bool = False) -> str:
    """Exactly `width` cells; what is too long ends in `..`."""
    text, width = inert(text), max(0, width)
    long = cell_len(text)
    if long > width:
        return set_cell_size(text, width - 2) + ".." if width > 2 else set_cell_size(text, width)
    return " " * (width - long) + text if right else text + " " * (width - long)


def cut(text: str, width: int) -> str:
    """At most `width` cells."""
    text = inert(text)
    return text if cell_len(text) <= width else fit(text, width)


def clip(line: Content, width: int) -> Content:
    """A line of at most `width` cells; what is too long ends in `..`."""
    if line.cell_length <= width:
        return line
    return Content.assemble(line.truncate(max(0, width - 2)), "." * min(2, max(0, width)))


def wrap(text: str, width: int, most: int) -> list[str]:
    """At most `most` lines of at most `width` cells, broken between words; the last one ends in `..` if cut."""
    lines: list[str] = []
    rest = inert(text).split()
    width = max(4, width)
    while rest and len(lines) < most:
        line = rest.pop(0)
        while rest and cell_len(line) + 1 + cell_len(rest[0]) <= width:
            line += " " + rest.pop(0)
        lines.append(line)
    if rest:
        lines[-1] += " " + " ".join(rest)
    return [cut(line, width) for line in lines] or [""]


def state_style(word: str) -> str:
    """The style of a state word, also of one with a count before it (`1 ERROR`)."""
    return STATES.get(word.lstrip("0123456789 "), "$ink")


def widths(columns: Sequence[Column], total: int) -> list[int]:
    """The width of each column in a line of `total` cells; hidden ones are -1.

    Where the screen is too small, spare columns go first, then the open column, then the widest one shrinks.
    """
    wide = total > 90
    found = [c.wide if wide else c.narrow for c in columns]
    for drop in [i for i, c in enumerate(columns) if c.spare and found[i] >= 0]:
        if _rest(found, total) >= 6:
            break
        found[drop] = -1
    rest = _rest(found, total)
    if 0 in found:
        found[found.index(0)] = rest if rest >= 4 else (4 if found.index(0) < 2 else -1)
    while (over := -_rest(found, total)) > 0 and max(found) > 4:
        widest = found.index(max(found))
        found[widest] -= min(over, found[widest] - 4)
    return found


def _rest(found: Sequence[int], total: int) -> int:
    shown = [w for w in found if w >= 0]
    return total - GUTTER - 1 - sum(shown) - GAP * (len(shown) - 1)


def spread(left: Content, right: Content, width: int, fill: str = " ", style: str = "") -> Content:
    """Two pieces at the two ends of a line; where both do not fit the right one goes, then the left one is cut."""
    room = width - left.cell_length - right.cell_length
    if room < 1:
        return clip(left, width)
    return Content.assemble(left, (fill * room, style), right)


def words(*parts: Cell | Content) -> Content:
    """A line of styled pieces; every text is made inert, none is read as markup."""
    safe: list[Cell | Content] = []
    for part in parts:
        match part:
            case (text, style):
                safe.append((inert(text), style))
            case str():
                safe.append(inert(part))
            case _:
                safe.append(part)
    return Content.assemble(*safe)


def line(*parts: Cell | Content) -> Content:
    """A line of text that starts in the text column."""
    return words(" " * GUTTER, *parts)


def counts(*pairs: tuple[int, str]) -> Content:
    """`12 ok  2 warn  1 FAIL`; what there is none of is left out."""
    shown = [(number, word) for number, word in pairs if number]
    return words(*(part for n, word in shown for part in (f"{n} ", (word, state_style(word)), "  ")))


def keys(hint: str) -> Content:
    """`Enter run  F4 copy`: the keys in the accent, what they do beside. Two blanks part them."""
    if not hint:
        return Content(" ")
    parts: list[Cell] = []
    for piece in hint.split("  "):
        key, _, label = piece.partition(" ")
        parts += [(key, KEY), (f" {label}  ", "$muted")]
    parts[-1] = (parts[-1][0].rstrip() + " ", "$muted")
    return words(*parts)


def bar(done: int, total: int, room: int = 14) -> str:
    """`━━━━━━───  64%` in `room` cells: what is done, what is to go, and always the number."""
    part = min(1.0, done / total) if total > 0 else 0.0
    long = room - 5
    full = int(part * long)
    return glyphs().heavy * full + glyphs().light * (long - full) + f"{int(part * 100):>4}%"


def stack(lines: Iterable[Content]) -> Content:
    """Lines below one another."""
    return Content("\n").join(lines)
