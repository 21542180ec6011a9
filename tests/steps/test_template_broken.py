"""Broken, odd and hostile files through every step that reads a template: words and a code, and not a byte changed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from arbius_tui.domain.errors import Problem
from arbius_tui.domain.events import Done, Event, Found, Line, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.records import TemplateRecord
from arbius_tui.services import files
from arbius_tui.services.memory_store import MemoryStore
from arbius_tui.services.ports import Services
from arbius_tui.steps.base import Step, Walk
from arbius_tui.steps.template import TemplateStep
from arbius_tui.steps.template_check import CheckFile, DiffFile
from arbius_tui.steps.template_file import DraftFile
from arbius_tui.steps.template_taken import Source
from tests.domain.test_cid import kandinsky
from tests.steps.conftest import Author, collect, end
from tests.test_template_cli import REFUSED, WRONG

BIG = {
    "10 MB of numbers": b'{"input":[' + b"1," * 4_999_990 + b"1]}",
    "10 MB of objects": b'{"input":[' + b'{"a":1},' * 1_250_000 + b"{}]}",
    "10 MB of new lines": b"\n" * 10_000_000 + b"{",
    "10 MB of one number": b'{"a":' + b"9" * 10_000_000 + b"}",
    "100,000 levels of objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
}
REFUSED_ALL = {**{name: data for name, (data, _) in REFUSED.items()}, **BIG}

STEPS: dict[str, Callable[[Path, Path], Step]] = {
    "check": lambda path, good: CheckFile(path),
    "show": lambda path, good: CheckFile(path, judge=False),
    "diff": DiffFile,
    "draft": lambda path, good: DraftFile(path.parent / "out.json", Source("file", str(path))),
    "step": lambda path, good: TemplateStep(),
}


async def went(name: str, path: Path, services: Services, step: Step | None = None) -> tuple[list[Event], Done]:
    """A step on a file, in a journey that has it as its template."""
    good = path.parent / "good.json"
    good.write_bytes(kandinsky())
    journey = Journey("demo", "rehearsal", "", "template", {}, {"template": {"path": str(path)}})
    assert journey.get(TemplateRecord)
    walk = Walk(MemoryStore(journey), services)
    events = await collect(walk, "template", Author(), step or STEPS[name](path, good))
    assert good.read_bytes() == kandinsky()
    return events, end(events)


def harmless(value: Any) -> None:
    """Nothing in any text that a terminal obeys."""
    match value:
        case Line(text):
            assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202e]", text)
            assert len(text) < 5_000
        case Trouble(Problem() as problem):
            for text in (problem.what, problem.why, problem.detail):
                assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202e]", text)
        case _:
            assert isinstance(value, Event)


@pytest.mark.parametrize("verb", STEPS)
@pytest.mark.parametrize("name", REFUSED_ALL)
async def test_what_is_no_template(name: str, verb: str, services: Services, tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_bytes(REFUSED_ALL[name])
    events, done = await went(verb, path, services)
    assert done.exit == 5
    assert sum(isinstance(event, Trouble) for event in events) == 1
    for event in events[1:-1]:
        harmless(event)
    assert path.read_bytes() == REFUSED_ALL[name]
    assert {p.name for p in tmp_path.iterdir() if p.is_file()} == {"t.json", "good.json"}


@pytest.mark.parametrize("name", REFUSED_ALL)
async def test_a_template_is_compared_with_what_is_none(name: str, services: Services, tmp_path: Path) -> None:
    other, path = tmp_path / "other.json", tmp_path / "t.json"
    other.write_bytes(REFUSED_ALL[name])
    path.write_bytes(kandinsky())
    events, done = await went("diff", path, services, DiffFile(path, other))
    assert (done.exit, done.result["same"]) == (0, False)
    for event in events[1:-1]:
        harmless(event)


@pytest.mark.parametrize("verb", STEPS)
@pytest.mark.parametrize("name", WRONG)
async def test_what_is_no_good_template(name: str, verb: str, services: Services, tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_bytes(WRONG[name][0])
    events, done = await went(verb, path, services)
    assert done.exit == (5 if verb in ("check", "draft", "step") else 0)
    for event in events[1:-1]:
        if not (verb == "show" and isinstance(event, Found)):
            harmless(event)
    assert path.read_bytes() == WRONG[name][0]
    if verb == "draft":
        assert (tmp_path / "out.json").read_bytes() == WRONG[name][0], "to the byte"


def folder(path: Path) -> None:
    path.mkdir()


def pipe(path: Path) -> None:
    os.mkfifo(path)


def loop(path: Path) -> None:
    path.symlink_to(path.name)


def zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("verb", STEPS)
@pytest.mark.parametrize("made", [folder, pipe, zeros, loop])
async def test_what_is_no_file(
    made: Callable[[Path], None], verb: str, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PATIENCE", 0.2)
    path = tmp_path / "t.json"
    made(path)
    before = os.lstat(path)
    events, done = await went(verb, path, services)
    problem = next(event.problem for event in events if isinstance(event, Trouble))
    assert (done.exit, problem.code) in ((2, "cannot-read"), (2, "folder-not-file"))
    assert problem.fix
    after = os.lstat(path)
    assert (before.st_mode, before.st_ino, before.st_size) == (after.st_mode, after.st_ino, after.st_size)
    assert {p.name for p in tmp_path.iterdir()} - {"rehearsal"} == {"t.json", "good.json"}


async def test_a_pipe_that_somebody_writes_into_is_read(services: Services, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    try:
        os.write(writer, kandinsky())
        os.close(writer)
        _, done = await went("check", tmp_path / "t.json", services, CheckFile(Path(f"/dev/fd/{reader}")))
        assert (done.exit, done.result["bytes"]) == (0, len(kandinsky()))
    finally:
        os.close(reader)
