"""A template held against a real Cog server: what its document says, and what it says to all defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from arbius_tui.domain.events import Event, Found, Line, Trouble
from arbius_tui.domain.readers import Reader
from arbius_tui.domain.records import RegisterRecord, RunRecord, TemplateRecord
from arbius_tui.domain.spelling import rewrite
from arbius_tui.steps.base import Walk
from arbius_tui.steps.template_check import CheckFile, DiffFile
from arbius_tui.steps.template_taken import Source
from tests.steps.conftest import collect, end


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
