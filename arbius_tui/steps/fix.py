"""Fix: run the command that mends a failed check, after asking; then look at everything again."""

from __future__ import annotations

import shlex
from collections.abc import AsyncGenerator
from contextlib import aclosing

from arbius_tui.domain.errors import Failure
from arbius_tui.domain.events import Done, Event, Line, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Ask, Consent
from arbius_tui.domain.records import ChecksRecord
from arbius_tui.services import process
from arbius_tui.services.ports import Services
from arbius_tui.steps.checks import Checks, state_of

LIMIT = 900.0
"""Seconds a command may take; installing a package over a slow line is the longest."""

SHELL = frozenset("|&;<>$`*?~(){}\n")
"""Characters that only a shell understands. There is never a shell between us and a program."""

TERMINAL = (
    ("sudo",), ("su",), ("doas",), ("pkexec",), ("cog", "login"), ("gh", "auth"), ("docker", "login"),
    ("docker", "system", "prune"), ("ipfs", "daemon"),
)  # fmt: skip
"""Beginnings of commands that ask for a password or an answer, or that go on for as long as the author works."""


def runnable(command: str) -> tuple[str, ...]:
    """The command as arguments, or () where it wants a shell, a password, an answer or a terminal that stays open."""
    if SHELL & set(command):
        return ()
    try:
        argv = tuple(shlex.split(command))
    except ValueError:
        return ()
    return () if any(argv[: len(begin)] == begin for begin in TERMINAL) else argv


class Mend(Checks):
    """Ask, run one command with its lines as they come, then check everything again."""

    def __init__(self, command: str, changes: str = "", undo: str = "") -> None:
        super().__init__()
        self.command, self.changes, self.undo = command, changes, undo

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield the command's lines and exit code, a problem if it failed, and then each check anew."""
        question = Consent("fix", f"Run `{self.command}`?", changes=self.changes, undo=self.undo)
        if await ask(question) != "yes":
            known = journey.get(ChecksRecord)
            yield Done(True, 0, {}, state_of(known.states) if known else "-")
            return
        yield Line(f"$ {self.command}")
        try:
            async with aclosing(process.lines(runnable(self.command), limit=LIMIT)) as lines:
                async for line in lines:
                    yield Line(line)
            yield Line("exit code 0")
        except Failure as failure:
            yield Trouble(failure.problem)
        async with aclosing(super().run(journey, services, ask)) as events:
            async for event in events:
                yield event
