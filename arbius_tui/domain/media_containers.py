"""The parts of RIFF (WAV, WebP, AVI), MP4 and QuickTime, Matroska and WebM, FLAC and MP3 files.

Sources: ISO 14496-12 and the QuickTime File Format, RFC 8794 and RFC 9559 (EBML, Matroska), RFC 9639 (FLAC), ID3v2.4.
"""

from __future__ import annotations

from arbius_tui.domain.media_walk import LONGEST_TEXT, Fields, Kind, Walk, code, number, stamp, words

WAV_PAYLOAD = {b"fmt ", b"data", b"fact", b"wavl", b"slnt"}
RIFF_SIGNATURES = {b"RIFF", b"RF64", b"BW64"}
UNKNOWN_SIZE = 0xFFFFFFFF
"""What stands for a length that was not known when it was written, or that needs 64 bits."""
RIFF_NOTES = {b"EXIF", b"XMP ", b"ICCP", b"JUNK", b"IDIT", b"ISMP"}
"""Chunks of a RIFF file that is no WAV which are not its payload."""


def riff(walk: Walk) -> None:
    """Chunks: four letters, a length, data, a byte of padding after an odd length."""
    signature, size, form = walk.peek(4), number(walk.peek(4, 4), "little"), walk.peek(4, 8)
    if signature not in RIFF_SIGNATURES:
        return walk.broken(f"the signature is {code(signature)}, not RIFF")
    if 8 + size > len(walk.data) and size != UNKNOWN_SIZE:
        walk.damage = f"cut off: its header counts {8 + size:,} bytes, it has {len(walk.data):,}"
    walk.take("header", 12, "frame")
    while walk.left:
        head = walk.peek(8)
        if len(head) < 8:
            return walk.rest("bytes after the end", "metadata")
        length = 8 + number(head[4:], "little")
        if length == 8 + UNKNOWN_SIZE and head[:4] == b"data":  # written to a pipe: the length was never known
            length = walk.left
        if size != UNKNOWN_SIZE and walk.at < 8 + size < walk.at + length:
            walk.damage = walk.damage or f"a part lies across the end that its header counts, byte {8 + size:,}"
        body = walk.peek(min(length - 8, LONGEST_TEXT), 8)
        name, kind, fields = riff_chunk(form, head[:4], body)
        walk.take(name, length, kind, fields=fields)
        if length % 2 and walk.left:
            walk.take("padding", 1, "frame")
    return None


def riff_chunk(form: bytes, name: bytes, body: bytes) -> tuple[str, Kind, Fields]:
    """A chunk's name, its kind and the fields of a list of notes."""
    if name == b"LIST":
        inner = body[:4]
        if inner == b"INFO":
            return "LIST INFO", "metadata", info(body[4:])
        notes = form == b"WAVE" and inner in (b"adtl",)
        return f"LIST {code(inner)}", "metadata" if notes else "payload", ()
    if form == b"WAVE":
        kind: Kind = "payload" if name in WAV_PAYLOAD else "metadata"
        return code(name).strip(), kind, bext(body) if name == b"bext" else ()
    return code(name).strip(), "metadata" if name in RIFF_NOTES else "payload", ()


def info(body: bytes) -> Fields:
    """The notes of a LIST INFO chunk."""
    found, at = [], 0
    while at + 8 <= len(body):
        length = number(body[at + 4 : at + 8], "little")
        found.append((code(body[at : at + 4]), words(body[at + 8 : at + 8 + length])))
        at += 8 + length + length % 2
    return tuple(found)


def bext(body: bytes) -> Fields:
    """A broadcast wave's description, originator, date and time (EBU Tech 3285)."""
    spans = (("Description", 0, 256), ("Originator", 256, 288), ("OriginationDate", 320, 330))
    found = [(name, words(body[start:end], "latin-1")) for name, start, end in spans]
    return (*found, ("OriginationTime", words(body[330:338], "latin-1")))


HOLDERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"dinf", b"edts", b"udta", b"mvex", b"moof", b"traf"}
DATED = {b"mvhd", b"tkhd", b"mdhd"}
SPACE = {b"free", b"skip", b"wide"}
XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
DEEPEST = 12
FIRST_CODE = 8


def boxes(walk: Walk) -> None:
    """The boxes of MP4 and QuickTime: a length, four letters, then data or further boxes."""
    within(walk, len(walk.data), "", 0)


def within(walk: Walk, end: int, path: str, depth: int) -> None:
    """The boxes up to `end`, named by the boxes they are in."""
    while walk.at < min(end, len(walk.data)) and not walk.damage:
        head = walk.peek(16)
        if end - walk.at < FIRST_CODE or len(head) < FIRST_CODE:
            walk.take(f"{path}end", end - walk.at, "frame")
            return
        length, opening = number(head[:4]), 8
        if length == 1:
            length, opening = number(head[8:16]), 16
        elif length == 0:
            length = end - walk.at
        if length < opening or length > end - walk.at:
            walk.broken(f"{path}{code(head[4:8])} has an impossible length")
            return
        box(walk, head[4:8], (opening, length), path, depth)


def box(walk: Walk, name: bytes, span: tuple[int, int], path: str, depth: int) -> None:
    """One box with an opening and a length: a holder of others, a header with times, notes or payload."""
    opening, length = span
    here, end = f"{path}{code(name)}", walk.at + length
    notes = "udta/" in path or (path.startswith("moov/") and name == b"meta") or "/meta/" in path
    if depth < DEEPEST and is_holder(name, notes, path):
        walk.take(f"{here} header", opening + holds(walk, name, notes, span), "frame")
        within(walk, end, here + "/", depth + 1)
    elif name in DATED and length >= opening + 24:
        dated(walk, here, opening, length)
    elif notes or name in SPACE or is_xmp(walk, name, opening):
        body = walk.peek(min(length - opening, LONGEST_TEXT), opening)
        walk.take(here, length, "metadata", note(name, body) if notes else "")
    else:
        walk.take(here, length, "payload")


def is_holder(name: bytes, notes: bool, path: str) -> bool:
    """Whether a box holds boxes: the known ones, and among notes `meta`, `ilst` and the items in it."""
    return name in HOLDERS or (notes and (name in (b"meta", b"ilst") or path.endswith("ilst/")))


def holds(walk: Walk, name: bytes, notes: bool, span: tuple[int, int]) -> int:
    """Bytes between a holder's opening and its first box: four of version and flags in MP4's `meta`, else none."""
    opening, length = span
    return 4 if notes and name == b"meta" and length >= opening + 4 and not any(walk.peek(4, opening)) else 0


def is_xmp(walk: Walk, name: bytes, opening: int) -> bool:
    """Whether a `uuid` box holds XMP, which is words about the film."""
    return name == b"uuid" and walk.peek(16, opening) == XMP


def note(name: bytes, body: bytes) -> str:
    """The words of a note: `data` of an iTunes item, or QuickTime's international text."""
    if name == b"data":
        return words(body[8:])
    return words(body[4:]) if name[:1] == b"\xa9" else ""


def dated(walk: Walk, here: str, opening: int, length: int) -> None:
    """A header that begins with two times, in seconds since 1904."""
    width = 8 if walk.peek(1, opening) == b"\1" else 4
    walk.take(here, opening + 4, "payload")
    for name in ("creation_time", "modification_time"):
        walk.take(f"{here} {name}", width, "metadata", stamp(number(walk.peek(width)), 1904))
    walk.take(f"{here} fields", length - opening - 4 - 2 * width, "payload")


ELEMENTS = {
    0x1A45DFA3: "EBML", 0x18538067: "Segment", 0x114D9B74: "SeekHead", 0x1549A966: "Info", 0x1654AE6B: "Tracks",
    0xAE: "TrackEntry", 0x1C53BB6B: "Cues", 0x1F43B675: "Cluster", 0x1254C367: "Tags", 0x1043A770: "Chapters",
    0x1941A469: "Attachments", 0xEC: "Void", 0xBF: "CRC-32", 0x4461: "DateUTC", 0x4D80: "MuxingApp",
    0x5741: "WritingApp", 0x73A4: "SegmentUID", 0x7BA9: "Title", 0x73C5: "TrackUID", 0x4489: "Duration",
}  # fmt: skip
OPENED = {"Segment", "Info", "Tracks", "TrackEntry"}
SAID = {"MuxingApp", "WritingApp", "Title"}
NOTES = {*SAID, "Tags", "Void", "DateUTC", "SegmentUID", "TrackUID"}


def matroska(walk: Walk) -> None:
    """The upper elements of Matroska and WebM: an id, a length, then data or further elements."""
    elements(walk, len(walk.data), "")


def elements(walk: Walk, end: int, path: str) -> None:
    """The elements up to `end`; one whose length was never known goes on to there."""
    while walk.at < min(end, len(walk.data)) and not walk.damage:
        head = walk.peek(12)
        width = leading(head[:1])
        size = leading(head[width : width + 1]) if 0 < width <= 4 else 0
        opening = width + size
        if not size or len(head) < opening:
            walk.broken("there is no element")
            return
        length = number(head[width:opening]) & (1 << 7 * size) - 1
        length = end - walk.at - opening if length == (1 << 7 * size) - 1 else length
        if length > end - walk.at - opening:
            walk.broken("an element has an impossible length")
            return
        element(walk, ELEMENTS.get(number(head[:width]), f"0x{head[:width].hex()}"), (opening, length), path)


def element(walk: Walk, name: str, span: tuple[int, int], path: str) -> None:
    """One element with an opening and a length behind it."""
    opening, length = span
    body = walk.peek(min(length, LONGEST_TEXT), opening)
    if name in OPENED and path.count("/") < DEEPEST:
        end = walk.at + opening + length
        walk.take(f"{path}{name} header", opening, "frame")
        elements(walk, end, f"{path}{name}/")
    elif name in NOTES:
        text = words(body) if name in SAID else ""
        if name == "DateUTC":  # nanoseconds since 2001
            text = stamp(int.from_bytes(body, "big", signed=True) / 1e9, 2001)
        walk.take(f"{path}{name}", opening + length, "metadata", text)
    else:
        walk.take(f"{path}{name}", opening + length, "frame" if name == "CRC-32" else "payload")


def leading(first: bytes) -> int:
    """The width of an EBML number by its first byte, 0 for none."""
    return 9 - first[0].bit_length() if first and first[0] else 0


def flac(walk: Walk) -> None:
    """FLAC: blocks of metadata, the first of which says how to decode, then frames."""
    names = {0: "STREAMINFO", 1: "PADDING", 2: "APPLICATION", 3: "SEEKTABLE", 4: "VORBIS_COMMENT", 6: "PICTURE"}
    walk.take("signature", 4, "frame")
    last = False
    while walk.left and not last:
        head = walk.peek(4)
        kind, last = head[0] & 0x7F, bool(head[0] & 0x80)
        fields = comments(walk.peek(min(number(head[1:]), LONGEST_TEXT), 4)) if kind == 4 else ()
        walk.take(names.get(kind, f"block {kind}"), 4 + number(head[1:]), "metadata" if kind else "payload", "", fields)
    walk.rest("frames", "payload")


def comments(body: bytes) -> Fields:
    """The vendor and the comments of a Vorbis comment."""
    at = 4 + number(body[:4], "little")
    found = [("vendor", words(body[4:at]))]
    at += 4
    while at + 4 <= len(body):
        length = number(body[at : at + 4], "little")
        name, _, text = words(body[at + 4 : at + 4 + length]).partition("=")
        found.append((name, text))
        at += 4 + length
    return tuple(found)


def mp3(walk: Walk) -> None:
    """MP3: an ID3v2 tag, frames, perhaps an ID3v1 tag of 128 bytes at the end."""
    head = walk.peek(10)
    if head[:3] == b"ID3" and len(head) == 10:
        length = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
        walk.take("ID3v2 tag", 10 + length, "metadata")
    tail = 128 if walk.left >= 128 and walk.peek(3, walk.left - 128) == b"TAG" else 0
    walk.take("frames", walk.left - tail, "payload")
    walk.rest("ID3v1 tag", "metadata")
