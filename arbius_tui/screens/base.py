"""The base of each step's screen: runs the step, shows its events; only here a failure becomes a panel."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import aclosing
from typing import TYPE_CHECKING, ClassVar

from textual import work as worker
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget
from textual.worker import Worker

from arbius_tui.domain.errors import Failure, Problem
from arbius_tui.domain.journey import Place
from arbius_tui.screens.actions import KeyedScreen
from arbius_tui.screens.session import Session
from arbius_tui.steps.base import Step
from arbius_tui.widgets.log import LogTail
from arbius_tui.widgets.pane import Cancelled
from arbius_tui.widgets.text import KEY, state_style, words

if TYPE_CHECKING:
    # A tenth of what the first frame takes, and no event comes before it.
    from arbius_tui.domain.events import Done, Event, Found, Line, Progress, Saved, Started, Trouble


class StepScreen(KeyedScreen):
    """One step. Subclass it in screens/<step>.py, name the `step`, and override the hooks that should differ.

    What to show: `body`, `finding`, `side`, `status`, `aside`. What runs: `work`. What came: `on_started`, `on_line`,
    `on_progress`, `on_found`, `on_trouble`, `on_saved`, `on_done`, `on_stopped`. For keys: `command`, `copy_text`.
    """

    auto_run: ClassVar[bool] = False
    """Whether the step starts by itself when its screen is first shown."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5", "run", "run", id="frame.run", tooltip="do this step, or do it again"),
        Binding("x", "cancel", "cancel", id="frame.cancel", tooltip="stop what runs; what is done stays done"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.job: Worker[None] | None = None
        self.began = 0.0
        self.doing = ""
        self.progress: Progress | None = None
        self.clock: Timer | None = None

    def body(self) -> Iterable[Widget]:
        """Hook: by default the log of the step."""
        yield LogTail(self.log_lines)

    def on_mount(self) -> None:
        """Start if this step starts by itself."""
        if self.auto_run:
            self.action_run()

    def work(self) -> Step | None:
        """Hook: the step with what this screen knows, e.g. the values of a form; None for the step as it is."""
        return None

    def runs(self) -> str:
        """Hook: the name of what `work` gives, where it is beside the journey."""
        return self.step

    @property
    def running(self) -> bool:
        """Whether the step works now."""
        return self.job is not None

    def action_run(self) -> None:
        """Do the step, or do it again."""
        if self.ask.pane is None:
            self.job = self.run_step()

    def action_cancel(self) -> None:
        """Stop the step."""
        self.cancel_job()

    def jobs(self) -> list[Worker[None]]:
        """Hook: what runs here or over this screen, and ends when the author quits."""
        return [self.job] if self.job else []

    def cancel_job(self) -> bool:
        """Cancel the worker, at once with a word; the walk ends the child processes and saves that the step is open."""
        if self.job is None:
            return False
        self.job.cancel()
        self.on_stopped()
        return True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """`x cancel` is a key only while something runs."""
        if action == "cancel":
            return self.running
        return super().check_action(action, parameters)

    @worker(group="step", exclusive=True, exit_on_error=False)
    async def run_step(self) -> None:
        """The worker: every event passes here, and so does every failure."""
        self.begin()
        try:
            walk = await self.session.opened()
            async with aclosing(walk.run(self.runs(), self.ask, self.work())) as events:
                async for event in events:
                    self.dispatch_event(event)
        except Cancelled:
            self.on_stopped()
        except Failure as failure:
            self.in_trouble(failure.problem)
        except Exception as error:
            await self.on_broken(error)
        finally:
            self.end()

    def begin(self) -> None:
        """A run starts: no old panel, a clock that ticks once a second."""
        self.show_problem(None)
        self.began, self.doing, self.progress = self.session.clock(), "opening the services", None
        self.clock = self.set_interval(1, self.refresh_status)
        self.refresh_status()
        self.call_later(self.refresh_keys)

    def end(self) -> None:
        """A run ended, however it did."""
        self.job, self.doing, self.progress = None, "", None
        if self.clock:
            self.clock.stop()
        if self.is_attached:
            self.refresh_status()
            self.refresh_keys()

    def dispatch_event(self, event: Event) -> None:
        """Each event to its hook."""
        hook: Callable[[Event], None] = getattr(self, "on_trouble" if event.name == "problem" else f"on_{event.name}")
        hook(event)

    def on_started(self, event: Started) -> None:
        """Hook: the step began."""
        self.doing = event.title
        self.refresh_status()

    def on_line(self, event: Line) -> None:
        """Hook: a line for the log."""
        self.log_lines.feed(event.text)

    def on_progress(self, event: Progress) -> None:
        """Hook: how far something is; the status line says it."""
        self.progress = event
        self.refresh_status()

    def on_found(self, event: Found) -> None:
        """Hook: something came to light."""

    def on_trouble(self, event: Trouble) -> None:
        """Hook: something is wrong; an error becomes the panel, all else a line of the log."""
        problem = event.problem
        word = {"error": "FAIL", "warn": "warn", "info": "-"}[problem.severity]
        self.log_lines.feed(f"{word}  {problem.what}", state_style(word))
        for text in (problem.why, problem.fix.text if problem.fix else "", problem.detail):
            if text:
                self.log_lines.feed(text, "$muted")
        if problem.severity == "error":
            self.show_problem(problem)

    def in_trouble(self, problem: Problem) -> None:
        """A failure that is no event of the step."""
        from arbius_tui.domain.events import Trouble

        self.on_trouble(Trouble(problem))

    def on_saved(self, event: Saved) -> None:
        """Hook: a fact was written; the header follows the journey by itself."""

    def on_done(self, event: Done) -> None:
        """Hook: the step ended."""
        self.refresh_status()

    def on_stopped(self) -> None:
        """Hook: the author stopped it, or went back instead of answering."""
        self.say("stopped; nothing is lost, F5 goes on")

    async def on_broken(self, error: Exception) -> None:
        """A fault of ours: words, and the traceback in a file."""
        from arbius_tui.steps.crash import broke

        self.in_trouble(broke(error, self.session.log_dir))
        if self.session.walk:
            await self.session.walk.save(Place(at=self.step, states={self.step: "FAIL"}))

    def elapsed(self) -> str:
        """`0:41` since the run began."""
        minutes, seconds = divmod(int(self.session.clock() - self.began), 60)
        return f"{minutes}:{seconds:02}"

    def status(self) -> Content:
        """Hook: by default what runs and how far it is, or the state of the step."""
        if self.progress:
            done, total, unit = self.progress.done, self.progress.total, self.progress.unit
            far = f"{done:,} of {total:,} {unit}" if total else f"{done:,} {unit}"
            return words(("run  ", KEY), f"{self.progress.what}  ", (far, "$muted"))
        if self.running:
            return words(("run  ", KEY), self.doing)
        state = self.session.journey.state(self.step)
        return words((state, state_style(state))) if state != "-" else words(("not done yet", "$muted"))

    def aside(self) -> Content:
        """Hook: by default how long it runs and the key that stops it."""
        return (
            words((f"{self.elapsed()}  ", "$muted"), ("x", KEY), (" cancel", "$muted")) if self.running else Content("")
        )

    def fills(self) -> bool:
        """Nothing is next while the step runs."""
        return self.next_key and not self.running

    def wanted(self) -> list[str]:
        """The keys of row 1: `x cancel` first while the step runs, F5 last unless the step names it."""
        own = list(super().wanted())
        own += [] if "frame.run" in own else ["frame.run"]
        return ["frame.cancel", *own] if self.running else own
