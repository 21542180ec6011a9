"""Drafts of whatever a Cog may write: nothing raises, nothing is lost, and a draft agrees with what it was made of."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arbius_tui.domain import draft_notes, inputs
from arbius_tui.domain.draft import Draft, draft
from arbius_tui.domain.lint import lint
from arbius_tui.domain.lint_model import Model, against, all_defaults
from arbius_tui.domain.readers import views
from arbius_tui.domain.spelling import rewrite
from arbius_tui.domain.template import Template
from tests.domain.cog_documents import documents
from tests.domain.test_draft import META

MIMES = st.sampled_from(["", "image/png", "text/plain; charset=utf-8", "application/json", "a\x00/b"])
MODELS_OWN = {"missing-in-template", "model-seed"}
"""What no draft can mend: an input that a template cannot have, and a seed that miners cannot set."""


def accounted(made: Draft, properties: dict[str, Any]) -> None:
    """Each property is in the template or left out, once; the counts say how many."""
    rows = [row["variable"] for row in made.template.document["input"]]
    asked = {item.variable for item in made.asked if item.part == "input" and (item.variable or item.key)}
    mapped = [item.variable for item in made.mapped]
    assert len(rows) == len(set(rows))
    assert sorted(mapped + [name for name in rows if name in asked]) == sorted(rows)
    assert not set(mapped) & asked
    assert set(rows) <= set(properties)
    gone = [name for name in properties if name not in rows]
    assert len(made.left_out) == len(gone)
    assert Counter(item.variable for item in made.left_out) == Counter(draft_name(name) for name in gone)
    assert all(item.reason for item in (*made.left_out, *made.asked, *made.mapped))
    counts = made.counts
    assert counts["inputs"] == len(properties) == made.total
    assert counts["mapped"] + counts["asked"] + counts["left_out"] == counts["inputs"]
    assert counts["refused"] == sum(item.blocks for item in made.left_out)


def draft_name(name: str) -> str:
    from arbius_tui.domain.text import clean

    return clean(name)[:80]


@settings(max_examples=100)
@given(documents(), MIMES)
def test_every_input_is_mapped_asked_or_left_out_once(
    made_of: tuple[dict[str, Any], dict[str, Any]], mime: str
) -> None:
    document, properties = made_of
    made = draft(document, META, mime)
    accounted(made, properties)
    assert [p for p in lint(made.template) if p.severity == "error"] == []
    assert Template.parse(made.template.data).canonical() == made.template.data
    json.dumps(made.counts)


def empty(item: inputs.ModelInput) -> bool:
    """Whether the model's bounds leave no value at all."""
    low = [bound for bound in (item.min, item.above) if bound is not None]
    high = [bound for bound in (item.max, item.below) if bound is not None]
    return bool(low and high) and max(low) >= min(high) and not (item.min == item.max and (item.above is item.below))


@settings(max_examples=100)
@given(documents(), documents())
def test_a_draft_agrees_with_its_model_and_nothing_raises_with_another(
    one: tuple[dict[str, Any], dict[str, Any]], other: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    made, model = draft(one[0], META, "image/png"), Model.of(one[0])
    own = against(made.template, model)
    names = [row["variable"] for row in made.template.document["input"]]
    errors = [p for p in own if p.severity == "error" and p.code not in MODELS_OWN]
    assert all(p.path.startswith("/input/") for p in errors), errors
    wrong = {names[int(p.path.split("/")[2])] for p in errors}
    assert wrong <= {name for name, item in model.inputs.items() if empty(item)}, own
    blocked = sum(item.blocks for item in made.left_out)
    assert sum(p.code == "missing-in-template" for p in own) == blocked
    found = [*lint(made.template), *against(made.template, Model.of(other[0])), *draft_notes.problems(made)]
    assert len(views(made.template, found)) == 6
    all_defaults(made.template, model)
    inputs.sample(inputs.read(one[0]))
    for problem in found:
        json.dumps([problem.what, problem.why, problem.path])
        assert "\x1b" not in problem.what + problem.why
        if problem.fix and problem.fix.patch:
            Template.read(rewrite(made.template.data, problem.fix.patch))


@pytest.mark.parametrize(
    ("prop", "kind", "choices"),
    [
        ({"type": "integer", "enum": ["32", "48"], "default": 48}, "int_enum", [32, 48]),
        ({"type": "number", "enum": ["1", "2"], "default": 1.0}, "int_enum", [1, 2]),
        ({"type": "string", "enum": ["32", "48"], "default": "48"}, "string_enum", ["32", "48"]),
    ],
)
def test_numbers_in_quotes_are_numbers_where_the_model_takes_numbers(
    prop: dict[str, Any], kind: str, choices: list[Any]
) -> None:
    made = draft({"components": {"schemas": {"Input": {"properties": {"x": prop}}}}}, META)
    (row,) = made.template.document["input"]
    assert (row["type"], row["choices"], row["default"]) == (kind, choices, prop["default"])
    assert [item.variable for item in made.mapped] == ["x"]


def test_a_document_of_ten_thousand_inputs_and_choices_is_drafted_and_judged() -> None:
    many = {
        f"x{n}": {"allOf": [{"$ref": "#/components/schemas/big"}], "default": "c1", "x-order": n} for n in range(300)
    }
    many |= {f"y{n}": {"type": "integer", "default": n} for n in range(10_000)}
    schemas = {"Input": {"properties": many}, "big": {"type": "string", "enum": [f"c{n}" for n in range(1000)]}}
    made = draft({"components": {"schemas": schemas}}, META, "image/png")
    accounted(made, many)
    assert {p.code for p in lint(made.template) if p.severity == "error"} == {"too-big"}
    assert [
        p for p in against(made.template, Model.of({"components": {"schemas": schemas}})) if p.severity == "error"
    ] == []
