"""Programs that hang while they are looked at: the screen goes on, and nothing of them is left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.stories.terminal import Terminal

HANGS = """#!/bin/sh
trap '' TERM INT HUP
sleep 600 &
echo $! $$ >>{pids}
while :; do wait; done
"""
"""A program that hangs with a child and minds no polite signal."""


def gone(pid: str) -> bool:
    """Whether a process has ended (one that only waits to be collected has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def test_keys_are_answered_while_probes_hang_and_quitting_ends_them(
    home: Path, launch: Callable[..., Terminal]
) -> None:
    folder, pids = home / "bin", home / "pids"
    folder.mkdir()
    for name in ("cog", "docker", "nvidia-smi", "ipfs"):
        (folder / name).write_text(HANGS.format(pids=pids))
        (folder / name).chmod(0o755)
    env = {"PATH": f"{folder}:/usr/bin:/bin", "DOCKER_HOST": f"unix://{home}/none.sock"}
    with launch("--rpc", "http://127.0.0.1:9", env=env) as terminal:
        terminal.wait_for("FAIL")  # others have ended
        assert "x cancel" in terminal.text(), "and some have not"
        terminal.send("down")
        terminal.wait_for("> docker permission")
        terminal.send("f1")
        terminal.wait_for("help")
        terminal.send("escape")
        terminal.wait_for("> docker permission")
        terminal.send("ctrl+q")
        assert terminal.wait_exit() == 0
    started = pids.read_text().split()
    assert len(started) >= 2
    assert all(gone(pid) for pid in started)
