"""Words that all checks share: first lines, versions, keys of an answer, and a program that does not answer."""

from __future__ import annotations

import re
from typing import Any

from arbius_tui.domain.errors import Fix
from arbius_tui.domain.text import clean
from arbius_tui.services.machine import PATIENCE, Finding, Reply
from arbius_tui.services.process import Completed


def silent(done: Completed, command: str) -> Finding | None:
    """The finding on a program that hung or could not be started; None for one that ended by itself."""
    program = command.split(" ", 1)[0]
    if done.ended == "late":
        fix = Fix("see by hand why it hangs, then check again; it was stopped with all it had started", command)
        return Finding("warn", f"{program} did not answer in {PATIENCE:g} s", fix, done.text)
    if done.ended == "refused":
        fix = Fix("look at this file; an unfinished download or another processor's program cannot be started",
                  f"ls -l $(command -v {program})")  # fmt: skip
        return Finding("FAIL", f"{program} cannot be started", fix, done.text)
    return None


def first(text: str) -> str:
    """The first line that is not empty, at most 80 characters."""
    return next((line.strip()[:80] for line in text.splitlines() if line.strip()), "no words")


def numbers(version: str) -> tuple[int, ...]:
    """`26.1.5+dfsg1` -> (26, 1, 5)."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def field(reply: Reply, key: str) -> Any:
    """A key of a JSON object, None when there is none."""
    return reply.value.get(key) if isinstance(reply.value, dict) else None


def word(reply: Reply, key: str) -> str:
    """A key of a JSON object as a short clean word."""
    return clean(str(field(reply, key) or "?"))[:40]


def quantity(value: Any) -> int:
    """An integer of JSON-RPC (`0xa4b1`), -1 for anything else."""
    text = str(value)
    return int(text, 16) if re.fullmatch("0x[0-9a-fA-F]{1,64}", text) else -1
