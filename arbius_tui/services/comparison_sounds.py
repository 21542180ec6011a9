"""Two WAV files compared sample by sample, a piece at a time."""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Sequence
from operator import sub

from arbius_tui.domain.comparison import Samples
from arbius_tui.domain.media_parts import Data, Layout, Part

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
STEP, PIECE = 24 * 10_000, 24 * 500
"""Bytes that are read and that are subtracted at once: whole samples of every width, a millisecond's work."""

TYPES = {(PCM, 1): "B", (PCM, 2): "h", (PCM, 3): "i", (PCM, 4): "i", (FLOAT, 4): "f", (FLOAT, 8): "d"}


def compare_sounds(a: Data, one: Layout, b: Data, other: Layout) -> Samples | None:
    """The samples of two sounds of the same format; None when their formats differ or are compressed."""
    sounds = part_named(one, "data"), part_named(other, "data")
    head, other_head = start(a, part_named(one, "fmt")), start(b, part_named(other, "fmt"))
    form = encoding(head)
    if sounds[0] is None or sounds[1] is None or head != other_head or form not in TYPES:
        return None
    return count(a, sounds[0], b, sounds[1], form)


def start(data: Data, part: Part | None) -> bytes:
    """The first bytes of a chunk behind its length."""
    return data[part.offset + 8 : min(part.end, part.offset + 64)] if part else b""


def part_named(layout: Layout, name: str) -> Part | None:
    """The only part of this name."""
    found = [part for part in layout.parts if part.name == name]
    return found[0] if len(found) == 1 else None


def encoding(head: bytes) -> tuple[int, int]:
    """How a sample is written, and its bytes (0 where bits do not fill them)."""
    kind = int.from_bytes(head[:2], "little")
    if kind == EXTENSIBLE:
        kind = int.from_bytes(head[24:26], "little")
    bits = int.from_bytes(head[14:16], "little")
    return kind, bits // 8 if bits % 8 == 0 else 0


def count(a: Data, one: Part, b: Data, other: Part, form: tuple[int, int]) -> Samples:
    """Walk through the samples that both sounds have."""
    kind, width = form
    lengths = [(part.length - 8) // width for part in (one, other)]
    total, differing, largest = min(lengths), 0, 0.0
    for at in range(0, total * width, STEP):
        stop = 8 + min(at + STEP, total * width)
        left, right = (data[p.offset + 8 + at : p.offset + stop] for data, p in ((a, one), (b, other)))
        for start in range(0, len(left) if left != right else 0, PIECE):
            apart, most = piece(left[start : start + PIECE], right[start : start + PIECE], form)
            differing, largest = differing + apart, max(largest, most)
    scale = 1.0 if kind == FLOAT else float((1 << 8 * width) - 1)
    return Samples(total, differing, largest, scale, abs(lengths[0] - lengths[1]))


def piece(left: bytes, right: bytes, form: tuple[int, int]) -> tuple[int, float]:
    """How many samples of a piece differ in a bit, and by how much at most; what is no number has no distance."""
    kind, width = form
    gaps = subtracted(left, right, TYPES[form], width)
    if kind == FLOAT:
        bits = subtracted(left, right, "q" if width == 8 else "i", width)
        return len(bits) - bits.count(0), max((abs(gap) for gap in gaps if math.isfinite(gap)), default=0.0)
    return len(gaps) - gaps.count(0), float(max(*gaps, -min(gaps)) // (256 if width == 3 else 1))


def subtracted(left: bytes, right: bytes, kind: str, width: int) -> list[float]:
    """Samples of one sound less those of the other."""
    return list(map(sub, numbers(left, kind, width), numbers(right, kind, width)))


def numbers(raw: bytes, kind: str, width: int) -> Sequence[float]:
    """Samples as numbers; those of three bytes become four, times 256."""
    if width == 3:
        wide = bytearray(len(raw) // 3 * 4)
        for byte in range(3):
            wide[byte + 1 :: 4] = raw[byte::3]
        raw = bytes(wide)
    found = array(kind, raw)
    if sys.byteorder == "big":
        found.byteswap()
    return found
