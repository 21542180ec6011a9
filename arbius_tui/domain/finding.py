"""Something wrong in a model's files: where it is, what it costs, and a patch to look at."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from arbius_tui.domain.errors import Fix, Problem, Severity
from arbius_tui.domain.events import plain

ORDER = {"error": 0, "warn": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem with its place. `line` counts from 1 (0: the whole file); `patch` is for `patch -p1`, or ""."""

    problem: Problem
    file: str
    line: int = 0
    patch: str = ""

    def public(self) -> dict[str, Any]:
        """What scripts read: the problem's own keys, then file, line and patch."""
        return dict(plain(self.problem)) | {"file": self.file, "line": self.line, "patch": self.patch or None}


@dataclass(frozen=True, slots=True)
class Place:
    """A file, a line from 1 and a column from 0 in characters."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


def found(
    place: Place,
    code: str,
    what: str,
    *,
    why: str = "",
    fix: Fix | str = "",
    severity: Severity = "error",
    detail: str = "",
) -> Finding:
    """A finding at a place, yet without a patch."""
    help_ = Fix(fix) if isinstance(fix, str) and fix else fix or None
    problem = Problem(code, what, why, help_ if isinstance(help_, Fix) else None, detail, severity, str(place))
    return Finding(problem, place.file, place.line)


def with_patch(finding: Finding, patch: str) -> Finding:
    """The finding with a patch that mends it."""
    return replace(finding, patch=patch)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Errors first, then by place; a finding that was made twice stands once, and keeps a patch if either has one."""
    known: dict[tuple[str, str, int, str], Finding] = {}
    for finding in findings:
        key = (finding.problem.code, finding.file, finding.line, finding.problem.what)
        if key not in known or (finding.patch and not known[key].patch):
            known[key] = finding
    return tuple(sorted(known.values(), key=lambda f: (ORDER[f.problem.severity], f.file, f.line, f.problem.code)))


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Replace a stretch of a text: lines from 1, columns from 0 in characters; an empty stretch is an insertion."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str


def diff(sources: Mapping[str, str], edits: Mapping[str, Iterable[Edit]]) -> str:
    """The edits as one unified diff for `patch -p1`; "" when they overlap, change nothing, or leave no valid Python."""
    parts: list[str] = []
    for file in sorted(edits):
        before = sources.get(file)
        after = None if before is None else edited(before, edits[file])
        if before is None or after is None or (file.endswith(".py") and not parses(after)):
            return ""
        parts += unified(file, before, after)
    return "".join(parts)


def edited(text: str, edits: Iterable[Edit]) -> str | None:
    """The text after all edits, or None when two of them overlap or one lies outside the text."""
    starts = line_starts(text)
    spans = []
    for edit in sorted(set(edits)):
        if not (1 <= edit.line <= len(starts) and 1 <= edit.end_line <= len(starts)):
            return None
        spans.append((starts[edit.line - 1] + edit.column, starts[edit.end_line - 1] + edit.end_column, edit.text))
    out, at = [], 0
    for begin, end, new in spans:
        if begin < at or end < begin or end > len(text):
            return None
        out += [text[at:begin], new]
        at = end
    return "".join([*out, text[at:]])


def line_starts(text: str) -> list[int]:
    """Where each line begins, counted as Python and `patch` count lines: by line feeds."""
    starts = [0]
    at = text.find("\n")
    while at >= 0:
        starts.append(at + 1)
        at = text.find("\n", at + 1)
    return starts


def unified(file: str, before: str, after: str) -> list[str]:
    """One file's part of a diff; the last line's missing line feed is said as `patch` wants it."""
    old, new = ([line + "\n" for line in text.split("\n")] for text in (before, after))
    for lines, text in ((old, before), (new, after)):
        lines[-1] = "" if text.endswith("\n") or not text else lines[-1][:-1]
        if not lines[-1]:
            lines.pop()
    made = []
    for line in difflib.unified_diff(old, new, f"a/{file}", f"b/{file}"):
        made.append(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
    return made


def parses(text: str) -> bool:
    """Whether the text is Python."""
    try:
        ast.parse(text.removeprefix("\ufeff"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
