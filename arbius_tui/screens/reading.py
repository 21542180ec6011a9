"""The first half of Model: what stands in the folder, what miners would stumble over, and the patch that mends it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from shlex import quote
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from arbius_tui.domain.events import Done, Found, Started, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.text import clean
from arbius_tui.screens.base import StepScreen
from arbius_tui.screens.facts import FactScreen, kept, row
from arbius_tui.screens.findings import Finding, Note, place
from arbius_tui.screens.session import Session
from arbius_tui.widgets.frame import Lines, Rule
from arbius_tui.widgets.panes import Empty, Fact, why
from arbius_tui.widgets.text import GUTTER, Row, line

if TYPE_CHECKING:
    from arbius_tui.steps.model import FindingSeen

WORDS = {"error": "FAIL", "warn": "warn", "info": "-"}
TONES = {"+": "$success", "-": "$error", "@": "$accent"}
"""The first character of a line of a patch says what it is; the colour only repeats it."""


class PatchText(Lines):
    """The lines of a patch, always on `room` rows, so that nothing below jumps when the cursor moves."""

    def __init__(self) -> None:
        super().__init__()
        self.patch, self.room = "", 0

    def show(self, patch: str, room: int) -> None:
        """Another patch; a repaint while the room is the same."""
        grown = room != self.room
        self.patch, self.room = patch, room
        self.refresh(layout=grown)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Always the same."""
        return self.room

    def lines(self, width: int) -> Iterable[Content]:
        """Each line in the colour of what it does."""
        rows = shortened(self.patch, self.room)
        for text in focused(rows, width - GUTTER):
            yield line((text, TONES.get(text[:1], "$muted")))


class Patch(Vertical):
    """A patch on as many rows as there is room for; F4 copies it whole."""

    DEFAULT_CSS = "Patch { height: auto; display: none; } PatchText { height: auto; }"
    LOW, HIGH, TALL = 4, 14, 34
    """Rows of the patch on a low terminal and on one with at least `TALL` rows."""

    def __init__(self) -> None:
        super().__init__()
        self.rule, self.text = Rule("Patch"), PatchText()

    def compose(self) -> ComposeResult:
        """A rule over the lines."""
        yield self.rule
        yield self.text

    def show(self, patch: str, rows: int) -> None:
        """Another patch, or none."""
        self.display = bool(patch)
        self.rule.show("Patch", "", "F4 copies it; patch -p1 applies it")
        self.text.show(patch, self.HIGH if rows >= self.TALL else self.LOW)


def shortened(patch: str, room: int) -> list[str]:
    """At most `room` lines; where there is no room for all only what changes, and how many lines there are."""
    rows = [clean(text.expandtabs(4)) for text in patch.removesuffix("\n").split("\n")]
    shown = rows if len(rows) <= room else [text for text in rows if text[:1] in TONES][2:]
    return shown if len(shown) <= room else [*shown[: room - 1], f"  .. {len(rows)} lines in all"]


def focused(rows: list[str], width: int) -> list[str]:
    """A line and the one that replaces it, both too long to show, begin shortly before they differ."""
    made = list(rows)
    for at, (old, new) in enumerate(pairwise(rows)):
        same = next((n for n, (a, b) in enumerate(zip(old[1:], new[1:], strict=False)) if a != b), 0)
        if (old[:1], new[:1]) == ("-", "+") and max(len(old), len(new)) > width and same > width // 2:
            start = 1 + same - width // 3
            made[at : at + 2] = [f"-..{old[start:]}", f"+..{new[start:]}"]
    return made


class ReadingScreen(FactScreen):
    """The facts of the folder, then the findings, each with its patch."""

    step = "model"
    basis = ("checks",)
    why = (
        "A Cog model is a folder with a cog.yaml and a Python class whose method makes one output from named inputs. "
        "Those inputs become the template that is registered, so what stands here decides what people can ask for.\n"
        "Miners set the input `seed` themselves, for every task anew: a model without it cannot be checked by others. "
        "The source is followed from the inputs to the output, and what would make two miners give other bytes is a "
        "finding with its place and, where one is certain, a patch. Nothing of the model is run by this.\n"
        "The image is made by cog, by a Dockerfile of yours, or is one that exists. Of its log every line is kept in a "
        "file, whose place F3 shows and copies; here are the newest 20,000 lines, at most 4 million characters; / "
        "searches the file too. A cancelled build leaves no process, no container and no half-made image."
    )
    ROOM: ClassVar[int] = 4

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.pane, self.note = Finding(self.ROOM), Note("Next", self.ROOM, "ways")
        self.patch = Patch()
        self.seen: dict[str, FindingSeen] = {}

    def finding(self) -> Iterable[Widget]:
        """The row under the cursor, then its patch, or what this version leaves to the author."""
        yield from super().finding()
        yield self.patch

    def empty(self) -> Empty | None:
        """Without a folder."""
        if self.session.journey.model_dir:
            return None
        return Empty(
            "No model's folder was given.",
            [("F10", "go on: a server that runs already needs none"), ("^Q", "quit, and start with: arbius-tui DIR")],
            "DIR is the folder with your cog.yaml; arbius-tui model new DIR makes a new one.",
        )

    def saved_rows(self, journey: Journey) -> list[Row | str]:
        """The folder, its predictor and its inputs as they were last seen."""
        listed = journey.records.get("model", {}).get("inputs") or ()
        names = ", ".join(str(name) for name in listed)
        known = [("folder", kept(journey, "model", "folder") or journey.model_dir),
                 ("predictor", kept(journey, "model", "predictor")), ("inputs", names)]  # fmt: skip
        rows = [row(name, name, "", found) for name, found in known if found]
        return ["Model", *rows] if rows else []

    def on_started(self, event: Started) -> None:
        """Nothing is known of this reading yet."""
        self.seen.clear()
        super().on_started(event)

    def on_found(self, event: Found) -> None:
        """A fact is a row at once; findings come as rows when all are known."""
        from arbius_tui.steps.model import FindingSeen

        if isinstance(item := event.item, FindingSeen):
            self.seen[item.id] = item
        else:
            super().on_found(event)

    def on_trouble(self, event: Trouble) -> None:
        """What is wrong in a file stands in its row; what kept the folder from being read is the panel."""
        if not event.problem.path:
            super().on_trouble(event)
            return
        StepScreen.on_trouble(self, event)
        self.show_problem(None)

    def on_done(self, event: Done) -> None:
        """Facts and findings in two groups. Rows of an earlier reading go."""
        if self.items:
            facts = [row(item.id, item.title, item.state, item.found) for item in self.items.values()]
            found = [Row(one.id, ((one.place, "$muted"), WORDS[one.severity], one.what), WORDS[one.severity])
                     for one in self.seen.values()]  # fmt: skip
            self.table.set_rows(["Model", *facts, *(["Findings"] if found else []), *found])
        super().on_done(event)

    @property
    def here(self) -> FindingSeen | None:
        """The finding under the cursor."""
        return self.seen.get(self.table.row.id) if self.table.row else None

    def present(self) -> None:
        """The fact or the finding under the cursor; a patch takes the place of the note."""
        here = self.here
        self.patch.show((here.patch or "") if here else "", self.size.height)
        self.note.display = bool(self.note.facts.facts) and not self.patch.display
        if here is None:
            super().present()
            return
        fix = here.fix
        facts = [Fact("what", (here.what, "bold")), why(here.why), Fact("fix", fix.text if fix else "")]
        title = f"{here.code}  {here.place}"
        self.pane.show(title, WORDS[here.severity], place(self.table), [fact for fact in facts if fact.value])

    def on_resize(self) -> None:
        """More rows, more of the patch."""
        if self.nothing is None:
            self.present()

    def copy_text(self) -> str:
        """The patch under the cursor, else what mends the finding, else what any row of facts gives."""
        here = self.here
        if here is None:
            return super().copy_text()
        if here.patch:
            return pasted(here.patch)
        return ((here.fix.command or here.fix.text) if here.fix else "") or here.what

    def command(self) -> str:
        """The same without a screen."""
        return f"arbius-tui model {quote(self.session.journey.model_dir or 'DIR')}"


def pasted(patch: str) -> str:
    """A patch as it may be pasted: exact, line ends of Windows included, unless something hides in it."""
    harmless = clean(patch)
    return patch if harmless == patch.replace("\r\n", "\n") else harmless
