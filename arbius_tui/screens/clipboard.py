"""Copy, and say what happened: a tool of this desktop, the terminal itself (OSC 52), or a file."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

TOOLS = (
    ("WAYLAND_DISPLAY", ("wl-copy",)),
    ("DISPLAY", ("xclip", "-selection", "clipboard")),
    ("DISPLAY", ("xsel", "--clipboard", "--input")),
    ("", ("pbcopy",)),
)
"""The variable that must be set for a tool to work, and its command; it reads what to copy on stdin."""
written: list[Path] = []
"""The file that stands in for a clipboard, once there is one."""
LIMIT = 2.0
"""Seconds a tool may take."""


def remote(environ: Mapping[str, str]) -> bool:
    """Whether the terminal is on another machine, so that a tool here would fill the wrong clipboard."""
    return any(environ.get(name) for name in ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"))


async def copy(text: str, osc52: Callable[[str], None], environ: Mapping[str, str] | None = None) -> str:
    """Copy the text and return a sentence that says how; a secret never comes here."""
    environ = os.environ if environ is None else environ
    if remote(environ):
        osc52(text)
        return "sent to your terminal's clipboard (OSC 52); some terminals refuse it"
    for needs, command in TOOLS:
        if (not needs or environ.get(needs)) and shutil.which(command[0]) and await feed(command, text):
            return f"copied by {command[0]}"
    return await asyncio.to_thread(to_file, text)


async def clear(osc52: Callable[[str], None], environ: Mapping[str, str] | None = None) -> str:
    """Empty the clipboard after a secret was pasted from it, and return a sentence that says how far that goes."""
    environ = os.environ if environ is None else environ
    for needs, command in () if remote(environ) else TOOLS:
        if (not needs or environ.get(needs)) and shutil.which(command[0]) and await feed(command, ""):
            return f"the clipboard was cleared by {command[0]}; a clipboard manager may have a copy"
    osc52("")
    return "asked your terminal to clear its clipboard (OSC 52); some refuse: copy something else now"


async def feed(command: tuple[str, ...], text: str) -> bool:
    """Whether the tool took the text in time. Its output is not read: xclip keeps it open as long as it serves."""
    nowhere = asyncio.subprocess.DEVNULL
    try:
        child = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=nowhere, stderr=nowhere
        )
    except OSError:
        return False
    try:
        await asyncio.wait_for(child.communicate(text.encode()), LIMIT)
    except TimeoutError:
        return False
    finally:
        if child.returncode is None:
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()
    return child.returncode == 0


def to_file(text: str) -> str:
    """The last resort: a file that only this user can read; one for the whole run."""
    try:
        if not written:
            handle, name = tempfile.mkstemp(prefix="arbius-tui-", suffix=".txt")
            os.close(handle)
            written.append(Path(name))
        written[0].write_text(text, encoding="utf-8")
    except OSError as error:
        return f"no clipboard here, and no file could be written: {error.strerror}"
    return f"no clipboard here; written to {written[0]}"
