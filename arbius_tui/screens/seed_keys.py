"""The keys of the seed test: run, hold, leave out, run again, compare two runs, export, write and replay cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work as worker
from textual.binding import Binding, BindingType

from arbius_tui.screens.seed_files import SeedFiles
from arbius_tui.widgets.pane import Cancelled

if TYPE_CHECKING:
    from textual.worker import Worker

    from arbius_tui.screens.seed_cases import CasesScreen
    from arbius_tui.steps.base import Step
    from arbius_tui.steps.seed_case import CaseSeen
    from arbius_tui.steps.seed_servers import Machines
    from arbius_tui.steps.seed_track import Control


class SeedKeys(SeedFiles):
    """What the author can do with cases and runs. `cases` are all runs by server and case."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "run_or_hold", "run", id="seed_test.run", tooltip="run all cases; while they run hold, go on"),
        Binding(
            "d",
            "diff",
            "diff",
            id="seed_test.diff",
            tooltip="compare it with the marked run, else with its own",
        ),
        Binding("m", "mark", "mark", id="seed_test.mark", tooltip="mark this run, to compare another one with it"),
        Binding("s", "servers", "servers", id="seed_test.servers", tooltip="run the same cases on other servers, too"),
        Binding("v", "server", "view", id="seed_test.server", tooltip="look at the same case on the next server"),
        Binding("l", "leave_out", "leave", id="seed_test.leave", tooltip="leave out the case that runs"),
        Binding("f5", "again", "rerun", id="frame.run", tooltip="run the cases again that were not as wanted"),
        Binding("o", "open", "open", id="seed_test.open", tooltip="open the output of this run"),
        Binding("e", "export", "export", id="seed_test.export", tooltip="write the report and the miner card"),
        Binding("a", "cases", "cases", id="seed_test.cases", tooltip="see the cases, change them, add your own"),
        Binding("w", "write", "write", id="seed_test.write", tooltip="write the cases to a file that can be changed"),
        Binding("c", "replay", "replay", id="seed_test.replay", tooltip="run the cases of a file"),
    ]
    cases: dict[tuple[str, str], CaseSeen]

    def setup_keys(self) -> None:
        """Nothing is marked, and nothing was chosen."""
        self.next_step: Step | None = None
        self.also: tuple[str, ...] = ()
        """Servers that the author named here, beside those of the command line."""
        self.control: Control | None = None
        self.other: tuple[str, str] | None = None
        self.listing: CasesScreen | None = None

    def wanted(self) -> list[str]:
        """Running is next, then the next step; what needs a run comes with the first one."""
        if self.running:
            held = self.control is not None and self.control.held
            return ["frame.cancel", "Space go on" if held else "Space hold", "seed_test.leave", "seed_test.server"]
        later = ("diff", "mark", "server", "open", "export", "write")
        own = ["seed_test.run", "seed_test.cases"]
        own += [*(f"seed_test.{key}" for key in later if self.cases), "seed_test.replay"]
        own.insert(5 if self.cases else 2, "seed_test.servers")
        mend = ["frame.run"] if any(map(to_mend, self.cases.values())) else []
        return ["frame.next", *own] if self.finished else [*mend, *own]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A key that would do nothing is none."""
        if action == "server":
            return len({server for server, _ in self.cases}) > 1
        if action == "leave_out":
            return self.running
        if action in ("cases", "servers"):
            return not self.running
        return super().check_action(action, parameters)

    def work(self) -> Step | None:
        """What a key asked for, else the whole test, so that it can be held."""
        from arbius_tui.steps.seed_test import SeedTest
        from arbius_tui.steps.seed_track import Control

        step, self.next_step = self.next_step, None
        if step is None:
            step = SeedTest(machines=self.machines())
        self.control = step.control if isinstance(step, SeedTest) else Control()
        return step

    def action_run_or_hold(self) -> None:
        """Run; while it runs begin no further case, or go on."""
        if not self.running:
            self.action_run()
        elif self.control and self.control.held:
            self.control.go_on()
            self.say("it goes on")
            self.refresh_keys()
        elif self.control:
            self.control.hold()
            self.say("no further case begins; Space goes on, x stops")
            self.refresh_keys()

    def action_again(self) -> None:
        """Only what was not as wanted."""
        from arbius_tui.steps.seed_test import SeedTest

        if self.running:
            return
        if self.cases and not any(map(to_mend, self.cases.values())):
            self.say("every case is as wanted; Space runs them all again")
            return
        self.also = self.also or tuple(self.others())
        self.next_step = SeedTest(again=bool(self.cases), machines=self.machines())
        self.action_run()

    def machines(self) -> Machines:
        """The servers that the author chose here."""
        from arbius_tui.steps.seed_servers import Machines

        return Machines(self.also)

    def others(self) -> list[str]:
        """Hook: the servers of the last test but the first."""
        return []

    @worker(group="pane", exclusive=True, exit_on_error=False)
    async def action_servers(self) -> None:
        """Ask for the other servers, and run the cases on all of them."""
        from arbius_tui.domain.questions import Question

        usual, like = (
            " ".join(self.also or self.others()),
            "URL, ssh://me@gpu, tcp://gpu:2376, context, replicate:me/model",
        )
        try:
            answer = await self.ask(Question("servers", "Which other servers, with blanks between?", like, usual))
        except Cancelled:
            return
        self.also = tuple(answer.split())
        self.action_run()

    def action_leave_out(self) -> None:
        """The case under the cursor if it runs, else the first that does."""
        running = [case for case in self.cases.values() if case.status == "run"]
        case = self.here if self.here in running else next(iter(running), None)
        if case is None or self.control is None or not self.control.leave_out(case.key):
            self.say("no case runs")

    def action_cases(self) -> None:
        """The cases before they run, over this screen."""
        from arbius_tui.screens.seed_cases import CasesScreen

        self.listing = CasesScreen(self.session)
        self.app.push_screen(self.listing)

    def jobs(self) -> list[Worker[None]]:
        """Also a change that is being kept."""
        return super().jobs() + (self.listing.jobs() if self.listing and self.listing.is_attached else [])

    def action_mark(self) -> None:
        """The run that the next `d` compares with."""
        if self.here is None or not self.here.outputs:
            self.say("this run has no output to compare")
            return
        self.other = self.here.key
        self.say(f"marked: case {self.here.number}; d on another run compares the two")

    def action_diff(self) -> None:
        """This run and the marked one, or the one that it is compared with."""
        from arbius_tui.steps.seed_compare import SeedCompare

        case = self.here
        if case is None or self.running:
            self.say("the test still runs; x stops it")
            return
        server, id = self.other or (case.endpoint, case.against if case.against != case.id else "")
        self.other = None
        if not id or (server, id) == case.key:
            self.say("mark another run first: m")
            return
        self.next_step = SeedCompare(f"{server}/{id}", f"{case.endpoint}/{case.id}")
        self.action_run()


def to_mend(case: CaseSeen) -> bool:
    """Whether a case is not as wanted, or was left out by the author."""
    from arbius_tui.domain.reproducibility import LEFT_OUT

    return not case.wanted or case.why == LEFT_OUT
