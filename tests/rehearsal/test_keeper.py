"""A server that nobody comes back for ends; one that somebody uses does not."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path

import pytest

from arbius_tui.rehearsal.example import example_model
from arbius_tui.rehearsal.keeper import Remembered, remembered, watch
from arbius_tui.rehearsal.server import LocalServers
from arbius_tui.services.process import Child, born


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Child]:
    argv = [sys.executable, "-c", "import time; time.sleep(600)"]
    child = Child.start(argv, tmp_path, dict(os.environ), tmp_path / "log")
    yield child
    await child.stop()


def write(file: Path, child: Child, owner: int = 0, owner_born: str = "") -> None:
    file.write_text(json.dumps(asdict(Remembered("http://x", "f", child.pid, child.born, owner, owner_born))))


async def gone(child: Child) -> bool:
    for _ in range(1000):
        if not await child.alive():
            return True
        await asyncio.sleep(0.01)
    return False


async def test_a_server_without_a_wizard_ends_when_patience_does(server: Child, tmp_path: Path) -> None:
    write(tmp_path / "server.json", server, 2**22 + 1, "another-1")
    await asyncio.to_thread(watch, tmp_path / "server.json", 0.05, 0.02)
    assert await gone(server)


async def test_a_server_with_a_wizard_is_let_be_until_it_is_forgotten(server: Child, tmp_path: Path) -> None:
    file = tmp_path / "server.json"
    write(file, server, os.getpid(), born(os.getpid()))
    watching = asyncio.create_task(asyncio.to_thread(watch, file, 0.02, 0.01))
    done, _ = await asyncio.wait({watching}, timeout=0.4)
    assert not done
    assert await server.alive()
    file.unlink()
    await watching
    assert await gone(server)


async def test_a_server_that_another_one_replaced_ends(server: Child, tmp_path: Path) -> None:
    file = tmp_path / "server.json"
    write(file, server, os.getpid(), born(os.getpid()))
    watching = asyncio.create_task(asyncio.to_thread(watch, file, 60, 0.01))
    await asyncio.wait({watching}, timeout=0.1)
    write(file, Child(1, "x"), os.getpid(), born(os.getpid()))
    await watching
    assert await gone(server)


async def test_a_recycled_number_is_nobodys_server(server: Child, tmp_path: Path) -> None:
    write(tmp_path / "server.json", Child(server.pid, "before-the-flood"))
    await asyncio.to_thread(watch, tmp_path / "server.json", 0, 0.01)
    assert await server.alive()


async def test_a_real_server_is_kept_and_adopted_and_leaves_no_keeper(tmp_path: Path) -> None:
    servers = LocalServers(tmp_path)
    server = await servers.start(example_model())
    keeper = servers.keeper
    assert keeper is not None
    assert await keeper.alive()
    known = remembered(servers.file)
    assert known is not None
    servers.remember(known)
    servers.file.write_text(json.dumps(asdict(known) | {"owner": 2**22 + 1, "owner_born": "killed"}))
    assert await LocalServers(tmp_path).alive(server)
    again = remembered(servers.file)
    assert again is not None
    assert again.owner == os.getpid()
    await servers.aclose()
    assert await gone(keeper)
