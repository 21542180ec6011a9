"""Model: what stands in the model's folder, and the command that builds it."""

from __future__ import annotations

from shlex import quote

from arbius_tui.domain.journey import Journey
from arbius_tui.screens.facts import FactScreen, kept, row
from arbius_tui.widgets.panes import Empty
from arbius_tui.widgets.text import Row


class ModelScreen(FactScreen):
    """The facts of the folder."""

    step = "model"
    basis = ("checks",)
    why = (
        "A Cog model is a folder with a cog.yaml and a Python class whose method makes one output from named inputs. "
        "Those inputs become the template that is registered, so what stands here decides what people can ask for.\n"
        "Miners set the input `seed` themselves, for every task anew: a model without it cannot be checked by others. "
        "Nothing is ever written into this folder."
    )

    def empty(self) -> Empty | None:
        """Without a folder."""
        if self.session.journey.model_dir:
            return None
        return Empty(
            "No model's folder was given.",
            [("F10", "go on: a server that runs already needs none"), ("^Q", "quit, and start with: arbius-tui DIR")],
            "DIR is the folder with your cog.yaml.",
        )

    def saved_rows(self, journey: Journey) -> list[Row | str]:
        """The folder, its predictor and its inputs as they were last seen."""
        listed = journey.records.get("model", {}).get("inputs") or ()
        names = ", ".join(str(name) for name in listed)
        known = [("folder", kept(journey, "model", "folder") or journey.model_dir),
                 ("predictor", kept(journey, "model", "predictor")), ("inputs", names)]  # fmt: skip
        return [row(name, name, "", found) for name, found in known if found]

    def command(self) -> str:
        """The same without a screen."""
        return f"arbius-tui model {quote(self.session.journey.model_dir or 'DIR')}"
