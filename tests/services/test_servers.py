"""Servers that are not ours: nothing is started or ended, and only the author's command restarts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from arbius_tui.domain.errors import BadInput, NotReady
from arbius_tui.services.ports import Server
from arbius_tui.services.servers import Endpoints, restart_argv

SERVER = Server("http://127.0.0.1:5000")


async def test_nothing_is_started_or_owned(tmp_path: Path) -> None:
    servers = Endpoints()
    with pytest.raises(NotReady) as failure:
        await servers.start(tmp_path)
    assert failure.value.problem.code == "no-endpoint"
    assert not await servers.alive(SERVER)
    await servers.stop(SERVER)


async def test_without_a_command_nothing_is_restarted() -> None:
    with pytest.raises(NotReady) as failure:
        await Endpoints().restart(SERVER)
    assert failure.value.problem.code == "not-ours"


async def test_the_authors_command_restarts(tmp_path: Path) -> None:
    command = f"{sys.executable} -c 'import sys; open(sys.argv[1], \"w\")' '{tmp_path / 'was here'}'"
    assert await Endpoints(restart_argv(command)).restart(SERVER) == SERVER
    assert (tmp_path / "was here").exists()


async def test_a_command_that_fails_says_what_it_printed() -> None:
    with pytest.raises(NotReady, match="ended with code 4") as failure:
        await Endpoints((sys.executable, "-c", "print('no such container'); raise SystemExit(4)")).restart(SERVER)
    assert failure.value.problem.detail == "no such container"


@pytest.mark.parametrize("command", ["", "   ", "docker restart 'x"])
def test_a_command_that_cannot_be_read_is_refused(command: str) -> None:
    with pytest.raises(BadInput):
        restart_argv(command)
