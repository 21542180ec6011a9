"""Every two values of two inputs meet, in a bounded number of cases."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arbius_tui.domain.cases import cases_for, pairs_of, pairwise_cases
from arbius_tui.domain.inputs import ModelInput, sample
from arbius_tui.domain.pairwise import MOST_CASES, MOST_INPUTS, combined, thin


def missing(levels: dict[str, tuple[Any, ...]], rows: tuple[Any, ...]) -> set[tuple[str, Any, str, Any]]:
    """Pairs that no row has."""
    wanted = {(a, x, b, y) for a, b in combinations(levels, 2) for x in levels[a] for y in levels[b]}
    for row in rows:
        wanted -= {(a, row[a], b, row[b]) for a, b in combinations(levels, 2)}
    return wanted


SIZES = st.lists(st.integers(1, 20), max_size=6)


@given(SIZES)
@settings(max_examples=40, deadline=None)
def test_every_pair_meets_and_the_number_is_bounded(sizes: list[int]) -> None:
    levels = {f"i{n}": tuple(range(size)) for n, size in enumerate(sizes)}
    found = combined(levels)
    assert len(found.rows) <= MOST_CASES
    if not found.rows:
        assert sum(size > 1 for size in sizes) < 2
        return
    assert not missing(dict(found.levels), found.rows)
    for name, values in found.levels.items():
        assert {values[0], values[-1]} == {levels[name][0], levels[name][-1]}
        assert (name in found.thinned) == (len(values) < len(levels[name]))
    assert combined(levels) == found, "the same on every machine"


@pytest.mark.parametrize("sizes", [[500, 400, 300], [200, 200], [2] * 80, [12] * 8])
def test_huge_enums_and_many_inputs_are_bounded_too(sizes: list[int]) -> None:
    found = combined({f"i{n}": tuple(range(size)) for n, size in enumerate(sizes)})
    assert 0 < len(found.rows) <= MOST_CASES
    assert len(found.levels) <= MOST_INPUTS
    assert not missing(dict(found.levels), found.rows)
    assert found.thinned or max(sizes) < 12


def test_thinning_keeps_both_ends() -> None:
    assert thin("abcdef", 9) == tuple("abcdef")
    assert thin("abcdef", 2) == ("a", "f")
    assert thin("abcdefghi", 3) == ("a", "e", "i")


WIDTH = ModelInput("width", "integer", 1, False, 64, True, choices=(64, 128, 256))
STEPS = ModelInput("steps", "integer", 2, False, 50, True, 1, 500)
FLIP = ModelInput("flip", "boolean", 3, False, False, True)
SEED = ModelInput("seed", "integer", 6, False, 0, True)


def pairs(*inputs: ModelInput) -> list[dict[str, Any]]:
    known = sample(inputs)
    return [dict(case.inputs) for case in pairwise_cases(inputs, known, pairs_of(inputs, known))]


def test_a_combination_that_another_case_has_is_not_run_twice() -> None:
    inputs = (WIDTH, STEPS, FLIP, SEED)
    known = sample(inputs)
    alone = [dict(case.inputs) for case in cases_for(inputs, known)]
    made = pairs(*inputs)
    assert made
    assert not [row for row in made if row in alone or row == {}]
    assert all(len(row) >= 2 for row in made)
    full = [{**known.inputs, **row} for row in (*made, *alone)]
    levels = {"width": (64, 128, 256), "steps": (50, 1, 500), "flip": (False, True)}
    assert not missing(levels, tuple(full))


def test_what_no_template_can_say_or_nobody_can_vary_is_not_combined() -> None:
    assert pairs(WIDTH, SEED) == [], "one input has no pairs"
    assert pairs(SEED) == []
    old = ModelInput("old", "integer", 4, False, 1, True, 1, 9, deprecated=True)
    picture = ModelInput("picture", "file", 5, True)
    words = ModelInput("words", "array", 7, False, [], True)
    assert pairs(WIDTH, old, picture, words, SEED) == []
    low = ModelInput("low", "integer", 4, False, 3, True, 1)
    made = pairs(WIDTH, low, SEED)
    assert {(row.get("width", 64), row.get("low", 3)) for row in made} == {(128, 1), (256, 1)}


def test_an_optional_input_without_a_default_is_combined_with_being_left_out() -> None:
    style = ModelInput("style", "string", 4, False, choices=("a", "b"))
    made = pairs(WIDTH, style, SEED)
    assert {"width": 128, "style": "b"} in made
    assert all(None not in row.values() for row in made)
