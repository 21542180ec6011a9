"""JSON Pointer (RFC 6901) and the four operations of JSON Patch (RFC 6902) that an edit of a template is made of.

A document is never changed: `patched` gives a new one that shares every part that stayed as it was, so that an edit of
one row of five hundred costs one row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from arbius_tui.domain.errors import BadInput

Operation: TypeAlias = tuple[str, str, Any]
"""(op, path, value): add, remove (value None), replace, or move (value: the pointer it comes from)."""
Patch: TypeAlias = Sequence[Operation]
OPERATIONS = ("add", "remove", "replace", "move")


def tokens(pointer: str) -> list[str]:
    """The keys of a pointer: `/input/0/min` is input, 0, min; BadInput (`patch-path`) for one without its slash."""
    if pointer and not pointer.startswith("/"):
        raise bad("patch-path", f"{pointer[:80]!r} is no JSON pointer", "begin it with /, e.g. /input/0/min")
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def pointer(*parts: object) -> str:
    """The pointer of these keys."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def value_at(document: Any, path: str, default: Any = None) -> Any:
    """What stands at a pointer; `default` where there is nothing."""
    found = document
    for key in tokens(path):
        if isinstance(found, Mapping) and key in found:
            found = found[key]
        elif isinstance(found, list) and key.isascii() and key.isdigit() and int(key) < len(found):
            found = found[int(key)]
        else:
            return default
    return found


def patched(document: Any, patch: Patch) -> Any:
    """The document after these operations, in order; BadInput when one does not fit, and then none is applied."""
    for op, path, value in patch:
        if op == "move":
            moved = value_at(document, str(value), _NOTHING)
            if moved is _NOTHING:
                raise missing(str(value))
            if path == value:
                continue
            document = changed(changed(document, tokens(str(value)), "remove", None), tokens(path), "add", moved)
        elif op in OPERATIONS:
            document = changed(document, tokens(path), op, value)
        else:
            raise bad("patch-op", f"{str(op)[:40]!r} is no operation", f"it is one of {', '.join(OPERATIONS)}")
    return document


def changed(part: Any, keys: list[str], op: str, value: Any) -> Any:
    """A copy of `part` in which the place that `keys` lead to is changed."""
    if not keys:
        if op == "remove":
            raise missing("")
        return value
    key, *rest = keys
    if isinstance(part, Mapping):
        copy = dict(part)
        if (rest or op != "add") and key not in copy:
            raise missing(key)
        if not rest and op == "remove":
            del copy[key]
        else:
            copy[key] = changed(copy.get(key), rest, op, value)
        return copy
    if isinstance(part, list):
        return changed_list(part, key, rest, op, value)
    raise missing(key)


def changed_list(part: list[Any], key: str, rest: list[str], op: str, value: Any) -> list[Any]:
    """The same for an array; `-` is the place after its last element."""
    adding = op == "add" and not rest
    place = place_in(part, key, adding)
    copy = list(part)
    if adding:
        copy.insert(place, value)
    elif not rest and op == "remove":
        del copy[place]
    else:
        copy[place] = changed(copy[place], rest, op, value)
    return copy


def place_in(part: Sequence[Any], key: str, adding: bool) -> int:
    """The index that a key of a pointer means."""
    if adding and key == "-":
        return len(part)
    if not (key.isascii() and key.isdigit()) or (len(key) > 1 and key[0] == "0") or len(key) > 9:
        raise missing(key)
    if int(key) >= len(part) + adding:
        raise missing(key)
    return int(key)


def shifted(texts: Mapping[str, str], document: Any, patch: Patch) -> dict[str, str]:
    """Texts by pointer, as they are called after these operations; those of what is removed are gone.

    `document` is the one before. Used for what was typed and is not valid yet: it stays with its row.
    """
    found = dict(texts)
    for op, path, value in patch:
        if found:
            found = shifted_once(found, document, op, path, value)
            document = patched(document, [(op, path, value)]) if len(patch) > 1 else document
    return found


def shifted_once(texts: Mapping[str, str], document: Any, op: str, path: str, value: Any) -> dict[str, str]:
    """The same for one operation."""
    if op == "move":
        source = str(value)
        carried = {path + key[len(source) :]: text for key, text in texts.items() if below(key, source)}
        rest = shifted_once(texts, document, "remove", source, None)
        return shifted_once(rest, patched(document, [("remove", source, None)]), "add", path, None) | carried
    parent, _, last = path.rpartition("/")
    inside = isinstance(value_at(document, parent), list)
    if not inside or op == "replace":
        return {key: text for key, text in texts.items() if not below(key, path)}
    index = len(value_at(document, parent)) if last == "-" else int(last)
    found: dict[str, str] = {}
    for key, text in texts.items():
        if not below(key, parent) or key == parent:
            found[key] = text
            continue
        here, slash, rest_of = key[len(parent) + 1 :].partition("/")
        if not here.isdigit():  # `-`: what was typed for a new element, and is one now if this is what adds it
            found |= {} if op == "add" and last == "-" else {key: text}
            continue
        number = int(here)
        if op == "remove" and number == index:
            continue
        if number >= index:
            number += 1 if op == "add" else -1
        found[f"{parent}/{number}{slash}{rest_of}"] = text
    return found


def below(key: str, path: str) -> bool:
    """Whether a pointer is this one or leads into it."""
    return key == path or key.startswith(path + "/")


_NOTHING = object()


def missing(key: str) -> BadInput:
    """A place that the document does not have."""
    return bad("patch-path", f"the template has no {key[:80]!r}", "name a place that is there")


def bad(code: str, what: str, fix: str) -> BadInput:
    """An operation that cannot be done."""
    return BadInput(code, what, why="nothing was changed", fix=fix)
