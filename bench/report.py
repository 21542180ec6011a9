"""How figures are shown: one row for each, its yardstick beside it, the target and whether it is met.

The yardstick is the bare Textual app where a row names no other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure. `met` is None where there is no target."""

    figure: str
    ours: str
    bare: str = ""
    ratio: str = ""
    target: str = ""
    met: bool | None = None


def table(rows: Iterable[Row]) -> str:
    """The rows as a Markdown table."""
    heads = "| figure | arbius-tui | yardstick | ratio | target | |\n|---|---|---|---|---|---|"
    words = {None: "", True: "met", False: "**missed**"}
    return "\n".join(
        [heads, *(f"| {r.figure} | {r.ours} | {r.bare} | {r.ratio} | {r.target} | {words[r.met]} |" for r in rows)]
    )
