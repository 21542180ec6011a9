"""Fix: run the command that mends a failed check, after asking; then look at everything again."""

from __future__ import annotations

import re
import shlex
import signal
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Literal

from arbius_tui.domain.errors import Failure, NotReady, Problem
from arbius_tui.domain.events import Done, Event, Found, Line, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Ask, Consent
from arbius_tui.domain.records import ChecksRecord
from arbius_tui.services import process
from arbius_tui.services.ports import Check, Services
from arbius_tui.steps.checks import Checks, state_of, subject_of

LIMIT = 900.0
"""Seconds a command may take; installing a package over a slow line is the longest."""

SHELL = frozenset("|&;<>$`*?~(){}\n")
"""Characters that only a shell understands. There is no shell between us and a program that runs unseen."""

TERMINAL = (
    ("sudo",), ("su",), ("doas",), ("pkexec",), ("cog", "login"), ("gh", "auth"), ("docker", "login"),
    ("docker", "system", "prune"),
)  # fmt: skip
"""Beginnings of commands that ask for a password or an answer: they get the terminal."""

BY_HAND = (
    ("ipfs", "daemon"), ("sudo", "reboot"), ("reboot",), ("newgrp",), ("unset",), ("export",), ("cd",), ("source",),
)  # fmt: skip
"""Beginnings of commands that go on for as long as the author works, end everything, or mean the author's own shell."""

BLANK = re.compile(r"(?:^|[\s/=])(?:FILE|DIR|NAME|OWNER|URL)\b")
"""A place in a command that the author fills in."""

Way = Literal["here", "terminal", "by hand"]


def runnable(command: str) -> tuple[str, ...]:
    """The command as arguments where it runs unseen; () where it wants a shell, a terminal, or the author's hands."""
    if SHELL & set(command) or BLANK.search(command):
        return ()
    argv = words(command)
    return () if any(argv[: len(begin)] == begin for begin in (*TERMINAL, *BY_HAND)) else argv


def words(command: str) -> tuple[str, ...]:
    """The command's words, () for one with an open quote."""
    try:
        return tuple(shlex.split(command))
    except ValueError:
        return ()


def way(command: str) -> Way:
    """How a command is run: unseen with its lines in the log, on the terminal that is handed to it, or not by us."""
    if runnable(command):
        return "here"
    argv = words(command)
    if not argv or BLANK.search(command) or any(argv[: len(begin)] == begin for begin in BY_HAND):
        return "by hand"
    return "terminal"


class Mend(Checks):
    """Ask, run one command, then check everything again. Its lines come as they are, or it has the terminal."""

    def __init__(self, command: str, changes: str = "", undo: str = "") -> None:
        super().__init__()
        self.command, self.changes, self.undo = command, changes, undo

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield the command's lines and exit code, a problem if it failed, and then each check anew."""
        how = way(self.command)
        if how == "by hand":
            raise by_hand(self.command, self.changes)
        why = "it gets the terminal, to ask for a password" if how == "terminal" else ""
        question = Consent("fix", f"Run `{self.command}`?", why, changes=self.changes, undo=self.undo)
        if await ask(question) != "yes":
            known = journey.get(ChecksRecord)
            yield Done(True, 0, {}, state_of(known.states) if known else "-")
            return
        yield Line(f"$ {self.command}")
        try:
            if how == "terminal":
                await on_terminal(self.command, ask)
            else:
                async with aclosing(process.lines(runnable(self.command), limit=LIMIT)) as lines:
                    async for line in lines:
                        yield Line(line)
            yield Line("exit code 0")
        except Failure as failure:
            yield Trouble(failure.problem)
        async with aclosing(super().run(journey, services, ask)) as events:
            async for event in events:
                yield event


async def on_terminal(command: str, ask: Ask) -> None:
    """Run a command while the face steps aside; NotReady (`command-failed`) unless it ends with 0."""
    with ask.terminal() as vanishes:
        code = await process.foreground(command, pause=vanishes)
    if code:
        stopped = code in (-signal.SIGINT, 128 + signal.SIGINT)
        how = "was stopped by Ctrl+C" if stopped else f"ended with exit code {code}"
        raise NotReady("command-failed", f"`{command}` {how}", detail="what it said stood on the terminal")


def by_hand(command: str, text: str) -> NotReady:
    """A command that only the author can run."""
    return NotReady(
        "fix-by-hand",
        "this one is run by hand",
        why="it goes on while you work, means your own shell, has a blank to fill in, or ends everything that runs",
        fix=text,
        command=command,
    )


class MendRow(Checks):
    """Mend the check with this id: look at it, and where it has a command, ask, run it, and look again."""

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield the check, then what mending it yields; a check that needs nothing is the end."""
        found: Check | None = None
        async for check in services.toolchain.checks(self.only, subject_of(journey)):
            if check.id == self.only:
                found = check
            yield Found(check)
        if found is None:
            raise NotReady(
                "no-such-check", f"{self.only} is a group", fix="name one check of it: arbius-tui check --json"
            )
        if found.state in ("ok", "off") or not found.fix:
            yield Line(f"nothing to mend: {found.title or found.id} is {found.state}")
            yield Done(True, 0, {}, found.state)
        elif not found.fix.command:
            yield Trouble(Problem(f"check-{found.id}", found.found, found.why, found.fix, found.raw))
            yield Done(False, NotReady.exit_code)
        else:
            mend = Mend(found.fix.command, found.fix.text)
            mend.only = self.only
            async with aclosing(mend.run(journey, services, ask)) as events:
                async for event in events:
                    yield event
