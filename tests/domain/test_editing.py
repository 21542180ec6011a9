"""The pure edit model: named history, pending texts, and that undo restores the bytes whatever was done."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arbius_tui.domain import template_edits as edits
from arbius_tui.domain.editing import Editing, Splice
from arbius_tui.domain.errors import BadInput, Fix, Problem
from arbius_tui.domain.template import Template
from arbius_tui.domain.template_fields import NotValid, fields_of, meant

ROWS = [
    {"variable": "prompt", "type": "string", "required": True, "default": "", "description": "what to draw"},
    {"variable": "steps", "type": "int", "required": False, "min": 1, "max": 20, "default": 10, "description": "n"},
    {"variable": "scale", "type": "decimal", "required": False, "min": 0, "max": 1, "default": 0.5, "description": ""},
    {"variable": "width", "type": "int_enum", "required": False, "choices": [512, 768], "default": 512},
]  # fmt: skip
META = {"title": "T", "description": "on an A100", "git": "", "docker": "", "version": 1}
FILE = Template.of({"meta": META, "input": ROWS, "output": [{"filename": "out-1.png", "type": "image"}]})


@pytest.fixture
def editing() -> Editing:
    return Editing(FILE)


def names(editing: Editing) -> list[str]:
    return [edit.name for edit in editing.past]


def rows(editing: Editing) -> list[Any]:
    found: list[Any] = json.loads(editing.template.data)["input"]
    return found


# --- fields ------------------------------------------------------------------------------------------------------


def test_the_fields_of_each_part() -> None:
    document = FILE.document
    assert [f.label for f in fields_of(document, "/input/1")] == [
        "variable", "type", "required", "default", "min", "max", "description"]  # fmt: skip
    assert [f.label for f in fields_of(document, "/input/3")] == [
        "variable", "type", "required", "default", "choice 1", "choice 2", "choice +", "description"]  # fmt: skip
    assert [f.text for f in fields_of(document, "/meta")] == ["T", "on an A100", "", "", "1"]
    assert [f.label for f in fields_of(document, "/output/0")] == ["filename", "type"]
    assert fields_of(document, "/input/9") == []


def test_a_value_of_another_type_and_an_unknown_key_are_typed_as_json() -> None:
    document = {"input": [{"variable": 5, "type": ["x"], "required": "yes", "default": {"a": 1}, "x/y": [1.50]}]}
    found = {f.id: f for f in fields_of(Template.of(document).document, "/input/0")}
    assert {f.kind for f in found.values() if f.there} == {"json"}
    assert found["/input/0/variable"].text == "5"
    assert found["/input/0/x~1y"].text == "[1.5]"
    assert meant(found["/input/0/variable"], '"five"') == "five"
    with pytest.raises(NotValid, match="as JSON"):
        meant(found["/input/0/variable"], "five")


@pytest.mark.parametrize(
    ("text", "spelled"), [("7.50", "7.50"), ("1e3", "1e3"), ("9007199254740993", "9007199254740993"), ("-0", "-0")]
)
def test_a_number_keeps_its_spelling(editing: Editing, text: str, spelled: str) -> None:
    after = edits.typed(editing, "/input/2/max", text)
    assert f'"max":{spelled},' in after.text


@pytest.mark.parametrize("text", ["abc", "1,5", "0x1", "1_000", "٣", "--1", "01", "NaN", "1e999", "+1", "1."])
def test_what_is_no_number_is_kept_and_the_file_keeps_its_value(editing: Editing, text: str) -> None:
    after = edits.typed(editing, "/input/2/max", text)
    assert after.template.data == FILE.data
    assert after.pending == {"/input/2/max": text}
    (problem,) = edits.problems(after)
    assert problem.path == "/input/2/max"
    assert problem.severity == "error"
    assert "a number" in problem.what
    assert "keeps 1" in problem.why
    settled = edits.typed(after, "/input/2/max", "3")
    assert settled.pending == {}
    assert edits.problems(settled) == []


def test_an_int_takes_whole_numbers_only(editing: Editing) -> None:
    assert edits.typed(editing, "/input/1/max", "1.5").pending
    assert rows(edits.typed(editing, "/input/1/max", "-5"))[1]["max"] == -5


def test_an_emptied_bound_is_taken_out_and_comes_back(editing: Editing) -> None:
    after = edits.typed(editing, "/input/1/min", "")
    assert "min" not in rows(after)[1]
    assert rows(edits.typed(after, "/input/1/min", "2"))[1]["min"] == 2


def test_required_and_text(editing: Editing) -> None:
    after = edits.typed(edits.typed(editing, "/input/0/required", "no"), "/input/0/description", 'a "quote" \u2028 é')
    assert rows(after)[0]["required"] is False
    assert rows(after)[0]["description"] == 'a "quote" \u2028 é'
    assert names(after)[0] == "required yes -> no"


def test_a_field_that_is_not_there_is_refused(editing: Editing) -> None:
    with pytest.raises(BadInput) as caught:
        edits.typed(editing, "/input/1/nothing", "x")
    assert caught.value.problem.code == "no-field"
    assert "/input/1/min" in (caught.value.problem.fix or Fix("")).text


# --- history -----------------------------------------------------------------------------------------------------


def test_typing_in_one_field_is_one_step_with_both_ends_in_its_name(editing: Editing) -> None:
    for text in ("s", "st", "num_steps"):
        editing = edits.typed(editing, "/input/1/variable", text, burst="variable#1")
    assert names(editing) == ["rename steps to num_steps"]
    assert editing.undo().template.data == FILE.data
    again = edits.typed(editing, "/input/1/variable", "n", burst="variable#2")
    assert len(again.past) == 2


def test_typing_back_to_where_it_began_is_no_step(editing: Editing) -> None:
    for text in ("5", "50", "5", "20"):
        editing = edits.typed(editing, "/input/1/max", text, burst="max#1")
    assert editing.past == ()
    assert editing.template.data == FILE.data


def test_typing_through_an_invalid_text_is_one_step(editing: Editing) -> None:
    for text in ("", "-", "-5"):
        editing = edits.typed(editing, "/input/1/min", text, burst="min#1")
    assert names(editing) == ["min 1 -> -5"]
    assert editing.undo().pending == {}


def test_what_was_emptied_on_the_way_to_something_invalid_stays_in_the_file(editing: Editing) -> None:
    for text in ("", "a", "ab"):
        editing = edits.typed(editing, "/input/1/min", text, burst="min#1")
    assert editing.template.document == FILE.document
    assert editing.pending == {"/input/1/min": "ab"}
    assert names(editing) == ["min 1 -> ab"]
    assert editing.undo().template.data == FILE.data


def test_undo_brings_what_was_typed_back(editing: Editing) -> None:
    wrong = edits.typed(editing, "/input/1/min", "abc", burst="a")
    gone = edits.deleted(wrong, "/input/0")
    assert gone.pending == {"/input/0/min": "abc"}, "it moves with its row"
    assert gone.undo().pending == {"/input/1/min": "abc"}
    assert gone.undo().undo().pending == {}
    assert edits.deleted(wrong, "/input/1").pending == {}


def test_the_history_of_a_few_edits(editing: Editing) -> None:
    editing = edits.added(editing, "input")
    editing = edits.duplicated(editing, "/input/1")
    editing = edits.moved(editing, "/input/2", -1)
    editing = edits.deleted(editing, "/input/1")
    assert names(editing) == ["add input_5", "duplicate steps", "move steps_copy up", "delete steps_copy"]
    assert [row["variable"] for row in rows(editing)] == ["prompt", "steps", "scale", "width", "input_5"]
    back = editing.at(0)
    assert back.template.data == FILE.data
    assert [edit.name for edit in back.future] == names(editing)
    assert back.at(4).template.data == editing.template.data


def test_an_edit_after_undo_forgets_what_could_be_redone(editing: Editing) -> None:
    after = edits.added(edits.added(editing, "input").undo(), "output")
    assert after.future == ()
    assert names(after) == ["add out-2.png"]


def test_moving_beyond_an_end_is_nothing(editing: Editing) -> None:
    assert edits.moved(editing, "/input/0", -1) is editing
    assert edits.moved(editing, "/output/0", 1) is editing
    with pytest.raises(BadInput):
        edits.moved(editing, "/meta", 1)
    with pytest.raises(BadInput):
        edits.deleted(editing, "/input/4")


def test_names_of_new_rows_are_free(editing: Editing) -> None:
    for _ in range(3):
        editing = edits.duplicated(editing, "/input/0")
    assert [row["variable"] for row in rows(editing)][:4] == ["prompt", "prompt_copy_3", "prompt_copy_2", "prompt_copy"]
    editing = edits.duplicated(editing, "/input/1")
    assert rows(editing)[2]["variable"] == "prompt_copy_4"
    editing = edits.added(edits.added(editing, "output"), "output", 0)
    assert [row["filename"] for row in json.loads(editing.text)["output"]] == ["out-3.png", "out-1.png", "out-2.png"]


def test_a_group_that_is_not_there_begins_with_its_first_row() -> None:
    editing = Editing(Template.of({"meta": {}}))
    assert json.loads(edits.added(editing, "input").text)["input"][0]["variable"] == "input_1"


# --- types and choices -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "kind", "wanted"),
    [
        ("/input/1", "string", {"default": "10", "min": None, "max": None}),
        ("/input/1", "decimal", {"default": 10, "min": 1, "max": 20}),
        ("/input/1", "int_enum", {"default": 10, "choices": [10], "min": None}),
        ("/input/1", "string_enum", {"default": "10", "choices": ["10"], "max": None}),
        ("/input/2", "int", {"default": 0.5, "min": 0, "max": 1}),
        ("/input/3", "string_enum", {"default": "512", "choices": ["512", "768"]}),
        ("/input/3", "int", {"default": 512, "choices": None}),
        ("/input/0", "string_enum", {"default": "", "choices": []}),
    ],
)
def test_another_type_takes_along_what_it_can_say(
    editing: Editing, path: str, kind: str, wanted: dict[str, Any]
) -> None:
    after = edits.typed(editing, f"{path}/type", kind)
    row = rows(after)[int(path[-1])]
    assert row["type"] == kind
    assert {key: row.get(key) for key in wanted} == wanted
    assert len(after.past) == 1
    assert after.undo().template.data == FILE.data


def test_a_type_that_is_none_is_refused(editing: Editing) -> None:
    with pytest.raises(BadInput):
        edits.typed(editing, "/input/0/type", "float")


def test_choices_are_a_list_that_is_edited(editing: Editing) -> None:
    after = edits.typed(editing, "/input/3/choices/-", "1", burst="c")
    after = edits.typed(after, "/input/3/choices/2", "1024", burst="c")
    assert names(after) == ["add choice 1024"]
    after = edits.typed(after, "/input/3/choices/0", "640")
    after = edits.moved(after, "/input/3/choices/2", -2)
    after = edits.deleted(after, "/input/3/choices/1")
    after = edits.duplicated(after, "/input/3/choices/0")
    assert rows(after)[3]["choices"] == [1024, 1024, 768]
    assert names(after)[1:] == [
        "choice 1 512 -> 640",
        "move choice 1024 up",
        "delete choice 640",
        "duplicate choice 1024",
    ]
    wrong = edits.typed(editing, "/input/3/choices/-", "-", burst="d")
    assert wrong.pending == {"/input/3/choices/-": "-"}
    assert edits.moved(wrong, "/input/3/choices/0", 1).pending == {"/input/3/choices/-": "-"}
    settled = edits.typed(wrong, "/input/3/choices/-", "-5", burst="d")
    assert settled.pending == {}
    assert rows(settled)[3]["choices"] == [512, 768, -5]
    assert settled.undo().pending == {}


# --- fixes -------------------------------------------------------------------------------------------------------


def test_a_fix_is_one_step_and_settles_what_was_typed(editing: Editing) -> None:
    wrong = edits.typed(editing, "/input/1/max", "many")
    fix = Fix("use 10", patch=(("replace", "/input/1/max", 10),))
    after = edits.fixed(wrong, Problem("x", "what", fix=fix, path="/input/1/max"))
    assert names(after)[-1] == "use 10"
    assert after.pending == {}
    assert rows(after)[1]["max"] == 10
    with pytest.raises(BadInput):
        edits.fixed(editing, Problem("x", "what", fix=Fix("think")))


def test_a_patch_that_does_not_fit_changes_nothing(editing: Editing) -> None:
    with pytest.raises(BadInput):
        edits.patch_of(editing, "n", [("replace", "/meta/title", "x"), ("remove", "/meta/none", None)])


def test_another_file_is_one_step_that_can_be_undone(editing: Editing) -> None:
    other = Template.parse(b'{"meta": {"title": "other"}}')
    after = edits.typed(editing, "/input/1/min", "abc").replaced("edited in vim", other)
    assert after.template.data == other.data
    assert after.pending == {}
    assert after.undo().undo().template.data == FILE.data


def test_a_splice_is_the_one_place_that_differs() -> None:
    assert Splice.between("one two three", "one 2 three") == Splice(4, "two", "2")
    assert Splice.between("aa", "aaa") == Splice(2, "", "a")
    with pytest.raises(ValueError, match="another text"):
        Splice(4, "two", "2").put("one zwei three")


# --- any sequence ------------------------------------------------------------------------------------------------

TEXTS = st.one_of(st.text(max_size=8), st.sampled_from(["1", "-5", "0.5", "abc", "", "7.50", "yes", "no", "image"]))
Act = Callable[[Editing, int, str], Editing]


def pick(editing: Editing, number: int) -> str:
    parts = ["/meta", *[f"/input/{n}" for n in range(len(edits.rows(editing, "input")))],
             *[f"/output/{n}" for n in range(len(edits.rows(editing, "output")))]]  # fmt: skip
    return parts[number % len(parts)]


def type_somewhere(editing: Editing, number: int, text: str) -> Editing:
    fields = fields_of(editing.template.document, pick(editing, number))
    return edits.typed(editing, fields[number % len(fields)].id, text, burst=str(number % 3)) if fields else editing


ACTS: list[Act] = [
    type_somewhere,
    lambda e, n, _: edits.added(e, "output" if n % 3 == 0 else "input", n % 5),
    lambda e, n, _: edits.duplicated(e, pick(e, n)),
    lambda e, n, _: edits.deleted(e, pick(e, n)),
    lambda e, n, _: edits.moved(e, pick(e, n), n % 5 - 2),
    lambda e, n, _: edits.typed(e, pick(e, n) + "/type", ("int", "string", "int_enum", "decimal")[n % 4]),
    lambda e, n, text: edits.patch_of(e, text, [("add", "/meta/x", text)]),
    lambda e, *_: e.undo(),
    lambda e, *_: e.redo(),
    lambda e, n, text: e.replaced("vim", Template.parse(json.dumps({"meta": {"title": text}}, indent=n % 4).encode())),
]
STEPS = st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 40), TEXTS), max_size=14)
SOURCES = [
    FILE.data,
    json.dumps(json.loads(FILE.data), indent=2).encode(),
    b'{ "input" : [ ] }',
    b'{"input":5,"meta":[]}',
]


def played(editing: Editing, steps: list[tuple[Act, int, str]]) -> Editing:
    for act, number, text in steps:
        try:
            editing = act(editing, number, text)
        except BadInput:
            continue
    return editing


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SOURCES), STEPS)
def test_undo_of_any_sequence_restores_the_bytes_and_redo_gives_them_again(
    source: bytes, steps: list[tuple[Act, int, str]]
) -> None:
    start = Editing(Template.parse(source))
    end = played(start, steps)
    states = [end]
    while states[-1].past:
        states.append(states[-1].undo())
    assert states[-1].template.data == source
    assert states[-1].pending == {}
    now = states[-1]
    for wanted in reversed(states[:-1]):
        now = now.redo()
        assert now.template.data == wanted.template.data
        assert now.pending == wanted.pending


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(SOURCES), STEPS)
def test_the_document_is_always_that_of_the_bytes(source: bytes, steps: list[tuple[Act, int, str]]) -> None:
    end = played(Editing(Template.parse(source)), steps)
    assert Template.read(end.template.data).document == end.template.document
    for path in end.pending:
        assert edits.pending_problem(end, path, end.pending[path]).path == path


def test_a_patch_that_does_not_fit_is_refused_also_while_something_is_pending() -> None:
    editing = Editing(Template.parse(b'{"input":[{"variable":"a","type":"int"}],"meta":[]}'))
    editing = edits.typed(editing, "/input/0/min", "abc")
    assert editing.pending == {"/input/0/min": "abc"}
    with pytest.raises(BadInput):
        edits.patch_of(editing, "add x", [("add", "/meta/x", "1")])
