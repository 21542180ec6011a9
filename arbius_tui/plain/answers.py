"""Who answers a step's questions without a screen: flags and an answers file, then a person, then a safe default."""

from __future__ import annotations

import asyncio
import getpass
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

from arbius_tui.domain.errors import NeedsInput
from arbius_tui.domain.questions import Choice, Confirm, Consent, Question
from arbius_tui.domain.secret import Secret


class Answers:
    """Answers from flags and a file first. `person`: somebody sits at a terminal. `rehearsal`: nothing is at stake."""

    def __init__(
        self, given: Mapping[str, str], *, person: bool, rehearsal: bool, out: TextIO, password: Secret | None = None
    ) -> None:
        self.given, self.person, self.rehearsal, self.out, self.password = given, person, rehearsal, out, password

    async def __call__(self, question: Question) -> str:
        """The answer, or NeedsInput in words."""
        if question.id in self.given:
            return self.given[question.id]
        if self.person:
            return await self.prompt(question)
        if self.rehearsal and question.rehearsal is not None:
            self.out.write(f"  {question.text} {question.rehearsal}\n")
            return question.rehearsal
        if question.default is not None:
            return question.default
        raise unanswered(question)

    def can_answer(self, question: Question) -> bool:
        """Whether an answer of the author's can be had: it was given before, or somebody sits there."""
        return self.person or question.id in self.given

    async def secret(self, question: Question) -> Secret:
        """A password from its file, or typed unseen; a token for somebody else is never that password."""
        if self.password is not None and not question.id.startswith(("replicate-", "ipfs-")):
            return self.password
        if self.person:
            return Secret(await asyncio.to_thread(getpass.getpass, f"  {question.text}: "))
        raise unanswered(question)

    @contextmanager
    def terminal(self) -> Iterator[bool]:
        """The terminal that the person sits at; what is printed there stays."""
        if not self.person:
            raise NeedsInput(
                "no-terminal",
                "this command asks by itself, and there is no terminal to ask on",
                why="it may want a password, which is never taken from a file or an argument",
                fix="run it by hand, or this command on a terminal",
            )
        self.out.flush()
        yield False

    async def prompt(self, question: Question) -> str:
        """Ask the person; an empty line takes the default, a wrong one is asked again."""
        default = question.rehearsal if self.rehearsal and not isinstance(question, Confirm) else question.default
        while True:
            self.write(question, default)
            line = await typed()
            if line is None:
                raise unanswered(question)
            answer = self.understood(question, line.strip(), default)
            if answer is not None:
                return answer

    def write(self, question: Question, default: str | None) -> None:
        """The question, why it is asked, and what may be answered."""
        for line in (question.why, *extra(question)):
            if line:
                self.out.write(f"  {line}\n")
        self.out.write(f"  {question.text}{f' [{default}]' if default is not None else ''} ")
        self.out.flush()

    def understood(self, question: Question, line: str, default: str | None) -> str | None:
        """The answer that a line means, or None with words about what is valid."""
        if not line and default is not None:
            return default
        match question:
            case Choice(options=options):
                if line.isdigit() and 1 <= int(line) <= len(options):
                    return options[int(line) - 1][0]
                if line in {value for value, _ in options}:
                    return line
                self.out.write(f"  a number from 1 to {len(options)}, please\n")
                return None
            case Consent():
                return "yes" if line.lower() in ("y", "yes") else "no"
            case _:
                return line or None


def extra(question: Question) -> list[str]:
    """What stands above a question: numbered options, or what cannot be undone."""
    match question:
        case Choice(options=options):
            return [f"{n} {label}" for n, (_, label) in enumerate(options, 1)]
        case Consent(changes=changes, undo=undo):
            return [f"changes  {changes}" if changes else "", f"undo  {undo}" if undo else "", "y or n"]
        case Confirm(fixed=fixed, later=later, safe=safe):
            return ["Cannot be undone", f"fixed  {fixed}", f"later  {later}", f"safe  {safe}"]
        case _:
            return []


async def typed() -> str | None:
    """A line from the terminal, None at its end; waiting for it can be cancelled."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_reader(sys.stdin, lambda: None if ready.done() else ready.set_result(None))
    try:
        await ready
    finally:
        loop.remove_reader(sys.stdin)
    return sys.stdin.readline() or None


def unanswered(question: Question) -> NeedsInput:
    """Nobody may answer this."""
    return NeedsInput(
        "needs-input",
        f"a question has no answer: {question.text}",
        why="there is no terminal to ask on, or --no-input was given",
        fix=f'answer it in a file: --answers FILE with {{"{question.id}": "..."}}',
    )
