"""What an author types for a model's input, as the value that is sent: by the model's own type, choices and bounds.

A wrong text is a `Wrong` whose message says what is valid. Whatever is right here may still be refused by the server,
which knows lengths and patterns too.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from arbius_tui.domain.case_values import BASE_SEED
from arbius_tui.domain.inputs import ModelInput, fits

LINKS = ("http://", "https://", "data:")
"""What a file input takes as it is; everything else is the path of a file."""

YES, NO = ("true", "yes", "1", "on"), ("false", "no", "0", "off")
NOTHING = object()
"""No value: the input is left out and the model's own default counts."""

HIDDEN = "<secret>"
"""What stands for a secret wherever inputs are shown or kept."""


class Wrong(ValueError):
    """A text that is no value of this input; the message is a clause that says what is valid."""


@dataclass(frozen=True, slots=True)
class FromFile:
    """A value that is still in a file: a data URL of its bytes, or its first line where the input is a secret."""

    path: str
    secret: bool = False


def parse(item: ModelInput, text: str) -> Any:
    """The value that is meant, a `FromFile` for a path, or NOTHING for an empty text where that is allowed."""
    if item.type in ("string", "any") and not item.choices:
        return given(item, text)
    if not text.strip():
        if needed(item):
            raise Wrong(f"it is needed: {takes(item)}")
        return NOTHING
    if item.type in ("file", "secret"):
        return foreign(item, text)
    value = scalar(item, text.strip())
    if item.choices and value not in item.choices:
        raise Wrong(takes(item))
    if isinstance(value, int | float) and not isinstance(value, bool):
        within(item, value)
    return value


def given(item: ModelInput, text: str) -> Any:
    """Free text, which may be empty where the model has a default that the author emptied."""
    if text:
        return text
    if needed(item):
        raise Wrong(f"it is needed: {takes(item)}")
    return "" if item.has_default else NOTHING


def foreign(item: ModelInput, text: str) -> Any:
    """A file by its path or its link; a secret as it is typed, or out of a file by @path."""
    if item.type == "secret":
        return FromFile(text[1:], secret=True) if text.startswith("@") else text
    if text.lower().startswith(LINKS):
        return text
    return FromFile(text.removeprefix("@"))


def scalar(item: ModelInput, text: str) -> Any:
    """A text as a value of this type, before choices and bounds."""
    if item.type == "boolean":
        if text.lower() in (*YES, *NO):
            return text.lower() in YES
        raise Wrong(takes(item))
    if item.type == "integer":
        # Not int(): that takes 1_000 and digits of other scripts.
        if not re.fullmatch(r"[+-]?[0-9]{1,30}", text):
            raise Wrong(takes(item))
        return int(text)
    if item.type == "number":
        if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", text):
            raise Wrong(takes(item))
        return finite(item, text)
    if item.type in ("array", "object"):
        return structure(item, text)
    return next((choice for choice in item.choices if str(choice) == text), text)


def finite(item: ModelInput, text: str) -> float:
    """A number that JSON has."""
    value = float(text)
    if not math.isfinite(value):
        raise Wrong(takes(item))
    return value


def structure(item: ModelInput, text: str) -> Any:
    """A list or an object, written as JSON."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise Wrong(takes(item)) from None
    if not isinstance(value, list if item.type == "array" else dict):
        raise Wrong(takes(item))
    return value


def within(item: ModelInput, value: float) -> None:
    """Wrong unless the value keeps the bounds."""
    if not fits(item, value):
        raise Wrong(takes(item))


def takes(item: ModelInput) -> str:
    """What is valid, e.g. `a whole number from 1 to 50`, `one of 64, 128, 256`."""
    if item.choices:
        return f"one of {', '.join(str(choice) for choice in item.choices[:12])}{', ..' * (len(item.choices) > 12)}"
    kinds = {
        "string": "any text",
        "integer": "a whole number",
        "number": "a number",
        "boolean": "yes or no",
        "file": "a file as @path, or its http(s) URL",
        "secret": "a secret; it is never shown",
        "array": "a list as JSON, e.g. [1, 2]",
        "object": 'an object as JSON, e.g. {"a": 1}',
    }
    return f"{kinds.get(item.type, 'text')}{f' {bounds(item)}' if bounds(item) else ''}"


def bounds(item: ModelInput) -> str:
    """`from 1 to 50`, `from 0`, `to 20`, `above 0`, `from 8 to 64 in steps of 8`, or nothing."""
    known = [("from", item.min), ("above", item.above), ("to", item.max), ("below", item.below)]
    parts = [f"{word} {plain(value)}" for word, value in known if value is not None]
    return " ".join(parts + ([f"in steps of {plain(item.multiple)}"] if item.multiple else []))


def plain(number: float) -> str:
    """A bound without a useless `.0`; a whole number may be larger than any float."""
    return str(number) if isinstance(number, int) or not number.is_integer() else str(int(number))


def needed(item: ModelInput) -> bool:
    """Whether there is no prediction without a value from the author. Cog 0.17 wants some inputs it calls optional."""
    return item.required and not item.has_default


def shown(item: ModelInput) -> str:
    """What stands in a form at first: the model's default as it is typed. A seed without one gets the guide's own."""
    if item.has_default:
        return written(item.default)
    if item.name == "seed" and item.type == "integer":
        return str(first_seed(item))
    if item.choices and needed(item):
        return written(item.choices[0])
    return "no" if item.type == "boolean" and needed(item) else ""


def first_seed(item: ModelInput) -> int:
    """The guide's seed, moved into the bounds; as it is where they are endless or no numbers."""
    moved = min(max(BASE_SEED, item.min or 0), math.inf if item.max is None else item.max)
    return int(moved) if isinstance(moved, int) or math.isfinite(moved) else BASE_SEED


def written(value: Any) -> str:
    """A value as it is typed."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def pairs(texts: Iterable[str], known: Sequence[ModelInput]) -> dict[str, str]:
    """`NAME=VALUE` texts by name; Wrong for one without `=`, for an unknown name and for one that comes twice."""
    names = [item.name for item in known]
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise Wrong(f"{text[:60]!r} has no =; write NAME=VALUE")
        if name not in names:
            near = get_close_matches(name, names, 1)
            raise Wrong(
                f"the model has no input {name[:60]!r}"
                + (f"; did you mean {near[0]}?" if near else "")
                + f" It has: {', '.join(names) or 'none'}"
            )
        if name in found:
            raise Wrong(f"{name} is given twice")
        found[name] = value
    return found


def public(values: Mapping[str, Any], known: Sequence[ModelInput]) -> dict[str, Any]:
    """The inputs as they may be shown and kept: no secret, and of a data URL its kind and length."""
    kinds = {item.name: item.type for item in known}

    def safe(name: str, value: Any) -> Any:
        if kinds.get(name) == "secret":
            return HIDDEN
        if isinstance(value, str) and value.startswith("data:") and len(value) > 200:
            return f"{value.partition(',')[0][:80]},.. ({len(value):,} characters)"
        return value

    return {name: safe(name, value) for name, value in values.items()}
