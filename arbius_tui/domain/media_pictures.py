"""The parts of PNG, JPEG and GIF files, and the tags of EXIF (PNG 3rd edition; ITU T.81; GIF89a; CIPA DC-008)."""

from __future__ import annotations

import re
import zlib
from typing import Literal

from arbius_tui.domain.media_walk import LONGEST_TEXT, Data, Fields, Kind, Walk, code, number, words

PNG_PAYLOAD = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"acTL", b"fcTL", b"fdAT"}
TRAILER = "bytes after the end"

JPEG_NAMES = {
    0xC4: "DHT", 0xCC: "DAC", 0xDB: "DQT", 0xDD: "DRI", 0xDA: "SOS scan", 0xFE: "COM", 0xDC: "DNL",
    0xE0: "APP0 JFIF", 0xEE: "APP14 Adobe",
}  # fmt: skip
APPLICATIONS = (
    (0xE1, b"Exif\0", "APP1 EXIF"), (0xE1, b"http://ns.adobe.com/x", "APP1 XMP"), (0xE2, b"ICC_PROFILE", "APP2 ICC"),
    (0xE2, b"MPF\0", "APP2 MPF"), (0xED, b"Photoshop", "APP13 IPTC"),
)  # fmt: skip
"""Application segments by their first bytes."""

AFTER_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""What ends a scan: a marker that is no restart; 0xFF00 is a byte of the scan."""

STEP = 256 * 1024

TAGS = {
    0x010E: "ImageDescription", 0x010F: "Make", 0x0110: "Model", 0x0112: "Orientation", 0x0131: "Software",
    0x0132: "DateTime", 0x013B: "Artist", 0x8298: "Copyright", 0x9000: "ExifVersion", 0x9003: "DateTimeOriginal",
    0x9004: "DateTimeDigitized", 0x9010: "OffsetTime", 0x9286: "UserComment", 0x9290: "SubSecTime",
    0x9291: "SubSecTimeOriginal", 0x927C: "MakerNote", 0xA420: "ImageUniqueID",
}  # fmt: skip
INNER = (0x8769, 0x8825)
"""Tags that lead to further tags: EXIF's own, and GPS."""

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
MOST_TAGS, MOST_TABLES = 200, 20


def png(walk: Walk) -> None:
    """Chunks: length, type, data, checksum."""
    walk.take("signature", 8, "frame")
    while walk.left:
        head = walk.peek(8)
        if len(head) < 8:
            return walk.broken("a chunk is cut off")
        kind, length = head[4:], number(head[:4])
        name, text, fields = chunk(kind, walk.peek(min(length, LONGEST_TEXT), 8))
        walk.take(name, length + 12, chunk_kind(kind), text, fields)
        if kind == b"IEND":
            walk.rest(TRAILER, "metadata")
    walk.damage = walk.damage or ("" if any(p.name == "IEND" for p in walk.parts) else "it ends without its end chunk")
    return None


def chunk_kind(kind: bytes) -> Kind:
    """A chunk that every reader must know (its first letter is a capital) is payload, and so are some others."""
    return "payload" if kind in PNG_PAYLOAD or kind[:1].isupper() else "metadata"


def chunk(kind: bytes, body: bytes) -> tuple[str, str, Fields]:
    """A chunk's name, its words and its fields."""
    name = code(kind)
    if kind in (b"tEXt", b"zTXt", b"iTXt"):
        keyword, _, rest = body.partition(b"\0")
        return f"{name} {words(keyword[:79], 'latin-1')}", png_text(kind, rest), ()
    if kind == b"tIME" and len(body) >= 7:
        year, (month, day, hour, minute, second) = number(body[:2]), body[2:7]
        return name, f"{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}", ()
    return (name, "", exif(body)) if kind == b"eXIf" else (name, "", ())


def png_text(kind: bytes, rest: bytes) -> str:
    """The text of tEXt (Latin-1), zTXt (compressed) or iTXt (UTF-8, perhaps compressed), behind its keyword."""
    if kind == b"tEXt":
        return words(rest, "latin-1")
    if kind == b"zTXt":
        return words(inflate(rest[1:]), "latin-1")
    packed, rest = rest[:1] == b"\1", rest[2:]
    text = rest.split(b"\0", 2)[-1]
    return words(inflate(text) if packed else text)


def inflate(packed: bytes) -> bytes:
    """The first `LONGEST_TEXT` bytes of compressed text, as far as they can be read."""
    try:
        return zlib.decompressobj().decompress(packed, LONGEST_TEXT)
    except zlib.error:
        return b""


def jpeg(walk: Walk) -> None:
    """Segments: 0xFF, a marker, a length; a scan goes on to the next marker that is no restart."""
    walk.take("SOI", 2, "frame")
    while walk.left:
        head = walk.peek(4)
        if len(head) < 2 or head[0] != 0xFF:
            return walk.broken("there is no marker")
        marker = head[1]
        if marker == 0xFF:
            walk.take("fill byte", 1, "frame")
        elif marker == 0xD9:
            walk.take("EOI", 2, "frame")
            walk.rest(TRAILER, "metadata")
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:
            walk.take(f"marker {marker:02X}", 2, "payload")
        else:
            segment(walk, marker, 2 + number(head[2:4]))
    walk.damage = walk.damage or ("" if any(p.name == "EOI" for p in walk.parts) else "it ends without its end marker")
    return None


def segment(walk: Walk, marker: int, length: int) -> None:
    """One segment; for SOS with the scan that follows it."""
    if length < 4:
        return walk.broken("a segment is shorter than its length")
    body = walk.peek(min(length - 4, LONGEST_TEXT), 4) if length > 4 else b""
    if marker == 0xDA:
        length = scan_end(walk.data, walk.at + length) - walk.at
    fits = (name for mark, start, name in APPLICATIONS if mark == marker and body.startswith(start))
    name = next(fits, "") or JPEG_NAMES.get(marker) or jpeg_name(marker)
    tags = exif(body[6:]) if name == "APP1 EXIF" else ()
    text = words(body, "latin-1") if name == "COM" else ""
    walk.take(name, length, "metadata" if is_note(marker) else "payload", text, tags)
    return None


def is_note(marker: int) -> bool:
    """Comments and application data but Adobe's, which says how colours are coded."""
    return marker == 0xFE or (0xE0 <= marker <= 0xEF and marker != 0xEE)


def jpeg_name(marker: int) -> str:
    """A marker that has no name of its own in the table."""
    if 0xE0 <= marker <= 0xEF:
        return f"APP{marker - 0xE0}"
    return f"SOF{marker - 0xC0}" if 0xC0 <= marker <= 0xCF else f"marker {marker:02X}"


def scan_end(data: Data, at: int) -> int:
    """Where the marker after a scan begins; the end of the file when there is none."""
    while at < len(data):
        piece = data[at : at + STEP]
        if found := AFTER_SCAN.search(piece):
            return at + found.start()
        if len(piece) < 2:
            break
        at += len(piece) - 1
    return len(data)


def exif(data: bytes) -> Fields:
    """The tags of EXIF that can be read, `(name, value)`; an Exif prefix is passed over."""
    data = data[6:] if data.startswith(b"Exif\0\0") else data
    order: Literal["big", "little"] = "big" if data[:2] == b"MM" else "little"
    if data[:2] not in (b"MM", b"II") or len(data) < 8:
        return ()
    found: list[tuple[str, str]] = []
    waiting, seen = [number(data[4:8], order)], set[int]()
    while waiting and len(found) < MOST_TAGS and len(seen) < MOST_TABLES:
        at = waiting.pop(0)
        if at in seen:
            continue
        seen.add(at)
        for start in range(at + 2, at + 2 + 12 * min(number(data[at : at + 2], order), MOST_TAGS), 12):
            entry = data[start : start + 12]
            if len(entry) < 12:
                break
            if (tag := number(entry[:2], order)) in INNER:
                waiting.append(number(entry[8:], order))
            else:
                found.append((TAGS.get(tag, f"tag 0x{tag:04X}"), value(data, entry, order)))
    return tuple(found)


def value(data: bytes, entry: bytes, order: Literal["big", "little"]) -> str:
    """A tag's value: text as it is, whole numbers as numbers, all else in hex."""
    kind, count = number(entry[2:4], order), number(entry[4:8], order)
    size = SIZES.get(kind, 1) * count
    at = number(entry[8:12], order)
    raw = entry[8 : 8 + size] if size <= 4 else data[at : at + min(size, LONGEST_TEXT)]
    if kind in (2, 7):
        return words(raw, "latin-1")
    if kind in (1, 3, 4) and count == 1:
        return str(number(raw, order))
    return raw[:32].hex()


def gif(walk: Walk) -> None:
    """A header, then images, extensions and a last byte."""
    flags = walk.peek(1, 10)
    table = 3 << ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0
    walk.take("screen", 13, "payload")
    walk.take("colour table", table, "payload")
    while walk.left:
        mark = walk.peek(2)
        if mark[:1] == b"\x3b":
            walk.take("end", 1, "frame")
            walk.rest(TRAILER, "metadata")
        elif mark[:1] == b"\x2c":
            packed = walk.peek(1, 9)
            local = 3 << ((packed[0] & 7) + 1) if packed and packed[0] & 0x80 else 0
            walk.take("image", blocks(walk, 11 + local), "payload")
        elif mark[:1] == b"\x21":
            extension(walk, mark[1:])
        else:
            return walk.broken("there is no block")
    walk.damage = walk.damage or ("" if any(p.name == "end" for p in walk.parts) else "it ends without its last byte")
    return None


def extension(walk: Walk, label: bytes) -> None:
    """A comment, a program's own data, or what says how an image is shown."""
    length = blocks(walk, 2)
    if label == b"\xfe":
        walk.take("comment", length, "metadata", words(walk.peek(min(length - 4, 255), 3), "latin-1"))
    elif label == b"\xff":
        name = words(walk.peek(11, 3), "latin-1")
        loops = name.startswith(("NETSCAPE", "ANIMEXTS"))
        walk.take(f"application {name}", length, "payload" if loops else "metadata")
    else:
        walk.take("image control", length, "payload")


def blocks(walk: Walk, length: int) -> int:
    """The length of a block with its sub-blocks, of which the first is `length` bytes from here."""
    while size := walk.peek(1, length):
        length += 1 + size[0]
        if not size[0]:
            return length
    return length + 1
