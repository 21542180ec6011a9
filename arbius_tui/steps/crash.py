"""A fault of ours: words for the author, the traceback in a file, never on the screen."""

from __future__ import annotations

import traceback
from pathlib import Path

from arbius_tui.domain.errors import Fix, Problem
from arbius_tui.domain.text import clean


def broke(error: BaseException, folder: Path, again: str = "F5 tries again") -> Problem:
    """The panel for an exception that is no Failure; its traceback, without the values of variables, goes to a file."""
    place = _write(error, folder)
    return Problem(
        "internal",
        "Something broke in arbius-tui",
        why="this is a fault of ours, not of your model; what was saved is safe",
        fix=Fix(f"{again}; details are in {place}" if place else again),
        detail=f"{type(error).__name__}: {clean(str(error))}",
    )


def log_folder() -> Path:
    """Where reports of our own faults go."""
    from platformdirs import user_log_path

    return user_log_path("arbius-tui", appauthor=False)


def _write(error: BaseException, folder: Path) -> Path | None:
    text = clean("".join(traceback.format_exception(error)))
    path = folder / "crash.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        with path.open("a", encoding="utf-8") as file:
            file.write(text + "\n")
    except OSError:
        return None
    return path


def last_words(problem: Problem) -> str:
    """A problem as the few lines that stay in the terminal when the wizard has ended."""
    return f"{problem.what}: {problem.detail}\n{problem.why}\n{problem.fix.text if problem.fix else ''}"
