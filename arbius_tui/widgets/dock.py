"""Where questions appear: the place below the table. It is the screen's `Ask`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from textual import constants
from textual.app import App
from textual.containers import VerticalGroup
from textual.message import Message
from textual.widget import Widget

from arbius_tui.widgets.pane import Pane
from arbius_tui.widgets.turns import TurnsApp

if TYPE_CHECKING:
    from arbius_tui.domain.questions import Question
    from arbius_tui.domain.secret import Secret


class Dock(VerticalGroup):
    """Holds the pane that wants an answer; a newer one hides the older until it is answered."""

    class Pasted(Message):
        """A secret came from the clipboard, and is in there still."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.panes: list[Pane] = []

    @property
    def pane(self) -> Pane | None:
        """The pane that is shown."""
        return self.panes[-1] if self.panes else None

    async def __call__(self, question: Question) -> str:
        """The author's answer; Cancelled when the author goes back."""
        return await self.put(pane_for(question))

    async def secret(self, question: Question) -> Secret:
        """A password or a key; the field is emptied before this returns."""
        from arbius_tui.domain.errors import NotReady
        from arbius_tui.domain.secret import Secret
        from arbius_tui.widgets.ask import FieldPane

        if constants.LOG_FILE or self.app.features & {"devtools", "debug"}:
            raise NotReady(
                "secret-would-be-logged",
                "no key and no password is asked for while Textual logs every key press",
                why="the log would hold it in plain text",
                fix="start again without TEXTUAL_LOG and TEXTUAL=devtools,debug; or import it without a screen: "
                "arbius-tui wallet import NAME",
                command="env -u TEXTUAL -u TEXTUAL_LOG arbius-tui",
            )
        pane = FieldPane(question, secret=True)
        found = Secret(await self.put(pane))
        if pane.pasted and self.is_attached:
            self.screen.post_message(self.Pasted())
        return found

    @contextmanager
    def terminal(self) -> Iterator[bool]:
        """The terminal as it was before the wizard; nothing is painted meanwhile, and what came is painted after."""
        from textual.app import SuspendNotSupported

        from arbius_tui.domain.errors import NeedsInput

        error: BaseException | None = None
        try:
            with self.app.batch_update(), self.app.suspend():
                try:
                    yield True
                except BaseException as raised:  # Textual takes the terminal back only after a calm end
                    error = raised
        except SuspendNotSupported:
            raise NeedsInput(
                "no-terminal", "there is no terminal to hand over here", fix="run it in a terminal"
            ) from None
        if error:
            raise error

    async def put(self, pane: Pane) -> str:
        """Show a pane until it is answered; the focus then returns to where it was."""
        before = self.screen.focused
        self.panes.append(pane)
        try:
            with holding(self.app):
                await self.mount(pane)
                self.turn()
            return await pane.answer
        finally:
            self.panes.remove(pane)
            pane.display = False
            pane.remove()
            self.turn(before)

    def turn(self, back: Widget | None = None) -> None:
        """Only the newest pane shows, and it has the focus."""
        for pane in self.panes:
            pane.display = pane is self.pane
        self.display = bool(self.panes)
        if self.pane:
            self.screen.set_focus(self.pane.target())
        elif back and back.is_attached:
            self.screen.set_focus(back)  # at once: a question that follows remembers it in turn
        if self.is_attached:
            self.screen.post_message(Pane.Changed())


def holding(app: App[object]) -> AbstractContextManager[None]:
    """Keys that come while a question is mounted are meant for it."""
    return app.holding() if isinstance(app, TurnsApp) else nullcontext()


def pane_for(question: Question) -> Pane:
    """The pane for this sort of question."""
    from arbius_tui.domain.questions import Choice, Confirm, Consent
    from arbius_tui.widgets import ask

    match question:
        case Consent():
            return ask.ConsentPane(question)
        case Confirm():
            return ask.ConfirmPane(question)
        case Choice():
            return ask.ChoicePane(question)
        case _:
            return ask.FieldPane(question)
