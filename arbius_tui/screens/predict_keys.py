"""The keys of a prediction that is tried: between the form and the output, and what letters do on the output."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work as worker
from textual.binding import Binding, BindingType

from arbius_tui.screens.base import StepScreen
from arbius_tui.screens.input_form import InputForm
from arbius_tui.screens.output_pane import OutputPane
from arbius_tui.screens.session import Session
from arbius_tui.widgets.frame import Rule

if TYPE_CHECKING:
    from arbius_tui.steps.base import Step
    from arbius_tui.steps.run import HealthSeen


class PredictKeys(StepScreen):
    """A form and an output, of which one has the keys; `reading`: the server has not said yet what it takes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5", "run", "predict", id="frame.run", tooltip="ask the model with these inputs"),
        Binding("e", "edit", "inputs", id="predict.edit", tooltip="back to the inputs; the output stays"),
        Binding("f6", "look", "output", id="predict.output", tooltip="to what came back; there letters are keys"),
        Binding("k", "keep", "keep", id="predict.keep", tooltip="keep it as a case of the seed test, wanted twice"),
        Binding("o", "open", "open", id="predict.open", tooltip="open the output with what this desktop has for it"),
        Binding("n,right", "turn(1)", "next", id="predict.next", tooltip="the next output"),
        Binding("left", "turn(-1)", "before", id="predict.before", show=False, tooltip="the output before"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.inputs = InputForm()
        self.inputs_rule, self.output = Rule("Inputs", id="inputs-rule", active=True), OutputPane(id="output")
        self.reading = True
        self.tried: dict[str, str] = {}
        """What the output came from, as it was typed."""
        self.next_step: Step | None = None
        self.health: HealthSeen | None = None

    def look(self) -> None:
        """To the output: now letters are keys."""
        self.set_class(True, "-output")
        self.share()
        self.mark(False)
        self.call_after_refresh(self.output.preview.focus)

    def share(self) -> None:
        """Beside an output the form takes what it needs, at most two fifths of the height."""
        beside = self.has_class("-output") and self.has_class("-tall")
        most = max(6, (self.size.height - 4) * 2 // 5)
        self.inputs.styles.height = min(self.inputs.rows, most) if beside else "1fr"

    def edit(self) -> None:
        """To the form."""
        self.mark(True)
        if self.has_class("-short"):
            self.set_class(False, "-output")
        self.call_after_refresh(self.inputs.form.focus)

    def mark(self, editing: bool) -> None:
        """Heavy is the title of what has the keys."""
        self.inputs_rule.active = editing
        self.inputs_rule.refresh()
        self.output.mark(not editing)

    def action_edit(self) -> None:
        """Back to the inputs."""
        self.edit()
        self.call_after_refresh(self.refresh_keys)

    @property
    def editing(self) -> bool:
        """Whether keys go to the form."""
        return self.inputs_rule.active

    def action_look(self) -> None:
        """To what came back."""
        self.look()
        self.call_after_refresh(self.refresh_keys)

    def action_turn(self, by: int) -> None:
        """Another output."""
        self.output.turn(by)

    @worker(group="open", exclusive=True, exit_on_error=False)
    async def action_open(self) -> None:
        """Open the file of the output, or say where it is."""
        from arbius_tui.screens.opening import open_file

        if output := self.output.output:
            self.say(await open_file(output.path))

    def action_keep(self) -> None:
        """Keep what was tried as a case of the seed test."""
        from arbius_tui.steps.seed_edit import KeepTried

        if not self.running and self.output.whole:
            self.next_step = KeepTried(self.tried)
            self.job = self.run_step()

    def wanted(self) -> list[str]:
        """Where the keys go decides: to the form, to the output, or to what runs."""
        if self.running:
            return ["frame.cancel"]
        if self.reading:
            return ["frame.run"]
        if self.editing:
            return ["frame.run", "Enter next", "Space choose", "predict.output"]
        return [
            "frame.run",
            "predict.edit",
            "predict.keep",
            "predict.open",
            *(["predict.next"] if len(self.output.outputs) > 1 else []),
        ]

    def fills(self) -> bool:
        """While typing is next, the field is the fill."""
        return not self.running and not self.editing

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys of the output are there when there is one."""
        if action in ("open", "turn", "keep"):
            return self.output.output is not None and not self.editing
        if action in ("look", "edit"):
            return not self.reading and (self.running or bool(self.output.whole) or not self.editing)
        return super().check_action(action, parameters)
