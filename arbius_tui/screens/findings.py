"""What several screens say below their table: of the row under the cursor, side by side, and calmly as a note."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from arbius_tui.domain.errors import Problem
from arbius_tui.screens.actions import KeyedScreen
from arbius_tui.widgets.frame import Rule
from arbius_tui.widgets.panes import Fact, Facts, Text, fact_line, fix, folded
from arbius_tui.widgets.table import Table
from arbius_tui.widgets.text import line


class FactBlock(Facts):
    """Facts on exactly `room` rows. Rows that are left over go to values that are too long for one.

    The number of rows never changes, so that moving the cursor repaints and nothing below jumps.
    """

    def __init__(self, room: int, id: str | None = None) -> None:
        super().__init__(id=id)
        self.room = room

    def show(self, facts: Sequence[Fact]) -> None:
        """Other facts, a repaint."""
        self.facts = tuple(facts)
        self.refresh()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Always the same."""
        return self.room

    def lines(self, width: int) -> Iterable[Content]:
        """Each fact on one row or, while there is room, on as many as its value needs."""
        facts, spare = self.facts[: self.room], self.room - len(self.facts)
        rows: list[Content] = []
        for fact in facts:
            parts = folded(fact, width, 1 + max(0, spare))
            spare -= len(parts) - 1
            rows += [fact_line(part, width) for part in parts]
        return [*rows, *[Content("")] * (self.room - len(rows))]


class Finding:
    """The pane of the row under the cursor: a rule with its title, state and place, then facts on `room` rows.

    Yield `parts()` from the hook `finding`, and call `show` whenever the cursor or its row changes, e.g.
    `self.pane.show("docker daemon", "FAIL", place(table), [why(".."), fix("..", "Enter run  F4 copy"), raw("..")])`.
    """

    def __init__(self, room: int = 3) -> None:
        self.rule, self.facts = Rule(), FactBlock(room)

    def parts(self) -> Iterable[Widget]:
        """The widgets, top to bottom."""
        yield self.rule
        yield self.facts

    def show(self, title: str, state: str = "", right: str = "", facts: Sequence[Fact] = ()) -> None:
        """Another row: a repaint, no layout."""
        self.rule.show(title, state, right)
        self.facts.show(facts)


class SideBySide(Horizontal):
    """Two titled panes next to each other; they are there from 120x40 on, so nothing may stand only here."""

    def __init__(self, left: str, right: str) -> None:
        super().__init__(classes="more")
        self.rules = (Rule(left), Rule(right))
        self.texts = (Text(), Text())

    def compose(self) -> Iterable[Widget]:
        """A rule over its text, twice."""
        for title, text in zip(self.rules, self.texts, strict=True):
            yield Vertical(title, text)

    def show(self, left: Sequence[Content], right: Sequence[Content]) -> None:
        """Other lines."""
        self.texts[0].show(left)
        self.texts[1].show(right)


class Note(Vertical):
    """Something the author should know that is no failure, e.g. what this version does not do; hidden until told."""

    DEFAULT_CSS = "Note { height: auto; display: none; }"

    def __init__(self, title: str, room: int = 4, how: str = "instead") -> None:
        super().__init__()
        self.rule, self.facts, self.how = Rule(title), FactBlock(room), how
        self.command = ""
        """The command that it offers, for F4."""

    def compose(self) -> Iterable[Widget]:
        """A rule over its facts."""
        yield self.rule
        yield self.facts

    def show(self, facts: Sequence[Fact], command: str = "") -> None:
        """Say it, or be gone when there is nothing to say."""
        self.command, self.display = command, bool(facts)
        self.facts.show(facts)

    def tell(self, problem: Problem) -> None:
        """A problem that is no failure, in calm words."""
        self.show(note_facts(problem, self.how), (problem.fix.command or "") if problem.fix else "")


def note_facts(problem: Problem, how: str = "instead") -> list[Fact]:
    """A problem in calm words: what, why, and what to do about it (labelled `how`), with the command last."""
    said = problem.fix
    facts = [Fact("what", problem.what), Fact("why", problem.why)]
    facts += [Fact(how, said.text)] if said and said.text else []
    facts += [fix(said.command)] if said and said.command else []
    return [fact for fact in facts if fact.value]


def place(table: Table) -> str:
    """`3 of 17`: the place of the cursor among the rows."""
    order = table.rows.order
    return f"{order.index(table.cursor) + 1} of {len(order)}" if table.cursor in order else ""


def as_json(items: Iterable[Any]) -> str:
    """Findings as JSON with an indent, for the clipboard."""
    from arbius_tui.domain.events import plain

    return json.dumps([plain(item) for item in items], indent=2, ensure_ascii=False)


def quiet(rows: Iterable[str]) -> list[Content]:
    """Lines in muted ink, e.g. what a tool printed."""
    return [line((row, "$muted")) for row in rows]


async def copy_out(screen: KeyedScreen, text: str, what: str = "", then: str = "") -> None:
    """Copy a text and say on the status line what was copied, how, and what to do then."""
    from arbius_tui.screens.clipboard import copy

    how = await copy(text, screen.app.copy_to_clipboard)
    screen.say(f"{what + ': ' if what else ''}{how}{'; ' + then if then else ''}")
