"""A model's folder as a real git sees it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from arbius_tui.services import repository

PAGE = "https://github.com/me/model"


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always"]
    done = subprocess.run(
        ["git", *identity, "-C", str(folder), *words], capture_output=True, text=True, check=True, timeout=30
    )
    return done.stdout.strip()


@pytest.fixture
def cloned(tmp_path: Path) -> Path:
    """A repository that was pushed to a bare one, which it then calls by a name on the net."""
    bare, work = tmp_path / "bare.git", tmp_path / "work"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(bare))
    git(tmp_path, "init", "-q", "-b", "main", str(work))
    (work / "models" / "one").mkdir(parents=True)
    (work / "models" / "one" / "cog.yaml").write_text("build:\n")
    git(work, "add", ".")
    git(work, "commit", "-q", "-m", "first")
    git(work, "remote", "add", "origin", str(bare))
    git(work, "push", "-q", "-u", "origin", "main")
    git(work, "remote", "set-url", "origin", "git@github.com:me/model.git")
    return work


async def test_a_pushed_commit_is_a_link(cloned: Path) -> None:
    commit = git(cloned, "rev-parse", "HEAD")
    found = await repository.read(cloned)
    assert (found.link, found.changed, found.pushed, found.trouble) == (f"{PAGE}/tree/{commit}", 0, True, "")
    inside = await repository.read(cloned / "models" / "one")
    assert inside.link == f"{PAGE}/tree/{commit}/models/one"


async def test_what_differs_from_the_commit_is_counted_in_this_folder_alone(cloned: Path) -> None:
    one = cloned / "models" / "one"
    (one / "cog.yaml").write_text("build: {}\n")
    (one / "predict.py").write_text("x = 1\n")
    (one / ".cog").mkdir()
    (one / ".cog" / "openapi_schema.json").write_text("{}")
    (cloned / "other.txt").write_text("x")
    assert (await repository.read(one)).changed == 2
    assert (await repository.read(cloned)).changed == 3, "without cog's own folder"


async def test_a_commit_that_was_not_pushed(cloned: Path) -> None:
    git(cloned, "commit", "-q", "--allow-empty", "-m", "second")
    found = await repository.read(cloned)
    assert not found.pushed
    assert found.link.endswith(git(cloned, "rev-parse", "HEAD"))


async def test_the_branchs_own_remote_is_taken(cloned: Path) -> None:
    git(cloned, "remote", "rename", "origin", "mine")
    git(cloned, "remote", "add", "origin", "https://gitlab.com/else/where.git")
    found = await repository.read(cloned)
    assert (found.remote, found.link.rpartition("/")[0]) == ("mine", f"{PAGE}/tree")
    git(cloned, "branch", "--unset-upstream")
    found = await repository.read(cloned)
    assert found.remote == "origin"
    assert not found.pushed


@pytest.mark.parametrize("url", ["/srv/git/model.git", "file:///srv/git/model.git", "work:me/model.git"])
async def test_a_remote_without_a_page(url: str, cloned: Path) -> None:
    git(cloned, "remote", "set-url", "origin", url)
    found = await repository.read(cloned)
    assert found.link == ""
    assert "no site" in found.trouble


async def test_folders_that_git_does_not_know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no git repository" in (await repository.read(tmp_path)).trouble
    git(tmp_path, "init", "-q")
    assert "no commit" in (await repository.read(tmp_path)).trouble
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "first")
    found = await repository.read(tmp_path)
    assert "no remote" in found.trouble
    assert found.commit
    assert (await repository.read(tmp_path / "none")).trouble
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (await repository.read(tmp_path)).trouble == "git is not installed"


async def test_nothing_that_the_repository_names_is_started(cloned: Path, tmp_path: Path) -> None:
    mark, monitor = tmp_path / "started", tmp_path / "monitor.sh"
    monitor.write_text(f"#!/bin/sh\ntouch {mark}\n")
    monitor.chmod(0o755)
    git(cloned, "config", "core.fsmonitor", str(monitor))
    before = os.stat(cloned / ".git" / "index").st_mtime_ns
    (cloned / "models" / "one" / "cog.yaml").touch()
    assert (await repository.read(cloned)).link
    assert not mark.exists()
    assert os.stat(cloned / ".git" / "index").st_mtime_ns == before, "nothing is written, not even the index"
