"""Pictures of screens, cell by cell: `python -m tests.picture SCREEN 80x24 dark OUT.png [KEY ..]`.

A screen is drawn from the strips that Textual composes, so a picture is exact to the cell. Rules are drawn by hand, so
that they meet; fonts have gaps there, and ligatures that move text.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont
from rich.cells import cell_len
from rich.terminal_theme import TerminalTheme
from textual.app import App
from textual.strip import Strip

CELL_WIDTH, CELL_HEIGHT, PIXELS, EDGE = 10, 21, 16, 8
FAMILIES = ("JetBrains Mono", "DejaVu Sans Mono", "monospace")
PALETTES = ("dark", "light", "ansi", "mono")

Colour = tuple[int, int, int]
XTERM = TerminalTheme(
    (0, 0, 0),
    (229, 229, 229),
    [(0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (92, 122, 255), (205, 0, 205), (0, 205, 205), (229, 229, 229)],
    [(127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255), (255, 0, 255), (0, 255, 255),
     (255, 255, 255)],
)  # fmt: skip


@lru_cache(4)
def font(bold: bool) -> ImageFont.FreeTypeFont:
    """The first family of ours that fontconfig knows, in regular or bold, without ligatures."""
    weight = "Bold" if bold else "Regular"
    for family in FAMILIES:
        asked = [f"{family}:style={weight}" if family != "monospace" else f"monospace:{weight.lower()}"]
        done = subprocess.run(["fc-match", "-f", "%{family}\t%{file}", *asked], capture_output=True, text=True)
        found, _, path = done.stdout.partition("\t")
        if done.returncode == 0 and (family in found or family == "monospace") and path.endswith((".ttf", ".otf")):
            return ImageFont.truetype(path, PIXELS, layout_engine=ImageFont.Layout.BASIC)
    raise SystemExit("no monospaced font; install fonts-jetbrains-mono or fonts-dejavu-core")


def ruled(draw: ImageDraw.ImageDraw, x: int, y: int, char: str, colour: Colour) -> bool:
    """Draw a rule or a bar by hand; False for every other character."""
    middle_x, middle_y = x + CELL_WIDTH // 2, y + CELL_HEIGHT // 2
    right, bottom = x + CELL_WIDTH - 1, y + CELL_HEIGHT - 1
    boxes = {
        "─": (x, middle_y, right, middle_y),
        "━": (x, middle_y - 1, right, middle_y + 1),
        "│": (middle_x, y, middle_x, bottom),
        "┃": (middle_x, y, middle_x + 1, bottom),
        "▌": (x, y, x + CELL_WIDTH // 2 - 1, bottom),
    }
    if char in boxes:
        draw.rectangle(boxes[char], fill=colour)
    return char in boxes


def colours(style: Any, theme: TerminalTheme) -> tuple[Colour, Colour]:
    """Ink and ground of a style, with reverse and dim applied."""
    ink = tuple(style.color.get_truecolor(theme, True)) if style and style.color else tuple(theme.foreground_color)
    ground = tuple(style.bgcolor.get_truecolor(theme, False)) if style and style.bgcolor else None
    ground = ground or tuple(theme.background_color)
    if style and style.reverse:
        ink, ground = ground, ink
    if style and style.dim:
        ink = tuple((a + b) // 2 for a, b in zip(ink, ground, strict=True))
    return ink, ground


def paint(strips: list[Strip], width: int, height: int, theme: TerminalTheme = XTERM) -> Image.Image:
    """Strips as a picture."""
    size = (width * CELL_WIDTH + 2 * EDGE, height * CELL_HEIGHT + 2 * EDGE)
    image = Image.new("RGB", size, colours(next(iter(strips[-1]))[1] if strips else None, theme)[1])
    draw = ImageDraw.Draw(image)
    for row, strip in enumerate(strips):
        column = 0
        for text, style, control in strip:
            if control:
                continue
            ink, ground = colours(style, theme)
            for char in text:
                x, y, cells = EDGE + column * CELL_WIDTH, EDGE + row * CELL_HEIGHT, cell_len(char)
                draw.rectangle((x, y, x + cells * CELL_WIDTH - 1, y + CELL_HEIGHT - 1), fill=ground)
                if char != " " and not ruled(draw, x, y, char, ink):
                    draw.text((x, y), char, font=font(bool(style and style.bold)), fill=ink)
                if style and style.underline:
                    draw.line((x, y + CELL_HEIGHT - 2, x + CELL_WIDTH - 1, y + CELL_HEIGHT - 2), fill=ink)
                column += cells
    return image


async def shoot(app: App[Any], size: tuple[int, int], keys: tuple[str, ...] = ()) -> Image.Image:
    """The app after these keys, as a picture."""
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.pause()
        if keys:
            await pilot.press(*keys)
            await pilot.pause()
        return paint(app.screen._compositor.render_strips(), *size)


def main(screen: str, size: str, palette: str, out: str, *keys: str) -> None:
    """One picture; several screens side by side with a comma between their names."""
    os.environ["TEXTUAL_ANIMATIONS"] = "none"
    from tests.screens import demo

    width, height = (int(part) for part in size.split("x"))
    pictures = []
    for name in screen.split(","):
        pictures.append(asyncio.run(shoot(demo.app(name, palette), (width, height), keys)))
        os.environ.pop("NO_COLOR", None)
    across = 2 if len(pictures) > 1 else 1
    down = -(-len(pictures) // across)
    sheet = Image.new("RGB", (pictures[0].width * across, pictures[0].height * down))
    for place, picture in enumerate(pictures):
        sheet.paste(picture, (place % across * picture.width, place // across * picture.height))
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    sheet.save(out)


if __name__ == "__main__":
    main(*sys.argv[1:])
