"""What is wrong with one row of `input`, looked at by itself.

A row that was looked at once is remembered, so that a key in a form of 500 rows costs one row. In the rules, paths and
patches begin at the row.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from arbius_tui.domain.errors import Problem
from arbius_tui.domain.lint_words import (
    GOBIUS,
    KASUMIS,
    MAX_EXACT,
    MINERS,
    TYPES,
    WEBSITE,
    Operation,
    Remembered,
    among,
    error,
    hidden,
    in_32_bit,
    is_text,
    is_whole,
    nearest,
    number,
    plain_number,
    read_number,
    shown,
    unknown_keys,
    warn,
)
from arbius_tui.domain.template import INT32_MAX, INT32_MIN

KEYS = ("variable", "type", "required", "default", "choices", "min", "max", "description")

_OTHER_KEYS = {
    "name": "variable", "id": "variable", "key": "variable", "kind": "type", "minimum": "min", "maximum": "max",
    "lower": "min", "upper": "max", "options": "choices", "enum": "choices", "values": "choices",
    "value": "default", "help": "description", "desc": "description", "label": "description",
}  # fmt: skip
_OTHER_TYPES = {
    "float": "decimal", "double": "decimal", "number": "decimal", "integer": "int", "str": "string", "text": "string",
    "enum": "string_enum", "int32": "int", "choice": "string_enum",
}  # fmt: skip
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_KNOWN = Remembered()


def at(raw: Mapping[str, Any], base: str) -> Iterable[Problem]:
    """Every problem of the row that stands at `base`."""
    return _KNOWN.at(base, raw, _judged)


def _judged(raw: Mapping[str, Any]) -> Iterator[Problem]:
    row = Row(raw)
    for rule in _RULES:
        yield from rule(row)


@dataclass(frozen=True, slots=True)
class Row:
    """An object of `input`; `raw` is as it was read."""

    raw: Mapping[str, Any]

    @property
    def type(self) -> Any:
        """Its type, whatever stands there."""
        return self.raw.get("type")

    @property
    def is_number(self) -> bool:
        """Whether it has bounds."""
        return self.type in ("int", "decimal")

    @property
    def is_enum(self) -> bool:
        """Whether it has choices."""
        return self.type in ("string_enum", "int_enum")


def _variable(row: Row) -> Iterator[Problem]:
    name, path = row.raw.get("variable"), "/variable"
    if not isinstance(name, str) or not name:
        yield error("variable-missing", path, "the row has no variable", "tasks name inputs by it", "name it")
    elif name == "seed":
        why = (
            "miners set the seed themselves, from the task id; a user's seed would be overwritten (kasumi-2, kasumi-3)"
        )
        fix = "remove the row; keep it in the model"
        what = "`seed` is in the template"
        yield error("seed-in-template", path, what, why, fix, ("remove", "", None), readers=KASUMIS)
    elif not _NAME.fullmatch(name):
        what = f"the variable {shown(name)} is not of the usual form"
        why = "some readers make a field or a file name of it"
        yield warn("variable-name", path, what, why, "use a-z, 0-9 and _, beginning with a letter, as the model does")


def _type(row: Row) -> Iterator[Problem]:
    if row.type == "file":
        why = "gobius refuses the type, kasumi-2 and kasumi-3 do not check it, and the website has no control for it"
        what, fix = "the type is `file`", "use a string with a link, or leave it out"
        yield warn("type-file", "/type", what, why, fix, readers=(*MINERS, WEBSITE))
    elif row.type not in TYPES:
        better = _better_type(row)
        what = f"the type {shown(row.type)} is not known" if "type" in row.raw else "the row has no type"
        fix = f"write {better}" if better else f"use one of {', '.join(TYPES)}"
        patch: tuple[Operation, ...] = (("add", "/type", better),) if better else ()
        why = "gobius refuses it and the website shows no control"
        yield error("type-unknown", "/type", what, why, fix, *patch, readers=(GOBIUS, WEBSITE))


def _better_type(row: Row) -> str:
    """The type that was most likely meant, or nothing."""
    choices, default = row.raw.get("choices"), row.raw.get("default")
    if isinstance(row.type, str) and row.type:
        known = _OTHER_TYPES.get(row.type.casefold()) or nearest(row.type, TYPES, 0.75)
        return "int_enum" if known == "int" and isinstance(choices, list) and choices else known
    if isinstance(choices, list) and choices:
        return "string_enum" if all(map(is_text, choices)) else "int_enum" if all(map(is_whole, choices)) else ""
    if "type" in row.raw or isinstance(default, bool):
        return ""
    if is_text(default):
        return "string"
    return ("int" if isinstance(default, int) else "decimal") if number(default) else ""


def _plain_keys(row: Row) -> Iterator[Problem]:
    required, description = row.raw.get("required", False), row.raw.get("description", "")
    if not isinstance(required, bool):
        what = f"`required` is {shown(required)}, not true or false"
        said = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "": False}
        known = said.get(str(required).casefold()) if is_text(required) or is_whole(required) else None
        patch: tuple[Operation, ...] = () if known is None else (("replace", "/required", known),)
        yield error(
            "required-type", "/required", what, "readers differ in what it means", "write true or false", *patch
        )
    if not isinstance(description, str):
        what, why = f"`description` is {shown(description)}, not text", "the form shows it as text (website)"
        patch = (("replace", "/description", shown(description)),) if number(description) else ()
        patch = (("replace", "/description", ""),) if description is None else patch
        yield error("description-type", "/description", what, why, "put it in quotes", *patch, readers=(WEBSITE,))


def _bounds(row: Row) -> Iterator[Problem]:
    for old, new in (("ge", "min"), ("le", "max")):
        if old in row.raw:
            why, fix = "no reader knows it, so the bound is not there", f"rename it to {new}"
            patch: Operation = ("remove", f"/{old}", None) if new in row.raw else ("move", f"/{new}", f"/{old}")
            what = f"`{old}` is not the name of a bound"
            yield error("bound-name", f"/{old}", what, why, fix, patch, readers=(*MINERS, WEBSITE))
    if not row.is_number:
        return
    for key, old in (("min", "ge"), ("max", "le")):
        if key in row.raw:
            yield from _bound(row, key, row.raw[key])
        elif old not in row.raw:
            why = "the website's form turns every value into NaN without it, and miners refuse that; they have no limit"
            fix = "write what the model accepts"
            yield error("bound-missing", f"/{key}", f"`{key}` is missing", why, fix, readers=(WEBSITE, *MINERS))
    low, high = row.raw.get("min"), row.raw.get("max")
    if number(low) and number(high) and low > high:
        what = f"min {shown(low)} is above max {shown(high)}"
        swap: tuple[Operation, ...] = (("replace", "/min", high), ("replace", "/max", low))
        readers = (*MINERS, WEBSITE)
        yield error("bounds-swapped", "/min", what, "no value is valid", "swap the two", *swap, readers=readers)


def _bound(row: Row, key: str, value: Any) -> Iterator[Problem]:
    if number(value):
        yield from _whole_32_bit(row, f"/{key}", value)
        return
    what, better = f"`{key}` is {shown(value)}, not a number", read_number(value)
    patch: tuple[Operation, ...] = () if better is None else (("replace", f"/{key}", better),)
    why = "miners compare with it, and the website's form does"
    yield error("bound-type", f"/{key}", what, why, "write a number", *patch, readers=(*MINERS, WEBSITE))


def _whole_32_bit(row: Row, path: str, value: Any) -> Iterator[Problem]:
    """What miners make of a number: ints are 32 bit; the JavaScript miners refuse a fraction of a decimal, too."""
    what, key = f"`{path[1:]}` is {shown(value)}", path.rpartition("/")[2]
    if not -MAX_EXACT <= value <= MAX_EXACT:
        near = in_32_bit(value) if row.type != "decimal" else MAX_EXACT if value > 0 else -MAX_EXACT
        why = "JavaScript would read another number (kasumi-2, kasumi-3, website)"
        patch = _instead(path, key, near)
        yield error("int32", path, f"{what}, more than a double holds exactly", why, "choose a smaller one", patch,
                    readers=(*KASUMIS, WEBSITE))  # fmt: skip
    elif row.type == "decimal":
        if not is_whole(value):
            why = "kasumi-2 and kasumi-3 refuse a fraction that a user sends; gobius takes it"
            fix = "a whole number is safe with every miner"
            yield warn("decimal-fraction", path, f"{what}, a fraction", why, fix, readers=KASUMIS)
    elif not is_whole(value):
        fix = "write a whole number, or make the type decimal"
        near = math.ceil(value) if key == "min" else math.floor(value)
        yield error("int-fraction", path, f"{what}, not whole", "miners refuse it", fix, _instead(path, key, near),
                    readers=MINERS)  # fmt: skip
    elif not INT32_MIN <= value <= INT32_MAX:
        fix = f"stay within {INT32_MIN} and {INT32_MAX}"
        why = "kasumi-2 and kasumi-3 refuse values above 2147483647"
        yield error("int32", path, f"{what}, outside 32 bit", why, fix, _instead(path, key, in_32_bit(value)),
                    readers=KASUMIS)  # fmt: skip


def _instead(path: str, key: str, value: float) -> Operation:
    """Another number; of choices there are others, so that one is taken out."""
    return ("remove", path, None) if key.isdigit() else ("replace", path, value)


def _choices(row: Row) -> Iterator[Problem]:
    if not row.is_enum:
        return
    choices = row.raw.get("choices")
    if not isinstance(choices, list) or not choices:
        why = "kasumi-2 and kasumi-3 crash on the task, and the website shows an empty list"
        yield error(
            "choices-missing", "/choices", "the choices are missing", why, "list them", readers=(*MINERS, WEBSITE)
        )
        return
    kind, right = ("text", is_text) if row.type == "string_enum" else ("a whole number", is_whole)
    for index, choice in enumerate(choices):
        path = f"/choices/{index}"
        if not right(choice):
            what = f"the choice {shown(choice)} is not {kind}"
            why = "kasumi-2, kasumi-3 and gobius compare type and value, so it can never be chosen"
            better = _as_choice(row, choice)
            patch: Operation = ("remove", path, None) if better is None else ("replace", path, better)
            yield error("choices-type", path, what, why, f"write {kind}", patch, readers=MINERS)
        elif row.type == "int_enum":
            yield from _whole_32_bit(row, path, choice)


def _as_choice(row: Row, choice: Any) -> Any:
    """A choice of the right type that says the same, or None."""
    if row.type == "string_enum":
        return shown(choice) if number(choice) else None
    better = read_number(choice)
    return better if better is not None and is_whole(better) else None


def _default(row: Row) -> Iterator[Problem]:
    if row.type not in TYPES:
        return
    path, required = "/default", row.raw.get("required") is True
    if "default" not in row.raw:
        why = "kasumi-2 and kasumi-3 send nothing in its place when a task leaves it out"
        patch: tuple[Operation, ...] = (("add", path, ""),) if required and row.type == "string" else ()
        what, fix = "the default is missing", "write the model's own default"
        yield error("default-missing", path, what, why, fix, *patch, readers=KASUMIS)
        return
    value = row.raw["default"]
    expected, right = _EXPECTED[row.type]
    if required and row.type == "string_enum" and value == "":
        return
    if not right(value):
        better = _as_default(row, value)
        patch = () if better is None else (("replace", path, better),)
        what, why = (
            f"the default is {shown(value)}, not {expected}",
            "kasumi-2 and kasumi-3 send it to the model unchecked",
        )
        yield error("default-type", path, what, why, f"write {expected}", *patch, readers=KASUMIS)
    elif row.is_number:
        yield from _whole_32_bit(row, path, value)
        yield from _default_range(row, value)
    elif row.is_enum and isinstance(row.raw.get("choices"), list) and not among(value, row.raw["choices"]):
        what, fix = f"the default {shown(value)} is not one of the choices", "add it to the choices or change it"
        why = "the website shows another choice than the one that kasumi-2 and kasumi-3 send"
        fit = _fitting(row, value)
        patch = () if fit is None else (("replace", path, fit),)
        yield error("default-choice", path, what, why, fix, *patch, readers=(*KASUMIS, WEBSITE))


def _as_default(row: Row, value: Any) -> Any:
    """A default of the right type that says the same, or None."""
    if row.type in ("string", "string_enum"):
        return shown(value) if number(value) else "" if value is None and row.type == "string" else None
    better = read_number(value)
    if better is None and isinstance(value, float) and math.isfinite(value):
        better = math.floor(value)  # an int_enum's fraction
    return better if better is not None and (row.type == "decimal" or is_whole(better)) else None


def _fitting(row: Row, value: Any) -> Any:
    """The choice nearest to a default that is none, else the first, which the form shows anyway."""
    choices = [choice for choice in row.raw["choices"] if _EXPECTED[row.type][1](choice)]
    if is_text(value):
        return nearest(value, choices) or next(iter(choices), None)
    return min(choices, key=lambda choice: _apart(choice, value), default=None)


def _apart(one: float, other: float) -> float:
    """How far apart two numbers are; endlessly, where no double could say it."""
    try:
        return abs(one - other)
    except OverflowError:
        return math.inf


def _default_range(row: Row, value: Any) -> Iterator[Problem]:
    low, high = row.raw.get("min"), row.raw.get("max")
    if (number(low) and value < low) or (number(high) and value > high):
        what = f"the default {shown(value)} is outside {shown(low)} to {shown(high)}"
        why = "kasumi-2 and kasumi-3 send it all the same, and the website's form cannot show it"
        near = low if number(low) and value < low else high
        yield error("default-range", "/default", what, why, "move the default or the bound",
                    ("replace", "/default", plain_number(near) if number(near) else near),
                    readers=(*KASUMIS, WEBSITE))  # fmt: skip


def _zero(row: Row) -> Iterator[Problem]:
    """A required number that may be 0: the website asks whether it is true that something was typed."""
    low, high = row.raw.get("min"), row.raw.get("max")
    if row.is_number and row.raw.get("required") is True and number(low) and number(high) and low <= 0 <= high:
        what, why = (
            "the input is required, and 0 is allowed",
            "the website takes a 0 for nothing typed and sends no task",
        )
        yield warn("required-zero", "/required", what, why, "make it optional; its default is sent then",
                   ("replace", "/required", False), readers=(WEBSITE,))  # fmt: skip


def _keys(row: Row) -> Iterator[Problem]:
    yield from unknown_keys("", {k: v for k, v in row.raw.items() if k not in ("ge", "le")}, KEYS, _OTHER_KEYS)
    yield from hidden("", row.raw)


_EXPECTED: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "string": ("text", is_text),
    "string_enum": ("text", is_text),
    "int": ("a number", number),
    "decimal": ("a number", number),
    "int_enum": ("a whole number", is_whole),
}
_RULES: tuple[Callable[[Row], Iterator[Problem]], ...] = (
    _variable, _type, _plain_keys, _bounds, _choices, _default, _zero, _keys,
)  # fmt: skip
