"""The verdict NEAR: what alone differs between two outputs whose contents were proved equal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from arbius_tui.domain.comparison import Pixels, Samples, Text, Values
from arbius_tui.domain.media_parts import Difference, listed
from arbius_tui.domain.text import grouped

CONTENTS = {
    "MP4": "picture and sound data are", "QuickTime": "picture and sound data are", "AVI": "picture and sound data are",
    "Matroska": "picture and sound data are", "PNG": "the picture data is", "JPEG": "the picture data is",
    "GIF": "the picture data is", "WebP": "the picture data is", "MP3": "the sound data is",
    "FLAC": "the sound data is",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the files themselves say: their format, whether one is damaged, and every part that differs."""

    format: str
    damaged: bool
    parts: Sequence[Difference]
    mime: str


def nearness(
    seen: Evidence, pixels: Pixels | None, samples: Samples | None, text: Text | None, values: Values | None
) -> str:
    """What alone differs, in words; empty when contents differ or nothing proves that they do not."""
    if seen.damaged or (pixels and pixels.differing):
        return ""
    if pixels and pixels.exact:
        return near_pixels(seen.parts, pixels)
    if seen.format and seen.parts and all(part.kind == "metadata" for part in seen.parts):
        return f"{only(seen.parts)}; {contents(seen.format, samples)}"
    if values:
        return (
            ""
            if values.differing
            else f"only spaces and the order of keys differ; {count(values.total, 'value')} equal"
        )
    if text and text.words_equal:
        return "only spaces and line ends differ; all words are equal"
    return ""


def noise(pixels: Pixels | None, samples: Samples | None, text: Text | None, values: Values | None) -> bool:
    """Whether contents differ, and by no more than the last digits of an arithmetic that is not strict."""
    if pixels and pixels.differing:
        return pixels.timing_equal and pixels.nearly
    if samples and samples.differing:
        return samples.nearly
    return values.numbers_near if values else bool(text and text.numbers_near)


def near_pixels(parts: Sequence[Difference], pixels: Pixels) -> str:
    """Equal pixels, shown for equal times: the difference is in how they are written, or beside them."""
    if not pixels.timing_equal:
        return ""
    what = only(parts) if parts else "only the encoding differs"
    frames = f" in {grouped(pixels.frames)} frames" if pixels.frames > 1 else ""
    return f"{what}; {count(pixels.total, 'pixel')} equal{frames}"


def only(parts: Sequence[Difference]) -> str:
    """The names of the parts that differ: `only tEXt Date and tIME differ`."""
    names = list(dict.fromkeys(part.name for part in parts))
    return f"only {listed(names)} {'differs' if len(names) == 1 else 'differ'}"


def contents(format: str, samples: Samples | None) -> str:
    """What is equal."""
    if samples:
        return f"{count(samples.total, 'sample')} equal"
    return f"{CONTENTS.get(format, 'the contents are')} equal byte for byte"


def count(total: int, what: str) -> str:
    """`all 65,536 pixels are`, `the one value is`."""
    return f"the one {what} is" if total == 1 else f"all {grouped(total)} {what}s are"
