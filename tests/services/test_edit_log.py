"""The log of a template's edits goes on where it ended; it is written anew only for another text or when it is long."""

from __future__ import annotations

from pathlib import Path

import pytest

from arbius_tui.domain.editing import Editing
from arbius_tui.domain.template_edits import typed
from arbius_tui.services import edit_log
from arbius_tui.steps.template_edit import Desk

TEMPLATE = b'{"meta":{"title":"One"},"input":[],"output":[]}\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "template.json"
    path.write_bytes(TEMPLATE)
    return path


def titled(editing: Editing, title: str) -> Editing:
    return typed(editing, "/meta/title", title)


def edited(file: Path, state: Path, *titles: str) -> Desk:
    desk = Desk(file, state)
    editing = desk.open()
    for title in titles:
        editing = titled(editing, title)
        desk.keep(editing)
    return desk


def log_of(desk: Desk) -> Path:
    assert desk.log.file is not None
    return desk.log.file


def test_opening_again_leaves_the_log_as_it_is_and_goes_on_behind_it(file: Path, tmp_path: Path) -> None:
    before = log_of(edited(file, tmp_path, "Two", "Three")).read_bytes()
    desk = Desk(file, tmp_path)
    editing = desk.open()
    assert log_of(desk).read_bytes() == before
    desk.keep(titled(editing, "Four"))
    assert log_of(desk).read_bytes().startswith(before)
    assert len(log_of(desk).read_bytes()) > len(before)
    again = Desk(file, tmp_path).open()
    assert again.template.document["meta"]["title"] == "Four"
    assert again.at(0).text == TEMPLATE.decode()


def test_a_line_that_was_cut_off_is_dropped_by_the_next_edit(file: Path, tmp_path: Path) -> None:
    log = log_of(edited(file, tmp_path, "Two"))
    whole = log.read_bytes()
    log.write_bytes(whole + b'{"keep": 1, "pa')
    desk = edited(file, tmp_path, "Three")
    assert b'"pa{' not in log_of(desk).read_bytes()
    assert log_of(desk).read_bytes().startswith(whole)
    assert Desk(file, tmp_path).open().template.document["meta"]["title"] == "Three"


def test_a_long_log_is_written_anew_without_what_it_no_longer_needs(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = log_of(edited(file, tmp_path, "Two", "Three"))
    desk = Desk(file, tmp_path)
    for _ in range(20):
        editing = desk.open().undo()
        desk.keep(editing)
        desk.keep(editing.redo())
    before = len(log.read_bytes())
    monkeypatch.setattr(edit_log, "LONG", before - 1)
    editing = Desk(file, tmp_path).open()
    assert len(log.read_bytes()) < before
    assert editing.at(0).text == TEMPLATE.decode()
    assert editing.template.document["meta"]["title"] == "Three"
