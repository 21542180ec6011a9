"""Everything that can go wrong, in words.

A `Problem` is a value: it can be shown, saved and sent as JSON. A `Failure` is a problem that ends what was being done:

    Failure                 1  a fault of ours (code `internal`)
    |- BadInput             2  a wrong path, flag, file or value from the author
    |- NotReady             3  something this machine lacks: a check failed, a server is down, a folder is read-only
    |- NotReproducible      4  the seed does not decide the bytes
    |- TemplateInvalid      5  the template has errors
    |- PinFailed            6  another CID, or nobody can fetch it
    |- WrongChain           7  another chain, no engine, or an engine that refuses
    |- InsufficientFunds    8  the account cannot pay
    |- TransactionFailed    9  reverted, dropped or unknown
    `- NeedsInput          10  a question was asked and nobody may answer

The numbers are the exit codes of the process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

Severity = Literal["error", "warn", "info"]

HANGUP, INTERRUPT, TERMINATED = 129, 130, 143
"""Exit codes after a signal, once everything is saved."""


@dataclass(frozen=True)
class Fix:
    """What to do about a problem; `command` is a shell line that can be copied and run as it is.

    `patch` is what one key can do: operations of a JSON Patch (RFC 6902) on the template, each (op, path, value) with
    op add, remove, replace or move; the value of a move is the pointer it comes from. Empty: only a person can do it.
    """

    text: str
    command: str | None = None
    patch: tuple[tuple[str, str, Any], ...] = ()


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. `code` is kebab-case and stays the same over versions; the words may change.

    `path` is a JSON pointer into a template or a `file:line`, empty where it does not apply. `readers` are those of a
    template's readers who break on it.
    """

    code: str
    what: str
    why: str = ""
    fix: Fix | None = None
    detail: str = ""
    severity: Severity = "error"
    path: str = ""
    readers: tuple[str, ...] = ()


class Failure(Exception):
    """A problem that ends what was being done. Nothing else crosses the boundary of a service."""

    exit_code: ClassVar[int] = 1

    def __init__(
        self, code: str, what: str, *, why: str = "", fix: str = "", command: str | None = None, detail: str = ""
    ) -> None:
        super().__init__(what)
        self.problem = Problem(code, what, why, Fix(fix, command) if fix or command else None, detail)


class BadInput(Failure):
    """A wrong path, flag, file or value from the author."""

    exit_code = 2


class NotReady(Failure):
    """Something this machine lacks."""

    exit_code = 3


class NotReproducible(Failure):
    """The seed does not decide the bytes."""

    exit_code = 4


class TemplateInvalid(Failure):
    """The template has errors."""

    exit_code = 5


class PinFailed(Failure):
    """Another CID than ours, or nobody can fetch it."""

    exit_code = 6


class WrongChain(Failure):
    """Another chain, no engine there, or an engine that refuses."""

    exit_code = 7


class InsufficientFunds(Failure):
    """The account cannot pay."""

    exit_code = 8


class TransactionFailed(Failure):
    """Reverted, dropped or unknown."""

    exit_code = 9


class NeedsInput(Failure):
    """A question was asked and nobody may answer."""

    exit_code = 10
