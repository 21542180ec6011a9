"""The console script. The wizard opens without the command line's parser, a tenth of the time to the first frame."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> None:
    """Run what the arguments say and exit with its code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """The plainest forms of the wizard go straight to it; everything else is parsed."""
    folders = [Path(a) for a in arguments if a != "--rehearse"]
    if len(folders) <= 1 and len(arguments) <= 2 and all(is_path(folder) for folder in folders):
        from arbius_tui import launch
        from arbius_tui.options import Options

        return launch.wizard(Options(), folders[0] if folders else None, "--rehearse" in arguments, ())
    from arbius_tui.cli import run_cli

    return run_cli(arguments)


def is_path(given: Path) -> bool:
    """A folder that cannot be mistaken for a command: it has a separator in it, or is `.`"""
    text = str(given)
    return not text.startswith("-") and (os.sep in text or text in (".", "..")) and given.is_dir()
