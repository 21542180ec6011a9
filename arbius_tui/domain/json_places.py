"""Where the values of a JSON text stand: a JSON pointer (RFC 6901) followed into the text.

The text must be valid JSON. What is beside the way is skipped by the decoder of the standard library, so that a place
in a file of 64 KiB is found in about a millisecond.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NoReturn

from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.text import clean

_SPACE = re.compile(r"[ \t\n\r]*")
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str)
"""Numbers stay text: one of thousands of digits could not be made a number, and none of them is looked at."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A member of an object or an item of an array: the text of its value is `text[start:end]`.

    `key_end` is where a member's key ends; an item's key is empty, and `begin`, `key_end` and `start` are the same.
    """

    key: str
    begin: int
    key_end: int
    start: int
    end: int


def way(pointer: str) -> list[str]:
    """The parts of a pointer; BadInput (`patch-place`) where it is none."""
    if pointer and not pointer.startswith("/"):
        lost(pointer)
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def pointer(*parts: str | int) -> str:
    """The parts as a pointer."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def lost(place: str) -> NoReturn:
    """There is nothing at this pointer."""
    shown = clean(place).replace("\n", " ")[:80]
    raise BadInput(
        "patch-place",
        f"the template has no place {shown or 'of that kind'}",
        why="it was changed after this was offered; nothing was written",
        fix="check the template again, then choose the fix that fits it now",
    )


def skip(text: str, at: int) -> int:
    """The first place from here that is no white space."""
    found = _SPACE.match(text, at)
    return found.end() if found else at


def slots(text: str, opening: int) -> Iterator[Slot]:
    """The members or items of the object or array that opens here, one after the other."""
    for key, begin, key_end, start in _starts(text, opening):
        yield Slot(key, begin, key_end, start, end(text, start))


def _starts(text: str, opening: int) -> Iterator[tuple[str, int, int, int]]:
    """As `slots`, without the end: what nobody looks behind is not decoded."""
    closing = "}" if text[opening] == "{" else "]"
    at = skip(text, opening + 1)
    while text[at] != closing:
        key, begin, key_end = "", at, at
        if closing == "}":
            key, key_end = _DECODER.raw_decode(text, at)
            at = skip(text, skip(text, key_end) + 1)
        yield key, begin, key_end, at
        at = skip(text, end(text, at))
        if text[at] == ",":
            at = skip(text, at + 1)


def end(text: str, start: int) -> int:
    """Where the value that begins here ends."""
    return int(_DECODER.raw_decode(text, start)[1])


def start(text: str, parts: Sequence[str]) -> int:
    """Where the value at a pointer's parts begins; BadInput (`patch-place`) where there is none."""
    at = skip(text, 0)
    for part in parts:
        child = _child(text, at, part)
        at = lost(pointer(*parts)) if child is None else child[3]
    return at


def find(text: str, parts: Sequence[str]) -> Slot:
    """The value at a pointer's parts; BadInput (`patch-place`) where there is none."""
    if not parts:
        at = skip(text, 0)
        return Slot("", at, at, at, end(text, at))
    child = _child(text, start(text, parts[:-1]), parts[-1]) or lost(pointer(*parts))
    return Slot(*child, end(text, child[3]))


def _child(text: str, opening: int, part: str) -> tuple[str, int, int, int] | None:
    if text[opening] == "{":
        return next((found for found in _starts(text, opening) if found[0] == part), None)
    if text[opening] == "[" and _INDEX.fullmatch(part):
        return next(islice(_starts(text, opening), int(part), None), None)
    return None


def position(known: Sequence[Slot], part: str, is_object: bool) -> int | None:
    """Which of the slots a pointer's last part names, or None."""
    if is_object:
        return next((at for at, slot in enumerate(known) if slot.key == part), None)
    return int(part) if _INDEX.fullmatch(part) and int(part) < len(known) else None


def index(part: str, count: int) -> int | None:
    """The place in an array of `count` items at which `part` inserts (`-` is the end), or None."""
    if part == "-":
        return count
    return int(part) if _INDEX.fullmatch(part) and int(part) <= count else None


def value_at(document: Any, place: str) -> Any:
    """The value at a pointer of a parsed document; BadInput (`patch-place`) where there is none."""
    for part in way(place):
        if isinstance(document, dict) and part in document:
            document = document[part]
        elif isinstance(document, list) and _INDEX.fullmatch(part) and int(part) < len(document):
            document = document[int(part)]
        else:
            lost(place)
    return document
