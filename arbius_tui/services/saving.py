"""The outputs of one prediction on disk: taken in beside the place where they stay, never over another file."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from arbius_tui.domain import cid
from arbius_tui.domain.errors import BadInput, NotReady
from arbius_tui.domain.text import clean
from arbius_tui.services.ports import Output

OURS = re.compile(r"out-[0-9]+\.[a-z0-9]+")
"""The names that outputs get."""

LARGEST_FOLDER = 64_000_000
"""Bytes of all outputs of a case up to which they are kept when nothing is compared with them any more."""


def free(folder: Path) -> None:
    """BadInput `output-exists` when outputs lie there already: said before a prediction that takes minutes."""
    try:
        taken = sorted(path.name for path in folder.iterdir() if OURS.fullmatch(path.name)) if folder.exists() else []
    except OSError as error:
        raise unwritable(folder, error) from None
    if taken:
        raise exists(folder / taken[0])


@contextmanager
def spool(place: Path | None) -> Iterator[Path]:
    """An empty folder that only this user can read, inside `place` or among the temporary ones; removed at the end."""
    try:
        if place:
            place.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=".arbius-tui-", dir=place))
    except OSError as error:
        raise unwritable(place or Path(tempfile.gettempdir()), error) from None
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def placed(outputs: Sequence[Output], folder: Path, *, fresh: bool) -> tuple[Output, ...]:
    """Move the files of a spool into `folder`. `fresh` removes what an earlier try left; nothing is overwritten."""
    try:
        if fresh:
            for old in folder.iterdir():
                if OURS.fullmatch(old.name):
                    old.unlink()
        for output in outputs:
            put(Path(output.path), folder / output.filename)
    except FileExistsError as error:
        raise exists(Path(str(error.filename2 or error.filename))) from None
    except OSError as error:
        raise unwritable(folder, error) from None
    return tuple(replace(output, path=str(folder / output.filename)) for output in outputs)


def put(source: Path, target: Path) -> None:
    """Another name for a file; a copy where the file system has no links. FileExistsError rather than overwriting."""
    try:
        target.hardlink_to(source)
    except FileExistsError:
        raise
    except OSError:
        with source.open("rb") as old, target.open("xb") as new:
            shutil.copyfileobj(old, new)


def exists(path: Path) -> BadInput:
    """A file that would have been overwritten."""
    return BadInput(
        "output-exists",
        f"{clean(str(path))} is there already",
        why="an output is never written over another file",
        fix="name another folder with -o, or move that file away",
    )


def unwritable(folder: Path, error: OSError) -> NotReady:
    """A folder that takes no file."""
    return NotReady(
        "cannot-write",
        f"cannot write into {clean(str(folder))}: {(error.strerror or str(error)).lower()}",
        why="the output would be lost",
        fix="name a folder that you may write to, with room in it: -o DIR",
    )


def committed(outputs: Sequence[Output], names: Sequence[str] = ()) -> str | None:
    """The CID of the folder that a miner commits for these outputs, read piece by piece; None without their files.

    `names` are those of the template, in the outputs' order, where they are others than ours. A file that is not the
    one that was hashed gives None, too: it may have been replaced since.
    """
    if not outputs or not all(output.path for output in outputs):
        return None
    called, digests = names or [output.filename for output in outputs], [hashlib.sha256() for _ in outputs]
    paths = [Path(output.path) for output in outputs]
    with suppress(OSError):
        files = zip(called, paths, digests, strict=True)
        found = cid.folder_cid({name: pieces(path, digest.update) for name, path, digest in files})
        if [digest.hexdigest() for digest in digests] == [output.sha256 for output in outputs]:
            return found
    return None


def pieces(path: Path, seen: Callable[[bytes], object]) -> Iterator[bytes]:
    """A file in the pieces that its CID is made of; each is shown to `seen` as well."""
    with path.open("rb") as file:
        while data := file.read(cid.CHUNK):
            seen(data)
            yield data
