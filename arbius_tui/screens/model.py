"""Model: the folder as it is read, and its image as it is built, one in the place of the other."""

from __future__ import annotations

from shlex import join
from typing import TYPE_CHECKING, ClassVar

from textual import work as worker
from textual.binding import Binding, BindingType
from textual.content import Content

from arbius_tui.screens.building import BuildingScreen
from arbius_tui.screens.facts import kept
from arbius_tui.screens.findings import as_json, copy_out
from arbius_tui.widgets.pane import Cancelled
from arbius_tui.widgets.panes import Empty
from arbius_tui.widgets.text import KEY, Cell, state_style, words

if TYPE_CHECKING:
    pass


class ModelScreen(BuildingScreen):
    """Reads the folder by itself; `b`, `d` and `i` make its image. `at_build`: the build is what is shown."""

    step = "model"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "build", "build", id="model.build", tooltip="build the image with cog"),
        Binding("d", "dockerfile", "Dockerfile", id="model.dockerfile", tooltip="build it by a Dockerfile of yours"),
        Binding("i", "image", "image", id="model.image", tooltip="take an image that exists for the model's"),
        Binding("v", "view(True)", "steps", id="model.steps", tooltip="show the build again"),
        Binding("v", "view(False)", "files", id="model.files", tooltip="show what was read in the files"),
        Binding("e", "error", "error", id="model.error", tooltip="the log of the build at its last error"),
        Binding("slash", "search", "search", id="model.search", tooltip="the log of the build, to search in"),
        Binding("o", "doctor", "doctor", id="model.doctor", tooltip="read the folder, and ask cog doctor, too"),
        Binding("f5,r", "look", "look", id="frame.run", tooltip="read the folder again"),
    ]

    def empty(self) -> Empty | None:
        """Without a folder an image will do."""
        if self.session.journey.model_dir or self.session.rehearsal:
            return super().empty()
        return Empty(
            "No model's folder was given.",
            [("i", "use an image of Cog's that exists"), ("F10", "go on: a server that runs already needs none"),
             ("^Q", "quit, and start with: arbius-tui DIR")],
            "DIR is the folder with your cog.yaml; arbius-tui model new DIR makes a new one.",
        )  # fmt: skip

    def status(self) -> Content:
        """Where the build stands; how it ended."""
        if not self.at_build:
            return super().status()
        if self.building:
            far = f"  {self.progress.done} of {self.progress.total} steps" if self.progress else ""
            return words(("run  ", KEY), self.doing, (far, "$muted"))
        word = "FAIL" if self.wrong else "ok" if self.view.built else "off"
        taken = self.maker is not None and self.maker.takes
        said = {"FAIL": "no image", "ok": "taken" if taken else "built", "off": "cancelled"}[word]
        odd = len(self.view.warnings) if self.view.built else 0
        also: Cell = (f"  {odd} warning{'s' if odd > 1 else ''}" if odd else "", state_style("warn"))
        return words((f"{word}  ", state_style(word)), said, (f"  after {self.view.lasted}", "$muted"), also)

    def wanted(self) -> list[str]:
        """Next is the image as long as there is none, and then the next step."""
        image = bool(kept(self.session.journey, self.step, "image")) or self.session.rehearsal
        make = ["model.build", "model.dockerfile", "model.image"]
        if self.running:
            return ["frame.cancel", "model.search", "model.steps", "model.files", "model.error"]
        if self.at_build:
            found = ["model.search", "model.error", "model.files"]
            return ["frame.next", *found, *make] if self.view.built else [*make, *found]
        fine = self.session.journey.state(self.step) in ("ok", "warn")
        first = ["frame.next"] if image else ["model.build"] if fine else ["frame.run"]
        ways = [] if self.session.rehearsal else make
        rest = ["model.steps", "frame.run", *ways, "model.doctor", "frame.next", "facts.json"]
        return first + [key for key in rest if key not in first]

    def action_look(self) -> None:
        """Read the folder, and show it."""
        self.action_view(False)
        self.action_run()

    def action_doctor(self) -> None:
        """Read the folder, and hear cog."""
        from arbius_tui.steps.model import Model

        self.action_view(False)
        self.reader = Model(doctor=True)
        self.action_run()

    def action_build(self) -> None:
        """With cog."""
        from arbius_tui.steps.build import Build

        self.start(Build(ask_name=True))

    @worker(group="pane", exclusive=True, exit_on_error=False)
    async def action_dockerfile(self) -> None:
        """By a Dockerfile, which is asked for."""
        from arbius_tui.steps.build import Build, by

        try:
            name = "" if self.session.rehearsal else await by("dockerfile", self.ask)
        except Cancelled:
            return
        self.start(Build(dockerfile=name, ask_name=True))

    def action_image(self) -> None:
        """One that exists."""
        from arbius_tui.steps.build import UseImage

        self.start(UseImage())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What runs is not started a second time; what is not there is not shown."""
        folder = bool(self.session.journey.model_dir)
        match action:
            case "build" | "dockerfile" | "doctor":
                return folder and not self.running
            case "image" | "look":
                return not self.running
            case "view":
                return self.at_build if not parameters[0] else self.view.begun and not self.at_build
            case "search" | "error":
                return self.view.log_file is not None
        return super().check_action(action, parameters)

    async def action_back(self) -> None:
        """Esc leads from a build that ended to the reading before it goes anywhere."""
        if self.ask.pane is None and self.at_build and not self.running:
            self.action_view(False)
        else:
            await super().action_back()

    def action_log(self, *, search: bool = False, error: bool = False) -> None:
        """The log of the build is in a file, too."""
        from arbius_tui.screens.pages import LogPage

        self.app.push_screen(LogPage("Model", self.log_lines, self.view.log_file, search=search, error=error))

    def action_search(self) -> None:
        """Ask for a text and find it in the log."""
        self.action_log(search=True)

    def action_error(self) -> None:
        """The log at its last error."""
        self.action_log(error=True)

    @worker(group="copy", exclusive=True, exit_on_error=False)
    async def action_json(self) -> None:
        """All rows as JSON: those of the files, or those of the image."""
        items = self.view.items() if self.at_build else self.items.values()
        await copy_out(self, as_json(items), f"{len(items)} rows as JSON")

    def copy_text(self) -> str:
        """What the row under the cursor gives."""
        return self.view.copy_text() if self.at_build else super().copy_text()

    def command(self) -> str:
        """The same without a screen: the build that is shown or next, else the reading."""
        folder = self.session.journey.model_dir or "DIR"
        if self.at_build and self.maker:
            return join(["arbius-tui", *self.maker.command(folder)])
        if "doctor" in self.items:
            return f"{super().command()} --doctor"
        return join(["arbius-tui", "build", folder]) if self.wanted()[0] == "model.build" else super().command()
