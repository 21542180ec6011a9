"""What a model returned, as far as a terminal can show it: a picture as half blocks of colour, else as letters; a text.

Two pixels fit into a cell: `▀` has the upper one as its colour and the lower one as its ground. Where the terminal has
16 colours or none, or no such letter, a cell is one of ten letters from dark to light. Pillow decodes, in a thread, and
is not imported before the first picture.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual import work
from textual.strip import Strip
from textual.visual import Visual
from textual.widget import Widget

from arbius_tui.widgets import theme
from arbius_tui.widgets.text import GUTTER, clip, glyphs, inert, line

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
MOST_PIXELS = 36_000_000
"""Of a picture that is decoded: some 250 MB for a moment."""

LETTERS = " .:-=+*#%@"
"""From dark to light."""

HALF = "▀"


@dataclass(frozen=True, slots=True)
class Pixels:
    """A small picture: `data` has three bytes a pixel (RGB), or one (grey) for letters."""

    width: int
    height: int
    data: bytes


class Preview(Widget, can_focus=True):
    """Shows the picture in a file, or lines of text; `show` and `say` say which. It takes all the room that is left."""

    DEFAULT_CSS = "Preview { height: 1fr; min-height: 1; }"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.path = ""
        self.rows: Sequence[str] = ()
        self.pixels: Pixels | None = None

    def show(self, path: str) -> None:
        """Draw this picture, now and whenever the room changes."""
        self.path, self.rows, self.pixels = path, (), None
        self.refresh()
        self.draw()

    def say(self, rows: Sequence[str]) -> None:
        """Lines of text instead."""
        self.path, self.rows, self.pixels = "", tuple(rows), None
        self.refresh()

    def on_resize(self) -> None:
        """Another room, another picture."""
        if self.path:
            self.draw()

    @property
    def in_colour(self) -> bool:
        """Whether this terminal shows the colours of a picture."""
        return self.app.theme in (theme.DARK.name, theme.LIGHT.name) and glyphs().light != "-"

    @work(group="preview", exclusive=True, exit_on_error=False)
    async def draw(self) -> None:
        """Decode and shrink the picture in a thread, then paint it."""
        columns, rows = self.size.width - GUTTER - 1, self.size.height
        if columns < 4 or rows < 2:
            return
        colour = self.in_colour
        try:
            self.pixels = await asyncio.to_thread(decoded, Path(self.path), columns, rows, colour)
        except Undrawable as error:
            self.pixels, self.rows = None, (str(error),)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row of the picture or of the text, from the text column on."""
        width, ground = self.size.width, self.visual_style.rich_style
        if self.pixels is None:
            if y >= len(self.rows):
                return Strip.blank(width, ground)
            content = clip(line((inert(self.rows[y]), "")), width)
            return Visual.to_strips(self, content, width, 1, self.visual_style, pad=True)[0]
        pixels, colour = self.pixels, len(self.pixels.data) > self.pixels.width * self.pixels.height
        segments = halves(pixels, y * 2) if colour else letters(pixels, y, ground)
        return Strip([Segment(" " * GUTTER, ground), *segments]).adjust_cell_length(width, ground)


class Undrawable(Exception):
    """A picture that is not drawn; the message is a sentence."""


def decoded(path: Path, columns: int, rows: int, colour: bool) -> Pixels:
    """The picture shrunk to what fits; its shape is kept, and it is never made larger. Undrawable in words."""
    from PIL import Image, UnidentifiedImageError

    odd = (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as found:
                width, height = found.size
                if width * height > MOST_PIXELS:
                    raise Undrawable(f"{width} x {height} pixels are too many to draw here; o opens it")
                return shrunk(found, *fitting(width, height, columns, rows), colour)
    except odd:
        raise Undrawable("it cannot be read as a picture to its end; o opens the file as it is") from None


def fitting(width: int, height: int, columns: int, rows: int) -> tuple[int, int]:
    """Columns and rows of pixels, two of them in a cell, that hold a picture of this size."""
    scale = min(1.0, columns / width, rows * 2 / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def shrunk(found: Image, width: int, height: int, colour: bool) -> Pixels:
    """The picture at this size on black; for letters one pixel a cell, which is twice as high as wide."""
    found.draft("RGB", (width * 2, height * 2))
    small = found.convert("RGBA")
    small.thumbnail((width * 2, height * 2))
    flat = small.resize((width, height if colour else max(1, height // 2)))
    ground = flat.copy()
    ground.paste((0, 0, 0, 255), (0, 0, *flat.size))
    ground.alpha_composite(flat)
    ready = ground.convert("RGB" if colour else "L")
    return Pixels(*ready.size, ready.tobytes())


def halves(pixels: Pixels, top: int) -> list[Segment]:
    """A row of cells: two rows of pixels. Below an odd last row the ground is black."""
    if top >= pixels.height:
        return []
    long = pixels.width * 3
    upper = pixels.data[top * long : (top + 1) * long]
    lower = pixels.data[(top + 1) * long : (top + 2) * long] or bytes(long)
    return [Segment(HALF, Style(color=rgb(upper, at), bgcolor=rgb(lower, at))) for at in range(0, long, 3)]


def rgb(row: bytes, at: int) -> Color:
    """The colour of a pixel."""
    return Color.from_rgb(row[at], row[at + 1], row[at + 2])


def letters(pixels: Pixels, y: int, ground: Style) -> list[Segment]:
    """A row of letters, lighter ones for lighter pixels."""
    row = pixels.data[y * pixels.width : (y + 1) * pixels.width]
    return [Segment("".join(LETTERS[value * len(LETTERS) // 256] for value in row), ground)] if row else []
