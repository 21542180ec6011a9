"""Edits of a template that leave the rest of the file as its author wrote it, to the byte.

An edit is a JSON Patch (RFC 6902: add, remove, replace, move, copy) on the file's text. Indentation, order of keys,
spacing, the spelling of numbers, escapes, line ends and the end of the file stay; what is new is laid out as its
neighbours are. So a canonical file stays canonical, and one from elsewhere stays in its author's hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from arbius_tui.domain import json_places as places
from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.json_places import Slot
from arbius_tui.domain.template import ORDER, Template, ordered, value_of, written

Operation = tuple[str, str, Any]
"""(op, path, value): op is add, remove, replace, move or copy; the value of a move or copy is where it comes from."""

META_KEYS = ("title", "description", "git", "docker", "version")
ROW_KEYS = ("variable", "type", "required", "choices", "min", "max", "default", "description")
OUTPUT_KEYS = ("filename", "type")
"""The order in which the registered templates have their keys."""

_LINE = re.compile(r"[ \t]*")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"(\s*:\s*)?|([ \t]{0,8}+,)(\s*)|([\[{])(\s*)([\[{\]}]?)')


def rewrite(data: bytes, patch: Iterable[Operation]) -> bytes:
    """The bytes with the patch applied, operation by operation.

    TemplateInvalid where the bytes cannot be read as a template, or could not be read afterwards; BadInput where the
    patch does not fit. A file may be bigger than the engine takes: an edit may be what makes it smaller.
    """
    return edited(Template.read(data), patch).data


def edited(template: Template, patch: Iterable[Operation]) -> Template:
    """`rewrite` for a template that is already read; the new template is read only once."""
    before = template.data.decode("utf-8")
    text = before
    for operation in patch:
        text = _apply(text, operation)
    # Half a surrogate pair, which UTF-8 cannot hold, can only come from a new value; it becomes its JSON escape.
    return template if text == before else Template.read(text.encode("utf-8", "backslashreplace"))


def laid_out(value: Any) -> str:
    """A value with one item a line, to be read and compared by a person."""
    return _laid(value, _Style(indent="  ").filled(), "")


def _apply(text: str, operation: Operation) -> str:
    op, path, value = operation
    parts = places.way(path)
    if op in ("move", "copy"):
        return _from(text, op, places.way(str(value)), parts)
    if op == "remove":
        return _remove(text, parts)
    if op == "replace":
        return _replace(text, parts, value)
    if op == "add":
        return _add(text, parts, _new(value))
    raise BadInput("patch-operation", f"a patch has no operation {op!r}", fix="use add, remove, replace, move or copy")


# --- how the author writes ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Style:
    """How a text lays out its values. `indent` is one more level, None where all stands in one line."""

    colon: str = ""
    comma: str = ""
    indent: str | None = None
    newline: str = "\n"
    lists: bool | None = None
    """Whether an array of plain values stands in one line; None where there is none to see it from."""

    def filled(self) -> _Style:
        """With what is usual in place of what was not seen."""
        if self.indent is not None:
            return replace(self, colon=self.colon or ": ", comma=self.comma or ", ", lists=bool(self.lists))
        return replace(self, colon=self.colon or ":", comma=self.comma or ",")


Styled = Callable[[], _Style]
"""A style that is looked for only where it is needed: that takes as long as the text is."""
Render = Callable[[Styled, str], str]
"""The text of a value, in a style, for a line of this indentation."""


def _style(text: str, base: str = "") -> _Style:
    """The style of a value's text; `base` is the indentation of the line it begins in."""
    colon = comma = ""
    indent: str | None = None
    lists: bool | None = None
    for token in _TOKEN.finditer(text):
        breaks = "\n" in (token[1] or token[3] or token[5] or "")
        if token[1] and not breaks:
            colon = colon or token[1]
        elif token[2] and not breaks:
            comma = comma or token[2] + token[3]
        elif token[4] and token[6] not in ("]", "}"):
            if breaks and indent is None:
                indent = _deeper(token[5].rpartition("\n")[2], _indentation(text, token.start(), base))
            if token[4] == "[" and not token[6] and lists is None:
                lists = not breaks
        if colon and (comma if "\n" not in text else indent is not None and (lists is False or (lists and comma))):
            break  # the rest could only say the same
    return _Style(colon, comma, indent, "\r\n" if "\r\n" in text else "\n", lists)


def _deeper(inner: str, outer: str) -> str:
    """What an inner line is indented more than the outer one."""
    return inner[len(outer) :] if inner.startswith(outer) else ""


def _indentation(text: str, at: int, base: str = "") -> str:
    """The indentation of the line that has this place; of the first line it is `base`."""
    start = text.rfind("\n", 0, at) + 1
    found = _LINE.match(text, start, at) if start else None
    return found[0] if found else base


def _laid(value: Any, style: _Style, base: str) -> str:
    """A value as text; `base` is the indentation of the line it begins in."""
    if not isinstance(value, Mapping | list | tuple):
        return written(value)
    is_object = isinstance(value, Mapping)
    deeper = base + (style.indent or "")
    if isinstance(value, Mapping):
        parts = [written(key) + style.colon + _laid(part, style, deeper) for key, part in value.items()]
    else:
        parts = [_laid(part, style, deeper) for part in value]
    left, right = "{}" if is_object else "[]"
    flat = not is_object and style.lists and not any(isinstance(part, Mapping | list | tuple) for part in value)
    if not parts or style.indent is None or flat:
        return left + style.comma.join(parts) + right
    inner, outer = style.newline + deeper, style.newline + base
    return left + inner + ("," + inner).join(parts) + outer + right


def _new(value: Any) -> Render:
    plain = not isinstance(value, Mapping | list | tuple)
    return lambda style, base: written(value) if plain else _laid(value, style(), base)


def _moved(text: str, slot: Slot) -> Render:
    """A value that stands elsewhere already: its own text, its further lines indented for the new place."""
    before, raw = _indentation(text, slot.start), text[slot.start : slot.end]
    return lambda style, base: raw.replace("\n" + before, "\n" + base) if before != base else raw


# --- the operations ----------------------------------------------------------------------------------------------


def _replace(text: str, parts: Sequence[str], value: Any) -> str:
    """Another value; the same one keeps the author's spelling."""
    slot = places.find(text, parts)
    if not parts:
        value = ordered(value) if isinstance(value, Mapping) else value
    return text[: slot.start] + _over(text, slot, value) + text[slot.end :]


def _over(text: str, slot: Slot, value: Any) -> str:
    """The text of a value that takes another's place."""
    old = text[slot.start : slot.end]
    if _same(old, value):
        return old
    if not isinstance(value, Mapping | list | tuple):
        return written(value)
    base = _indentation(text, slot.start)
    like = old[0] == ("{" if isinstance(value, Mapping) else "[") and len(old.strip("{[ \t\r\n]}")) > 0
    return _laid(value, _near(text, slot if like else None), base)


def _same(old: str, value: Any) -> bool:
    """Whether the text already says this value, in whatever spelling; 1.0 is not 1, since somebody wrote it so."""
    return written(value_of(old)) == written(value)


def _remove(text: str, parts: Sequence[str]) -> str:
    """Without the member or item, and without one of the commas beside it."""
    if not parts:
        places.lost("")
    opening, known = _inside(text, parts)
    at = places.position(known, parts[-1], text[opening] == "{")
    if at is None:
        places.lost(places.pointer(*parts))
    if len(known) == 1:
        return text[: opening + 1] + text[places.end(text, opening) - 1 :]
    if at == 0:
        return text[: known[0].begin] + text[known[1].begin :]
    return text[: known[at - 1].end] + text[known[at].end :]


def _inside(text: str, parts: Sequence[str]) -> tuple[int, list[Slot]]:
    """Where the container of a place opens, and what it has."""
    opening = places.start(text, parts[:-1])
    if text[opening] not in "{[":
        places.lost(places.pointer(*parts))
    return opening, list(places.slots(text, opening))


def _add(text: str, parts: Sequence[str], render: Render) -> str:
    """A new item at its index, or a member at the place its key usually has; a member that is there is replaced."""
    if not parts:
        slot = places.find(text, parts)
        return text[: slot.start] + render(lambda: _near(text, slot), "") + text[slot.end :]
    opening, known = _inside(text, parts)
    if text[opening] == "[":
        at = places.index(parts[-1], len(known))
        if at is None:
            places.lost(places.pointer(*parts))
        return _insert(text, opening, known, at, "", render)
    there = places.position(known, parts[-1], True)
    if there is None:
        at = _usual_place([slot.key for slot in known], parts)
        return _insert(text, opening, known, at, written(parts[-1]), render)
    slot = known[there]
    return text[: slot.start] + render(lambda: _near(text, slot), _indentation(text, slot.start)) + text[slot.end :]


def _insert(text: str, opening: int, known: Sequence[Slot], at: int, key: str, render: Render) -> str:
    """A member (with the text of its key) or an item between those that are there."""
    if not known:
        return _fill(text, opening, key, render)

    def style() -> _Style:
        around = Slot("", opening, opening, opening, places.end(text, opening))
        return _near(text, around if key else _neighbour(text, known, at))

    gap = _gap(text, opening, known, at, style)
    broken = gap.rfind("\n")
    base = gap[broken + 1 :] if broken >= 0 else _indentation(text, known[max(at - 1, 0)].end)
    new = (key + text[known[0].key_end : known[0].start] if key else "") + render(style, base)
    if at == 0:
        return text[: known[0].begin] + new + gap + text[known[0].begin :]
    end = known[at - 1].end
    return text[:end] + gap + new + text[end:]


def _fill(text: str, opening: int, key: str, render: Render) -> str:
    """The first of a container that was empty."""
    style = _near(text, None)
    base = _indentation(text, opening)
    deeper = base + (style.indent or "")
    new = (key + style.colon if key else "") + render(lambda: style, deeper)
    apart = style.indent is not None and (key or new[0] in "{[" or not style.lists)
    inside = f"{style.newline}{deeper}{new}{style.newline}{base}" if apart else new
    return text[: opening + 1] + inside + text[places.end(text, opening) - 1 :]


def _gap(text: str, opening: int, known: Sequence[Slot], at: int, style: Styled) -> str:
    """What stands between the new one and the one beside it: as between the others, with the comma."""
    if len(known) > 1:
        first = min(max(at - 1, 0), len(known) - 2)
        return text[known[first].end : known[first + 1].begin]
    lead = text[opening + 1 : known[0].begin]
    return "," + lead if "\n" in lead else style().comma


def _neighbour(text: str, known: Sequence[Slot], at: int) -> Slot | None:
    """An object or array beside this place, to lay out a new one like it."""
    beside = [*known[max(at - 1, 0) : at], *known[at : at + 1]]
    return next((slot for slot in beside if text[slot.start] in "{[" and slot.end - slot.start > 2), None)


def _near(text: str, slot: Slot | None) -> _Style:
    """The style of a value, and of the whole text in what the value does not show."""
    if slot is None:
        return _style(text).filled()
    raw = text[slot.start : slot.end]
    own = _style(raw, _indentation(text, slot.start))
    if own.colon and (own.comma if own.indent is None else own.lists is not None):
        return own.filled()
    whole = _style(text)
    indent = whole.indent if own.indent is None and "\n" in raw else own.indent
    lists = whole.lists if own.lists is None else own.lists
    return _Style(own.colon or whole.colon, own.comma or whole.comma, indent, whole.newline, lists).filled()


def _usual_place(keys: Sequence[str], parts: Sequence[str]) -> int:
    """Where a new key goes: behind those that usually stand before it, else before those that stand behind it."""
    order = _order(parts)
    if parts[-1] not in order:
        return len(keys)
    rank = order.index(parts[-1])
    before = [at for at, key in enumerate(keys) if key in order[:rank]]
    behind = [at for at, key in enumerate(keys) if key in order[rank + 1 :]]
    if before:
        return before[-1] + 1
    if len(parts) == 1:
        return 0  # canonical form has its known keys before all others
    return behind[0] if behind else len(keys)


def _order(parts: Sequence[str]) -> tuple[str, ...]:
    if len(parts) == 1:
        return ORDER
    if len(parts) == 2:
        return META_KEYS if parts[0] == "meta" else ()
    return {"input": ROW_KEYS, "output": OUTPUT_KEYS}.get(parts[0], ()) if len(parts) == 3 else ()


# --- move and copy -----------------------------------------------------------------------------------------------


def _from(text: str, op: str, source: Sequence[str], target: Sequence[str]) -> str:
    """A value from one place to another, in its author's spelling."""
    slot = places.find(text, source)
    if op == "copy":
        return _add(text, target, _moved(text, slot))
    if list(source) == list(target):
        return text
    if list(target[: len(source)]) == list(source):
        places.lost(places.pointer(*target))
    if list(source[:-1]) == list(target[:-1]):
        opening, known = _inside(text, source)
        if text[opening] == "[":
            return _turned(text, known, int(source[-1]), target)
        known_keys = len(source) == 1 and not {source[-1], target[-1]}.isdisjoint(ORDER)
        if places.position(known, target[-1], True) is None and not known_keys:
            return text[: slot.begin] + written(target[-1]) + text[slot.key_end :]
    return _add(_remove(text, source), target, _moved(text, slot))


def _turned(text: str, known: Sequence[Slot], at: int, target: Sequence[str]) -> str:
    """A move within one array: what stands between the items stays where it is."""
    to = places.index(target[-1], len(known) - 1)
    if to is None:
        places.lost(places.pointer(*target))
    items = [text[one.start : one.end] for one in known]
    items.insert(to, items.pop(at))
    gaps = [text[one.end : other.start] for one, other in pairwise(known)] + [""]
    body = "".join(part for pair in zip(items, gaps, strict=True) for part in pair)
    return text[: known[0].start] + body + text[known[-1].end :]
