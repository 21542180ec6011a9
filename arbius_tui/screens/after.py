"""After: what others will rely on, looked at anew: the chain, the transaction, the file, the block."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from arbius_tui.domain.events import Done
from arbius_tui.domain.journey import Journey
from arbius_tui.screens.facts import FactScreen, kept, row
from arbius_tui.screens.findings import Note
from arbius_tui.screens.session import Session
from arbius_tui.widgets.panes import Empty, Fact
from arbius_tui.widgets.text import COMMAND, Row, words

FOR_REAL = "arbius-tui DIR"
"""The command that does it with real parts."""


class AfterScreen(FactScreen):
    """One row for each thing that miners and the website need from now on."""

    step = "after"
    basis = ("register", "template", "pin")
    why = (
        "Miners find your model by its id on the chain and read the template by its CID. Here all of it is asked for "
        "once more, as they will ask: the engine, the transaction, your file, and the block that holds the template.\n"
        "Look again whenever you like; nothing is changed by looking."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "to_register", "Register", id="after.register", tooltip="go to step 9 Register"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.ended = Note("The journey is complete")
        self.note = self.ended

    def empty(self) -> Empty | None:
        """Before the registration."""
        if "register" in self.session.journey.records:
            return None
        return Empty(
            "No model is registered yet.",
            [("Enter", "go to step 9 Register")],
            "Here stands what others find of your model once it is registered.",
        )

    def saved_rows(self, journey: Journey) -> list[Row | str]:
        """The id and the transaction as they were saved."""
        known = [("on-chain", "on chain", "model_id"), ("transaction", "transaction", "tx_hash")]
        return [row(id, title, "wait", kept(journey, "register", key)) for id, title, key in known]

    def wanted(self) -> list[str]:
        """The last step: looking again is what is left."""
        return ["after.register"] if self.nothing else ["frame.copy", "frame.run", "facts.json"]

    def on_done(self, event: Done) -> None:
        """A closing sentence when all is well."""
        if event.ok:
            self.ended.show(closing(rehearsed=self.session.rehearsal))
        super().on_done(event)

    def copy_text(self) -> str:
        """The value of the row, in full."""
        return self.value

    def command(self) -> str:
        """The same without a screen."""
        return "arbius-tui status"

    def aside(self) -> Content:
        """Where the journey ends."""
        return super().aside() if self.running or self.nothing else words(("^Q quits; all is saved", "$muted"))


def closing(*, rehearsed: bool) -> list[Fact]:
    """What was done, and what comes next."""
    if not rehearsed:
        return [
            Fact("done", "the model is registered; others find it by its id"),
            Fact("next", "keep the template's file and the key: fee and owner can change"),
            Fact("later", "come back and look again at any time"),
        ]
    return [
        Fact("done", "the seed was proved, the template pinned and the model registered"),
        Fact("real", "every hash, CID and id was computed as on Arbitrum; the chain and the money were not real"),
        Fact("for real", (FOR_REAL, COMMAND)),
    ]
