"""What several tests of services start from."""

from __future__ import annotations

import pytest


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """A machine with nothing on PATH, no docker socket and no configuration."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)
    monkeypatch.setenv("IPFS_PATH", str(tmp_path / "ipfs"))
    return tmp_path
