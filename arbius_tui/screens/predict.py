"""Try a prediction: a form made from the model's schema over what came back; it lies over the Run screen."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual import work as worker
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget

from arbius_tui.domain import typed_inputs
from arbius_tui.domain.events import Found, Trouble
from arbius_tui.domain.text import exact_bytes, seconds
from arbius_tui.screens.base import StepScreen
from arbius_tui.screens.findings import FactBlock
from arbius_tui.screens.input_form import InputForm
from arbius_tui.screens.session import Session
from arbius_tui.steps.base import Step
from arbius_tui.widgets.fields import Form
from arbius_tui.widgets.frame import Rule
from arbius_tui.widgets.panes import Fact
from arbius_tui.widgets.preview import Preview
from arbius_tui.widgets.text import words

if TYPE_CHECKING:
    from arbius_tui.steps.predict import InputsSeen, OutputSeen, Predicted

TEXT_ROWS = 60


class PredictScreen(StepScreen):
    """The form, and what the model returned."""

    DEFAULT_CSS = """
    PredictScreen {
        #output { height: 1fr; display: none; }
        &.-output { #output { display: block; } }
        &.-output.-short InputForm, &.-output.-short #inputs-rule { display: none; }
        &.-output.-tall InputForm { height: auto; max-height: 40%; }
        &.-wide #output { margin-top: 1; }
    }
    """
    step = "run"
    why = (
        "One prediction, as a miner would ask for it: the fields are the model's own inputs with their types, "
        "defaults and bounds. What is wrong is said when you leave a field, and nothing is sent before all is valid.\n"
        "What comes back is decoded, hashed and measured. The files of the last try stay in the project's state "
        "folder until the next one. A miner commits to the folder's CID; the seed test proves that it is always the "
        "same one."
    )
    AUTO_FOCUS = "Form"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5", "run", "predict", id="frame.run", tooltip="ask the model with these inputs"),
        Binding("e", "edit", "inputs", id="predict.edit", tooltip="back to the inputs; the output stays"),
        Binding("f6", "look", "output", id="predict.output", tooltip="to what came back; there letters are keys"),
        Binding("o", "open", "open", id="predict.open", tooltip="open the output with what this desktop has for it"),
        Binding("n,right", "turn(1)", "next", id="predict.next", tooltip="the next output"),
        Binding("left", "turn(-1)", "before", id="predict.before", show=False, tooltip="the output before"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.inputs = InputForm()
        self.inputs_rule, self.output_rule = Rule("Inputs", id="inputs-rule", active=True), Rule("Output")
        self.facts, self.preview = FactBlock(5), Preview()
        self.outputs: list[OutputSeen] = []
        self.whole: Predicted | None = None
        self.at = 0
        self.reading, self.failed = True, False

    def body(self) -> Iterable[Widget]:
        """Inputs over output; on a small screen one of them."""
        yield self.inputs_rule
        yield self.inputs
        yield Vertical(self.output_rule, self.facts, self.preview, id="output")

    def on_mount(self) -> None:
        """Ask the server what it takes."""
        self.job = self.run_step()

    def work(self) -> Step:
        """First the inputs, then predictions."""
        from arbius_tui.steps.predict import Predict, ReadInputs

        return ReadInputs() if self.reading else Predict(texts=self.inputs.texts, keep=True)

    def action_run(self) -> None:
        """Predict with what stands in the form; a value that is wrong is shown instead."""
        if self.running or self.ask.pane is not None:
            return
        if self.reading:
            self.job = self.run_step()
            return
        if not self.inputs.check():
            self.edit()
            self.say("nothing was sent: " + ", ".join(self.inputs.wrong) + " must be valid first", "$error")
            return
        self.outputs, self.whole, self.at, self.failed = [], None, 0, False
        self.job = self.run_step()
        self.look()

    def look(self) -> None:
        """To the output: now letters are keys."""
        self.set_class(True, "-output")
        self.mark(False)
        self.draw()
        self.call_after_refresh(self.preview.focus)

    def edit(self) -> None:
        """To the form."""
        self.mark(True)
        if self.has_class("-short"):
            self.set_class(False, "-output")
        self.call_after_refresh(self.inputs.form.focus)

    def mark(self, editing: bool) -> None:
        """Heavy is the title of what has the keys."""
        self.inputs_rule.active, self.output_rule.active = editing, not editing
        self.inputs_rule.refresh()
        self.output_rule.refresh()

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

    async def action_back(self) -> None:
        """From a question to the form, from the output to the inputs, from those to the server; nothing is lost."""
        if self.ask.pane:
            self.ask.pane.escape()
        elif not self.editing:
            self.action_edit()
        else:
            self.cancel_job()
            await self.keep_typed()
            self.dismiss()

    async def keep_typed(self) -> None:
        """What was typed is there again next time; a secret is not kept."""
        from arbius_tui.domain.records import RunRecord

        walk = self.session.walk
        record = walk.journey.get(RunRecord) if walk else None
        texts = {name: text for name, text in self.inputs.texts.items() if self.inputs.known[name].type != "secret"}
        if walk and record and not self.reading and record.tried != texts:
            await walk.save(replace(record, tried=texts))

    def action_turn(self, by: int) -> None:
        """Another output."""
        if self.outputs:
            self.at = (self.at + by) % len(self.outputs)
            self.draw()

    @worker(group="open", exclusive=True, exit_on_error=False)
    async def action_open(self) -> None:
        """Open the file of the output, or say where it is."""
        from arbius_tui.screens.opening import open_file

        if output := self.output:
            self.say(await open_file(output.path))

    @property
    def output(self) -> OutputSeen | None:
        """The output that is shown."""
        return self.outputs[self.at] if self.at < len(self.outputs) else None

    @on(InputForm.Judged)
    def _judged(self) -> None:
        self.refresh_status()

    @on(Form.Submitted)
    def _submitted(self) -> None:
        self.action_run()

    def on_found(self, event: Found) -> None:
        """The inputs, an output, or the prediction as a whole."""
        from arbius_tui.steps.predict import InputsSeen, OutputSeen, Predicted

        match event.item:
            case InputsSeen():
                self.fill(event.item)
            case OutputSeen():
                self.outputs.append(event.item)
                self.draw()
            case Predicted():
                self.whole = event.item
                self.draw()

    def fill(self, seen: InputsSeen) -> None:
        """The form, once the server has said what it takes."""
        self.reading = False
        self.inputs.show(seen.inputs, seen.typed)
        url = str(self.session.journey.records.get(self.step, {}).get("url") or "")
        self.inputs_rule.show("Inputs", "", url)
        self.call_after_refresh(self.inputs.form.focus)

    def on_trouble(self, event: Trouble) -> None:
        """There is no output, and its place says so."""
        super().on_trouble(event)
        if event.problem.severity == "error" and not self.reading:
            self.outputs, self.whole, self.failed = [], None, True
            self.draw()

    def end(self) -> None:
        """Also after a cancel nothing is said to run."""
        super().end()
        if self.is_attached and not self.reading and not self.editing:
            self.draw()

    def draw(self) -> None:
        """The output under the cursor."""
        output, whole = self.output, self.whole
        if output is None:
            self.output_rule.show("Output", "FAIL" if self.failed else "run" if self.running else "")
            none = "none: a prediction that did not succeed has no output and no hash"
            said = "the model works" if self.running and not self.failed else none
            self.facts.show([Fact("output", (said, "$muted"))])
            self.preview.say(())
            return
        count = len(self.outputs)
        self.output_rule.show("Output", "ok" if whole else "run", f"{self.at + 1} of {count}" if count > 1 else "")
        form = "  ".join([output.filename, output.mime, exact_bytes(output.bytes), *measures(output)])
        facts = [Fact("form", form, "n next" if count > 1 else "F4 copy hash"), Fact("sha256", output.sha256)]
        if whole:
            cpu = ", CPU-ONLY: no proof for miners with GPUs" if whole.cpu_only else ""
            facts.append(Fact("took", f"{seconds(whole.seconds)}, {whole.shape}{cpu}"))
            folder = whole.folder_cid or "too big to compute its CID here"
            facts.append(Fact("folder", folder, "F1 why"))
        self.facts.show([*facts, Fact("file", (output.path, "$muted"), "o open")])
        self.show_preview(output)

    def show_preview(self, output: OutputSeen) -> None:
        """A picture, a text, or how to see what is neither."""
        if output.width:
            self.preview.show(output.path)
        elif output.text:
            self.preview.say(output.text.splitlines()[:TEXT_ROWS])
        else:
            self.preview.say([f"{output.mime} is not drawn in a terminal; o opens it"])

    def action_cancel(self) -> None:
        """Stop waiting; a server before Cog 0.17 goes on to the end."""
        super().action_cancel()
        self.say("cancelled; nothing is kept. A Cog server before 0.17 goes on until it is done")

    def wanted(self) -> list[str]:
        """Where the keys go decides: to the form, to the output, or to what runs."""
        if self.running:
            return ["frame.cancel"]
        if self.editing:
            return ["frame.run", "Enter next", "Space choose", "predict.output"]
        return ["frame.run", "predict.edit", "predict.open", *(["predict.next"] if len(self.outputs) > 1 else [])]

    def fills(self) -> bool:
        """While typing is next, the field is the fill."""
        return not self.running and not self.editing

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys of the output are there when there is one."""
        if action in ("open", "turn"):
            return self.output is not None and not self.editing
        if action in ("look", "edit"):
            return not self.reading and (self.running or self.whole is not None or not self.editing)
        return super().check_action(action, parameters)

    def status(self) -> Content:
        """What runs, what is wrong, or what is next."""
        if self.running:
            return words(("run  ", "bold $accent"), "asking what the model takes" if self.reading else "predicting")
        if self.reading:
            return words(("the server did not say what it takes; F5 asks again", "$muted"))
        if count := sum(field.state == "ERROR" for field in self.inputs.form.fields):
            return words((f"{count} ERROR", "bold $error"), ("  you can leave at any time; nothing is sent", "$muted"))
        if self.failed:
            return words(("FAIL  ", "bold $error"), ("e goes back to the inputs; they are as you left them", "$muted"))
        if self.whole:
            return words(("ok  ", "$success"), f"succeeded in {seconds(self.whole.seconds)}")
        return words((f"{len(self.inputs.known)} inputs, * is needed", "$muted"))

    def command(self) -> str:
        """The same without a screen: what differs from the model's defaults."""
        parts = ["arbius-tui", "predict"]
        if self.session.rehearsal:
            parts += ["--network", "rehearsal"]
        for name, item in self.inputs.known.items():
            text = self.inputs.texts.get(name, "")
            if item.type == "secret" and text:
                parts += ["-i", f"{name}=@FILE"]
            elif text != (typed_inputs.shown(item) if item.has_default else ""):
                parts += ["-i", f"{name}={text}"]
        return shlex.join(parts)

    def copy_text(self) -> str:
        """The hashes of what came back, else the command."""
        return "\n".join(output.sha256 for output in self.outputs) or self.command()


def measures(output: OutputSeen) -> list[str]:
    """Size in pixels or length in time."""
    size = [f"{output.width} x {output.height}"] if output.width else []
    return size + ([seconds(output.duration)] if output.duration else [])
