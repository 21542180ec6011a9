"""A new model, right from the start: its seed takes all that miners send, and its output is a list of one PNG."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

from arbius_tui.domain.errors import BadInput, NotReady
from arbius_tui.domain.text import clean

TEMPLATES = {
    "cog.yaml": "cog.yaml",
    "predict.py": "predict.py.txt",
    "requirements.txt": "requirements.txt",
    ".dockerignore": "dockerignore",
}
"""The name in the new folder -> the name in our package, where a `predict.py` would pass for code of ours."""


def scaffold(folder: Path) -> list[Path]:
    """Write the files of a new model into a folder that is new or empty; the paths in the order they were written.

    BadInput: `folder-not-empty`, `not-a-folder`. NotReady: `cannot-write`; then nothing is left behind. Blocks: call it
    in a thread.
    """
    refuse(folder)
    made: list[Path] = []
    new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, template in TEMPLATES.items():
            path = folder / name
            with path.open("xb") as file:
                made.append(path)
                file.write(text_of(template))
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        undo(folder, made, new)
        raise cannot_write(folder, error) from None
    return made


def text_of(template: str) -> bytes:
    """A file of the package."""
    return (resources.files("arbius_tui.services") / "new_model" / template).read_bytes()


def refuse(folder: Path) -> None:
    """Raise for a folder in which something stands already: nothing of the author's is ever overwritten."""
    shown = clean(str(folder))
    try:
        if folder.exists() and not folder.is_dir():
            raise BadInput(
                "not-a-folder", f"{shown} is a file", fix="give the name of a folder that does not exist yet"
            )
        inside = sorted(entry.name for entry in folder.iterdir()) if folder.exists() else []
    except OSError as error:
        raise cannot_write(folder, error) from None
    if inside:
        some = clean(", ".join(inside[:3])) + (", ..." if len(inside) > 3 else "")
        raise BadInput(
            "folder-not-empty",
            f"{shown} is not empty: {some}",
            why="nothing of yours is overwritten",
            fix="give the name of a folder that does not exist yet; `arbius-tui model DIR` reads a model that does",
        )


def undo(folder: Path, made: list[Path], new: bool) -> None:
    """Take back what was written."""
    for path in made:
        path.unlink(missing_ok=True)
    if new and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def cannot_write(folder: Path, error: OSError) -> NotReady:
    """A folder that cannot be written to."""
    return NotReady(
        "cannot-write",
        f"cannot write into {clean(str(folder))}: {(error.strerror or str(error)).lower()}",
        why="nothing was left behind",
        fix="choose a folder that you may write to, or free some space",
    )
