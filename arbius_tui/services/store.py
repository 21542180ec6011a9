"""The journey on disk: `state.json` that is always whole, `journal.jsonl` that comes first, and a lock.

A change is appended to the journal and fsynced before the state is replaced, so the journal is never behind. The state
says how many bytes of the journal it contains; loading is the state plus what the journal has after that, or, when the
state cannot be read, the whole journal folded again. A change that was cut off in the middle was never acknowledged, so
it never happened.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import shlex
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from arbius_tui.domain.errors import BadInput, NotReady
from arbius_tui.domain.journey import Journey, Place, Record

Migration = Callable[[str, dict[str, Any]], dict[str, Any]]

MIGRATIONS: tuple[Migration, ...] = ()
"""Number n takes a saved record, (step, record), from version n+1 to n+2; states and journals use the same list."""

VERSION = 1 + len(MIGRATIONS)

STATE, JOURNAL, LOCK, HOLDER = "state.json", "journal.jsonl", "lock", "lock.pid"
DAMAGE = (ValueError, KeyError, TypeError, RecursionError)
"""What reading a damaged file raises."""

JOURNEY, ABOUT = "journey", ("project", "network", "model_dir")
"""The step of a journal line that says what the journey is about, and its keys."""


def project_name(text: str) -> str:
    """A name that is safe as a folder's; BadInput (`project-name`) when nothing of it is usable.

    A name that had to change gets six digits of its own hash, so that two names never meet in one folder.
    """
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip(".-_")[:64].rstrip(".-_")
    if not safe:
        raise BadInput(
            "project-name",
            "this project name has no letter and no digit",
            why="the journey is kept in a folder of that name",
            fix="use letters, digits, dot, dash and underscore",
        )
    if safe == text:
        return safe
    import hashlib  # 3 ms that the first frame does not wait for

    return f"{safe}-{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()[:6]}"


def default_folder(project: str) -> Path:
    """Where this project's journey is kept, below the platform's state directory (XDG_STATE_HOME on Linux)."""
    from platformdirs import user_state_path

    return user_state_path("arbius-tui", appauthor=False) / project_name(project)


@dataclass(frozen=True, slots=True)
class Folded:
    """What reading a journal gave: the journey, lines read, lines that could not be, bytes to the last newline."""

    journey: Journey
    lines: int
    unreadable: int
    size: int


class ProjectStore:
    """One project's folder, held by this process alone from `open` to the end of the `with`."""

    def __init__(self, folder: Path, project: str, network: str = "", model_dir: str = "") -> None:
        self.folder = folder
        self.recovered = ""
        """What had to be repaired while loading, for the face to show; empty when nothing."""
        self._given = Journey(project, network or "one", model_dir)
        self._network, self._model_dir = network, model_dir
        self._journey: Journey | None = None
        self._size = 0
        self._broken = False
        self._turn = threading.Lock()

    @classmethod
    @contextmanager
    def open(cls, folder: Path, project: str, network: str = "", model_dir: str = "") -> Iterator[ProjectStore]:
        """Lock the project and read it. An empty network or model_dir means the saved one.

        NotReady `project-locked`, `state-not-writable`, `state-unreadable`, `state-newer`; BadInput `project-network`.
        """
        with writable(folder):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            folder.chmod(0o700)
        with locked(folder):
            store = cls(folder, project, network, model_dir)
            with writable(folder):
                for left in folder.glob(".state-*.tmp"):  # of a process that was killed while it wrote
                    left.unlink(missing_ok=True)
            cut_off = {name: "-" for name, state in store.load().states.items() if state == "run"}
            if cut_off:  # by a kill: the lock is ours, so nobody runs them
                store.apply(Place(states=cut_off))
            yield store

    @classmethod
    def peek(cls, folder: Path, project: str) -> Journey:
        """The journey as it stands, for a look while another process may hold it: no lock, and nothing is changed."""
        return cls(folder, project)._read()

    def load(self) -> Journey:
        """The journey as it stands; read once, then known."""
        if self._journey is not None:
            return self._journey
        found = self._read()
        if found.saved_at and self._network:
            refuse_other_world(found, self._network)
        if self._broken:
            self.recovered += self._keep_broken()
        self._journey = found
        given = {k: v for k, v in (("network", self._network), ("model_dir", self._model_dir)) if v}
        if not found.saved_at or any(getattr(found, k) != v for k, v in given.items()):
            return self._write(JOURNEY, {"project": found.project, "network": found.network, **given})
        if self.recovered:
            self._write_state()
        return found

    def apply(self, change: Record) -> Journey:
        """Journal the change (fsync), then write the state (temporary file, fsync, rename); the new journey.

        Several steps may run at once, and each saves in a thread of its own: one after the other.
        """
        with self._turn:
            self.load()
            return self._write(change.step, asdict(change))

    def _read(self) -> Journey:
        """State plus the rest of the journal, or the whole journal; says in `recovered` what it had to do."""
        saved, broken = read_state(self.folder / STATE)
        data = read_bytes(self.folder / JOURNAL) or b""
        if saved is not None:
            at, journey = saved
            rest = fold(journey, data[at:]) if at <= len(data) else fold(journey, b"")
            self._size = at + rest.size if at <= len(data) else len(data[: data.rfind(b"\n") + 1])
            if at > len(data):
                self.recovered = "the journal is shorter than it was; the saved state was used"
            elif rest.unreadable:
                self.recovered = f"{count(rest.unreadable, 'line')} of the journal could not be read and were left out"
            return rest.journey
        whole = fold(self._given, data)
        self._size = whole.size
        if not whole.lines and (broken or whole.unreadable):
            raise unreadable(self.folder, broken)
        if whole.lines:
            self._broken = bool(broken)
            lost = f", {count(whole.unreadable, 'line')} could not be read" if whole.unreadable else ""
            self.recovered = (
                f"{STATE} {'could not be read' if broken else 'was missing'}; the journey was put together again"
                f" from {count(whole.lines, 'change')} in the journal{lost}"
            )
        return whole.journey

    def _keep_broken(self) -> str:
        """Put the broken state beside, under a name that is free; the words that say so."""
        number = 1
        while (beside := self.folder / f"{STATE}.broken-{number}").exists():
            number += 1
        with writable(self.folder):
            os.replace(self.folder / STATE, beside)
        return f"; the broken file is kept as {beside.name}"

    def _now(self) -> Journey:
        return self._journey or self._given

    def _write(self, step: str, change: dict[str, Any]) -> Journey:
        """One line of the journal, then the state. What is in memory is what reading the line again would give."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        text = json.dumps({"v": VERSION, "at": at, "step": step, "change": change}, allow_nan=False) + "\n"
        after = folded(self._now(), json.loads(text))
        with writable(self.folder):
            self._size = append(self.folder / JOURNAL, text.encode(), self._size)
        self._journey = after
        self._write_state()
        return after

    def _write_state(self) -> None:
        journey = self._now()
        state = {"v": VERSION, "journal_bytes": self._size, **asdict(journey)}
        with writable(self.folder):
            replace_file(self.folder / STATE, (json.dumps(state, indent=1, allow_nan=False) + "\n").encode())


def folded(journey: Journey, line: dict[str, Any]) -> Journey:
    """The journey after one line of the journal; ValueError or KeyError when the line is none of ours."""
    step, change, at = str(line["step"]), dict(line["change"]), str(line["at"])
    version = readable(line["v"])
    if step == JOURNEY:
        project, network, model_dir = (str(change.get(k, getattr(journey, k))) for k in ABOUT)
        return replace(journey, saved_at=at, project=project, network=network, model_dir=model_dir)
    if step == "":
        states = {**journey.states, **{str(k): str(v) for k, v in dict(change["states"]).items()}}
        return replace(journey, saved_at=at, at=str(change["at"]) or journey.at, states=states)
    return replace(journey, saved_at=at, records={**journey.records, step: migrated(version, step, change)})


def fold(journey: Journey, data: bytes) -> Folded:
    """Apply every whole line of a journal; what stands after the last newline was cut off and never happened."""
    size = data.rfind(b"\n") + 1
    lines = unreadable = 0
    for raw in data[:size].split(b"\n")[:-1]:
        try:
            journey = folded(journey, json.loads(raw))
            lines += 1
        except DAMAGE:
            unreadable += 1
    return Folded(journey, lines, unreadable, size)


def readable(version: int) -> int:
    """The format version if this program can read it; NotReady (`state-newer`) when it is from the future."""
    if version < 1:
        raise ValueError("a format version below 1")
    if version > VERSION:
        raise NotReady(
            "state-newer",
            f"this journey was saved by a newer arbius-tui (format {version}, this one reads up to {VERSION})",
            why="what it does not understand it could lose",
            fix="update arbius-tui, or choose another project with --project",
        )
    return version


def migrated(version: int, step: str, record: dict[str, Any]) -> dict[str, Any]:
    """A saved record as this version has it."""
    for migrate in MIGRATIONS[version - 1 :]:
        record = migrate(step, record)
    return record


def read_state(path: Path) -> tuple[tuple[int, Journey] | None, str]:
    """((journal bytes contained, journey), "") or (None, why it cannot be read); (None, "") when there is no file."""
    try:
        data = read_bytes(path)
        if data is None:
            return None, ""
        state = json.loads(data)
        version = readable(state["v"])
        records = {str(k): migrated(version, str(k), dict(v)) for k, v in dict(state["records"]).items()}
        words = {k: str(state[k]) for k in (*ABOUT, "at", "saved_at")}
        states = {str(k): str(v) for k, v in dict(state["states"]).items()}
        return (int(state["journal_bytes"]), Journey(**words, states=states, records=records)), ""
    except DAMAGE as error:
        return None, f"{type(error).__name__}: {error}"


def read_bytes(path: Path) -> bytes | None:
    """A whole file, never through a symbolic link; None when there is none; NotReady (`state-unreadable`) else."""
    try:
        with open(path, "rb", opener=without_links) as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreadable(path.parent, f"{path.name}: {error.strerror}") from None


def without_links(path: str, flags: int) -> int:
    """Open a file that only its owner may read; a symbolic link is an error."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)


def append(path: Path, data: bytes, size: int) -> int:
    """Cut the file to `size` bytes (drops a line that was cut off), append, fsync; the new size. All or nothing."""
    with open(path, "r+b", buffering=0, opener=lambda p, flags: without_links(p, flags | os.O_CREAT)) as file:
        file.truncate(size)
        file.seek(size)
        try:
            left = data
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):
                file.truncate(size)
            raise
    return size + len(data)


def replace_file(path: Path, data: bytes, mode: int = 0o600, check: Callable[[], None] | None = None) -> None:
    """Replace a file in one step: temporary file, fsync, rename, fsync of the folder. OSError leaves nothing behind.

    `check` is called right before the rename; what it raises leaves everything as it was.
    """
    number, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=".tmp", dir=path.parent)
    try:
        with open(number, "wb") as file:
            os.fchmod(number, mode)
            file.write(data)
            file.flush()
            os.fsync(number)
        if check is not None:
            check()
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename last; file systems that cannot do this are left in peace."""
    number = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            os.fsync(number)
    finally:
        os.close(number)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the project's lock; the system frees it however the process ends. NotReady (`project-locked`)."""
    with writable(folder):
        handle = without_links(str(folder / LOCK), os.O_RDWR | os.O_CREAT)
    try:
        with writable(folder):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise held(folder) from None
            replace_file(folder / HOLDER, f"{os.getpid()}\n".encode())
        try:
            yield
        finally:
            with suppress(OSError):
                (folder / HOLDER).unlink(missing_ok=True)
    finally:
        os.close(handle)  # and with it the lock


def held(folder: Path) -> NotReady:
    """Somebody else has the project."""
    pid = (read_bytes(folder / HOLDER) or b"").decode(errors="replace").strip()
    who = f"process {pid}" if pid.isdecimal() else "another process"
    return NotReady(
        "project-locked",
        f"this project is open in {who}",
        why="two wizards on one journey could send one registration twice",
        fix="close the other wizard, or choose another project with --project",
        command=f"ps -p {pid} -o pid,tty,lstart,args" if pid.isdecimal() else None,
        detail=str(folder),
    )


def refuse_other_world(found: Journey, network: str) -> None:
    """A rehearsal and a real network never share one journey: BadInput (`project-network`)."""
    if found.network == network or "rehearsal" not in (found.network, network):
        return
    raise BadInput(
        "project-network",
        f"the project {found.project} was begun on {found.network} and cannot go on on {network}",
        why="what was rehearsed must never pass for something real, nor the other way round",
        fix="choose another project with --project",
    )


def unreadable(folder: Path, detail: str) -> NotReady:
    """Neither the state nor the journal can be read; both stay where they are."""
    where, aside = shlex.quote(str(folder)), shlex.quote(f"{folder}.broken")
    return NotReady(
        "state-unreadable",
        f"the saved journey in {folder} cannot be read",
        why="it may hold a registration that is under way, so it is neither guessed nor overwritten",
        fix="put the folder back from a backup, or move it away to begin again",
        command=f"mv {where} {aside}",
        detail=detail,
    )


@contextmanager
def writable(folder: Path) -> Iterator[None]:
    """Turn what the file system says into words: NotReady (`state-not-writable`)."""
    try:
        yield
    except OSError as error:
        raise not_writable(folder, error) from None


def not_writable(folder: Path, error: OSError) -> NotReady:
    """Nothing can be saved here, and why."""
    causes = {
        errno.ENOSPC: ("the disk is full", "free some space on that disk"),
        errno.EDQUOT: ("your quota on that disk is used up", "free some space on that disk"),
        errno.EROFS: ("the file system is read-only", "set XDG_STATE_HOME to a folder you can write to"),
        errno.ELOOP: ("a symbolic link stands where the file should be", "remove the link"),
    }
    usual = (error.strerror or str(error), "set XDG_STATE_HOME to a folder you can write to")
    cause, fix = causes.get(error.errno or 0, usual)
    return NotReady(
        "state-not-writable",
        f"nothing can be saved in {folder}: {cause}",
        why="each step is written down before it takes effect, so that nothing is lost or sent twice",
        fix=fix,
        detail=str(error),
    )


def count(number: int, what: str) -> str:
    """1 line, 2 lines."""
    return f"{number} {what}{'' if number == 1 else 's'}"
