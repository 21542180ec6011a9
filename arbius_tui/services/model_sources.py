"""The texts of a model's folder that say how it works: cog.yaml, Python files, requirements. Nothing is imported."""

from __future__ import annotations

import io
import os
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from arbius_tui.domain.errors import BadInput
from arbius_tui.services import files

SKIPPED = {".git", ".hg", ".venv", "venv", "env", "__pycache__", "node_modules", ".cog", ".mypy_cache", ".ruff_cache",
           ".pytest_cache", ".tox", ".eggs", "site-packages", ".ipynb_checkpoints"}  # fmt: skip
MOST_NAMES, MOST_TEXTS, MOST_BYTES = 20_000, 500, 8_000_000
"""Files that are listed, files that are read, and bytes that are read, the ones nearest to the top first."""
LARGEST = 1_000_000
"""Bytes of a single text; a model's own code is far smaller."""


@dataclass(frozen=True, slots=True)
class ModelSources:
    """What `domain.model_reading.read_model` takes; `left_out` are Python files that were too many or too large."""

    config_text: str
    sources: dict[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def read(folder: Path) -> ModelSources:
    """Read a model's folder. BadInput: `no-such-folder`, `no-cog-yaml`, `cannot-read`. Blocks: call it in a thread."""
    if not folder.is_dir():
        raise BadInput(
            "no-such-folder",
            f"{folder} is not a folder",
            why="a model is a folder with a cog.yaml in it",
            fix="give the folder of your model, or make a new one: arbius-tui model new DIR",
        )
    if not (folder / "cog.yaml").is_file():
        raise BadInput(
            "no-cog-yaml",
            f"there is no cog.yaml in {folder}",
            why="cog builds a model from its cog.yaml",
            fix="point at the folder that has it, or make a new model: arbius-tui model new DIR",
        )
    config_text = files.read(folder / "cog.yaml", LARGEST).decode("utf-8", "replace")
    names = sorted(listed(folder), key=lambda name: (name.count("/"), name))
    found: dict[str, str] = {}
    left_out: list[str] = []
    total = 0
    for name in (n for n in names if n.endswith((".py", ".txt", ".in"))):
        text = read_text(folder / name)
        if text is None or len(found) >= MOST_TEXTS or total + len(text) > MOST_BYTES:
            left_out += [name] if name.endswith(".py") else []
        else:
            found[name] = text
            total += len(text)
    return ModelSources(config_text, found, tuple(names), tuple(left_out))


def listed(folder: Path) -> Iterator[str]:
    """The paths of all files below a folder, as POSIX paths, without what tools leave behind."""
    count = 0
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in SKIPPED)
        start = Path(here).relative_to(folder)
        for name in sorted(names):
            count += 1
            if count > MOST_NAMES:
                return
            yield (start / name).as_posix()


def read_text(path: Path) -> str | None:
    """A text as its author's Python would decode it, line ends untouched; None for what is too large or unreadable."""
    try:
        if not path.is_file() or path.stat().st_size > LARGEST:
            return None
        data = path.read_bytes()
    except OSError:
        return None
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode("utf-8" if encoding == "utf-8-sig" else encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        return data.decode("utf-8", "replace")
