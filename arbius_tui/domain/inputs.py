"""A model's inputs, read from its OpenAPI document in the spelling of any Cog generation.

Source of the spellings: facts measured on Cog 0.8 to 0.23. Nothing here raises on an odd document: what cannot be read
is left out or has the type `any`.
"""

from __future__ import annotations

import base64
import math
import re
import struct
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

SAMPLE_PROMPT = "arbius test cat"
"""What miners' own boot test asks for; the sample of every text input that has no default."""

TYPES = ("string", "integer", "number", "boolean", "array", "object")
"""The types of JSON Schema beside null."""

SEVERAL = "x-several-types"
"""Where `flat` puts the types of a union, as a tuple, which no document can hold."""

LONGEST = 10_000
"""Characters that are made up at most."""

SIDE = 64
"""Pixels of a side of the sample of a file."""


@dataclass(frozen=True, slots=True)
class ModelInput:
    """One input; `type` is string, integer, number, boolean, file, secret, array, object or any.

    `has_default` is false for a default of null: it answers nothing. `above` and `below` are bounds of a number that
    are no value of it themselves, `multiple` is what a number must be a multiple of; lengths are in characters.
    `union` are the types of an input that takes several; its type is any.
    """

    name: str
    type: str
    order: int
    required: bool
    default: Any = None
    has_default: bool = False
    min: float | int | None = None
    max: float | int | None = None
    choices: tuple[Any, ...] = ()
    description: str = ""
    deprecated: bool = False
    above: float | None = None
    below: float | None = None
    multiple: float | int | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str = ""
    union: tuple[str, ...] = ()


DEEPEST = 64
"""Levels of `allOf` and `$ref` in one another that are followed; Cog writes one."""


def schemas_of(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The document's named schemas; Cog has them under components, pydantic alone under $defs or definitions."""
    found = [document.get("definitions"), document.get("$defs"), mapping(document.get("components")).get("schemas")]
    return {name: schema for part in found for name, schema in mapping(part).items()}


def read(document: Mapping[str, Any]) -> tuple[ModelInput, ...]:
    """The inputs in the author's order (`x-order`)."""
    schemas = schemas_of(document)
    schema = flat(mapping(schemas.get("Input")), schemas)
    listed = schema.get("required")
    required = {name for name in listed if isinstance(name, str)} if isinstance(listed, list) else set()
    found = [
        one(name, flat(mapping(prop), schemas), name in required, place)
        for place, (name, prop) in enumerate(mapping(schema.get("properties")).items())
    ]
    return tuple(sorted(found, key=lambda i: (i.order, i.name)))


def one(name: str, prop: Mapping[str, Any], required: bool, place: int) -> ModelInput:
    """A property, already without references, as an input."""
    order = whole(prop.get("x-order"))
    kind = type_of(prop)
    default = prop.get("default")
    description = prop.get("description")
    step, pattern = prop.get("multipleOf"), prop.get("pattern")
    return ModelInput(
        name=name,
        type=kind,
        order=order if isinstance(order, int) and not isinstance(order, bool) else place,
        required=required,
        default=whole(default) if kind == "integer" else default,
        has_default="default" in prop and default is not None,
        min=bound(prop, "minimum", "exclusiveMinimum", kind, 1),
        max=bound(prop, "maximum", "exclusiveMaximum", kind, -1),
        choices=choices_of(prop, kind),
        description=description if isinstance(description, str) else "",
        deprecated=prop.get("deprecated") is True,
        above=edge(prop, "minimum", "exclusiveMinimum", kind),
        below=edge(prop, "maximum", "exclusiveMaximum", kind),
        multiple=whole(step) if is_usual(step) and step > 0 else None,
        min_length=length(prop.get("minLength")),
        max_length=length(prop.get("maxLength")),
        pattern=pattern if isinstance(pattern, str) else "",
        union=several(prop),
    )


def choices_of(prop: Mapping[str, Any], kind: str) -> tuple[Any, ...]:
    """The choices; numbers that stand in quotes are the numbers, as Cog 0.1 wrote them beside `"type": "integer"`."""
    found = [prop["const"]] if "const" in prop else as_list(prop.get("enum"))
    if kind in ("integer", "number") and all(map(is_text, found)):
        read = [spelled(choice) for choice in found]
        return tuple(found if None in read else read)
    return tuple(found)


def spelled(text: str) -> float | int | None:
    """The number that a text spells as JSON does; None where it spells none."""
    if not re.fullmatch(r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?", text):
        return None
    return float(text) if "." in text else int(text)


def flat(
    prop: Mapping[str, Any], schemas: Mapping[str, Any], known: dict[str, Any] | None = None, depth: int = 0
) -> dict[str, Any]:
    """The property with `$ref`, `allOf` and the null of `anyOf` resolved; its own keys win.

    `known` holds each schema that was resolved once, so that a document that refers to itself costs nothing.
    """
    known = {} if known is None else known
    merged: dict[str, Any] = {}
    if depth < DEEPEST:
        for part in parts(prop):
            merged = joined(merged, flat(part, schemas, known, depth + 1))
        reference = prop.get("$ref")
        if isinstance(reference, str):
            merged = joined(merged, referred(reference, schemas, known, depth))
    own = {k: v for k, v in prop.items() if k not in ("allOf", "anyOf", "oneOf", "$ref")}
    if "type" not in own and depth < DEEPEST and len(union(prop)) > 1:
        kinds = {type_of(flat(mapping(part), schemas, known, depth + 1)) for part in union(prop)}
        own |= {"type": one_type(kinds), SEVERAL: tuple(sorted(kinds))}
    return joined(merged, own)


def joined(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Two schemas that both hold: the other's keys win, and an object has the properties of both."""
    found = {**one, **other}
    if isinstance(mine := one.get("properties"), Mapping) and isinstance(theirs := other.get("properties"), Mapping):
        found["properties"] = {**mine, **theirs}
    if isinstance(needed := one.get("required"), list) and isinstance(more := other.get("required"), list):
        found["required"] = [*needed, *more]
    return found


def referred(reference: str, schemas: Mapping[str, Any], known: dict[str, Any], depth: int) -> dict[str, Any]:
    """What a reference (`#/components/schemas/scheduler`) means, without references of its own."""
    name = reference.rsplit("/", 1)[-1].replace("~1", "/").replace("~0", "~")
    if name not in known:
        known[name] = {}
        known[name] = flat(mapping(schemas.get(name)), schemas, known, depth + 1)
    found: dict[str, Any] = known[name]
    return found


def parts(prop: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """What a property is composed of; of a union only a single member beside null counts."""
    members = union(prop)
    return [mapping(p) for p in as_list(prop.get("allOf"))] + ([mapping(members[0])] if len(members) == 1 else [])


def union(prop: Mapping[str, Any]) -> list[Any]:
    """The members of a union beside null."""
    return [p for key in ("anyOf", "oneOf") for p in as_list(prop.get(key)) if mapping(p).get("type") != "null"]


def one_type(kinds: Collection[str]) -> str:
    """The type of a union: integer or number is a number, any of them a secret is one, and else it has none."""
    if "secret" in kinds:
        return "secret"
    if set(kinds) == {"integer", "number"}:
        return "number"
    return next(iter(kinds)) if len(kinds) == 1 else "any"


def several(prop: Mapping[str, Any]) -> tuple[str, ...]:
    """The types of a property that takes more than one."""
    kinds, found = prop.get("type"), prop.get(SEVERAL)
    if isinstance(kinds, list):
        found = named(kinds)
    return found if isinstance(found, tuple) and len(found) > 1 and one_type(found) == "any" else ()


def named(kinds: Sequence[Any]) -> tuple[str, ...]:
    """The types in a list of them, as JSON Schema of OpenAPI 3.1 has it, beside null."""
    return tuple(dict.fromkeys(kind for kind in kinds if kind in TYPES)) if all(map(is_text, kinds)) else ()


def type_of(prop: Mapping[str, Any]) -> str:
    """The input's type in one word."""
    kind = prop.get("type")
    if isinstance(kind, list):
        kind = one_type(named(kind)) if named(kind) else "any"
    if prop.get("x-cog-secret") is True or prop.get("format") == "password":
        return "secret"
    if kind == "string" and prop.get("format") in ("uri", "binary"):
        return "file"
    if kind is None:
        return enum_type([prop["const"]] if "const" in prop else as_list(prop.get("enum")))
    return kind if is_text(kind) and (kind in TYPES or kind in ("secret", "file")) else "any"


def enum_type(values: Sequence[Any]) -> str:
    """The type of choices that say none (very old documents)."""
    if values and all(isinstance(v, str) for v in values):
        return "string"
    if values and all(isinstance(v, int) and not isinstance(v, bool) for v in values):
        return "integer"
    return "any"


def bound(prop: Mapping[str, Any], key: str, exclusive: str, kind: str, step: int) -> float | int | None:
    """A bound that is a value itself; one that is none is moved by one for integers, and has no such for numbers.

    Documents before OpenAPI 3.1 write `exclusiveMinimum: true` beside `minimum`, later ones the bound itself.
    """
    value, apart = prop.get(key), prop.get(exclusive)
    if apart is True:
        value, apart = None, value
    if is_usual(apart) and kind == "integer":
        moved = math.floor(apart) + 1 if step > 0 else math.ceil(apart) - 1
        value = moved if not is_number(value) else (max if step > 0 else min)(value, moved)
    if not is_number(value):
        return None
    return whole(value) if kind == "integer" else value


def edge(prop: Mapping[str, Any], key: str, exclusive: str, kind: str) -> float | None:
    """The bound of a number that is no value of it."""
    apart = prop.get(key) if prop.get(exclusive) is True else prop.get(exclusive)
    return apart if kind == "number" and is_usual(apart) else None


def length(value: Any) -> int | None:
    """A length in characters; None where the document says none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def whole(value: Any) -> Any:
    """50.0 as 50; everything else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def is_text(value: Any) -> bool:
    """A string."""
    return isinstance(value, str)


def is_number(value: Any) -> TypeGuard[int | float]:
    """A JSON number that is no boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_usual(value: Any) -> TypeGuard[int | float]:
    """A number that a float holds, and no infinity."""
    return is_number(value) and abs(value) < 1e300


def mapping(value: Any) -> Mapping[str, Any]:
    """The object, or an empty one."""
    return value if isinstance(value, Mapping) else {}


def as_list(value: Any) -> Sequence[Any]:
    """The list, or an empty one."""
    return value if isinstance(value, list) else ()


@dataclass(frozen=True, slots=True)
class Sample:
    """What a miner would send when a user gives nothing: the inputs, and which of them we had to make up."""

    inputs: dict[str, Any]
    stated: tuple[str, ...]
    impossible: tuple[str, ...]


def sample(inputs: Sequence[ModelInput]) -> Sample:
    """Defaults where there are any; required inputs without one get a stated sample. The seed is left to the case.

    Numbers are as a miner's JSON has them: JavaScript and Go write 4.0 as 4, and a model may show the difference.
    """
    values: dict[str, Any] = {}
    stated: list[str] = []
    impossible: list[str] = []
    for item in inputs:
        if item.name == "seed":
            continue
        if item.has_default:
            values[item.name] = as_sent(item.default)
        elif item.required:
            made = made_up(item)
            if made is None:
                impossible.append(item.name)
            else:
                values[item.name] = as_sent(made)
                stated.append(item.name)
    return Sample(values, tuple(stated), tuple(impossible))


def as_sent(value: Any) -> Any:
    """A value as a miner's JSON has it: no `.0`."""
    return whole(value) if isinstance(value, float) and abs(value) < 2**53 else value


def made_up(item: ModelInput) -> Any:
    """A value that the model's own document allows, or None where only the author can give one."""
    if item.choices:
        return next((choice for choice in item.choices if choice is not None), None)
    if item.type == "string":
        return text_like(item, SAMPLE_PROMPT)
    if item.type in ("integer", "number"):
        return next((value for value in likely_numbers(item) if fits(item, value)), None)
    if item.type == "boolean":
        return False
    if item.type == "file":
        return sample_picture()
    return {"array": [], "object": {}}.get(item.type)


def text_like(item: ModelInput, text: str) -> str | None:
    """This text, cut or repeated to the length that the model wants; None when it is none that the model takes."""
    least, most = item.min_length or 0, item.max_length
    if len(text) < least <= LONGEST:
        text = " ".join([text] * (least // len(text) + 1))
    text = text[:most]
    try:
        matches = not item.pattern or re.search(item.pattern, text) is not None
    except (re.error, OverflowError, RecursionError):
        matches = False
    return text if matches and least <= len(text) else None


def likely_numbers(item: ModelInput) -> Iterator[float | int]:
    """What a number may be, the usual first."""
    yield from (b for b in edges(item) if b is not None)
    yield from (1, 0, item.multiple or 1)
    if item.above is not None and item.below is not None:
        yield (item.above + item.below) / 2
    yield from (item.above + 1,) if item.above is not None else ()
    yield from (item.below - 1,) if item.below is not None else ()


def fits(item: ModelInput, value: float) -> bool:
    """Whether a number keeps all bounds of this input."""
    low = (item.min is not None and value < item.min) or (item.above is not None and value <= item.above)
    high = (item.max is not None and value > item.max) or (item.below is not None and value >= item.below)
    odd = bool(item.multiple) and not is_multiple(value, item.multiple or 1)
    return not (low or high or odd or (item.type == "integer" and value != int(value)))


def is_multiple(value: float, of: float) -> bool:
    """Whether a number is so many times another one, as near as numbers of a machine can say."""
    times = value / of
    return math.isfinite(times) and abs(times - round(times)) < 1e-9


def edges(item: ModelInput) -> tuple[float | int | None, float | int | None]:
    """The least and the greatest value of a number: its bounds, moved to a whole number or a multiple inside them."""
    least, most = (value if is_usual(value) else None for value in (item.min, item.max))
    step = item.multiple or (1 if item.type == "integer" else None)
    if step:
        least, most = multiple(least, step, math.ceil), multiple(most, step, math.floor)
    found = [None if value is None or not fits(item, value) else as_sent(value) for value in (least, most)]
    return found[0], found[1]


def multiple(bound: float | None, step: float, rounded: Callable[[float], int]) -> float | None:
    """The multiple next to a bound; None where no machine can count how many times the step is in it."""
    if bound is None or is_multiple(bound, step):
        return bound
    times = bound / step
    return rounded(times) * step if math.isfinite(times) else None


def sample_picture(second: bool = False) -> str:
    """A small PNG as a data URL: a grey chequered square, uncompressed, so the same bytes on every machine.

    The `second` one has its fields in the other colour.
    """
    pair = (b"\x0f\xf0", b"\xf0\x0f") if second else (b"\xf0\x0f", b"\x0f\xf0")
    rows = b"".join(b"\0" + pair[0 if y // 4 % 2 else 1] * (SIDE // 16) for y in range(SIDE))
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 1, 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(rows, 0)), (b"IEND", b"")]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    )
    return "data:image/png;base64," + base64.b64encode(data).decode()
