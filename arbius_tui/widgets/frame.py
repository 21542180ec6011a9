"""The frame of every screen: header, steps, rules with a title, and the keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from arbius_tui.widgets.text import (
    CALM,
    CHIP,
    GUTTER,
    KEY,
    Cell,
    clip,
    fit,
    glyphs,
    inert,
    spread,
    stack,
    state_style,
    words,
)


class Lines(Widget):
    """A widget that is a few lines of text."""

    def lines(self, width: int) -> Iterable[Content]:
        """What to draw: one piece of content for each row, in `width` cells."""
        raise NotImplementedError

    def render(self) -> Content:
        """The lines as one visual, none wider than the widget."""
        width = self.size.width
        return stack(clip(row, width) for row in self.lines(width))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many rows as there are lines."""
        return len(list(self.lines(width)))


class Header(Lines):
    """Row 0: project, chain, rehearsal, last save."""

    def __init__(self) -> None:
        super().__init__()
        self.project, self.chain, self.saved, self.rehearsal, self.flag = "", "", "", False, ""

    def show(self, project: str, chain: str, saved: str, *, rehearsal: bool = False, flag: str = "") -> None:
        """What is known now. In rehearsal the bar itself changes and says so."""
        self.project, self.chain, self.saved, self.rehearsal, self.flag = project, chain, saved, rehearsal, flag
        self.set_class(rehearsal, "-rehearsal")
        self.refresh()

    def lines(self, width: int) -> Iterable[Content]:
        """One line."""
        quiet = "" if self.rehearsal else "$muted"
        mode: list[Cell] = [f"   {self.chain}", ("   REHEARSAL off", quiet)]
        if self.rehearsal:
            mode = [("   REHEARSAL", "bold"), f"  {self.chain}, no money moves"]
        left = words(("  arbius-tui", quiet), (f"   {self.project}", "bold"), *mode)
        flag = f"{self.flag}   " if self.flag and width > 90 else ""
        loud = "bold" if self.rehearsal else "bold $warning"
        yield spread(left, words((flag, loud), (self.saved, quiet), " "), width)


class Steps(Lines):
    """The journey: title and state word of each step, the number of the current one, and perhaps CPU-ONLY."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: Sequence[tuple[str, str]] = ()
        self.current, self.flag = 1, ""

    def show(self, steps: Sequence[tuple[str, str]], current: int, flag: str = "") -> None:
        """The steps as they stand now."""
        grown = len(steps) != len(self.steps)
        self.steps, self.current, self.flag = steps, current, flag
        self.refresh(layout=grown)


class StepStrip(Steps):
    """All steps in one row: the current one by name, the others by number and state."""

    def lines(self, width: int) -> Iterable[Content]:
        """All steps; if that is too long neighbours of one state share a word; then only trouble; then only here."""
        flag = words((f"{self.flag} " if self.flag else "", "bold $warning"))
        every = [(n, n) for n in range(1, len(self.steps) + 1)]
        trouble = [(n, n) for n, _ in every if n == self.current or self.steps[n - 1][1] not in CALM]
        row = Content("")
        for runs in (every, self.runs(), trouble, [(self.current, self.current)]):
            row = self.row(runs)
            if row.cell_length + flag.cell_length < width:
                break
        yield spread(clip(row, width - flag.cell_length - 1), flag, width)

    def runs(self) -> list[tuple[int, int]]:
        """First and last number of each run of steps with the same state."""
        runs: list[tuple[int, int]] = []
        for number, (_, state) in enumerate(self.steps, 1):
            alone = self.current in (number, number - 1)
            if runs and not alone and self.steps[runs[-1][1] - 1][1] == state:
                runs[-1] = (runs[-1][0], number)
            else:
                runs.append((number, number))
        return runs

    def row(self, runs: Sequence[tuple[int, int]]) -> Content:
        """The runs as one line."""
        parts: list[Cell] = [" "]
        for first, last in runs:
            name, state = self.steps[first - 1]
            number = f"{first}" if first == last else f"{first}-{last}"
            if first == self.current:
                parts += [(f" {number} {name} ", CHIP), (f" {state} ", state_style(state))]
            else:
                word = "" if state == "-" else state.split()[-1] + " "
                parts += [(f" {number} ", "$muted"), (word, state_style(state))]
        return words(*parts)


class StepList(Steps):
    """All steps below one another."""

    def lines(self, width: int) -> Iterable[Content]:
        """Mark, number, name, state; the state words end in one column."""
        for number, (name, state) in enumerate(self.steps, 1):
            here = number == self.current
            tone = KEY if here else "$muted" if state == "-" else "$ink"
            row = words(
                (">" if here else " ", tone),
                (f"{number:>3}  ", tone if here else "$muted"),
                (fit(name, width - 14), tone),
                (fit(state, 7, right=True) + " ", state_style(state)),
            )
            yield row.stylize_before("on $select-blurred") if here else row


class Rule(Lines):
    """A title and a line to the right edge: the only border there is. `tone` colours the title, e.g. `$warning`."""

    def __init__(
        self,
        title: str = "",
        state: str = "",
        right: str = "",
        *,
        active: bool = False,
        tone: str = "",
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self.title, self.state, self.right, self.active, self.tone = title, state, right, active, tone

    def show(self, title: str, state: str = "", right: str = "") -> None:
        """Another title: a repaint, no layout."""
        self.title, self.state, self.right = title, state, right
        self.refresh()

    def lines(self, width: int) -> Iterable[Content]:
        """Heavy when its pane has the focus."""
        yield rule(width, self.title, self.state, self.right, active=self.active, tone=self.tone)


def rule(width: int, title: str, state: str = "", right: str = "", *, active: bool = False, tone: str = "") -> Content:
    """A title, its state, a line, and a word at the right end."""
    left = words((f"  {title} ", f"bold {tone}".strip()), (f" {state} " if state else "", state_style(state)))
    end = words((f" {right} " if right else " ", "$muted"))
    fill, style = (glyphs().heavy, "$accent") if active else (glyphs().light, "$rule")
    return spread(left, end, width, fill, style)


class Keys(Lines):
    """The last rows: a status line, the keys of this screen, the keys that are the same on every screen."""

    FIRST, CELL = 14, 13

    def __init__(self) -> None:
        super().__init__()
        self.status, self.aside = Content(""), Content("")
        self.hints: Sequence[str] = ()
        self.always: Sequence[str] = ()
        self.filled = True

    def show_status(self, status: Content, aside: Content) -> None:
        """The left and the right half of the status line."""
        self.status, self.aside = status, aside
        self.refresh()

    def show_keys(self, hints: Sequence[str], always: Sequence[str], *, filled: bool) -> None:
        """Keys as `F4 copy`; the first of `hints` is the next key and is filled, unless the next thing is typing."""
        self.hints, self.always, self.filled = hints, always, filled
        self.refresh()

    def lines(self, width: int) -> Iterable[Content]:
        """Keys stand on a grid; what does not fit is under F1."""
        yield spread(words("  ", self.status), words(self.aside, " "), width)
        across = max(1, 1 + (width + 1 - GUTTER - self.FIRST) // self.CELL)
        for row, hints in enumerate((self.hints, self.always)):
            parts: list[Cell] = []
            for place, hint in enumerate(hints[:across]):
                key, _, label = inert(hint).partition(" ")
                filled = self.filled and row == place == 0
                parts += self.chip(key, label) if filled else self.plain(key, label, first=not place)
            yield words(*parts).rstrip()

    def plain(self, key: str, label: str, *, first: bool) -> list[Cell]:
        """A key in the accent, its label beside."""
        room = self.FIRST if first else self.CELL
        return ["  " if first else "", (key, KEY), (fit(f" {label}", room - len(key)), "$ink")]

    def chip(self, key: str, label: str) -> list[Cell]:
        """The next key: its ground reaches into the gutter, so that the text stays on the grid."""
        return [
            " ",
            (f" {key} ", CHIP),
            (fit(f" {label}", max(self.FIRST - len(key) - 1, len(label) + 3)), "bold $ink"),
        ]
