"""What stands under the form of a part: its problems, what the model says, and how a user will see it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from textual.content import Content

from arbius_tui.domain.errors import Problem
from arbius_tui.screens.part_fields import WORDS, short
from arbius_tui.screens.website_form import form
from arbius_tui.widgets.frame import rule
from arbius_tui.widgets.panes import Fact, fact_line, folded
from arbius_tui.widgets.text import GUTTER, LABEL, line, state_style, words, wrap

if TYPE_CHECKING:
    from arbius_tui.domain.inputs import ModelInput


class Below:
    """Titled blocks one after the other, in the rows that the fields leave."""

    def __init__(self) -> None:
        self.facts: Sequence[Fact] = ()
        self.problems: Sequence[Problem] = ()
        self.others: Sequence[Problem] = ()
        self.model: ModelInput | None = None
        self.source = ""
        self.document: Mapping[str, Any] = {}
        self.part = ""

    def show(
        self,
        document: Mapping[str, Any],
        part: str,
        problems: Sequence[Problem],
        *,
        facts: Sequence[Fact] = (),
        others: Sequence[Problem] = (),
        model: tuple[ModelInput | None, str] = (None, ""),
    ) -> None:
        """Another part, or another state of it."""
        self.document, self.part, self.problems, self.facts, self.others = document, part, problems, facts, others
        self.model, self.source = model

    def lines(self, width: int, room: int) -> Iterable[Content]:
        """The blocks, cut at the end of the room."""
        rows = [fact_line(part, width) for fact in self.facts for part in folded(fact, width, 6)]
        rows += self.wrong(width)[room < 14 :]
        if self.part.startswith("/input"):
            rows += self.readers(width)
            rows += self.model_block(width)
            if room - len(rows) > 4:
                rows += [Content(""), rule(width, "What a user sees", "", "website")]
                rows += form(self.document, self.part, width, room - len(rows) - 1)
        return rows[:room]

    def wrong(self, width: int) -> list[Content]:
        """What is wrong, each with its reason and what mends it."""
        if not self.problems and not self.others:
            return []
        rows = [Content(""), rule(width, "Problems")]
        room = width - GUTTER - LABEL - 1
        for problem in self.problems:
            word = WORDS[problem.severity] or "note"
            rows += block(word, problem.what, room, "bold", state_style(word))
            rows += block("why", problem.why, room)
            if problem.fix:
                key = "F8" if problem.fix.patch else "fix"
                rows += block(key, problem.fix.text, room, tone="bold $accent" if problem.fix.patch else "$muted")
        for problem in self.others:
            word = WORDS[problem.severity] or "note"
            rows += block(word, f"{problem.what} ({problem.path})" if problem.path else problem.what, room, "",
                          state_style(word))  # fmt: skip
        return rows

    def readers(self, width: int) -> list[Content]:
        """What each program that reads the template does with this input."""
        from arbius_tui.domain.patching import value_at
        from arbius_tui.domain.readers import of_row

        row = value_at(self.document, self.part)
        if not isinstance(row, Mapping):
            return []
        rows = [Content(""), rule(width, "Who reads it")]
        return rows + [
            line((name.ljust(LABEL), "$muted"), (" " * (len(name) >= LABEL) + said)) for name, said in of_row(row)
        ]

    def model_block(self, width: int) -> list[Content]:
        """The input as the model's document has it, in the words of its author's code."""
        if self.model is None:
            return []
        rows = [Content(""), rule(width, "Model says", "", self.source)]
        return rows + [line((text, "$muted")) for text in code(self.model)]


def block(label: str, text: str, room: int, style: str = "", tone: str = "$muted") -> list[Content]:
    """A label and a text on as many lines as it needs."""
    if not text:
        return []
    first, *more = wrap(text, room, 4)
    rows = [line((label.ljust(LABEL), tone), (first, style))]
    return rows + [words(" " * (GUTTER + LABEL), (row, style)) for row in more]


def code(item: ModelInput) -> list[str]:
    """`guidance_scale: number = Input(ge=1, le=20, default=7.5, ..)`."""
    parts = [f"ge={short(item.min)}"] if item.min is not None else []
    parts += [f"le={short(item.max)}"] if item.max is not None else []
    parts += [f"default={short(item.default)!s}"] if item.has_default else []
    parts += [f"choices={list(item.choices)}"] if item.choices else []
    rows = [f"{item.name}: {item.type} = Input("] + ([f"  {', '.join(parts)},"] if parts else [])
    return [*rows, f'  description="{item.description}")' if item.description else "  )"]
