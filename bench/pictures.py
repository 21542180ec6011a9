"""The README's pictures: each step's screen in the rehearsal, on a real terminal of 120x40, as SVG.

python -m bench.pictures [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

from arbius_tui.domain.journey import STEPS
from arbius_tui.steps.base import TITLES
from bench.keys import go
from bench.probe import OURS, opened, painted, scratch
from bench.svg import picture
from bench.walk import rehearse

FOLDER = Path(__file__).parent.parent / "assets" / "screens"


def main() -> None:
    """Walk the journey as lines of text, then open the wizard on it and draw each step."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with scratch() as home:
        rehearse(home)
        draw(home, folder)


def draw(home: str, folder: Path) -> None:
    """Go to each step and draw it when it rests."""
    with opened(OURS, home) as terminal:
        painted(terminal, OURS.ready)
        for number, step in enumerate(STEPS, 1):
            if number > 1:
                go(terminal, number, TITLES[step])
            terminal.settle(1.5, limit=30)
            path = folder / f"{number:02}-{step.replace('_', '-')}.svg"
            path.write_text(picture(terminal.display()))
            print(path)


if __name__ == "__main__":
    main()
