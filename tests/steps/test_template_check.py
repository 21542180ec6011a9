"""A template held against a real Cog server: what its document says, and what it says to all defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import pytest

from arbius_tui.domain.errors import NotReady, Problem
from arbius_tui.domain.events import Event, Found, Line, Trouble
from arbius_tui.domain.lint import lint
from arbius_tui.domain.lint_model import against
from arbius_tui.domain.readers import Reader
from arbius_tui.domain.records import RegisterRecord, RunRecord, TemplateRecord
from arbius_tui.domain.spelling import rewrite
from arbius_tui.domain.template import Template
from arbius_tui.steps.base import Walk
from arbius_tui.steps.template_check import CheckFile, DiffFile
from arbius_tui.steps.template_taken import Source
from arbius_tui.steps.template_versions import ModelSays, Surroundings
from tests.steps.conftest import Author, collect, end


@pytest.fixture
async def drafted(walk: Walk, tmp_path: Path) -> tuple[Path, str]:
    """The example model's own template and its running server."""
    for name in ("run", "template"):
        assert end(await collect(walk, name)).exit in (0, 5)
    record, server = walk.journey.get(TemplateRecord), walk.journey.get(RunRecord)
    assert record
    assert server
    path = tmp_path / "mine.json"
    path.write_bytes(Path(record.path).read_bytes())
    return path, server.url


def problems(events: list[Event]) -> dict[str, str]:
    return {event.problem.code: event.problem.path for event in events if isinstance(event, Trouble)}


def lines(events: list[Event]) -> str:
    return "\n".join(event.text for event in events if isinstance(event, Line))


async def held(walk: Walk, path: Path, url: str) -> list[Event]:
    return await collect(walk, "template", step=CheckFile(path, source=Source("server", url)))


async def test_a_draft_agrees_with_its_model_and_the_model_takes_all_defaults(
    walk: Walk, drafted: tuple[Path, str]
) -> None:
    events = await held(walk, *drafted)
    assert end(events).exit == 0, problems(events)
    assert "the model took all defaults" in lines(events)
    assert len([e for e in events if isinstance(e, Found) and isinstance(e.item, Reader)]) == 6


async def test_a_variable_that_the_model_does_not_have_and_a_default_that_it_refuses(
    walk: Walk, drafted: tuple[Path, str]
) -> None:
    path, url = drafted
    rows = end(await held(walk, path, url)).result["template"]["input"]
    at = next(n for n, row in enumerate(rows) if row["type"] in ("int", "int_enum"))
    patch: list[tuple[str, str, Any]] = [("replace", f"/input/{at}/default", "many")]
    path.write_bytes(rewrite(path.read_bytes(), patch))
    events = await held(walk, path, url)
    assert end(events).exit == 5
    assert problems(events)["default-refused"] == f"/input/{at}/default"
    assert problems(events)["default-proved-wrong"] == f"/input/{at}/default"
    assert "took all defaults" not in lines(events)
    path.write_bytes(rewrite(path.read_bytes(), [("replace", f"/input/{at}/variable", rows[at]["variable"] + "s")]))
    assert problems(await held(walk, path, url))["not-in-model"] == f"/input/{at}/variable"


async def test_a_server_that_goes_away_proves_nothing(
    walk: Walk, drafted: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, url = drafted
    document = await walk.services.predictions.schema(url)

    async def remembered(_: str) -> dict[str, Any]:
        return document

    monkeypatch.setattr(walk.services.predictions, "schema", remembered)
    events = await held(walk, path, "http://127.0.0.1:9")
    assert end(events).exit == 0
    assert problems(events)["defaults-unproven"] == "/input"


def told(events: list[Event]) -> list[Problem]:
    return sorted((event.problem for event in events if isinstance(event, Trouble)), key=repr)


async def test_the_journey_s_own_step_the_command_and_the_editor_say_the_same(walk: Walk) -> None:
    for name in ("run", "template"):
        assert end(await collect(walk, name)).exit == 0
    record, server = walk.journey.get(TemplateRecord), walk.journey.get(RunRecord)
    assert record
    assert server
    path = Path(record.path)
    rows = Template.parse(path.read_bytes()).document["input"]
    at = next(n for n, row in enumerate(rows) if row["type"] == "int")
    patch: list[tuple[str, str, Any]] = [
        ("replace", f"/input/{at}/default", -5), ("replace", f"/input/{at}/min", -5), ("remove", "/input/0", None),
    ]  # fmt: skip
    path.write_bytes(rewrite(path.read_bytes(), patch))
    own = await collect(walk, "template")
    assert end(own).exit == 5
    assert end(own).state == "FAIL"
    codes = {"wider-than-model", "default-refused", "default-proved-wrong", "missing-in-template"}
    assert codes <= set(problems(own)), problems(own)
    assert [p.code for p in end(own).result["problems"]].count("default-refused") == 1
    assert told(own) == told(await held(walk, path, server.url))
    beside = [event async for event in walk.beside(Surroundings(), Author())]
    said = next(event.item for event in beside if isinstance(event, Found) and isinstance(event.item, ModelSays))
    template = Template.parse(path.read_bytes())
    proved = [problem for problem in told(own) if problem.code in ("default-proved-wrong", "defaults-fail")]
    assert proved
    assert told(own) == sorted([*lint(template), *against(template, said.model), *proved], key=repr)


async def test_without_a_model_the_own_step_says_that_nothing_was_compared(
    walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("run", "template"):
        assert end(await collect(walk, name)).exit == 0

    async def gone(url: str) -> dict[str, Any]:
        raise NotReady("endpoint-unreachable", f"nothing answers at {url}")

    monkeypatch.setattr(walk.services.predictions, "schema", gone)
    events = await collect(walk, "template")
    assert end(events).exit == 0
    assert "nothing answers at" in lines(events)
    assert "no model answers" in lines(events)


async def test_a_prediction_that_is_billed_is_never_made_unasked(walk: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("run", "template"):
        assert end(await collect(walk, name)).exit == 0
    server = walk.journey.get(RunRecord)
    assert server
    document = await walk.services.predictions.schema(server.url)

    async def schema(_: str) -> dict[str, Any]:
        return document

    async def predict(*_: Any) -> NoReturn:
        raise AssertionError("sent")

    await walk.save(RunRecord(url="replicate:me/model"))
    monkeypatch.setattr(walk.services.predictions, "schema", schema)
    monkeypatch.setattr(walk.services.predictions, "predict", predict)
    events = await collect(walk, "template")
    assert end(events).exit == 0
    assert "template check --endpoint replicate:me/model" in lines(events)


async def test_the_file_is_never_written(walk: Walk, drafted: tuple[Path, str]) -> None:
    path, url = drafted
    before = path.stat()
    await held(walk, path, url)
    events = await collect(walk, "template", step=DiffFile(path, path))
    assert end(events).result["same"] is True
    after = path.stat()
    assert (after.st_mtime_ns, after.st_ino, after.st_size) == (before.st_mtime_ns, before.st_ino, before.st_size)


async def test_a_file_is_compared_with_what_is_registered(walk: Walk, tmp_path: Path) -> None:
    for name in ("run", "template", "pin", "wallet", "register"):
        assert end(await collect(walk, name)).exit == 0
    template, registered = walk.journey.get(TemplateRecord), walk.journey.get(RegisterRecord)
    assert template
    assert registered
    path = tmp_path / "mine.json"
    path.write_bytes(Path(template.path).read_bytes())
    same = await collect(walk, "template", step=DiffFile(path, model_id=registered.model_id))
    assert end(same).result["same"] is True
    assert "no difference" in lines(same)
    path.write_bytes(rewrite(path.read_bytes(), [("replace", "/meta/version", 2)]))
    other = await collect(walk, "template", step=DiffFile(path, model_id=registered.model_id))
    assert [line for line in end(other).result["diff"] if line[0] in "+-"][2:] == [
        '-    "version": 1',
        '+    "version": 2',
    ]


async def test_a_title_that_another_template_of_the_folder_has(
    walk: Walk, drafted: tuple[Path, str], tmp_path: Path
) -> None:
    path, _ = drafted
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "copy.json").write_bytes(path.read_bytes())
    assert "title-taken" not in problems(await collect(walk, "template", step=CheckFile(path)))
    theirs: list[tuple[str, str, Any]] = [("replace", "/meta/docker", "r8.im/you/model@sha256:" + "4e" * 32)]
    (tmp_path / "theirs.json").write_bytes(rewrite(path.read_bytes(), theirs))
    events = await collect(walk, "template", step=CheckFile(path))
    assert problems(events)["title-taken"] == "/meta/title"
    assert end(events).exit == 5
    await walk.save(TemplateRecord(str(path)))
    assert problems(await collect(walk, "template"))["title-taken"] == "/meta/title"
