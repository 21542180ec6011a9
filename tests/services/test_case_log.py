"""Finished cases survive a kill, and only of the very same test on the very same process."""

from __future__ import annotations

from pathlib import Path

import pytest

from arbius_tui.services.case_log import CaseLog

SUBJECT = {"cases": [1, 2], "inputs": {"prompt": "x"}}


def log(folder: Path, process: str = "one", **more: object) -> CaseLog:
    return CaseLog(folder / "deep" / "cases.jsonl", {**SUBJECT, **more}, process)


def test_what_was_added_is_there_again(tmp_path: Path) -> None:
    first = log(tmp_path)
    assert first.open() == []
    first.add({"id": "a"})
    first.add({"id": "b"})
    assert log(tmp_path).open() == [{"id": "a"}, {"id": "b"}]
    assert first.path.stat().st_mode & 0o777 == 0o600


def test_another_test_begins_anew(tmp_path: Path) -> None:
    first = log(tmp_path)
    first.open()
    first.add({"id": "a"})
    assert log(tmp_path, inputs={"prompt": "y"}).open() == []
    assert log(tmp_path).open() == []


def test_another_process_begins_anew_unless_the_test_started_it(tmp_path: Path) -> None:
    first = log(tmp_path)
    first.open()
    first.add({"id": "a"})
    first.moved("two")
    first.add({"id": "b"})
    assert log(tmp_path, "two").open() == [{"id": "a"}, {"id": "b"}]
    assert log(tmp_path, "one").open() == []


@pytest.mark.parametrize("cut", [1, 5, 12])
def test_a_line_that_was_cut_off_is_dropped_and_spoils_no_later_one(tmp_path: Path, cut: int) -> None:
    first = log(tmp_path)
    first.open()
    first.add({"id": "a"})
    first.add({"id": "cut off"})
    data = first.path.read_bytes()
    first.path.write_bytes(data[:-cut])
    again = log(tmp_path)
    assert again.open() == [{"id": "a"}]
    again.add({"id": "c"})
    assert log(tmp_path).open() == [{"id": "a"}, {"id": "c"}]


def test_a_finished_test_leaves_nothing(tmp_path: Path) -> None:
    first = log(tmp_path)
    first.open()
    first.add({"id": "a"})
    first.close()
    first.close()
    assert not first.path.exists()
    assert log(tmp_path).open() == []


def test_a_place_where_nothing_can_be_written_costs_only_the_memory(tmp_path: Path) -> None:
    (tmp_path / "deep").write_text("a file")
    first = log(tmp_path)
    assert first.open() == []
    first.add({"id": "a"})
    first.close()
