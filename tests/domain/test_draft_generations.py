"""Every model of the tests in every generation of Cog: three real Cogs describe it, and one draft comes of it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from arbius_tui.domain.draft import Draft, draft
from arbius_tui.domain.lint import lint
from arbius_tui.domain.lint_model import Model, against
from arbius_tui.rehearsal.example import example_model
from tests import parts

pytestmark = pytest.mark.real

FOLDERS = [
    *sorted(path.parent for path in (Path(__file__).parents[1] / "models").glob("*/cog.yaml")), example_model(),
]  # fmt: skip
BEYOND = {"cog-old": {"types": "Input() of 0.9 has no `deprecated`"}}
"""What an old Cog cannot describe, and why."""
UNBUILT = {"slowsetup"}
"""Models that the tests write anew for a server of today; nobody keeps a document of them."""

DESCRIBE = """
import os, runpy, sys
import cog.server.http  # once for all: it takes most of a second
for folder in sys.argv[2:]:
    out = os.path.join(sys.argv[1], os.path.basename(folder))
    child = os.fork()
    if not child:
        os.chdir(folder)
        os.dup2(os.open(out, os.O_WRONLY | os.O_CREAT), 1)
        os.dup2(os.open(out + ".err", os.O_WRONLY | os.O_CREAT), 2)
        runpy.run_module("cog.command.openapi_schema", run_name="__main__")
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)
"""
"""Does for many folders what `python -m cog.command.openapi_schema`, which `cog build` runs, does for one."""


def described(python: str, folders: list[Path], out: Path) -> dict[str, dict[str, Any]]:
    """The documents that this Cog makes of the models, by their names."""
    argv = [python, "-B", "-c", DESCRIBE, str(out), *map(str, folders)]
    subprocess.run(argv, check=True, capture_output=True, timeout=300)
    return {folder.name: json.loads((out / folder.name).read_bytes()) for folder in folders}


def python_of(name: str) -> str:
    return parts.need("cog-old" if name == "cog-old" else "cog-mid")


def told(made: Draft) -> str:
    return repr((made.template.data, made.mapped, made.asked, made.left_out, made.unsaid, made.counts))


def test_every_model_has_one_draft_in_all_generations(tmp_path: Path) -> None:
    drafts: dict[str, dict[str, Draft]] = {folder.name: {} for folder in FOLDERS}
    for name in ("cog-old", "cog-mid"):
        folders = [folder for folder in FOLDERS if folder.name not in BEYOND.get(name, {})]
        (tmp_path / name).mkdir()
        for model, document in described(python_of(name), folders, tmp_path / name).items():
            drafts[model][name] = draft(document)
            errors = [p for p in against(drafts[model][name].template, Model.of(document)) if p.severity == "error"]
            assert {p.code for p in errors} <= {"missing-in-template"}, model
    for folder in FOLDERS:
        if folder.name not in UNBUILT:
            drafts[folder.name]["cog"] = draft(json.loads((folder / ".cog" / "openapi_schema.json").read_bytes()))
    assert len(drafts) > 20
    for model, found in drafts.items():
        lacking = sum(model in models for models in BEYOND.values()) + (model in UNBUILT)
        assert len(found) == 3 - lacking, model
        assert len({told(made) for made in found.values()}) == 1, model
        codes = {p.code for made in found.values() for p in lint(made.template) if p.severity == "error"}
        assert codes <= {"title-missing"}, model


@pytest.mark.parametrize("model", sorted(BEYOND["cog-old"]))
def test_what_is_said_to_be_beyond_a_generation_is_so(model: str, tmp_path: Path) -> None:
    (folder,) = [folder for folder in FOLDERS if folder.name == model]
    with pytest.raises(json.JSONDecodeError):
        described(parts.need("cog-old"), [folder], tmp_path)
    assert "deprecated" in (tmp_path / f"{model}.err").read_text() + (tmp_path / model).read_text()
