"""Why a store says another CID: the CIDs that other rules, or other bytes, would have given, computed here.

The engine knows one form: CIDv0, sha2-256, one dag-pb node with the file in it. What a node, a service or a web page
makes of the same file differs by a rule (another CID version, raw leaves, chunks, a folder around it, another hash) or
because it was given other bytes (a final newline more or less, other line ends, JSON written anew). Each of these is
tried; the first that gives what was said is the reason. Codes are those of the multicodec table.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from arbius_tui.domain import cid as cids
from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.protobuf import field, read_varint, varint, whole

RAW, DAG_PB = 0x55, 0x70
IDENTITY, SHA256 = 0x00, 0x12

HASHES: dict[int, tuple[str, Callable[[bytes], bytes]]] = {
    SHA256: ("sha2-256", lambda data: hashlib.sha256(data).digest()),
    0x11: ("sha1", lambda data: hashlib.sha1(data, usedforsecurity=False).digest()),
    0x13: ("sha2-512", lambda data: hashlib.sha512(data).digest()),
    0x14: ("sha3-512", lambda data: hashlib.sha3_512(data).digest()),
    0x16: ("sha3-256", lambda data: hashlib.sha3_256(data).digest()),
    0xB220: ("blake2b-256", lambda data: hashlib.blake2b(data, digest_size=32).digest()),
    0xB260: ("blake2s-256", lambda data: hashlib.blake2s(data, digest_size=32).digest()),
}
"""Hash functions by their code in a multihash, as far as Python has them."""

CHUNKS = tuple(2**power for power in range(8, 18))
"""Sizes of chunks that are tried, in bytes: a template is smaller than Kubo's own 262,144."""

LINKS = (174, 1024)
"""Links of a node at most: Kubo's default, and that of the profile unixfs-v1-2025."""

BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Form:
    """A CID taken apart: its version, the codec of the block, the hash function and the digest."""

    version: int
    codec: int
    hash: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Difference:
    """Which rules differ, by their codes, and the same in words; `other-bytes` alone when none of them explains it.

    Codes: cid-version, raw-leaves, chunker, trickle, wrapped, inline, other-hash; newline, line-ends, byte-order-mark,
    json-rewritten; no-cid, other-bytes.
    """

    rules: tuple[str, ...]
    words: str


def parse(text: str) -> Form | None:
    """`Qm..`, or a CIDv1 in base 16, 32, 36, 58 or 64; None for anything else."""
    try:
        if len(text) == 46 and text.startswith("Qm"):
            return Form(0, DAG_PB, SHA256, bytes.fromhex(cids.to_multihash(text)[6:]))
        raw = based(text)
        version, at = read_varint(raw)
        codec, at = read_varint(raw, at)
        hashed, at = read_varint(raw, at)
        length, at = read_varint(raw, at)
    except (ValueError, BadInput):
        return None
    return Form(version, codec, hashed, raw[at:]) if version == 1 and len(raw) - at == length else None


def based(text: str) -> bytes:
    """The bytes of a multibase text; ValueError for a base that no CID is written in."""
    base, rest = text[:1], text[1:]
    try:
        if base in "bB" and base:
            return base64.b32decode(rest.upper() + "=" * (-len(rest) % 8))
        if base == "u":
            return base64.urlsafe_b64decode(rest + "=" * (-len(rest) % 4))
    except binascii.Error:
        raise ValueError("no base 32 or 64") from None
    if base in "fF" and base:
        return bytes.fromhex(rest)
    digits = {"k": "0123456789abcdefghijklmnopqrstuvwxyz", "z": cids.ALPHABET}.get(base)
    if digits is None or len(rest) > 120:
        raise ValueError("no multibase")
    number = 0
    for char in rest:
        number = number * len(digits) + digits.index(char)
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def write(form: Form) -> str:
    """The text of a CID as Kubo prints it."""
    if form.version == 0:
        return cids.from_multihash("0x1220" + form.digest.hex())
    raw = b"\x01" + varint(form.codec) + varint(form.hash) + varint(len(form.digest)) + form.digest
    return "b" + base64.b32encode(raw).decode().lower().rstrip("=")


def difference(data: bytes, said: str, filename: str = "") -> Difference:
    """Why `said` is not the CID that the engine gives these bytes."""
    form = parse(said)
    if form is None:
        return Difference(("no-cid",), "what it says is no CID")
    if form.hash == IDENTITY:
        return Difference(("inline",), "it put the bytes into the CID itself (inline)")
    if form.hash not in HASHES:
        return Difference(("other-hash",), f"it uses another hash function (code 0x{form.hash:x}), not sha2-256")
    hashed = HASHES[form.hash][1]
    for content_rule, content_words, content in contents(data):
        for layout_rule, layout_words, block, codec in layouts(content, filename, form):
            if hashed(block) == form.digest and codec == form.codec:
                return told(form, (content_rule, content_words), (layout_rule, layout_words))
    return Difference(("other-bytes",), "it was given other bytes, or made blocks by a rule that is not known here")


def told(form: Form, content: tuple[str, str], layout: tuple[str, str]) -> Difference:
    """What differs, all of it, the bytes first."""
    found = [content, layout]
    if form.hash != SHA256:
        found.append(("other-hash", f"it uses {HASHES[form.hash][0]}, not sha2-256"))
    if form.version == 1:
        same = not any(rule for rule, _ in found)
        found.append(("cid-version", f"it wrote a CIDv1{' of the very same block' if same else ''}, not CIDv0"))
    rules = tuple(rule for rule, _ in found if rule)
    return Difference(rules, "; ".join(words for _, words in found if words) or "nothing differs")


def contents(data: bytes) -> Iterator[tuple[str, str, bytes]]:
    """The bytes themselves, then what editors, checkouts and JSON libraries make of them: a rule, words, the bytes."""
    yield "", "", data
    unix = data.replace(b"\r\n", b"\n")
    if data.endswith(b"\n"):
        yield "newline", "it has the file without its final newline", data.rstrip(b"\r\n")
    yield "newline", "it has a newline more at the end of the file", data + b"\n"
    if unix != data:
        yield "line-ends", "it has line ends LF, and the file has CRLF", unix
    yield "line-ends", "it has line ends CRLF, and the file has LF", unix.replace(b"\n", b"\r\n")
    if data.startswith(BOM):
        yield "byte-order-mark", "it has the file without its byte order mark", data[3:]
    else:
        yield "byte-order-mark", "it has a byte order mark before the file", BOM + data
    for text in rewritten(data):
        for end in (b"", b"\n"):
            yield "json-rewritten", "it wrote the JSON anew instead of keeping the file's bytes", text + end


def rewritten(data: bytes) -> Iterator[bytes]:
    """The same JSON as the usual libraries write it."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return
    for indent, separators in ((None, (",", ":")), (None, (", ", ": ")), (2, None), (4, None), ("\t", None)):
        for sort in (False, True):
            for ascii_only in (False, True):
                text = json.dumps(
                    document, indent=indent, separators=separators, sort_keys=sort, ensure_ascii=ascii_only
                )
                yield text.encode("utf-8", "surrogatepass")


def layouts(data: bytes, filename: str, form: Form) -> Iterator[tuple[str, str, bytes, int]]:
    """Root blocks that other rules make of these bytes: a rule, words, the block, its codec."""
    leaf = cids.block(data)
    yield "", "", leaf, DAG_PB
    yield "raw-leaves", "it hashed the bare bytes (raw leaves), not a dag-pb node around them", data, RAW
    for size in CHUNKS:
        pieces = [data[start : start + size] for start in range(0, len(data), size)]
        if len(pieces) > 1:
            words = f"it cut the file into chunks of {size:,} bytes"
            for raw in (False, True):
                more = ", raw" if raw else ""
                for links in LINKS:
                    yield "chunker", words + more, tree(pieces, links, raw, form), DAG_PB
    one = Part.leaf(data, False, form)
    bare = field(1, whole(1, 0) + field(2, data) + whole(3, len(data)))  # UnixFS's type Raw, as only trickle has it
    trickle = Part(linked(bare, DAG_PB, form), len(data), len(bare))
    yield "trickle", "it used the trickle layout", branch([trickle])[0], DAG_PB
    if filename:
        for part in (one, Part.leaf(data, True, form)):
            link = field(1, part.cid) + field(2, filename.encode()) + whole(3, part.total)
            folder = field(2, link) + field(1, whole(1, 1))
            yield "wrapped", f"it put a folder around the file {filename}", folder, DAG_PB


@dataclass(frozen=True, slots=True)
class Part:
    """A node as its parent links it: its CID in bytes, the bytes of the file below it, and of all its blocks."""

    cid: bytes
    content: int
    total: int

    @classmethod
    def leaf(cls, data: bytes, raw: bool, form: Form) -> Part:
        """A chunk of the file, bare or in a dag-pb node."""
        block = data if raw else cids.block(data)
        return cls(linked(block, RAW if raw else DAG_PB, form), len(data), len(block))


def linked(block: bytes, codec: int, form: Form) -> bytes:
    """The CID of a block inside another one: version 0 where the root has it, and always 1 for a raw block."""
    digest = HASHES[form.hash][1](block)
    multihash = varint(form.hash) + varint(len(digest)) + digest
    return multihash if form.version == 0 and codec == DAG_PB else b"\x01" + varint(codec) + multihash


def tree(pieces: list[bytes], links: int, raw: bool, form: Form) -> bytes:
    """The root of a balanced tree over these chunks."""
    level = [Part.leaf(piece, raw, form) for piece in pieces]
    while len(level) > links:
        groups = [branch(level[start : start + links]) for start in range(0, len(level), links)]
        level = [Part(linked(node, DAG_PB, form), content, len(node) + below) for node, content, below in groups]
    return branch(level)[0]


def branch(parts: list[Part]) -> tuple[bytes, int, int]:
    """A node over these parts, the bytes of the file below it, and of the blocks below it."""
    content = sum(part.content for part in parts)
    unixfs = whole(1, 2) + whole(3, content) + b"".join(whole(4, part.content) for part in parts)
    rows = b"".join(field(2, field(1, part.cid) + field(2, b"") + whole(3, part.total)) for part in parts)
    return rows + field(1, unixfs), content, sum(part.total for part in parts)
