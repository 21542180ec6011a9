"""What an author changes about the cases, as JSON, as flags and as it is kept."""

from __future__ import annotations

import json
import shlex
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbius_tui.domain import case_edits
from arbius_tui.domain.case_edits import Edits, applied, case_of, flags, recalled, samples, tried
from arbius_tui.domain.cases import Case, cases_for, row_of
from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.inputs import ModelInput, sample
from arbius_tui.domain.typed_inputs import NOTHING

INPUTS = (
    ModelInput("prompt", "string", 0, True),
    ModelInput("width", "integer", 1, False, 64, True, choices=(64, 128, 256)),
    ModelInput("title", "string", 2, False, "", True),
    ModelInput("guidance", "number", 3, False, 4.0, True, min=1.0),
    ModelInput("picture", "file", 4, False),
    ModelInput("token", "secret", 5, False),
    ModelInput("seed", "integer", 6, False, 0, True),
)
MADE = cases_for(INPUTS, sample(INPUTS))


def case(text: str) -> Case:
    return case_of(text, INPUTS, MADE)


def test_a_case_is_as_short_as_it_can_be() -> None:
    made = case('{"prompt": "x", "seed": 3}')
    assert (made.id, made.seed, made.expect, made.inputs) == ("case-1", 3, "runs", {"prompt": "x"})
    assert case("{}").seed == 33111
    assert case('{"guidance": 7.0}').inputs == {"guidance": 7}
    assert repr(case('{"guidance": 7.0}').inputs["guidance"]) == "7"


def test_an_input_comes_before_a_key_of_the_same_name() -> None:
    assert case('{"title": "mine"}').inputs == {"title": "mine"}
    made = case('{"inputs": {"title": "in"}, "id": "a", "expect": "same", "against": "again"}')
    assert (made.id, made.inputs, made.expect, made.against) == ("a", {"title": "in"}, "same", "again")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no JSON"),
        ("3", "no JSON object"),
        ('{"promt": "x"}', "did you mean prompt?"),
        ('{"inputs": {"promt": "x"}}', "did you mean prompt?"),
        ('{"inputs": 3}', "no object"),
        ('{"width": 65}', "one of 64, 128, 256"),
        ('{"guidance": 0.5}', "a number from 1"),
        ('{"seed": -1}', "no seed from 0"),
        ('{"seed": 9007199254740976}', "no seed from 0"),
        ('{"token": "hunter2"}', "kept nowhere"),
        ('{"expect": "same", "against": "later"}', "does not come before"),
        ('{"id": "again", "expect": "same", "against": "order-leak"}', "does not come before"),
    ],
)
def test_a_case_that_cannot_be_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(BadInput) as raised:
        case(text)
    assert raised.value.problem.code == "case-wrong"
    assert words in raised.value.problem.what
    assert "hunter2" not in str(raised.value.problem)


def test_a_secret_and_a_file_stay_where_they_are() -> None:
    made = case('{"picture": "@/tmp/a.png", "token": "@/tmp/token"}')
    assert made.inputs == {"picture": "@/tmp/a.png", "token": "@/tmp/token"}
    assert case('{"picture": "https://example.org/a.png"}').inputs == {"picture": "https://example.org/a.png"}


def test_a_case_with_a_known_id_stands_in_its_place() -> None:
    edits = Edits().having(case('{"id": "other-seed", "seed": 5, "expect": "differs"}'))
    listed = applied(edits, MADE)
    assert [c.id for c in listed] == [c.id for c in MADE]
    assert listed[2].seed == 5
    first = case('{"id": "first", "seed": 9}')
    assert first.expect == "base", "the first run stays what the others are compared with"


def test_taken_away_and_added_again() -> None:
    edits = Edits().lacking("over-32-bits")
    assert "over-32-bits" not in [c.id for c in applied(edits, MADE)]
    edits = edits.having(case('{"id": "over-32-bits", "seed": 4294967296}'))
    assert "over-32-bits" in [c.id for c in applied(edits, MADE)]
    edits = edits.lacking("over-32-bits")
    assert (edits.cases, edits.without) == ((), ("over-32-bits",))


def test_a_run_that_others_need_is_not_taken_away_from_under_them() -> None:
    with pytest.raises(BadInput) as raised:
        applied(Edits().lacking("seed-zero"), MADE)
    assert raised.value.problem.code == "case-needed"
    assert "seed-zero-again" in raised.value.problem.what


def test_what_was_tried_is_wanted_twice() -> None:
    first, again = tried({"prompt": "x"}, 7, MADE, "a cat")
    assert (first.title, first.seed, again.seed, again.expect, again.against) == ("a cat", 7, 7, "same", first.id)
    more, _ = tried({"prompt": "y"}, -1, (*MADE, first, again))
    assert more.id != first.id
    assert more.seed == 33111, "a seed that no miner can send gives way"


SAMPLES = ["prompt=a [b]cat", "width=128", "guidance=7.0", "picture=@/tmp/a b.png"]


def test_samples_are_texts_by_name() -> None:
    found = samples(SAMPLES, INPUTS)
    assert found == {"prompt": "a [b]cat", "width": 128, "guidance": 7, "picture": "@/tmp/a b.png"}
    assert samples(["width="], INPUTS) == {"width": NOTHING}, "the model's own counts again"
    for wrong in (["prompt"], ["promt=x"], ["width=65"], ["seed=3"], ["token=hunter2"]):
        with pytest.raises(BadInput):
            samples(wrong, INPUTS)


def test_the_flags_make_the_very_same_changes() -> None:
    edits = Edits(samples(SAMPLES, INPUTS), (case('{"prompt": "it\'s", "seed": 3}'), *tried({}, 4, MADE)),
                  ("over-32-bits",), True)  # fmt: skip
    words = shlex.split(shlex.join(flags(edits)))
    given = {flag: [b for a, b in pairwise(words) if a == flag] for flag in words}
    again = Edits(samples(given["--sample"], INPUTS), (), (), "--pairwise" in words)
    for text in given["--case"]:
        again = again.having(case_of(text, INPUTS, applied(again, MADE)))
    for id in given["--without"]:
        again = again.lacking(id)
    assert again == edits


def test_what_is_kept_comes_back() -> None:
    edits = Edits({"width": 128}, tried({"prompt": "x"}, 7, MADE), ("over-32-bits",), True)
    saved = {"inputs": dict(edits.inputs), "cases": [row_of(c) for c in edits.cases], "without": ["over-32-bits"],
             "pairwise": True}  # fmt: skip
    assert recalled(json.loads(json.dumps(saved))) == edits


JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["seed", "id", "inputs", "expect"]), inner),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["inputs", "cases", "without", "pairwise"]), JSON))
def test_a_damaged_state_opens(found: dict[str, Any]) -> None:
    assert case_edits.recalled(found)
