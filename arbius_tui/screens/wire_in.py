"""Wire-in: the model's entry for the repository of Arbius, to be read and copied."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget

from arbius_tui.domain.events import Line, Started
from arbius_tui.screens.facts import FactScreen, kept
from arbius_tui.screens.findings import Note
from arbius_tui.screens.session import Session
from arbius_tui.widgets.frame import Rule
from arbius_tui.widgets.panes import Empty, Fact, Facts, Text
from arbius_tui.widgets.text import line, words


class WireInScreen(FactScreen):
    """The entry, line by line, over what is left to the author."""

    step = "wire_in"
    basis = ("register",)
    why = (
        "A registered model is on the chain, but the website and the explorer list only models that stand in the files "
        "of the Arbius repository. This is the entry for its config.json, complete and valid.\n"
        'Put it below "models", put your template\'s file into templates/, and open a pull request.'
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "to_register", "Register", id="wire.register", tooltip="go to step 9 Register"),
    ]
    AUTO_FOCUS = "VerticalScroll"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.rows: list[str] = []
        self.id_line, self.entry = Facts(), Text()
        self.head = Rule("Entry for config.json", "", 'below "models"')
        self.entry.styles.margin = (0, 1, 0, 0)
        self.scroll = VerticalScroll(self.entry)
        self.note = Note("Put it there by hand", room=3)

    def body(self) -> Iterable[Widget]:
        """The id, then the entry."""
        if self.nothing:
            yield self.nothing
        yield from (self.id_line, self.head, self.scroll)

    def finding(self) -> Iterable[Widget]:
        """What this version leaves to the author."""
        yield self.note

    def empty(self) -> Empty | None:
        """Before the registration."""
        if "register" in self.session.journey.records:
            return None
        return Empty(
            "No model is registered yet.",
            [("Enter", "go to step 9 Register")],
            "The entry is made of the model id and the template's CID, which come with the registration.",
        )

    def parts(self) -> Sequence[Widget]:
        """The entry and what stands around it."""
        return (self.scroll, self.head, self.id_line)

    def show_parts(self) -> None:
        """With the id that was registered."""
        super().show_parts()
        self.id_line.show([Fact("model id", kept(self.session.journey, "register", "model_id"))])

    def on_started(self, event: Started) -> None:
        """A new entry."""
        self.rows = []
        super().on_started(event)

    def on_line(self, event: Line) -> None:
        """A line of the entry."""
        self.rows.append(event.text)
        self.entry.show([line(text) for text in self.rows])
        super().on_line(event)

    def wanted(self) -> list[str]:
        """Copying the entry is next; before there is one, registering is."""
        return ["wire.register"] if self.nothing else ["frame.copy", "frame.next", "frame.run"]

    def copy_text(self) -> str:
        """The entry."""
        return "\n".join(self.rows)

    def command(self) -> str:
        """What prints the entry."""
        return "arbius-tui wire-in CHECKOUT"

    def status(self) -> Content:
        """What F4 does."""
        if self.running or not self.rows:
            return super().status()
        return words(("READY  ", "bold $success"), f"{len(self.rows)} lines for config.json")
