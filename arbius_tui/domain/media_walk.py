"""The parts of a file as they are walked from its first byte to its last, so that every byte belongs to one part.

A part is *payload* (pixels, samples and what is needed to decode them), *metadata* (words, times, tags) or *frame*
(lengths and signatures that only hold the others together).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

from arbius_tui.domain.text import clean

Kind = Literal["payload", "metadata", "frame"]
Fields = tuple[tuple[str, str], ...]

MOST_PARTS = 5_000
"""Parts that are told apart; what follows is one part, so that a hostile file costs no more than a large one."""

LONGEST_TEXT = 16 * 1024
"""Bytes of a text inside a file that are read."""


class Data(Protocol):
    """Bytes that are read in slices: `bytes`, `mmap` or a window on a file that is not in memory."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a file: where it is, what it is, and what it says, as a whole or field by field."""

    name: str
    offset: int
    length: int
    kind: Kind
    text: str = ""
    fields: Fields = ()

    @property
    def end(self) -> int:
        """The offset of the first byte behind it."""
        return self.offset + self.length


@dataclass(frozen=True, slots=True)
class Layout:
    """A file's format and its parts without a gap between them; `damage` is a clause, empty for a whole file."""

    format: str
    parts: tuple[Part, ...]
    damage: str = ""


@dataclass(slots=True)
class Walk:
    """A reader that goes forward only and names what it passes."""

    data: Data
    at: int = 0
    parts: list[Part] = field(default_factory=list)
    damage: str = ""

    @property
    def left(self) -> int:
        """Bytes that were not passed yet."""
        return len(self.data) - self.at

    def peek(self, length: int, ahead: int = 0) -> bytes:
        """Bytes from `ahead` of here; fewer at the end of the file."""
        start = self.at + ahead
        return self.data[start : start + max(length, 0)]

    def take(self, name: str, length: int, kind: Kind, text: str = "", fields: Fields = ()) -> None:
        """Pass a part of `length` bytes; a part that is longer than the file is damage. Payload of one name is one."""
        if length > self.left:
            self.damage = self.damage or f"{name} is cut off at byte {len(self.data):,}"
            length = self.left
        if length <= 0:
            return
        last = self.parts[-1] if self.parts else None
        if len(self.parts) >= MOST_PARTS:
            name, length, kind, text, fields = "the rest", self.left, "payload", "", ()
        if last is not None and kind == last.kind == "payload" and name == last.name and not (text or last.text):
            self.parts[-1] = replace(last, length=last.length + length)
        else:
            self.parts.append(Part(name, self.at, length, kind, text, fields))
        self.at += length

    def rest(self, name: str, kind: Kind) -> None:
        """Pass everything that is left as one part."""
        self.take(name, self.left, kind)

    def broken(self, what: str) -> None:
        """What follows cannot be read: it becomes one part, and the damage is told."""
        self.damage = self.damage or f"{what} at byte {self.at:,}"
        self.rest("bytes that cannot be read", "payload")


def number(raw: bytes, order: Literal["big", "little"] = "big") -> int:
    """An unsigned number."""
    return int.from_bytes(raw, order)


def code(raw: bytes) -> str:
    """A four-letter code as text that can be shown; bytes that are no letters are written in hex."""
    text = raw.decode("latin-1")
    return text if raw and all(33 <= b < 127 or b in (32, 0xA9) for b in raw) else "0x" + raw.hex()


def words(raw: bytes, encoding: str = "utf-8") -> str:
    """Text inside a file as one harmless line of at most `LONGEST_TEXT` bytes."""
    text = raw[:LONGEST_TEXT].rstrip(b"\0").decode(encoding, "replace")
    return " ".join(clean(text).split())


def stamp(seconds: float, since: int = 1970) -> str:
    """A moment as `2026-11-22 10:01:02`, counted from a year's start in UTC; `not set` for 0, a number beyond 9999."""
    if not seconds:
        return "not set"
    try:
        return f"{datetime(since, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S}"
    except (OverflowError, ValueError):
        return str(seconds)
