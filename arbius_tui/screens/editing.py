"""Lends the terminal to the author's editor and takes it back."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Sequence
from typing import Any

from textual.app import App, SuspendNotSupported

from arbius_tui.domain.text import clean


def editor() -> list[str]:
    """The author's editor as a command, from $VISUAL or $EDITOR; empty when there is none or its quotes are open."""
    try:
        return shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "")
    except ValueError:
        return []


def lend(app: App[Any], command: Sequence[str]) -> str:
    """Run the editor until it ends; what went wrong in a sentence, empty when nothing did.

    It owns the terminal, and this thread waits for it: nothing of ours may draw meanwhile.
    """
    name = clean(os.path.basename(command[0]))
    try:
        with app.suspend():
            # The command is the author's own $EDITOR.
            code = subprocess.run(command, check=False).returncode  # noqa: S603
    except SuspendNotSupported:
        return "an editor cannot be opened from here"
    except OSError as error:
        return f"cannot start {name}: {error.strerror}"
    return f"{name} ended with {code}" if code else ""
