"""The model that the checks forecast for: its cog.yaml, what it requires, and how large its folder is."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from arbius_tui.services.machine import Machine

if TYPE_CHECKING:
    from arbius_tui.domain.cog_config import CogConfig

LARGEST = 4 << 20
"""Bytes of a cog.yaml or a list of requirements that are worth reading."""
FILES, SECONDS = 50_000, 1.0
"""How many files are counted, and for how long, before the size of a folder is given up as `at least`."""


@dataclass(frozen=True, slots=True)
class Model:
    """What was read: cog.yaml, the lines of its requirements, and the bytes of its folder."""

    config: CogConfig
    requirements: tuple[str, ...]
    bytes: int


async def model_of(machine: Machine) -> Model | None:
    """The model, read once; None where no folder is known or it has no cog.yaml."""
    folder = machine.subject.folder
    if not folder:
        return None
    return await machine.once(("model", folder), lambda: asyncio.to_thread(read, Path(folder)))


def read(folder: Path) -> Model | None:
    """Read the folder; nothing of it is imported."""
    from arbius_tui.domain import cog_config

    text = small(folder / "cog.yaml")
    if text is None:
        return None
    config = cog_config.read(text)
    listed = small(folder / config.requirements) if config.requirements else None
    return Model(config, (*config.packages, *(listed or "").splitlines()), measured(folder))


def small(path: Path) -> str | None:
    """A small text file, None where there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace") if path.stat().st_size <= LARGEST else None
    except OSError:
        return None


def measured(folder: Path) -> int:
    """Bytes of all files below a folder, or of as many as can be counted in a second; links are not followed."""
    total, until = 0, time.monotonic() + SECONDS
    for place, size in enumerate(sizes(folder)):
        total += size
        if place >= FILES or time.monotonic() > until:
            break
    return total


def sizes(folder: Path) -> Iterator[int]:
    """The size of each file; folders that cannot be read have none."""
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                yield os.lstat(os.path.join(where, name)).st_size
            except OSError:
                continue
