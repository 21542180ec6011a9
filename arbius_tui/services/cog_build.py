"""One `cog build`: its log as it comes, its steps, whether it waits, how it ended, and nothing left behind.

Exit code 0 alone is not success, and neither is the tag: a build that fails while it writes the labels leaves the tag
on an image without them. Both are asked: the exit code, and the label that only a finished build has.
"""

from __future__ import annotations

import asyncio
import codecs
import hashlib
import os
import re
import shutil
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, TypeAlias

from arbius_tui.domain.build_log import PHASES, BuildLog, BuildStep, label_warnings
from arbius_tui.domain.build_rules import AUTHOR
from arbius_tui.domain.cog_words import NOT_INSTALLED
from arbius_tui.domain.errors import BadInput, Failure, Fix, NotReady, Problem
from arbius_tui.domain.text import clean
from arbius_tui.services.process import LineReader, chunks, running

BATCH_SECONDS, BATCH_LINES = 0.05, 2000
"""A face is told at most 20 times a second, at most 2,000 lines at once. With the tail that BuildLog keeps and one
chunk of the pipe this is all of a log that lies in memory; the file has the rest."""

SLICE = 8192
"""Bytes that are read without letting others have their turn: some milliseconds."""

TELL_SECONDS = 1.0
"""How often the time that went by is told while nothing is printed."""

LIMIT = 4 * 3600.0
"""Seconds a build may take; torch and CUDA over a slow line take an hour."""

TIDY_LIMIT = 10.0
"""Seconds for a question to Docker while tidying up."""

UNENDED = 65536
"""Characters of a line without an end that wait for it, before they go into the file as they are."""

VERSION_LABELS = ("run.cog.version", "org.cogmodel.cog_version")
"""The label that the last step of a build writes: today's name, and the one before 0.9.5."""

IMAGE_NAME = re.compile(
    r"(?:(?:localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|[A-Za-z0-9-]+(?=:\d+/))(?::\d+)?/)?"
    r"[a-z0-9][a-z0-9._-]*(?:/[a-z0-9][a-z0-9._-]*)*(?::\w[\w.-]{0,127})?"
)
"""A registry (if any), a path in lower case, a tag (if any)."""

Inspect: TypeAlias = Callable[[str], Awaitable[Mapping[str, str] | None]]
"""The labels of the image with this name; None where there is no such image."""

Untag: TypeAlias = Callable[[str], Awaitable[None]]
"""Take this name from its image."""


@dataclass(frozen=True, slots=True)
class LogLines:
    """Lines of the log, clean, in their order; each line comes once."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StepsChanged:
    """Steps as they are now, and how many lines of the Dockerfile are over, of how many (0: unknown)."""

    steps: tuple[BuildStep, ...]
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the build stands, in words, and since when it runs; `waits`: another build of this folder goes first."""

    seconds: float
    words: str
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something that should be said although the build goes on; each comes once."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class Built:
    """A finished image. `labels` hold its OpenAPI document (`run.cog.openapi_schema`) and its packages."""

    tag: str
    seconds: float
    log: Path
    warnings: tuple[Problem, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


BuildEvent: TypeAlias = LogLines | StepsChanged | Standing | Noticed | Built

WAITS = "another build of this folder runs; cog lets it go first (.cog/cog.lock)"


@dataclass(frozen=True, slots=True)
class Order:
    """What to build: `argv` in `folder`, as the image `tag`, with the whole log in the file `log`."""

    argv: tuple[str, ...]
    folder: Path
    tag: str
    log: Path
    env: Mapping[str, str]
    limit: float = LIMIT


async def build(order: Order, inspect: Inspect, untag: Untag | None = None) -> AsyncGenerator[BuildEvent, None]:
    """Build. The last event is `Built`; BadInput where the model is at fault, NotReady where this machine is.

    Closing or cancelling it ends cog with its children, removes `.cog/build`, and takes the tag from a half-made image.
    """
    watch = Watch(order)
    try:
        async with aclosing(watch.run()) as events:
            async for event in events:
                yield event
        yield await watch.result(inspect)
    finally:
        watch.close()
        if not watch.ended_well:
            tidy_folder(order.folder)
            await untag_half(order.tag, watch, inspect, untag)


class Watch:
    """One build while it runs."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.log, self.reader, self.sink = BuildLog(), LineReader(), LogFile(order.log)
        self.began = self.flushed = self.told = time.monotonic()
        self.waits = held(project(order.folder) / ".cog" / "cog.lock")
        self.pending: list[str] = []
        self.noticed: set[str] = set()
        self.words = ""
        self.code: int | None = None
        self.ended_well = False

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self.began

    def close(self) -> None:
        """The file is whole now."""
        self.sink.close()

    async def run(self) -> AsyncGenerator[BuildEvent, None]:
        """All events but the last; NotReady when cog cannot be started or takes too long."""
        order = self.order
        yield self.standing()
        try:
            async with (
                running(order.argv, order.folder, order.env, both=True) as child,
                aclosing(ticking(chunks(child, child.stdout, order.limit), BATCH_SECONDS)) as pieces,
            ):
                async for data in pieces:
                    for start in range(0, max(len(data), 1), SLICE):
                        for event in self.take(data[start : start + SLICE]):
                            yield event
                        await asyncio.sleep(0)
        except TimeoutError:
            raise too_long(order.limit, self.log) from None
        except NotReady as refused:
            raise (failure(NOT_INSTALLED) if refused.problem.code == "program-missing" else refused) from None
        self.pending += self.reader.end()
        for event in self.flush():
            yield event
        yield self.standing()
        self.code = child.returncode

    def take(self, data: bytes) -> Iterator[BuildEvent]:
        """Some bytes of the log, none where nothing was printed for a while."""
        self.sink.write(data)
        self.pending += self.reader.feed(data)
        now = time.monotonic()
        if self.pending and (now - self.flushed >= BATCH_SECONDS or len(self.pending) >= BATCH_LINES):
            yield from self.flush()
        if now - self.told >= TELL_SECONDS or self.words != PHASES[self.log.phase]:
            yield self.standing()

    def flush(self) -> Iterator[BuildEvent]:
        """What came since the last time."""
        lines, self.pending, self.flushed = self.pending, [], time.monotonic()
        for start in range(0, len(lines), BATCH_LINES):
            batch = tuple(lines[start : start + BATCH_LINES])
            steps = self.log.feed(batch)
            yield LogLines(batch)
            if steps:
                self.waits = False
                yield StepsChanged(steps, *self.log.progress)
        for problem in self.log.warnings:
            if problem.code not in self.noticed:
                self.noticed.add(problem.code)
                yield Noticed(problem)

    def standing(self) -> Standing:
        """Where it stands now."""
        self.told, self.words = time.monotonic(), PHASES[self.log.phase]
        return Standing(self.seconds, WAITS if self.waits else self.words, self.waits)

    async def result(self, inspect: Inspect) -> Built:
        """The finished image; BadInput or NotReady says why there is none."""
        if self.code is None or self.code:
            raise failure(self.log.explain(1 if self.code is None else self.code))
        tag, seconds = self.order.tag, self.seconds
        labels = await inspect(tag)
        if labels is None:
            raise failure(vanished(tag))
        if not any(name in labels for name in VERSION_LABELS):
            raise failure(unlabelled(tag))
        self.ended_well = True
        self.close()
        lost = (self.sink.problem(),) if self.sink.fault else ()
        return Built(tag, seconds, self.order.log, (*self.log.warnings, *label_warnings(labels), *lost), dict(labels))


async def ticking(source: AsyncGenerator[bytes, None], every: float) -> AsyncGenerator[bytes, None]:
    """What `source` yields, and b"" each time it yields nothing for `every` seconds."""
    reading: asyncio.Task[bytes | None] | None = None
    try:
        while True:
            reading = reading or asyncio.create_task(following(source))
            done, _ = await asyncio.wait({reading}, timeout=every)
            if not done:
                yield b""
                continue
            data, reading = reading.result(), None
            if data is None:
                return
            yield data
    finally:
        if reading:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        await source.aclose()


async def following(source: AsyncGenerator[bytes, None]) -> bytes | None:
    """The next piece, None at the end."""
    return await anext(source, None)


@dataclass(slots=True)
class LogFile:
    """The whole log in a file: every character that was printed, clean. A full disk ends the file, not the build."""

    path: Path
    fault: str = ""
    _file: IO[str] | None = None
    _rest: str = ""
    _decoder: codecs.IncrementalDecoder = field(
        default_factory=partial(codecs.getincrementaldecoder("utf-8"), "replace")
    )

    def write(self, data: bytes) -> None:
        """More of it. A carriage return is a new line here: what a progress bar overwrote is kept too."""
        text = self._rest + self._decoder.decode(data)
        held_back = 1 if text.endswith("\r") else 0
        end = max(text.rfind("\n"), text.rfind("\r", 0, len(text) - held_back)) + 1
        if end == 0 and len(text) > UNENDED:
            end = len(text)
        self._rest = text[end:]
        self._put(text[:end])

    def close(self) -> None:
        """Write what waits for the end of its line, and close."""
        self._put(self._rest)
        self._rest = ""
        if self._file:
            with suppress(OSError):
                self._file.close()
            self._file = None

    def problem(self) -> Problem:
        """Why the file is not whole."""
        fix = Fix("free some space; the image itself is whole")
        return Problem(
            "log-not-kept", f"the log could not be written to {self.path}: {self.fault}", "", fix, severity="warn"
        )

    def _put(self, text: str) -> None:
        if not text or self.fault:
            return
        try:
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self.path.open("w", encoding="utf-8")
            self._file.write(clean(text.replace("\r\n", "\n").replace("\r", "\n")))
            self._file.flush()
        except OSError as error:
            self.fault = (error.strerror or str(error)).lower()


def project(folder: Path) -> Path:
    """The folder that cog works in: the nearest one with a cog.yaml."""
    return next((place for place in (folder, *folder.parents) if (place / "cog.yaml").is_file()), folder)


def held(lock: Path) -> bool:
    """Whether somebody builds there now: cog holds this file with flock while it builds, and never removes it."""
    with holding(lock) as ours:
        return not ours


@contextmanager
def holding(lock: Path) -> Iterator[bool]:
    """Hold cog's lock for a moment if nobody has it; yields whether we may go on."""
    import fcntl

    try:
        handle = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        yield True
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    except OSError:
        yield True
    else:
        yield True
    finally:
        os.close(handle)


def tidy_folder(folder: Path) -> None:
    """Remove what a build that was cut off leaves in `.cog/build`, as the next build would; never under another one."""
    place = project(folder) / ".cog"
    with holding(place / "cog.lock") as ours:
        if ours:
            shutil.rmtree(place / "build", ignore_errors=True)


def half_made(tag: str) -> str:
    """The name of the image between the two halves of a build."""
    return f"cog-tmp:{hashlib.sha256(tag.encode()).hexdigest()}" if tag.startswith("r8.im") else tag


async def untag_half(tag: str, watch: Watch, inspect: Inspect, untag: Untag | None) -> None:
    """Take the name from the image without labels that a build leaves when it ends in its second half."""
    if untag is None or watch.code == 0 or watch.log.phase != "labels":
        return
    name = half_made(tag)
    with suppress(Failure, TimeoutError):
        async with asyncio.timeout(TIDY_LIMIT):
            labels = await inspect(name)
            if labels is not None and not any(key in labels for key in VERSION_LABELS):
                await untag(name)


def failure(problem: Problem) -> Failure:
    """The problem as an error that ends a step: the author's to mend, or this machine's."""
    kind = BadInput if problem.code in AUTHOR else NotReady
    fix = problem.fix or Fix("")
    return kind(problem.code, problem.what, why=problem.why, fix=fix.text, command=fix.command, detail=problem.detail)


def too_long(limit: float, log: BuildLog) -> NotReady:
    """A build that was ended because it took too long."""
    return NotReady(
        "build-late",
        f"the build did not end within {limit / 60:.0f} minutes and was stopped",
        why="no image was made",
        fix="see below where it stood; build again, finished steps are kept",
        detail="\n".join(list(log.tail)[-40:]),
    )


def vanished(tag: str) -> Problem:
    """cog says it is done, and the Engine that we ask has no such image."""
    return Problem(
        "image-missing",
        f"cog ended well, but there is no image {tag}",
        "cog and this wizard may speak to two different Docker daemons",
        Fix("see that DOCKER_HOST and the docker context are the same for both", "docker context ls"),
    )


def unlabelled(tag: str) -> Problem:
    """An image with the right name and without cog's labels."""
    return Problem(
        "image-unlabelled",
        f"the image {tag} has no label {VERSION_LABELS[0]}",
        "no model can be read from it; a build that fails half-way leaves such an image",
        Fix("build again"),
    )


def check_tag(tag: str) -> None:
    """BadInput for a name that docker refuses only after seconds of silence."""
    if not IMAGE_NAME.fullmatch(tag):
        raise BadInput(
            "bad-tag",
            f"an image cannot be called {clean(tag)!r}",
            why="docker wants a name in lower case and without blanks",
            fix="e.g. my-model, or r8.im/you/my-model",
        )
