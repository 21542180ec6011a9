"""Run a command: stream its lines, cancel it with its children, keep a server that outlives us.

There is never a shell between us and the program. Each child leads a session of its own, so that one signal reaches it
and everything it started, and a Ctrl+C in the terminal reaches none of them behind our back.
"""

from __future__ import annotations

import asyncio
import codecs
import math
import os
import signal
import subprocess
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process, SubprocessStreamProtocol
from collections import deque
from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from arbius_tui.domain.errors import NotReady
from arbius_tui.domain.text import clean

CHUNK = 65536
MAX_LINE = 8192
"""Characters of a line that are kept; progress bars and minified files come without a newline for megabytes."""

MAX_OUTPUT = 1 << 20
"""Bytes of each stream that `output` keeps."""

GRACE = 3.0
"""Seconds between the polite signal and the other one."""

TIDY = 0.5
"""Seconds that the workers of a server have after it."""

Ended = Literal["exit", "missing", "refused", "late"]


@dataclass(frozen=True, slots=True)
class Completed:
    """How a command went. `ended` tells an exit code from a program that is missing, refused or was too late.

    `raw` is the standard output to the byte, for a program that prints a file.
    """

    code: int
    stdout: str = ""
    stderr: str = ""
    seconds: float = 0.0
    ended: Ended = "exit"
    raw: bytes = field(default=b"", repr=False)

    @property
    def ok(self) -> bool:
        """Whether it ran to its end and said 0."""
        return self.ended == "exit" and self.code == 0

    @property
    def text(self) -> str:
        """All it printed, for a person."""
        return "\n".join(part for part in (self.stdout.strip(), self.stderr.strip()) if part)


@dataclass(slots=True)
class LineReader:
    """Bytes in pieces of any size -> clean lines. A carriage return overwrites, a line without end is cut."""

    _decoder: codecs.IncrementalDecoder = field(
        default_factory=partial(codecs.getincrementaldecoder("utf-8"), "replace")
    )
    _rest: str = ""
    _cut: bool = False

    def feed(self, data: bytes) -> list[str]:
        """The lines that are complete now."""
        *whole, rest = (self._rest + self._decoder.decode(data)).split("\n")
        found = [self._line(text) for text in whole]
        self._rest = self._bounded(rest)
        return found

    def end(self) -> list[str]:
        """What was left without a newline at the end."""
        rest = self._rest + self._decoder.decode(b"", final=True)
        return [self._line(rest)] if rest else []

    def _bounded(self, rest: str) -> str:
        if len(rest) <= MAX_LINE:
            return rest
        shown = last_written(rest)
        self._cut = (self._cut and "\r" not in rest) or len(shown) > MAX_LINE
        return shown[:MAX_LINE] + ("\r" if rest.endswith("\r") else "")

    def _line(self, text: str) -> str:
        shown = last_written(text)
        cut = (self._cut and "\r" not in text) or len(shown) > MAX_LINE
        self._cut = False
        return clean(shown[:MAX_LINE]) + (" [cut]" if cut else "")


def last_written(text: str) -> str:
    """What a terminal would show of a line: the piece after the last carriage return that is followed by anything."""
    return text.rstrip("\r").rsplit("\r", 1)[-1]


async def lines(
    argv: Sequence[str], cwd: Path | None = None, env: Mapping[str, str] | None = None, limit: float = 3600
) -> AsyncGenerator[str, None]:
    """The lines a command prints on both streams, as they come. Closing or cancelling ends it with all its children.

    `env` is the whole environment (None: ours), `limit` the seconds it may take. NotReady: `program-missing`,
    `program-refused`, `command-failed` (with its last lines as detail), `command-late`.
    """
    reader, tail = LineReader(), deque[str](maxlen=40)
    try:
        async with running(argv, cwd, env, both=True) as child, aclosing(chunks(child, child.stdout, limit)) as pieces:
            async for data in pieces:
                for line in reader.feed(data):
                    tail.append(line)
                    yield line
            for line in reader.end():
                tail.append(line)
                yield line
    except TimeoutError:
        raise late(argv, limit, tail) from None
    if child.returncode:
        raise failed(argv, child.returncode, tail)


async def output(
    argv: Sequence[str],
    limit: float = 10,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    feed: bytes = b"",
) -> Completed:
    """Run a probe and keep what it printed, clean and at most 1 MiB of each stream; never a failure, always an answer.

    `feed` goes to its standard input, which is closed then. After `limit` seconds it is ended with all its children.
    """
    began, kept, ended = time.monotonic(), (bytearray(), bytearray()), "late"
    try:
        async with running(argv, cwd, env, both=False) as child, asyncio.timeout(limit):
            await asyncio.gather(
                give(child, feed), keep(child, child.stdout, kept[0]), keep(child, child.stderr, kept[1])
            )
            ended = "exit" if await gone(child, limit) else "late"
    except NotReady as failure:
        missing = failure.problem.code == "program-missing"
        return Completed(127 if missing else 126, "", failure.problem.what, 0.0, "missing" if missing else "refused")
    except TimeoutError:
        pass
    out, err = (clean(part.decode("utf-8", "replace")) for part in kept)
    if ended == "late":
        return Completed(124, out, err, time.monotonic() - began, "late")
    return Completed(child.returncode or 0, out, err, time.monotonic() - began, raw=bytes(kept[0]))


@asynccontextmanager
async def running(
    argv: Sequence[str], cwd: Path | None, env: Mapping[str, str] | None, *, both: bool
) -> AsyncGenerator[Process, None]:
    """A command in a session of its own, ended with all its children when this is left early; `both`: streams in one.

    NotReady when it cannot be started. What it left running on purpose when it ended by itself is let be.
    """
    loop = asyncio.get_running_loop()
    try:
        # As create_subprocess_exec does, but the transport is ours to close: a daemon may hold the other end.
        transport, protocol = await loop.subprocess_exec(
            lambda: SubprocessStreamProtocol(limit=CHUNK, loop=loop),
            *argv,
            cwd=cwd,
            env=env,
            stdin=DEVNULL if both else PIPE,
            stdout=PIPE,
            stderr=STDOUT if both else PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise unstartable(argv, cwd, error) from None
    child, over = Process(transport, protocol, loop), False
    try:
        yield child
        over = await gone(child, GRACE)
    finally:
        try:
            if not over:
                await end(child, GRACE)
        finally:
            transport.close()


FOREGROUND = 'eval "$1"'
PAUSED = """eval "$1"
code=$?
if [ $code -ne 0 ]; then printf '\\nexit code %s. Enter goes back to the wizard.' $code; read -r answer; fi
exit $code"""
"""Scripts that run a line of shell, the second one holding its words on the terminal until they were read."""


async def foreground(command: str, *, pause: bool = False, limit: float = 3600) -> int:
    """Run a line of shell with our own terminal as its terminal; its exit code, negative for a signal.

    The one place where a shell stands between us and a program: the line is ours, was shown in full and agreed to.
    Ctrl+C goes to the command and not to us. NotReady (`command-late`) after `limit` seconds.
    """
    ours = signal.signal(signal.SIGINT, lambda number, frame: None)  # a handler, which unlike SIG_IGN is not inherited
    try:
        child = await asyncio.create_subprocess_exec("/bin/sh", "-c", PAUSED if pause else FOREGROUND, "sh", command)
        try:
            async with asyncio.timeout(limit):
                return await child.wait()
        except TimeoutError:
            raise late([command], limit, ()) from None
        finally:
            if child.returncode is None:
                child.terminate()
    finally:
        signal.signal(signal.SIGINT, ours)


def unstartable(argv: Sequence[str], cwd: Path | None, error: OSError) -> NotReady:
    """Why a command did not even start."""
    if cwd is not None and not cwd.is_dir():
        return NotReady(
            "no-folder", f"{cwd} is not a folder", why=f"{argv[0]} was to run in it", fix="choose another folder"
        )
    if isinstance(error, FileNotFoundError):
        return NotReady("program-missing", f"{argv[0]} is not installed, or not on PATH", fix=f"install {argv[0]}")
    return NotReady(
        "program-refused", f"{argv[0]} cannot be started: {error.strerror}", fix=f"look at the file {argv[0]}"
    )


async def give(child: Process, data: bytes) -> None:
    """Write to the standard input of a child and close it; a child that does not read it is no fault."""
    if child.stdin is None:
        return
    with suppress(BrokenPipeError, ConnectionResetError):
        child.stdin.write(data)
        await child.stdin.drain()
    child.stdin.close()


async def keep(child: Process, stream: asyncio.StreamReader | None, into: bytearray) -> None:
    """Read a stream to its end and keep its first 1 MiB."""
    async with aclosing(chunks(child, stream, math.inf)) as pieces:
        async for data in pieces:
            into += data[: MAX_OUTPUT - len(into)]


async def chunks(child: Process, stream: asyncio.StreamReader | None, limit: float) -> AsyncGenerator[bytes, None]:
    """What a child writes, until the end of the stream; TimeoutError after `limit` seconds.

    A daemon that the child left behind may hold the stream open for ever: half a second of silence after the child has
    ended is an end too.
    """
    deadline = time.monotonic() + limit
    while stream is not None:
        reading = asyncio.ensure_future(stream.read(CHUNK))
        try:
            while not reading.done():
                over = child.returncode is not None
                await asyncio.wait({reading}, timeout=max(min(0.5, deadline - time.monotonic()), 0))
                if not reading.done() and over:
                    return
                if time.monotonic() > deadline:
                    raise TimeoutError
        finally:
            reading.cancel()
        if not (data := reading.result()):
            return
        yield data


async def end(child: Process, grace: float) -> None:
    """End a child and everything in its session: a polite signal, some seconds, then the other one."""
    try:
        if child.returncode is None:
            signal_group(child.pid, signal.SIGTERM)
            await gone(child, grace)
    finally:
        signal_group(child.pid, signal.SIGKILL)
        await gone(child, GRACE)


async def gone(child: Process, limit: float) -> bool:
    """Whether a child ended within `limit` seconds. Its `wait()` may hang on a pipe that a grandchild holds."""
    deadline = time.monotonic() + limit
    while child.returncode is None:
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.005)
    return True


async def to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Finish this work also when it is cancelled, which is told at its end: nothing that we started is left.

    The work must have limits of its own. Two signals come one after the other when a terminal is closed.
    """
    task, cancelled = asyncio.ensure_future(work), False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            cancelled = True
    task.result()
    if cancelled:
        raise asyncio.CancelledError


def signal_group(pid: int, number: signal.Signals) -> None:
    """Send a signal to the session that `pid` leads; no such process is no fault.

    While one member lives the kernel gives the number to nobody else, so this cannot reach a stranger's group unless
    all of it ended just now.
    """
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def failed(argv: Sequence[str], code: int, tail: Sequence[str]) -> NotReady:
    """A command that ended with another code than 0; its last lines are the detail."""
    how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    return NotReady("command-failed", f"{argv[0]} {how}", detail="\n".join(tail))


def late(argv: Sequence[str], limit: float, tail: Sequence[str]) -> NotReady:
    """A command that took too long and was ended."""
    what = f"{argv[0]} did not end within {limit:.0f} s and was stopped"
    return NotReady("command-late", what, detail="\n".join(tail))


def born(pid: int) -> str:
    """When the process with this number began, as a word that no later process with the same number has; "" if none.

    Linux: the boot and the tick of /proc/PID/stat; elsewhere what ps says. A zombie counts as gone.
    """
    if pid <= 0:
        return ""
    if not sys.platform.startswith("linux"):
        return born_by_ps(pid)
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
    except OSError:
        return ""
    return "" if stat[0] in "ZX" else f"{boot}-{stat[19]}"


def born_by_ps(pid: int) -> str:
    """`born` where there is no /proc (macOS): the start to a second."""
    argv = ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)]
    done = subprocess.run(argv, capture_output=True, text=True, env={"LC_ALL": "C"}, timeout=5, check=False)  # noqa: S603 - fixed path, a number
    state, _, since = done.stdout.strip().partition(" ")
    return "" if not state or state.startswith("Z") else "-".join(since.split())


def launch(argv: Sequence[str], cwd: Path, env: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start what must outlive the event loop; asyncio kills its own children together with their transport."""
    try:
        with log.open("wb") as sink:
            return subprocess.Popen(  # noqa: S603 - an argv, never a shell
                list(argv), cwd=cwd, env=env, stdin=DEVNULL, stdout=sink, stderr=STDOUT, start_new_session=True
            )
    except OSError as error:
        raise unstartable(argv, cwd, error) from None


@dataclass(slots=True)
class Child:
    """A server that lives on when we end. Its number and its birth tell it from whoever gets the number later."""

    pid: int
    born: str
    popen: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(cls, argv: Sequence[str], cwd: Path, env: Mapping[str, str], log: Path) -> Child:
        """Start a command in its own session, both streams into the file `log`; NotReady when it cannot be started."""
        popen = launch(argv, cwd, env, log)
        return cls(popen.pid, born(popen.pid), popen)

    @property
    def code(self) -> int | None:
        """Its exit code, the negative number of a signal; None while it runs, or when another process started it."""
        return self.popen.poll() if self.popen is not None else None

    async def alive(self) -> bool:
        """Whether this very process runs."""
        if self.popen is not None and self.popen.poll() is not None:
            return False
        return bool(self.born) and await asyncio.to_thread(born, self.pid) == self.born

    async def stop(self, grace: float = GRACE) -> None:
        """End it with all its children; nothing happens to a process that only has its number."""
        if not await self.alive():
            return
        try:
            # Its leader alone first: a server ends its workers in order, and they tidy up behind them.
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
            await self._gone(grace)
            await self._alone(TIDY)
        finally:
            signal_group(self.pid, signal.SIGKILL)
            await self._gone(GRACE)

    async def _alone(self, limit: float) -> None:
        """Wait until nothing of the session is left."""
        deadline = time.monotonic() + limit
        with suppress(ProcessLookupError, PermissionError):
            while time.monotonic() < deadline:
                os.killpg(self.pid, 0)
                await asyncio.sleep(0.01)

    async def _gone(self, limit: float) -> None:
        deadline = time.monotonic() + limit
        while await self.alive():
            if time.monotonic() > deadline:
                return
            await asyncio.sleep(0.01)
