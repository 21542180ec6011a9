"""What a step tells while it works. The terminal, the plain mode and the JSON output show these and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from typing import Any, ClassVar, Protocol

from arbius_tui.domain.errors import Problem
from arbius_tui.domain.journey import Record

VERSION = 1
"""Of the JSON lines; fixed by what scripts rely on."""


class Item(Protocol):
    """A thing a step found: a frozen dataclass with a `kind`, e.g. a check, a case, a row of the review."""

    @property
    def kind(self) -> str:
        """The name of this sort of finding in JSON."""


@dataclass(frozen=True)
class Started:
    """A step began."""

    title: str
    name: ClassVar[str] = "started"


@dataclass(frozen=True)
class Line:
    """Text for a person: what is being done, or lines of a log, all that came at once in one event. Already clean."""

    text: str
    source: str = ""
    name: ClassVar[str] = "line"


@dataclass(frozen=True)
class Progress:
    """How far `what` is: `done` of `total` (0: unknown) in `unit`."""

    what: str
    done: int
    total: int = 0
    unit: str = ""
    name: ClassVar[str] = "progress"


@dataclass(frozen=True)
class Found:
    """Something came to light; a later one with the same `kind` and `id` replaces it."""

    item: Item
    name: ClassVar[str] = "found"


@dataclass(frozen=True)
class Trouble:
    """Something is wrong; the step goes on or ends with `Done`."""

    problem: Problem
    name: ClassVar[str] = "problem"


@dataclass(frozen=True)
class Saved:
    """A fact about the journey. It is on disk before any face sees this event."""

    change: Record
    name: ClassVar[str] = "saved"


@dataclass(frozen=True)
class Done:
    """The end of a step. `exit` is the exit code of a process that ran only this step.

    `state` is the step's state word where it is not simply ok or FAIL; scripts read `result`.
    """

    ok: bool
    exit: int = 0
    result: Mapping[str, Any] = field(default_factory=dict)
    state: str = ""
    name: ClassVar[str] = "done"


Event = Started | Line | Progress | Found | Trouble | Saved | Done


def body(event: Event) -> dict[str, Any]:
    """The event's own keys in JSON, without the envelope (`v`, `event`, `step`, `at`)."""
    match event:
        case Found(item):
            return {"kind": item.kind, **plain(item)}
        case Trouble(problem):
            return dict(plain(problem))
        case Saved(change):
            return {"change": change.public()}
        case Done(ok, exit, result):
            return {"ok": ok, "exit": exit, "result": plain(result)}
        case _:
            return dict(plain(event))


def plain(value: Any) -> Any:
    """Dataclasses, tuples and mappings as what JSON has."""
    if is_dataclass(value) and not isinstance(value, type):
        value = {key: part for key, part in asdict(value).items() if key != "kind"}
    if isinstance(value, Mapping):
        # A fix that no key can apply says nothing of a patch, a problem of no reader nothing of readers.
        parts = {key: part for key, part in value.items() if key not in ("patch", "readers") or part != ()}
        return {key: operations(part) if _is_patch(key, part) else plain(part) for key, part in parts.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value


def _is_patch(key: str, part: Any) -> bool:
    """Whether this is the patch of a fix; other things called so are text, or lists of a template."""
    return key == "patch" and isinstance(part, tuple)


def operations(patch: tuple[tuple[str, str, Any], ...]) -> list[dict[str, Any]]:
    """The operations of a fix as JSON Patch writes them (RFC 6902)."""
    return [
        {"op": op, "path": path}
        | ({} if op == "remove" else {"from" if op in ("move", "copy") else "value": plain(value)})
        for op, path, value in patch
    ]
