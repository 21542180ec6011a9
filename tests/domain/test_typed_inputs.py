"""What an author types for an input, as the value that is sent, or as words that say what is valid."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbius_tui.domain import typed_inputs
from arbius_tui.domain.case_values import BASE_SEED
from arbius_tui.domain.inputs import ModelInput
from arbius_tui.domain.typed_inputs import HIDDEN, NOTHING, FromFile, Wrong, bounds, pairs, parse, public, shown, takes


def item(kind: str, name: str = "x", *, required: bool = False, **more: Any) -> ModelInput:
    return ModelInput(name, kind, 0, required, **more)


STEPS = item("integer", "steps", min=1, max=50, default=10, has_default=True)
SIZE = item("integer", "width", choices=(64, 128, 256), default=64, has_default=True)
PROMPT = item("string", "prompt", required=True)


@pytest.mark.parametrize(
    ("known", "text", "value"),
    [
        (STEPS, "7", 7),
        (STEPS, " 50 ", 50),
        (STEPS, "", NOTHING),
        (SIZE, "128", 128),
        (item("number"), "2.5", 2.5),
        (item("number"), "1e3", 1000.0),
        (item("number"), "-.5", -0.5),
        (item("boolean"), "Yes", True),
        (item("boolean"), "false", False),
        (item("boolean"), "0", False),
        (PROMPT, " a cat ", " a cat "),
        (PROMPT, "@file", "@file"),
        (item("string", default="a", has_default=True), "", ""),
        (item("string"), "", NOTHING),
        (item("string", choices=("euler", "ddim")), "ddim", "ddim"),
        (item("array"), "[1, 2]", [1, 2]),
        (item("object"), '{"a": 1}', {"a": 1}),
        (item("file"), "@a.png", FromFile("a.png")),
        (item("file"), "a.png", FromFile("a.png")),
        (item("file"), "https://example.org/a.png", "https://example.org/a.png"),
        (item("file"), "data:image/png;base64,AA==", "data:image/png;base64,AA=="),
        (item("secret"), "hunter2", "hunter2"),
        (item("secret"), "@token", FromFile("token", secret=True)),
        (item("integer"), "9007199254740975", 9007199254740975),
    ],
)
def test_a_text_is_the_value_that_is_meant(known: ModelInput, text: str, value: Any) -> None:
    found = parse(known, text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("known", "text", "says"),
    [
        (STEPS, "0", "a whole number from 1 to 50"),
        (STEPS, "51", "a whole number from 1 to 50"),
        (STEPS, "1.5", "a whole number"),
        (STEPS, "1_0", "a whole number"),
        (STEPS, "\u0665", "a whole number"),
        (STEPS, "abc", "a whole number"),
        (SIZE, "65", "one of 64, 128, 256"),
        (item("number", min=0.5), "0.4", "a number from 0.5"),
        (item("number"), "nan", "a number"),
        (item("number"), "1e999", "a number"),
        (item("boolean"), "maybe", "yes or no"),
        (PROMPT, "", "it is needed: any text"),
        (item("integer", required=True), " ", "it is needed: a whole number"),
        (item("array"), "{}", "a list as JSON"),
        (item("object"), "[" * 100_000, "an object as JSON"),
        (item("string", choices=("euler", "ddim")), "euler2", "one of euler, ddim"),
    ],
)
def test_a_wrong_text_says_what_is_valid(known: ModelInput, text: str, says: str) -> None:
    with pytest.raises(Wrong) as wrong:
        parse(known, text)
    assert says in str(wrong.value)


@given(st.integers(1, 50))
def test_what_a_form_shows_is_read_back_as_it_was(number: int) -> None:
    known = item("integer", min=1, max=50, default=number, has_default=True)
    assert parse(known, shown(known)) == number


@given(st.one_of(st.booleans(), st.text(), st.floats(allow_nan=False, allow_infinity=False), st.integers()))
def test_a_default_of_any_sort_is_read_back_as_it_was(default: bool | str | float) -> None:
    kinds: dict[type, str] = {bool: "boolean", str: "string", float: "number", int: "integer"}
    known = item(kinds[type(default)], default=default, has_default=True)
    if len(shown(known)) <= 30:
        assert parse(known, shown(known)) == default


@given(st.text(max_size=40))
def test_any_text_is_a_value_or_words(text: str) -> None:
    for known in (STEPS, SIZE, PROMPT, item("number"), item("boolean"), item("array"), item("file"), item("any")):
        with suppress(Wrong):
            parse(known, text)


def test_bounds_are_said_without_a_useless_point() -> None:
    assert bounds(item("number", min=1.0, max=20.0)) == "from 1 to 20"
    assert bounds(item("integer", max=7)) == "to 7"
    assert takes(item("integer", choices=tuple(range(20)))) == "one of " + ", ".join(map(str, range(12))) + ", .."


def test_a_seed_without_a_default_is_the_guides_own_within_its_bounds() -> None:
    assert shown(item("integer", "seed")) == "33111"
    assert shown(item("integer", "seed", max=1000)) == "1000"
    assert shown(item("integer", "seed", default=5, has_default=True)) == "5"
    assert shown(item("integer", "steps")) == ""


def test_pairs_are_taken_apart_at_the_first_equals_sign() -> None:
    assert pairs(["prompt=a=b", "steps=5"], [PROMPT, STEPS]) == {"prompt": "a=b", "steps": "5"}


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["prompt"], "has no ="),
        (["promt=x"], "did you mean prompt?"),
        (["zzz=x"], "It has: prompt, steps"),
        (["prompt=a", "prompt=b"], "prompt is given twice"),
    ],
)
def test_a_wrong_pair_is_refused_in_words(texts: list[str], says: str) -> None:
    with pytest.raises(Wrong, match=says.replace("?", r"\?")):
        pairs(texts, [PROMPT, STEPS])


def test_no_secret_and_no_file_is_shown() -> None:
    known = [item("secret", "token"), item("file", "image"), PROMPT]
    url = "data:image/png;base64," + "A" * 1000
    found = public({"token": "hunter2", "image": url, "prompt": "a cat"}, known)
    assert found == {"token": HIDDEN, "image": "data:image/png;base64,.. (1,022 characters)", "prompt": "a cat"}
    assert typed_inputs.HIDDEN == "<secret>"


HUGE = 10**400
"""A whole number that JSON may hold and no float does."""


@pytest.mark.parametrize(
    ("known", "text", "says"),
    [
        (item("integer", min=HUGE), "0", f"from {HUGE}"),
        (item("integer", max=-HUGE), "0", f"to -{HUGE}"),
        (item("integer", above=HUGE, below=HUGE), "0", f"above {HUGE} below {HUGE}"),
        (item("integer", max=2**63 - 1), str(2**63), "to 9223372036854775807"),
        (item("number", min=math.inf), "1e9", "from inf"),
    ],
    ids=["least", "most", "between", "64 bits", "endless"],
)
def test_bounds_that_no_float_holds_are_said_as_they_are(known: ModelInput, text: str, says: str) -> None:
    assert bounds(known) == says
    with pytest.raises(Wrong, match=says):
        parse(known, text)


@pytest.mark.parametrize(
    ("least", "most", "first"),
    [
        (None, None, BASE_SEED),
        (-HUGE, HUGE, BASE_SEED),
        (HUGE, None, HUGE),
        (None, 7.5, 7),
        (-math.inf, math.inf, BASE_SEED),
        (math.inf, math.inf, BASE_SEED),
        (math.nan, math.nan, BASE_SEED),
    ],
    ids=["none", "wide", "huge", "half", "endless", "nowhere", "no number"],
)
def test_a_form_shows_a_seed_whatever_its_bounds(least: float | None, most: float | None, first: int) -> None:
    assert shown(item("integer", "seed", min=least, max=most)) == str(first)
