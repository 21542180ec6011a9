"""What an output is, beyond its bytes: a picture's size, how long a sound or a film is, the first words of a text.

Pillow reads the pictures (it knows every format that models write, and reads no more than the header here); wave files
are Python's own; of FLAC and MP4 the one number that counts stands at a fixed place. Nothing here raises on odd bytes:
what cannot be read has no size.
"""

from __future__ import annotations

import struct
import warnings
import wave
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from arbius_tui.domain.text import clean

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
"""What is read and drawn; Pillow's rarer readers are never given a byte of a model's output."""

TEXT_HEAD = 4096
"""Bytes of a text that are read for its first lines."""

BOXES = 64
"""Boxes of an MP4 that are looked at."""


@dataclass(frozen=True, slots=True)
class Media:
    """Size in pixels and length in seconds, 0 where there is none or it is unknown; a text's first part, clean."""

    width: int = 0
    height: int = 0
    seconds: float = 0.0
    text: str = ""


def measured(path: Path, mime: str) -> Media:
    """What this file says of itself; it is read in a thread."""
    kind = mime.partition("/")[0]
    try:
        if kind == "image":
            return image(path)
        if mime == "audio/wav":
            return Media(seconds=wav(path))
        if mime == "audio/flac":
            return Media(seconds=flac(path))
        if mime in ("video/mp4", "video/quicktime", "audio/mp4", "audio/m4a"):
            return Media(seconds=mp4(path))
        if kind == "text" or mime == "application/json":
            return Media(text=head(path))
    except (OSError, ValueError, EOFError, struct.error, wave.Error):
        pass
    return Media()


def image(path: Path) -> Media:
    """A picture's size, out of its header."""
    from PIL import Image, UnidentifiedImageError

    odd = (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError)
    with suppress(*odd), warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(path, formats=FORMATS) as found:
            return Media(*found.size)
    return Media()


def wav(path: Path) -> float:
    """Seconds of a wave file."""
    with wave.open(str(path), "rb") as sound:
        return sound.getnframes() / (sound.getframerate() or 1)


def flac(path: Path) -> float:
    """Seconds of a FLAC file: its first block counts the samples (RFC 9639, section 8.2)."""
    with path.open("rb") as file:
        start = file.read(26)
    if start[:4] != b"fLaC" or len(start) < 26:
        return 0.0
    packed = int.from_bytes(start[18:26], "big")
    rate, samples = packed >> 44, packed & (1 << 36) - 1
    return samples / rate if rate else 0.0


def mp4(path: Path) -> float:
    """Seconds of an MP4 or MOV: `mvhd` in `moov` has the time scale and the length in it (ISO 14496-12)."""
    size = path.stat().st_size
    with path.open("rb") as file:
        at, end = 0, size
        for _ in range(BOXES):
            file.seek(at)
            length, name = struct.unpack(">I4s", file.read(8))
            body = at + 8
            if length == 1:
                (length,), body = struct.unpack(">Q", file.read(8)), at + 16
            length = length or end - at
            if name == b"mvhd":
                return duration(file.read(32))
            if length < 8 or at + length > end:
                return 0.0
            at, end = (body, at + length) if name == b"moov" else (at + length, end)
    return 0.0


def duration(header: bytes) -> float:
    """Seconds by the body of an `mvhd`; version 1 has longer numbers."""
    layout, at = (">IQ", 20) if header[0] == 1 else (">II", 12)
    scale, long = struct.unpack_from(layout, header, at)
    return float(long / scale) if scale else 0.0


def head(path: Path) -> str:
    """The first part of a text, clean; a letter that is cut in two at its end is left out."""
    with path.open("rb") as file:
        return clean(file.read(TEXT_HEAD).decode("utf-8", "ignore"))
