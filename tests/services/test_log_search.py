"""Search in a log file: round the ends, both ways, with the lines around, and nothing of it steers a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from arbius_tui.domain.build_log import TROUBLE
from arbius_tui.domain.errors import NotReady
from arbius_tui.services.log_search import AROUND, LONGEST, Window, look
from tests.domain.test_build_log import FAILED, GOOD, printed


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log with something in it that a terminal would obey."""
    file = tmp_path / "log"
    file.write_text("one\nTwo \x1b[31m\nthree\ntwo again\nfive\n")
    return file


@pytest.mark.parametrize(
    ("after", "by", "at"),
    [(0, 1, 2), (2, 1, 4), (4, 1, 2), (99, 1, 2), (99, -1, 4), (4, -1, 2), (2, -1, 4), (0, -1, 4)],
)
def test_the_next_match_and_the_one_before_go_round_the_ends(log: Path, after: int, by: int, at: int) -> None:
    found = look(log, "TWO", after, by)
    assert found is not None
    assert (found.first, found.at) == (1, at)
    assert found.lines == ("one", "Two ", "three", "two again", "five")


@pytest.mark.parametrize("by", [1, -1])
def test_no_match_is_none_and_no_file_is_in_words(log: Path, by: int) -> None:
    assert look(log, "six", 0, by) is None
    with pytest.raises(NotReady) as caught:
        look(log.parent / "none", "x", 0, by)
    assert caught.value.problem.code == "no-log"
    assert "no such file" in caught.value.problem.what


def test_of_a_long_log_only_the_lines_around_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_text("".join(f"line {n} {'x' * 20_000 if n == 40_001 else ''}\n" for n in range(1, 60_001)))
    found = look(file, "line 40000 ")
    assert isinstance(found, Window)
    assert len(found.lines) == 2 * AROUND + 1
    assert found.lines[found.at - found.first] == "line 40000 "
    assert max(map(len, found.lines)) == LONGEST


@pytest.mark.parametrize("name", [name for name in FAILED if not name.startswith("cancel-")])
def test_each_recorded_failure_has_a_line_of_trouble(name: str) -> None:
    lines = printed(name)
    assert any(TROUBLE.search(line) for line in lines) or not any(line.startswith("Building") for line in lines)


@pytest.mark.parametrize("name", GOOD)
def test_no_good_build_has_one(name: str) -> None:
    assert not [line for line in printed(name) if TROUBLE.search(line)]
