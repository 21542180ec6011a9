"""Ends a model's server that nobody comes back for: `python -m arbius_tui.rehearsal.keeper server.json`.

A wizard that is killed cannot end its server, and must find it again when it is started at once. So a process of its
own watches: it ends the server when its wizard has been gone for ten minutes, or when `server.json` is gone or names
another server. It ends itself with the server.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from arbius_tui.services.process import GRACE, born, signal_group

PATIENCE = 600.0
"""Seconds without a wizard."""

PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Remembered:
    """What `server.json` holds: the server, and the wizard it belongs to, each by number and birth."""

    url: str
    folder: str
    pid: int
    born: str
    owner: int = 0
    owner_born: str = ""


def remembered(file: Path) -> Remembered | None:
    """What the file holds; None when there is none or it is damaged."""
    try:
        found = json.loads(file.read_bytes())
        owner, owner_born = int(found.get("owner", 0)), str(found.get("owner_born", ""))
        return Remembered(
            str(found["url"]), str(found["folder"]), int(found["pid"]), str(found["born"]), owner, owner_born
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def watch(file: Path, patience: float = PATIENCE, pause: float = PAUSE) -> None:
    """Return when the server is gone, by itself or by us."""
    known = now = remembered(file)
    absent = 0.0
    while known and born(known.pid) == known.born:
        if now is None or now.pid != known.pid or absent > patience:
            end(known)
            return
        time.sleep(pause)
        now = remembered(file)
        here = now is not None and bool(now.owner_born) and born(now.owner) == now.owner_born
        absent = 0.0 if here else absent + pause


def end(known: Remembered) -> None:
    """The polite signal to the server, which ends its worker, and after some seconds the other one to all of them."""
    with suppress(ProcessLookupError):
        os.kill(known.pid, signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    while born(known.pid) == known.born and time.monotonic() < deadline:
        time.sleep(0.02)
    signal_group(known.pid, signal.SIGKILL)


if __name__ == "__main__":
    watch(Path(sys.argv[1]))
