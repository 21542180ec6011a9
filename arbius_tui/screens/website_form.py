"""A template as the form of the website draws it: required inputs first, the others behind `Optional`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from textual.content import Content

from arbius_tui.widgets.text import Cell, fit, glyphs, line

LABELS = 16


def form(document: Mapping[str, Any], here: str, width: int, room: int) -> list[Content]:
    """At most `room` lines of `width` cells; the input under the cursor is always among them."""
    rows = document.get("input")
    parts = [
        (f"/input/{n}", row) for n, row in enumerate(rows if isinstance(rows, list) else []) if isinstance(row, Mapping)
    ]
    needed = [part for part in parts if part[1].get("required") is True]
    more = [part for part in parts if part[1].get("required") is not True]
    order = [*needed, *([("", {"optional": len(more)})] if more else []), *more]
    at = next((n for n, (path, _) in enumerate(order) if path == here), 0)
    start = max(0, min(at - room // 3, len(order) - room + 1))
    found: list[Content] = []
    for path, row in order[start:]:
        found += control(row, path == here, width)
        if len(found) >= room:
            break
    return found[:room]


def control(row: Mapping[str, Any], here: bool, width: int) -> Iterable[Content]:
    """The control of one input, and its description when it has the cursor."""
    if "optional" in row:
        yield line((f"> Optional ({row['optional']} items)", "$muted"))
        return
    name = f"{row.get('variable', '')}{' *' if row.get('required') is True else ''}"
    room = max(8, width - LABELS - 6)
    yield line((fit(name, LABELS), "bold" if here else "$ink"), *shape(row, room))
    description = row.get("description")
    if here and isinstance(description, str) and description:
        yield line(" " * LABELS, (fit(description, room + 2).rstrip(), "$muted"))


def shape(row: Mapping[str, Any], room: int) -> list[Cell]:
    """What the website draws for this type; a type that it does not know has no control."""
    kind, default = row.get("type"), row.get("default", "")
    text = getattr(default, "spelling", None) or ("" if default is None else str(default))
    if kind in ("int", "decimal"):
        return slider(row.get("min"), row.get("max"), default, text, room)
    if kind in ("string_enum", "int_enum"):
        choices = row.get("choices")
        known = choices if isinstance(choices, list) else []
        if default not in known and known:
            text = str(known[0])  # the website shows the first and sends nothing
        return [("[", "$muted"), fit(text, room - 1), ("v]", "$muted")]
    if kind == "string":
        return [("[", "$muted"), fit(text, room), ("]", "$muted")]
    return [("no control: the website does not know this type", "$warning")]


def slider(low: Any, high: Any, default: Any, text: str, room: int) -> list[Cell]:
    """A slider from min to max; without both the website sends NaN."""
    if not all(isinstance(bound, int | float) and not isinstance(bound, bool) for bound in (low, high)):
        return [("broken: it has no min and max", "bold $error")]
    number = default if isinstance(default, int | float) and not isinstance(default, bool) else low
    long = max(2, room - len(text) - 2)
    part = (number - low) / (high - low) if high > low else 0
    full = int(min(1, max(0, part)) * long)
    return [("[", "$muted"), (glyphs().heavy * full, "$accent"), (glyphs().light * (long - full), "$rule"),
            (f" {text} ]", "$muted")]  # fmt: skip
