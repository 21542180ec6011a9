"""A model's inputs, read from its OpenAPI document in the spelling of any Cog generation.

Source of the spellings: facts measured on Cog 0.8 to 0.23. Nothing here raises on an odd document: what cannot be read
is left out or has the type `any`.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SAMPLE_PROMPT = "arbius test cat"
"""What miners' own boot test asks for; the sample of every text input that has no default."""

SIDE = 64
"""Pixels of a side of the sample of a file."""


@dataclass(frozen=True, slots=True)
class ModelInput:
    """One input; `type` is string, integer, number, boolean, file, secret, array, object or any.

    `has_default` is false for a default of null: it answers nothing.
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


def read(document: Mapping[str, Any]) -> tuple[ModelInput, ...]:
    """The inputs in the author's order (`x-order`)."""
    schemas = mapping(mapping(document.get("components")).get("schemas"))
    schema = mapping(schemas.get("Input"))
    listed = schema.get("required")
    required = {name for name in listed if isinstance(name, str)} if isinstance(listed, list) else set()
    found = [
        one(name, flat(mapping(prop), schemas), name in required, place)
        for place, (name, prop) in enumerate(mapping(schema.get("properties")).items())
    ]
    return tuple(sorted(found, key=lambda i: (i.order, i.name)))


def one(name: str, prop: Mapping[str, Any], required: bool, place: int) -> ModelInput:
    """A property, already without references, as an input."""
    order = prop.get("x-order")
    kind = type_of(prop)
    choices = prop.get("enum")
    default = prop.get("default")
    description = prop.get("description")
    return ModelInput(
        name=name,
        type=kind,
        order=order if isinstance(order, int) else place,
        required=required,
        default=whole(default) if kind == "integer" else default,
        has_default="default" in prop and default is not None,
        min=bound(prop, "minimum", "exclusiveMinimum", kind, 1),
        max=bound(prop, "maximum", "exclusiveMaximum", kind, -1),
        choices=tuple(choices) if isinstance(choices, list) else (),
        description=description if isinstance(description, str) else "",
        deprecated=prop.get("deprecated") is True,
    )


def flat(prop: Mapping[str, Any], schemas: Mapping[str, Any], known: dict[str, Any] | None = None) -> dict[str, Any]:
    """The property with `$ref`, `allOf` and the null of `anyOf` resolved; its own keys win.

    `known` holds each schema that was resolved once, so that a document that refers to itself costs nothing.
    """
    known = {} if known is None else known
    merged: dict[str, Any] = {}
    for part in parts(prop):
        merged |= flat(part, schemas, known)
    reference = prop.get("$ref")
    if isinstance(reference, str):
        name = reference.rsplit("/", 1)[-1]
        if name not in known:
            known[name] = {}
            known[name] = flat(mapping(schemas.get(name)), schemas, known)
        merged |= known[name]
    own = {k: v for k, v in prop.items() if k not in ("allOf", "anyOf", "oneOf", "$ref")}
    return merged | own


def parts(prop: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """What a property is composed of; of a union only a single member beside null counts."""
    union = [p for key in ("anyOf", "oneOf") for p in as_list(prop.get(key)) if mapping(p).get("type") != "null"]
    return [mapping(p) for p in as_list(prop.get("allOf"))] + ([mapping(union[0])] if len(union) == 1 else [])


def type_of(prop: Mapping[str, Any]) -> str:
    """The input's type in one word."""
    kind = prop.get("type")
    if isinstance(kind, list):
        kind = next((k for k in kind if k != "null"), None)
    if prop.get("x-cog-secret") or prop.get("format") == "password":
        return "secret"
    if kind == "string" and prop.get("format") == "uri":
        return "file"
    if kind is None:
        return enum_type(as_list(prop.get("enum")))
    return kind if kind in ("string", "integer", "number", "boolean", "array", "object") else "any"


def enum_type(values: Sequence[Any]) -> str:
    """The type of choices that say none (very old documents)."""
    if values and all(isinstance(v, str) for v in values):
        return "string"
    if values and all(isinstance(v, int) and not isinstance(v, bool) for v in values):
        return "integer"
    return "any"


def bound(prop: Mapping[str, Any], key: str, exclusive: str, kind: str, step: int) -> float | int | None:
    """A bound; integers where the input is one, an exclusive one moved by one for integers."""
    value, edge = prop.get(key), prop.get(exclusive)
    if not is_number(value) and is_number(edge) and kind == "integer":
        value = whole(edge) + step if isinstance(whole(edge), int) else edge
    if not is_number(value):
        return None
    return whole(value) if kind == "integer" else value


def whole(value: Any) -> Any:
    """50.0 as 50; everything else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


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
