"""A `cog` on PATH that plays a recording of the real one: streams, timing, answer to signals, exit code.

`install` puts it into a folder; these variables say what it plays (all but the first may be left out):

COG_PLAYER_RECORDING  the recording of the subcommand that is asked for
COG_PLAYER_SCALE      its seconds are multiplied with this (default 0: as fast as it goes)
COG_PLAYER_HEARD      a file; what it was called with is appended as a line of JSON, standard input as its SHA-256
COG_PLAYER_GATE       a file; a build that holds the folder's lock goes on only when this file is there

As the real one does, a build holds `.cog/cog.lock` with flock, writes `.cog/build/` and removes it at its end, and
leaves `.cog/openapi_schema.json`. A recording that was ended by a signal is silent at its end until it gets one.
This file is run as a program and imports nothing of ours.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

RECORDINGS = Path(__file__).parent / "fixtures" / "cog-cli"

COMMANDS = {"build", "doctor", "login", "run"}

KNOWN_FLAGS = {"-t", "--tag", "-f", "--file", "--progress", "--no-cache", "--dockerfile", "--use-cog-base-image"}
KNOWN_FLAGS |= {"--token-stdin", "--registry", "--fix", "-i"}

PATIENCE = 60.0
"""Seconds that it waits for a signal or the gate; a test that forgot them must end."""


def install(folder: Path) -> Path:
    """Write an executable `cog` that plays; put its folder first on PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "cog"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -X utf8 -S -E "{Path(__file__)}" "$@"\n')
    program.chmod(0o755)
    return program


def recording(name: str) -> dict[str, Any]:
    """A recording by its name."""
    found: dict[str, Any] = json.loads((RECORDINGS / f"{name}.json").read_text())
    return found


def chosen(argv: list[str]) -> dict[str, Any]:
    """What the real one would have answered to this command line."""
    if argv == ["--version"]:
        return recording("version")
    if not argv or argv[0] not in COMMANDS:
        return recording("bad-command")
    flags = {word.split("=", 1)[0] for word in argv[1:] if word.startswith("-")}
    if flags - KNOWN_FLAGS:
        return recording("bad-flag")
    found: dict[str, Any] = json.loads(Path(os.environ["COG_PLAYER_RECORDING"]).read_text())
    return found


def hear(argv: list[str]) -> None:
    """Write down how we were called; a token is kept as its hash."""
    given = sys.stdin.buffer.read() if "--token-stdin" in argv else b""
    if "COG_PLAYER_HEARD" in os.environ:
        quiet = ("NO_COLOR", "BUILDKIT_PROGRESS", "COG_NO_UPDATE_CHECK", "DOCKER_CONFIG")
        env = {name: os.environ.get(name, "") for name in quiet}
        heard = {"argv": argv, "cwd": os.getcwd(), "env": env, "pid": os.getpid()}
        with Path(os.environ["COG_PLAYER_HEARD"]).open("a") as file:
            file.write(json.dumps({**heard, "stdin": hashlib.sha256(given).hexdigest()}) + "\n")


def wait_for(what: Path) -> None:
    """Until this file is there."""
    end = time.monotonic() + PATIENCE
    while not what.exists() and time.monotonic() < end:
        time.sleep(0.005)


@contextmanager
def building(played: dict[str, Any]) -> Iterator[None]:
    """The traces of a build in its folder."""
    if "Building Docker image from environment" not in played["stderr"] + played["stdout"]:
        yield
        return
    place = Path(".cog")
    place.mkdir(exist_ok=True)
    with (place / "cog.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if "COG_PLAYER_GATE" in os.environ:
            (place / "waits-at-gate").touch()
            wait_for(Path(os.environ["COG_PLAYER_GATE"]))
        (place / "build").mkdir(exist_ok=True)
        (place / "build" / "Dockerfile").write_text("FROM scratch\n")
        schema = place / "openapi_schema.json"
        schema.write_text("{}")
        schema.chmod(0o600)
        yield
        shutil.rmtree(place / "build")


def speak(played: dict[str, Any], scale: float) -> None:
    """Print both streams, spread evenly over the recorded seconds."""
    lines = [(sys.stdout, text) for text in played["stdout"].splitlines(keepends=True)]
    lines += [(sys.stderr, text) for text in played["stderr"].splitlines(keepends=True)]
    pause = played["seconds"] * scale / max(len(lines), 1)
    for stream, text in lines:
        stream.write(text)
        if pause:
            stream.flush()
            time.sleep(pause)
    sys.stdout.flush()
    sys.stderr.flush()


def play(argv: list[str]) -> int:
    """Play; the exit code, unless a signal ended it first."""
    played = chosen(argv)
    killed = played["rc"] < 0
    for number in (signal.SIGINT, signal.SIGTERM):
        # The real build has no handler; a recording that had a signal and an exit code went on in spite of it.
        went_on = played["events"] and not killed
        signal.signal(number, signal.SIG_IGN if went_on else signal.SIG_DFL)
    hear(argv)
    with building(played):
        speak(played, float(os.environ.get("COG_PLAYER_SCALE", "0")))
        if killed:
            end = time.monotonic() + PATIENCE
            while time.monotonic() < end:
                time.sleep(0.05)
    code: int = played["rc"]
    return 99 if killed else code


if __name__ == "__main__":
    sys.exit(play(sys.argv[1:]))
