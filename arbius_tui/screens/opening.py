"""Opens a file with what this desktop has for it, or says where it lies."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Mapping

from arbius_tui.domain.text import clean
from arbius_tui.screens.clipboard import remote

LIMIT = 5.0
"""Seconds that an opener may take; it only tells a viewer what to show."""


def opener(environ: Mapping[str, str]) -> str:
    """The program that opens files here; empty without a desktop, also where the terminal is on another machine."""
    if remote(environ):
        return ""
    if sys.platform == "darwin":
        return shutil.which("open") or ""
    desktop = environ.get("WAYLAND_DISPLAY") or environ.get("DISPLAY")
    return (shutil.which("xdg-open") or "") if desktop else ""


async def open_file(path: str, environ: Mapping[str, str] | None = None) -> str:
    """Open it and return a sentence that says how, or where it is."""
    program = opener(os.environ if environ is None else environ)
    if not program:
        return f"no desktop here; it is {clean(path)}"
    nowhere = asyncio.subprocess.DEVNULL
    try:
        child = await asyncio.create_subprocess_exec(
            program, path, stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True
        )
    except OSError as error:
        return f"cannot start {clean(program)}: {error.strerror}; it is {clean(path)}"
    try:
        code = await asyncio.wait_for(child.wait(), LIMIT)
    except TimeoutError:
        return "opened"  # the viewer itself: it goes on
    return "opened" if code == 0 else f"{clean(program)} ended with {code}; it is {clean(path)}"
