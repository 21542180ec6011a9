"""The author's own files: read whole with words for every wrong path, written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from arbius_tui.domain.errors import BadInput, NotReady
from arbius_tui.services import files


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "template.json"
    files.write(path, b"{}\n")
    assert files.read(path) == b"{}\n"
    assert [p.name for p in path.parent.iterdir()] == ["template.json"]


def test_a_mode_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o640)
    files.write(path, b"new")
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("name", ["none", ".", "\x1b[31mred"])
def test_a_wrong_path_has_words(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        files.read(tmp_path / name)
    assert caught.value.problem.fix
    assert "\x1b" not in caught.value.problem.what


def test_something_absurd_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 11)
    with pytest.raises(BadInput, match="more than 10 bytes"):
        files.read(tmp_path / "a", limit=10)


def test_a_folder_that_is_a_file_has_words(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(NotReady) as caught:
        files.write(tmp_path / "a" / "b", b"new")
    assert caught.value.problem.code == "cannot-write"
    assert (tmp_path / "a").read_bytes() == b"old"
