from __future__ import annotations

import copy
import json
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbius_tui.domain import cid
from arbius_tui.domain.errors import TemplateInvalid
from arbius_tui.domain.template import MAX_BYTES, MAX_DEPTH, Spelled, Template

ASSET = Path(__file__).parents[2] / "assets" / "guide-example.json"
GUIDE_CID = "Qmeygu6J1yFcJud2w9prrFqEKm9S6HNeQp4etCi15iepHN"

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)
keys = st.sampled_from(["meta", "input", "output", "x"]) | st.text()
objects = st.dictionaries(keys, values, max_size=5)


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: true is not 1, and objects keep the order of their keys."""
    return json.dumps(one) == json.dumps(other)


def test_the_guide_example() -> None:
    data = ASSET.read_bytes()
    template = Template.parse(data)
    assert template.data == data
    assert (template.size, len(template.canonical())) == (2162, 1492)
    canonical = Template.parse(template.canonical())
    assert canonical.cid == GUIDE_CID
    assert canonical.multihash == "0x1220f737f4d1b0488c718b80f75b327a97819d3e4381ecc1185167479b6b53c8e6a9"
    assert canonical == Template.of(template.document) != template
    assert template.cid == cid.cid(data) != GUIDE_CID


def test_the_views_of_the_guide_example() -> None:
    template = Template.parse(ASSET.read_bytes())
    assert template.meta.title == "Kandinsky 2"
    assert template.meta.version == 1
    assert [row.variable for row in template.inputs][:3] == ["prompt", "num_inference_steps", "guidance_scale"]
    steps = template.inputs[1]
    assert (steps.type, steps.required, steps.default, steps.min, steps.max) == ("int", False, 100, 1, 500)
    assert template.inputs[6].choices == (256, 512, 768, 1024)
    assert [(row.filename, row.type) for row in template.outputs] == [("out-1.png", "image")]


@given(objects)
def test_parse_of_canonical_is_identity(document: dict[str, Any]) -> None:
    template = Template.of(document)
    again = Template.parse(template.data)
    assert again.canonical() == template.data == again.data
    assert same(dict(sorted(again.document.items())), dict(sorted(document.items())))


@given(objects)
def test_canonical_order_and_form(document: dict[str, Any]) -> None:
    template = Template.of(document)
    known = [key for key in ("meta", "input", "output") if key in document]
    assert list(template.document) == known + [key for key in document if key not in known]
    assert template.data.endswith(b"}\n")
    assert template.data.count(b"\n") == 1


@given(objects)
def test_any_object_has_views(document: dict[str, Any]) -> None:
    template = Template.of(document)
    assert isinstance(template.meta.title, str)
    for name, rows in (("input", template.inputs), ("output", template.outputs)):
        listed = document.get(name)
        assert len(rows) == (len(listed) if isinstance(listed, list) else 0)


@pytest.mark.parametrize(
    "number",
    ["0", "-0", "1", "1.0", "1.50", "1e3", "1E3", "1e+3", "-1.5e-7", "9007199254740993", "1e400", "-1e400", "0.1",
     "123456789012345678901234567890", "1" * 5000, "0.30000000000000004", "1.0000000000000000000000001", "-0.0"],
)  # fmt: skip
def test_numbers_keep_their_spelling(number: str) -> None:
    data = f'{{"meta":{{"version":{number}}},"input":[{{"min":{number},"choices":[{number}]}}]}}\n'.encode()
    template = Template.parse(data)
    assert template.canonical() == data
    assert float(template.inputs[0].min or 0) == float(template.meta.version or 0) == float(number)
    moved = copy.deepcopy(dict(template.document))
    assert Template.of(moved).data == data == Template.of(pickle.loads(pickle.dumps(moved))).data


def test_big_integers_stay_exact() -> None:
    template = Template.parse(b'{"input":[{"max":9007199254740993}]}')
    assert template.inputs[0].max == 9_007_199_254_740_993


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        (r'{"a":"\u0041\u00e9\ud83d\ude00"}', '{"a":"Aé😀"}'),
        (r'{"a":"\ud83d"}', r'{"a":"\ud83d"}'),
        (r'{"\ud83d":1}', r'{"\ud83d":1}'),
        (r'{"a":"\/\b\f\n\r\t\u0000\u001f\u007f"}', '{"a":"/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f"}'),
        (
            '{"output":[],"x":{"z":1,"a":2},"input":[],"meta":{}}',
            '{"meta":{},"input":[],"output":[],"x":{"z":1,"a":2}}',
        ),
        ('\t{ "b" : [ true , false , null ] }\r\n', '{"b":[true,false,null]}'),
    ],
)
def test_canonical_text(text: str, canonical: str) -> None:
    template = Template.parse(text.encode())
    assert template.canonical() == canonical.encode() + b"\n"
    assert Template.parse(template.canonical()).canonical() == template.canonical()


def test_unknown_keys_are_kept_and_shown() -> None:
    template = Template.parse(b'{"input":[{"variable":"x","ge":1,"copy":2}],"meta":{"model_config":3,"title":"t"}}')
    assert template.inputs[0].extras == {"ge": 1, "copy": 2}
    assert template.meta.extras == {"model_config": 3}
    assert template.meta.title == "t"


def test_wrong_types_are_empty_in_the_views_and_whole_in_the_document() -> None:
    row = {"variable": 5, "type": None, "required": 1, "choices": "abc", "min": True, "max": "7", "description": []}
    document = {"meta": {"title": 1, "version": "1"}, "input": [row, "no row", {"choices": {"a": 1}}], "output": {}}
    template = Template.of(document)
    assert template.document == document
    first = template.inputs[0]
    assert (first.variable, first.type, first.required, first.choices, first.min, first.max) == (
        "", "", False, (), None, None,
    )  # fmt: skip
    assert (template.meta.title, template.meta.version, template.outputs) == ("", None, ())
    assert template.inputs[2].choices == ()


BIG = b'{"a":"' + b"x" * (MAX_BYTES - 8) + b'"}'


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b"", "empty", "empty"),
        (b" \n\t ", "empty", "empty"),
        (BIG + b"\n", "too-big", "65,537 B"),
        (b"[" * 10_000_000, "too-big", "10,000,000 B"),
        (b"\xef\xbb\xbf{}", "bom", "byte order mark"),
        (b'{"a":"\xff"}', "not-utf8", "byte 6 is 0xff"),
        ("{}".encode("utf-16"), "not-utf8", "byte 0 is 0xff"),
        (b'{"a":"\xed\xa0\x80"}', "not-utf8", "byte 6"),
        (b"{ this is not JSON", "not-json", "line 1, column 3"),
        (b'{"a":1,\n  "b":2,}', "not-json", "line 2"),
        (b"{} {}", "not-json", "column 4"),
        (b'{"a":01}', "not-json", "line 1"),
        (b'{"a":"\x1b[31m"}', "not-json", "control character"),
        (b"\x00", "not-json", "line 1, column 1"),
        (b'{"a":1,"b":{"x":1,"y":2,"x":3}}', "duplicate-key", "`x`"),
        (b'{"\\u0061":1,"a":2}', "duplicate-key", "`a`"),
        (b"[]", "not-an-object", "an array"),
        (b"null", "not-an-object", "null"),
        (b'"text"', "not-an-object", "a string"),
        (b"true", "not-an-object", "true or false"),
        (b"7", "not-an-object", "a number"),
        (b"[" * 60_000, "nested-too-deep", "64"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "nested-too-deep", "64"),
        (b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1), "nested-too-deep", "64"),
        (b'{"a":NaN}', "nan", "NaN"),
        (b'{"a":[-Infinity]}', "nan", "-Infinity"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_what_is_refused_and_how(data: bytes, code: str, words: str) -> None:
    with pytest.raises(TemplateInvalid) as caught:
        Template.parse(data)
    problem = caught.value.problem
    assert problem.code == code
    assert words in problem.what
    assert problem.why
    assert problem.fix


def test_the_limits_themselves_are_allowed() -> None:
    assert Template.parse(BIG).size == MAX_BYTES
    nested = b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH
    assert Template.parse(nested).canonical() == nested + b"\n"


CODES = {"empty", "bom", "not-utf8", "not-json", "duplicate-key", "not-an-object", "nested-too-deep", "nan"}


def read(data: bytes) -> Template | str:
    """The template, or the code it is refused with; anything else that is raised fails the test."""
    try:
        return Template.parse(data)
    except TemplateInvalid as refused:
        return refused.problem.code


@given(st.binary(max_size=200))
def test_any_bytes_parse_or_are_refused_in_words(data: bytes) -> None:
    found = read(data)
    assert found in CODES if isinstance(found, str) else found.data == data


@given(st.text(alphabet='{}[]",:\\0129.eE+-truefalsnNaI \n', max_size=40))
def test_nearly_json_parses_or_is_refused_in_words(text: str) -> None:
    found = read(text.encode())
    assert found in CODES if isinstance(found, str) else read(found.canonical()) == Template.of(found.document)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_of_refuses_what_is_no_json_number(number: float) -> None:
    with pytest.raises(TemplateInvalid) as caught:
        Template.of({"a": [number]})
    assert caught.value.problem.code == "nan"


def test_of_refuses_what_never_ends() -> None:
    circle: dict[str, Any] = {}
    circle["again"] = circle
    with pytest.raises(TemplateInvalid) as caught:
        Template.of(circle)
    assert caught.value.problem.code == "nested-too-deep"


def test_of_takes_any_size_so_that_a_draft_can_be_shown() -> None:
    assert Template.of({"a": "x" * MAX_BYTES}).size == MAX_BYTES + 9


def test_a_spelled_number_counts_as_its_value() -> None:
    assert Spelled("1e3") == 1000
    assert Spelled("1e3").spelling == "1e3"


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
def test_deep_nesting_is_refused_whatever_the_limit_of_recursion_is(opening: str) -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)  # as packages do; Python's reader of JSON would then run out of stack
    try:
        with pytest.raises(TemplateInvalid) as refused:
            Template.read(b'{"input":' + opening.encode() * 200_000)
    finally:
        sys.setrecursionlimit(limit)
    assert refused.value.problem.code == "nested-too-deep"


def test_brackets_in_texts_are_no_levels() -> None:
    text = '"' + '[{\\"' * 1_000 + '"'
    assert Template.read(b'{"meta":{},"input":[],"output":[],"note":' + text.encode() + b"}").document["note"]
