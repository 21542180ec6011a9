"""Two faces of one walk: text for people and screen readers, JSON lines for scripts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol, TextIO

from arbius_tui.domain import events
from arbius_tui.domain.errors import Problem
from arbius_tui.domain.events import Done, Event, Trouble
from arbius_tui.plain import lines


class Face(Protocol):
    """Shows events, and the end of the process."""

    def show(self, step: str, event: Event) -> None:
        """One event of a step; step is empty for what belongs to none."""

    def end(self, ok: bool, code: int, result: Mapping[str, Any], answer: str = "") -> None:
        """The last thing said: the exit code, the result, and the one answer of a command that has one."""


class JsonFace:
    """One JSON object a line on stdout; nothing else is ever written there."""

    def __init__(self, out: TextIO) -> None:
        self.out = out

    def show(self, step: str, event: Event) -> None:
        """The event in its envelope."""
        envelope = {"v": events.VERSION, "event": event.name, **({"step": step} if step else {}), "at": now()}
        self.write({**envelope, **events.body(event)})

    def end(self, ok: bool, code: int, result: Mapping[str, Any], answer: str = "") -> None:
        """The last line is always `done`."""
        self.show("", Done(ok, code, result))

    def write(self, line: Mapping[str, Any]) -> None:
        """A whole line at once; NaN never gets into it."""
        self.out.write(json.dumps(line, ensure_ascii=True, allow_nan=False, default=str) + "\n")
        self.out.flush()


class TextFace:
    """Lines of text. Problems go to `err`; the rest to `out`, which a command with one answer sets to stderr."""

    def __init__(self, out: TextIO, err: TextIO, answers: TextIO) -> None:
        self.out, self.err, self.answers = out, err, answers
        self.title = ""

    def show(self, step: str, event: Event) -> None:
        """The event's lines."""
        target = self.err if isinstance(event, Trouble) and event.problem.severity == "error" else self.out
        for line in lines.text(step, event) if step else self.without_step(event):
            target.write(line + "\n")
        target.flush()

    def without_step(self, event: Event) -> list[str]:
        """An event that belongs to no step: only problems do."""
        return lines.trouble(event.problem) if isinstance(event, Trouble) else []

    def end(self, ok: bool, code: int, result: Mapping[str, Any], answer: str = "") -> None:
        """The one answer, if the command has one."""
        if answer:
            self.answers.write(answer + "\n")
            self.answers.flush()


def now() -> str:
    """RFC 3339, in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def complain(face: Face, problem: Problem, code: int) -> None:
    """A problem outside any step, and the end."""
    face.show("", Trouble(problem))
    face.end(False, code, {})
