"""Login and doctor where a user meets them: as steps and as commands, over every recording of the real cog."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from arbius_tui.domain.errors import NotReady
from arbius_tui.domain.events import Event, Found, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.secret import Secret
from arbius_tui.rehearsal.example import example_model
from arbius_tui.services.builder import ImageBuilder
from arbius_tui.services.cog import CogCli
from arbius_tui.services.memory_store import MemoryStore
from arbius_tui.services.ports import Services
from arbius_tui.steps.base import Step, Walk
from arbius_tui.steps.model import Fact, FindingSeen, Model
from arbius_tui.steps.publish import Login
from tests import cog_player
from tests.domain.test_build_log import DOCTORED, LOGGED_IN, NOT_LOGGED_IN
from tests.steps.conftest import collect, end
from tests.steps.test_build import EXE, Shelf

TOKEN = "t0ken-of-alice"
Play = Callable[..., Any]


@pytest.fixture
def play(tmp_path: Path, services: Services, monkeypatch: pytest.MonkeyPatch) -> Play:
    """The events of a step in a world whose cog plays this recording."""
    program = cog_player.install(tmp_path / "bin")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))

    async def events(name: str, step: Step) -> list[Event]:
        env = {**os.environ, "COG_PLAYER_RECORDING": str(cog_player.RECORDINGS / f"{name}.json")}
        builder = ImageBuilder(CogCli(str(program) if name else "no-such-cog", env), Shelf(), tmp_path / "log")
        walk = Walk(MemoryStore(Journey("demo", "one", str(example_model()))), replace(services, builder=builder))
        return await collect(walk, step.name, step=step)

    return events


def told(events: list[Event]) -> list[str]:
    return [event.problem.code for event in events if isinstance(event, Trouble)]


@pytest.mark.parametrize("name", sorted(LOGGED_IN))
async def test_a_login_says_who(name: str, play: Play) -> None:
    events = await play(name, Login(Secret(TOKEN)))
    assert end(events).ok
    assert end(events).result == {"user": "alice"}
    assert any(isinstance(e, Found) and isinstance(e.item, Fact) and e.item.found == "alice at r8.im" for e in events)
    assert TOKEN not in repr(events)


@pytest.mark.parametrize("name", NOT_LOGGED_IN)
async def test_each_login_that_failed_has_its_sentence_and_its_fix(name: str, play: Play) -> None:
    events = await play(name, Login(Secret(TOKEN)))
    assert (told(events), end(events).exit) == ([NOT_LOGGED_IN[name]], NotReady.exit_code)
    (problem,) = [event.problem for event in events if isinstance(event, Trouble)]
    assert problem.fix
    assert TOKEN not in repr(events)


async def test_the_token_is_asked_for_unseen_and_without_cog_it_says_how_to_get_it(play: Play) -> None:
    events = await play("login-ok", Login())
    assert end(events).ok
    assert told(await play("", Login(Secret(TOKEN)))) == ["cog-missing"]


async def test_the_rehearsal_logs_in_nowhere(walk: Walk) -> None:
    events = await collect(walk, "publish", step=Login(Secret(TOKEN)))
    assert (told(events), end(events).exit) == (["rehearsal-login"], 2)


@pytest.mark.parametrize("name", DOCTORED)
async def test_what_doctor_finds_stands_among_the_findings(name: str, play: Play) -> None:
    events = await play(name, Model(doctor=True))
    assert end(events).ok
    (fact,) = [e.item for e in events if isinstance(e, Found) and isinstance(e.item, Fact) and e.item.id == "doctor"]
    assert fact.found.startswith("cog doctor ")
    seen = [e.item.code for e in events if isinstance(e, Found) and isinstance(e.item, FindingSeen)]
    assert [code for code in seen if code in DOCTORED[name]] == DOCTORED[name]


async def test_a_doctor_that_cannot_be_asked_is_a_warning_and_no_failure(play: Play, walk: Walk) -> None:
    events = await play("", Model(doctor=True))
    assert end(events).ok
    assert "cog-missing" in told(events)
    events = await collect(walk, "model", step=Model(doctor=True))
    assert end(events).ok
    assert any(isinstance(e, Found) and isinstance(e.item, Fact) and e.item.state == "off" for e in events)


def command(tmp_path: Path, name: str, *argv: str) -> subprocess.CompletedProcess[str]:
    """As a user types it."""
    program = cog_player.install(tmp_path / "bin")
    env = {
        **os.environ,
        "COG_PLAYER_RECORDING": str(cog_player.RECORDINGS / f"{name}.json"),
        "COG_PLAYER_HEARD": str(tmp_path / "heard"),
        "DOCKER_CONFIG": str(tmp_path / "docker"),
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
    }
    return subprocess.run([EXE, *argv], capture_output=True, text=True, timeout=120, env=env)


def test_the_command_takes_the_token_from_a_file_and_never_as_an_argument(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    done = command(tmp_path, "login-ok", "login", "--token-file", str(token))
    assert done.returncode == 0, done.stderr
    assert "login: alice at r8.im" in done.stdout
    heard = json.loads((tmp_path / "heard").read_text().splitlines()[-1])
    assert heard["argv"] == ["login", "--token-stdin"]
    assert TOKEN not in done.stdout + done.stderr
    refused = command(tmp_path, "login-apitoken", "login", "--token-file", str(token), "--json")
    assert refused.returncode == 3
    assert '"code": "login-api-token"' in refused.stdout
    asked = command(tmp_path, "login-ok", "login", "--no-input")
    assert asked.returncode == 10


def test_the_command_asks_doctor_too(tmp_path: Path) -> None:
    done = command(tmp_path, "doctor-noref", "model", str(example_model()), "--doctor")
    assert done.returncode == 0, done.stderr
    assert "cog doctor: cog doctor has 1 finding" in done.stdout
