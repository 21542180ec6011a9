"""Run: a Cog server that answers: its health in words, its log as it comes, where it is, and a prediction to try."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import work as worker
from textual.content import Content
from textual.widget import Widget

from arbius_tui.domain.events import Done, Found, Saved, Started, Trouble
from arbius_tui.domain.text import seconds
from arbius_tui.screens.facts import kept
from arbius_tui.screens.findings import as_json, copy_out
from arbius_tui.screens.server_facts import docker_facts, graphics, health_facts, run_command, server_facts
from arbius_tui.screens.server_keys import LOCAL, ServerKeys
from arbius_tui.screens.session import Session
from arbius_tui.widgets.frame import Rule
from arbius_tui.widgets.log import LogTail
from arbius_tui.widgets.panes import Empty, Fact, Facts
from arbius_tui.widgets.text import KEY, words

OTHER = ("run.endpoint", "run.image", "run.json")
"""Other ways to a server."""


class RunScreen(ServerKeys):
    """What the server says of itself over what it prints."""

    step = "run"
    why = (
        "Cog wraps your model in an HTTP server: it takes named inputs as JSON and gives the output back. All later "
        "steps speak to that server, as a miner's software does, so nothing is assumed about your code.\n"
        "Without a server named by --endpoint the wizard starts your image through the Docker Engine, on a free port "
        "of this machine only, remembers it, and finds it again after a crash. It stops only what it started.\n"
        "A run on the CPU is a rehearsal for your own eyes, not a proof for miners with GPUs: every later screen says "
        "CPU-ONLY."
    )
    AUTO_FOCUS = "LogTail"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        journey = session.journey
        self.logs, self.inputs = "", ", ".join(str(name) for name in journey.records.get("model", {}).get("inputs", ()))
        self.took = ""
        self.url, self.cog = kept(journey, "run", "url"), kept(journey, "run", "cog")
        self.facts, self.head, self.tail = Facts(), Rule("Log"), LogTail(self.log_lines)
        self.nothing = Empty(
            "No server yet.",
            [
                ("Enter", "start your model, or take the server named by --endpoint"),
                ("i", "start an image by its name"),
                ("e", "take a server that runs already, by its URL"),
            ],
            "The next steps ask it for predictions, as a miner would.",
        )
        self.nothing.styles.height = "1fr"

    def body(self) -> Iterable[Widget]:
        """The facts over the log; before there is a server, how to get one."""
        yield from (self.nothing, self.facts, self.head, self.tail)

    def on_mount(self) -> None:
        """What was saved is there at once."""
        self.show_parts()

    def on_screen_resume(self) -> None:
        """What became of the server while a prediction was tried."""
        if self.trial and self.trial.health and not self.running:
            self.seen, self.url = self.trial.health, str(self.saved.get("url") or self.url)
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
        saved = {**self.saved, "url": self.url}
        facts = health_facts(self.health, self.running) + server_facts(saved, self.seen, self.took)
        facts += [Fact("cog", self.cog or ("-", "$muted")), Fact("gpu", *graphics(self.saved))]
        return [*facts, Fact("inputs", self.inputs or ("-", "$muted"))]

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
            self.seen, self.url, self.cog = item, item.url or self.url, item.cog or self.cog
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

    def on_saved(self, event: Saved) -> None:
        """The container and its image are known before it is READY."""
        super().on_saved(event)
        self.url = str(self.saved.get("url") or self.url)
        self.show_parts()
        self.refresh_keys()

    def on_log(self, text: str) -> None:
        """Lines of the server's own log."""
        self.log_lines.feed(text)

    def on_trouble(self, event: Trouble) -> None:
        """The panel stands below the log."""
        super().on_trouble(event)
        self.show_parts()

    def on_done(self, event: Done) -> None:
        """It answers, or not."""
        if event.ok and self.health == "READY":
            self.took = f", READY after {seconds(self.session.clock() - self.began)}"
        super().on_done(event)
        self.show_parts()

    def end(self) -> None:
        """Also after a cancel nothing is shown that is not so."""
        super().end()
        if self.is_attached:
            self.show_parts()

    def wanted(self) -> list[str]:
        """Starting is next until the server is there; then a prediction can be tried, and the next step is next."""
        other = "run.gpu" if self.bare else "run.cpu"
        if self.running:
            return ["frame.cancel", *([] if self.bare else ["run.cpu"])]
        if self.ready:
            return ["frame.next", "run.predict", "run.stop", other, "frame.run", *OTHER]
        return ["run.start", "run.image", "run.endpoint", other, "run.stop", "run.json"]

    @worker(group="copy", exclusive=True, exit_on_error=False)
    async def action_json(self) -> None:
        """What is known, as JSON."""
        await copy_out(self, as_json([self.seen] if self.seen else []), "the server as JSON")

    def copy_text(self) -> str:
        """Where it answers."""
        return self.url

    def command(self) -> str:
        """The same without a screen."""
        return run_command({**self.saved, "url": self.url}, self.session.rehearsal, LOCAL)

    def beside(self) -> Sequence[Fact]:
        """A container by the docker command alone."""
        return docker_facts(self.saved)

    def status(self) -> Content:
        """READY, or what runs."""
        if self.running and self.health == "STARTING":
            from arbius_tui.steps.run import READY_LIMIT

            return words(("run  ", KEY), "STARTING", (f"  given up after {seconds(READY_LIMIT)}", "$muted"))
        if self.health == "stopped" and not self.running:
            return words(("stopped; Enter starts it again", "$muted"))
        if self.running or self.health != "READY":
            return super().status()
        return words(("READY  ", "bold $success"), ("p tries a prediction, the seed test can begin", "$muted"))
