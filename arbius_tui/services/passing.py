"""A folder for work that belongs to no journey, which the same work finds again after a kill."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

KEPT = 2 * 24 * 3600.0
"""Seconds after which nobody comes back for what a kill left."""


@contextmanager
def passing(state: Path | None, names: Sequence[str], unfinished: str) -> Iterator[Path]:
    """The folder of work on these servers, below this state; it goes at the end unless a file `unfinished` is in it.

    Where another process works on the same servers, or nothing can be written, it is a temporary one.
    """
    key = hashlib.sha256("\n".join(names).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    with ExitStack() as held:
        place = claimed(state / "passing", key, held) if state else None
        if place is None:
            place = Path(
                held.enter_context(tempfile.TemporaryDirectory(prefix="arbius-tui-", ignore_cleanup_errors=True))
            )
        try:
            yield place
        finally:
            if not (place / unfinished).exists():
                shutil.rmtree(place, ignore_errors=True)


def claimed(home: Path, key: str, held: ExitStack) -> Path | None:
    """The folder of this name, for this process alone until `held` is closed; None where it is not to be had."""
    with suppress(OSError):
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(home / f"{key}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        held.callback(os.close, handle)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        sweep(home, key)
        place = home / key
        place.mkdir(exist_ok=True, mode=0o700)
        return place
    return None


def sweep(home: Path, but: str) -> None:
    """Remove what was left there long ago; what is at work is touched with every case."""
    for old in home.iterdir():
        if old.name != but and old.is_dir() and time.time() - old.stat().st_mtime > KEPT:
            shutil.rmtree(old, ignore_errors=True)
