"""Two pictures compared pixel by pixel: Pillow decodes and subtracts, a strip at a time so that nothing waits long."""

from __future__ import annotations

import logging
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial, reduce
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arbius_tui.domain.comparison import Channel, Pixels
from arbius_tui.domain.media_parts import Data, Layout
from arbius_tui.domain.text import grouped
from arbius_tui.services.media import FORMATS

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_PIXELS = 40_000_000
"""Pixels of one frame that are decoded: two frames of so many with four channels are 320 MB."""

STRIP = 256 * 1024
"""Pixels that are compared at once: a few milliseconds in which no other thread gets its turn."""

COLUMNS, ROWS = 24, 12
EIGHT_BITS = {"L", "RGB", "RGBA"}
SUBTRACTED = EIGHT_BITS | {"CMYK", "YCbCr", "HSV", "LAB"}
WHOLE = {"PNG", "JPEG", "MPO", "GIF", "WEBP", "BMP"}
"""Formats that Pillow decodes without losing a bit, but for a PNG of 16 bits with colours or alpha."""

Check = Callable[[], None]


class Unlike(Exception):
    """The pixels cannot be compared; the message is a sentence."""


@dataclass(slots=True)
class Tally:
    """What was counted so far, over all strips and frames."""

    width: int
    height: int
    mode: str
    scale: int = 255
    frames: int = 0
    total: int = 0
    differing: int = 0
    exact: bool = True
    timing_equal: bool = True
    largest: dict[str, int] = field(default_factory=dict)
    sums: dict[str, int] = field(default_factory=dict)
    grid: list[list[int]] = field(default_factory=list)

    def channel(self, name: str, largest: int, total: int) -> None:
        """Add one strip of a channel: its largest difference and the sum of all."""
        self.largest[name] = max(self.largest.get(name, 0), largest)
        self.sums[name] = self.sums.get(name, 0) + total

    def pixels(self) -> Pixels:
        """The result."""
        count = max(self.total, 1)
        channels = tuple(Channel(name, self.largest[name], self.sums[name] / count) for name in self.largest)
        cells = tuple(tuple(row) for row in self.grid)
        size = (self.width, self.height, self.mode, self.frames, self.total, self.differing)
        return Pixels(*size, channels, self.scale, cells, self.exact, self.timing_equal)


def compare_pictures(one: Path, other: Path, check: Check) -> Pixels:
    """All frames of two pictures, pixel by pixel. Unlike when they cannot be decoded or have no common shape.

    `check` is called between strips and raises when the time is up.
    """
    from PIL import Image

    hush()
    opened: list[Image.Image] = []
    try:
        for path in (one, other):
            opened.append(reading(path, partial(Image.open, path, formats=FORMATS)))
        return frames(opened[0], opened[1], (one, other), check)
    finally:
        for image in opened:
            image.close()


def hush() -> None:
    """Keep what Pillow thinks of a damaged file off the terminal; for good, as threads share this setting."""
    warnings.filterwarnings("ignore", module=r"PIL\.")
    log = logging.getLogger("PIL")
    if not log.handlers:
        log.addHandler(logging.NullHandler())


def reading(path: Path, act: Callable[[], Any]) -> Any:
    """What a decoder does with an untrusted file: whatever it raises on damage becomes a sentence."""
    from PIL import Image, UnidentifiedImageError

    try:
        return act()
    except Unlike:
        raise
    except Image.DecompressionBombError:
        raise Unlike(f"{path.name} has too many pixels to be decoded") from None
    except UnidentifiedImageError:
        raise Unlike(f"{path.name} is no picture that can be decoded") from None
    except MemoryError:
        raise Unlike(f"{path.name} needs more memory than there is") from None
    except Exception as error:
        raise Unlike(f"{path.name} cannot be decoded: {str(error).lower()[:120] or type(error).__name__}") from None


def frames(one: Image, other: Image, paths: tuple[Path, Path], check: Check) -> Pixels:
    """Every frame of one picture against the same of the other."""
    tally = Tally(*one.size, one.mode)
    while True:
        check()
        alike_in_size(one, other)
        quiet(one, other)
        for image, path in zip((one, other), paths, strict=True):
            reading(path, image.load)
            check()
            tally.exact = tally.exact and loses_nothing(image, path)
        tally.timing_equal = tally.timing_equal and timing(one) == timing(other)
        left, right = reading(paths[0], partial(comparable, one, other))
        compare_frame(left, right, tally, check)
        tally.frames += 1
        further = [turn(image, path, tally.frames) for image, path in zip((one, other), paths, strict=True)]
        if further[0] != further[1]:
            raise Unlike(f"only one of them has more than {grouped(tally.frames)} frames")
        if not further[0]:
            return tally.pixels()


def timing(image: Image) -> tuple[object, object]:
    """For how long a frame is shown, and how often the film is."""
    return image.info.get("duration"), image.info.get("loop")


def alike_in_size(one: Image, other: Image) -> None:
    """Unlike for frames of other sizes, or of a size that is not decoded."""
    for image in (one, other):
        if image.width * image.height > MOST_PIXELS:
            size = f"{grouped(image.width)} x {grouped(image.height)}"
            raise Unlike(f"a picture of {size} pixels is not decoded, {grouped(MOST_PIXELS)} is the most")
    if one.size != other.size:
        raise Unlike(f"one picture has {one.width} x {one.height} pixels, the other {other.width} x {other.height}")


def quiet(*images: Image) -> None:
    """Unlike for a compressed TIFF: libtiff writes what it thinks of a damaged one on the terminal."""
    for image in images:
        tiles: list[tuple[Any, ...]] = getattr(image, "tile", [])
        if any(tile[0] == "libtiff" for tile in tiles):
            raise Unlike("a compressed TIFF is not decoded")


def turn(image: Image, path: Path, frame: int) -> bool:
    """Go on to a frame; False when there is none."""

    def turned() -> bool:
        try:
            image.seek(frame)
        except EOFError:
            return False
        return True

    return bool(reading(path, turned))


def loses_nothing(image: Image, path: Path) -> bool:
    """Whether decoding keeps every bit. Pillow keeps 8 of the 16 bits of colours in a PNG, all 16 of grey."""
    if image.format == "PNG":
        return not is_deep(path) or image.mode.startswith("I;16")
    return image.format in WHOLE


def is_deep(path: Path) -> bool:
    """Whether a PNG has 16 bits a channel."""
    with path.open("rb") as file:
        return file.read(25)[24:] == b"\x10"


def comparable(one: Image, other: Image) -> tuple[Image, Image]:
    """Two frames in one mode that holds all of both; Unlike when there is none."""
    left, right = plain(one), plain(other)
    if left.mode != right.mode and {left.mode, right.mode} <= EIGHT_BITS:
        left, right = left.convert("RGBA"), right.convert("RGBA")
    if left.mode != right.mode or left.mode not in SUBTRACTED | {"I"}:
        raise Unlike(f"pixels of the modes {one.mode} and {other.mode} are not compared")
    if left.mode == "I" and one.info.get("transparency") != other.info.get("transparency"):
        raise Unlike("another grey is transparent in one of them")
    return left, right


def plain(image: Image) -> Image:
    """A frame without a palette, with alpha as a channel; 16 bits of grey as whole numbers."""
    if image.mode.startswith("I;16"):
        return image.convert("I")
    if image.mode == "I":
        raise Unlike("pixels of 32 bits are not compared")
    if image.mode in ("P", "PA", "LA", "La", "RGBa") or "transparency" in image.info:
        return image.convert("RGBA")
    return image.convert("L") if image.mode == "1" else image


def compare_frame(one: Image, other: Image, tally: Tally, check: Check) -> None:
    """One frame, in strips that lie in one row of the grid each."""
    columns, rows = min(COLUMNS, one.width), min(ROWS, one.height)
    if not tally.grid:
        tally.grid = [[0] * columns for _ in range(rows)]
    tally.scale = 65535 if one.mode == "I" else tally.scale
    measure = deep_strip if one.mode == "I" else strip
    height = max(1, STRIP // one.width)
    for row in range(rows):
        bottom = (row + 1) * one.height // rows
        for top in range(row * one.height // rows, bottom, height):
            check()
            box = (0, top, one.width, min(top + height, bottom))
            if (peak := measure(one.crop(box), other.crop(box), tally)) is not None:
                tally.grid[row] = [max(cells) for cells in zip(tally.grid[row], across(peak, columns), strict=True)]
    tally.total += one.width * one.height


def across(peak: Image, columns: int) -> list[int]:
    """The largest difference in each of so many columns of a strip."""
    edges = [column * peak.width // columns for column in range(columns + 1)]
    return [highest(peak, (left, 0, right, peak.height)) for left, right in pairwise(edges)]


def highest(peak: Image, box: tuple[int, int, int, int]) -> int:
    """The largest difference in a cell."""
    extrema: Any = peak.crop(box).getextrema()
    return int(extrema[1])


def strip(one: Image, other: Image, tally: Tally) -> Image | None:
    """A strip of 8 bits a channel: counts go to the tally; the largest difference of each pixel, None when equal."""
    from PIL import ImageChops

    difference = ImageChops.difference(one, other)
    bands = difference.split()
    for name, band in zip(difference.getbands(), bands, strict=True):
        counts = band.histogram()
        largest = max((value for value, count in enumerate(counts) if count), default=0)
        tally.channel(name, largest, sum(value * count for value, count in enumerate(counts)))
    peak = reduce(ImageChops.lighter, bands)
    equal = peak.histogram()[0]
    tally.differing += one.width * one.height - equal
    return peak if equal < one.width * one.height else None


def deep_strip(one: Image, other: Image, tally: Tally) -> Image | None:
    """A strip of 16 bits of grey; the same as `strip`."""
    from PIL import ImageMath

    difference = ImageMath.lambda_eval(lambda of: abs(of["a"] - of["b"]), a=one, b=other)
    low = ImageMath.lambda_eval(lambda of: of["d"] & 255, d=difference).convert("L").histogram()
    high = ImageMath.lambda_eval(lambda of: of["d"] >> 8, d=difference).convert("L").histogram()
    some = ImageMath.lambda_eval(lambda of: of["min"](of["d"], 1), d=difference).convert("L").histogram()
    total = sum(value * (count + 256 * above) for value, (count, above) in enumerate(zip(low, high, strict=True)))
    largest = highest(difference, (0, 0, *difference.size))
    tally.channel("L", largest, total)
    tally.differing += one.width * one.height - some[0]
    return difference if largest else None


def same_stream(a: Data, one: Layout, b: Data, other: Layout) -> bool:
    """Whether the compressed pixels of two PNG files unpack to the same bytes, whatever their depth."""
    try:
        return all(left == right for left, right in zip_longest(unpacked(a, one), unpacked(b, other)))
    except zlib.error:
        return False


STEP = 256 * 1024


def unpacked(data: Data, layout: Layout) -> Iterator[bytes]:
    """The bytes in a PNG's IDAT chunks, in pieces of `STEP` bytes but the last."""
    engine = zlib.decompressobj()
    held = b""
    for piece in idat(data, layout):
        packed = piece
        while packed and not engine.eof:
            held += engine.decompress(packed, STEP - len(held))
            packed = engine.unconsumed_tail
            if len(held) == STEP:
                yield held
                held = b""
    if not engine.eof:
        raise zlib.error("it ends in the middle")
    yield held


def idat(data: Data, layout: Layout) -> Iterator[bytes]:
    """The data of the IDAT chunks, in pieces."""
    for part in layout.parts:
        at = part.offset if part.name == "IDAT" else part.end
        while at < part.end:
            length = int.from_bytes(data[at : at + 4], "big")
            for start in range(at + 8, at + 8 + length, STEP):
                yield data[start : min(start + STEP, at + 8 + length)]
            at += length + 12
