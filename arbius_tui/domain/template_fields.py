"""The fields of a template's parts: which there are, how their values are typed, and what a typed text means.

A part is `meta`, a row of `input` or a row of `output`; a field is one key of it, or one of its choices, and its id is
the JSON pointer of the value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from arbius_tui.domain.patching import pointer, tokens, value_at
from arbius_tui.domain.template import Spelled

TYPES = ("string", "int", "decimal", "string_enum", "int_enum")
OUTPUT_TYPES = ("image", "video", "audio", "text")
META = ("title", "description", "git", "docker", "version")
ENUMS = ("string_enum", "int_enum")
NUMBERS = ("int", "decimal")

FieldKind = Literal["text", "int", "decimal", "flag", "type", "output-type", "json"]

INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,400})")
DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,400})(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,3})?")
ABSENT = object()
"""The key is not in the file."""


class NotValid(ValueError):
    """A text that is no value of its field; the message is a clause that says what is valid."""


@dataclass(frozen=True, slots=True)
class Spec:
    """One field: its pointer, label, how it is typed, its text as the file has it, and whether the file has it.

    `optional`: an empty text takes the key out. `options` are what a choice is taken from.
    """

    id: str
    label: str
    kind: FieldKind
    text: str
    there: bool = True
    optional: bool = False
    options: tuple[str, ...] = ()


def part_of(path: str) -> str:
    """The part that a pointer lies in: `/input/3/choices/0` in `/input/3`, `/meta/git` in `/meta`."""
    keys = tokens(path)
    return pointer(*keys[: 2 if keys[:1] in (["input"], ["output"]) else 1])


def fields_of(document: Mapping[str, Any], part: str) -> list[Spec]:
    """The fields of a part in the order of the form; keys that nobody knows come last, as JSON."""
    value = value_at(document, part)
    if not isinstance(value, Mapping):
        return []
    if part == "/meta":
        return meta_fields(value)
    return output_fields(part, value) if part.startswith("/output/") else input_fields(part, value)


def meta_fields(value: Mapping[str, Any]) -> list[Spec]:
    """Title, description, git, docker, version."""
    kinds: dict[str, FieldKind] = {"version": "int"}
    known = [spec("/meta", value, key, kinds.get(key, "text")) for key in META]
    return known + others("/meta", value, META)


def output_fields(part: str, value: Mapping[str, Any]) -> list[Spec]:
    """The name of the file and what it is."""
    known = [spec(part, value, "filename", "text"), spec(part, value, "type", "output-type", OUTPUT_TYPES)]
    return known + others(part, value, ("filename", "type"))


def input_fields(part: str, value: Mapping[str, Any]) -> list[Spec]:
    """The fields that the type of a row has."""
    kind = value.get("type")
    found = [spec(part, value, "variable", "text"), spec(part, value, "type", "type", TYPES)]
    found.append(spec(part, value, "required", "flag", ("no", "yes")))
    found.append(spec(part, value, "default", default_kind(value), optional=True))
    bounds: FieldKind = "int" if kind == "int" else "decimal"
    known = ["variable", "type", "required", "default", "description"]
    if kind in NUMBERS or "min" in value or "max" in value:
        found += [spec(part, value, key, bounds, optional=True) for key in ("min", "max")]
        known += ["min", "max"]
    if isinstance(value.get("choices"), list) or (kind in ENUMS and "choices" not in value):
        found += choice_fields(part, value)
        known.append("choices")
    found.append(spec(part, value, "description", "text"))
    return found + others(part, value, known)


def choice_fields(part: str, value: Mapping[str, Any]) -> list[Spec]:
    """Each choice, and an empty field in which the next one is typed."""
    choices = value.get("choices", [])
    kind: FieldKind = "int" if value.get("type") == "int_enum" else "text"
    found = []
    for number, choice in enumerate(choices):
        fits = fitting(kind, choice)
        found.append(Spec(pointer(*tokens(part), "choices", number), f"choice {number + 1}", fits, shown(choice)))
    return [*found, Spec(pointer(*tokens(part), "choices", "-"), "choice +", kind, "", False, True)]


def others(part: str, value: Mapping[str, Any], known: Sequence[str]) -> list[Spec]:
    """Keys that have no field of their own."""
    return [spec(part, value, key, "json", optional=True) for key in value if key not in known]


def spec(
    part: str,
    value: Mapping[str, Any],
    key: str,
    kind: FieldKind,
    options: tuple[str, ...] = (),
    optional: bool = False,
) -> Spec:
    """The field of one key. A value of another type than the field's is typed as JSON, so that nothing is lost."""
    found = value.get(key, ABSENT)
    path = f"{part}/{pointer(key)[1:]}"
    if found is ABSENT:
        return Spec(path, key, kind, "no" if kind == "flag" else "", False, optional, options)
    if kind in ("type", "output-type") and isinstance(found, str):
        more = () if found in options else (found,)
        return Spec(path, key, kind, found, True, optional, (*more, *options))
    return Spec(path, key, fitting(kind, found), shown(found, kind), True, optional, options)


def default_kind(value: Mapping[str, Any]) -> FieldKind:
    """How the default of a row is typed."""
    kinds: dict[Any, FieldKind] = {"int": "int", "int_enum": "int", "decimal": "decimal"}
    kind = value.get("type")
    return kinds.get(kind, "text") if isinstance(kind, str) else "text"


def fitting(kind: FieldKind, value: Any) -> FieldKind:
    """The kind, or `json` for a value that it cannot say."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    whole = number and INTEGER.fullmatch(shown(value)) is not None
    fits = {
        "text": isinstance(value, str), "flag": isinstance(value, bool), "int": whole, "decimal": number,
        "type": isinstance(value, str), "output-type": isinstance(value, str), "json": True,
    }  # fmt: skip
    return kind if fits[kind] else "json"


def shown(value: Any, kind: FieldKind = "text") -> str:
    """A value as it is typed: text as it is, numbers as the author spelled them, all else as JSON."""
    if isinstance(value, bool) and kind == "flag":
        return "yes" if value else "no"
    return value if isinstance(value, str) and kind != "json" else dumped(value)


def dumped(value: Any) -> str:
    """JSON on one line, numbers as they are spelled."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{dumped(key)}: {dumped(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(dumped, value)) + "]"
    return value.spelling if isinstance(value, Spelled) else json.dumps(value, ensure_ascii=False)


def meant(found: Spec, text: str) -> Any:
    """The value of a typed text; ABSENT for one that takes the key out; NotValid says what is valid."""
    if found.kind == "text":
        return text if text or found.there or not found.optional else ABSENT
    if found.optional and not text.strip():
        return ABSENT
    match found.kind:
        case "flag":
            return flag(text)
        case "type" | "output-type":
            if text in found.options:
                return text
            raise NotValid(f"one of {', '.join(found.options)}")
        case "json":
            return structure(text)
        case _:
            return number(found.kind, text.strip())


def flag(text: str) -> bool:
    """Yes or no."""
    if text.strip().lower() in ("yes", "no", "true", "false"):
        return text.strip().lower() in ("yes", "true")
    raise NotValid("yes or no")


def number(kind: str, text: str) -> int | float:
    """A number as JSON spells it; its spelling is kept."""
    whole = INTEGER.fullmatch(text)
    if kind == "int" and not whole:
        raise NotValid("a whole number, e.g. 1 or -5")
    if not DECIMAL.fullmatch(text):
        raise NotValid("a number, e.g. 1 or 0.5")
    if whole:
        return int(text) if text != "-0" else Spelled(text)
    value = float(text)
    if value - value != 0:
        raise NotValid("a number that a computer can hold")
    return value if repr(value) == text else Spelled(text)


def structure(text: str) -> Any:
    """Any JSON value."""
    from arbius_tui.domain.errors import TemplateInvalid
    from arbius_tui.domain.template import Template

    try:
        return Template.read(b'{"value":' + text.encode() + b"}").document["value"]
    except (TemplateInvalid, UnicodeEncodeError, KeyError):
        raise NotValid('a value as JSON, e.g. 5, "text", true or [1, 2]') from None
