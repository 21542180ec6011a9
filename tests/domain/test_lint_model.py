from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbius_tui.domain.draft import draft
from arbius_tui.domain.errors import Problem
from arbius_tui.domain.lint_model import Model, against, all_defaults, refused
from arbius_tui.domain.spelling import edited
from arbius_tui.domain.template import Template
from tests.domain.calm import calm
from tests.domain.test_lint import odd, put

SCHEMAS = sorted((Path(__file__).parents[1] / "fixtures" / "schemas").glob("*.json"))


def document() -> dict[str, Any]:
    """A model with one input of each sort."""
    properties = {
        "prompt": {"type": "string", "x-order": 0},
        "num_steps": {"type": "integer", "minimum": 1, "maximum": 100, "default": 50, "x-order": 1},
        "guidance_scale": {"type": "number", "minimum": 1, "maximum": 20, "default": 7.5, "x-order": 2},
        "scheduler": {"allOf": [{"$ref": "#/components/schemas/scheduler"}], "default": "DDIM", "x-order": 3},
        "width": {"type": "integer", "enum": [256, 512], "default": 512, "x-order": 4},
        "refiner": {"type": "boolean", "default": False, "x-order": 5},
        "image": {"type": "string", "format": "uri", "x-order": 6},
        "seed": {"type": "integer", "x-order": 7},
    }
    schemas = {
        "Input": {"type": "object", "properties": properties, "required": ["prompt"]},
        "scheduler": {"type": "string", "enum": ["DDIM", "PNDM"]},
    }
    return {"components": {"schemas": schemas}}


def found(*changes: tuple[str, Any], schema: dict[str, Any] | None = None) -> list[Problem]:
    template = copy.deepcopy(dict(draft(document()).template.document))
    for pointer, value in changes:
        put(template, pointer, value)
    return against(Template.of(template), Model.of(schema or document()))


def told(*changes: tuple[str, Any]) -> set[tuple[str, str, str]]:
    return {(p.severity, p.code, p.path) for p in found(*changes)}


def test_a_draft_of_the_model_agrees_with_it() -> None:
    assert told() == set()


def test_story_12_a_variable_that_the_model_calls_otherwise() -> None:
    problems = found(("/input/1/variable", "steps"))
    assert [(p.severity, p.code, p.path) for p in problems] == [
        ("error", "not-in-model", "/input/1/variable"),
        ("info", "not-in-template", "/input"),
    ]
    fix, other = problems[0].fix, problems[1].fix
    assert fix
    assert "num_steps" in fix.text
    assert fix.patch == (("replace", "/input/1/variable", "num_steps"),)
    assert other
    assert not other.patch  # the other row is offered the name


@pytest.mark.parametrize(
    ("change", "expected", "pointer", "then"),
    [
        (("/input/1/variable", "brightness"), ("error", "not-in-model", "/input/1/variable"), "/input/1/variable",
         "guidance_scale"),
        (("/input/1/max", 500), ("error", "wider-than-model", "/input/1/max"), "/input/1/max", 100),
        (("/input/1/min", 0), ("error", "wider-than-model", "/input/1/min"), "/input/1/min", 1),
        (("/input/2/max", 50), ("error", "wider-than-model", "/input/2/max"), "/input/2/max", 20),
        (("/input/1/max", ...), ("info", "model-bound", "/input/1/max"), "/input/1/max", 100),
        (("/input/1/default", ...), ("info", "model-default", "/input/1/default"), "/input/1/default", 50),
        (("/input/1/default", 60), ("info", "default-differs", "/input/1/default"), "/input/1/default", 50),
        (("/input/1/default", 101), ("error", "default-refused", "/input/1/default"), "/input/1/default", 50),
        (("/input/3/default", "Euler"), ("error", "default-refused", "/input/3/default"), "/input/3/default", "DDIM"),
        (("/input/4/default", "512"), ("error", "default-refused", "/input/4/default"), "/input/4/default", 512),
        (("/input/3/choices/2", "Euler"), ("error", "choice-refused", "/input/3/choices/2"), "/input/3/choices",
         ["DDIM", "PNDM"]),
        (("/input/3/type", "string"), ("error", "wider-than-model", "/input/3/type"), "/input/3/type", "string_enum"),
        (("/input/1/type", "string"), ("error", "type-differs", "/input/1/type"), "/input/1/type", "int"),
        (("/input/0/type", "int"), ("error", "type-differs", "/input/0/type"), "/input/0/type", "string"),
        (("/input/4/type", "decimal"), ("error", "type-differs", "/input/4/type"), "/input/4/type", "int_enum"),
        (("/input/0", ...), ("error", "missing-in-template", "/input"), "/input/4/variable", "prompt"),
        (("/input/3", ...), ("info", "not-in-template", "/input"), "/input/4/variable", "scheduler"),
        (("/input/5", {"variable": "refiner", "type": "string_enum", "choices": ["true"], "default": "true"}),
         ("error", "type-differs", "/input/5/type"), "/input/4/variable", "width"),
    ],
)  # fmt: skip
def test_what_differs_and_what_one_key_does(
    change: tuple[str, Any], expected: tuple[str, str, str], pointer: str, then: Any
) -> None:
    template = copy.deepcopy(dict(draft(document()).template.document))
    put(template, *change)
    before = Template.of(template)
    model = Model.of(document())
    problem = next(p for p in against(before, model) if (p.severity, p.code, p.path) == expected)
    assert problem.why
    assert problem.fix
    after = edited(before, problem.fix.patch)
    value: Any = after.document
    for part in pointer.split("/")[1:]:
        value = value[int(part)] if isinstance(value, list) else value[part]
    assert value == then
    assert expected not in {(p.severity, p.code, p.path) for p in against(after, model)}


def test_a_whole_number_and_a_choice_of_numbers_are_numbers_to_the_model() -> None:
    for row in ({"type": "int", "default": 7, "min": 1, "max": 20}, {"type": "int_enum", "choices": [7], "default": 7}):
        assert told(("/input/2", {"variable": "guidance_scale", **row})) == {
            ("info", "default-differs", "/input/2/default")
        }


def test_a_file_that_a_task_gives_as_a_link_is_a_warning() -> None:
    row = {"variable": "image", "type": "string", "default": ""}
    assert told(("/input/5", row)) == {("warn", "model-file", "/input/5/type")}


@pytest.mark.parametrize(
    ("seed", "expected"),
    [
        (None, ("warn", "model-no-seed")),
        ({"type": "integer", "maximum": 4294967295}, ("warn", "model-seed")),
        ({"type": "integer", "minimum": 1}, ("warn", "model-seed")),
        ({"type": "string"}, ("error", "model-seed")),
        ({"type": "integer", "minimum": 0}, None),
    ],
)
def test_the_seed_of_the_model(seed: Any, expected: tuple[str, str] | None) -> None:
    schema = document()
    properties = schema["components"]["schemas"]["Input"]["properties"]
    if seed is None:
        del properties["seed"]
    else:
        properties["seed"] = seed
    assert [(p.severity, p.code) for p in found(schema=schema)] == ([expected] if expected else [])


def test_what_the_draft_made_up_is_not_offered_as_the_models_word() -> None:
    schema = document()
    del schema["components"]["schemas"]["Input"]["properties"]["num_steps"]["maximum"]
    assert not {p.path for p in found(("/input/1/max", 10**6), schema=schema)}


def test_a_document_that_says_nothing() -> None:
    problems = against(Template.of(draft(document()).template.document), Model.of({"openapi": "3.0"}))
    assert [(p.severity, p.code) for p in problems] == [("warn", "model-silent")]


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_drafts_of_real_documents_agree_with_them(path: Path) -> None:
    raw = json.loads(path.read_text())
    schema = raw.get("json") or raw.get("body") or raw
    found = against(draft(schema).template, Model.of(schema))
    assert [p for p in found if p.severity == "error" and p.code != "missing-in-template"] == []


def test_the_proof_sends_what_a_miner_sends() -> None:
    model = Model.of(document())
    sent = all_defaults(draft(document()).template, model)
    assert sent == {"prompt": "arbius test cat", "num_steps": 50, "guidance_scale": 7.5, "scheduler": "DDIM",
                    "width": 512, "seed": 1337}  # fmt: skip


def test_what_the_live_model_refuses_stands_at_its_row() -> None:
    template = draft(document()).template
    said = "the model refuses the input: num_steps: ensure this value is less than 10; width: no"
    assert [(p.code, p.path) for p in refused(template, said, "input-refused")] == [
        ("default-proved-wrong", "/input/1/default"),
        ("default-proved-wrong", "/input/4/default"),
    ]
    assert [(p.code, p.path) for p in refused(template, "the model failed: OOM", "model-failed", "log")] == [
        ("defaults-fail", "/input")
    ]
    assert [p.code for p in refused(template, "the model refuses the input: odd", "input-refused")] == ["defaults-fail"]


def test_a_template_of_quite_another_model_is_judged_quickly() -> None:
    rows = [{"variable": f"other_{n}", "type": "string", "default": ""} for n in range(500)]
    properties = {f"input_{n}": {"type": "string", "default": ""} for n in range(500)}
    schema = {"components": {"schemas": {"Input": {"properties": properties}}}}
    problems = against(Template.of({"input": rows}), Model.of(schema))
    assert sum(p.code == "not-in-model" for p in problems) == 500
    assert {p.fix.patch[0][0] for p in problems if p.fix and p.code == "not-in-model"} == {"remove"}


@calm
@given(odd, st.sampled_from([*SCHEMAS, None]), odd)
def test_never_raises_and_every_patch_applies(template: dict[str, Any], path: Path | None, other: Any) -> None:
    raw = json.loads(path.read_text()) if path else {}
    schema = raw.get("json") or raw.get("body") or raw or {"components": {"schemas": {"Input": {"properties": other}}}}
    found = Template.of(template)
    model = Model.of(schema)
    for problem in against(found, model):
        assert problem.fix
        if problem.fix.patch:
            edited(found, problem.fix.patch)
    assert "seed" in all_defaults(found, model)
    assert refused(found, "no", "input-refused")
