from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbius_tui.domain import draft_notes
from arbius_tui.domain.draft import Draft, draft
from arbius_tui.domain.lint import lint
from arbius_tui.domain.openapi import parse
from arbius_tui.domain.template import Template

SCHEMAS = Path(__file__).parents[1] / "fixtures" / "schemas"
IMAGE = ("v-old-image-openapi.json", "v-016-image-openapi.json", "v-new-image-openapi.json")
TYPES = ("schema-types-v0.9.26.json", "schema-types-v016.json", "schema-types-v019.json")
META = {
    "title": "Little image (A100)",
    "description": "text to image, proven on A100 80GB",
    "git": "https://github.com/me/model/tree/aa5ee2f68a1785b0833d32c27dff097b9b5e8f47",
    "docker": "r8.im/me/model@sha256:" + "4e" * 32,
}


def load(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((SCHEMAS / name).read_bytes())
    return document


def one(prop: dict[str, Any], required: bool = False, **schemas: Any) -> Draft:
    """The draft of a model with one input `x`."""
    schema = {"properties": {"x": prop}, "required": ["x"] if required else []}
    return draft({"components": {"schemas": {"Input": schema, "Output": {"type": "string"}, **schemas}}}, META)


def row(found: Draft) -> dict[str, Any]:
    result: dict[str, Any] = found.template.document["input"][0]
    return result


def asked(found: Draft, variable: str = "x") -> dict[str, Any]:
    return {
        item.key: item.put for item in found.asked if item.variable == variable and item.part in (variable, "input")
    }


@pytest.mark.parametrize("name", IMAGE)
def test_the_image_model_of_every_generation(name: str) -> None:
    found = draft(load(name), META, "image/png")
    assert found.template.document == {
        "meta": {**META, "version": 1},
        "input": [
            {"variable": "prompt", "type": "string", "required": True, "default": "", "description": "Input prompt"},
            {"variable": "width", "type": "int_enum", "required": False, "choices": [64, 128, 256], "default": 64,
             "description": "Width of output image."},
            {"variable": "height", "type": "int_enum", "required": False, "choices": [64, 128, 256], "default": 64,
             "description": "Height of output image."},
            {"variable": "num_inference_steps", "type": "int", "required": False, "min": 1, "max": 500, "default": 5,
             "description": "Number of denoising steps"},
            {"variable": "guidance_scale", "type": "decimal", "required": False, "min": 1, "max": 20, "default": 4,
             "description": "Scale for classifier-free guidance"},
            {"variable": "scheduler", "type": "string_enum", "required": False,
             "choices": ["p_sampler", "ddim_sampler"], "default": "p_sampler", "description": "Choose a scheduler."},
        ],
        "output": [{"filename": "out-1.png", "type": "image"}],
    }  # fmt: skip
    assert found.asked == ()
    assert [item.variable for item in found.left_out] == ["seed"]
    assert "miners set it" in found.left_out[0].reason
    assert lint(found.template) == []


def test_every_generation_gives_the_same_bytes() -> None:
    assert len({draft(load(name), META, "image/png").template.data for name in IMAGE}) == 1


@pytest.mark.parametrize("name", TYPES)
def test_every_type_is_in_exactly_one_list(name: str) -> None:
    document = load(name)
    found = draft(document, META, "image/webp")
    lists = [{item.variable for item in part} for part in (found.mapped, found.asked, found.left_out)]
    assert sum(map(len, lists)) == len(set().union(*lists))
    assert set().union(*lists) == set(document["components"]["schemas"]["Input"]["properties"])
    rows = {r["variable"]: r for r in found.template.document["input"]}
    assert set(rows) == lists[0] | lists[1]
    assert rows["f_range"]["min"] == 0.5
    assert rows["i_range"] == {
        "variable": "i_range", "type": "int", "required": False, "min": 1, "max": 10, "default": 5,
        "description": "ranged",
    }  # fmt: skip
    assert rows["s_choice_req"]["default"] == "x"
    blocked = {item.variable for item in found.left_out if item.blocks}
    assert {"b_req", "p_req", "ilst"} <= blocked <= {"b_req", "p_req", "ilst", "sec"}
    assert found.template.document["output"] == [{"filename": "out-1.webp", "type": "image"}]


@pytest.mark.parametrize("name", TYPES)
def test_a_draft_can_be_used_as_it_is(name: str) -> None:
    found = draft(load(name), META, "image/png")
    assert [problem for problem in lint(found.template) if problem.severity == "error"] == []


@pytest.mark.parametrize(
    ("prop", "bounds", "put"),
    [
        ({"type": "integer", "default": 50}, (25, 100, 50), {"min": 25, "max": 100}),
        ({"type": "integer", "default": 50, "minimum": 1}, (1, 100, 50), {"max": 100}),
        ({"type": "integer", "default": 50, "maximum": 60.0}, (25, 60, 50), {"min": 25}),
        ({"type": "integer", "default": 0}, (0, 1, 0), {"min": 0, "max": 1}),
        ({"type": "integer", "default": 1}, (1, 2, 1), {"min": 1, "max": 2}),
        ({"type": "integer", "default": -5}, (-10, -3, -5), {"min": -10, "max": -3}),
        ({"type": "number", "default": 7.5}, (3, 15, 7.5), {"min": 3, "max": 15}),
        ({"type": "number", "default": 0.8}, (0, 1, 0.8), {"min": 0, "max": 1}),
        ({"type": "number", "default": -0.8}, (-1, 0, -0.8), {"min": -1, "max": 0}),
        ({"type": "integer", "minimum": 2, "maximum": 9}, (2, 9, 2), {"default": 2}),
        ({"type": "integer", "maximum": -3}, (-6, -3, -3), {"default": -3, "min": -6}),
        ({"type": "integer"}, (1, 2, 1), {"default": 1, "min": 1, "max": 2}),
        ({"type": "integer", "default": None, "minimum": 0, "maximum": 4}, (0, 4, 0), {"default": 0}),
        ({"type": "integer", "default": True, "minimum": 0, "maximum": 4}, (0, 4, 0), {"default": 0}),
        ({"type": "integer", "default": 99, "minimum": 0, "maximum": 4}, (0, 4, 0), {"default": 0}),
        ({"type": "integer", "default": 1.5, "minimum": 0, "maximum": 4}, (0, 4, 0), {"default": 0}),
        ({"type": "integer", "default": 3, "minimum": 9, "maximum": 4}, (4, 4, 4), {"min": 4, "default": 4}),
        ({"type": "integer", "default": 3, "minimum": 0, "maximum": 2**63}, (0, 2**31 - 1, 3), {"max": 2**31 - 1}),
        ({"type": "number", "default": 3, "minimum": 0, "maximum": float("inf")}, (0, 2**53, 3), {"max": 2**53}),
        ({"type": "number", "default": 3, "minimum": float("nan"), "maximum": 10**400}, (1, 2**53, 3),
         {"min": 1, "max": 2**53}),
    ],
)  # fmt: skip
def test_bounds_and_defaults_are_never_invented_silently(
    prop: dict[str, Any], bounds: tuple[float, float, float], put: dict[str, Any]
) -> None:
    found = one(prop)
    made = row(found)
    assert (made["min"], made["max"], made["default"]) == bounds
    assert asked(found) == put
    assert all(item.reason for item in found.asked)
    assert found.mapped == ()


@pytest.mark.parametrize(
    ("prop", "kind", "default"),
    [
        ({"anyOf": [{"type": "string"}, {"type": "null"}], "default": "a"}, "string", "a"),
        ({"type": ["string", "null"], "default": "a"}, "string", "a"),
        ({"type": "string", "nullable": True, "default": "a"}, "string", "a"),
        ({"allOf": [{"$ref": "#/components/schemas/Size"}], "default": 2}, "int_enum", 2),
        ({"$ref": "#/components/schemas/Size", "default": 2.0}, "int_enum", 2),
        ({"anyOf": [{"$ref": "#/components/schemas/Size"}, {"type": "null"}], "default": 2}, "int_enum", 2),
        ({"allOf": [{"$ref": "#/components/schemas/Old"}], "default": "b"}, "string_enum", "b"),
    ],
)
def test_spellings_of_one_input(prop: dict[str, Any], kind: str, default: Any) -> None:
    schemas = {
        "Size": {"type": "integer", "enum": [1, 2.0, 2, None], "description": "An enumeration."},
        "Old": {"enum": ["a", "b", "a"]},
    }
    found = one(prop, **schemas)
    made = row(found)
    assert (made["type"], made["default"], made["description"]) == (kind, default, "")
    assert made.get("choices") in (None, [1, 2], ["a", "b"])
    assert found.asked == ()


@pytest.mark.parametrize(
    ("prop", "words"),
    [
        ({"type": "boolean", "default": False}, "its own default false"),
        ({"type": "string", "format": "uri"}, "no files"),
        (
            {"type": "array", "items": {"type": "string"}, "default": ["a"]},
            "no lists; the model uses its own default in",
        ),
        ({"type": "object"}, "no objects"),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, "a whole number or text, and a row has one"),
        ({"type": ["string", "integer", "null"]}, "text or a whole number, and a row has one"),
        ({"anyOf": [{"type": "string", "format": "password"}, {"type": "integer"}], "default": "x"}, "public on chain"),
        ({"type": "widget"}, "its type is not one"),
        ({"type": "string", "format": "binary"}, "no files"),
        ({"type": "string", "default": "z", "deprecated": True}, "deprecated"),
        ({"type": "number", "enum": [0.5, 1.5]}, "its choices"),
        ({"type": "integer", "enum": [2**40]}, "its choices"),
        ({"type": "integer", "enum": ["a"]}, "none of its choices is of the type"),
        ({"type": "string", "enum": [1]}, "none of its choices is of the type"),
        ({"type": "integer", "minimum": 2**31}, "miners read none of the numbers"),
        ({"type": "number", "exclusiveMinimum": 2**60, "maximum": 2**61}, "miners read none of the numbers"),
    ],
)
def test_what_is_left_out_and_what_happens_then(prop: dict[str, Any], words: str) -> None:
    optional, required = one(prop), one(prop, required=True)
    assert optional.template.document["input"] == []
    assert words in optional.left_out[0].reason
    assert "in every task" in optional.left_out[0].reason
    assert not optional.left_out[0].blocks
    if "deprecated" not in prop:
        assert required.left_out[0].blocks
        assert "every task would fail" in required.left_out[0].reason


def test_a_secret_is_left_out_and_never_shown() -> None:
    found = one({"type": "string", "format": "password", "x-cog-secret": True, "default": "hunter2"})
    assert "public on chain" in found.left_out[0].reason
    assert "hunter2" not in repr(found)


def test_choices_above_32_bit_are_asked() -> None:
    found = one({"type": "integer", "enum": [1, 2**40], "default": 1})
    assert row(found)["choices"] == [1]
    assert asked(found) == {"choices": [1]}


@pytest.mark.parametrize(
    ("prop", "default", "put"),
    [
        ({"type": "string", "default": "a"}, "a", {}),
        ({"type": "string"}, "", {"default": ""}),
        ({"type": "string", "default": 5}, "", {"default": ""}),
        ({"type": "string", "enum": ["a", "b"]}, "a", {"default": "a"}),
        ({"type": "string", "enum": ["a", "b"], "default": "c"}, "a", {"default": "a"}),
        ({"type": "integer", "enum": [0, 1], "default": True}, 0, {"default": 0}),
    ],
)
def test_text_and_choices(prop: dict[str, Any], default: Any, put: dict[str, Any]) -> None:
    found = one(prop)
    assert row(found)["default"] == default
    assert asked(found) == put


@pytest.mark.parametrize(
    ("mime", "filename", "kind"),
    [
        ("image/png", "out-1.png", "image"), ("image/jpeg", "out-1.jpg", "image"),
        ("image/svg+xml", "out-1.png", "image"), ("video/mp4", "out-1.mp4", "video"),
        ("audio/x-wav", "out-1.wav", "audio"), ("audio/mpeg", "out-1.mp3", "audio"),
        ("text/plain;charset=utf-8", "out-1.txt", "text"), ("IMAGE/WEBP", "out-1.webp", "image"),
    ],
)  # fmt: skip
def test_output_by_what_the_model_really_returned(mime: str, filename: str, kind: str) -> None:
    found = draft(load(IMAGE[0]), META, mime)
    assert found.template.document["output"] == [{"filename": filename, "type": kind}]
    assert found.asked == ()


@pytest.mark.parametrize("mime", ["", "application/zip", "nonsense"])
def test_an_output_of_unknown_kind_is_asked(mime: str) -> None:
    found = draft(load(IMAGE[0]), META, mime)
    assert asked(found, "output") == {"type": "image"}


def test_a_text_output_is_known_from_the_schema_and_an_object_is_asked() -> None:
    assert draft(load("v-new-iter-openapi.json"), META).template.document["output"] == [
        {"filename": "out-1.txt", "type": "text"}
    ]
    assert "object" in draft(load("v-new-dict-openapi.json"), META, "image/png").asked[-1].reason


def test_meta_that_is_not_known_is_asked() -> None:
    found = draft(load(IMAGE[2]), {"title": "T", "license": "MIT"}, "image/png")
    assert found.template.document["meta"] == {
        "title": "T", "description": "", "git": "", "docker": "", "version": 1, "license": "MIT",
    }  # fmt: skip
    assert set(asked(found, "meta")) == {"description", "git", "docker"}


def test_a_document_without_inputs_says_so() -> None:
    found = draft({"error": "OpenAPI schema not available"}, META)
    assert found.template.document["input"] == []
    assert any("describes no inputs" in item.reason for item in found.asked)


def test_untrusted_words_are_harmless() -> None:
    found = one({"type": "string", "default": "a", "description": "\x1b]0;pwned\x07red\u202e"})
    assert row(found)["description"] == "red"
    odd = draft({"components": {"schemas": {"Input": {"properties": {"\x1b[2J": {"type": "string"}}}}}}, META)
    assert "\x1b" not in odd.left_out[0].reason
    schema = {"properties": {"\x1b[2J\u202e": {"type": "boolean"}}, "required": ["\x1b[2J\u202e"]}
    needed = draft({"components": {"schemas": {"Input": schema}}}, META)
    (problem,) = (p for p in draft_notes.problems(needed) if p.code == "draft-blocked")
    assert not {"\x1b", "\u202e"} & set(problem.what + problem.path + needed.left_out[0].variable)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
words = st.sampled_from([
    "type", "enum", "default", "minimum", "maximum", "exclusiveMinimum", "allOf", "anyOf", "$ref", "description",
    "x-order", "format", "deprecated", "nullable", "items", "x-cog-secret",
])  # fmt: skip
likely = st.sampled_from(
    ["string", "integer", "number", "boolean", "array", "uri", "#/components/schemas/Input", 1, 0.5]
)
props = st.dictionaries(words, likely | json_values | st.lists(likely | json_values, max_size=3), max_size=6)


@given(json_values, json_values, st.text(max_size=12))
def test_never_raises_on_arbitrary_json(schemas: Any, schema: Any, mime: str) -> None:
    found = (
        schemas,
        {"schemas": schemas},
        {"schemas": {"Input": schema, "Output": schemas}},
        {"schemas": {"Input": {"properties": schema}}},
    )
    for components in found:
        assert isinstance(draft({"components": components}, None, mime), Draft)


@given(st.dictionaries(st.sampled_from("abcdefg"), props | json_values, max_size=5), st.booleans())
def test_nearly_right_documents_give_usable_templates(properties: dict[str, Any], required: bool) -> None:
    schema = {"properties": properties, "required": list(properties) if required else None}
    found = draft({"components": {"schemas": {"Input": schema}}}, META, "image/png")
    assert [p for p in lint(found.template) if p.severity == "error"] == []
    assert Template.parse(found.template.data).canonical() == found.template.data
    lists = [{item.variable for item in part} for part in (found.mapped, found.asked, found.left_out)]
    assert set().union(*lists) - {"input"} == set(properties)


# --- whatever comes in -------------------------------------------------------------------------------------------

RECORDED = sorted(SCHEMAS.glob("*.json"))
"""What real servers of four generations answered."""

BAD = st.sampled_from([
    None, True, "", "\x1b[2J\ud800", [], {}, [[]], {"$ref": "#/components/schemas/Input"}, 10**400, -(10**400), 1e308,
    float("nan"), float("inf"), -0.0, 2**53 + 1, 0.1, {"type": ["string", "null", 5]}, {"allOf": [{"allOf": []}]},
    {"const": 5}, {"enum": [None, [], {}]}, ["integer", "number"], {"exclusiveMinimum": True, "minimum": 0},
])  # fmt: skip
"""Values that no generator writes."""


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value in a document."""
    found = [here] if here else []
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        found += places(child, (*here, key))
    return found


def mutated(document: Any, path: tuple[Any, ...], new: Any) -> None:
    """Put a value where another was; a place that is gone meanwhile is left alone."""
    try:
        for key in path[:-1]:
            document = document[key]
        if isinstance(path[-1], int) == isinstance(document, list):
            document[path[-1]] = copy.deepcopy(new)
    except (KeyError, IndexError, TypeError):
        return


def sound(found: Draft) -> None:
    """What holds of every draft, whatever it was made of."""
    again = Template.parse(found.template.data) if found.template.size <= 65_536 else found.template
    assert again.canonical() == found.template.data
    counts = found.counts
    assert counts["inputs"] == counts["mapped"] + counts["asked"] + counts["left_out"]
    assert counts["refused"] <= counts["left_out"]
    for problem in draft_notes.problems(found):
        json.dumps([problem.what, problem.why, problem.path, problem.fix and problem.fix.text])
        assert "\x1b" not in problem.what
    for item in found.asked:
        json.dumps(item.put, allow_nan=False)


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_what_real_servers_answered(path: Path) -> None:
    found = draft(parse(path.read_bytes(), path.name), META, "image/png")
    sound(found)
    assert [problem for problem in lint(found.template) if problem.severity == "error"] == []


@pytest.mark.parametrize("model", ["image", "text", "dict", "files", "iter", "nondet"])
def test_the_models_agree_over_the_generations(model: str) -> None:
    documents = [path for path in RECORDED if f"-{model}-" in path.name]
    assert len(documents) >= 3
    made = [draft(parse(path.read_bytes(), path.name), META) for path in documents]
    assert len({one.template.data for one in made}) == 1
    assert len({str(one.counts) for one in made}) == 1
    assert len({repr((one.mapped, one.asked, one.left_out)) for one in made}) == 1


@given(st.data())
def test_any_mutation_of_a_real_document_gives_a_draft(data: st.DataObject) -> None:
    document = json.loads(data.draw(st.sampled_from(RECORDED)).read_bytes())
    schemas = document["components"]["schemas"]
    kept = [path for path in places(schemas) if path[0] in ("Input", "Output") or len(path) < 4]
    for path in data.draw(st.lists(st.sampled_from(kept), min_size=1, max_size=4)):
        mutated(schemas, path, data.draw(BAD))
    sound(draft(document, META, data.draw(st.sampled_from(["", "image/png", "text/plain", "a\x00/b"]))))


@given(json_values)
def test_any_value_as_the_document_of_an_image_or_a_file(value: Any) -> None:
    if isinstance(value, dict):
        sound(draft(value))
    sound(draft({"components": value, "$defs": value, "definitions": value}))


def nested(levels: int, key: str) -> Any:
    """A schema that many levels deep."""
    made: Any = {"type": "integer"}
    for _ in range(levels):
        made = {key: [made]} if key != "items" else {"type": "array", "items": made}
    return made


@pytest.mark.parametrize("key", ["allOf", "anyOf", "oneOf", "items"])
def test_a_deep_schema(key: str) -> None:
    sound(one(nested(400, key)))
    sound(draft({"components": {"schemas": {"Input": nested(400, key), "Output": nested(400, key)}}}, META))


def test_references_in_a_circle_and_in_a_long_row() -> None:
    circle = {"A": {"$ref": "#/components/schemas/B"}, "B": {"allOf": [{"$ref": "#/components/schemas/A"}] * 50}}
    sound(one({"$ref": "#/components/schemas/A"}, True, **circle))
    row: dict[str, Any] = {f"S{n}": {"anyOf": [{"$ref": f"#/components/schemas/S{n + 1}"}] * 2} for n in range(3000)}
    sound(one({"$ref": "#/components/schemas/S0"}, **row))
    sound(draft({"components": {"schemas": {"Input": {"$ref": "#/components/schemas/Input"}}}}, META))


def test_many_inputs_are_drafted_in_order() -> None:
    many = {f"x{n}": {"type": "string", "x-order": 2000 - n} for n in range(2000)}
    found = draft({"components": {"schemas": {"Input": {"properties": many}}}}, META)
    sound(found)
    assert [row["variable"] for row in found.template.document["input"]][:2] == ["x1999", "x1998"]


@pytest.mark.parametrize("name", ["meta", "output", "input"])
def test_an_input_that_is_named_like_a_part_of_the_template(name: str) -> None:
    schema = {"properties": {name: {"type": "integer"}}}
    found = draft({"components": {"schemas": {"Input": schema}}}, META, "image/png")
    assert found.counts["asked"] == 1
    assert {p.path for p in draft_notes.problems(found) if p.code == "draft-asked"} == {
        "/input/0/default", "/input/0/min", "/input/0/max",
    }  # fmt: skip


# --- bounds, rules, unions, the seed -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prop", "bounds", "put"),
    [
        ({"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 10, "default": 5}, (1, 9), {}),
        ({"type": "integer", "exclusiveMinimum": True, "minimum": 0.0, "maximum": 9, "default": 5}, (1, 9), {}),
        ({"type": "integer", "minimum": 3, "exclusiveMinimum": 0, "maximum": 9, "default": 5}, (3, 9), {}),
        ({"type": "integer", "minimum": 0, "exclusiveMinimum": 3, "maximum": 9, "default": 5}, (4, 9), {}),
        ({"type": "integer", "exclusiveMinimum": False, "minimum": 0, "maximum": 9, "default": 5}, (0, 9), {}),
        ({"type": "integer", "minimum": 0.5, "maximum": 9, "default": 5}, (1, 9), {"min": 1}),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 9, "default": 5}, (1, 9), {"min": 1}),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 9, "default": 0.5}, (0.5, 9), {"min": 0.5}),
        ({"type": "number", "minimum": 0, "exclusiveMaximum": 1, "default": 0.5}, (0, 0.5), {"max": 0.5}),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1, "default": 1}, (1, 1), {"min": 1}),
        (
            {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
            (0.25, 0.75),
            {"min": 0.25, "max": 0.75, "default": 0.25},
        ),
        ({"type": "number", "minimum": 0, "exclusiveMinimum": 2, "maximum": 9, "default": 5}, (3, 9), {"min": 3}),
        ({"type": "number", "minimum": 3, "exclusiveMinimum": 2, "maximum": 9, "default": 5}, (3, 9), {}),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 0.5}, (0.125, 0.5), {"min": 0.125, "default": 0.125}),
    ],
)
def test_exclusive_bounds_and_bounds_between_whole_numbers(
    prop: dict[str, Any], bounds: tuple[float, float], put: dict[str, Any]
) -> None:
    found = one(prop)
    made = row(found)
    assert (made["min"], made["max"]) == bounds
    assert asked(found) == put
    assert [problem for problem in lint(found.template) if problem.severity == "error"] == []


@pytest.mark.parametrize(
    ("union", "kind"),
    [
        ([{"type": "integer"}, {"type": "number"}], "decimal"),
        ([{"type": "integer"}, {"type": "integer", "maximum": 5}], "int"),
        ([{"type": "string"}, {"type": "null"}], "string"),
    ],
)
def test_a_union_of_one_kind_is_that_kind(union: list[dict[str, Any]], kind: str) -> None:
    assert row(one({"anyOf": union, "default": None}))["type"] == kind


def test_what_a_template_cannot_say_of_an_input_in_it_is_listed() -> None:
    found = one({"type": "string", "minLength": 1, "maxLength": 8, "pattern": "^[a-z]+$", "default": "a"})
    assert [item.reason.partition(";")[0] for item in found.unsaid] == [
        "the model takes only at least 1 characters", "the model takes only at most 8 characters",
        "the model takes only like ^[a-z]+$",
    ]  # fmt: skip
    assert found.counts["mapped"] == 1
    assert {p.path for p in draft_notes.problems(found) if p.code == "draft-unsaid"} == {"/input/0"}


def test_an_input_that_is_needed_and_cannot_be_given_is_an_error_beside_the_file() -> None:
    found = one({"type": "string", "format": "uri"}, required=True)
    (problem,) = (p for p in draft_notes.problems(found) if p.severity == "error")
    assert (problem.code, problem.path) == ("draft-blocked", "/left/x")
    assert found.counts["refused"] == 1


@pytest.mark.parametrize(
    ("prop", "words"),
    [
        ({"type": "integer"}, ""),
        ({"type": "integer", "minimum": 0, "maximum": 2**53}, ""),
        ({"type": "number"}, ""),
        ({"type": "integer", "maximum": 2147483647}, "up to 2147483647 only"),
        ({"type": "integer", "minimum": 1}, "from 1 only"),
        ({"type": "string"}, "as string"),
    ],
)
def test_a_seed_that_miners_cannot_set(prop: dict[str, Any], words: str) -> None:
    found = draft({"components": {"schemas": {"Input": {"properties": {"seed": prop}}}}}, META, "image/png")
    said = [p.what for p in draft_notes.problems(found) if p.code == "draft-seed-range"]
    assert len(said) == bool(words)
    assert all(words in what for what in said)


def test_a_model_without_a_seed_is_told_of() -> None:
    assert "draft-no-seed" in {p.code for p in draft_notes.problems(one({"type": "string"}))}


def test_why_a_known_value_of_meta_is_still_asked() -> None:
    found = draft(load(IMAGE[0]), META, "image/png", {"git": "2 files differ from the commit"})
    (item,) = found.asked
    assert (item.part, item.key, item.put) == ("meta", "git", META["git"])
    assert item.reason.startswith("2 files differ")
