"""A model's inputs, read from its OpenAPI document in the spelling of any Cog generation.

Source of the spellings: facts measured on Cog 0.8 to 0.23. Nothing here raises on an odd document: what cannot be read
is left out or has the type `any`.
"""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from arbius_tui.domain.text import clean

SAMPLE_PROMPT = "arbius test cat"
"""What miners' own boot test asks for; the sample of every text input that has no default."""

TYPES = ("string", "integer", "number", "boolean", "array", "object")
"""The types of JSON Schema beside null."""

SEVERAL = "x-several-types"
"""Where `flat` puts the types of a union, as a tuple, which no document can hold."""

SIDE = 64
"""Pixels of a side of the sample of a file."""


@dataclass(frozen=True, slots=True)
class ModelInput:
    """One input; `type` is string, integer, number, boolean, file, secret, array, object or any.

    `has_default` is false for a default of null: it answers nothing. `open` names the bounds (`min`, `max`) of a
    number that are not among its values themselves; those of integers are moved by one instead. `rules` are what else
    the document demands of a value, in words. `union` are the types of one that takes several; its type is any.
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
    open: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    union: tuple[str, ...] = ()


DEEPEST = 64
"""Levels of `allOf` and `$ref` in one another that are followed; Cog writes one."""

BOUNDS = (("min", "minimum", "exclusiveMinimum", 1), ("max", "maximum", "exclusiveMaximum", -1))
"""Of each bound: our name, its key, the key of an exclusive one, and the way into the range."""


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
    choices = [prop["const"]] if "const" in prop else prop.get("enum")
    default = prop.get("default")
    description = prop.get("description")
    low, high = (bound(prop, key, exclusive, kind, step) for _, key, exclusive, step in BOUNDS)
    return ModelInput(
        name=name,
        type=kind,
        order=order if isinstance(order, int) and not isinstance(order, bool) else place,
        required=required,
        default=whole(default) if kind == "integer" else default,
        has_default="default" in prop and default is not None,
        min=low[0],
        max=high[0],
        choices=tuple(choices) if isinstance(choices, list) else (),
        description=description if isinstance(description, str) else "",
        deprecated=prop.get("deprecated") is True,
        open=tuple(side for side, is_open in (("min", low[1]), ("max", high[1])) if is_open),
        rules=rules(prop),
        union=several(prop),
    )


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
            merged |= flat(part, schemas, known, depth + 1)
        reference = prop.get("$ref")
        if isinstance(reference, str):
            merged |= referred(reference, schemas, known, depth)
    own = {k: v for k, v in prop.items() if k not in ("allOf", "anyOf", "oneOf", "$ref")}
    if "type" not in own and depth < DEEPEST and len(union(prop)) > 1:
        kinds = {type_of(flat(mapping(part), schemas, known, depth + 1)) for part in union(prop)}
        own |= {"type": one_type(kinds), SEVERAL: tuple(sorted(kinds))}
    return merged | own


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


def rules(prop: Mapping[str, Any]) -> tuple[str, ...]:
    """What the document demands of a value beside type, bounds and choices."""
    said = (
        ("minLength", "at least {} characters"), ("maxLength", "at most {} characters"),
        ("multipleOf", "a multiple of {}"), ("pattern", "like {}"),
    )  # fmt: skip
    shown = {key: whole(prop[key]) for key, _ in said if is_number(prop.get(key)) or isinstance(prop.get(key), str)}
    return tuple(words.format(clean(str_of(shown[key]))[:60]) for key, words in said if shown.get(key) not in (None, 0))


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


def bound(prop: Mapping[str, Any], key: str, exclusive: str, kind: str, step: int) -> tuple[float | int | None, bool]:
    """The tighter of a bound and an exclusive one, and whether it is open; integers where the input is one.

    OpenAPI 3.0 writes `exclusiveMinimum: true` beside the bound, 3.1 the bound itself.
    """
    value, edge = number(prop.get(key)), prop.get(exclusive)
    if edge is True and value is not None:
        edge, value = value, None
    limit = number(edge)
    if limit is not None and (value is None or (limit - value) * step >= 0):
        if kind != "integer":
            return limit, True
        edge = whole(limit)
        return (edge + step if isinstance(edge, int) else edge), False
    return (whole(value) if kind == "integer" else value), False


def number(value: Any) -> float | int | None:
    """A JSON number that can be compared, else None."""
    return value if is_number(value) and not (isinstance(value, float) and math.isnan(value)) else None


def str_of(value: Any) -> str:
    """A number of any length or a text, short."""
    return hex(value) if isinstance(value, int) and value.bit_length() > 4096 else str(value)


def whole(value: Any) -> Any:
    """50.0 as 50; everything else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def is_text(value: Any) -> bool:
    """A string."""
    return isinstance(value, str)


def is_number(value: Any) -> bool:
    """A JSON number that is no boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool)


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
    """Defaults where there are any; required inputs without one get a stated sample. The seed is left to the case."""
    values: dict[str, Any] = {}
    stated: list[str] = []
    impossible: list[str] = []
    for item in inputs:
        if item.name == "seed":
            continue
        if item.has_default:
            values[item.name] = item.default
        elif item.required:
            made = made_up(item)
            if made is None:
                impossible.append(item.name)
            else:
                values[item.name] = made
                stated.append(item.name)
    return Sample(values, tuple(stated), tuple(impossible))


def made_up(item: ModelInput) -> Any:
    """A value that the model's own document allows, or None where only the author can give one."""
    if item.choices:
        return item.choices[0]
    if item.type == "string":
        return SAMPLE_PROMPT
    if item.type in ("integer", "number"):
        return next((b for b in (item.min, item.max) if b is not None), 1)
    if item.type == "boolean":
        return False
    if item.type == "file":
        return sample_picture()
    return {"array": [], "object": {}}.get(item.type)


def sample_picture() -> str:
    """A small PNG as a data URL: a grey chequered square, uncompressed, so the same bytes on every machine."""
    rows = b"".join(b"\0" + (b"\xf0\x0f" if y // 4 % 2 else b"\x0f\xf0") * (SIDE // 16) for y in range(SIDE))
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 1, 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(rows, 0)), (b"IEND", b"")]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    )
    return "data:image/png;base64," + base64.b64encode(data).decode()
