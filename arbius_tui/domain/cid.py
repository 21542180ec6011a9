"""The CIDv0 of bytes, as Kubo and the Engine contract compute it.

A CIDv0 is base58(0x12 0x20 sha256(node)). Up to 256 KiB the node is one dag-pb block with a UnixFS file in it; more
than that is cut into 256 KiB leaves below a balanced tree with at most 174 links a node. These are the options miners
use: CID version 0, sha2-256, chunker size-262144, no raw leaves. Checked against Kubo 0.22 and 0.42.

An empty file is the one place where Kubo and the engine differ (Kubo leaves the empty data field out); here Kubo's
way is taken, and an empty template is refused before anything is hashed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.protobuf import field, whole

CHUNK = 262_144
"""Bytes of a leaf (Kubo's chunker size-262144)."""
LINKS = 174
"""Links of a node at most (Kubo's DefaultLinksPerBlock)."""

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_SHA256 = b"\x12\x20"
_DIRECTORY, _FILE = 1, 2
"""UnixFS types."""


def cid(data: bytes) -> str:
    """The CIDv0 (`Qm..`) of a file with these bytes."""
    return _base58(_hash(block(data)))


def multihash(data: bytes) -> str:
    """The same hash as the engine keeps it: 34 bytes as `0x1220..`."""
    return "0x" + _hash(block(data)).hex()


def block(data: bytes) -> bytes:
    """The dag-pb node of a file: the whole file up to 256 KiB, above that the root of its tree."""
    return _tree(_chunks(data))[0]


def block_cid(node: bytes) -> str:
    """The CIDv0 of a raw block as a store returned it, to be compared with the one that was asked for."""
    return _base58(_hash(node))


def content(node: bytes) -> bytes:
    """The file inside a block that holds all of it, as a template's does.

    BadInput (`block`) for anything that Kubo would not make of exactly these bytes: a folder, a part, a raw leaf.
    """
    # An own block is 0a len(..) 08 02, then 12 len data, then 18 len; encoding the data again proves the rest.
    at = _skip_varint(node, 1) + 2
    start = _skip_varint(node, at + 1)
    size = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(node[at + 1 : start]))
    data = node[start : start + size] if node[at : at + 1] == b"\x12" else b""
    if _leaf(data) != node or len(data) > CHUNK:
        raise BadInput(
            "block",
            "the block is not a file in one piece",
            why="a template is always one dag-pb block with a UnixFS file in it",
            fix="check the CID; it may name a folder or a longer file",
        )
    return data


def folder_cid(files: Mapping[str, bytes | Iterable[bytes]]) -> str:
    """The CIDv0 of a flat folder with these files: what a miner commits for the outputs of one task.

    A file comes whole, or in pieces of exactly `CHUNK` bytes with what is left in the last one. BadInput (`file-name`)
    for a name that is empty or holds a slash: IPFS would make it another folder.
    """
    links = b""
    for name in sorted(files, key=lambda n: n.encode("utf-8", "surrogatepass")):
        if name in ("", ".", "..") or "/" in name or "\0" in name:
            raise BadInput("file-name", f"{name!r} is not the name of a file", fix="use a plain name such as out-1.png")
        data = files[name]
        chunks = _chunks(data) if isinstance(data, bytes) else data
        links += field(2, _Part.of(*_tree(chunks)).link(name))
    return _base58(_hash(links + field(1, whole(1, _DIRECTORY))))


def from_multihash(value: str) -> str:
    """`0x1220..` as the engine keeps it -> `Qm..`; BadInput (`multihash`) for anything else."""
    digits = value.lower().removeprefix("0x")
    try:
        raw = bytes.fromhex(digits)
    except ValueError:
        raw = b""
    if len(raw) != 34 or len(digits) != 68 or not raw.startswith(_SHA256):
        raise BadInput(
            "multihash", f"{value[:80]!r} is not a sha2-256 multihash", fix="it is 0x1220 and 64 hexadecimal digits"
        )
    return _base58(raw)


def to_multihash(value: str) -> str:
    """`Qm..` -> `0x1220..`; BadInput (`cid`) for anything that is not a CIDv0."""
    number = 0
    for char in value if len(value) == 46 else "":
        digit = ALPHABET.find(char)
        if digit < 0:
            break
        number = number * 58 + digit
    raw = number.to_bytes(34, "big") if number.bit_length() <= 34 * 8 else b""
    if not raw.startswith(_SHA256) or _base58(raw) != value:
        raise BadInput(
            "cid",
            f"{value[:80]!r} is not a CIDv0",
            why="the engine keeps the sha2-256 of one UnixFS block, and only a CIDv0 names exactly that",
            fix="it is Qm and 44 more characters; add the file with --cid-version 0 if it starts with b",
        )
    return "0x" + raw.hex()


@dataclass(frozen=True, slots=True)
class _Part:
    """A node as its parent sees it: its multihash, the bytes of the file below it, and of all blocks below it."""

    hash: bytes
    content: int
    total: int

    @classmethod
    def of(cls, node: bytes, content: int, below: int = 0) -> _Part:
        return cls(_hash(node), content, len(node) + below)

    def link(self, name: str) -> bytes:
        return field(1, self.hash) + field(2, name.encode("utf-8", "surrogatepass")) + whole(3, self.total)


def _chunks(data: bytes) -> Iterable[bytes]:
    """The leaves of a file that is in memory."""
    return (data[start : start + CHUNK] for start in range(0, len(data), CHUNK))


def _tree(chunks: Iterable[bytes]) -> tuple[bytes, int, int]:
    """The root node of a file, the bytes of the file, and the sum of the blocks below the root."""
    leaf, level = _leaf(b""), list[_Part]()
    for chunk in chunks:
        leaf = _leaf(chunk)
        level.append(_Part.of(leaf, len(chunk)))
    if len(level) < 2:
        return leaf, sum(part.content for part in level), 0
    while len(level) > LINKS:
        level = [_Part.of(*_branch(level[start : start + LINKS])) for start in range(0, len(level), LINKS)]
    return _branch(level)


def _leaf(data: bytes) -> bytes:
    content = field(2, data) if data else b""
    return field(1, whole(1, _FILE) + content + whole(3, len(data)))


def _branch(parts: Sequence[_Part]) -> tuple[bytes, int, int]:
    """A node over these parts: its bytes, the content below it, the sum of the blocks below it."""
    content = sum(part.content for part in parts)
    unixfs = whole(1, _FILE) + whole(3, content) + b"".join(whole(4, part.content) for part in parts)
    links = b"".join(field(2, part.link("")) for part in parts)
    return links + field(1, unixfs), content, sum(part.total for part in parts)


def _hash(node: bytes) -> bytes:
    return _SHA256 + sha256(node).digest()


def _skip_varint(data: bytes, start: int) -> int:
    """Where the varint that begins at `start` is over."""
    while data[start : start + 1] and data[start] & 0x80:
        start += 1
    return start + 1


def _base58(raw: bytes) -> str:
    """Base58 as Bitcoin writes it. A multihash starts with 0x12, so leading zeros do not occur."""
    number, out = int.from_bytes(raw, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        out = ALPHABET[digit] + out
    return out
