"""A comparison of two outputs in words: one line for a table, and the lines of a pane."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from arbius_tui.domain.comparison import Bytes, Comparison, Pixels, Samples, Text, Values
from arbius_tui.domain.media_parts import Difference
from arbius_tui.domain.text import clean, exact_bytes, grouped

WIDTH = 46
SHADES, ASCII_SHADES = "·░▒▓█", ".:+*#"
MOST_ROWS = 12
HEX_STEP = 8


def verdict(found: Comparison) -> str:
    """What a comparison found, in one line: `1 of 65,536 pixels differs, by 1 of 255 at most`."""
    if found.equal:
        return f"all {exact_bytes(found.bytes.sizes[0])} are equal" if found.bytes.sizes[0] else "both are empty"
    if found.near:
        return found.near
    return content_words(found) or bytes_words(found.bytes)


def content_words(found: Comparison) -> str:
    """What differs in pixels, samples, values or lines; empty where nothing does or they were not compared."""
    if found.pixels and (found.pixels.differing or not found.parts):
        return pixels_words(found.pixels)
    if found.samples and (found.samples.differing or found.samples.extra):
        return samples_words(found.samples)
    if found.values and found.values.differing:
        return values_words(found.values)
    if found.text and (found.text.removed or found.text.added):
        return text_words(found.text)
    return ""


def bytes_words(found: Bytes) -> str:
    """How many bytes differ: `all bytes differ`, `3 of 1,024 bytes differ`."""
    if found.first is None:
        return "the bytes were not compared to their end"
    most = max(found.sizes)
    if found.differing >= most and found.counted:
        return "all bytes differ"
    if found.counted and unrelated(found.differing, most - found.first, most):
        chance = most - found.first - found.differing
        where = f" from byte {grouped(found.first)} on" if found.first else ""
        return f"all bytes differ{where}" + (f", but for {grouped(chance)} by chance" if chance else "")
    at_least = "" if found.counted else "at least "
    return at_least + share(found.differing, most, "byte")


def unrelated(differing: int, rest: int, most: int) -> bool:
    """Whether no more bytes are equal behind the first difference than in any two files: one of 256."""
    return rest >= 32 and differing * 100 >= rest * 97 and differing * 2 >= most


def share(part: int, whole: int, what: str) -> str:
    """`1 of 65,536 pixels differs`, `no pixel differs`."""
    if not part:
        return f"no {what} differs"
    return f"{grouped(part)} of {grouped(whole)} {what}s {'differs' if part == 1 else 'differ'}"


def pixels_words(found: Pixels) -> str:
    """How many pixels differ, and by how much at most."""
    if not found.differing:
        return "no pixel differs" if found.exact else "the upper 8 bits of all pixels are equal"
    far = f", by {grouped(found.largest)} of {grouped(found.scale)} at most"
    return (f"all {grouped(found.total)} pixels differ" if found.differing == found.total > 1 else share(
        found.differing, found.total, "pixel"
    )) + far  # fmt: skip


def samples_words(found: Samples) -> str:
    """How many samples differ, by how much at most, and how many only one sound has."""
    far = (
        f"{found.largest:.3g} of {found.scale:g}" if found.scale == 1 else f"{found.largest:,.0f} of {found.scale:,.0f}"
    )
    words = share(found.differing, found.total, "sample") + (f", by {far} at most" if found.differing else "")
    return f"{words}; one sound is {grouped(found.extra)} samples longer" if found.extra else words


def values_words(found: Values) -> str:
    """How many values differ and where the first is."""
    where = f", first at {found.paths[0].name}" if found.paths else ""
    return f"{share(found.differing, max(found.total, found.differing), 'value')}{where}"


def text_words(found: Text) -> str:
    """How many lines went and came."""
    if found.removed == found.added == 1:
        return "1 line differs"
    return f"{lines_of(found.removed)} became {lines_of(found.added)}"


def lines_of(count: int) -> str:
    """`1 line`, `12 lines`."""
    return f"{grouped(count)} line{'' if count == 1 else 's'}"


def lines(found: Comparison, width: int = WIDTH, ascii_only: bool = False) -> list[str]:
    """Everything that a comparison found as plain lines of at most `width` columns, harmless to a terminal."""
    return [row for part in paragraphs(found, width, ascii_only) for row in part]


def paragraphs(found: Comparison, width: int, ascii_only: bool) -> Iterator[list[str]]:
    """The verdict, the bytes, the parts, the picture, the text and the notes."""
    yield wrapped(verdict(found), width)
    yield [row for text in sizes_words(found) for row in wrapped(text, width)]
    if found.bytes.first is not None:
        yield hex_rows(found.bytes, width)
    yield rows_of(found.parts, width)
    if found.pixels and found.pixels.differing:
        yield [row for text in channel_words(found.pixels) for row in wrapped(text, width)]
        yield heat(found.pixels, ascii_only)
    if found.values:
        yield rows_of(found.values.paths, width)
    elif found.text:
        yield [clip(line, width) for line in found.text.lines]
        yield wrapped(found.text.left_out, width)
    if found.looks_like_time:
        yield wrapped("What differs looks like the time of the run.", width)
    yield [row for note in found.notes for row in wrapped(note, width)]


def wrapped(text: str, width: int) -> list[str]:
    """A sentence in lines."""
    return textwrap.wrap(" ".join(clean(text).split()), width)


def clip(text: str, width: int) -> str:
    """A line that keeps its spaces, cut at the pane's edge."""
    text = clean(text).replace("\t", "    ").replace("\n", " ")
    return text if len(text) <= width else f"{text[: width - 2]}.."


def sizes_words(found: Comparison) -> Iterator[str]:
    """The sizes, and where the first difference is."""
    one, other = found.bytes.sizes
    yield f"both have {exact_bytes(one)}" if one == other else f"{exact_bytes(one)} and {exact_bytes(other)}"
    if found.bytes.first is not None:
        yield f"first difference at byte {grouped(found.bytes.first)}"
        if verdict(found) != bytes_words(found.bytes):
            yield bytes_words(found.bytes)


def hex_rows(found: Bytes, width: int) -> list[str]:
    """The bytes around the first difference, one file above the other, with a mark under each that differs."""
    one, other = (text.split() for text in found.hex)
    rows = []
    for at in range(0, max(len(one), len(other)), HEX_STEP):
        left, right = one[at : at + HEX_STEP], other[at : at + HEX_STEP]
        if left == right:
            continue
        marks = ["^^" if x != y else "  " for x, y in pairs(left, right)]
        offset = f"{found.window + at:,}"
        rows += [f"{offset}  {' '.join(left)}", f"{'':{len(offset)}}  {' '.join(right)}"]
        rows += [f"{'':{len(offset)}}  {' '.join(marks)}".rstrip()]
    return [row[:width] for row in rows]


def pairs(left: list[str], right: list[str]) -> Iterator[tuple[str, str]]:
    """Bytes beside one another; nothing stands for what only one file has."""
    for at in range(max(len(left), len(right))):
        yield (left[at] if at < len(left) else ""), (right[at] if at < len(right) else "")


def rows_of(found: Iterable[Difference], width: int) -> list[str]:
    """Parts or values that differ, with both values; the rest is counted."""
    every = list(found)
    rows = [row for difference in every[:MOST_ROWS] for row in two_sided(difference, width)]
    return rows + ([f"and {grouped(len(every) - MOST_ROWS)} more"] if len(every) > MOST_ROWS else [])


def two_sided(found: Difference, width: int) -> list[str]:
    """A name with both values, on one line if they fit, else one below the other."""
    line = clip(str(found), 10_000)
    if len(line) <= width:
        return [line]
    return [
        clip(found.name, width),
        *(clip(f"  {sign} {text}", width) for sign, text in zip("-+", (found.one, found.other), strict=True)),
    ]


def channel_words(found: Pixels) -> Iterator[str]:
    """The size of a picture, then each channel's largest and mean difference."""
    frames = f", {grouped(found.frames)} frames" if found.frames > 1 else ""
    yield f"{found.width} x {found.height} {found.mode}{frames}"
    for channel in found.channels:
        yield f"{channel.name}: {grouped(channel.largest)} at most, {channel.mean:.3g} on average"


def heat(found: Pixels, ascii_only: bool = False) -> list[str]:
    """Where pixels differ, and how much: a letter for each cell of the grid, darker for more; the first is none."""
    shades = ASCII_SHADES if ascii_only else SHADES
    return ["".join(shade(value, found.largest, shades) for value in row) for row in found.grid]


def shade(value: int, most: int, shades: str) -> str:
    """The letter of a cell; the largest difference of the picture is the darkest, any at all is not the first."""
    if not value:
        return shades[0]
    steps = len(shades) - 1
    return shades[max(1, -(-value * steps // most))]
