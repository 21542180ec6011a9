"""What a prediction gave: each output with its hash, size and time over a picture or its first lines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual.containers import Vertical
from textual.widget import Widget

from arbius_tui.domain.text import exact_bytes, seconds
from arbius_tui.screens.findings import FactBlock
from arbius_tui.widgets.frame import Rule
from arbius_tui.widgets.panes import Fact
from arbius_tui.widgets.preview import Preview

if TYPE_CHECKING:
    from arbius_tui.steps.predict import OutputSeen, Predicted

TEXT_ROWS = 60
"""Lines of a text that are handed to the preview."""


class OutputPane(Vertical):
    """The outputs of one prediction, one at a time. `whole` is there once it succeeded; `failed`: it did not."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.rule, self.facts, self.preview = Rule("Output"), FactBlock(5), Preview()
        self.outputs: list[OutputSeen] = []
        self.whole: Predicted | None = None
        self.at, self.failed, self.running = 0, False, False

    def compose(self) -> Iterable[Widget]:
        """Title, facts, picture."""
        yield from (self.rule, self.facts, self.preview)

    @property
    def output(self) -> OutputSeen | None:
        """The output that is shown."""
        return self.outputs[self.at] if self.at < len(self.outputs) else None

    @property
    def hashes(self) -> str:
        """All of them, one a line."""
        return "\n".join(output.sha256 for output in self.outputs)

    def begin(self) -> None:
        """A new prediction."""
        self.outputs, self.whole, self.at, self.failed, self.running = [], None, 0, False, True
        self.draw()

    def add(self, output: OutputSeen) -> None:
        """One more output."""
        self.outputs.append(output)
        self.draw()

    def succeed(self, whole: Predicted) -> None:
        """The prediction as a whole."""
        self.whole = whole
        self.draw()

    def fail(self) -> None:
        """There is no output, and its place says so."""
        self.outputs, self.whole, self.failed = [], None, True
        self.draw()

    def end(self) -> None:
        """Nothing runs, however it ended."""
        self.running = False
        self.draw()

    def turn(self, by: int) -> None:
        """Another output."""
        if self.outputs:
            self.at = (self.at + by) % len(self.outputs)
            self.draw()

    def mark(self, active: bool) -> None:
        """Heavy is the title of what has the keys."""
        self.rule.active = active
        self.rule.refresh()

    def draw(self) -> None:
        """The output under the cursor."""
        output, whole = self.output, self.whole
        if output is None:
            self.rule.show("Output", "FAIL" if self.failed else "run" if self.running else "")
            none = "none: a prediction that did not succeed has no output and no hash"
            self.facts.show(
                [Fact("output", ("the model works" if self.running and not self.failed else none, "$muted"))]
            )
            self.preview.say(())
            return
        count = len(self.outputs)
        self.rule.show("Output", "ok" if whole else "run", f"{self.at + 1} of {count}" if count > 1 else "")
        form = "  ".join([output.filename, output.mime, exact_bytes(output.bytes), *measures(output)])
        facts = [Fact("form", form, "n next" if count > 1 else "F4 copy hash"), Fact("sha256", output.sha256)]
        if whole:
            cpu = ", CPU-ONLY: no proof for miners with GPUs" if whole.cpu_only else ""
            facts.append(Fact("took", f"{seconds(whole.seconds)}, {whole.shape}{cpu}"))
            facts.append(Fact("folder", whole.folder_cid or "too big to compute its CID here", "F1 why"))
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


def measures(output: OutputSeen) -> list[str]:
    """Size in pixels or length in time."""
    size = [f"{output.width} x {output.height}"] if output.width else []
    return size + ([seconds(output.duration)] if output.duration else [])
