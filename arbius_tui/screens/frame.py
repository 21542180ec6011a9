"""The frame of a step: header, steps, body, status and keys, and how they are drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import DescendantBlur, DescendantFocus, Key
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget

from arbius_tui.domain.errors import Problem
from arbius_tui.domain.journey import Journey, order
from arbius_tui.screens import keys
from arbius_tui.screens.session import Session
from arbius_tui.widgets.dock import Dock
from arbius_tui.widgets.frame import Header, Keys, StepList, StepStrip
from arbius_tui.widgets.log import LogLines
from arbius_tui.widgets.pane import Pane
from arbius_tui.widgets.panes import ProblemPanel
from arbius_tui.widgets.text import glyphs, words


class FrameScreen(Screen[None]):
    """What stands around a step. `step` is its name, `why` what F1 says of it, `hints` the ids of its keys in order."""

    step: ClassVar[str]
    why: ClassVar[str] = ""
    hints: ClassVar[Sequence[str]] = ()
    next_key: ClassVar[bool] = True
    has_side: ClassVar[bool] = False

    ALWAYS = ("help", "log", "copy", "next", "back", "quit", "goto", "command", "save")
    """The keys of the last row, by the second half of their ids; they never change place."""

    AUTO_FOCUS = "Table, Form, LogTail"

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    """Textual paints the whole screen anew when the focus moves; here the two widgets paint themselves."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.log_lines = LogLines()
        self.said: Content | None = None
        self.ask = Dock(id="dock")
        self.panel = ProblemPanel(id="problem")
        self.header, self.strips = Header(), (StepStrip(), StepList())
        self.footer = Keys()
        self.show_journey()

    def compose(self) -> ComposeResult:
        """The same parts on every screen."""
        strip, steps = self.strips
        yield self.header
        yield strip
        with Horizontal(id="body"):
            with Vertical(id="side", classes="" if self.has_side else "-steps-only"):
                yield steps
                yield from self.side()
            with Vertical(id="main"):
                yield from self.body()
                with Vertical(id="finding"):
                    yield from self.finding()
                yield self.panel
                yield self.ask
        yield self.footer

    def body(self) -> Iterable[Widget]:
        """Hook: the table, form or text of this step."""
        return ()

    def finding(self) -> Iterable[Widget]:
        """Hook: what stands below the body; questions and errors take its place."""
        return ()

    def side(self) -> Iterable[Widget]:
        """Hook: what stands at the left, below the list of steps; needs `has_side`."""
        return ()

    def status(self) -> Content:
        """Hook: the left half of the status line, e.g. counts."""
        return Content("")

    def aside(self) -> Content:
        """Hook: the right half of the status line, e.g. what can be done now."""
        return Content("")

    def on_mount(self) -> None:
        """Draw what is known and follow what changes."""
        self.set_class(glyphs().light == "-", "-ascii")
        # Textual hides its empty rack of toasts after the first frame, at the price of a second layout.
        self.query("ToastRack").set(display=False)
        self.session.changed.subscribe(self, self.journey_changed)
        self.show_journey()
        self.refresh_status()

    def journey_changed(self, _: Journey) -> None:
        """Header and steps follow the journey; those of a screen that nobody sees follow when it is shown."""
        if self.is_current:
            self.show_journey()

    def show_journey(self) -> None:
        """Header and steps as the journey stands."""
        session, journey = self.session, self.session.journey
        self.header.show(journey.project, session.chain, session.saved, rehearsal=session.rehearsal, flag=session.flag)
        for steps in self.strips:
            steps.show(session.steps, order(self.step), session.flag)

    def fills(self) -> bool:
        """Whether the first key is filled: not when the next thing is typing."""
        return self.next_key

    def say(self, text: str, style: str = "$muted") -> None:
        """A sentence on the status line, until something else happens."""
        self.said = words((text, style))
        self.refresh_status()

    def show_problem(self, problem: Problem | None, hint: str = "F4 copy") -> None:
        """The error panel in place of the finding, or the finding again."""
        self.set_class(problem is not None, "-problem")
        if problem:
            self.panel.show(problem, hint)

    def refresh_status(self) -> None:
        """Draw the status line again: two hooks, or what was just said."""
        self.footer.show_status(self.said or self.status(), Content("") if self.said else self.aside())

    def refresh_keys(self) -> None:
        """Draw the keys again: those of a question while one is open, else those of this step."""
        if not self.is_current:
            return
        active = keys.by_id(self.active_bindings)
        always = keys.hints([f"frame.{name}" for name in self.ALWAYS], active)
        pane = self.ask.pane
        if pane is None:
            self.footer.show_keys(keys.hints(self.wanted(), active), always, filled=self.fills())
        elif pane.target().has_focus:
            self.footer.show_keys(pane.hints, always, filled=pane.filled)
        else:
            self.footer.show_keys(("Tab answer", "Esc back"), always, filled=True)

    def wanted(self) -> Sequence[str]:
        """The ids of the keys of row 1: `hints`, or the bindings of the step's own class that are shown."""
        own = [b for b in type(self).__dict__.get("BINDINGS", ()) if isinstance(b, Binding) and b.show]
        return self.hints or [b.id for b in own if b.id]

    def on_descendant_focus(self, _: DescendantFocus) -> None:
        """Other focus, other keys."""
        self.call_later(self.refresh_keys)

    def on_descendant_blur(self, _: DescendantBlur) -> None:
        """Other focus, other keys."""
        self.call_later(self.refresh_keys)

    def on_screen_resume(self) -> None:
        """Keys are drawn when the screen is the current one, because only then its bindings count."""
        self.show_journey()
        self.call_later(self.refresh_keys)

    def on_pane_changed(self, _: Pane.Changed) -> None:
        """A question came, changed or went."""
        self.set_class(self.ask.pane is not None, "-asking")
        if self.ask.pane:
            self.said = None
        self.refresh_status()
        self.refresh_keys()

    def on_key(self, event: Key) -> None:
        """What was said has been read."""
        if self.said:
            self.said = None
            self.refresh_status()
