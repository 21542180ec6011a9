"""Runs steps without a screen: opens the journey and its world, walks, and ends with an exit code whatever happens."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from arbius_tui.domain.errors import HANGUP, INTERRUPT, TERMINATED, BadInput, Failure, Fix, Problem
from arbius_tui.domain.events import Done
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Ask
from arbius_tui.domain.secret import Secret
from arbius_tui.domain.text import clean
from arbius_tui.options import Options
from arbius_tui.plain.answers import Answers
from arbius_tui.plain.faces import Face, JsonFace, TextFace, complain
from arbius_tui.services.ports import Services, Store
from arbius_tui.steps.base import Walk
from arbius_tui.steps.crash import broke, log_folder

Work = Callable[[Walk, Ask, Face], Awaitable[Done]]
OpenServices = Callable[[Journey], AbstractAsyncContextManager[Services]]

SIGNALS = {signal.SIGHUP: HANGUP, signal.SIGINT: INTERRUPT, signal.SIGTERM: TERMINATED}


def face_of(options: Options, one_answer: bool = False) -> Face:
    """JSON, or text; a command with one answer has stdout for itself."""
    if options.json:
        return JsonFace(sys.stdout)
    return TextFace(sys.stderr if one_answer else sys.stdout, sys.stderr, sys.stdout)


def answers_of(options: Options, rehearsal: bool) -> Answers:
    """Who answers: flags and the file, then a person if there is one."""
    person = not options.no_input and not options.json and sys.stdin is not None and sys.stdin.isatty()
    given = {**read_answers(options.answers), **options.given}
    password = Secret(read_secret(options.password_file)) if options.password_file else None
    return Answers(given, person=person, rehearsal=rehearsal, out=sys.stderr, password=password)


def read_answers(path: Path | None) -> dict[str, str]:
    """An answers file: a JSON object of question id to answer."""
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(
            "answers-unreadable", f"cannot read the answers in {clean(str(path))}",
            fix='it is one JSON object, e.g. {"fee": "0.0035"}', detail=clean(str(error)),
        ) from None  # fmt: skip
    if not isinstance(found, dict):
        raise BadInput("answers-no-object", f"{clean(str(path))} is not a JSON object", fix='e.g. {"fee": "0.0035"}')
    return {str(key): str(value) for key, value in found.items()}


def read_secret(path: Path) -> str:
    """The first line of a password file."""
    try:
        return path.read_text(encoding="utf-8").split("\n", 1)[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            "password-file", f"cannot read the password file {clean(str(path))}",
            fix="its first line is the password; keep it readable by you alone", detail=type(error).__name__,
        ) from None  # fmt: skip


def run(store: Store, open_services: OpenServices, work: Work, face: Face, ask: Ask, answer: str = "") -> int:
    """Walk and end; the exit code. `answer` names the key of the result that is the command's one answer."""

    async def walk() -> Done:
        async with open_services(store.load()) as services:
            return await work(Walk(store, services), ask, face)

    return ended(face, lambda: asyncio.run(until_signal(walk())), answer)


def ended(face: Face, work: Callable[[], Done], answer: str = "") -> int:
    """Do the work and say how it ended; a failure and a fault of ours are said in the same way."""
    try:
        done = work()
    except Failure as failure:
        complain(face, failure.problem, failure.exit_code)
        return failure.exit_code
    except Interrupted as stop:
        complain(face, interrupted(), stop.code)
        return stop.code
    except BrokenPipeError:
        return quiet_end()
    except Exception as error:  # the last door: a fault of ours gets words, and its traceback goes into a file
        complain(face, broke(error, log_folder()), 1)
        return 1
    try:
        face.end(done.ok, done.exit, done.result, str(done.result.get(answer) or "") if answer else "")
    except BrokenPipeError:
        return quiet_end()
    return done.exit


class Interrupted(Exception):
    """A signal ended the walk; everything is saved."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


async def until_signal(work: Awaitable[Done]) -> Done:
    """The work, or Interrupted once a signal has cancelled it and its children are gone."""
    task = asyncio.ensure_future(work)
    caught: list[int] = []

    def stop(code: int) -> None:
        caught.append(code)
        task.cancel()

    loop = asyncio.get_running_loop()
    for number, code in SIGNALS.items():
        loop.add_signal_handler(number, stop, code)
    try:
        return await task
    except asyncio.CancelledError:
        raise Interrupted(caught[0] if caught else INTERRUPT) from None


def interrupted() -> Problem:
    """What a person reads after Ctrl+C."""
    return Problem(
        "interrupted",
        "stopped; everything up to here is saved",
        "a step that was running starts anew, what was finished is kept",
        Fix("run the same command again to go on"),
        severity="info",
    )


def quiet_end() -> int:
    """Whoever read our output has gone away: nothing more can be said."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1
