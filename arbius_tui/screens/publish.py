"""Publish: what is known for Replicate, the login to its registry, and the command that pushes the model there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from arbius_tui.screens.facts import FactScreen
from arbius_tui.screens.session import Session
from arbius_tui.steps.base import Step


class PublishScreen(FactScreen):
    """What would be published."""

    step = "publish"
    basis = ("model", "run")
    why = (
        "Replicate is where other people try your model before a miner does, and where its image can be pulled from. "
        "The template names the image by its digest, so that everybody runs the same bytes that you proved.\n"
        "The chain asks for none of this: the steps after it work without, and you can come back at any time."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "login", "log in", id="publish.login", tooltip="log in to Replicate's registry with a CLI token"),
    ]
    hints: ClassVar[Sequence[str]] = ("frame.next", "publish.login", "frame.run", "facts.json")

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.next_step: Step | None = None

    def work(self) -> Step | None:
        """The login where its key asked for it."""
        step, self.next_step = self.next_step, None
        return step

    def action_login(self) -> None:
        """With a token that is typed unseen."""
        from arbius_tui.steps.publish import Login

        if self.session.rehearsal:
            self.say("the rehearsal logs in nowhere")
        elif not self.running:
            self.next_step = Login()
            self.action_run()

    def command(self) -> str:
        """What pushes, by Cog itself."""
        return self.note.command or "arbius-tui login && cog push r8.im/OWNER/NAME"
