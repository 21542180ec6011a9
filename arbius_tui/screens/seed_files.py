"""Files of the seed test: an output is opened, the report written, cases written and replayed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from textual import work as worker

from arbius_tui.screens.tabled import TableScreen
from arbius_tui.widgets.pane import Cancelled

if TYPE_CHECKING:
    from arbius_tui.steps.base import Step
    from arbius_tui.steps.seed_case import CaseSeen
    from arbius_tui.steps.seed_servers import Machines


class SeedFiles(TableScreen):
    """What the author can do with files. `next_step` is what the next run does."""

    next_step: Step | None = None

    @property
    def here(self) -> CaseSeen | None:
        """Hook: the run to look at."""
        raise NotImplementedError

    def machines(self) -> Machines:
        """Hook: the servers that were chosen."""
        raise NotImplementedError

    @worker(group="copy", exclusive=True, exit_on_error=False)
    async def action_open(self) -> None:
        """The first output of this run, with what the desktop has for it."""
        from arbius_tui.screens.opening import open_file
        from arbius_tui.steps.seed_compare import output_path

        walk = self.session.walk
        path = output_path(walk.services, self.here) if walk and self.here else None
        self.say(await open_file(str(path)) if path else "this run has no output here")

    @worker(group="pane", exclusive=True, exit_on_error=False)
    async def action_export(self) -> None:
        """Ask where the report shall lie, and write it."""
        from arbius_tui.steps.seed_report import SeedReport

        why = "JSON, a page for the pull request, and the card that miners need"
        await self.asked("report", "Where shall the report lie?", why, "seed-test-report", SeedReport)

    @worker(group="pane", exclusive=True, exit_on_error=False)
    async def action_write(self) -> None:
        """Ask for a file, and write the cases there."""
        from arbius_tui.steps.seed_test import WriteCases

        why = "change, add or remove cases in it; c runs them"
        await self.asked("cases", "Where shall the cases lie?", why, "cases.json", WriteCases)

    @worker(group="pane", exclusive=True, exit_on_error=False)
    async def action_replay(self) -> None:
        """Ask for a file of cases, and run them."""
        why = "exactly these cases run, in their order; w writes such a file"
        await self.asked("replay", "Which file of cases?", why, "cases.json", self.replayed)

    def replayed(self, path: Path) -> Step:
        """The cases of a file, on the servers that were chosen."""
        from arbius_tui.steps.seed_test import SeedTest

        return SeedTest(cases=path, machines=self.machines())

    async def asked(self, id: str, text: str, why: str, usual: str, step: Callable[[Path], Step]) -> None:
        """Run the step that the answer makes."""
        from arbius_tui.domain.questions import Question

        if self.running:
            self.say("the test still runs; x stops it")
            return
        try:
            answer = await self.ask(Question(id, text, why, usual))
        except Cancelled:
            return
        self.next_step = step(typed(answer))
        self.action_run()


def typed(text: str) -> Path:
    """A path as the author typed it."""
    return Path(text).expanduser().absolute()
