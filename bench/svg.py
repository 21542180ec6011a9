"""A terminal's screen as an SVG picture: every cell where it stands, with no font and no file from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from itertools import groupby
from typing import NamedTuple

from pyte.screens import Char, Screen

WIDTH, HEIGHT, SIZE = 9, 19, 15
"""One cell and its font, pixels."""

NAMED = {
    "black": "000000", "red": "cd3131", "green": "0dbc79", "brown": "e5e510", "blue": "2472c8", "magenta": "bc3fbc",
    "cyan": "11a8cd", "white": "e5e5e5", "brightblack": "666666", "brightred": "f14c4c", "brightgreen": "23d18b",
    "brightbrown": "f5f543", "brightblue": "3b8eea", "brightmagenta": "d670d6", "brightcyan": "29b8db",
    "brightwhite": "ffffff",
}  # fmt: skip
INK, GROUND = "d4d4d4", "101010"
"""What a terminal of no particular palette shows."""


SHAPES = {
    "─": (0, 0.47, 1, 0.06), "━": (0, 0.44, 1, 0.12), "│": (0.45, 0, 0.1, 1), "┃": (0.4, 0, 0.2, 1),
    "▌": (0, 0, 0.5, 1),
}  # fmt: skip
"""Left, top, width and height in cells of what must meet its neighbours, whatever the font."""
BLANK = str.maketrans(dict.fromkeys(SHAPES, " "))


class Run(NamedTuple):
    """Neighbouring cells that look alike."""

    x: int
    text: str
    ink: str
    ground: str
    bold: bool


def picture(screen: Screen) -> str:
    """The SVG document."""
    width, height = screen.columns * WIDTH, screen.lines * HEIGHT
    ground = ground_of(screen)
    parts = [part for y in range(screen.lines) for run in runs(screen, y) for part in drawn(run, y, ground)]
    style = f"font:{SIZE}px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"',
            f'  xml:space="preserve" style="{style}">',
            rect(0, 0, screen.columns, screen.lines, ground),
            *parts,
            "</svg>\n",
        ]
    )


def ground_of(screen: Screen) -> str:
    """The ground of the last cell of the body, where nothing is ever drawn."""
    return colours(screen.buffer[1][screen.columns - 1])[1]


def runs(screen: Screen, y: int) -> Iterator[Run]:
    """One row as runs."""
    cells = [screen.buffer[y][x] for x in range(screen.columns)]
    x = 0
    for (ink, ground, bold), group in groupby(cells, lambda cell: (*colours(cell), cell.bold)):
        text = "".join(cell.data for cell in group)
        yield Run(x, text, ink, ground, bold)
        x += len(text)


def colours(cell: Char) -> tuple[str, str]:
    """Ink and ground of a cell as hex."""
    ink = INK if cell.fg == "default" else NAMED.get(cell.fg, cell.fg)
    ground = GROUND if cell.bg == "default" else NAMED.get(cell.bg, cell.bg)
    return (ground, ink) if cell.reverse else (ink, ground)


def drawn(run: Run, y: int, ground: str) -> Iterator[str]:
    """A run as its ground, its lines and its text, which is stretched to its cells so that columns meet in any font."""
    if run.ground != ground:
        yield rect(run.x, y, len(run.text), 1, run.ground)
    for x, char in enumerate(run.text, run.x):
        if char in SHAPES:
            left, top, wide, high = SHAPES[char]
            yield rect(x + left, y + top, wide, high, run.ink)
    text = run.text.translate(BLANK).rstrip()
    x = run.x + len(text) - len(text.lstrip())
    if text := text.lstrip():
        weight = ' font-weight="bold"' if run.bold else ""
        yield (
            f'<text x="{x * WIDTH}" y="{y * HEIGHT + SIZE}" textLength="{len(text) * WIDTH}" '
            f'fill="#{run.ink}"{weight}>{escape(text)}</text>'
        )


def rect(x: float, y: float, wide: float, high: float, fill: str) -> str:
    """A filled rectangle; place and size in cells."""
    place = f'x="{x * WIDTH:g}" y="{y * HEIGHT:g}" width="{wide * WIDTH:g}" height="{high * HEIGHT:g}"'
    return f'<rect {place} fill="#{fill}"/>'
