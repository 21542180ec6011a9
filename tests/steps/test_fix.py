"""Which commands are run here, and that asking comes first."""

from __future__ import annotations

import sys
from pathlib import Path
from shlex import quote
from types import SimpleNamespace
from typing import Any

import pytest

from arbius_tui.domain.errors import Fix
from arbius_tui.domain.events import Done, Line, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.records import ChecksRecord
from arbius_tui.services.memory_store import MemoryStore
from arbius_tui.services.ports import Check
from arbius_tui.steps.base import Walk
from arbius_tui.steps.fix import Mend, runnable
from tests.steps.conftest import Author, collect, end


class OneCheck:
    """FAIL until the file is there."""

    def __init__(self, file: Path) -> None:
        self.file = file

    async def checks(self, only: str | None = None, subject: object = None) -> Any:
        state = "ok" if self.file.exists() else "FAIL"
        yield Check("file", "host", state, "looked", "it is needed", ("run",), Fix("make it", f"touch {self.file}"))


def walk_of(file: Path) -> Walk:
    services: Any = SimpleNamespace(toolchain=OneCheck(file))
    return Walk(MemoryStore(Journey("demo")), services)


@pytest.mark.parametrize("command", ["ipfs init", "mv /a/b '/a/b c'", "pip install --force-reinstall arbius-tui"])
def test_a_plain_command_is_run_here(command: str) -> None:
    assert runnable(command)


@pytest.mark.parametrize(
    "command",
    ["sudo systemctl start docker", "curl -fsSL https://get.docker.com | sudo sh", "cog login", "gh auth login",
     "ipfs daemon", "sudo usermod -aG docker $USER", "docker system prune", "cog login && cog push r8.im/O/N",
     "echo $(id)", "rm *", "a 'b", "", "a > b", "a;b", "a\nb"],
)  # fmt: skip
def test_what_wants_a_shell_or_a_terminal_is_not(command: str) -> None:
    assert runnable(command) == ()


async def test_a_no_changes_nothing_and_keeps_the_word(tmp_path: Path) -> None:
    file = tmp_path / "made"
    walk = walk_of(file)
    await walk.save(ChecksRecord({"file": "FAIL"}, ""))
    author = Author(fix="no")
    done = end(await collect(walk, "checks", author, Mend(f"touch {file}")))
    assert [question.id for question in author.asked] == ["fix"]
    assert not file.exists()
    assert done.state == walk.journey.state("checks") == "FAIL"


async def test_a_yes_runs_it_and_looks_again(tmp_path: Path) -> None:
    file = tmp_path / "with blank"
    walk = walk_of(file)
    events = await collect(walk, "checks", Author(fix="yes"), Mend(f"touch {quote(str(file))}"))
    assert file.exists()
    assert [e.text for e in events if isinstance(e, Line)] == [f"$ touch '{file}'", "exit code 0"]
    assert end(events).ok
    assert walk.journey.state("checks") == "ok"


async def test_a_command_that_fails_says_its_code_and_its_last_lines(tmp_path: Path) -> None:
    script = tmp_path / "fails.py"
    script.write_text("import sys\nprint('no luck')\nsys.exit(7)\n")
    command = f"{quote(sys.executable)} {quote(str(script))}"
    walk = walk_of(tmp_path / "never")
    events = await collect(walk, "checks", Author(fix="yes"), Mend(command))
    first, second = (e.problem for e in events if isinstance(e, Trouble))
    assert first.code == "command-failed"
    assert "exit code 7" in first.what
    assert "no luck" in first.detail
    assert second.code == "check-file", "everything is looked at again all the same"
    assert isinstance(events[-1], Done)
    assert walk.journey.state("checks") == "FAIL"


async def test_one_row_again_keeps_what_is_known_of_the_others(tmp_path: Path) -> None:
    from arbius_tui.steps.checks import Checks

    (tmp_path / "made").touch()
    walk = walk_of(tmp_path / "made")
    await walk.save(ChecksRecord({"file": "FAIL", "docker": "warn"}, ""))
    done = end(await collect(walk, "checks", step=Checks("file")))
    assert done.ok
    assert walk.journey.records["checks"]["states"] == {"file": "ok", "docker": "warn"}
    assert walk.journey.state("checks") == "warn"
