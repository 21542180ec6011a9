"""A template in words: where a part stands, what the whole file is, and which part an edit changed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from arbius_tui.domain.text import grouped
from arbius_tui.widgets.panes import Fact

MOST = 65_536
"""Bytes that the engine takes."""


def place_of(id: str, ids: Iterable[str]) -> str:
    """`input 3 of 6`, or the group of what is not numbered."""
    group, _, number = id.partition("/")
    if group not in ("input", "output"):
        return {"file": "whole file", "meta": "meta", "left": "not in the template"}.get(group, "")
    return f"{group} {int(number) + 1} of {sum(other.startswith(f'{group}/') for other in ids)}"


def file_facts(path: str, size: int, cid: str, room: int) -> list[Fact]:
    """The file as a whole: its place, its size and its CID, broken into lines of `room` cells."""
    facts = [Fact("path" if not n else "", path[i : i + room]) for n, i in enumerate(range(0, len(path), room))]
    facts.append(Fact("bytes", f"{grouped(size)} of {grouped(MOST)}"))
    facts += [Fact("CID" if not n else "", cid[i : i + room]) for n, i in enumerate(range(0, len(cid), room))]
    return facts


def changed_part(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """The first row of the outline in which two documents differ; empty where none does."""
    for group in ("input", "output"):
        one, other = old.get(group), new.get(group)
        if one is other or not isinstance(one, list) or not isinstance(other, list):
            continue
        for number, part in enumerate(other):
            if number >= len(one) or (part is not one[number] and part != one[number]):
                return f"{group}/{number}"
        if len(one) > len(other):
            return f"{group}/{max(0, len(other) - 1)}"
    one, other = old.get("meta"), new.get("meta")
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return next((f"meta/{key}" for key in (*one, *other) if one.get(key) != other.get(key)), "")
    return ""


def dumped(value: Any) -> str:
    """JSON on one line; numbers as the author spelled them."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{dumped(key)}: {dumped(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(dumped, value)) + "]"
    return getattr(value, "spelling", None) or json.dumps(value, ensure_ascii=False)
