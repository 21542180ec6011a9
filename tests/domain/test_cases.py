"""The cases that a model's inputs call for, and the file in which they are kept."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbius_tui.domain import cases
from arbius_tui.domain.case_values import SECOND_TEXT
from arbius_tui.domain.cases import LARGEST_SEED, Case, cases_for, read, standard_cases, written
from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.inputs import ModelInput, sample


def test_largest_seed_is_what_a_miner_can_send() -> None:
    assert LARGEST_SEED == 9007199254740975
    seeds = {case.seed for case in standard_cases()}
    assert {0, 2**32 - 1, 2**32, LARGEST_SEED} <= seeds
    assert cases.TASK_SEED <= LARGEST_SEED


INPUTS = (
    ModelInput("prompt", "string", 0, True),
    ModelInput("width", "integer", 1, False, 64, True, choices=(64, 128, 256)),
    ModelInput("steps", "integer", 2, False, 50, True, 1, 500),
    ModelInput("guidance", "number", 3, False, 4.0, True, min=1.0),
    ModelInput("refine", "boolean", 4, False, False, True),
    ModelInput("scale", "integer", 5, False),
    ModelInput("seed", "integer", 6, False, 0, True, 0, 2**53),
)


def made() -> dict[str, Case]:
    return {case.id: case for case in cases_for(INPUTS, sample(INPUTS))}


def test_each_choice_and_each_bound_is_tried_once() -> None:
    tried = [dict(case.inputs) for case in made().values() if case.inputs and "second-prompt" not in case.id]
    assert tried == [
        {"width": 128}, {"width": 256}, {"steps": 1}, {"steps": 500}, {"guidance": 1.0}, {"refine": True},
    ]  # fmt: skip


def test_other_inputs_lie_between_the_first_inputs_and_their_repeat() -> None:
    order = list(made())
    assert made()["second-prompt"].inputs == {"prompt": SECOND_TEXT}
    assert order[order.index("second-prompt") + 1] == "order-leak"
    assert order.index("after-pause") < order.index("second-prompt") < order.index("after-restart")


def test_a_text_with_a_default_may_be_a_word_of_a_set_and_is_left_alone() -> None:
    inputs = (ModelInput("mode", "string", 0, False, "ok", True), ModelInput("seed", "integer", 1, False, 0, True))
    assert not [case for case in cases_for(inputs, sample(inputs)) if case.inputs]
    inputs = (ModelInput("negative_prompt", "string", 0, False, "", True), *inputs)
    assert [dict(case.inputs) for case in cases_for(inputs, sample(inputs)) if case.inputs][:1] == [
        {"negative_prompt": SECOND_TEXT}
    ]


def test_a_miner_sends_the_defaults_and_a_seed_of_usual_size() -> None:
    case = made()["miner-defaults"]
    assert case.inputs == {}
    assert case.seed > 2**32


def test_a_model_with_nothing_but_a_seed_has_the_standard_cases() -> None:
    only = (ModelInput("seed", "integer", 0, False, 0, True),)
    assert [case.id for case in cases_for(only, sample(only))] == [*(c.id for c in standard_cases()), "miner-defaults"]


def test_a_model_without_a_seed_has_no_case_of_a_task() -> None:
    only = (ModelInput("prompt", "string", 0, True),)
    assert "miner-defaults" not in {case.id for case in cases_for(only, sample(only))}


def test_ids_are_unique_and_every_comparison_looks_back() -> None:
    listed = list(made().values())
    ids = [case.id for case in listed]
    assert len({*ids}) == len(ids)
    for place, case in enumerate(listed):
        assert case.expect in ("base", "runs") or case.against in ids[:place]


def test_a_file_gives_back_what_was_written() -> None:
    listed, shared = cases_for(INPUTS, sample(INPUTS)), sample(INPUTS).inputs
    found = read(written(listed, shared))
    assert found.cases == listed
    assert found.inputs == shared


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "no object"),
        ('{"cases": []}', "no object"),
        ('{"v": 9, "cases": [{"seed": 1}]}', "version 9"),
        ('{"inputs": 3, "cases": [{"seed": 1}]}', '"inputs" is no object'),
        ('{"cases": [{"seed": 1}, 7]}', "case 2 is no object"),
        ('{"cases": [{"seed": -1}]}', "case 1 has no seed"),
        ('{"cases": [{"seed": true}]}', "case 1 has no seed"),
        ('{"cases": [{"seed": 9007199254740976}]}', "case 1 has no seed"),
        ('{"cases": [{"seed": 1, "sed": 2}]}', "unknown key 'sed'"),
        ('{"cases": [{"seed": 1, "expect": "equal"}]}', "is one of base, same, differs, runs"),
        ('{"cases": [{"seed": 1, "title": 3}]}', "'title' of case 1"),
        ('{"cases": [{"seed": 1, "id": "a"}, {"seed": 1, "id": "a"}]}', "id 'a'"),
        ('{"cases": [{"seed": 1}, {"seed": 1, "expect": "same", "against": "later"}]}', "does not come before"),
    ],
)
def test_a_file_that_is_wrong_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(BadInput) as raised:
        read(text)
    assert raised.value.problem.code == "cases-file"
    assert words in raised.value.problem.what


def test_a_short_file_is_enough() -> None:
    text = '{"cases": [{"seed": 7}, {"seed": 7, "expect": "same"}, {"seed": 8, "expect": "differs"}]}'
    first, again, other = read(text).cases
    assert (first.expect, first.id) == ("base", "case-1")
    assert (again.against, other.against) == ("case-1", "case-1")


KEYS = st.sampled_from(["v", "inputs", "cases", "seed", "id", "expect", "before", "against", "title"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner),
    max_leaves=20,
)


@given(JSON)
def test_no_file_breaks_the_reader(found: object) -> None:
    with suppress(BadInput):
        assert read(json.dumps(found)).cases
