"""What the checks say as rows and facts: which are shown, what mends them, and which steps they hold up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from arbius_tui.domain.journey import STEPS, Journey, order
from arbius_tui.domain.text import seconds
from arbius_tui.screens.findings import quiet
from arbius_tui.steps.base import NEEDS, TITLES
from arbius_tui.widgets.panes import Fact, fix, raw, why
from arbius_tui.widgets.text import Column, Row, line, wrap

if TYPE_CHECKING:
    from arbius_tui.steps.checks import Check

COMES_AFTER: Mapping[str, tuple[str, ...]] = {**NEEDS, "publish": ("model",), "wire_in": ("register",)}
"""What a step has something to do with; wider than what it cannot do without."""


COLUMNS = (
    Column("Check", 17, 18),
    Column("State", 5, 5),
    Column("Found", 0, 0),
    Column("Needed by", 9, 9, spare=True),
    Column("Took", -1, 6, right=True),
)


class CheckList:
    """The checks that came, and which of them are shown."""

    def __init__(self, journey: Journey) -> None:
        self.checks: dict[str, Check] = {}
        self.only_problems, self.needle = False, ""
        found = journey.records.get("checks", {}).get("states")
        self.kept = {str(id): str(state) for id, state in found.items()} if isinstance(found, Mapping) else {}
        """State words of the last time; read as plain JSON, because the first frame waits for it."""

    @property
    def filtered(self) -> bool:
        """Whether some rows may be left out."""
        return self.only_problems or bool(self.needle)

    @property
    def shown(self) -> str:
        """Which rows are shown, in words; empty for all."""
        return "  ".join(["problems only"] * self.only_problems + [f"/{self.needle}"] * bool(self.needle))

    @property
    def nothing(self) -> str:
        """Why no row is left."""
        return f"no row has {self.needle}" if self.needle else "nothing needs you"

    def hides(self, check: Check) -> bool:
        """Whether the filters leave this row out."""
        if self.only_problems and check.state in ("ok", "off"):
            return True
        said = f"{check.group} {check.title} {check.id} {check.state} {check.found}".lower()
        return self.needle.lower() not in said

    def rows(self) -> list[Row | str]:
        """All rows to be shown, under the names of their groups; before the first came, those of the last time."""
        if not self.checks:
            return [Row(id, (id.replace("-", " "), state, ""), state) for id, state in self.kept.items()]
        rows: list[Row | str] = []
        group = ""
        for check in self.checks.values():
            if self.hides(check):
                continue
            if check.group != group:
                rows.append(group := check.group)
            rows.append(row(check))
        return rows

    def worst(self) -> str | None:
        """The id of the first check that failed, else of the first that warns."""
        return next((c.id for word in ("FAIL", "warn") for c in self.checks.values() if c.state == word), None)

    def states(self) -> list[str]:
        """The state words, to be counted."""
        return [check.state for check in self.checks.values()] or list(self.kept.values())

    def blocked(self) -> set[str]:
        """The steps that a FAIL holds up."""
        return {step for check in self.checks.values() if check.state == "FAIL" for step in check.needed_by}


def open_steps(journey: Journey, blocked: Iterable[str]) -> list[str]:
    """Steps that can be done now and are not done, in their order."""
    held = set(blocked)
    return [
        step
        for step in STEPS[1:]
        if step not in held
        and journey.state(step) in ("-", "FAIL", "wait")
        and all(before in journey.records for before in COMES_AFTER.get(step, ()))
    ]


def open_now(listed: CheckList, journey: Journey, room: int) -> str:
    """The steps that are open although something failed: by name where `room` cells hold them."""
    if not (blocked := listed.blocked()):
        return ""
    steps = open_steps(journey, blocked)
    fitting = next((steps[:n] for n in (3, 2, 1) if len(named(steps[:n])) <= room), [])
    return named(fitting) if fitting else " ".join(str(order(step)) for step in steps)


def unlocks(check: Check, journey: Journey) -> list[Content]:
    """The steps that need it, and those that are open without it."""
    if not check.needed_by:
        return [line(("no step waits for it", "$muted"))]
    needed = [line((f"{order(step):<3}", "$muted"), TITLES[step]) for step in check.needed_by]
    free = open_steps(journey, check.needed_by)[:2]
    return [*needed, Content(""), line(("open without it: ", "$muted"), named(free))]


def row(check: Check) -> Row:
    """A check as a row."""
    needed = " ".join(str(order(step)) for step in check.needed_by)
    took = seconds(check.seconds) if check.seconds >= 0.0005 else ""
    return Row(check.id, (check.title or check.id, check.state, check.found, needed, took), check.state)


FOUND = 41
"""Cells of the column Found at 80; what is longer stands below the table as well."""


def facts(check: Check) -> list[Fact]:
    """Why it matters, how to mend it in a command and in words, and what the tool said; most important first."""
    said = next((text for text in check.raw.splitlines() if text.strip()), "")
    long = [Fact("found", check.found)] if len(check.found) > FOUND else []
    if check.fix and check.fix.command:
        how = fix(check.fix.command, "Enter run  F4 copy" if runs(check.fix.command) else "F4 copy")
        return [why(check.why), how, Fact("", (check.fix.text, "$muted")), *long, *([raw(said)] if said else [])]
    if check.state == "wait" and check.needs and check.found:
        return [why(check.why), Fact("waits", f"{check.found.strip('()')}; it runs by itself when that is ok")]
    if check.fix:
        return [why(check.why), Fact("fix", check.fix.text), *long, *([raw(said)] if said else [])]
    found = [Fact("found", check.found)] if check.found else []
    return [why(check.why), *found, *([raw(said)] if said and said != check.found else [])]


def runs(command: str) -> bool:
    """Whether Enter runs it, here or on the terminal that is handed to it."""
    from arbius_tui.steps.fix import way

    return way(command) != "by hand"


def output(check: Check) -> list[Content]:
    """What the tool printed, at most six lines, or what to do in words."""
    said = [part for text in check.raw.splitlines()[:6] for part in wrap(text, 42, 3)][:6]
    text = wrap(check.fix.text, 42, 2) if check.fix and check.fix.text else []
    return quiet([*text, *([""] if text and said else []), *said] or [check.found or "it printed nothing"])


def named(steps: Sequence[str]) -> str:
    """`6 Template  8 Wallet`."""
    return "  ".join(f"{order(step)} {TITLES[step]}" for step in steps) or "none"
