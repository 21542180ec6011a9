from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbius_tui.domain import lint_rows
from arbius_tui.domain.errors import BadInput, Problem
from arbius_tui.domain.json_places import value_at
from arbius_tui.domain.lint import KNOWN_MODELS, KNOWN_TITLES, lint
from arbius_tui.domain.lint_words import MINERS, READERS
from arbius_tui.domain.spelling import edited
from arbius_tui.domain.template import MAX_BYTES, Spelled, Template
from tests.domain.calm import calm

ASSET = Path(__file__).parents[2] / "assets" / "guide-example.json"


def good() -> dict[str, Any]:
    """A template without a problem; rows: 0 string, 1 int, 2 decimal, 3 string_enum, 4 int_enum."""
    return {
        "meta": {
            "title": "Little image",
            "description": "text to image, proven on A100 80GB",
            "git": "https://github.com/me/model/tree/aa5ee2f68a1785b0833d32c27dff097b9b5e8f47",
            "docker": "r8.im/me/model@sha256:" + "4e" * 32,
            "version": 1,
        },
        "input": [
            {"variable": "prompt", "type": "string", "required": True, "default": "", "description": ""},
            {"variable": "steps", "type": "int", "required": False, "min": 1, "max": 50, "default": 20},
            {"variable": "scale", "type": "decimal", "required": False, "min": 1, "max": 20, "default": 4},
            {"variable": "scheduler", "type": "string_enum", "choices": ["a", "b"], "default": "a"},
            {"variable": "width", "type": "int_enum", "choices": [256, 512], "default": 512},
        ],
        "output": [{"filename": "out-1.png", "type": "image"}],
    }


def put(document: Any, pointer: str, value: Any) -> None:
    """Set, or with `...` remove, what a JSON pointer names."""
    *way, last = [int(part) if part.isdigit() else part for part in pointer.split("/")[1:]]
    for part in way:
        document = document[part]
    if value is ...:
        del document[last]
    elif isinstance(document, list) and last == len(document):
        document.append(value)
    else:
        document[last] = value


def problems(*changes: tuple[str, Any]) -> set[tuple[str, str, str]]:
    document = copy.deepcopy(good())
    for pointer, value in changes:
        put(document, pointer, value)
    return {(p.severity, p.code, p.path) for p in lint(Template.of(document))}


def test_a_good_template_has_no_problem() -> None:
    assert problems() == set()


ERRORS = [
    ("/meta", ..., "no-meta", "/meta"),
    ("/meta", [], "no-meta", "/meta"),
    ("/input", ..., "no-input", "/input"),
    ("/input", {}, "no-input", "/input"),
    ("/output", ..., "no-output", "/output"),
    ("/output", None, "no-output", "/output"),
    ("/output", [], "no-output", "/output"),
    ("/meta/title", "", "title-missing", "/meta/title"),
    ("/meta/title", ..., "title-missing", "/meta/title"),
    ("/meta/title", 5, "meta-type", "/meta/title"),
    ("/meta/docker", None, "meta-type", "/meta/docker"),
    ("/input/5", "row", "row", "/input/5"),
    ("/output/1", 3, "row", "/output/1"),
    ("/input/1/variable", ..., "variable-missing", "/input/1/variable"),
    ("/input/1/variable", "", "variable-missing", "/input/1/variable"),
    ("/input/1/variable", 7, "variable-missing", "/input/1/variable"),
    ("/input/1/variable", "prompt", "variable-duplicate", "/input/1/variable"),
    ("/input/1/variable", "seed", "seed-in-template", "/input/1/variable"),
    ("/input/1/type", ..., "type-unknown", "/input/1/type"),
    ("/input/1/type", "float", "type-unknown", "/input/1/type"),
    ("/input/1/type", ["int"], "type-unknown", "/input/1/type"),
    ("/input/1/required", "yes", "required-type", "/input/1/required"),
    ("/input/1/description", 1, "description-type", "/input/1/description"),
    ("/input/1/ge", 1, "bound-name", "/input/1/ge"),
    ("/input/2/le", 1, "bound-name", "/input/2/le"),
    ("/input/1/min", ..., "bound-missing", "/input/1/min"),
    ("/input/2/max", ..., "bound-missing", "/input/2/max"),
    ("/input/1/min", "1", "bound-type", "/input/1/min"),
    ("/input/1/max", None, "bound-type", "/input/1/max"),
    ("/input/1/max", True, "bound-type", "/input/1/max"),
    ("/input/1/min", 1.5, "int-fraction", "/input/1/min"),
    ("/input/1/max", 2**31, "int32", "/input/1/max"),
    ("/input/1/min", -(2**31) - 1, "int32", "/input/1/min"),
    ("/input/2/max", 2**53 + 1, "int32", "/input/2/max"),
    ("/input/3/choices", ..., "choices-missing", "/input/3/choices"),
    ("/input/3/choices", [], "choices-missing", "/input/3/choices"),
    ("/input/4/choices", "256", "choices-missing", "/input/4/choices"),
    ("/input/3/choices/1", 5, "choices-type", "/input/3/choices/1"),
    ("/input/4/choices/0", "256", "choices-type", "/input/4/choices/0"),
    ("/input/4/choices/0", True, "choices-type", "/input/4/choices/0"),
    ("/input/4/choices/0", 1.5, "choices-type", "/input/4/choices/0"),
    ("/input/4/choices/0", 2**31, "int32", "/input/4/choices/0"),
    ("/input/0/default", ..., "default-missing", "/input/0/default"),
    ("/input/1/default", ..., "default-missing", "/input/1/default"),
    ("/input/0/default", None, "default-type", "/input/0/default"),
    ("/input/1/default", "20", "default-type", "/input/1/default"),
    ("/input/1/default", True, "default-type", "/input/1/default"),
    ("/input/4/default", 512.5, "default-type", "/input/4/default"),
    ("/input/1/default", 2.5, "int-fraction", "/input/1/default"),
    ("/input/1/default", 51, "default-range", "/input/1/default"),
    ("/input/2/default", 0, "default-range", "/input/2/default"),
    ("/input/3/default", "c", "default-choice", "/input/3/default"),
    ("/input/3/default", "", "default-choice", "/input/3/default"),
    ("/input/4/default", 1024, "default-choice", "/input/4/default"),
    ("/output/0/filename", ..., "output-filename", "/output/0/filename"),
    ("/output/0/filename", "output.txt", "output-filename", "/output/0/filename"),
    ("/output/0/filename", "out-1.png/x", "output-filename", "/output/0/filename"),
    ("/output/0/filename", "../out-1.png", "output-filename", "/output/0/filename"),
    ("/output/0/filename", "out-1.", "output-filename", "/output/0/filename"),
    ("/output/0/type", "json", "output-type", "/output/0/type"),
    ("/output/0/type", ..., "output-type", "/output/0/type"),
]

WARNINGS = [
    ("/meta/description", "text to image", "gpu-not-named", "/meta/description"),
    ("/meta/git", "", "git-not-pinned", "/meta/git"),
    ("/meta/git", "https://github.com/me/model", "git-not-pinned", "/meta/git"),
    ("/meta/git", "https://github.com/me/model/tree/main", "git-not-pinned", "/meta/git"),
    ("/meta/docker", "", "docker-no-digest", "/meta/docker"),
    ("/meta/docker", "r8.im/me/model:latest", "docker-no-digest", "/meta/docker"),
    ("/meta/docker", "https://r8.im/me/model@sha256:" + "4e" * 32, "docker-scheme", "/meta/docker"),
    ("/meta/version", ..., "version", "/meta/version"),
    ("/meta/version", "1", "version", "/meta/version"),
    ("/meta/version", 2, "version", "/meta/version"),
    ("/input/0/type", "file", "type-file", "/input/0/type"),
    ("/input/1/required", True, "many-required", "/input/1/required"),
    ("/input/1/variable", "Steps", "variable-name", "/input/1/variable"),
    ("/input/1/variable", "9steps", "variable-name", "/input/1/variable"),
    ("/input/2/default", 7.5, "decimal-fraction", "/input/2/default"),
    ("/input/2/min", 0.5, "decimal-fraction", "/input/2/min"),
    ("/input/2/max", 20.5, "decimal-fraction", "/input/2/max"),
    ("/output/1", {"filename": "out-2.png", "type": "image"}, "many-outputs", "/output/1"),
    ("/meta/title", "Lit\u200btle image", "hidden-characters", "/meta/title"),
    ("/input/3/choices/1", "b\u202e", "hidden-characters", "/input/3/choices/1"),
    ("/output/0/type", "audio", "output-audio", "/output/0/type"),
    ("/input/0/minimun", 1, "key-name", "/input/0/minimun"),
]


@pytest.mark.parametrize(("pointer", "value", "code", "path"), ERRORS, ids=lambda v: str(v)[:30])
def test_errors(pointer: str, value: Any, code: str, path: str) -> None:
    assert ("error", code, path) in problems((pointer, value))


@pytest.mark.parametrize(("pointer", "value", "code", "path"), WARNINGS, ids=lambda v: str(v)[:30])
def test_a_warning_comes_alone(pointer: str, value: Any, code: str, path: str) -> None:
    assert problems((pointer, value)) == {("warn", code, path)}


@pytest.mark.parametrize(
    ("pointer", "value", "path"),
    [("/license", "MIT", "/license"), ("/meta/a~b/c", 1, ""), ("/input/0/unit", "px", "/input/0/unit"),
     ("/output/0/mime", "image/png", "/output/0/mime")],
)  # fmt: skip
def test_unknown_keys_are_for_information(pointer: str, value: Any, path: str) -> None:
    if path:
        assert problems((pointer, value)) == {("info", "unknown-key", path)}
        return
    document = good()
    document["meta"]["a~b/c"] = value
    assert [p.path for p in lint(Template.of(document))] == ["/meta/a~0b~1c"]


@pytest.mark.parametrize(
    "changes",
    [
        [("/input/1/min", 1.0), ("/input/1/max", 1e3)],
        [("/input/1/min", -(2**31)), ("/input/1/max", 2**31 - 1)],
        [("/input/0/required", False), ("/input/3/required", True), ("/input/3/default", "")],
        [("/input/4/default", 512.0)],
        [("/input/4/choices", [512, 256, 256.0])],
        [("/meta/description", "text to image, proven on RTX 4090")],
        [("/meta/description", "runs on the CPU, no GPU needed")],
        [("/meta/title", "Little image (H100)"), ("/meta/description", "text to image")],
        [("/meta/git", "https://github.com/me/model/commit/aa5ee2f68a1785b0833d32c27dff097b9b5e8f47")],
        [("/input", [])],
        [("/output/0", {"filename": "out-1.mp4", "type": "video"})],
    ],
)
def test_what_is_right(changes: list[tuple[str, Any]]) -> None:
    assert problems(*changes) == set()


@pytest.mark.parametrize(
    "words", ["Anything V3", "model v15 a1 h2o p2p b2b", "2050 pictures of t-shirts", "sdxl l2 norm"]
)
def test_what_is_no_gpu(words: str) -> None:
    assert problems(("/meta/description", words)) >= {("warn", "gpu-not-named", "/meta/description")}


@pytest.mark.parametrize("title", KNOWN_TITLES)
def test_every_known_title(title: str) -> None:
    assert ("error", "title-known", "/meta/title") in problems(("/meta/title", title))
    again = [("/meta/title", title.upper()), ("/meta/docker", f"r8.im/{KNOWN_MODELS[title]}@sha256:" + "4e" * 32)]
    assert (("warn", "title-known", "/meta/title") in problems(*again)) is bool(KNOWN_MODELS[title])


def test_an_empty_description_names_no_gpu_either() -> None:
    assert problems(("/meta/description", "")) == {
        ("warn", "description-missing", "/meta/description"),
        ("warn", "gpu-not-named", "/meta/description"),
    }


def test_without_meta_nothing_in_it_is_named() -> None:
    assert problems(("/meta", ...)) == {("error", "no-meta", "/meta")}


def test_swapped_bounds() -> None:
    assert ("error", "bounds-swapped", "/input/1/min") in problems(("/input/1/min", 60))


def test_an_old_bound_is_not_also_missing() -> None:
    assert problems(("/input/1/min", ...), ("/input/1/ge", 1)) == {("error", "bound-name", "/input/1/ge")}


def test_a_number_no_computer_holds() -> None:
    template = Template.parse(b'{"input":[{"variable":"x","type":"decimal","min":0,"max":1e400,"default":1}]}')
    found = {problem.path: problem for problem in lint(template)}
    assert found["/input/0/max"].code == "int32"
    assert "1e400" in found["/input/0/max"].what


def test_a_file_above_the_engine_s_limit() -> None:
    found = lint(Template.of({**good(), "x": "y" * MAX_BYTES}))
    assert [(p.code, p.path) for p in found if p.severity == "error"] == [("too-big", "")]


def test_the_guide_example() -> None:
    found = [(p.severity, p.code, p.path) for p in lint(Template.parse(ASSET.read_bytes()))]
    assert found == [
        ("warn", "title-known", "/meta/title"),
        ("warn", "gpu-not-named", "/meta/description"),
        ("warn", "docker-scheme", "/meta/docker"),
    ]


def test_the_pull_request_that_was_never_merged() -> None:
    """PR 23: `ge` and `le`, a `file`, no version, numbers without bounds."""
    document = good()
    del document["meta"]["version"]
    document["input"] = [
        {"variable": "image", "type": "file", "required": True, "default": ""},
        {"variable": "fps", "type": "int", "ge": 5, "le": 30, "default": 6},
        {"variable": "cond_aug", "type": "decimal", "default": 0.02},
    ]
    assert {(p.severity, p.code, p.path) for p in lint(Template.of(document))} == {
        ("warn", "version", "/meta/version"),
        ("warn", "type-file", "/input/0/type"),
        ("error", "bound-name", "/input/1/ge"),
        ("error", "bound-name", "/input/1/le"),
        ("error", "bound-missing", "/input/2/min"),
        ("error", "bound-missing", "/input/2/max"),
        ("warn", "decimal-fraction", "/input/2/default"),
    }


def test_untrusted_words_are_harmless_and_short() -> None:
    document = good()
    document["input"][1] |= {"type": "\x1b]0;pwned\x07" + "x" * 5000, "description": {"a": 1}}
    for problem in lint(Template.of(document)):
        assert "\x1b" not in problem.what
        assert len(problem.what) < 160
        assert problem.why
        assert problem.fix
        assert problem.fix.text


# --- fixes that one key applies ------------------------------------------------------------------------------------


def mended(document: Any, code: str, path: str) -> tuple[Template, list[Problem]]:
    """The template after the patch of one problem, and what is wrong with it then."""
    template = Template.of(document)
    problem = next(p for p in lint(template) if (p.code, p.path) == (code, path))
    assert problem.fix
    assert problem.fix.patch
    after = edited(template, problem.fix.patch)
    return after, lint(after)


FIXES = [
    ("/meta", ..., "no-meta", "/meta", "/meta/version", 1),
    ("/input", ..., "no-input", "/input", "/input", []),
    ("/meta/docker", None, "meta-type", "/meta/docker", "/meta/docker", ""),
    ("/meta/title", 15, "meta-type", "/meta/title", "/meta/title", "15"),
    ("/meta/docker", "https://r8.im/a/b", "docker-scheme", "/meta/docker", "/meta/docker", "r8.im/a/b"),
    ("/meta/version", ..., "version", "/meta/version", "/meta/version", 1),
    ("/meta/title", "Lit\u200btle", "hidden-characters", "/meta/title", "/meta/title", "Little"),
    ("/meta/name", "N", "unknown-key", "/meta/name", "/meta/name", ...),
    ("/inputs", [], "unknown-key", "/inputs", "/inputs", ...),
    ("/input/1", "row", "row", "/input/1", "/input/1/variable", "scale"),
    ("/input/1/variable", "seed", "seed-in-template", "/input/1/variable", "/input/1/variable", "scale"),
    ("/input/1/type", "float", "type-unknown", "/input/1/type", "/input/1/type", "decimal"),
    ("/input/1/type", "Int", "type-unknown", "/input/1/type", "/input/1/type", "int"),
    ("/input/1/type", ..., "type-unknown", "/input/1/type", "/input/1/type", "int"),
    ("/input/4/type", ..., "type-unknown", "/input/4/type", "/input/4/type", "int_enum"),
    ("/input/4/type", "int_enumm", "type-unknown", "/input/4/type", "/input/4/type", "int_enum"),
    ("/input/1/required", "yes", "required-type", "/input/1/required", "/input/1/required", True),
    ("/input/1/description", None, "description-type", "/input/1/description", "/input/1/description", ""),
    ("/input/1/min", "1", "bound-type", "/input/1/min", "/input/1/min", 1),
    ("/input/1/min", 1.5, "int-fraction", "/input/1/min", "/input/1/min", 2),
    ("/input/1/max", 30.5, "int-fraction", "/input/1/max", "/input/1/max", 30),
    ("/input/1/max", 2**31, "int32", "/input/1/max", "/input/1/max", 2**31 - 1),
    ("/input/2/max", 2**60, "int32", "/input/2/max", "/input/2/max", 2**53),
    ("/input/4/choices/0", "256", "choices-type", "/input/4/choices/0", "/input/4/choices/0", 256),
    ("/input/4/choices/0", 2**31, "int32", "/input/4/choices/0", "/input/4/choices", [512]),
    ("/input/3/choices/1", 5, "choices-type", "/input/3/choices/1", "/input/3/choices/1", "5"),
    ("/input/3/choices/1", [], "choices-type", "/input/3/choices/1", "/input/3/choices", ["a"]),
    ("/input/0/default", ..., "default-missing", "/input/0/default", "/input/0/default", ""),
    ("/input/1/default", "20", "default-type", "/input/1/default", "/input/1/default", 20),
    ("/input/3/default", "A", "default-choice", "/input/3/default", "/input/3/default", "a"),
    ("/input/4/default", 300, "default-choice", "/input/4/default", "/input/4/default", 256),
    ("/input/1/default", 51, "default-range", "/input/1/default", "/input/1/default", 50),
    ("/input/1/default", 0, "default-range", "/input/1/default", "/input/1/default", 1),
    ("/input/1/maximum", 9, "unknown-key", "/input/1/maximum", "/input/1/maximum", ...),
    ("/output/0/filename", "output.webp", "output-filename", "/output/0/filename", "/output/0/filename", "out-1.webp"),
    ("/output/0/filename", "", "output-filename", "/output/0/filename", "/output/0/filename", "out-1.png"),
    ("/output/0/type", "image/png", "output-type", "/output/0/type", "/output/0/type", "image"),
    ("/output/0/type", ..., "output-type", "/output/0/type", "/output/0/type", "image"),
    ("/output/0/extra", 1, "unknown-key", "/output/0/extra", "/output/0/extra", ...),
]


@pytest.mark.parametrize(("pointer", "value", "code", "path", "place", "then"), FIXES, ids=lambda v: str(v)[:30])
def test_what_one_key_does(pointer: str, value: Any, code: str, path: str, place: str, then: Any) -> None:
    document = good()
    put(document, pointer, value)
    after, problems = mended(document, code, path)
    if then is ...:
        with pytest.raises(BadInput):
            value_at(after.document, place)
    else:
        found = value_at(after.document, place)
        assert (found, type(found)) == (then, type(then))
    assert (code, path) not in {(p.code, p.path) for p in problems if place == path}


@pytest.mark.parametrize(
    ("document", "code", "path"),
    [
        ({"inputs": []}, "key-name", "/inputs"),
        ({"meta": {"Title": "x"}}, "key-name", "/meta/Title"),
        ({"meta": {"name": "x"}}, "key-name", "/meta/name"),
        ({"input": [{"variable": "a", "options": ["x"], "type": "string_enum"}]}, "key-name", "/input/0/options"),
        ({"input": [{"variable": "a", "ge": 1, "type": "int"}]}, "bound-name", "/input/0/ge"),
        ({"input": [{"variable": "a", "ge": 1, "min": 2, "type": "int"}]}, "bound-name", "/input/0/ge"),
        ({"input": [{"variable": "a", "min": 3, "max": 2, "type": "int"}]}, "bounds-swapped", "/input/0/min"),
        ({"input": [{"variable": "a"}, {"variable": "a"}]}, "variable-duplicate", "/input/1/variable"),
        ({"output": [{"file": "out-1.png"}]}, "key-name", "/output/0/file"),
    ],
)
def test_a_name_that_is_nearly_right_is_put_right(document: Any, code: str, path: str) -> None:
    after, problems = mended(document, code, path)
    assert code not in {p.code for p in problems}
    assert len(after.document) == len(document)


def test_a_fix_that_would_have_to_guess_has_no_patch() -> None:
    document = good()
    put(document, "/input/1/min", ...)
    put(document, "/input/3/choices", ...)
    put(document, "/meta/git", "")
    document["input"].append({"variable": "prompt", "type": "string", "default": "another"})
    for problem in lint(Template.of(document)):
        assert problem.fix
        assert not problem.fix.patch


def test_every_reader_is_named_in_the_words_of_its_problems() -> None:
    named: set[str] = set()
    for pointer, value, code, _ in ERRORS + WARNINGS:
        document = good()
        put(document, pointer, value)
        for problem in lint(Template.of(document)):
            if problem.code == code:
                assert set(problem.readers) <= set(READERS)
                named |= set(problem.readers)
                if problem.readers not in ((), READERS, MINERS):
                    words = problem.what + problem.why
                    everybody = "no reader" in words or "readers" in words or "miners" in words or "every" in words
                    everybody = everybody or "nobody" in words or "pages" in words or "no value" in words
                    assert everybody or any(reader in words for reader in problem.readers), problem
    assert named == set(READERS)


def test_of_many_rows_only_the_changed_one_is_judged_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    document = good()
    document["input"] = [{**document["input"][1], "variable": f"v{n}", "max": 10} for n in range(500)]
    first = lint(Template.of(document))
    assert sum(p.code == "default-range" for p in first) == 500
    judged: list[Any] = []
    known = lint_rows._RULES
    monkeypatch.setattr(lint_rows, "_RULES", (lambda row: judged.append(row) or iter(()), *known))
    document["input"][250] = {**document["input"][250], "max": 30}
    document["input"].insert(0, document["input"].pop())
    second = lint(Template.of(document))
    assert [row.raw["variable"] for row in judged] == ["v250"]
    assert [p.path for p in second if p.code == "default-range"] == [
        f"/input/{n}/default" for n in range(500) if n != 251
    ]


def test_one_and_one_point_nought_and_true_are_three_rows() -> None:
    for value, codes in ((1, set()), (1.0, set()), (True, {"bound-type"}), (Spelled("1e400"), {"int32"})):
        document = good()
        document["input"][1]["min"] = value
        assert {p.code for p in lint(Template.of(document)) if p.path == "/input/1/min"} - {"bounds-swapped"} == codes


# --- any JSON object ------------------------------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
    | st.sampled_from([Spelled("1e400"), Spelled("-1e999"), 10**400, -(10**999), Spelled("9" * 5000), "\ud83d"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
row_keys = st.sampled_from(
    [
        "variable",
        "type",
        "required",
        "default",
        "choices",
        "min",
        "max",
        "ge",
        "le",
        "description",
        "filename",
        "Min",
        "options",
    ]
)
kinds = st.sampled_from(["string", "int", "decimal", "string_enum", "int_enum", "file", "image"])
odd_rows = st.dictionaries(row_keys, kinds | json_values, max_size=9)
odd = st.fixed_dictionaries(
    {},
    optional={
        "meta": st.dictionaries(st.sampled_from(["title", "git", "docker", "version"]), json_values) | json_values,
        "input": st.lists(odd_rows | json_values, max_size=4) | json_values,
        "output": st.lists(odd_rows | json_values, max_size=3) | json_values,
        "x": json_values,
    },
)


@calm
@given(odd)
def test_never_raises_and_every_path_leads_somewhere(document: dict[str, Any]) -> None:
    for problem in lint(Template.of(document)):
        assert problem.code
        assert problem.what
        assert problem.fix is not None
        at: Any = document
        way = [part.replace("~1", "/").replace("~0", "~") for part in problem.path.split("/")[1:]]
        for part in way[:-1]:
            at = at[int(part)] if isinstance(at, list) else at.get(part, {})
        assert isinstance(at, dict | list)


@calm
@given(odd)
def test_any_patch_applies_and_never_makes_the_same_problem_again(document: dict[str, Any]) -> None:
    template = Template.of(document)
    before = {(p.code, p.path): p for p in lint(template)}
    for (code, path), problem in before.items():
        if problem.fix and problem.fix.patch:
            after = lint(edited(template, problem.fix.patch))
            takes_away = any(op == "remove" for op, _, _ in problem.fix.patch)
            assert takes_away or (code, path) not in {(p.code, p.path) for p in after}, (problem, document)
