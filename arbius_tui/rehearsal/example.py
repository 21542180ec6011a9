"""Where the example model lies. Apart from its server, because the wizard looks for it before the first frame."""

from __future__ import annotations

from pathlib import Path

from arbius_tui.domain.errors import NotReady


def example_model() -> Path:
    """The example model's folder, in an installed package or in a checkout; NotReady when it is in neither."""
    here = Path(__file__).resolve().parent
    for folder in (here / "example-model", here.parents[1] / "assets" / "example-model"):
        if (folder / "cog.yaml").is_file():
            return folder
    raise NotReady("no-example", "the example model is missing from this installation", fix="install arbius-tui again")
