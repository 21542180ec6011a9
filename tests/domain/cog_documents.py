"""OpenAPI documents as every generation of Cog writes them, and as none does: strategies for hypothesis.

The shapes are those of 3,808 documents of public models: choices by `allOf` (Cog 0.3 to 0.23), inline beside the type
(0.1), numbers in quotes (0.1), a bare `$ref` or `anyOf` with null (pydantic 2), `nullable`, exclusive bounds as
booleans (OpenAPI 3.0) and as numbers (3.1), bounds as 1.0, `format` uri, password, uint32, `x-order` given, missing
and doubled, `required` left out, and `Input` referred to or composed.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

TEXTS = st.sampled_from(
    ["", "a", "b", "K_EULER", "512", "0.998", "1e3", "tru\u00e9", "\x1b[31m[red]x", "a\u202eb", "x" * 300]
)
NAMES = st.sampled_from([
    "prompt", "seed", "width", "steps", "scale", "image", "class", "negative_prompt", "Size", "x-y", "2nd", "caf\u00e9",
    "meta", "output", "input", "required", "a b", "", "\x1b[2J", "~/", "__proto__",
])  # fmt: skip
NUMBERS = st.sampled_from([0, 1, 2, 5, 50, 50.0, 0.5, -1, -0.5, 7.5, 2**31, 2**53 + 1, 1e300, -(2**40), 10**400])
ODD: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS | st.just(float("inf")) | st.just(float("nan")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
"""Whatever JSON has."""


def optional(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=keys)


COMMON = optional(**{
    "title": TEXTS, "description": TEXTS, "x-order": st.integers(-1, 4) | st.sampled_from([1.0, "2", None, True]),
    "deprecated": st.booleans(), "nullable": st.booleans(), "x-cog-accept": st.just("image/*"), "example": ODD,
})  # fmt: skip
BOUNDS = optional(
    minimum=NUMBERS, maximum=NUMBERS, multipleOf=NUMBERS, format=st.sampled_from(["uint32", "double", "uint8"]),
    exclusiveMinimum=NUMBERS | st.booleans(), exclusiveMaximum=NUMBERS | st.booleans(),
)  # fmt: skip
LENGTHS = optional(
    minLength=st.integers(-1, 9), maxLength=st.integers(-1, 9), pattern=st.sampled_from(["^a", "(", "\\d+"])
)


@st.composite
def prop(draw: st.DrawFn) -> dict[str, Any]:
    """One property of `Input`, and `#components` for what it refers to by name."""
    kind = draw(
        st.sampled_from(["integer", "number", "string", "boolean", "file", "secret", "array", "object", "enum"])
    )
    found = draw(BY_KIND[kind])
    found = draw(st.sampled_from(SPELLINGS))(found) if kind != "enum" else found
    found = {**found, **draw(COMMON)}
    if draw(st.booleans()):
        found["default"] = draw(NUMBERS | TEXTS | ODD if kind != "boolean" else st.booleans())
    if draw(st.integers(0, 9)) == 0:
        found[draw(st.sampled_from(sorted({*found, "type", "enum", "allOf", "anyOf", "$ref", "items"})))] = draw(ODD)
    return found


BY_KIND: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "integer": BOUNDS.map(lambda more: {"type": "integer", **more}),
    "number": BOUNDS.map(lambda more: {"type": "number", **more}),
    "string": LENGTHS.map(lambda more: {"type": "string", **more}),
    "boolean": st.just({"type": "boolean"}),
    "file": st.sampled_from([{"type": "string", "format": "uri"}, {"type": "string", "format": "binary"}]),
    "secret": st.sampled_from([
        {"type": "string", "format": "password", "writeOnly": True, "x-cog-secret": True},
        {"type": "string", "format": "password"},
    ]),
    "array": st.sampled_from([
        {"type": "array", "items": {"type": "string"}}, {"type": "array"},
        {"type": "array", "items": {"$ref": "#/components/schemas/Loop"}},
        {"type": "array", "items": [{"type": "integer"}]},
    ]),
    "object": st.sampled_from([
        {"type": "object"}, {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
        {"type": "object", "additionalProperties": {"type": "string"}},
    ]),
    "enum": st.sampled_from([
        {"allOf": [{"$ref": "#/components/schemas/words"}]}, {"$ref": "#/components/schemas/sizes"},
        {"anyOf": [{"$ref": "#/components/schemas/sizes"}, {"type": "null"}]}, {"allOf": [{"$ref": "#/nowhere"}]},
        {"oneOf": [{"$ref": "#/components/schemas/bare"}]}, {"$ref": "#/components/schemas/Loop"},
        {"type": "integer", "enum": ["32", "48"]}, {"type": "number", "enum": ["0.997", "1.0"]},
        {"type": "string", "enum": [1, 2]}, {"type": "integer", "enum": ["a", "b"]}, {"enum": [None, "a"]},
        {"type": "string", "enum": []}, {"const": "only"}, {"const": 5, "type": "integer"}, {"enum": [1, 2.0, 3.5]},
        {"type": "boolean", "enum": [True]}, {"type": "integer", "enum": [2**40, 1]}, {"enum": ["a", 1]},
    ]),
}  # fmt: skip
SPELLINGS = [
    lambda one: one,
    lambda one: {"anyOf": [one, {"type": "null"}]},
    lambda one: {"oneOf": [one, {"type": "null"}]},
    lambda one: {"allOf": [one]},
    lambda one: {**one, "type": [one["type"], "null"]},
    lambda one: {"anyOf": [one, {"type": "string"}]},
    lambda one: {"$ref": "#/components/schemas/Loop", **one},
]
"""How generations write a type that may be null, and types of several members."""
COMPONENTS = {
    "words": {"title": "words", "type": "string", "enum": ["a", "b", "K_EULER"], "description": "An enumeration."},
    "sizes": {"title": "sizes", "type": "integer", "enum": [512, 768.0, 1024], "description": "An enumeration."},
    "bare": {"enum": ["a", "b"]},
    "Loop": {"allOf": [{"$ref": "#/components/schemas/Loop"}], "items": {"$ref": "#/components/schemas/Loop"}},
    "Base": {"properties": {"inherited": {"type": "integer"}}, "required": ["inherited"]},
}
OUTPUTS = st.sampled_from([
    {"type": "string", "format": "uri"}, {"type": "array", "items": {"type": "string", "format": "uri"}},
    {"type": "string"}, {"type": "array", "items": {"type": "string"}, "x-cog-array-type": "iterator"}, {},
    {"type": "object"}, {"$ref": "#/components/schemas/Loop"}, {"type": "array", "items": {"type": "array"}},
    {"type": "integer"}, {"type": "boolean"}, None, [], "x",
])  # fmt: skip


@st.composite
def documents(draw: st.DrawFn, most: int = 8) -> tuple[dict[str, Any], dict[str, Any]]:
    """A document, and the properties of its `Input`."""
    properties = draw(st.dictionaries(NAMES, prop(), max_size=most))
    known = list(properties)
    required = draw(st.lists(st.sampled_from(known), unique=True) if known else st.just([]))
    schema: dict[str, Any] = {"type": "object", "title": "Input", "properties": properties, "required": required}
    if not required and draw(st.booleans()):
        del schema["required"]
    schemas = {**COMPONENTS, "Input": schema}
    form = draw(st.sampled_from(["plain", "plain", "plain", "referred", "composed", "definitions"]))
    if form == "referred":
        schemas |= {"Real": schema, "Input": {"$ref": "#/components/schemas/Real"}}
    if form == "composed":
        schemas |= {
            "Real": schema,
            "Input": {"allOf": [{"$ref": f"#/components/schemas/{n}"} for n in ("Base", "Real")]},
        }
        properties = {**COMPONENTS["Base"]["properties"], **properties}
    schemas["Output"] = draw(OUTPUTS)
    if form == "definitions":
        return {"definitions": schemas}, properties
    return {"openapi": draw(st.sampled_from(["3.0.2", "3.1.0"])), "components": {"schemas": schemas}}, properties
