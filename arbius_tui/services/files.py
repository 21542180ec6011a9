"""The author's own files: read whole, written whole or not at all."""

from __future__ import annotations

from pathlib import Path

from arbius_tui.domain.errors import BadInput, NotReady
from arbius_tui.domain.text import clean
from arbius_tui.services.store import replace_file


def absolute(typed: str) -> Path:
    """A path as the author typed it, `~` included, as an absolute one."""
    return Path(typed).expanduser().absolute()


def read(path: Path, limit: int = 16 * 1024 * 1024) -> bytes:
    """A file's bytes; BadInput in words for a path that is none, a folder, or something absurdly big."""
    try:
        if path.is_file() and path.stat().st_size > limit:
            raise unreadable(path, f"it has more than {limit:,} bytes")
        return path.read_bytes()
    except OSError as error:
        raise unreadable(path, (error.strerror or "no such file").lower()) from None


def unreadable(path: Path, reason: str) -> BadInput:
    """A file that cannot be read."""
    return BadInput(
        "cannot-read",
        f"cannot read {clean(str(path))}: {reason}",
        why="nothing was changed",
        fix="give the path of a file that exists and that you may read",
    )


def write(path: Path, data: bytes) -> None:
    """Write whole or not at all; the old file stays as it is if anything fails, and keeps its mode."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data, path.stat().st_mode & 0o777 if path.exists() else 0o644)
    except OSError as error:
        raise NotReady(
            "cannot-write",
            f"cannot write {clean(str(path))}: {(error.strerror or str(error)).lower()}",
            why="what you made is still here and nothing was lost",
            fix="choose a folder that you may write to, or free some space",
        ) from None
