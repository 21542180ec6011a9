"""A document out of bytes."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.inputs import read
from arbius_tui.domain.openapi import is_template, parse, unwrapped

DOCUMENT = {"components": {"schemas": {"Input": {"properties": {"x": {"type": "integer"}}}}}}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "schema-not-json"),
        (b"{ half", "schema-not-json"),
        (b"\xff\xfe\xff", "schema-not-json"),
        (b"[" * 100_000, "schema-not-json"),
        (b"[]", "schema-no-object"),
        (b"null", "schema-no-object"),
        (b'"\\ud800"', "schema-no-object"),
    ],
)
def test_what_is_no_document(data: bytes, code: str) -> None:
    with pytest.raises(BadInput) as failure:
        parse(data, "my\x1b[31m.json")
    assert failure.value.problem.code == code
    assert "\x1b" not in failure.value.problem.what


def test_an_endless_number_is_read_as_near_as_it_goes() -> None:
    assert parse(b'{"a": ' + b"9" * 5000 + b', "b": 1e999, "c": NaN}', "x")["a"] == math.inf


@pytest.mark.parametrize(
    "wrapped", [DOCUMENT, {"openapi_schema": DOCUMENT}, {"latest_version": {"id": "x", "openapi_schema": DOCUMENT}}]
)
def test_the_document_inside_what_replicate_answers(wrapped: dict[str, Any]) -> None:
    assert [i.name for i in read(unwrapped(parse(json.dumps(wrapped).encode(), "x")))] == ["x"]


def test_schemas_of_other_generators() -> None:
    moved = {"$defs": {"Input": {"properties": {"x": {"$ref": "#/$defs/Y"}}}, "Y": {"enum": ["a"]}}}
    assert [(i.name, i.type, i.choices) for i in read(moved)] == [("x", "string", ("a",))]


def test_a_template_is_told_from_a_document() -> None:
    assert is_template({"meta": {}, "input": [], "output": []})
    assert is_template({"meta": {}})
    assert not is_template(DOCUMENT)
    assert not is_template({})


@given(st.binary(max_size=60))
def test_bytes_are_a_document_or_a_failure_in_words(data: bytes) -> None:
    try:
        found = parse(data, "x")
    except BadInput:
        return
    assert isinstance(unwrapped(found), dict)
