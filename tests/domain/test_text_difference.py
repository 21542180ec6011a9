"""Texts line by line and JSON value by value, harmless and bounded."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbius_tui.domain.text import clean
from arbius_tui.domain.text_difference import compare_json, compare_texts

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def test_a_diff_shows_what_went_and_came_with_what_is_around() -> None:
    found = compare_texts("one\ntwo\nthree\n", "one\n2\nthree\n")
    assert found.lines == ("@@ -1,3 +1,3 @@", " one", "-two", "+2", " three")
    assert (found.removed, found.added, found.words_equal, found.left_out) == (1, 1, False, "")


def test_spaces_and_line_ends_leave_the_words_equal() -> None:
    assert compare_texts("a cat\r\non a mat", "a  cat\non a mat\n").words_equal
    assert not compare_texts("a cat", "acat").words_equal
    assert not compare_texts(" ", "").words_equal


def test_what_hides_from_the_eye_is_written_out() -> None:
    found = compare_texts("a\u200bb", "ab")
    assert found.lines[-2:] == ("-a\\u200bb", "+ab")
    assert "\x1b" not in "".join(compare_texts("\x1b[31mred", "red").lines)


def test_one_long_line_is_shown_from_where_it_parts() -> None:
    start = "word " * 200
    found = compare_texts(f"{start}cat and so on {start}", f"{start}dog and so on {start}")
    assert all(len(line) <= 410 for line in found.lines)
    assert "cat and" in found.lines[-2]
    assert "dog and" in found.lines[-1]


def test_a_huge_diff_is_limited_and_says_so() -> None:
    found = compare_texts("\n".join(f"a{i}" for i in range(20_000)), "\n".join(f"b{i}" for i in range(20_000)))
    assert len(found.lines) == 200
    assert "only the first 800 lines" in found.left_out


@given(st.text(), st.text())
def test_any_two_texts_give_clean_lines(one: str, other: str) -> None:
    found = compare_texts(one, other)
    assert all(clean(line) == line for line in found.lines)
    assert compare_texts(one, one).lines == ()


def test_json_is_compared_value_by_value() -> None:
    found = compare_json('{"a": [1, {"b": "x"}], "c": 2}', '{"c": 2, "a": [1, {"b": "y"}], "d/e": null}')
    assert found is not None
    assert [str(path) for path in found.paths] == ['/a/[1]/b: "x" -> "y"', '/"d/e": not there -> null']
    assert (found.differing, found.total) == (2, 3)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("[1]", "[1.0]"), ("[1]", "[true]"), ("[1]", '["1"]'), ("[0]", "[-0]"), ("[]", "{}"), ("[[]]", "[{}]"),
        ('{"0": 1}', "[1]"), ('{"[0]": 1}', "[1]"), ("[9007199254740993]", "[9007199254740992]"), ("null", '"null"'),
        ("[NaN]", '["NaN"]'), ('{"\\u0007": 1}', '{"\\"\\\\u0007\\"": 1}'), ('{"a/b": 1}', '{"a": {"b": 1}}'),
    ],
)  # fmt: skip
def test_values_that_python_would_call_equal_are_not(one: str, other: str) -> None:
    found = compare_json(one, other)
    assert found is not None
    assert found.differing


@pytest.mark.parametrize("text", ["", "{", '{"a": 1, "a": 1}', "[" * 5000 + "]" * 5000, "[" * 200 + "]" * 200])
def test_what_is_no_plain_json_is_not_compared(text: str) -> None:
    assert compare_json(text, text) is None


@given(JSON, JSON)
def test_json_is_equal_exactly_when_it_is_the_same_document(one: object, other: object) -> None:
    first, second = json.dumps(one, sort_keys=True), json.dumps(other, sort_keys=True)
    found, spaced = compare_json(first, second), compare_json(first, json.dumps(one, indent=3))
    assert found is not None
    assert spaced is not None
    assert (found.differing == 0) == (first == second)
    assert spaced.differing == 0
