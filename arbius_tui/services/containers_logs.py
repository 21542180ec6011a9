"""The log of a model's container for a person: Cog's JSON lines made plain, and the reason in it why a setup failed.

Cog 0.17 and later write one JSON object a line (`fields.message`), 0.9 to 0.16 another one (`message`, `severity`),
and what the model prints comes between them as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from arbius_tui.domain.text import clean

LEVELS = {"WARN": "warning: ", "WARNING": "warning: ", "ERROR": "error: ", "CRITICAL": "error: "}

ERROR = re.compile(r"^(?:[a-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Exit|Interrupt|Warning|Failure|NotFound)\b.*$")
"""The last line of a traceback."""

COGS_OWN = "cog.server.exceptions."
"""Before the exceptions in which an old Cog wraps the model's own."""

SETUP = re.compile(r"Setup failed: (?:failed to load predictor: )?(.+)$")
"""How coglet says it, in one line."""

COGLETS = re.compile(r"worker setup failed: |worker (?:crashed|setup timed out)|failed to spawn worker")


def plain(line: str) -> str:
    """A line of the log as text; what is no JSON object of Cog's stays as it is."""
    if not line.startswith("{"):
        return clean(line)
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return clean(line)
    fields = found.get("fields") if isinstance(found, dict) else None
    said = fields if isinstance(fields, dict) else found
    if not isinstance(said, dict) or not isinstance(said.get("message"), str):
        return clean(line)
    return clean(f"{level(found)}{said['message'].rstrip()}{trace(said)}")


def level(found: Mapping[str, Any]) -> str:
    """The level as a word in front, none for what is only information."""
    named = found.get("level", found.get("severity"))
    return LEVELS.get(named.upper(), "") if isinstance(named, str) else ""


def trace(said: Mapping[str, Any]) -> str:
    """The traceback that an old Cog puts beside its message."""
    found = said.get("exception", said.get("error"))
    return f"\n{found.rstrip()}" if isinstance(found, str) and found.strip() else ""


def reason(lines: Sequence[str]) -> str:
    """The one line of a log that says why a setup failed, empty when none does."""
    text = [part for line in lines for part in line.split("\n")]
    for line in reversed(text):
        if found := SETUP.search(line):
            return found[1].strip()[:300]
    for line in reversed(text):
        if ERROR.match(line.strip()) and not line.startswith(COGS_OWN):
            return line.strip()[:300]
    return next((line.strip()[:300] for line in reversed(text) if COGLETS.search(line)), "")
