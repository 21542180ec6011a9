"""The README's pictures: the rehearsal walked with keys on a real terminal, each step drawn as SVG when it is done.

python -m bench.pictures [FOLDER]
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from bench.probe import OURS, private, scratch
from bench.svg import picture
from tests.stories.terminal import Terminal

FOLDER = Path(__file__).parent.parent / "assets" / "screens"
LOOKS: Mapping[str, tuple[int, int, dict[str, str | None]]] = {
    "120-dark": (120, 40, {}),
    "120-light": (120, 40, {"palette": "light"}),
    "80-ansi": (80, 24, {"TERM": "xterm", "COLORTERM": None}),
    "80-mono": (80, 24, {"NO_COLOR": "1"}),
}
"""Columns, rows and surroundings of each look; `palette` goes into the config file."""
FIRST, OTHERS = "120-dark", ("checks", "seed_test", "register")
"""The look in which every step is drawn, and the steps that are drawn in the others, too."""
STEPS = (
    ("checks", ("ctrl+g", "1", "enter"), "5 ok"),
    ("model", ("f10",), "predict.py:Predictor"),
    ("run", ("f10", "enter"), "READY"),
    ("seed_test", ("f10", " "), "reproducible"),
    ("publish", ("f10",), "cog push"),
    ("template", ("f10", "enter", "WAIT:lie?", "enter", "WAIT:come from", "enter"), "of 65,536"),
    ("pin", ("f10", "enter"), "3 SAME"),
    ("wallet", ("f10", "enter"), "0.01 ETH"),
    ("register", ("f10", "enter", "WAIT:own the model", "enter", "WAIT:What fee", "enter"), "last 4 characters"),
    ("wire_in", ("CONFIRM", "f10"), "mineable"),
    ("after", ("f10",), "4 ok"),
)
"""Each step, the keys that lead to it, and the text that shows that it is done."""


def main() -> None:
    """Draw every step in the first look, and the steps that show most in the others."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, (columns, rows, env) in LOOKS.items():
        with scratch() as home:
            surroundings = {**private(home), **{k: v for k, v in env.items() if k != "palette"}}
            if env.get("palette"):
                config = Path(home) / "config" / "arbius-tui"
                config.mkdir(parents=True)
                (config / "config.toml").write_text(f'palette = "{env["palette"]}"\n')
            with Terminal(OURS.argv, columns, rows, surroundings, cwd=home) as terminal:
                walk(terminal, folder, name)


def walk(terminal: Terminal, folder: Path, look: str) -> None:
    """Press the keys; draw each step when it rests."""
    terminal.wait_for("5 ok")
    for step, keys, done in STEPS:
        for key in keys:
            press(terminal, key)
        terminal.wait_for(done, 60)
        terminal.settle(1.2, limit=20)
        if look == FIRST or step in OTHERS:
            path = folder / f"{step}-{look}.svg"
            path.write_text(picture(terminal.display()))
            os.write(1, f"{path}\n".encode())
    terminal.send("ctrl+q")
    terminal.wait_exit()


def press(terminal: Terminal, key: str) -> None:
    """A key, a text to wait for, or the typed confirmation."""
    if key.startswith("WAIT:"):
        terminal.wait_for(key.removeprefix("WAIT:"), 40)
    elif key == "CONFIRM":
        row = next(line for line in terminal.screen() if "model id" in line and ".." in line)
        terminal.send(row.split("..")[1][:4])
        terminal.wait_for("matches")
        terminal.send("enter")
        terminal.wait_for("mined", 40)
        terminal.settle(1.2, limit=20)
    else:
        terminal.send(key)
        terminal.settle(0.3)


if __name__ == "__main__":
    main()
