"""What another source has is taken into a template that exists, and a file that cannot be read is brought back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from arbius_tui.domain.edit_words import changes
from arbius_tui.domain.editing import Editing
from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.events import Event, Found, Line, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.records import RunRecord
from arbius_tui.domain.template import Template
from arbius_tui.rehearsal.example import example_model
from arbius_tui.rehearsal.world import open_rehearsal
from arbius_tui.services.memory_store import MemoryStore
from arbius_tui.services.ports import Services
from arbius_tui.steps.base import Walk
from arbius_tui.steps.template_edit import EditTemplate
from arbius_tui.steps.template_import import Brought, Import, place_named
from arbius_tui.steps.template_taken import Source
from tests.steps.conftest import Author, collect, end
from tests.steps.test_template_edit import DOCUMENT, EXE, ROW, edit, walk_in

OTHER: dict[str, Any] = {
    "meta": {"title": "theirs", "git": "https://example.org/x"},
    "input": [{**ROW, "max": 99}, {**ROW, "variable": "width"}],
    "output": [*DOCUMENT["output"], {"filename": "out-2.png", "type": "image"}],
}
SCHEMA = Path(__file__).parents[1] / "fixtures" / "schemas" / "schema-types-v019.json"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "my.json"
    path.write_bytes(Template.of(DOCUMENT).data)
    (tmp_path / "other.json").write_bytes(Template.of(OTHER).data)
    return path


def document(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def brought(events: list[Event]) -> Brought:
    (found,) = [e.item for e in events if isinstance(e, Found) and isinstance(e.item, Brought)]
    return found


@pytest.mark.parametrize(
    ("where", "kind"),
    [
        ("http://127.0.0.1:5000/", "server"), ("replicate:me/x", "server"), ("image:r8.im/me/x", "image"),
        ("0x" + "ab" * 32, "model-id"), ("{tmp}", "folder"), ("{tmp}/other.json", "file"), ("no-such", "file"),
    ],
)  # fmt: skip
def test_a_word_names_a_source(where: str, kind: str, tmp_path: Path) -> None:
    assert place_named(where.format(tmp=tmp_path)).kind == kind


async def test_what_is_missing_is_added_and_the_rest_stays(file: Path, tmp_path: Path) -> None:
    before = file.read_bytes()
    async with open_rehearsal(tmp_path / "rehearsal") as services:
        walk = Walk(MemoryStore(Journey("demo")), services)
        events = await edit(walk, file, "import", str(tmp_path / "other.json"))
        found = document(file)
        assert found["input"] == [ROW, {**ROW, "variable": "width"}]
        assert found["output"] == OTHER["output"]
        assert found["meta"] == {"title": "T", "git": "https://example.org/x"}
        assert end(events).result["history"] == ["import 3 from other.json"]
        events = await edit(walk, file, "import", str(tmp_path / "other.json"))
        assert end(events).exit == 2
        assert [e.problem.code for e in events if isinstance(e, Trouble)] == ["nothing-lacks"]
        await edit(walk, file, "undo")
        assert file.read_bytes() == before


async def test_all_of_it_is_taken_to_the_byte_and_one_undo_brings_ours_back(file: Path, tmp_path: Path) -> None:
    before = file.read_bytes()
    (tmp_path / "other.json").write_text(theirs := json.dumps(OTHER, indent=3))
    async with open_rehearsal(tmp_path / "rehearsal") as services:
        walk = Walk(MemoryStore(Journey("demo")), services)
        await edit(walk, file, "take", str(tmp_path / "other.json"))
        assert file.read_text() == theirs
        await edit(walk, file, "undo")
        assert file.read_bytes() == before


async def test_a_document_a_folder_and_a_checkout_are_sources_too(file: Path, tmp_path: Path) -> None:
    (tmp_path / "checkout" / "templates").mkdir(parents=True)
    (tmp_path / "checkout" / "contract").mkdir()
    (tmp_path / "checkout" / "templates" / "one.json").write_bytes(Template.of(OTHER).data)
    async with open_rehearsal(tmp_path / "rehearsal") as services:
        walk = Walk(MemoryStore(Journey("demo")), services)
        await edit(walk, file, "import", str(SCHEMA))
        names = [row["variable"] for row in document(file)["input"]]
        assert "s_req" in names
        assert "seed" not in names, "the miners' input stays out"
        events = await collect(walk, "template", Author(**{"template-pick": "one"}),
                               step=EditTemplate(file, changes(["take", str(tmp_path / "checkout")])))  # fmt: skip
        assert end(events).result["cid"] == Template.of(OTHER).cid
        events = await edit(walk, file, "import", str(example_model()))
        assert "prompt" in [row["variable"] for row in document(file)["input"]]


async def test_the_question_names_what_is_missing_and_every_source(file: Path, tmp_path: Path) -> None:
    async with open_rehearsal(tmp_path / "rehearsal") as services:
        editing = Editing(Template.read(file.read_bytes()))
        where = str(tmp_path / "other.json")
        answers = {"template-source": "file", "template-file": where, "template-import": "lacking"}
        events = await asked(services, editing, answers)
        assert end(events).result["what"] == "lacking"
        after = brought(events).lacking(editing)
        assert after.past[-1].name.startswith("import 3 from")
        author = Author(**{"template-source": "file", "template-file": str(file), "template-import": "whole"})
        events = await collect(walk_of(services), "template", author, step=Import(editing))
        assert end(events).result["what"] == "", "the same bytes: nothing is asked"
        assert [e.text for e in events if isinstance(e, Line)]


async def asked(services: Services, editing: Editing, answers: dict[str, str]) -> list[Event]:
    return await collect(walk_of(services), "template", Author(**answers), step=Import(editing))


def walk_of(services: Services) -> Walk:
    return Walk(MemoryStore(Journey("demo", "rehearsal", str(example_model()))), services)


async def test_what_cannot_be_had_leaves_the_file_alone(file: Path, tmp_path: Path) -> None:
    before = file.read_bytes()
    async with open_rehearsal(tmp_path / "rehearsal") as services:
        for where in ("no-such.json", "http://127.0.0.1:9", "0x12", str(tmp_path / "nothing")):
            walk = Walk(MemoryStore(Journey("demo")), services)
            await walk.save(RunRecord(url="http://127.0.0.1:9"))
            assert end(await edit(walk, file, "set", "/meta/title=x", "import", where)).exit
            assert file.read_bytes() == before, "all edits or none"


# --- a file that cannot be read --------------------------------------------------------------------------------------


async def test_the_version_from_before_comes_back_and_the_broken_one_is_kept(file: Path, tmp_path: Path) -> None:
    walk = walk_in(tmp_path / "state")
    await edit(walk, file, "set", "/meta/title=ours")
    ours, broken = file.read_bytes(), b'{"meta": {,}}'
    for number in (1, 2):
        file.write_bytes(broken)
        events = await edit(walk, file, "restore")
        assert file.read_bytes() == ours
        assert (tmp_path / f"my.json.broken-{number}").read_bytes() == broken
        assert f"my.json.broken-{number}" in " ".join(e.text for e in events if isinstance(e, Line))
        assert end(events).result["history"] == ["title T -> ours"]
    file.unlink()
    await edit(walk, file, "restore", "undo")
    assert document(file) == DOCUMENT, "also of a file that is gone; and the history goes on"


async def test_restore_is_only_for_a_file_that_cannot_be_read_and_has_a_history(file: Path, tmp_path: Path) -> None:
    async def code(*words: str) -> str:
        events = await edit(walk_in(tmp_path / "state"), file, *words)
        assert end(events).exit == 2
        (problem,) = [e.problem for e in events if isinstance(e, Trouble)]
        assert problem.fix
        return problem.code

    assert await code("restore") == "not-broken"
    assert await code("undo", "restore") == "no-undo"
    assert await code("set", "/meta/title=x", "restore") == "edit-words"
    new = file.with_name("new.json")
    new.write_bytes(b"{")
    events = await edit(walk_in(tmp_path / "state"), new, "restore")
    assert [e.problem.code for e in events if isinstance(e, Trouble)] == ["no-history"]
    assert new.read_bytes() == b"{"


def test_the_command_restores(file: Path, home: Path) -> None:
    def run(*words: str) -> tuple[int, list[dict[str, Any]]]:
        argv = [EXE, "template", "edit", str(file), *words, "--json", "--no-input"]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, cwd=home, stdin=subprocess.DEVNULL)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]

    assert run("import", str(file.with_name("other.json")))[0] == 0
    ours = file.read_bytes()
    file.write_bytes(ours[:-9])
    code, events = run("undo")
    assert code == 5
    assert "line 1, column" in events[-2]["what"]
    assert run("restore")[0] == 0
    assert file.read_bytes() == ours
    assert sys.executable


def test_brought_alone(file: Path) -> None:
    editing = Editing(Template.read(file.read_bytes()))
    same = Brought("template", "here", "", editing.template)
    with pytest.raises(BadInput, match="nothing that is missing"):
        same.lacking(editing)
    assert same.whole(editing) is editing
    assert Source("file").value == ""
