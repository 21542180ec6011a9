from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from arbius_tui.domain.lint import READERS, lint
from arbius_tui.domain.readers import of_row, views
from arbius_tui.domain.template import Template
from tests.domain.calm import calm
from tests.domain.test_cid import kandinsky, qwen, wai
from tests.domain.test_lint import good, odd, put


def seen(*changes: tuple[str, Any]) -> dict[str, tuple[str, str, str]]:
    document = good()
    for pointer, value in changes:
        put(document, pointer, value)
    template = Template.of(document)
    return {view.id: (view.state, view.found, view.does) for view in views(template, lint(template))}


def test_a_good_template_is_fine_for_everybody() -> None:
    found = seen()
    assert list(found) == list(READERS)
    assert {(state, words) for state, words, _ in found.values()} == {("ok", "nothing in it breaks")}


@pytest.mark.parametrize(
    ("change", "breaks", "warns"),
    [
        (("/input/1/max", ...), {"website", "kasumi-2", "kasumi-3", "gobius"}, set()),
        (("/input/1/max", 2**31), {"kasumi-2", "kasumi-3"}, set()),
        (("/input/2/default", 7.5), set(), {"kasumi-2", "kasumi-3"}),
        (("/input/1/type", "float"), {"gobius", "website"}, set()),
        (("/output/0/type", "json"), {"website", "explorer"}, set()),
        (("/output/0/type", "audio"), set(), {"explorer"}),
        (("/input/1/required", True), set(), {"website"}),
        (("/input", ...), set(READERS), set()),
    ],
)
def test_who_breaks_on_it(change: tuple[str, Any], breaks: set[str], warns: set[str]) -> None:
    found = seen(change)
    assert {name for name, (state, _, _) in found.items() if state == "FAIL"} == breaks
    assert {name for name, (state, _, _) in found.items() if state == "warn"} == warns
    for name in breaks | warns:
        assert found[name][1].startswith(("1 error: ", "1 warning: ", "2 error"))


def test_what_readers_do_with_registered_templates() -> None:
    does = {}
    for name, data in (("kandinsky", kandinsky()), ("qwen", qwen()), ("wai", wai())):
        does[name] = {view.id: view.does for view in views(Template.parse(data), [])}
    assert "out-1.png, whatever" in does["qwen"]["kasumi-2"]
    assert "out-1.png, whatever" not in does["wai"]["kasumi-2"]
    assert "data URI" in does["wai"]["kasumi-3"]
    assert "data URI" not in does["qwen"]["kasumi-3"]
    assert "output.txt" in does["qwen"]["gobius"]
    assert "1 required, Optional (2 items)" in does["kandinsky"]["website"]
    assert "lacks" not in does["kandinsky"]["website2"]
    assert '"text"' in does["qwen"]["explorer"]


def test_what_each_reader_does_with_a_row() -> None:
    rows = good()["input"]
    said = [dict(of_row(row)) for row in rows]
    assert "slider 1 to 50" in said[1]["website"]
    assert "does not look at max" in said[1]["kasumi-2"]
    assert "website2" in said[2]
    assert "one of 2 values" in said[3]["kasumi-2/3"]
    assert "NaN" in dict(of_row({"type": "int", "min": 1}))["website"]
    assert "without a field" in dict(of_row({"type": "file"}))["website"]


@calm
@given(odd)
def test_any_object_has_views(document: dict[str, Any]) -> None:
    template = Template.of(document)
    assert [view.id for view in views(template, lint(template))] == list(READERS)
    for row in document.get("input", []) if isinstance(document.get("input"), list) else []:
        if isinstance(row, dict):
            assert of_row(row)
