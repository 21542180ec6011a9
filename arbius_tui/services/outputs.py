"""What a model returned, decoded and hashed while it comes in; 200 MB of output cost a few MB here.

A prediction is JSON with files as data URLs inside. `Sieve` reads it in pieces: every string that is a data URL is
decoded and hashed as it passes and leaves a short mark, everything else is kept. `outputs` walks the document that is
left. Files are named as miners name them, `out-1.png`, in the order of a list or of an object's sorted keys; the ending
follows the media type, or the first bytes where the server gave none (old Cogs write `data:None`).

    "data:image/png;base64,.."     a file         shape "string"
    "data:text/plain,a%20b"        a file         the same, percent-encoded
    ["data:..", "data:.."]         files          shape "list of 2"
    {"image": "data:..", "n": 1}   files, then what is no file as canonical JSON     shape "object of 2"
    "text", ["te", "xt"]           out-1.txt      shape "text", "text in 2 pieces"; the pieces are joined
    12, true, [1, 2]               out-1.json     shape "value", "list of 2"

With a folder the decoded bytes are written there as they pass, and `settled` gives each file the name of its output.
"""

from __future__ import annotations

import binascii
import hashlib
import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote_to_bytes

from arbius_tui.services.ports import Output

HEAD = 512
"""First bytes of an output that are kept, enough to recognise a format and the size of a picture."""

LONGEST_HEADER = 256
DATA_URL = re.compile(rb'data:[^",\s]*;base64,', re.IGNORECASE)
NONCE = secrets.token_hex(8)
"""Part of each mark: no server can send a text that passes for one."""

MARK = re.compile(rf"data:([^,]*);base64,#{NONCE}-([0-9]+)", re.IGNORECASE)
INLINE = re.compile(r"data:((?:[^,;/\s]+/[^,;/\s]+)?(?:;[^,;\s]+)*?)(;base64)?,(.*)", re.IGNORECASE | re.DOTALL)
"""A data URL that is no mark: percent-encoded, or base64 that JSON escapes hid from the sieve."""

SPECIAL = re.compile(rb'["\\]')
BRACKET = re.compile(rb"[\[\]{}]")
DEEPEST = 100
LONGEST_ESCAPE = 6
ESCAPE = re.compile(rb"\\(?:u[0-9a-fA-F]{4}|.)", re.DOTALL)
LINK = re.compile(r"[a-z][a-z0-9+.-]*://\S+$|data:[^,\s]*;base64,", re.IGNORECASE)
MIME = re.compile(r"[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*")

SAME = {"image/jpg": "image/jpeg", "audio/x-wav": "audio/wav", "audio/wave": "audio/wav", "audio/x-flac": "audio/flac"}
ENDINGS = {
    "image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif", "image/svg+xml": "svg",
    "image/bmp": "bmp", "image/tiff": "tiff", "image/avif": "avif",
    "video/mp4": "mp4", "video/webm": "webm", "video/quicktime": "mov", "video/x-matroska": "mkv",
    "audio/mpeg": "mp3", "audio/wav": "wav", "audio/ogg": "ogg", "audio/flac": "flac", "audio/mp4": "m4a",
    "audio/m4a": "m4a", "text/plain": "txt", "text/html": "html", "text/csv": "csv", "application/json": "json",
    "application/pdf": "pdf", "application/zip": "zip", "application/gzip": "gz", "model/gltf-binary": "glb",
}  # fmt: skip
"""Our own table: Python's differs between versions and with the machine's /etc/mime.types."""

MAGIC = (
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"), (b"\xff\xd8\xff", 0, "image/jpeg"), (b"GIF8", 0, "image/gif"),
    (b"WEBP", 8, "image/webp"), (b"ftypavif", 4, "image/avif"), (b"ftypqt", 4, "video/quicktime"),
    (b"ftypM4A", 4, "audio/mp4"), (b"ftyp", 4, "video/mp4"), (b"\x1aE\xdf\xa3", 0, "video/webm"),
    (b"WAVE", 8, "audio/wav"), (b"ID3", 0, "audio/mpeg"), (b"OggS", 0, "audio/ogg"), (b"fLaC", 0, "audio/flac"),
    (b"glTF", 0, "model/gltf-binary"), (b"%PDF-", 0, "application/pdf"), (b"PK\x03\x04", 0, "application/zip"),
    (b"\x1f\x8b", 0, "application/gzip"),
)  # fmt: skip
"""First bytes of a format, where they stand, and its media type; the first that fits counts."""


class Broken(Exception):
    """What came is not what a Cog server sends; the message is a clause."""


class NoOutput(Exception):
    """The model returned nothing; the message is a clause."""


@dataclass(slots=True)
class Payload:
    """One data URL on its way through: base64 in pieces of any size -> a hash, a size and the first bytes.

    With a `file` the decoded bytes go there, too; it is closed at the end.
    """

    digest: Any = field(default_factory=hashlib.sha256)
    size: int = 0
    head: bytes = b""
    file: BinaryIO | None = None
    _rest: bytes = b""
    _padded: bool = False

    def feed(self, data: bytes) -> None:
        """Decode some more, in whole groups of four characters."""
        data = self._rest + data
        whole = len(data) - len(data) % 4
        self._rest = data[whole:]
        if whole:
            self._add(data[:whole])

    def end(self) -> None:
        """The string is over; Broken when the last group is not whole."""
        if self.file:
            self.file.close()
        if self._rest:
            raise Broken("a file is cut off in the middle of its base64")

    def _add(self, groups: bytes) -> None:
        if self._padded:
            raise Broken("a file goes on after the end of its base64")
        # As strict as binascii.a2b_base64(strict_mode=True), and 25 times as fast, which is most of what a file costs.
        from pybase64 import b64decode

        try:
            data = b64decode(groups, validate=True)
        except binascii.Error:
            raise Broken("a file is not valid base64") from None
        self._padded = groups.endswith(b"=")
        self.add(data)

    def add(self, data: bytes) -> None:
        """Take some more bytes of the file itself."""
        self.digest.update(data)
        if self.file:
            self.file.write(data)
        self.size += len(data)
        if len(self.head) < HEAD:
            self.head = (self.head + data)[:HEAD]


class Sieve:
    """Takes JSON in pieces, keeps it without the contents of its data URLs; those become `payloads`.

    `keep` bounds what is kept (text, logs), in bytes. Broken for invalid base64 and for text beyond that bound. In
    `folder`, if there is one, each payload lies as `part-N`; an OSError comes through from there.
    """

    def __init__(self, keep: int = 64 * 1024 * 1024, folder: Path | None = None) -> None:
        self.kept = bytearray()
        self.payloads: list[Payload] = []
        self.folder = folder
        self._keep = keep
        self._held = b""
        self._depth = 0
        self._state = self._outside

    def feed(self, data: bytes) -> None:
        """Take the next piece."""
        data, self._held = self._held + data, b""
        at = 0
        while at < len(data):
            after = self._state(data, at)
            if after < 0:
                self._held = data[at:]
                break
            at = after
        if len(self.kept) + len(self._held) > self._keep:
            raise Broken(f"it has more than {self._keep // 1024 // 1024} MiB besides its files")

    def close(self) -> None:
        """Close what is still open after an answer that broke off."""
        for payload in self.payloads:
            if payload.file:
                payload.file.close()

    def end(self) -> Any:
        """The document; Broken when it is no JSON."""
        if self._held or self._state != self._outside:
            self.kept += self._held
            raise Broken("it ends in the middle")
        try:
            document = json.loads(self.kept)
        except ValueError:
            raise Broken("it is no JSON") from None
        if isinstance(document, dict) and "output" in document:
            document["output"] = self._inlined(document["output"])
        return document

    def open(self, mime: str) -> tuple[Payload, str]:
        """One more payload, to be fed from elsewhere, and the mark that stands for it in a document."""
        number = len(self.payloads)
        payload = Payload(file=part(self.folder, number).open("xb") if self.folder else None)
        self.payloads.append(payload)
        return payload, marked(mime, number)

    def _inlined(self, value: Any) -> Any:
        """The value with a mark for each data URL that is still a text."""
        if isinstance(value, dict):
            return {key: self._inlined(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self._inlined(part) for part in value]
        if not isinstance(value, str) or MARK.fullmatch(value) or not (found := INLINE.fullmatch(value)):
            return value
        payload, mark = self.open(found[1])
        data = found[3].encode("utf-8", "surrogatepass")
        if found[2]:
            payload.feed(data)
        else:
            payload.add(unquote_to_bytes(data))
        payload.end()
        return mark

    # Each state takes the data from `at`, and gives where it stopped, or -1 to see more first.

    def _outside(self, data: bytes, at: int) -> int:
        quote = data.find(b'"', at)
        self._depth = depth(data[at:] if quote < 0 else data[at:quote], self._depth)
        if quote < 0:
            self.kept += data[at:]
            return len(data)
        self.kept += data[at : quote + 1]
        self._state = self._begin
        return quote + 1

    def _begin(self, data: bytes, at: int) -> int:
        start = data[at : at + LONGEST_HEADER]
        if found := DATA_URL.match(start):
            _, mark = self.open("")
            self.kept += found[0] + mark.partition(",")[2].encode()
            self._state = self._inside
            return at + found.end()
        if len(start) < LONGEST_HEADER and b'"' not in start and b"data:".startswith(start[:5].lower()):
            return -1
        self._state = self._text
        return at

    def _text(self, data: bytes, at: int) -> int:
        found = SPECIAL.search(data, at)
        if found is None:
            self.kept += data[at:]
            return len(data)
        if found[0] == b"\\":
            if found.end() == len(data):
                self.kept += data[at : found.start()]
                return found.start() if found.start() > at else -1
            self.kept += data[at : found.end() + 1]
            return found.end() + 1
        self.kept += data[at : found.end()]
        self._state = self._outside
        return found.end()

    def _inside(self, data: bytes, at: int) -> int:
        payload, quote = self.payloads[-1], data.find(b'"', at)
        stop = len(data) if quote < 0 else quote
        if (slash := data.find(b"\\", at, stop)) >= 0:
            payload.feed(data[at:slash])
            if quote < 0 and stop - slash < LONGEST_ESCAPE:
                return slash if slash > at else -1
            escape = ESCAPE.match(data, slash, stop)
            try:
                payload.feed(json.loads(b'"%s"' % (escape[0] if escape else b"\\")).encode("ascii"))
            except ValueError:
                raise Broken("a file is not valid base64") from None
            return escape.end() if escape else stop
        payload.feed(data[at:stop])
        if quote < 0:
            return stop
        payload.end()
        self.kept += b'"'
        self._state = self._outside
        return quote + 1


def marked(mime: str, number: int) -> str:
    """The mark that stands for a payload in a document."""
    return f"data:{mime};base64,#{NONCE}-{number}"


def depth(between: bytes, now: int = 0) -> int:
    """How deep JSON is nested after these bytes without strings; Broken beyond `DEEPEST`.

    Python's own limit is not the same in every process, and where somebody lifted it, nesting ends the process.
    """
    for bracket in BRACKET.finditer(between):
        now += 1 if bracket[0] in b"[{" else -1
        if now > DEEPEST:
            raise Broken(f"it is nested more than {DEEPEST} deep")
    return now


def outputs(value: Any, payloads: list[Payload], *, pieces: bool = True) -> tuple[tuple[Output, ...], str]:
    """The outputs in a sieved document's `output`, and its shape in words.

    `pieces`: strings in a list are pieces of one text (an iterator's), not texts of their own. Broken, or NoOutput when
    there is nothing to hash.
    """
    files, rest = split(value, payloads, pieces)
    made = [named(number, payload, mime) for number, (mime, payload) in enumerate(files, 1)]
    made += [text(len(made) + number, said, mime) for number, (said, mime) in enumerate(plain(rest, pieces), 1)]
    if not made:
        raise NoOutput("the model returned nothing" if value is None else "the model returned an empty output")
    if any(not output.bytes for output in made):
        raise NoOutput("the model returned an empty file" if files else "the model returned an empty text")
    return tuple(made), shape(value, bool(files), pieces)


def part(folder: Path, number: int) -> Path:
    """Where a payload lies before its output has a name."""
    return folder / f"part-{number}"


def settled(value: Any, sieve: Sieve, folder: Path, *, pieces: bool = True) -> tuple[Output, ...]:
    """The outputs as files in the folder, under their own names; what belongs to none is removed. OSError as it comes.

    The order of the payloads in the answer may be another than that of the outputs: an object's keys are sorted.
    """
    made, _ = outputs(value, sieve.payloads, pieces=pieces)
    files, rest = split(value, sieve.payloads, pieces)
    texts = [said for said, _ in plain(rest, pieces)]
    placed: list[Output] = []
    for output, (_, payload) in zip(made, files, strict=False):
        number = next(n for n, known in enumerate(sieve.payloads) if known is payload)
        path = folder / output.filename
        part(folder, number).replace(path)
        placed.append(replace(output, path=str(path)))
    for output, said in zip(made[len(files) :], texts, strict=True):
        path = folder / output.filename
        path.write_bytes(said.encode("utf-8", "surrogatepass"))
        placed.append(replace(output, path=str(path)))
    for left in folder.glob("part-*"):
        left.unlink()
    return tuple(placed)


Found = list[tuple[str, Payload]]


def split(value: Any, payloads: list[Payload], pieces: bool) -> tuple[Found, Any]:
    """The files in a value in their order, and the value with their names in place of them (None when only files)."""
    files: Found = []

    def walk(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: walk(part[key]) for key in sorted(part)}
        if isinstance(part, list):
            return [walk(item) for item in part]
        if isinstance(part, str) and (mark := MARK.fullmatch(part)):
            mime, payload = mark[1], payloads[int(mark[2])]
            files.append((mime, payload))
            return Placed(f"out-{len(files)}.{ending(media(mime, payload.head))}")
        if isinstance(part, str):
            refuse_link(part)
        return part

    if pieces and are_texts(value):
        return files, value or None
    rest = walk(value)
    return files, rest if any_left(rest) else None


class Placed(str):
    """The name of a file where the file was."""

    __slots__ = ()


def any_left(value: Any) -> bool:
    """Whether anything in a value is neither a file nor nothing."""
    if isinstance(value, dict):
        return any(any_left(part) for part in value.values())
    if isinstance(value, list):
        return any(any_left(part) for part in value)
    return value is not None and not isinstance(value, Placed)


def plain(rest: Any, pieces: bool) -> Iterator[tuple[str, str]]:
    """What is no file, as texts with their media types: text itself, pieces joined, all else as canonical JSON."""
    if rest is None:
        return
    if isinstance(rest, str):
        yield rest, "text/plain"
    elif are_texts(rest):
        yield from [("".join(rest), "text/plain")] if pieces else [(part, "text/plain") for part in rest]
    else:
        yield json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False), "application/json"


def are_texts(value: Any) -> bool:
    """Whether a value is a list of strings of which none is or was a file."""
    if not isinstance(value, list):
        return False
    return all(isinstance(p, str) and not isinstance(p, Placed) and not MARK.fullmatch(p) for p in value)


def named(number: int, payload: Payload, mime: str) -> Output:
    """A file under the name a miner gives it."""
    kind = media(mime, payload.head)
    return Output(f"out-{number}.{ending(kind)}", kind, payload.size, payload.digest.hexdigest(), payload.head)


def text(number: int, part: str, mime: str) -> Output:
    """A text as an output of its own, as UTF-8."""
    refuse_link(part)
    data = part.encode("utf-8", "surrogatepass")
    return Output(f"out-{number}.{ENDINGS[mime]}", mime, len(data), hashlib.sha256(data).hexdigest(), data[:HEAD])


def refuse_link(part: str) -> None:
    """Broken for a text that is nothing but a link; those that may be followed have been, see `links`."""
    if LINK.match(part):
        raise Broken("it holds a link instead of the output itself, and a link proves nothing")


def media(declared: str, head: bytes) -> str:
    """The media type: as declared if that says anything, else by the first bytes. `data:None` says nothing."""
    kind = declared.partition(";")[0].strip().lower()
    kind = SAME.get(kind, kind)
    if MIME.fullmatch(kind) and kind != "application/octet-stream":
        return kind
    return next((mime for magic, at, mime in MAGIC if head.startswith(magic, at)), "application/octet-stream")


def ending(mime: str) -> str:
    """The ending of a file of this media type, `bin` for one we do not know."""
    return ENDINGS.get(mime, "bin")


def shape(value: Any, files: bool, pieces: bool) -> str:
    """The shape of the output in words, see the top of this file."""
    if isinstance(value, list):
        joined = not files and pieces and all(isinstance(part, str) for part in value)
        return f"text in {len(value)} pieces" if joined else f"list of {len(value)}"
    if isinstance(value, dict):
        return f"object of {len(value)}"
    if isinstance(value, str):
        return "string" if files else "text"
    return "value"
