"""The values that cases try, for models of every shape."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from arbius_tui.domain import inputs as read_inputs
from arbius_tui.domain.case_values import LARGEST_SEED, refusal, seed_doubts, usual_seeds, values
from arbius_tui.domain.cases import BASE_SEED, TASK_SEED, cases_for
from arbius_tui.domain.inputs import SAMPLE_PROMPT, ModelInput, edges, fits, made_up, sample

SEED = {"type": "integer", "default": 0, "x-order": 9}


def model(required: tuple[str, ...] = (), **props: Any) -> tuple[ModelInput, ...]:
    schema = {"properties": props, "required": list(required)}
    return read_inputs.read({"components": {"schemas": {"Input": schema}}})


def tried(*inputs: ModelInput) -> list[dict[str, Any]]:
    """What the cases change, each once: a repeat wants the same hash again."""
    return [dict(case.inputs) for case in cases_for(inputs, sample(inputs)) if case.inputs and case.expect != "same"]


@pytest.mark.parametrize(
    ("prop", "listed"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 100, "multipleOf": 8, "default": 8}, [96]),
        ({"type": "integer", "minimum": 1, "maximum": 100, "multipleOf": 8, "default": 16}, [8, 96]),
        ({"type": "number", "minimum": 0.1, "maximum": 1, "multipleOf": 0.25, "default": 0.5}, [0.25, 1]),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1, "default": 0.5}, [1]),
        ({"type": "number", "minimum": 0, "exclusiveMinimum": True, "maximum": 1, "default": 0.5}, [1]),
        ({"type": "integer", "minimum": 0, "exclusiveMinimum": True, "maximum": 9, "default": 5}, [1, 9]),
        ({"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 10, "default": 5}, [1, 9]),
        ({"type": "integer", "minimum": 0.5, "maximum": 9.5, "default": 5}, [1, 9]),
        ({"type": "integer", "minimum": 5, "default": 5}, []),
        ({"type": "integer", "minimum": 1, "maximum": 10**400, "default": 5}, [1]),
        ({"type": "number", "minimum": 4.0, "maximum": 8.0, "default": 4.0}, [8]),
        ({"type": "boolean", "default": False}, [True]),
        ({"type": "boolean"}, [False, True]),
        ({"type": "string", "enum": ["a", "b", None], "default": "a"}, ["b"]),
        ({"type": "string", "enum": ["a", "b"], "nullable": True}, ["a", "b"]),
        ({"type": "integer", "enum": [1, 2.0, 2], "default": 1}, [2]),
        ({"type": "array", "items": {"type": "integer"}, "default": []}, []),
        ({"type": "string", "maxLength": 10**9, "default": "x"}, []),
        ({"type": "integer", "minimum": 1, "maximum": 9, "default": 5, "deprecated": True}, []),
    ],
)
def test_each_value_is_one_that_the_model_takes(prop: dict[str, Any], listed: list[Any]) -> None:
    found = [case["x"] for case in tried(*model(x=prop, seed=SEED)) if "x" in case]
    seen = list(dict.fromkeys(map(repr, found)))
    assert seen == list(map(repr, listed))


def test_whole_numbers_are_sent_as_a_miners_json_has_them() -> None:
    known = sample(model(x={"type": "number", "default": 7.0}, y={"type": "number", "default": 7.5}))
    assert list(map(repr, known.inputs.values())) == ["7", "7.5"]


@pytest.mark.parametrize(
    ("prop", "made"),
    [
        ({"type": "string"}, SAMPLE_PROMPT),
        ({"type": "string", "maxLength": 6}, "arbius"),
        ({"type": "string", "minLength": 30, "maxLength": 31}, "arbius test cat arbius test cat"),
        ({"type": "string", "minLength": 10**9}, None),
        ({"type": "string", "maxLength": 10**9}, SAMPLE_PROMPT),
        ({"type": "string", "pattern": "^[a-z ]+$"}, SAMPLE_PROMPT),
        ({"type": "string", "pattern": "^[0-9]+$"}, None),
        ({"type": "string", "pattern": "("}, None),
        ({"type": "integer", "multipleOf": 8}, 0),
        ({"type": "integer", "minimum": 1, "multipleOf": 8}, 8),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, 0.5),
        ({"type": "number", "exclusiveMaximum": 0}, -1),
        ({"type": "string", "enum": [None, "b"]}, "b"),
    ],
)
def test_a_sample_is_one_that_the_model_takes_or_none(prop: dict[str, Any], made: Any) -> None:
    assert made_up(model(("x",), x=prop)[0]) == made


NUMBERS = st.integers(-(2**60), 2**60) | st.floats() | st.none()


@given(st.sampled_from(["integer", "number"]), st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS))
@example("integer", (1.5e92, 1.5e92, None, None, 8.4e-217))
def test_no_document_breaks_the_bounds_and_none_is_invented(kind: str, found: tuple[Any, ...]) -> None:
    keys = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
    (item,) = model(x={"type": kind, **{k: v for k, v in zip(keys, found, strict=True) if v is not None}})
    assert all(bound is None or fits(item, bound) for bound in edges(item))
    sent = made_up(item)
    assert sent is None or fits(item, sent)
    assert all(fits(item, value) for value in values(item))


# -- the seed


def seed(**more: Any) -> ModelInput:
    return model(seed={"type": "integer", **more})[0]


@pytest.mark.parametrize(
    ("item", "first", "other"),
    [
        (None, 33111, 33112),
        (seed(), 33111, 33112),
        (seed(minimum=-1, default=-1), 33111, 33112),
        (seed(maximum=2**31 - 1), 33111, 33112),
        (seed(maximum=1000), 1000, 999),
        (seed(minimum=10**6), 10**6, 10**6 + 1),
        (seed(minimum=7, maximum=7), 7, 6),
        (seed(maximum=0), 0, 0),
        (seed(enum=[5, 6, 7]), 5, 6),
        (seed(enum=[1, 33111]), 33111, 1),
        (seed(enum=[5]), 5, 33111),
        (seed(minimum=2**60), LARGEST_SEED, LARGEST_SEED),
    ],
)
def test_the_usual_seeds_are_ones_that_the_model_takes(item: ModelInput | None, first: int, other: int) -> None:
    assert usual_seeds(item) == (first, other)


def test_the_cases_of_a_narrow_seed_begin_with_one_that_it_takes() -> None:
    inputs = (seed(maximum=1000),)
    found = {case.id: case.seed for case in cases_for(inputs, sample(inputs))}
    assert (found["first"], found["again"], found["other-seed"]) == (1000, 1000, 999)
    assert BASE_SEED not in found.values()
    assert (found["seed-zero"], found["largest-seed"], found["miner-defaults"]) == (0, LARGEST_SEED, TASK_SEED)


def test_what_the_schema_refuses_is_said() -> None:
    assert refusal(None, LARGEST_SEED) == ""
    assert refusal(seed(), LARGEST_SEED) == ""
    assert refusal(seed(maximum=2**31 - 1), 2**31 - 1) == ""
    assert refusal(seed(maximum=2**31 - 1), 2**31) == "the model takes no seed above 2147483647"
    assert refusal(seed(minimum=1), 0) == "the model takes no seed below 1"
    assert refusal(seed(enum=[1, 2]), 3) == "the model takes only 2 seeds"
    assert refusal(model(seed={"type": "string"})[0], 3) == "", "the server's own words are better"


@pytest.mark.parametrize(
    ("props", "words"),
    [
        ({}, "no input named seed"),
        ({"seed": {"type": "string"}}, "seed is a string"),
        ({"seed": {"type": "number"}}, "seed is a number"),
        ({"seed": {"anyOf": [{"type": "integer"}, {"type": "null"}], "maximum": 9}}, "no seed above 9"),
        ({"seed": {"type": "integer", "minimum": 1}}, "no seed below 1"),
        ({"seed": {"type": "integer"}}, ""),
        ({"seed": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}, ""),
    ],
)
def test_a_doubtful_seed_is_said_before_the_first_case(props: dict[str, Any], words: str) -> None:
    said = list(seed_doubts(model(**props)))
    assert (words in said[0]) if words else said == []


# -- models of other shapes


def test_a_model_that_takes_only_a_picture_gets_another_one_in_between() -> None:
    inputs = model(("image",), image={"type": "string", "format": "uri"}, seed=SEED)
    (other,) = tried(*inputs)
    assert other["image"].startswith("data:image/png;base64,")
    assert other["image"] != sample(inputs).inputs["image"]


def test_a_prompt_that_is_an_enum_has_its_words_tried() -> None:
    inputs = model(prompt={"type": "string", "enum": ["cat", "dog"], "default": "cat"}, seed=SEED)
    assert tried(*inputs) == [{"prompt": "dog"}, {"prompt": "dog"}]


def test_a_short_prompt_gets_a_short_second_one() -> None:
    inputs = model(("prompt",), prompt={"type": "string", "maxLength": 5}, seed=SEED)
    assert tried(*inputs) == [{"prompt": "a sec"}]


def test_a_model_without_anything_to_change_has_the_cases_of_the_seed() -> None:
    assert tried(*model(seed=SEED)) == []
    assert tried() == []
