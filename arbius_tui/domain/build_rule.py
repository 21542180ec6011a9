"""The form of what is known about a build's log: the end of a log, and a text in it with its meaning."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from arbius_tui.domain.errors import Fix, Problem

MAX_WORD = 160
"""Characters of a piece of somebody else's text inside a sentence of ours."""

MAX_DETAIL = 4000

Look = Literal["said", "step"]

_TIME = re.compile(r"^\d{1,7}\.\d{1,6} ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The end of a log: what cog `said`, what BuildKit `quoted` of the failed step, and all that `step` had printed."""

    said: str
    quoted: str = ""
    step: str = ""

    def text(self, look: Look) -> str:
        """The text that a row is held against."""
        return self.said if look == "said" else f"{self.step}\n{_TIME.sub('', self.quoted)}"

    @property
    def detail(self) -> str:
        """The part worth showing: what the failed step printed, else cog's own words."""
        return f"{self.quoted}\n{self.said}"[-MAX_DETAIL:] if self.quoted else self.said[:MAX_DETAIL]


@dataclass(frozen=True, slots=True)
class Rule:
    """A text (`pattern`) and its words; `{name}` stands for a group of the pattern. `author`: the model is at fault."""

    code: str
    pattern: str
    what: str
    why: str
    fix: str
    command: str | None = None
    look: Look = "said"
    author: bool = False

    def problem(self, found: re.Match[str], detail: str) -> Problem:
        """The row as a problem."""
        words = {key: one_line(value or "") for key, value in found.groupdict().items()}
        fix = Fix(self.fix.format(**words), self.command.format(**words) if self.command else None)
        return Problem(self.code, self.what.format(**words).rstrip(), self.why, fix, detail)


def one_line(text: str) -> str:
    """A piece of text that fits into a sentence."""
    shown = " ".join(text.split())
    return shown if len(shown) <= MAX_WORD else f"{shown[:MAX_WORD]}.."
