"""What a step may ask. A face shows the question; the step never knows whether a field, a prompt or a file answered."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from arbius_tui.domain.secret import Secret


@dataclass(frozen=True)
class Question:
    """A question with a stable `id` (its key in an answers file), the question itself and why it is asked.

    `default` answers it where nobody can; None means that nobody but the author may answer.
    `rehearsal` answers it on the embedded chain when nobody is there, where nothing is at stake.
    """

    id: str
    text: str
    why: str = ""
    default: str | None = None
    rehearsal: str | None = None


@dataclass(frozen=True)
class Choice(Question):
    """One of `options` (value, label)."""

    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Consent(Question):
    """Yes or no to something mild; the answers are `yes` and `no`. `changes` and `undo` say what it does."""

    changes: str = ""
    undo: str = ""


@dataclass(frozen=True)
class Confirm(Question):
    """Something that cannot be undone: the author types `expected`. `fixed` stays for ever, `later` can change."""

    expected: str = ""
    fixed: str = ""
    later: str = ""
    safe: str = ""
    verb: str = "send"


class Ask(Protocol):
    """How a step asks."""

    async def __call__(self, question: Question) -> str:
        """The answer; NeedsInput when nobody may answer."""

    async def secret(self, question: Question) -> Secret:
        """A password or a key; never from an argument or the environment."""

    def terminal(self) -> AbstractContextManager[bool]:
        """Step aside: inside it the terminal belongs to a command that asks by itself, e.g. sudo for a password.

        Gives whether what is printed meanwhile vanishes afterwards. NeedsInput where there is no terminal to give.
        """
