"""The author's own files: read whole with words for every wrong path, written whole or not at all."""

from __future__ import annotations

import os
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


def test_a_link_stays_a_link_and_what_it_points_to_is_written(tmp_path: Path) -> None:
    target, link = tmp_path / "deep" / "t.json", tmp_path / "link.json"
    target.parent.mkdir()
    target.write_bytes(b"old")
    target.chmod(0o600)
    link.symlink_to("deep/t.json")
    files.write(link, b"new", before=b"old")
    assert link.is_symlink()
    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (b"new", 0o600)
    (tmp_path / "dangling").symlink_to("deep/later.json")
    files.write(tmp_path / "dangling", b"x")
    assert (tmp_path / "deep" / "later.json").read_bytes() == b"x"
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["dangling", "deep", "later.json", "link.json", "t.json"]


def test_links_in_a_circle_have_words(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(NotReady) as caught:
        files.write(tmp_path / "a", b"x")
    assert caught.value.problem.code == "cannot-write"


@pytest.mark.parametrize("now", [b"another", b"", None])
def test_what_another_program_wrote_is_never_written_over(now: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"read")
    if now is None:
        path.unlink()
    else:
        path.write_bytes(now)
    with pytest.raises(NotReady) as caught:
        files.write(path, b"new", before=b"read")
    assert caught.value.problem.code == "changed-outside"
    assert (path.read_bytes() if path.exists() else None) == now
    assert len(list(tmp_path.iterdir())) == (now is not None)


def test_a_change_while_the_new_bytes_are_written_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"read")
    sync = os.fsync

    def meanwhile(number: int) -> None:
        path.write_bytes(b"theirs")
        sync(number)

    monkeypatch.setattr(os, "fsync", meanwhile)
    with pytest.raises(NotReady):
        files.write(path, b"new", before=b"read")
    assert path.read_bytes() == b"theirs"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_device_that_never_ends_is_not_read() -> None:
    with pytest.raises(BadInput, match="more than 1,000 bytes"):
        files.read(Path("/dev/zero"), limit=1000)


@pytest.mark.parametrize("name", ["none", ".", "\x1b[31mred", "a\0b"])
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


def test_a_silent_pipe_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PATIENCE", 0.1)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadInput, match="nothing came through this pipe"):
        files.read(tmp_path / "pipe")


def test_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "file").touch()
    assert [files.there(tmp_path / name) for name in ("loop", "dangling", "file", "none", "file/x", "x" * 300)] == [
        True, False, True, False, False, False,
    ]  # fmt: skip
