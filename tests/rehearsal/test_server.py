"""Cog's own server as our child: started, found again after a kill, never mistaken for another process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from arbius_tui.domain.errors import BadInput, NotReady
from arbius_tui.rehearsal import server as module
from arbius_tui.rehearsal.example import example_model
from arbius_tui.rehearsal.server import LocalServers, predictor
from arbius_tui.services.ports import Server
from arbius_tui.services.process import born


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[LocalServers]:
    found = LocalServers(tmp_path / "state")
    yield found
    await found.aclose()


async def status(server: Server) -> str:
    async with httpx.AsyncClient() as client:
        for _ in range(400):
            answer = await client.get(f"{server.url}/health-check")
            if answer.json()["status"] != "STARTING":
                return str(answer.json()["status"])
            await asyncio.sleep(0.02)
    return "STARTING"


async def children(pid: int) -> list[int]:
    done = await asyncio.to_thread(
        subprocess.run, ["pgrep", "-g", str(pid)], capture_output=True, text=True, check=False
    )
    return [int(line) for line in done.stdout.split()]


async def test_the_example_model_becomes_ready_and_ends_with_its_worker(servers: LocalServers) -> None:
    server = await servers.start(example_model())
    assert await status(server) == "READY"
    assert server.started_by_us
    assert server.url.startswith("http://127.0.0.1:")
    assert await servers.alive(server)
    family = await children(server.pid)
    assert len(family) == 2
    await servers.stop(server)
    assert not await servers.alive(server)
    assert not any(born(pid) for pid in family)
    assert not servers.file.exists()


async def test_a_restart_is_another_process(servers: LocalServers) -> None:
    first = await servers.start(example_model())
    second = await servers.restart(first)
    assert second.pid != first.pid
    assert not born(first.pid)
    assert await status(second) == "READY"


async def test_a_server_of_somebody_else_is_neither_restarted_nor_stopped(servers: LocalServers) -> None:
    ours = await servers.start(example_model())
    other = Server("http://127.0.0.1:5000", pid=os.getpid(), started_by_us=True)
    with pytest.raises(NotReady) as failure:
        await servers.restart(other)
    assert failure.value.problem.code == "not-ours"
    await servers.stop(other)
    assert not await servers.alive(other)
    assert await servers.alive(ours)


async def test_a_server_that_a_killed_wizard_left_is_found_again(tmp_path: Path) -> None:
    wizard = f"""
    import asyncio, json, os, signal, sys
    from dataclasses import asdict
    from pathlib import Path
    from arbius_tui.rehearsal.example import example_model
    from arbius_tui.rehearsal.server import LocalServers

    async def main():
        server = await LocalServers(Path({str(tmp_path)!r})).start(example_model())
        print(json.dumps(asdict(server)), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(main())
    """
    argv = [sys.executable, "-c", textwrap.dedent(wizard)]
    done = await asyncio.to_thread(subprocess.run, argv, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    left = Server(**json.loads(done.stdout))

    again = LocalServers(tmp_path)
    assert await again.alive(left)
    assert await status(left) == "READY"
    fresh = await again.start(example_model())
    assert not born(left.pid)
    assert fresh.pid != left.pid
    await again.stop(fresh)
    assert not born(fresh.pid)


async def test_a_recycled_number_is_not_our_server(servers: LocalServers) -> None:
    ours = await servers.start(example_model())
    known = json.loads(servers.file.read_text())
    servers.file.write_text(json.dumps(known | {"born": "before-the-flood"}))
    stranger = LocalServers(servers.state)
    assert not await stranger.alive(ours)
    await stranger.aclose()
    assert born(ours.pid)
    servers.file.write_text(json.dumps(known))
    assert await servers.alive(ours)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"url": 1}', "null"])
async def test_a_damaged_memory_is_no_memory(servers: LocalServers, text: str) -> None:
    servers.state.mkdir()
    servers.file.write_text(text)
    assert not await servers.alive(Server("http://127.0.0.1:1", pid=os.getpid()))
    await servers.aclose()


async def test_a_port_that_is_taken_in_between_is_no_failure(
    servers: LocalServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as rival:
        ports = iter([rival.getsockname()[1], module.free_port()])
        monkeypatch.setattr(module, "free_port", lambda: next(ports))
        server = await servers.start(example_model())
        assert await status(server) == "READY"
        assert next(ports, None) is None


async def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    broken = tmp_path / "bin" / "python"
    broken.write_text("#!/bin/sh\necho no module named cog; exit 1\n")
    broken.chmod(0o755)
    servers = LocalServers(tmp_path / "state", python=str(broken))
    with pytest.raises(NotReady) as failure:
        await servers.start(example_model())
    assert failure.value.problem.code == "server-ended"
    assert "no module named cog" in failure.value.problem.detail
    assert not servers.file.exists()


async def test_cancelling_the_start_leaves_nothing_behind(servers: LocalServers) -> None:
    starting = asyncio.create_task(servers.start(example_model()))
    for _ in range(2000):
        if servers.child is not None:
            break
        await asyncio.sleep(0.001)
    assert servers.child is not None
    pid = servers.child.pid
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not born(pid)
    assert not servers.file.exists()


@pytest.mark.parametrize("turns", [1, 2, 5, 50])
async def test_the_end_goes_on_though_it_is_cancelled(turns: int, servers: LocalServers) -> None:
    server = await servers.start(example_model())
    family = await children(server.pid)
    ending = asyncio.create_task(servers.aclose())
    for _ in range(2):
        for _ in range(turns):
            await asyncio.sleep(0)
        ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    assert not [pid for pid in family if born(pid)]
    assert not servers.file.exists()


def test_a_folder_without_a_predictor_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        predictor(tmp_path)
    (tmp_path / "cog.yaml").write_text("build:\n  python_version: '3.11'\n")
    with pytest.raises(BadInput, match="names no predictor"):
        predictor(tmp_path)
    (tmp_path / "cog.yaml").write_text("run: 'run.py:Runner'  # new form\n")
    assert predictor(tmp_path) == "run.py:Runner"
