"""A new model: it passes our own reading, and a real Cog server runs it and gives the same bytes twice."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from arbius_tui.domain.errors import BadInput, NotReady
from arbius_tui.domain.model_reading import ModelReading, read_model
from arbius_tui.rehearsal.server import LocalServers
from arbius_tui.services import model_sources
from arbius_tui.services import scaffold as module
from arbius_tui.services.predictions import CogPredictions
from arbius_tui.services.scaffold import scaffold

NAMES = ["cog.yaml", "predict.py", "requirements.txt", ".dockerignore"]
LARGEST = 2**53 - 17


def reading(folder: Path) -> ModelReading:
    found = model_sources.read(folder)
    return read_model(found.config_text, found.sources, files=found.files)


def test_a_new_model_is_right_from_the_start(tmp_path: Path) -> None:
    made = scaffold(tmp_path / "a" / "new model")
    assert [path.name for path in made] == NAMES
    assert all(path.is_file() for path in made)
    found = reading(tmp_path / "a" / "new model")
    assert found.findings == ()
    assert [i.name for i in found.inputs] == ["prompt", "size", "seed"]
    assert found.seed == {
        "present": True, "type": "integer", "default": 0, "min": 0, "max": None, "used": True,
    }  # fmt: skip
    assert found.predictor.output.shape == "files"
    assert found.config.environment == {"PYTHONHASHSEED": "0", "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}


async def test_a_real_cog_server_gives_the_same_bytes_twice_and_after_a_restart(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    scaffold(folder)
    servers = LocalServers(tmp_path / "state")
    inputs = {"prompt": "arbius test cat", "size": 64}
    hashes: list[list[str]] = []
    try:
        for _ in range(2):
            server = await servers.start(folder)
            async with CogPredictions() as predictions:
                seen = [health.status async for health in predictions.wait_ready(server.url, 60)]
                assert seen[-1] == "READY"
                made = [
                    await predictions.predict(server.url, {**inputs, "seed": seed}) for seed in (1337, 1337, 0, LARGEST)
                ]
            assert [len(prediction.outputs) for prediction in made] == [1] * 4
            assert {prediction.shape for prediction in made} == {"list of 1"}
            assert made[0].outputs[0].head.startswith(b"\x89PNG\r\n\x1a\n")
            hashes.append([prediction.outputs[0].sha256 for prediction in made])
    finally:
        await servers.aclose()
    assert hashes[0] == hashes[1]
    same, again, zero, largest = hashes[0]
    assert same == again
    assert len({same, zero, largest}) == 3


@pytest.mark.parametrize("name", ["cog.yaml", "notes.md", ".git"])
def test_nothing_of_the_authors_is_overwritten(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(BadInput, match=r"not empty: ") as failure:
        scaffold(tmp_path)
    assert failure.value.problem.code == "folder-not-empty"
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_a_second_time_is_refused(tmp_path: Path) -> None:
    scaffold(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(BadInput):
        scaffold(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "model").write_text("")
    with pytest.raises(BadInput) as failure:
        scaffold(tmp_path / "model")
    assert failure.value.problem.code == "not-a-folder"


def test_a_write_that_fails_half_way_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = module.text_of

    def full(template: str) -> bytes:
        if template == "requirements.txt":
            raise OSError(28, os.strerror(28))
        return read(template)

    monkeypatch.setattr(module, "text_of", full)
    with pytest.raises(NotReady, match="no space left") as failure:
        scaffold(tmp_path / "model")
    assert failure.value.problem.code == "cannot-write"
    assert list(tmp_path.iterdir()) == []


def test_the_folders_texts_are_read_as_they_are(tmp_path: Path) -> None:
    scaffold(tmp_path)
    (tmp_path / "crlf.py").write_bytes(b"a = 1\r\n")
    (tmp_path / "latin.py").write_bytes("# -*- coding: latin-1 -*-\nname = 'é'\n".encode("latin-1"))
    (tmp_path / "broken.py").write_bytes(b"x = '\xff'\n")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "deep.py").write_text("b = 2\n")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "other.py").write_text("c = 3\n")
    (tmp_path / "weights.bin").write_bytes(b"\x00" * 10)
    (tmp_path / "data.py").write_text("#" * (model_sources.LARGEST + 1))
    found = model_sources.read(tmp_path)
    assert found.sources["crlf.py"] == "a = 1\r\n"
    assert "é" in found.sources["latin.py"]
    assert "\ufffd" in found.sources["broken.py"]
    assert found.sources["lib/deep.py"] == "b = 2\n"
    assert "weights.bin" in found.files
    assert not [name for name in found.files if name.startswith(".venv")]
    assert found.left_out == ("data.py",)


def test_what_is_no_model_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as failure:
        model_sources.read(tmp_path / "nowhere")
    assert failure.value.problem.code == "no-such-folder"
    with pytest.raises(BadInput) as failure:
        model_sources.read(tmp_path)
    assert failure.value.problem.code == "no-cog-yaml"
