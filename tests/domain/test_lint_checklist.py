"""The checklist of what breaks on a template, line by line: each has a rule with its severity, place, reason and fix.

The lines are those of the survey of all readers (miners, websites, explorer), in its words and order. `one key` says
whether the fix has a patch, and that the patch mends it; where only the author can know the right value there is none.
"""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import pytest

from arbius_tui.domain.errors import Problem, TemplateInvalid
from arbius_tui.domain.lint import lint, title_taken
from arbius_tui.domain.lint_words import EXPLORER, GOBIUS, KASUMI_2, KASUMI_3, READERS, WEBSITE, WEBSITE_2
from arbius_tui.domain.readers import of_row, views
from arbius_tui.domain.spelling import rewrite
from arbius_tui.domain.template import Template
from tests.domain.test_cid import compact
from tests.domain.test_lint import good, put

KEY, AUTHOR = True, False


class Rule(NamedTuple):
    """A line of the checklist, a template that breaks it, and what is said of that."""

    line: str
    changes: dict[str, Any]
    severity: str
    code: str
    path: str
    one_key: bool
    source: str = ""
    """A word of the reason: who breaks, or on what."""


CHECKLIST = [
    Rule("no input array", {"/input": {"a": 1}}, "error", "no-input", "/input", AUTHOR, "every reader"),
    Rule("no input array", {"/input": ...}, "error", "no-input", "/input", KEY, "every reader"),
    Rule("no output array", {"/output": 5}, "error", "no-output", "/output", AUTHOR, "every reader"),
    Rule("no output array", {"/output": []}, "error", "no-output", "/output", AUTHOR, "miners and pages"),
    Rule(
        "more than 65,536 bytes",
        {"/meta/description": "A100 " + "x" * 66_000},
        "error",
        "too-big",
        "",
        AUTHOR,
        "revert",
    ),
    Rule(
        "duplicate variable",
        {"/input/1/variable": "scale"},
        "error",
        "variable-duplicate",
        "/input/2/variable",
        AUTHOR,
        "website",
    ),
    Rule(
        "empty variable", {"/input/1/variable": ""}, "error", "variable-missing", "/input/1/variable", AUTHOR, "tasks"
    ),
    Rule(
        "enum without choices",
        {"/input/3/choices": ...},
        "error",
        "choices-missing",
        "/input/3/choices",
        AUTHOR,
        "kasumi-3 crash",
    ),
    Rule(
        "enum with empty choices",
        {"/input/4/choices": []},
        "error",
        "choices-missing",
        "/input/4/choices",
        AUTHOR,
        "kasumi-2",
    ),
    Rule(
        "choices of another type",
        {"/input/4/choices": ["256", 512]},
        "error",
        "choices-type",
        "/input/4/choices/0",
        KEY,
        "gobius",
    ),
    Rule(
        "default missing", {"/input/1/default": ...}, "error", "default-missing", "/input/1/default", AUTHOR, "kasumi-3"
    ),
    Rule("default missing", {"/input/0/default": ...}, "error", "default-missing", "/input/0/default", KEY, "kasumi-2"),
    Rule(
        "default of the wrong type",
        {"/input/1/default": "20"},
        "error",
        "default-type",
        "/input/1/default",
        KEY,
        "unchecked",
    ),
    Rule(
        "default outside min..max", {"/input/1/default": 51}, "error", "default-range", "/input/1/default", KEY, "form"
    ),
    Rule(
        "default not in choices",
        {"/input/3/default": "c"},
        "error",
        "default-choice",
        "/input/3/default",
        KEY,
        "website",
    ),
    Rule("int outside int32", {"/input/1/max": 2**31}, "error", "int32", "/input/1/max", KEY, "2147483647"),
    Rule(
        "min > max",
        {"/input/1/min": 60, "/input/1/default": 55},
        "error",
        "bounds-swapped",
        "/input/1/min",
        KEY,
        "no value",
    ),
    Rule("int without min", {"/input/1/min": ...}, "error", "bound-missing", "/input/1/min", AUTHOR, "NaN"),
    Rule("decimal without max", {"/input/2/max": ...}, "error", "bound-missing", "/input/2/max", AUTHOR, "NaN"),
    Rule("ge", {"/input/1/min": ..., "/input/1/ge": 1}, "error", "bound-name", "/input/1/ge", KEY, "no reader"),
    Rule("le", {"/input/2/max": ..., "/input/2/le": 20}, "error", "bound-name", "/input/2/le", KEY, "no reader"),
    Rule(
        "variable named seed",
        {"/input/1/variable": "seed"},
        "error",
        "seed-in-template",
        "/input/1/variable",
        KEY,
        "task id",
    ),
    Rule(
        "output filename with /",
        {"/output/0/filename": "out-1/x.png"},
        "error",
        "output-filename",
        "/output/0/filename",
        KEY,
        "folder's CID",
    ),
    Rule(
        "output filename not out-N.",
        {"/output/0/filename": "image.png"},
        "error",
        "output-filename",
        "/output/0/filename",
        KEY,
        "pin",
    ),
    Rule("output type", {"/output/0/type": "json"}, "error", "output-type", "/output/0/type", KEY, "player"),
    Rule(
        "title equal to a known one",
        {"/meta/title": "Zeroscope V2 XL"},
        "error",
        "title-known",
        "/meta/title",
        AUTHOR,
        "apart",
    ),
    Rule(
        "decimal with a fractional default",
        {"/input/2/default": 7.5},
        "warn",
        "decimal-fraction",
        "/input/2/default",
        AUTHOR,
        "kasumi-3",
    ),
    Rule(
        "decimal with a fractional min",
        {"/input/2/min": 0.5},
        "warn",
        "decimal-fraction",
        "/input/2/min",
        AUTHOR,
        "kasumi-2",
    ),
    Rule("type file", {"/input/0/type": "file"}, "warn", "type-file", "/input/0/type", AUTHOR, "gobius refuses"),
    Rule(
        "docker without a digest",
        {"/meta/docker": "r8.im/me/model"},
        "warn",
        "docker-no-digest",
        "/meta/docker",
        AUTHOR,
        "pushed again",
    ),
    Rule(
        "docker with https://",
        {"/meta/docker": "https://r8.im/me/model@sha256:" + "4e" * 32},
        "warn",
        "docker-scheme",
        "/meta/docker",
        KEY,
        "docker run",
    ),
    Rule(
        "git not a commit permalink",
        {"/meta/git": "https://github.com/me/model/tree/main"},
        "warn",
        "git-not-pinned",
        "/meta/git",
        AUTHOR,
        "branch",
    ),
    Rule(
        "no GPU named",
        {"/meta/description": "text to image"},
        "warn",
        "gpu-not-named",
        "/meta/description",
        AUTHOR,
        "stake",
    ),
    Rule(
        "more than one required field",
        {"/input/1/required": True},
        "warn",
        "many-required",
        "/input/1/required",
        AUTHOR,
        "first",
    ),
    Rule(
        "> 1 output",
        {"/output/1": {"filename": "out-2.png", "type": "image"}},
        "warn",
        "many-outputs",
        "/output/1",
        AUTHOR,
        "first only",
    ),
    Rule("missing version", {"/meta/version": ...}, "warn", "version", "/meta/version", KEY, "registered"),
]


def broken(changes: dict[str, Any]) -> Template:
    document = copy.deepcopy(good())
    for pointer, value in changes.items():
        put(document, pointer, value)
    return Template.read(compact(document))


def found(template: Template, code: str, path: str) -> Problem | None:
    return next((problem for problem in lint(template) if (problem.code, problem.path) == (code, path)), None)


@pytest.mark.parametrize("rule", CHECKLIST, ids=lambda rule: f"{rule.line} {rule.path}")
def test_every_line_has_a_rule(rule: Rule) -> None:
    template = broken(rule.changes)
    problem = found(template, rule.code, rule.path)
    assert problem is not None
    assert problem.severity == rule.severity
    assert problem.what
    assert rule.source in problem.why
    assert problem.fix is not None
    assert problem.fix.text
    assert bool(problem.fix.patch) is rule.one_key
    if rule.one_key:
        assert found(Template.read(rewrite(template.data, problem.fix.patch)), rule.code, rule.path) is None


@pytest.mark.parametrize(
    ("line", "data", "code"),
    [
        ("not an object", b"[]", "not-an-object"),
        ("more than 65,536 bytes", b'{"a":"' + b"x" * 65_536 + b'"}', "too-big"),
        ("empty", b"", "empty"),
        ("BOM", b"\xef\xbb\xbf{}", "bom"),
        ("invalid UTF-8", b'{"a":"\xff"}', "not-utf8"),
    ],
)
def test_lines_about_the_bytes_are_refused_when_they_are_read(line: str, data: bytes, code: str) -> None:
    with pytest.raises(TemplateInvalid) as caught:
        Template.parse(data)
    problem = caught.value.problem
    assert problem.code == code
    assert problem.why
    assert problem.fix


def test_a_required_text_may_have_the_default_that_says_nothing() -> None:
    assert lint(broken({"/input/0/default": ""})) == []
    assert lint(broken({"/input/3/required": True, "/input/3/default": "", "/input/0/required": False})) == []


READER_BREAKS = [
    (KASUMI_2, "/input/1/max", 2**31, "int32"),
    (KASUMI_2, "/input/3/choices", ..., "choices-missing"),
    (KASUMI_2, "/input/2/default", 7.5, "decimal-fraction"),
    (KASUMI_2, "/input/1/default", "x", "default-type"),
    (KASUMI_2, "/input/1/variable", "seed", "seed-in-template"),
    (KASUMI_2, "/output/0/filename", "a.png", "output-filename"),
    (KASUMI_3, "/input/1/default", 51, "default-range"),
    (KASUMI_3, "/input/4/choices/0", "256", "choices-type"),
    (KASUMI_3, "/input/1/min", "1", "bound-type"),
    (KASUMI_3, "/input/1/min", 60, "bounds-swapped"),
    (GOBIUS, "/input/1/type", "float", "type-unknown"),
    (GOBIUS, "/input/0/type", "file", "type-file"),
    (GOBIUS, "/output/1", {"filename": "out-2.png", "type": "image"}, "many-outputs"),
    (WEBSITE, "/input/1/max", ..., "bound-missing"),
    (WEBSITE, "/input/1/variable", "prompt", "variable-duplicate"),
    (WEBSITE, "/input/3/default", "c", "default-choice"),
    (WEBSITE, "/input/1/required", True, "many-required"),
    (WEBSITE, "/meta/title", 5, "meta-type"),
    (WEBSITE_2, "/input", ..., "no-input"),
    (EXPLORER, "/output/0/type", "audio", "output-audio"),
    (EXPLORER, "/output/0/type", "gif", "output-type"),
    (EXPLORER, "/meta/title", "Kandinsky 2", "title-known"),
]
"""What breaks for whom: sections 4.2 to 4.5 of the survey."""


@pytest.mark.parametrize(("reader", "pointer", "value", "code"), READER_BREAKS, ids=str)
def test_every_reader_has_its_rules(reader: str, pointer: str, value: Any, code: str) -> None:
    template = broken({pointer: value})
    problem = next(problem for problem in lint(template) if problem.code == code)
    assert reader in problem.readers
    (view,) = views(template, lint(template), (reader,))
    assert view.state == ("FAIL" if problem.severity == "error" else "warn")


def test_what_readers_do_that_no_rule_can_forbid_is_said() -> None:
    """They do it with every good template of the kind, so it is no problem of this one."""
    said = {view.id: view.does for view in views(broken({"/output/0": {"filename": "out-1.txt", "type": "text"}}), [])}
    assert set(said) == set(READERS)
    assert "max is not enforced" in said[KASUMI_2]
    assert "Replicate strategy wants https://" in said[KASUMI_2]
    assert "writes out-1.png" in said[KASUMI_2]
    assert "output.txt" in said[GOBIUS]
    assert "lacks decimal and string_enum" in said[WEBSITE_2]
    assert "data URI" in next(view for view in views(broken({}), []) if view.id == KASUMI_3).does
    assert ("website2", "has no decimal") in of_row(good()["input"][2])


def test_a_title_is_compared_with_the_templates_beside_it() -> None:
    mine, copy_of_mine = broken({}), broken({"/meta/description": "on an A100"})
    other = broken({"/meta/title": "LITTLE image ", "/meta/docker": "r8.im/you/model@sha256:" + "4e" * 32})
    assert title_taken(mine, {"copy.json": copy_of_mine, "else.json": broken({"/meta/title": "x"})}) == []
    (problem,) = title_taken(mine, {"copy.json": copy_of_mine, "theirs.json": other})
    assert (problem.severity, problem.code, problem.path) == ("error", "title-taken", "/meta/title")
    assert "theirs.json" in problem.what
    assert title_taken(broken({"/meta/title": ""}), {"x": broken({"/meta/title": "", "/meta/docker": "y"})}) == []
