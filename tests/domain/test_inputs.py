"""Inputs are read alike in every Cog generation's spelling, and nothing raises."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from arbius_tui.domain.inputs import SAMPLE_PROMPT, read, sample

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def document(properties: dict[str, Any], required: list[str] | None = None, **schemas: Any) -> dict[str, Any]:
    found = {"Input": {"type": "object", "properties": properties, "required": required or []}, **schemas}
    return {"components": {"schemas": found}}


OLD = document(
    {
        "steps": {"title": "Steps", "minimum": 1.0, "maximum": 500.0, "type": "integer", "default": 50, "x-order": 1},
        "scheduler": {"allOf": [{"$ref": "#/components/schemas/scheduler"}], "default": "a", "x-order": 2},
        "prompt": {"title": "Prompt", "type": "string", "x-order": 0},
    },
    ["prompt"],
    scheduler={"title": "scheduler", "type": "string", "enum": ["a", "b"]},
)
NEW = document(
    {
        "prompt": {"title": "Prompt", "type": "string", "x-order": 0},
        "scheduler": {"$ref": "#/components/schemas/scheduler", "default": "a", "x-order": 2},
        "steps": {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 500}, {"type": "null"}], "default": 50,
                  "x-order": 1},
    },
    ["prompt"],
    scheduler={"title": "scheduler", "enum": ["a", "b"]},
)  # fmt: skip


def test_generations_agree() -> None:
    assert read(OLD) == read(NEW)
    assert [(i.name, i.type, i.min, i.max) for i in read(OLD)] == [
        ("prompt", "string", None, None), ("steps", "integer", 1, 500), ("scheduler", "string", None, None),
    ]  # fmt: skip
    assert isinstance(read(OLD)[1].min, int)


@pytest.mark.parametrize(
    ("prop", "kind"),
    [
        ({"type": "string", "format": "uri"}, "file"),
        ({"type": "string", "format": "password", "x-cog-secret": True}, "secret"),
        ({"type": ["integer", "null"]}, "integer"),
        ({"enum": [1, 2]}, "integer"),
        ({"type": "array", "items": {"type": "string"}}, "array"),
        ({}, "any"),
        ({"$ref": "#/components/schemas/Input"}, "object"),
    ],
)
def test_types(prop: dict[str, Any], kind: str) -> None:
    assert read(document({"x": prop}))[0].type == kind


def test_sample_sends_what_a_miner_would_send() -> None:
    found = sample(read(OLD))
    assert found.inputs == {"prompt": SAMPLE_PROMPT, "steps": 50, "scheduler": "a"}
    assert found.stated == ("prompt",)


def test_a_file_that_is_needed_is_a_small_picture_and_said_to_be_made_up() -> None:
    found = sample(read(document({"image": {"type": "string", "format": "uri"}}, ["image"])))
    assert found.stated == ("image",)
    kind, _, data = found.inputs["image"].partition(";base64,")
    assert kind == "data:image/png"
    with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
        picture.load()
        assert picture.size == (64, 64)
        assert len(picture.convert("L").getcolors() or ()) == 2


def test_a_secret_cannot_be_made_up() -> None:
    found = sample(read(document({"key": {"type": "string", "format": "password"}}, ["key"])))
    assert found.impossible == ("key",)


def test_seed_is_left_to_the_case() -> None:
    assert sample(read(document({"seed": {"type": "integer", "default": 3}}))).inputs == {}


@given(JSON)
def test_any_document_is_read(data: Any) -> None:
    found = data if isinstance(data, dict) else {"components": {"schemas": {"Input": {"properties": {"x": data}}}}}
    sample(read(found))


@given(
    st.dictionaries(st.sampled_from(["type", "enum", "default", "minimum", "x-order", "anyOf", "$ref", "allOf"]), JSON)
)
def test_any_property_is_read(prop: dict[str, Any]) -> None:
    assert len(read(document({"x": prop}, ["x"]))) == 1


def test_a_document_that_refers_to_itself_is_read_in_no_time() -> None:
    again = {"$ref": "#/components/schemas/Loop"}
    loop = {"allOf": [again] * 200, "type": "integer"}
    assert read(document({"x": {"allOf": [again] * 200}}, Loop=loop))[0].type == "integer"
