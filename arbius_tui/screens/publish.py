"""Publish: what is known for Replicate, and the command that pushes the model there."""

from __future__ import annotations

from arbius_tui.screens.facts import FactScreen


class PublishScreen(FactScreen):
    """What would be published."""

    step = "publish"
    basis = ("model", "run")
    why = (
        "Replicate is where other people try your model before a miner does, and where its image can be pulled from. "
        "The template names the image by its digest, so that everybody runs the same bytes that you proved.\n"
        "The chain asks for none of this: the steps after it work without, and you can come back at any time."
    )

    def command(self) -> str:
        """What pushes, by Cog itself."""
        return self.note.command or "cog login && cog push r8.im/OWNER/NAME"
