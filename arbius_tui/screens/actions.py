"""The keys that are the same on every screen, and what they do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.widgets import Input

from arbius_tui.domain.journey import STEPS, Place
from arbius_tui.screens import keys
from arbius_tui.screens.frame import FrameScreen
from arbius_tui.steps.base import TITLES
from arbius_tui.widgets.pane import Cancelled, Pane
from arbius_tui.widgets.panes import Fact
from arbius_tui.widgets.text import COMMAND, GUTTER, LABEL

if TYPE_CHECKING:
    from arbius_tui.widgets.ask import GoToPane


class KeyedScreen(FrameScreen):
    """A frame with its keys. Each has an id, so that it can be remapped."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1,question_mark", "help", "help", id="frame.help", tooltip="why this step, and all its keys"),
        Binding("f3", "log", "log", id="frame.log", tooltip="everything this step said; / searches in it"),
        Binding("f4", "copy", "copy", id="frame.copy", tooltip="copy what is shown, and say where it went"),
        Binding("f10", "app.next", "next", id="frame.next", tooltip="the next step"),
        Binding("escape", "back", "back", id="frame.back", tooltip="close, say no, or go back; nothing is lost"),
        Binding("ctrl+q", "app.leave", "quit", id="frame.quit", tooltip="quit; everything is saved"),
        # With priority nothing typed after it overtakes it.
        Binding("ctrl+g", "goto", "go to", id="frame.goto", priority=True, tooltip="go to a step by its number"),
        Binding("f2", "command", "command", id="frame.command", tooltip="the shell command that does the same"),
        Binding("ctrl+s", "save", "save", id="frame.save", tooltip="a checkpoint; every change is saved anyway"),
        Binding(
            "ctrl+c", "interrupt", "stop", id="frame.interrupt", priority=True, tooltip="copy a selection, or stop"
        ),
        *(Binding(digit, f"number('{digit}')", priority=True, show=False) for digit in "0123456789"),
    ]

    cleared = ""
    """What became of the clipboard that a secret was pasted from."""

    coming: GoToPane | None = None
    """The pane that was asked for last; until it shows, keys for it come to the screen."""

    def command(self) -> str:
        """Hook: the shell command that does what this step does here."""
        return f"arbius-tui {self.step.replace('_', '-')}"

    def beside(self) -> Sequence[Fact]:
        """Hook: what F2 says below the command, e.g. the same with another program."""
        return ()

    def copy_text(self) -> str:
        """Hook: what F4 copies when neither a problem nor a command is shown, e.g. the fix of the row."""
        return ""

    def copied(self) -> str:
        """What F4 copies now: what an open pane offers, then the command that mends a problem, then the hook."""
        if self.ask.pane and self.ask.pane.copied:
            return self.ask.pane.copied
        problem = self.panel.problem
        if problem and self.has_class("-problem"):
            return (problem.fix.command if problem.fix else None) or problem.detail or problem.what
        return self.copy_text()

    def action_help(self) -> None:
        """Why this step, and every key that works now."""
        from arbius_tui.screens.pages import HelpPage

        title = TITLES[self.step]
        groups = keys.groups(self.active_bindings, title)
        self.app.push_screen(HelpPage(f"{STEPS.index(self.step) + 1} {title}", self.why, groups))

    def action_log(self) -> None:
        """Everything this step said."""
        from arbius_tui.screens.pages import LogPage

        self.app.push_screen(LogPage(TITLES[self.step], self.log_lines))

    @work(group="copy", exclusive=True, exit_on_error=False)
    async def action_copy(self) -> None:
        """Copy and say where it went."""
        from arbius_tui.screens.clipboard import copy

        if text := self.copied():
            self.say(await copy(text, self.app.copy_to_clipboard))
        else:
            self.say("there is nothing to copy here")

    @work(group="copy", exclusive=True, exit_on_error=False)
    async def on_dock_pasted(self) -> None:
        """A secret was pasted: it is taken out of the clipboard where that can be done, and said."""
        from arbius_tui.screens.clipboard import clear

        told = await clear(self.app.copy_to_clipboard)
        self.log_lines.feed(told)
        self.cleared = told
        self.say(told)

    async def action_back(self) -> None:
        """Close a question, or go back a step."""
        if self.ask.pane:
            self.ask.pane.escape()
        else:
            await self.run_action("app.back")

    def action_goto(self) -> None:
        """Ask for a number and go there."""
        from arbius_tui.widgets.ask import GoToPane

        self.stop_asking_where()
        self.coming = GoToPane(self.session.steps)
        self.go_where(self.coming)

    def stop_asking_where(self) -> bool:
        """Close the question for a number; whether it was open."""
        is_open = self.asking_where
        if self.coming is not None:
            self.coming.escape()
        return is_open

    @property
    def asking_where(self) -> bool:
        """Whether a number is wanted now."""
        return self.coming is not None and not self.coming.answer.done()

    def action_number(self, digit: str) -> None:
        """A digit for the open question, whatever has the focus: it may have been typed before the pane could show."""
        if self.coming is not None:
            self.coming.type(digit)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Digits are keys of the screen only while a number is wanted."""
        return self.asking_where if action == "number" else super().check_action(action, parameters)

    @work(group="goto", exit_on_error=False)
    async def go_where(self, pane: Pane) -> None:
        """Go to the step whose number was typed."""
        try:
            number = int(await self.ask.put(pane))
        except Cancelled:
            return
        # Not in this worker, but in turn with the keys that were typed meanwhile.
        self.app.call_later(self.app.run_action, f"app.go({STEPS[number - 1]!r})")

    @work(group="pane", exclusive=True, exit_on_error=False)
    async def action_command(self) -> None:
        """Show the shell command that does the same."""
        from arbius_tui.widgets.ask import Notice

        text = self.command()
        rows = broken(text, self.query_one("#main").size.width - GUTTER - LABEL - len("F4 copy") - 5)
        facts = [Fact("" if n else "command", (row, COMMAND), "" if n else "F4 copy") for n, row in enumerate(rows)]
        facts.append(Fact("", ("the same without a screen", "$muted")))
        facts += self.beside()
        try:
            await self.ask.put(Notice("As a shell command", facts, TITLES[self.step], copied=text))
        except Cancelled:
            return

    async def action_save(self) -> None:
        """Write where the author stands, although every change is on disk already."""
        if self.session.walk is None:
            self.say("the services are not open yet; nothing has changed")
            return
        await self.session.walk.save(Place(at=self.step))
        self.say(f"checkpoint: {self.session.saved or 'saved'}")

    def action_interrupt(self) -> None:
        """Copy a selection, else stop the job, else say how to quit."""
        field = self.focused
        chosen = field.selected_text if isinstance(field, Input) and not field.password else ""
        if chosen := chosen or self.get_selected_text() or "":
            self.app.copy_to_clipboard(chosen)
            self.say("copied")
        elif not self.cancel_job():
            self.say("Ctrl+Q quits; everything is saved")

    def cancel_job(self) -> bool:
        """Stop what runs; False when nothing does."""
        return False


def broken(text: str, room: int) -> list[str]:
    """A command on lines of `room` characters: between its words where they fit, all of it in any case."""
    rows, room = [""], max(8, room)
    for word in text.split(" "):
        if rows[-1] and len(rows[-1]) + 1 + len(word) <= room:
            rows[-1] += f" {word}"
            continue
        rows += [word[at : at + room] for at in range(0, len(word), room)] or [""]
    return rows[1:] if not rows[0] else rows
