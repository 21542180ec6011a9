"""The named parts of an output file, and which of them differ between two files.

`read_parts` knows PNG, JPEG, GIF, WebP, WAV, AVI, MP4, QuickTime, Matroska, WebM, FLAC, MP3, gzip, ZIP (npz) and
safetensors by their first bytes. It never raises: what is damaged ends in a part that is payload, and says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from arbius_tui.domain.media_archives import gzip, safetensors, zipped
from arbius_tui.domain.media_containers import boxes, flac, matroska, mp3, riff
from arbius_tui.domain.media_pictures import gif, jpeg, png
from arbius_tui.domain.media_walk import Data, Kind, Layout, Part, Walk
from arbius_tui.domain.text import exact_bytes, grouped

__all__ = ["Data", "Difference", "Layout", "Part", "differences", "equal", "read_parts"]

READERS: tuple[tuple[bytes, int, str, Callable[[Walk], None]], ...] = (
    (b"\x89PNG\r\n\x1a\n", 0, "PNG", png), (b"\xff\xd8\xff", 0, "JPEG", jpeg),
    (b"GIF87a", 0, "GIF", gif), (b"GIF89a", 0, "GIF", gif), (b"WAVE", 8, "WAV", riff), (b"WEBP", 8, "WebP", riff),
    (b"AVI ", 8, "AVI", riff), (b"ftyp", 4, "MP4", boxes), (b"moov", 4, "QuickTime", boxes),
    (b"\x1aE\xdf\xa3", 0, "Matroska", matroska), (b"fLaC", 0, "FLAC", flac), (b"ID3", 0, "MP3", mp3),
    (b"\xff\xfb", 0, "MP3", mp3), (b"\xff\xf3", 0, "MP3", mp3), (b"\x1f\x8b\x08", 0, "gzip", gzip),
    (b"PK\3\4", 0, "ZIP", zipped), (b"PK\5\6", 0, "ZIP", zipped), (b"{", 8, "safetensors", safetensors),
)  # fmt: skip
"""First bytes, where they stand, the format and its reader; the first that fits counts."""

STEP = 256 * 1024
NOT_THERE = "not there"


def read_parts(data: Data) -> Layout:
    """The parts of a file without a gap; format `""` and one part for a file of no known format."""
    head = data[0:16]
    for magic, at, name, reader in READERS:
        if head.startswith(magic, at) and (name != "safetensors" or not any(head[4:8])):
            walk = Walk(data)
            reader(walk)
            walk.rest("bytes after the end", "payload")
            return Layout(name, tuple(walk.parts), walk.damage)
    whole = (Part("bytes", 0, len(data), "payload"),) if len(data) else ()
    return Layout("", whole)


@dataclass(frozen=True, slots=True)
class Difference:
    """One part that is not the same in two files, with both values in words."""

    name: str
    kind: Kind
    one: str
    other: str

    def __str__(self) -> str:
        return f"{self.name}: {self.one} -> {self.other}"


def equal(a: Data, b: Data, one: Part, other: Part) -> bool:
    """Whether two parts hold the same bytes; they are read piece by piece."""
    if one.length != other.length:
        return False
    spans = range(0, one.length, STEP)
    return all(
        a[one.offset + at : min(one.offset + at + STEP, one.end)]
        == b[other.offset + at : min(other.offset + at + STEP, other.end)]
        for at in spans
    )


def differences(a: Data, one: Layout, b: Data, other: Layout) -> tuple[Difference, ...]:
    """The parts in which two files differ, payload last; a frame counts only where nothing else differs."""
    if one.format != other.format:
        return (Difference("format", "payload", one.format or "unknown", other.format or "unknown"),)
    found: list[Difference] = []
    left, right = numbered(one.parts), numbered(other.parts)
    for key in [*left, *(key for key in right if key not in left)]:
        pair = left.get(key), right.get(key)
        found += apart(a, b, *pair)
    told = [d for d in found if d.kind != "frame"] or [as_payload(d) for d in found]
    if not told and [p.name for p in one.parts] != [p.name for p in other.parts]:
        told = [Difference("order of the parts", "payload", "one", "another")]
    return tuple(sorted(told, key=lambda d: d.kind == "payload"))


def as_payload(found: Difference) -> Difference:
    """A frame that differs alone is not explained by any other part."""
    return Difference(found.name, "payload", found.one, found.other)


def numbered(parts: Iterable[Part]) -> dict[tuple[str, int], Part]:
    """Parts by their name and by how many of that name came before."""
    seen: Counter[str] = Counter()
    keyed = {}
    for part in parts:
        keyed[part.name, seen[part.name]] = part
        seen[part.name] += 1
    return keyed


def apart(a: Data, b: Data, one: Part | None, other: Part | None) -> Sequence[Difference]:
    """How two parts of one name differ: by the fields that do, or as a whole."""
    if one is None or other is None:
        part = one or other
        return [Difference(part.name, part.kind, shown(one), shown(other))] if part else []
    if equal(a, b, one, other):
        return []
    fields = by_field(one, other)
    if fields:
        return fields
    left, right = shown(one), shown(other)
    if left == right and not one.text:
        right = "other bytes"
    return [Difference(one.name, one.kind, left, right)]


def by_field(one: Part, other: Part) -> Sequence[Difference]:
    """The fields of two parts that differ or are in one of them only."""
    left, right = dict(one.fields), dict(other.fields)
    return [
        Difference(f"{one.name} {name}", one.kind, left.get(name, NOT_THERE), right.get(name, NOT_THERE))
        for name in dict.fromkeys([*left, *right])
        if left.get(name) != right.get(name)
    ]


def shown(part: Part | None) -> str:
    """A part's value in words: its text, else how long it is."""
    if part is None:
        return NOT_THERE
    return part.text or exact_bytes(part.length)


def listed(names: Iterable[str], most: int = 4) -> str:
    """Names as `a, b and c`, each once; what is beyond `most` is counted."""
    unique = list(dict.fromkeys(names))
    if len(unique) > most:
        unique = [*unique[: most - 1], f"{grouped(len(unique) - most + 1)} more"]
    return " and ".join([", ".join(unique[:-1]), unique[-1]] if len(unique) > 1 else unique)
