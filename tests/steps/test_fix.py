"""Which commands are run here, and that asking comes first."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from types import SimpleNamespace
from typing import Any

import pytest

from arbius_tui.domain.errors import Fix
from arbius_tui.domain.events import Done, Line, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.records import ChecksRecord
from arbius_tui.plain.answers import Answers
from arbius_tui.services.memory_store import MemoryStore
from arbius_tui.services.ports import Check
from arbius_tui.steps.base import Walk
from arbius_tui.steps.fix import Mend, MendRow, runnable, way
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


@pytest.mark.parametrize(
    ("command", "how"),
    [("ipfs init", "here"), ("sudo systemctl start docker", "terminal"), ("cog login", "terminal"),
     ("curl -fsSL https://get.docker.com | sudo sh", "terminal"), ('"${EDITOR:-nano}" /x/config.json', "terminal"),
     ("ipfs daemon", "by hand"), ("sudo reboot", "by hand"), ("newgrp docker", "by hand"), ("unset X", "by hand"),
     ("ipfs add --cid-version=0 FILE", "by hand"), ("cog push r8.im/OWNER/NAME", "by hand"), ("a 'b", "by hand"),
     ("", "by hand")],
)  # fmt: skip
def test_each_command_has_its_way(command: str, how: str) -> None:
    assert way(command) == how


def test_every_fix_of_every_check_has_a_way() -> None:
    """None of the commands in the checks' source is run unseen by mistake: those with sudo or a shell never are."""
    from arbius_tui.services import probes_cog, probes_docker, probes_gpu

    for command in (probes_docker.INSTALL, probes_gpu.CONFIGURE, probes_cog.INSTALL, *probes_docker.HELPERS.values()):
        assert way(command) == "terminal"


class AtTheTerminal(Author):
    """An author whose terminal can be handed over; what it was for is remembered."""

    handed = 0

    @contextmanager
    def terminal(self) -> Iterator[bool]:
        self.handed += 1
        yield False


async def test_a_command_that_asks_by_itself_gets_the_terminal(tmp_path: Path) -> None:
    file = tmp_path / "made"
    author, walk = AtTheTerminal(fix="yes"), walk_of(file)
    events = await collect(walk, "checks", author, Mend(f"true | touch {file}"))
    assert author.handed == 1
    assert author.asked[0].why == "it gets the terminal, to ask for a password"
    assert file.exists()
    assert end(events).ok
    assert walk.journey.state("checks") == "ok"


@pytest.mark.parametrize(("line", "said"), [("exit 7 | exit 7", "ended with exit code 7"),
                                            ("kill -INT $$", "was stopped by Ctrl+C")])  # fmt: skip
async def test_a_command_that_fails_on_the_terminal_says_how(tmp_path: Path, line: str, said: str) -> None:
    walk = walk_of(tmp_path / "never")
    events = await collect(walk, "checks", AtTheTerminal(fix="yes"), Mend(line))
    first = next(e.problem for e in events if isinstance(e, Trouble))
    assert first.code == "command-failed"
    assert first.what == f"`{line}` {said}"
    assert walk.journey.state("checks") == "FAIL"


async def test_without_a_terminal_it_says_so_and_runs_nothing(tmp_path: Path) -> None:
    file = tmp_path / "made"
    answers = Answers({"fix": "yes"}, person=False, rehearsal=False, out=io.StringIO())
    events = [e async for e in walk_of(file).run("checks", answers, Mend(f"true | touch {file}"))]
    assert next(e.problem for e in events if isinstance(e, Trouble)).code == "no-terminal"
    assert not file.exists()


async def test_what_only_the_author_can_run_is_said_and_not_asked(tmp_path: Path) -> None:
    author = Author(fix="yes")
    done = end(await collect(walk_of(tmp_path / "x"), "checks", author, Mend("newgrp docker")))
    assert not author.asked
    assert done.exit == 3


async def test_a_row_is_mended_by_its_id(tmp_path: Path) -> None:
    walk = walk_of(tmp_path / "made")
    done = end(await collect(walk, "checks", Author(fix="yes"), MendRow("file")))
    assert done.ok
    assert (tmp_path / "made").exists()
    again = await collect(walk, "checks", Author(), MendRow("file"))
    assert [e.text for e in again if isinstance(e, Line)] == ["nothing to mend: file is ok"]
    assert walk.journey.state("checks") == "ok"


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
