"""The author's own files: read whole, written whole or not at all."""

from __future__ import annotations

import errno
import os
import select
from io import FileIO
from pathlib import Path

from arbius_tui.domain.errors import BadInput, NotReady
from arbius_tui.domain.text import clean
from arbius_tui.services.store import replace_file

PATIENCE = 10.0
"""Seconds that a pipe may be silent."""


def absolute(typed: str) -> Path:
    """A path as the author typed it, `~` included, as an absolute one."""
    return Path(typed).expanduser().absolute()


def there(path: Path) -> bool:
    """Whether something is at the path, be it a link that goes in a circle or what the author may not look at."""
    try:
        path.stat()
    except OSError as error:
        return error.errno in (errno.ELOOP, errno.EACCES)
    except ValueError:  # a NUL in the name
        return False
    return True


def read(path: Path, limit: int = 16 * 1024 * 1024) -> bytes:
    """A file's bytes; BadInput in words for a path that is none, a folder, a silent pipe, or something absurdly big."""
    try:
        with open(path, "rb", buffering=0, opener=at_once) as file:
            data = whole(file, limit + 1)  # a device or a pipe may never end
    except TimeoutError:
        raise unreadable(path, f"nothing came through this pipe within {PATIENCE:g} s") from None
    except OSError as error:
        raise unreadable(path, (error.strerror or "no such file").lower()) from None
    except ValueError:  # a NUL in the name
        raise unreadable(path, "it is no name of a file") from None
    if len(data) > limit:
        raise unreadable(path, f"it has more than {limit:,} bytes")
    return data


def at_once(name: str, flags: int) -> int:
    """Open without waiting for a pipe's other end, which may never come."""
    return os.open(name, flags | os.O_NONBLOCK)


def whole(file: FileIO, most: int) -> bytes:
    """All that a file has, or so many bytes; TimeoutError when a pipe or a device stays silent."""
    data = bytearray()
    watch = select.poll()
    watch.register(file, select.POLLIN)
    while len(data) < most:
        if not watch.poll(PATIENCE * 1000):  # a file on disk is always ready
            raise TimeoutError
        piece = file.read(most - len(data))
        if piece == b"":
            break
        data += piece or b""
    return bytes(data)


def unreadable(path: Path, reason: str) -> BadInput:
    """A file that cannot be read."""
    return BadInput(
        "cannot-read",
        f"cannot read {clean(str(path))}: {reason}",
        why="nothing was changed",
        fix="give the path of a file that exists and that you may read",
        detail=reason,
    )


def write(path: Path, data: bytes, before: bytes | None = None) -> None:
    """Write whole or not at all; the old file stays as it is if anything fails, and keeps its mode.

    A symbolic link stays one: what it points to is written. With `before`, the bytes that the file had when it was
    read, a file that has others by now is left alone: NotReady (`changed-outside`).
    """
    try:
        target = path.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o644
        replace_file(target, data, mode, None if before is None else lambda: unchanged(path, before))
    except (OSError, RuntimeError) as error:  # Python 3.11 says RuntimeError of links that go round in a circle
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise NotReady(
            "cannot-write",
            f"cannot write {clean(str(path))}: {clean(reason).lower()}",
            why="what you made is still here and nothing was lost",
            fix="choose a folder that you may write to, or free some space",
        ) from None


def unchanged(path: Path, before: bytes) -> None:
    """NotReady (`changed-outside`) when the file has other bytes than it had."""
    try:
        now: bytes | None = read(path)
    except BadInput:
        now = None
    if now != before:
        raise NotReady(
            "changed-outside",
            f"another program {'removed' if now is None else 'changed'} {clean(str(path))} while it was edited here",
            why="writing now would undo what was done there, so the file was left alone",
            fix="read the file again; what you made is in the history",
        )
