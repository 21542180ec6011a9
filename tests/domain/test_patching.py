"""Pointers and patches: copies, and a refusal that leaves everything as it was."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.patching import patched, pointer, shifted, tokens, value_at

DOCUMENT: dict[str, Any] = {"a/b": {"~": 1}, "rows": [{"x": 1}, {"x": 2}, {"x": 3}], "n": None}


def test_a_pointer_and_its_keys() -> None:
    assert tokens("/a~1b/~0") == ["a/b", "~"]
    assert pointer("a/b", "~") == "/a~1b/~0"
    assert value_at(DOCUMENT, "/a~1b/~0") == 1
    assert value_at(DOCUMENT, "/rows/1/x") == 2
    assert value_at(DOCUMENT, "/rows/9", "none") == "none"
    assert value_at(DOCUMENT, "") is DOCUMENT


@pytest.mark.parametrize(
    ("patch", "wanted"),
    [
        (("add", "/rows/1", {"x": 9}), [1, 9, 2, 3]),
        (("add", "/rows/-", {"x": 9}), [1, 2, 3, 9]),
        (("remove", "/rows/0", None), [2, 3]),
        (("replace", "/rows/2/x", 9), [1, 2, 9]),
        (("move", "/rows/0", "/rows/2"), [3, 1, 2]),
        (("move", "/rows/2", "/rows/0"), [2, 3, 1]),
        (("move", "/rows/1", "/rows/1"), [1, 2, 3]),
    ],
)
def test_an_operation_gives_another_document_and_leaves_the_old_one(
    patch: tuple[str, str, Any], wanted: list[int]
) -> None:
    before = copy.deepcopy(DOCUMENT)
    after = patched(DOCUMENT, [patch])
    assert [row["x"] for row in after["rows"]] == wanted
    assert before == DOCUMENT
    assert after["a/b"] is DOCUMENT["a/b"], "what stayed is shared"


@pytest.mark.parametrize(
    "patch",
    [
        ("add", "/rows/4", 1), ("remove", "/rows/3", None), ("replace", "/rows/-", 1), ("remove", "/x", None),
        ("replace", "/x", 1), ("add", "/x/y", 1), ("add", "rows", 1), ("copy", "/x", "/n"), ("move", "/x", "/y"),
        ("remove", "", None), ("replace", "/rows/01", 1), ("replace", "/rows/٣", 1), ("add", "/n/x", 1),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(patch: tuple[str, str, Any]) -> None:
    with pytest.raises(BadInput):
        patched(DOCUMENT, [("replace", "/n", 1), patch])


def test_what_was_typed_moves_with_its_row() -> None:
    texts = {"/rows/0/x": "a", "/rows/1/x": "b", "/rows/2/x": "c", "/n": "d"}
    assert shifted(texts, DOCUMENT, [("add", "/rows/1", {})]) == {
        "/rows/0/x": "a", "/rows/2/x": "b", "/rows/3/x": "c", "/n": "d"}  # fmt: skip
    assert shifted(texts, DOCUMENT, [("remove", "/rows/1", None)]) == {"/rows/0/x": "a", "/rows/1/x": "c", "/n": "d"}
    assert shifted(texts, DOCUMENT, [("move", "/rows/0", "/rows/2")]) == {
        "/rows/0/x": "c", "/rows/1/x": "a", "/rows/2/x": "b", "/n": "d"}  # fmt: skip
    assert shifted(texts, DOCUMENT, [("add", "/rows/-", {}), ("remove", "/rows/0", None)]) == {
        "/rows/0/x": "b", "/rows/1/x": "c", "/n": "d"}  # fmt: skip
    assert shifted(texts, DOCUMENT, [("remove", "/n", None)]) == {k: v for k, v in texts.items() if k != "/n"}
