"""Panes below a table: a finding, an error, an empty state, lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.geometry import Size

from arbius_tui.domain.errors import Problem
from arbius_tui.widgets.frame import Lines
from arbius_tui.widgets.text import (
    COMMAND,
    GUTTER,
    KEY,
    LABEL,
    STATES,
    Cell,
    cut,
    fit,
    glyphs,
    inert,
    keys,
    line,
    spread,
    state_style,
    words,
    wrap,
)


@dataclass(frozen=True, slots=True)
class Fact:
    """A label, its value, and what keys do with it (`Enter run  F4 copy`); style COMMAND puts it on its own ground."""

    label: str
    value: Cell = ""
    hint: str = ""


def why(text: str) -> Fact:
    """Why it matters."""
    return Fact("why", text)


def fix(command: str, hint: str = "F4 copy") -> Fact:
    """A command that mends it."""
    return Fact("fix", (command, COMMAND), hint)


def raw(text: str, hint: str = "F3 log") -> Fact:
    """What the tool itself said, one line; F3 has all."""
    return Fact("raw", (text, "$muted"), hint)


class Facts(Lines):
    """Label and value: why, fix, raw."""

    def __init__(self, facts: Sequence[Fact] = (), id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.facts = tuple(facts)

    def show(self, facts: Sequence[Fact]) -> None:
        """Other facts: as many lines as before are a repaint, not a layout."""
        grown = len(facts) != len(self.facts)
        self.facts = tuple(facts)
        self.refresh(layout=grown)

    def lines(self, width: int) -> Iterable[Content]:
        """The right part of a line is what a key does with it."""
        return (fact_line(fact, width) for fact in self.facts)


def folded(fact: Fact, width: int, most: int) -> list[Fact]:
    """A fact whose value is broken between words, beside its keys if it has any; a command stays whole."""
    text, style = fact.value if isinstance(fact.value, tuple) else (fact.value, "")
    room = width - GUTTER - LABEL - 2 - (keys(fact.hint).cell_length if fact.hint else 0)
    if "$field" in style or len(inert(text)) <= room:
        return [fact]
    first, *more = wrap(text, room, most)
    return [Fact(fact.label, (first, style), fact.hint), *(Fact("", (row, style)) for row in more)]


class Told(Facts):
    """Facts on as many rows as their values need, e.g. of a question: what it says must be read to be answered."""

    MOST = 4

    def lines(self, width: int) -> Iterable[Content]:
        """Each fact, broken between words."""
        return (fact_line(part, width) for fact in self.facts for part in folded(fact, width, self.MOST))


def fact_line(fact: Fact, width: int, edge: Cell = " ") -> Content:
    """One label, one value; a command is padded, its text stays in the value column."""
    text, style = fact.value if isinstance(fact.value, tuple) else (fact.value, "")
    pad = "$field" in style
    hint = keys(fact.hint)
    room = width - GUTTER - LABEL - 2 * pad - 1
    if room - hint.cell_length - 2 < 12:
        hint = Content(" ")
    text = cut(text, room - (hint.cell_length if fact.hint else 0))
    label = (fit(fact.label, LABEL - pad), state_style(fact.label) if fact.label in STATES else "$muted")
    left = words(edge, " ", label, (f" {text} " if pad else text, style))
    return spread(left, hint, width)


class ProblemPanel(Lines):
    """What failed, why it matters, how to mend it, the raw text; a bar in column 0 holds it together."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.problem: Problem | None = None
        self.hint = "F4 copy"
        self._height = 0

    def show(self, problem: Problem, hint: str = "F4 copy") -> None:
        """Another problem; `hint` says what keys do with the fix."""
        self.problem, self.hint = problem, hint
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Nothing to say, no rows."""
        return len(list(self.lines(width))) if self.problem else 0

    def lines(self, width: int) -> Iterable[Content]:
        """The bar stands in the column of the cursor mark, so the text stays on the grid."""
        room = width - GUTTER - LABEL - 1
        facts = problem_facts(self.problem, room, self.hint) if self.problem else []
        return (fact_line(fact, width, (glyphs().bar, "$error")) for fact in facts)


def problem_facts(problem: Problem, room: int, hint: str) -> list[Fact]:
    """A problem as facts; its words are wrapped to `room` cells: two lines of why, two of the fix, one of raw."""
    word = {"error": "FAIL", "warn": "warn", "info": "-"}[problem.severity]
    first, *more = wrap(problem.what, room, 2)
    facts = [Fact(word, (first, "bold")), *(Fact("", (text, "bold")) for text in more), Fact("")]
    facts += _block("why", problem.why, room, "")
    if problem.fix and problem.fix.command:
        facts.append(fix(problem.fix.command, hint))
        facts += _block("", problem.fix.text, room, "$muted")
    elif problem.fix:
        facts += _block("fix", problem.fix.text, room, "")
    if problem.detail:
        facts.append(raw(next((row for row in problem.detail.splitlines() if row.strip()), "")))
    return facts


def _block(label: str, text: str, room: int, style: str) -> list[Fact]:
    if not text:
        return []
    first, *more = wrap(text, room, 2)
    return [Fact(label, (first, style)), *(Fact("", (row, style)) for row in more)]


class Text(Lines):
    """Lines as given."""

    def __init__(self, rows: Sequence[Content] = (), id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.rows = tuple(rows)

    def show(self, rows: Sequence[Content]) -> None:
        """Other lines: as many as before are a repaint."""
        grown = len(rows) != len(self.rows)
        self.rows = tuple(rows)
        self.refresh(layout=grown)

    def lines(self, width: int) -> Iterable[Content]:
        """Each one row."""
        return self.rows


class Empty(Text):
    """Nothing yet: one bold sentence, its keys under one another, one muted line why."""

    def __init__(self, sentence: str, choices: Sequence[tuple[str, str]], why: str = "", id: str | None = None) -> None:
        room = max((len(key) for key, _ in choices), default=0) + 3
        rows = [Content(""), line((sentence, "bold")), Content("")]
        rows += [line((fit(key, room), KEY), label) for key, label in choices]
        super().__init__(rows, id=id)
        self.why = why

    def lines(self, width: int) -> Iterable[Content]:
        """The reason is broken between words."""
        yield from self.rows
        if self.why:
            yield Content("")
            yield from (line((row, "$muted")) for row in wrap(self.why, width - GUTTER, 4))
