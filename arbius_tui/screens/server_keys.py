"""The keys of the Run screen: start it, by image or URL, on the CPU or the GPU, stop it, and try a prediction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from textual import work as worker
from textual.binding import Binding, BindingType
from textual.worker import Worker

from arbius_tui.domain.questions import Question
from arbius_tui.screens.base import StepScreen
from arbius_tui.screens.facts import kept
from arbius_tui.screens.session import Session
from arbius_tui.steps.base import Step
from arbius_tui.widgets.pane import Cancelled

if TYPE_CHECKING:
    from arbius_tui.screens.predict import PredictScreen
    from arbius_tui.steps.run import HealthSeen

LOCAL = "http://127.0.0.1:5000"
"""Where `docker run -p 5000:5000` puts it."""


class ServerKeys(StepScreen):
    """What the author can do with a model's server. `wish` is the choice made while a start was under way."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "run", "start", id="run.start", tooltip="start the server, or take the one that was named"),
        Binding("p", "predict", "predict", id="run.predict", tooltip="try a prediction: a form of the model's inputs"),
        Binding("s", "stop", "stop", id="run.stop", tooltip="end and remove what the wizard started; Enter starts it"),
        Binding("c", "gpus('none')", "CPU", id="run.cpu", tooltip="run it on the CPU: CPU-ONLY, no proof for miners"),
        Binding("g", "gpus('all')", "GPU", id="run.gpu", tooltip="run it on the GPU, as miners do"),
        Binding("i", "image", "image", id="run.image", tooltip="start an image by its name"),
        Binding("e", "endpoint", "by URL", id="run.endpoint", tooltip="take a server that runs already, by its URL"),
        Binding("j", "json", "JSON", id="run.json", tooltip="copy what is known as JSON"),
        Binding("f5", "run", "look", id="frame.run", tooltip="ask the server again; start it if it is gone"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.seen: HealthSeen | None = None
        self.next_step: Step | None = None
        self.wish: Literal["", "all", "none"] = ""
        self.trial: PredictScreen | None = None
        self.url = kept(session.journey, "run", "url")

    def work(self) -> Step | None:
        """The step, with what the author chose."""
        step, self.next_step = self.next_step, None
        return step

    @worker(group="pane", exclusive=True, exit_on_error=False)
    async def action_endpoint(self) -> None:
        """Ask where a server answers, and take it."""
        from arbius_tui.steps.run import Run

        if not self.running:
            why = "it stays yours: it is never stopped"
            await self.take(Question("endpoint", "Where does your Cog server answer?", why, LOCAL), Run)

    @worker(group="pane", exclusive=True, exit_on_error=False)
    async def action_image(self) -> None:
        """Ask which image, and start it."""
        from arbius_tui.steps.run import Run

        if not self.running:
            known = str(self.saved.get("image") or kept(self.session.journey, "model", "image")) or None
            why = "it must be on this machine: nothing is pulled unasked"
            await self.take(Question("image", "Which image?", why, known), lambda name: Run(image=name))

    async def take(self, question: Question, step: Callable[[str], Step]) -> None:
        """Run the step that the answer makes."""
        try:
            self.next_step = step(await self.ask(question))
        except Cancelled:
            return
        self.action_run()

    def action_stop(self) -> None:
        """End what we started."""
        from arbius_tui.steps.run import Stop

        if not self.running:
            self.next_step = Stop()
            self.action_run()

    def action_gpus(self, gpus: Literal["all", "none"]) -> None:
        """Start it again with the GPU, or without; while it starts, when that is over."""
        from arbius_tui.steps.run import Run

        if not self.running and self.ready and self.bare == (gpus == "none"):
            self.say(f"it runs {'CPU-only' if self.bare else 'with the GPU'} already")
            return
        endpoint = "" if self.saved.get("container") or self.saved.get("pid") else str(self.saved.get("url") or "")
        step = Run(endpoint, gpus=gpus)
        if self.running:
            self.wish = gpus
            self.say(f"{'CPU' if gpus == 'none' else 'GPU'}: as soon as this start is over")
            return
        self.next_step = step
        self.action_run()

    def action_cancel(self) -> None:
        """Stop waiting; a server that begins goes on without us."""
        self.wish = ""
        super().action_cancel()
        self.say("no longer waiting; Enter looks for the server again, s ends it")

    def end(self) -> None:
        """A start is over: what was chosen meanwhile comes now, unless it is so already."""
        super().end()
        wish, self.wish = self.wish, ""
        if wish and self.is_attached and not (self.ready and self.bare == (wish == "none")):
            self.call_later(self.action_gpus, wish)

    def action_predict(self) -> None:
        """The form of the model's inputs, over this screen."""
        from arbius_tui.screens.predict import PredictScreen

        self.trial = PredictScreen(self.session)
        self.app.push_screen(self.trial)

    def jobs(self) -> list[Worker[None]]:
        """Also the prediction that is tried."""
        return super().jobs() + (self.trial.jobs() if self.trial and self.trial.is_attached else [])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A prediction needs a server that is READY; only what runs, and is ours, is stopped."""
        if action == "predict":
            return self.ready and not self.running
        if action == "gpus":
            return not self.saved.get("pid")  # a process of the rehearsal has no card to choose
        if action == "stop":
            return bool(self.saved.get("container") or self.saved.get("pid")) and self.health != "stopped"
        return super().check_action(action, parameters)

    @property
    def saved(self) -> Mapping[str, Any]:
        """What the journey remembers of the server."""
        found = self.session.journey.records.get(self.step)
        return found if isinstance(found, Mapping) else {}

    @property
    def bare(self) -> bool:
        """Whether it runs without a graphics card."""
        return bool(self.saved.get("cpu_only"))

    @property
    def health(self) -> str:
        """The server's own word, empty before it said one."""
        return self.seen.status if self.seen else ""

    @property
    def ready(self) -> bool:
        """Whether it was READY when it was last asked."""
        return self.session.journey.state(self.step) == "ok" and bool(self.url)
