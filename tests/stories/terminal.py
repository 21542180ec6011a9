"""A real terminal for a program under test: a pseudo-terminal that answers as xterm does, and what its screen shows.

Nothing here sleeps for a guess: `wait_for` reads until the text stands on the screen. Every read is time-stamped, which
is what bench/ measures with.
"""

from __future__ import annotations

import errno
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import pyte

KEYS = {
    "up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D", "home": "\x1b[H", "end": "\x1b[F",
    "pageup": "\x1b[5~", "pagedown": "\x1b[6~", "delete": "\x1b[3~", "insert": "\x1b[2~",
    "tab": "\t", "shift+tab": "\x1b[Z", "enter": "\r", "escape": "\x1b", "space": " ", "backspace": "\x7f",
    "f1": "\x1bOP", "f2": "\x1bOQ", "f3": "\x1bOR", "f4": "\x1bOS", "f5": "\x1b[15~", "f6": "\x1b[17~",
    "f7": "\x1b[18~", "f8": "\x1b[19~", "f9": "\x1b[20~", "f10": "\x1b[21~", "f11": "\x1b[23~", "f12": "\x1b[24~",
}  # fmt: skip
"""What xterm sends for each named key."""

ANSWERS = (
    (b"\x1b[?2026$p", b"\x1b[?2026;2$y"),  # synchronized output: known, so every frame ends with FRAME_END
    (b"\x1b[?2048$p", b"\x1b[?2048;0$y"),  # resizes inside the stream: not known, a resize is a signal
    (b"\x1b[c", b"\x1b[?62;22c"),  # what terminal are you
    (b"\x1b[6n", b"\x1b[1;1R"),  # where is the cursor
)
"""Questions of a program to its terminal, and xterm's answers."""

FRAME_END = b"\x1b[?2026l"
"""The last bytes of a painted frame."""

UNKNOWN = re.compile(
    rb"\x1b\[[<>=][0-9;]*[a-zA-Z]|\x1b\[\?[0-9;]*\$p|\x1bP.*?\x1b\\|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)", re.S
)
"""Sequences that pyte would print as text."""

ALTERNATE_ON, _ = SWITCHES = (b"\x1b[?1049h", b"\x1b[?1049l")
ALTERNATE = re.compile(rb"(\x1b\[\?1049[hl])")
"""To the screen of a full-screen program and back."""

OPEN = re.compile(rb"\x1b(?:[\[P\]][^a-zA-Z~\x07\\]*|)$", re.S)
"""The beginning of a sequence whose end has not been read yet."""


def key(name: str) -> bytes:
    """The bytes of a key: "down", "f10", "ctrl+g", or the text itself."""
    if name.startswith("ctrl+") and len(name) == len("ctrl+") + 1:
        return bytes([ord(name[-1].lower()) & 0x1F])
    return KEYS.get(name, name).encode()


class Terminal:
    """A program on a terminal of its own. Use it with `with`: leaving ends the program and its children.

    `env` is added to the environment; None as a value removes a variable.
    """

    def __init__(
        self,
        argv: Sequence[str],
        columns: int = 80,
        rows: int = 24,
        env: Mapping[str, str | None] | None = None,
        cwd: str | Path | None = None,
    ) -> None:
        self.raw = bytearray()
        self.chunks: list[tuple[float, int]] = []
        self.ended = False
        self._view = View(columns, rows)
        self._answered = 0
        self._orphans: list[int] = []
        self.fd, slave = pty.openpty()
        set_size(self.fd, columns, rows)
        self.started = time.perf_counter()
        try:
            self.process = subprocess.Popen(
                list(argv),
                stdin=slave,
                stdout=slave,
                stderr=slave,
                cwd=cwd,
                env=surroundings(env or {}),
                start_new_session=True,
                preexec_fn=take_terminal,  # noqa: PLW1509  one ioctl; nothing else makes the terminal its own
            )
        except BaseException:
            os.close(self.fd)
            raise
        finally:
            os.close(slave)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def now(self) -> float:
        """Milliseconds since the program was started."""
        return (time.perf_counter() - self.started) * 1000

    def send(self, *keys: str) -> float:
        """Type keys by name ("down", "ctrl+g") or text; the milliseconds at which that was done."""
        when = self.now()
        os.write(self.fd, b"".join(map(key, keys)))
        return when

    def read(self, timeout: float) -> bool:
        """Take in what is painted, waiting at most `timeout` seconds for it. False when it was quiet."""
        if self.ended or not select.select([self.fd], [], [], max(0.0, timeout))[0]:
            return False
        try:
            data = os.read(self.fd, 1 << 16)
        except OSError as error:  # Linux says EIO when the program has closed the terminal, macOS an empty read
            if error.errno != errno.EIO:
                raise
            data = b""
        if not data:
            self.ended = True
            return False
        self.raw += data
        self.chunks.append((self.now(), len(self.raw)))
        self._answer()
        return True

    def _answer(self) -> None:
        """Answer what the program asked; a question may have come in two halves."""
        found = []
        for question, answer in ANSWERS:
            start = max(0, self._answered - len(question) + 1)
            while (at := self.raw.find(question, start)) != -1:
                start = at + len(question)
                found.append((start, answer))
        for end, answer in sorted(found):
            if end > self._answered:
                os.write(self.fd, answer)
        self._answered = len(self.raw)

    def settle(self, quiet: float = 0.1, limit: float = 10.0) -> None:
        """Read until nothing has been painted for `quiet` seconds."""
        end = time.monotonic() + limit
        while time.monotonic() < end and self.read(quiet):
            pass

    def screen(self) -> list[str]:
        """The rows as they are painted now, without the spaces at their ends."""
        while self.read(0):
            pass
        return self._view.show(self.raw)

    def display(self) -> pyte.Screen:
        """The screen with its colours, cell by cell."""
        self.screen()
        return self._view.pyte

    def text(self) -> str:
        """The screen as one string."""
        return "\n".join(self.screen())

    def wait_until(
        self, fits: Callable[[list[str]], bool], limit: float = 20.0, what: str = "the screen to fit"
    ) -> list[str]:
        """Read until the screen fits; the screen. AssertionError with what it shows instead after `limit` seconds."""
        end = time.monotonic() + limit
        while not fits(rows := self.screen()):
            if self.ended or time.monotonic() > end:
                state = "the program ended" if self.ended else f"{limit:g} s passed"
                raise AssertionError(f"waited for {what}, but {state}; the screen shows:\n" + "\n".join(rows))
            self.read(min(0.2, max(0.0, end - time.monotonic())))
        return rows

    def wait_for(self, text: str, limit: float = 20.0) -> list[str]:
        """Read until this text stands on one row of the screen; the screen."""
        return self.wait_until(lambda rows: any(text in row for row in rows), limit, repr(text))

    def wait_gone(self, text: str, limit: float = 20.0) -> list[str]:
        """Read until this text stands nowhere on the screen; the screen."""
        return self.wait_until(lambda rows: not any(text in row for row in rows), limit, f"{text!r} to go")

    def wait_exit(self, limit: float = 20.0) -> int:
        """Read until the program ends by itself; its exit code, negative for a signal."""
        end = time.monotonic() + limit
        while self.process.poll() is None:
            if time.monotonic() > end:
                raise AssertionError(f"still running after {limit:g} s; the screen shows:\n" + self.text())
            self.read(0.05)
        self.settle(0)
        return self.process.returncode

    def resize(self, columns: int, rows: int) -> None:
        """Another size; the program gets SIGWINCH."""
        self.screen()
        self._view.resize(columns, rows)
        set_size(self.fd, columns, rows)

    def tree(self) -> list[int]:
        """The ids of the program and of all that it started (Linux; elsewhere the program alone)."""
        return [self.process.pid, *descendants(self.process.pid)]

    def kill(self) -> int:
        """kill -9 the program alone, as a crash or the kernel would; its exit code. Its children end with `close`."""
        if self.process.poll() is None:
            stand_still(self.process.pid)
        self._orphans += [handle for pid in descendants(self.process.pid) if (handle := hold(pid)) is not None]
        self.process.kill()
        return self.process.wait()

    def close(self) -> None:
        """End the program and its children, if they still run."""
        if self.fd < 0:
            return
        if self.process.poll() is None:
            self.kill()
        for handle in self._orphans:
            end(handle)
        os.close(self.fd)
        self.fd = -1


class View:
    """What stands on the screen after a stream of bytes; fed only when somebody looks."""

    def __init__(self, columns: int, rows: int) -> None:
        self.pyte = self._shell = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.pyte)
        self._fed = 0
        self._held = b""

    def show(self, raw: bytes | bytearray) -> list[str]:
        """The rows after all of `raw`, of which earlier calls have seen the beginning."""
        data = self._held + bytes(raw[self._fed :])
        self._fed = len(raw)
        half = OPEN.search(data)
        data, self._held = (data[: half.start()], data[half.start() :]) if half else (data, b"")
        for part in ALTERNATE.split(UNKNOWN.sub(b"", data)):
            if part in SWITCHES:
                self._switch(part == ALTERNATE_ON)
            else:
                self._stream.feed(part)
        return [row.rstrip() for row in self.pyte.display]

    def _switch(self, alternate: bool) -> None:
        """To the screen of a full-screen program, or back to what stood there before; pyte itself has one screen."""
        self.pyte = pyte.Screen(self.pyte.columns, self.pyte.lines) if alternate else self._shell
        self._stream = pyte.ByteStream(self.pyte)

    def resize(self, columns: int, rows: int) -> None:
        """Another size; what the program paints next fills it."""
        self.pyte.resize(rows, columns)
        self._shell.resize(rows, columns)


def surroundings(changes: Mapping[str, str | None]) -> dict[str, str]:
    """This process's environment in a terminal with true colour, with changes."""
    env: dict[str, str | None] = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
    env |= {"COLUMNS": None, "LINES": None, "NO_COLOR": None, **changes}
    return {name: value for name, value in env.items() if value is not None}


def take_terminal() -> None:
    """In the child, after setsid: the terminal on stdin becomes its own, so that it gets SIGWINCH and /dev/tty."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def set_size(fd: int, columns: int, rows: int) -> None:
    """Tell the terminal, and so the program in it, its size in cells."""
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def descendants(pid: int) -> Iterator[int]:
    """The children of a process and theirs (Linux only)."""
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found = children.read_text().split()
        except OSError:  # it ended meanwhile
            continue
        for child in map(int, found):
            yield child
            yield from descendants(child)


def stand_still(pid: int) -> None:
    """Stop a child of ours, so that it starts no further process while its descendants are listed (Linux)."""
    if sys.platform == "linux":
        os.kill(pid, signal.SIGSTOP)
        os.waitid(os.P_PID, pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)


def hold(pid: int) -> int | None:
    """A handle on a process that never comes to mean another one (Linux), or None."""
    if sys.platform == "linux":
        try:
            return os.pidfd_open(pid)
        except OSError:  # it ended meanwhile
            return None
    else:
        return None


def end(handle: int) -> None:
    """kill -9 the process of a handle, if it still runs, and give the handle back."""
    if sys.platform == "linux":
        try:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        except ProcessLookupError:
            return
        finally:
            os.close(handle)
