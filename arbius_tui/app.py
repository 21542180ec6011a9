"""The Textual app: it owns the screens of one run, what they share, and the way out."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import ClassVar

from rich.console import RenderableType
from rich.text import Text
from textual import work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.events import Event, Key
from textual.screen import Screen
from textual.signal import Signal
from textual.timer import Timer

from arbius_tui.domain.errors import Failure
from arbius_tui.domain.journey import STEPS, Journey
from arbius_tui.hangup import on_signals
from arbius_tui.screens import load
from arbius_tui.screens.base import StepScreen
from arbius_tui.screens.session import Session
from arbius_tui.steps.base import Walk
from arbius_tui.widgets import theme
from arbius_tui.widgets.text import WIDE
from arbius_tui.widgets.turns import TurnsApp

OpenWalk = Callable[[], Awaitable[Walk]]
BREATH = 0.05
"""Seconds after the first frame in which a key that waits is answered before imports take their share."""
QUIET = 1.0
"""Seconds without a key after which slow packages are loaded."""
RARELY = (5_000, 50, 1_000)
"""Thresholds of the garbage collector: a full collection holds up a frame for 60 ms, so it waits until nobody types."""
LEAVING = 5.0
"""Seconds a running step has to end its children when the author quits."""


class ArbiusApp(TurnsApp):
    """The wizard. `journey` is what is drawn at once; `open_walk` opens the services after the first frame.

    `prefetch` names slow packages: each is loaded in a thread while no key is pressed, because even so it can hold up a
    frame. `keymap` gives actions other keys by id.
    """

    CSS_PATH = Path(__file__).with_name("app.tcss")
    TITLE = "arbius-tui"
    ENABLE_COMMAND_PALETTE = False
    DEFAULT_MODE = "first"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+q", "leave", "quit", id="app.quit", show=False)]

    def __init__(
        self,
        open_walk: OpenWalk,
        journey: Journey,
        *,
        palette: str = "",
        log_dir: Path = Path(),
        prefetch: Sequence[str] = (),
        keymap: Mapping[str, str] | None = None,
        screens: Callable[[str], type[StepScreen]] = load,
    ) -> None:
        look = theme.choose(palette, os.environ)
        super().__init__(ansi_color=look.ansi_color)
        for known in theme.THEMES:
            self.register_theme(known)
        # Not by assignment: that would parse every style sheet a second time before the first frame.
        self.set_reactive(App.theme, look.theme)
        self.stylesheet.set_variables(self.get_css_variables())
        self.animation_level = "none"
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]
        self.VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]
        self.session = Session(journey, Signal(self, "journey"), log_dir)
        self.quiet = asyncio.Event()
        self.calm: Timer | None = None
        self.open_walk, self.prefetch, self.screens_of = open_walk, prefetch, screens
        self.first = journey.at
        self.made: list[StepScreen] = []
        self.history: list[str] = []
        if keymap:
            self.set_keymap(dict(keymap))

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our tokens must exist before a theme is chosen."""
        return dict(theme.DARK.variables)

    def get_default_screen(self) -> Screen[None]:
        """The step where the author stands: nothing empty is laid out before it."""
        return self.make_screen(self.first)

    def mode_of(self, step: str) -> str:
        """Textual's name for the screens of a step."""
        return self.DEFAULT_MODE if step == self.first else step

    def make_screen(self, step: str) -> Screen[None]:
        """The screen of a step, when it is first visited; Textual keeps it from then on."""
        made = self.screens_of(step)(self.session)
        # Textual sets these classes after the first layout; set before, they save a second one.
        for size, edges in zip(self.size, (self.HORIZONTAL_BREAKPOINTS, self.VERTICAL_BREAKPOINTS), strict=True):
            made.add_class([name for edge, name in edges or () if size >= edge][-1])
        self.made.append(made)
        return made

    @property
    def step(self) -> str:
        """The step that is shown, also when a page lies over it."""
        base = self.screen_stack[0]
        return base.step if isinstance(base, StepScreen) else self.first

    def on_mount(self) -> None:
        """A signal from outside is a calm way out, too."""
        if not self.is_headless:
            on_signals(lambda code: self.call_later(self.leave, code), LEAVING + 2)

    def on_ready(self) -> None:
        """The first frame is on screen: now the slow part.

        Each step is a mode: its screen and what lies over it are kept while another step is shown. They are declared
        here, because a declared first mode would parse the styles once more.
        """
        gc.enable()
        gc.set_threshold(*RARELY)
        self.calm = self.set_timer(QUIET, self.rest)
        for step in STEPS:
            self.add_mode(self.mode_of(step), partial(self.make_screen, step))
        self.open_services()

    @work(group="open", exit_on_error=False)
    async def open_services(self) -> None:
        """Open the services, then fetch what a later step will need."""
        session = self.session
        await asyncio.sleep(BREATH)
        try:
            session.walk = walk = await self.open_walk()
        except Failure as failure:
            session.failure = failure
        except Exception as error:
            from arbius_tui.steps.crash import broke

            session.failure = Failure("internal", "")
            session.failure.problem = broke(error, session.log_dir)
        else:
            walk.watchers.append(self.moved)
            self.moved(walk.journey)
        session.settled.set()
        if session.failure and isinstance(self.screen, StepScreen):
            self.screen.show_problem(session.failure.problem)
        for package in self.prefetch:
            await self.quiet.wait()
            await asyncio.to_thread(import_module, package)
        self.rest()

    def rest(self) -> None:
        """Nobody types: tidy up now what would else be tidied up while a frame is drawn."""
        gc.collect()
        gc.freeze()
        self.quiet.set()

    async def on_event(self, event: Event) -> None:
        """A key: whatever waits for quiet waits on."""
        if isinstance(event, Key) and self.calm:
            self.quiet.clear()
            self.calm.stop()
            self.calm = self.set_timer(QUIET, self.rest)
        await super().on_event(event)

    def moved(self, journey: Journey) -> None:
        """The journey changed: all screens follow."""
        self.session.journey = journey
        self.session.changed.publish(journey)

    async def action_go(self, step: str) -> None:
        """Show this step; Esc leads back from it."""
        if step != self.step:
            self.history.append(self.step)
            await self.show_step(step)

    async def action_next(self) -> None:
        """The next step."""
        place = STEPS.index(self.step) + 1
        if place < len(STEPS):
            await self.action_go(STEPS[place])
        else:
            self.tell("this is the last step")

    async def action_back(self) -> None:
        """The step where the author came from, else the one before."""
        place = STEPS.index(self.step)
        if self.history:
            await self.show_step(self.history.pop())
        elif place:
            await self.show_step(STEPS[place - 1])
        else:
            self.tell("this is the first step; Ctrl+Q quits")

    async def show_step(self, step: str) -> None:
        """Switch to a step's screen; what the other screen runs goes on."""
        asking = isinstance(self.screen, StepScreen) and self.screen.stop_asking_where()
        await self.switch_mode(self.mode_of(step))
        if asking and isinstance(self.screen, StepScreen):
            # Asked for while this switch was under way: the digit is still to come, and comes to the new screen.
            self.screen.action_goto()
        if self.session.walk:
            await self.session.walk.go(step)

    def tell(self, text: str) -> None:
        """A word on the status line of the step that is shown."""
        if isinstance(self.screen, StepScreen):
            self.screen.say(text)

    async def action_leave(self) -> None:
        """Quit; everything is saved."""
        await self.leave(0)

    async def leave(self, code: int) -> None:
        """End running steps with their children, then quit with this exit code."""
        if self.session.walk:
            await self.session.walk.go(self.step)
        running = [job for screen in self.made for job in screen.jobs()]
        for job in running:
            job.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVING):
                await asyncio.gather(*(job.wait() for job in running), return_exceptions=True)
        self.exit(return_code=code)

    def panic(self, *renderables: RenderableType) -> None:
        """A fault that comes only of the lost terminal is no fault."""
        if self.is_headless or os.isatty(0):
            super().panic(*renderables)

    def _fatal_error(self) -> None:
        """Words and a file instead of Textual's traceback, which prints the values of variables."""
        from arbius_tui.steps.crash import broke, last_words

        problem = broke(sys.exception() or RuntimeError("unknown"), self.session.log_dir, "start it again to go on")
        # A str would be read as markup, and a bracket in it would keep the app from ending.
        self.panic(Text(last_words(problem)))
