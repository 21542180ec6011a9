"""The whole log of a build, for whoever shows it: search in its file, in a thread."""

from __future__ import annotations

import asyncio
from pathlib import Path

from arbius_tui.domain.build_log import TROUBLE
from arbius_tui.services.log_search import Window, look

__all__ = ["Window", "find", "find_trouble"]


async def find(log: Path, needle: str, after: int = 0, by: int = 1) -> Window | None:
    """The lines around the next line with this text, None if there is none; NotReady without a file."""
    return await asyncio.to_thread(look, log, needle, after, by)


async def find_trouble(log: Path, before: int) -> Window | None:
    """The lines around the last one before this line that tells of an error."""
    return await asyncio.to_thread(look, log, TROUBLE, before, -1)
