"""Run: a Cog server that answers: its health in words, its log as it comes, and where it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import work as worker
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from arbius_tui.domain.events import Done, Found, Started, Trouble
from arbius_tui.domain.questions import Question
from arbius_tui.domain.text import seconds
from arbius_tui.screens.base import StepScreen
from arbius_tui.screens.facts import kept
from arbius_tui.screens.findings import as_json, copy_out
from arbius_tui.screens.session import Session
from arbius_tui.steps.base import Step
from arbius_tui.widgets.frame import Rule
from arbius_tui.widgets.log import LogTail
from arbius_tui.widgets.pane import Cancelled
from arbius_tui.widgets.panes import Empty, Fact, Facts
from arbius_tui.widgets.text import Cell, state_style, words

if TYPE_CHECKING:
    from arbius_tui.steps.run import HealthSeen

LOCAL = "http://127.0.0.1:5000"
"""Where `docker run -p 5000:5000` puts it."""

HEALTH = {
    "STARTING": "it loads the model; a large one takes minutes",
    "READY": "it waits for work",
    "BUSY": "it works on a prediction",
    "SETUP_FAILED": "the model's setup() raised an error; the log says which",
    "DEFUNCT": "the server has stopped for good",
    "UNHEALTHY": "the model's own health check says no",
    "UNKNOWN": "it does not say yet",
}
"""A server's own word, in words for a person."""
STATE = {"READY": "READY", "BUSY": "run", "STARTING": "run", "UNKNOWN": "wait"}
"""The state word whose look a health has; every other is a failure."""


class RunScreen(StepScreen):
    """What the server says of itself over what it prints."""

    step = "run"
    why = (
        "Cog wraps your model in an HTTP server: it takes named inputs as JSON and gives the output back. All later "
        "steps speak to that server, as a miner's software does, so nothing is assumed about your code.\n"
        "Without a server named by --endpoint the wizard starts one, remembers it, and finds it again after a crash. "
        "A run on the CPU is a rehearsal for your own eyes, not a proof for miners with GPUs."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "run", "start", id="run.start", tooltip="start the server, or take the one that was named"),
        Binding("e", "endpoint", "by URL", id="run.endpoint", tooltip="take a server that runs already, by its URL"),
        Binding("j", "json", "JSON", id="run.json", tooltip="copy what is known as JSON"),
        Binding("f5", "run", "look", id="frame.run", tooltip="ask the server again; start it if it is gone"),
    ]
    AUTO_FOCUS = "LogTail"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        journey = session.journey
        self.seen: HealthSeen | None = None
        self.logs, self.inputs = "", ", ".join(str(name) for name in journey.records.get("model", {}).get("inputs", ()))
        self.took = ""
        self.next_step: Step | None = None
        self.url, self.cog = kept(journey, "run", "url"), kept(journey, "run", "cog")
        self.facts, self.head, self.tail = Facts(), Rule("Log"), LogTail(self.log_lines)
        self.nothing = Empty(
            "No server yet.",
            [
                ("Enter", "start your model, or take the server named by --endpoint"),
                ("e", "take a server that runs already, by its URL"),
            ],
            "The next steps ask it for predictions, as a miner would.",
        )
        self.nothing.styles.height = "1fr"

    def work(self) -> Step | None:
        """The step, with the URL that the author gave."""
        step, self.next_step = self.next_step, None
        return step

    @worker(group="pane", exclusive=True, exit_on_error=False)
    async def action_endpoint(self) -> None:
        """Ask where a server answers, and take it."""
        from arbius_tui.steps.run import Run

        if self.running:
            return
        question = Question(
            "endpoint", "Where does your Cog server answer?", "it stays yours: it is never stopped", LOCAL
        )
        try:
            self.next_step = Run(await self.ask(question))
        except Cancelled:
            return
        self.action_run()

    def body(self) -> Iterable[Widget]:
        """The facts over the log; before there is a server, how to get one."""
        yield from (self.nothing, self.facts, self.head, self.tail)

    def on_mount(self) -> None:
        """What was saved is there at once."""
        self.show_parts()

    def show_parts(self) -> None:
        """The empty state until there is a server or one is on its way."""
        known = bool(self.url) or self.running
        self.nothing.display = not known
        for part in (self.facts, self.head, self.tail):
            part.display = known
        self.facts.show(self.lines())

    def lines(self) -> list[Fact]:
        """What is known of the server."""
        health = self.health
        state = STATE.get(health, "FAIL") if health else "wait"
        said = (
            HEALTH.get(health, "") if health else "asking" if self.running else "saved; F5 asks whether it still runs"
        )
        how = f"{self.seen.how}{self.took}" if self.seen else ""
        return [
            Fact("health", (health or "-", state_style(state))),
            Fact("", (said, "$muted")),
            Fact("url", (self.url or "-", "$ink"), "F4 copy" if self.url else ""),
            Fact("server", (how or "-", "$ink" if how else "$muted")),
            Fact("cog", self.cog or ("-", "$muted")),
            Fact("gpu", *self.graphics()),
            Fact("inputs", self.inputs or ("-", "$muted")),
        ]

    def graphics(self) -> tuple[Cell, str]:
        """Whether this run proves anything for miners with a graphics card, and the key for more."""
        record = self.session.journey.records.get(self.step)
        if record is None or not record.get("cpu_only"):
            known = str(record.get("gpu") or "not known of a server that was not started here") if record else "-"
            return (known, "$muted"), ""
        return ("CPU-ONLY: to rehearse with, no proof for GPU miners", "$warning"), "F1 why"

    @property
    def health(self) -> str:
        """The server's own word, empty before it said one."""
        return self.seen.status if self.seen else ""

    def begin(self) -> None:
        """A run starts."""
        self.seen, self.logs, self.took = None, "", ""
        super().begin()

    def on_started(self, event: Started) -> None:
        """Show where it will stand."""
        super().on_started(event)
        self.show_parts()

    def on_found(self, event: Found) -> None:
        """A change of health, and the log that came with it; or the model's inputs."""
        from arbius_tui.steps.model import Fact as Seen
        from arbius_tui.steps.run import HealthSeen

        item = event.item
        if isinstance(item, HealthSeen):
            self.seen, self.url, self.cog = item, item.url, item.cog or self.cog
            self.feed(item.logs)
        elif isinstance(item, Seen) and item.id == "inputs":
            self.inputs = item.found
        self.show_parts()
        self.refresh_status()

    def feed(self, logs: str) -> None:
        """The part of the setup log that is new; the server sends all of it, or its end, each time."""
        fresh = logs[len(self.logs) :] if logs.startswith(self.logs) else logs
        self.logs = logs
        if fresh.strip("\n"):
            self.on_log(fresh.strip("\n"))

    def on_log(self, text: str) -> None:
        """Lines of the server's own log."""
        self.log_lines.feed(text)

    def on_trouble(self, event: Trouble) -> None:
        """The panel stands below the log."""
        super().on_trouble(event)
        self.show_parts()

    def on_done(self, event: Done) -> None:
        """It answers, or not."""
        if event.ok:
            self.took = f", READY after {seconds(self.session.clock() - self.began)}"
        super().on_done(event)
        self.show_parts()

    def end(self) -> None:
        """Also after a cancel nothing is shown that is not so."""
        super().end()
        if self.is_attached:
            self.show_parts()

    def wanted(self) -> list[str]:
        """Starting is next until the server is there; then the next step is."""
        ready = self.session.journey.state(self.step) == "ok"
        own = (
            ["frame.next", "frame.run", "run.endpoint", "run.json"]
            if ready
            else ["run.start", "run.endpoint", "run.json"]
        )
        return ["frame.cancel", *own] if self.running else own

    @worker(group="copy", exclusive=True, exit_on_error=False)
    async def action_json(self) -> None:
        """What is known, as JSON."""
        await copy_out(self, as_json([self.seen] if self.seen else []), "the server as JSON")

    def copy_text(self) -> str:
        """Where it answers."""
        return self.url

    def command(self) -> str:
        """The same without a screen."""
        return f"arbius-tui run --endpoint {self.url or LOCAL}"

    def status(self) -> Content:
        """READY, or what runs."""
        if self.running or self.health != "READY":
            return super().status()
        return words(("READY  ", "bold $success"), ("the seed test can begin", "$muted"))
