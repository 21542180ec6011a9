"""Try a prediction: a form made from the model's schema over what came back; it lies over the Run screen."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from textual import on
from textual.content import Content
from textual.widget import Widget

from arbius_tui.domain.events import Found, Line, Trouble
from arbius_tui.domain.text import seconds
from arbius_tui.screens.input_form import InputForm
from arbius_tui.screens.predict_keys import PredictKeys
from arbius_tui.steps.base import Step
from arbius_tui.widgets.fields import Form
from arbius_tui.widgets.text import words

if TYPE_CHECKING:
    from arbius_tui.steps.predict import InputsSeen


class PredictScreen(PredictKeys):
    """The form, and what the model returned."""

    DEFAULT_CSS = """
    PredictScreen {
        #output { height: 1fr; display: none; }
        &.-output { #output { display: block; } }
        &.-output.-short InputForm, &.-output.-short #inputs-rule { display: none; }
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

    def body(self) -> Iterable[Widget]:
        """Inputs over output; on a small screen one of them."""
        yield self.inputs_rule
        yield self.inputs
        yield self.output

    def on_mount(self) -> None:
        """Ask the server what it takes."""
        self.job = self.run_step()

    def work(self) -> Step:
        """First the inputs, then predictions."""
        from arbius_tui.steps.predict import Predict, ReadInputs

        step, self.next_step = self.next_step, None
        if step:
            return step
        self.tried = self.inputs.open_texts()
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
        self.job = self.run_step()
        self.output.begin()
        self.look()

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

        walk, texts = self.session.walk, self.inputs.open_texts()
        record = walk.journey.get(RunRecord) if walk else None
        if walk and record and not self.reading and record.tried != texts:
            await walk.save(replace(record, tried=texts))

    @on(InputForm.Judged)
    def _judged(self) -> None:
        self.refresh_status()
        self.share()

    def on_resize(self) -> None:
        """Another room, another share."""
        self.share()

    @on(Form.Submitted)
    def _submitted(self) -> None:
        self.action_run()

    def on_found(self, event: Found) -> None:
        """The inputs, an output, or the prediction as a whole."""
        from arbius_tui.steps.predict import InputsSeen, OutputSeen, Predicted
        from arbius_tui.steps.run import HealthSeen

        match event.item:
            case HealthSeen():
                self.health = event.item
            case InputsSeen():
                self.fill(event.item)
            case OutputSeen():
                self.output.add(event.item)
            case Predicted():
                self.output.succeed(event.item)

    def on_line(self, event: Line) -> None:
        """What was kept for the seed test is said."""
        super().on_line(event)
        if event.source == "cases" and event.text.startswith("kept"):
            self.say(event.text, "$success")

    def fill(self, seen: InputsSeen) -> None:
        """The form, once the server has said what it takes."""
        self.reading = False
        self.inputs.show(seen.inputs, seen.typed)
        url = str(self.session.journey.records.get(self.step, {}).get("url") or "")
        self.inputs_rule.show("Inputs", "", url)
        self.share()
        self.call_after_refresh(self.inputs.form.focus)

    def on_trouble(self, event: Trouble) -> None:
        """There is no output, and its place says so."""
        super().on_trouble(event)
        if event.problem.severity == "error" and not self.reading:
            self.output.fail()

    def end(self) -> None:
        """Also after a cancel nothing is said to run."""
        super().end()
        if self.is_attached:
            self.output.end()

    def action_cancel(self) -> None:
        """Stop waiting; a server before Cog 0.17 goes on to the end."""
        super().action_cancel()
        self.say("cancelled; nothing is kept. A Cog server before 0.17 goes on until it is done")

    def status(self) -> Content:
        """What runs, what is wrong, or what is next."""
        if self.running:
            return words(("run  ", "bold $accent"), "asking what the model takes" if self.reading else "predicting")
        if self.reading:
            return words(("the server did not say what it takes; F5 asks again", "$muted"))
        if count := sum(field.state == "ERROR" for field in self.inputs.form.fields):
            return words((f"{count} ERROR", "bold $error"), ("  you can leave at any time; nothing is sent", "$muted"))
        if self.output.failed:
            return words(("FAIL  ", "bold $error"), ("e goes back to the inputs; they are as you left them", "$muted"))
        if self.output.whole:
            return words(("ok  ", "$success"), f"succeeded in {seconds(self.output.whole.seconds)}")
        return words((f"{len(self.inputs.known)} inputs, * is needed", "$muted"))

    def command(self) -> str:
        """The same without a screen: what differs from the model's defaults."""
        network = ["--network", "rehearsal"] if self.session.rehearsal else []
        return shlex.join(["arbius-tui", "predict", *network, *self.inputs.flags()])

    def copy_text(self) -> str:
        """The hashes of what came back, else the command."""
        return self.output.hashes or self.command()
