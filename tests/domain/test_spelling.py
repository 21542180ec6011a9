from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonpatch
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from arbius_tui.domain import json_places
from arbius_tui.domain.errors import BadInput, TemplateInvalid
from arbius_tui.domain.spelling import Operation, edited, rewrite
from arbius_tui.domain.template import Spelled, Template
from tests.domain.calm import calm

ASSET = Path(__file__).parents[2] / "assets" / "guide-example.json"

# --- the words of the contract, in the hand of each author --------------------------------------------------------

PRETTY = """{
  "meta": {
    "title": "Qwen",
    "version": 1.0
  },
  "input": [
    {
      "variable": "prompt",
      "type": "string",
      "default": "caf\\u00e9"
    }
  ],
  "output": []
}
"""
ROWS = """{ "meta" : {"title": "x"},
  "input": [
    {"variable": "a", "type": "int_enum", "choices": [1, 2,  3]},

    {"variable": "b", "type": "string"}
  ],
\t"output": [{"filename": "out-1.png",   "type": "image"}] }"""


def changed(text: str, *patch: Operation) -> str:
    return rewrite(text.encode(), patch).decode()


@pytest.mark.parametrize(
    ("patch", "old", "new"),
    [
        (("replace", "/meta/title", "Qwen 2"), '"Qwen"', '"Qwen 2"'),
        (("replace", "/meta/version", 1), "1.0", "1"),
        (("add", "/meta/version", Spelled("1e0")), "1.0", "1e0"),
        (("add", "/meta/git", ""), '"Qwen",\n', '"Qwen",\n    "git": "",\n'),
        (("remove", "/meta/version", None), ',\n    "version": 1.0', ""),
        (("remove", "/meta/title", None), '"title": "Qwen",\n    ', ""),
        (("move", "/input/0/name", "/input/0/variable"), '"variable"', '"name"'),
        (("add", "/output/0", {"filename": "out-1.png", "type": "image"}), "[]",
         '[\n    {\n      "filename": "out-1.png",\n      "type": "image"\n    }\n  ]'),
        (("add", "/input/-", {"variable": "w", "choices": [1]}), '\n    }\n  ],',
         '\n    },\n    {\n      "variable": "w",\n      "choices": [\n        1\n      ]\n    }\n  ],'),
        (("add", "/input/0", {"variable": "w"}), '"input": [\n',
         '"input": [\n    {\n      "variable": "w"\n    },\n'),
        (("move", "/output/0", "/input/0"),
         '"input": [\n    {\n      "variable": "prompt",\n      "type": "string",\n      "default": "caf\\u00e9"\n'
         '    }\n  ],\n  "output": []',
         '"input": [],\n  "output": [\n    {\n      "variable": "prompt",\n      "type": "string",\n'
         '      "default": "caf\\u00e9"\n    }\n  ]'),
        (("copy", "/input/1", "/input/0"), '"caf\\u00e9"\n    }',
         '"caf\\u00e9"\n    },\n    {\n      "variable": "prompt",\n      "type": "string",\n'
         '      "default": "caf\\u00e9"\n    }'),
    ],
)  # fmt: skip
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_file_that_is_laid_out(patch: Operation, old: str, new: str, newline: str) -> None:
    assert PRETTY.count(old) == 1
    expected = PRETTY.replace(old, new).replace("\n", newline)
    assert changed(PRETTY.replace("\n", newline), patch) == expected


@pytest.mark.parametrize(
    ("patch", "old", "new"),
    [
        (("add", "/input/1", {"variable": "c", "choices": [4, 5]}), '3]},\n\n',
         '3]},\n\n    {"variable": "c", "choices": [4, 5]},\n\n'),
        (("move", "/input/1", "/input/0"), "", ""),
        (("add", "/input/0/choices/3", 4), "2,  3]", "2,  3,  4]"),
        (("add", "/input/0/choices/1", 4), "[1, 2", "[1, 4, 2"),
        (("remove", "/input/0/choices/0", None), "[1, 2", "[2"),
        (("add", "/input/1/description", "d"), '"string"}', '"string", "description": "d"}'),
        (("remove", "/output/0", None), '[{"filename": "out-1.png",   "type": "image"}]', "[]"),
        (("replace", "/output/0/type", "video"), '"image"', '"video"'),
        (("add", "/meta/git", "u"), '"x"}', '"x", "git": "u"}'),
        (("move", "/output/0/file", "/output/0/filename"), '"filename"', '"file"'),
    ],
)  # fmt: skip
def test_a_file_with_a_row_a_line(patch: Operation, old: str, new: str) -> None:
    if old:
        assert ROWS.count(old) == 1
        assert changed(ROWS, patch) == ROWS.replace(old, new)
        return
    one, two = '{"variable": "a", "type": "int_enum", "choices": [1, 2,  3]}', '{"variable": "b", "type": "string"}'
    assert changed(ROWS, patch) == ROWS.replace(one, "@").replace(two, one).replace("@", two)


def test_the_guide_example_keeps_its_hand() -> None:
    text = ASSET.read_text()
    assert changed(text, ("replace", "/input/1/max", 400)) == text.replace('"max": 500', '"max": 400', 1)
    grown = changed(text, ("copy", "/input/-", "/input/1"))
    assert changed(grown, ("remove", f"/input/{len(json.loads(text)['input'])}", None)) == text


def test_what_is_said_already_keeps_its_spelling() -> None:
    patch: list[Operation] = [("replace", "/input/0/default", "café"), ("replace", "/meta/version", 1.0)]
    assert changed(PRETTY, *patch) == PRETTY
    template = Template.parse(PRETTY.encode())
    assert edited(template, patch) is template
    assert changed(PRETTY, ("replace", "/input/0", {"variable": "prompt", "type": "string", "default": "café"})) == (
        PRETTY
    )


@pytest.mark.parametrize(
    ("before", "patch", "after"),
    [
        ('{"input":[],"output":[],"x":1}', ("add", "/meta", {"title": "t", "b": 1}),
         '{"meta":{"title":"t","b":1},"input":[],"output":[],"x":1}'),
        ('{"x":1}', ("add", "/output", []), '{"output":[],"x":1}'),
        ("{}", ("add", "", {"output": [], "meta": {}}), '{"output":[],"meta":{}}'),
        ("{}", ("replace", "", {"output": [1, {"a": "b"}], "meta": {}}), '{"meta":{},"output":[1,{"a":"b"}]}'),
        ('{"input":[{"variable":"a","type":"int","max":2,"default":1}]}', ("add", "/input/0/min", 0),
         '{"input":[{"variable":"a","type":"int","min":0,"max":2,"default":1}]}'),
        ('{"a":{"b":1},"c":[]}', ("move", "/c/0", "/a/b"), '{"a":{},"c":[1]}'),
        ('{"a":1,"b":2}', ("move", "/b", "/a"), '{"b":1}'),
        (r'{"\u0061~/":1}', ("replace", "/a~0~1", 2), r'{"\u0061~/":2}'),
        ('{"a":[1,2,3]}', ("move", "/a/-", "/a/0"), '{"a":[2,3,1]}'),
        ('{"a":1}', ("replace", "/a", "\ud83d"), r'{"a":"\ud83d"}'),
        ('{"":{"":0}}', ("replace", "//", "x"), '{"":{"":"x"}}'),
    ],
)  # fmt: skip
def test_a_compact_file_stays_compact(before: str, patch: Operation, after: str) -> None:
    assert changed(before, patch) == after


@pytest.mark.parametrize(
    "patch",
    [
        ("replace", "/nothing", 1), ("remove", "/input/1", None), ("remove", "", None), ("add", "/input/3", {}),
        ("add", "/input/01", {}), ("add", "/meta/title/x", 1), ("add", "/no/where", 1), ("move", "/x", "/nothing"),
        ("move", "/input/0/variable/x", "/input/0/variable"), ("move", "/input/0/deeper", "/input/0"),
        ("remove", "/input/-", None), ("add", "meta", 1), ("test", "/meta", 1), ("move", "/input/2", "/input/0"),
        ("copy", "/a/b", "/meta"), ("replace", "/input/99999999999999999999", 1),
    ],
)  # fmt: skip
def test_a_patch_that_does_not_fit_is_refused_in_words(patch: Operation) -> None:
    with pytest.raises(BadInput) as caught:
        changed(PRETTY, patch)
    assert caught.value.problem.fix


@pytest.mark.parametrize(
    "data", [b"", b"\xef\xbb\xbf{}", b"{", b'{"a":1,"a":2}', b"[]", b'{"a":NaN}', b'{"a":"\xff"}', b"[" * 100_000]
)
def test_a_file_that_cannot_be_read_is_not_rewritten(data: bytes) -> None:
    with pytest.raises(TemplateInvalid):
        rewrite(data, [("add", "/meta", {})])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")]])
def test_a_number_that_json_does_not_have_is_refused(value: Any) -> None:
    with pytest.raises(TemplateInvalid):
        changed("{}", ("add", "/a", value))


def test_nothing_is_written_that_could_not_be_read_again() -> None:
    deep: Any = 1
    for _ in range(70):
        deep = [deep]
    for value in (deep, [[]] * 3):
        if value is deep:
            with pytest.raises(TemplateInvalid):
                changed("{}", ("add", "/a", value))
        else:
            assert changed("{}", ("add", "/a", value)) == '{"a":[[],[],[]]}'
    with pytest.raises(TemplateInvalid):
        changed("{}", ("replace", "", []))


def test_a_file_above_the_limit_can_be_made_smaller() -> None:
    big = json.dumps({"meta": {"description": "x" * 70_000}, "input": []}).encode()
    with pytest.raises(TemplateInvalid):
        Template.parse(big)
    assert rewrite(big, [("replace", "/meta/description", "y")]) == b'{"meta": {"description": "y"}, "input": []}'


# --- any document, any hand, any patch ----------------------------------------------------------------------------

scalars = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
)  # fmt: skip
keys = st.sampled_from(["meta", "input", "output", "min", "max", "variable", "é", "a/b", "~", ""]) | st.text(max_size=3)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=10
)
objects = st.dictionaries(keys, values, max_size=5)
hands = st.sampled_from(
    [{"separators": (",", ":")}, {}, {"indent": 2}, {"indent": "\t", "ensure_ascii": False}, {"indent": 0},
     {"indent": 1, "separators": (",", ":")}, {"separators": (" , ", " : ")}]
)  # fmt: skip


def pointers(value: Any, at: str = "") -> list[str]:
    """Every place of a document."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at] + [p for key, part in pairs for p in pointers(part, at + json_places.pointer(key))]


@st.composite
def patches(draw: st.DrawFn, document: dict[str, Any]) -> tuple[Operation, dict[str, Any]]:
    """An operation that fits, and what a well-known library makes of the document with it."""
    places = pointers(document)
    op = draw(st.sampled_from(["add", "remove", "replace", "move", "copy"]))
    held = [place for place in places if isinstance(json_places.value_at(document, place), dict | list)]
    if op in ("remove", "replace"):
        assume(len(places) > 1)
        path = draw(st.sampled_from(places[1:]))
    else:
        parent = draw(st.sampled_from(held))
        container = json_places.value_at(document, parent)
        last: str | int = draw(keys if isinstance(container, dict) else st.integers(0, len(container)))
        path = parent + json_places.pointer(last)
    if op in ("move", "copy"):
        assume(len(places) > 1)
        value: Any = draw(st.sampled_from(places[1:]))
        assume(not (path + "/").startswith(value + "/"))
        operation = {"op": op, "path": path, "from": value}
    else:
        value = draw(values)
        operation = {"op": op, "path": path, "value": value}
    try:
        return (op, path, value), jsonpatch.apply_patch(copy.deepcopy(document), [operation])
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException):
        assume(False)
        raise


def same(one: Any, other: Any) -> bool:
    """Equal as JSON, where true is not 1, 1.0 is not 1 and objects have no order."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@calm
@given(st.data(), objects, hands, st.text(" \t\r\n", max_size=3), st.text(" \t\r\n", max_size=3))
def test_an_edit_means_what_the_standard_says(
    data: st.DataObject, document: dict[str, Any], hand: dict[str, Any], before: str, after: str
) -> None:
    text = before + json.dumps(document, **hand) + after
    patch, expected = data.draw(patches(document))
    result = changed(text, patch)
    assert same(json.loads(result), expected)
    assert result.startswith(before)
    assert result.endswith(after)


@calm
@given(st.data(), objects)
def test_canonical_stays_canonical(data: st.DataObject, document: dict[str, Any]) -> None:
    template = Template.of(document)
    patch, _ = data.draw(patches(json.loads(template.data)))
    result = edited(template, [patch])
    assert result.data == result.canonical()


@calm
@given(objects, hands)
def test_an_empty_patch_and_a_patch_of_what_is_there_change_no_byte(
    document: dict[str, Any], hand: dict[str, Any]
) -> None:
    text = json.dumps(document, **hand).encode()
    assert rewrite(text, []) == text
    read = Template.read(text).document
    for place in pointers(document):
        if place or list(read) == list(Template.of(document).document):
            assert rewrite(text, [("replace", place, json_places.value_at(read, place))]) == text


FRAME = {"meta": {"title": "t", "git": "g"}, "input": [{"variable": "a", "choices": [1, 2]}, {"variable": "b"}]}
"""What every template has: it shows the author's hand even where the edited place is empty."""


@calm
@given(st.data(), st.lists(values, max_size=4), hands)
def test_the_inverse_of_an_edit_of_a_list_restores_the_bytes(
    data: st.DataObject, listed: list[Any], hand: dict[str, Any]
) -> None:
    # Not escaped, since whoever only has the value cannot know how it was escaped.
    text = json.dumps({**FRAME, "output": listed}, **hand | {"ensure_ascii": False}).encode()
    at = data.draw(st.integers(0, len(listed)))
    value = data.draw(values)
    grown = rewrite(text, [("add", f"/output/{at}", value)])
    assert json.loads(grown)["output"] == [*listed[:at], value, *listed[at:]]
    assert rewrite(grown, [("remove", f"/output/{at}", None)]) == text
    if listed:
        at, to = (data.draw(st.integers(0, len(listed) - 1)) for _ in range(2))
        moved = rewrite(text, [("move", f"/output/{to}", f"/output/{at}")])
        assert rewrite(moved, [("move", f"/output/{at}", f"/output/{to}")]) == text
        taken = rewrite(text, [("remove", f"/output/{at}", None)])
        assert rewrite(taken, [("add", f"/output/{at}", listed[at])]) == text
        over = rewrite(text, [("replace", f"/output/{at}", value)])
        assert rewrite(over, [("replace", f"/output/{at}", listed[at])]) == text


@calm
@given(st.data(), hands, st.permutations(["variable", "type", "required", "default", "description"]))
def test_the_inverse_of_an_edit_of_a_row_restores_the_bytes(
    data: st.DataObject, hand: dict[str, Any], order: list[str]
) -> None:
    row = {key: "x" for key in order}
    text = json.dumps({**FRAME, "input": [*FRAME["input"], row]}, **hand).encode()
    value = data.draw(values)
    grown = rewrite(text, [("add", "/input/2/min", value)])
    assert rewrite(grown, [("remove", "/input/2/min", None)]) == text
    key = data.draw(st.sampled_from(order))
    named = rewrite(text, [("move", "/input/2/other", f"/input/2/{key}")])
    assert list(json.loads(named)["input"][2]) == ["other" if k == key else k for k in order]
    assert rewrite(named, [("move", f"/input/2/{key}", "/input/2/other")]) == text


@calm
@given(hands, st.sampled_from(["variable", "type", "required", "min", "max", "default", "description"]))
def test_a_key_in_its_usual_place_comes_back_to_it(hand: dict[str, Any], key: str) -> None:
    row = dict.fromkeys(["variable", "type", "required", "min", "max", "default", "description"], 1)
    text = json.dumps({**FRAME, "input": [row, row]}, **hand).encode()
    assert rewrite(rewrite(text, [("remove", f"/input/1/{key}", None)]), [("add", f"/input/1/{key}", 1)]) == text


@pytest.mark.parametrize("number", ["1.0", "1e400", "-0", "1" * 5000, "0.30000000000000004", "1E+2"])
def test_numbers_elsewhere_keep_their_spelling(number: str) -> None:
    text = f'{{"a":{number},"b":[{number},{number}],"c":0}}'
    assert changed(text, ("replace", "/c", 1)) == text[:-2] + "1}"
    assert changed(text, ("move", "/b/1", "/b/0")) == text
    assert changed(text, ("replace", "/a", Template.read(text.encode()).document["a"])) == text
