"""The parts of gzip and ZIP files and of safetensors (RFC 1952; PKWARE's APPNOTE 6.3; the safetensors format)."""

from __future__ import annotations

import json
from dataclasses import dataclass

from arbius_tui.domain.media_walk import Fields, Walk, number, stamp, words

HEADER_CRC, EXTRA, NAME, COMMENT = 2, 4, 8, 16
"""Flags of a gzip header."""

LONGEST_HEADER = 4 * 1024 * 1024
"""Bytes of a safetensors header that are read."""


def gzip(walk: Walk) -> None:
    """A header with a time and perhaps a name, then compressed data with its checksum."""
    flags = number(walk.peek(1, 3))
    walk.take("header", 4, "payload")
    walk.take("mtime", 4, "metadata", stamp(number(walk.peek(4), "little")))
    walk.take("level and system", 2, "metadata")
    if flags & EXTRA:
        walk.take("extra field", 2 + number(walk.peek(2), "little"), "metadata")
    for flag, name in ((NAME, "file name"), (COMMENT, "comment")):
        if flags & flag:
            text = walk.peek(1024).partition(b"\0")[0]
            walk.take(name, len(text) + 1, "metadata", words(text, "latin-1"))
    if flags & HEADER_CRC:
        walk.take("header checksum", 2, "frame")
    walk.rest("compressed data", "payload")


DIRECTORY_END, LOCAL, CENTRAL = b"PK\5\6", b"PK\3\4", b"PK\1\2"
LONGEST_END = 22 + 0xFFFF
MOST_ENTRIES = 400


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in a ZIP archive: its name, where it is, and how long its row in the directory is."""

    name: str
    offset: int
    name_length: int
    extra: int
    comment: int
    time: str


def zipped(walk: Walk) -> None:
    """The files in a ZIP archive one after another, then its directory and its end."""
    size = len(walk.data)
    tail = walk.peek(LONGEST_END, max(0, size - LONGEST_END))
    found = tail.rfind(DIRECTORY_END)
    end = tail[found : found + 22]
    if found < 0 or len(end) < 22:
        return walk.broken("there is no directory")
    directory, at_end = number(end[16:20], "little"), size - len(tail) + found
    entries = listed(walk, directory, at_end)
    if entries is None:
        return walk.broken("its directory cannot be read")
    starts = [*(e.offset for e in sorted(entries, key=lambda e: e.offset)), directory]
    for entry, until in zip(sorted(entries, key=lambda e: e.offset), starts[1:], strict=True):
        local(walk, entry, until)
    for entry in entries:
        row(walk, entry)
    walk.take("end of the directory", 22, "frame")
    walk.rest("comment", "metadata")
    return None


def listed(walk: Walk, at: int, end: int) -> list[Entry] | None:
    """The directory between two offsets; None when it does not fill them, or when its files overlap."""
    entries: list[Entry] = []
    first = at
    while at < end and len(entries) < MOST_ENTRIES:
        head = walk.data[at : at + 46]
        if head[:4] != CENTRAL or len(head) < 46:
            return None
        name, extra, comment = (number(head[i : i + 2], "little") for i in (28, 30, 32))
        shown = words(walk.data[at + 46 : at + 46 + name])
        entries.append(Entry(shown, number(head[42:46], "little"), name, extra, comment, dos_time(head[12:16])))
        at += 46 + name + extra + comment
    if not entries:
        return entries if first == end == 0 else None
    offsets = sorted(e.offset for e in entries)
    apart = all(two - one >= 30 for one, two in zip(offsets, [*offsets[1:], first], strict=True))
    return entries if at == end and apart and offsets[0] == 0 else None


def local(walk: Walk, entry: Entry, until: int) -> None:
    """One file: a header with a time, its name, extra fields (times too) and its data."""
    head = walk.peek(30)
    name, extra = (number(head[i : i + 2], "little") for i in (26, 28))
    if head[:4] != LOCAL or walk.at + 30 + name + extra > until:
        return walk.broken(f"{entry.name} has no header")
    walk.take(f"{entry.name} header", 10, "payload")
    walk.take(f"{entry.name} modified", 4, "metadata", dos_time(head[10:14]))
    walk.take(f"{entry.name} sizes and name", 16 + name, "payload")
    walk.take(f"{entry.name} extra fields", extra, "metadata")
    walk.take(f"{entry.name} data", until - walk.at, "payload")
    return None


def row(walk: Walk, entry: Entry) -> None:
    """A file's row in the directory; its offset follows from the other parts."""
    if walk.damage:
        return
    listed_as = f"{entry.name} in the directory"
    walk.take(f"{listed_as}: header", 12, "payload")
    walk.take(f"{entry.name} modified (directory)", 4, "metadata", entry.time)
    walk.take(f"{listed_as}: sizes", 14, "payload")
    walk.take(f"{listed_as}: lengths", 4, "frame")
    walk.take(f"{listed_as}: attributes", 8, "metadata")
    walk.take(f"{listed_as}: offset", 4, "frame")
    walk.take(f"{listed_as}: name", entry.name_length, "payload")
    walk.take(f"{listed_as}: extra fields", entry.extra, "metadata")
    walk.take(f"{listed_as}: comment", entry.comment, "metadata")


def dos_time(raw: bytes) -> str:
    """A time of MS-DOS, which counts in steps of two seconds."""
    time, date = number(raw[:2], "little"), number(raw[2:4], "little")
    day = f"{1980 + (date >> 9)}-{date >> 5 & 15:02}-{date & 31:02}"
    return f"{day} {time >> 11:02}:{time >> 5 & 63:02}:{2 * (time & 31):02}"


def safetensors(walk: Walk) -> None:
    """A length, a header of JSON and the tensors; words of the header's own `__metadata__` are its fields."""
    length = number(walk.peek(8), "little")
    fields = notes(walk.peek(length, 8)) if length <= LONGEST_HEADER else ()
    walk.take("header length", 8, "frame")
    walk.take("header", length, "payload", "", fields)
    walk.rest("tensors", "payload")


def notes(header: bytes) -> Fields:
    """The `__metadata__` of a safetensors header."""
    try:
        found = json.loads(header)
    except (ValueError, RecursionError):
        return ()
    said = found.get("__metadata__") if isinstance(found, dict) else None
    if not isinstance(said, dict):
        return ()
    return tuple((said_as(key), said_as(text)) for key, text in sorted(said.items()))


def said_as(found: object) -> str:
    """A key or a text of the header as words; JSON may hold half a surrogate pair."""
    return words(str(found).encode("utf-8", "surrogatepass"))
