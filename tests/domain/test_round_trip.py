"""Every template that the Arbius repository and the chain are known to have, to the byte: read, edited, undone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from arbius_tui.domain.json_places import find, pointer
from arbius_tui.domain.lint import lint
from arbius_tui.domain.spelling import rewrite
from arbius_tui.domain.template import Template
from tests.domain.test_cid import GOLDEN, compact

REGISTERED = {name: (data, digest) for name, data, _, digest, _ in GOLDEN if data[:1] == b"{" and len(data) < 65536}

ODD: dict[str, Any] = {
    "robust video matting: a file, no version, an empty choice": {
        "meta": {"title": "Robust video matting", "description": "", "git": "", "docker": ""},
        "input": [
            {"variable": "input_video", "type": "file", "required": True, "default": "", "description": ""},
            {"variable": "output_type", "type": "string_enum", "required": False, "choices": ["", "green-screen"],
             "default": "", "description": ""},
        ],
        "output": [{"filename": "out-1.mp4", "type": "video"}],
    },
    "zeroscope: a fraction, choices from high to low": {
        "meta": {"title": "Zeroscope V2 XL", "description": "", "git": "", "docker": "", "version": 1},
        "input": [
            {"variable": "guidance_scale", "type": "decimal", "required": False, "min": 1, "max": 100,
             "default": 17.5, "description": ""},
            {"variable": "width", "type": "int_enum", "required": False, "choices": [1024, 576, 256], "default": 1024},
        ],
        "output": [{"filename": "out-1.mp4", "type": "video"}],
    },
    "qwen sepolia: ge instead of min, nothing in git and docker": {
        "meta": {"title": "Qwen Sepolia Test Model", "description": "", "git": "", "docker": "", "version": 1},
        "input": [{"variable": "max_tokens", "type": "int", "required": False, "ge": 1, "max": 4096, "default": 512}],
        "output": [{"filename": "out-1.txt", "type": "text"}],
    },
    "stable video diffusion: ge and le, no bounds": {
        "meta": {"title": "Stable Video Diffusion", "description": "", "git": "", "docker": ""},
        "input": [{"variable": "fps", "type": "int", "ge": 5, "le": 30, "default": 6}],
        "output": [{"filename": "out-1.mp4", "type": "video"}],
    },
}  # fmt: skip
"""Those of which only a description is left, as they are described."""


def pointers(value: Any, at: str = "") -> list[str]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at] * bool(at) + [p for key, part in pairs for p in pointers(part, at + pointer(key))]


def test_all_of_them_are_there() -> None:
    assert list(REGISTERED) == ["guide", "guide-3-inputs", "kandinsky2", "kandinsky2-no-newline", "qwen", "wai"]


@pytest.mark.parametrize("name", REGISTERED)
def test_reading_checking_and_an_edit_that_is_undone_keep_every_byte(name: str) -> None:
    data, digest = REGISTERED[name]
    template = Template.parse(data)
    lint(template)
    assert template.data == data
    assert template.multihash == "0x1220" + digest
    assert (template.canonical() == data) == (name not in ("kandinsky2-no-newline", "qwen", "wai"))
    for place in pointers(json.loads(data)):
        text = data.decode()
        found = find(text, place.split("/")[1:])
        old = json.loads(text[found.start : found.end])
        changed = rewrite(data, [("replace", place, "another")])
        assert changed != data
        assert rewrite(changed, [("replace", place, old)]) == data, place
    assert (
        rewrite(rewrite(data, [("copy", "/input/-", "/input/0")]), [("remove", f"/input/{len(template.inputs)}", None)])
        == data
    )
    assert rewrite(rewrite(data, [("add", "/meta/license", "MIT")]), [("remove", "/meta/license", None)]) == data


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("indent", [None, 2, "\t"])
def test_those_that_are_only_described_keep_every_byte(name: str, indent: Any) -> None:
    data = compact(ODD[name]) if indent is None else json.dumps(ODD[name], indent=indent).encode()
    template = Template.parse(data)
    found = lint(template)
    errors = {"title-known"} | ({"bound-name"} if " ge" in name else set())  # they stand on chain under that title
    assert {p.code for p in found if p.severity == "error"} == errors
    assert template.data == data
    assert rewrite(data, []) == data
    for problem in found:
        if problem.fix and problem.fix.patch:
            assert rewrite(data, problem.fix.patch) != data
