"""Outputs on disk: taken in beside their place, never over another file, gone when nobody wants them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from arbius_tui.domain import cid
from arbius_tui.domain.errors import BadInput, Failure, NotReady
from arbius_tui.services.ports import Output
from arbius_tui.services.saving import committed, free, placed, spool


def output(folder: Path, name: str = "out-1.png", data: bytes = b"new") -> Output:
    (folder / name).write_bytes(data)
    return Output(name, "image/png", len(data), "", path=str(folder / name))


def test_outputs_get_their_place_and_the_spool_goes(tmp_path: Path) -> None:
    place = tmp_path / "a" / "b"
    with spool(place) as folder:
        assert folder.parent == place
        assert folder.stat().st_mode & 0o077 == 0
        (found,) = placed([output(folder)], place, fresh=False)
    assert found.path == str(place / "out-1.png")
    assert [path.name for path in place.iterdir()] == ["out-1.png"]
    assert Path(found.path).read_bytes() == b"new"


def test_the_spool_goes_also_when_it_fails(tmp_path: Path) -> None:
    def broken() -> None:
        with spool(tmp_path) as folder:
            (folder / "part-0").write_bytes(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    assert list(tmp_path.iterdir()) == []


def test_without_a_place_nothing_stays() -> None:
    with spool(None) as folder:
        output(folder)
    assert not folder.exists()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "out-1.png").write_bytes(b"old")
    with pytest.raises(BadInput, match="is there already"):
        free(tmp_path)
    with spool(tmp_path) as folder, pytest.raises(BadInput) as failure:
        placed([output(folder)], tmp_path, fresh=False)
    assert failure.value.problem.code == "output-exists"
    assert (tmp_path / "out-1.png").read_bytes() == b"old"


def test_other_files_in_the_folder_are_no_hindrance_and_stay(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    free(tmp_path)
    free(tmp_path / "not there yet")
    with spool(tmp_path) as folder:
        placed([output(folder)], tmp_path, fresh=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.txt", "out-1.png"]


def test_a_new_try_takes_the_place_of_the_last_one(tmp_path: Path) -> None:
    for name in ("out-1.png", "out-2.txt"):
        (tmp_path / name).write_bytes(b"old")
    with spool(tmp_path) as folder:
        placed([output(folder)], tmp_path, fresh=True)
    assert [path.name for path in tmp_path.iterdir()] == ["out-1.png"]
    assert (tmp_path / "out-1.png").read_bytes() == b"new"


def test_where_a_file_system_has_no_links_it_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise OSError(95, "not supported")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    with spool(tmp_path) as folder:
        placed([output(folder)], tmp_path, fresh=False)
    assert (tmp_path / "out-1.png").read_bytes() == b"new"


def test_a_folder_that_takes_nothing_is_said(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(NotReady, match="cannot write into"), spool(file):
        pass
    with pytest.raises(Failure) as failure:
        free(file)
    assert failure.value.problem.code == "cannot-write"


def test_the_folder_that_a_miner_commits_is_of_the_files_that_were_hashed(tmp_path: Path) -> None:
    data = {"out-1.png": bytes(300_000), "out-2.txt": b"text"}
    outputs = []
    for name, content in data.items():
        (tmp_path / name).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        outputs.append(Output(name, "", len(content), digest, path=str(tmp_path / name)))
    assert committed(outputs) == cid.folder_cid(data)
    assert committed(outputs, ["image.png", "log.txt"]) == cid.folder_cid(
        {"image.png": bytes(300_000), "log.txt": b"text"}
    )
    assert committed([outputs[0], replace(outputs[1], path="")]) is None
    (tmp_path / "out-2.txt").write_bytes(b"other")
    assert committed(outputs) is None
    (tmp_path / "out-2.txt").unlink()
    assert committed(outputs) is None
    assert committed([]) is None
