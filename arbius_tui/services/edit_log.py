"""The history of one template's edits on disk, so that undo still works after a crash, a quit or a night.

One file for each template in the project's state folder: a first line with the text that the history begins with, then
a line for each change. A line says how many steps of the history before it stay, and which come then. What was cut off
in the middle of a line never happened; a file that cannot be read is a history that begins anew. The template's own
file is always written first: what it says is never put back by a history.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arbius_tui.domain.editing import Edit, Editing, Pending, Splice
from arbius_tui.services import store

VERSION = 1
LONG = 1_000_000
"""Bytes of a log that is written anew, without what was undone and overwritten, when it is opened."""


@dataclass(frozen=True, slots=True)
class History:
    """What a log says: the text it ends with, what was pending then, and the steps before and after."""

    text: str
    pending: Pending
    past: tuple[Edit, ...]
    future: tuple[Edit, ...]


class EditLog:
    """The log of the template at `path`, below the project's state `folder`; without a folder nothing is kept."""

    def __init__(self, folder: Path | None, path: Path) -> None:
        name = hashlib.sha256(str(path).encode("utf-8", "surrogateescape")).hexdigest()[:16]
        self.file = folder / "edits" / f"{name}.jsonl" if folder else None
        self.path = path
        self.last: Editing | None = None
        self.size = 0

    def read(self) -> History | None:
        """The history, None where there is none that can be read."""
        data = store.read_bytes(self.file) if self.file else None
        if not data:
            return None
        whole = data[: data.rfind(b"\n") + 1]
        try:
            found = folded(whole)
        except store.DAMAGE:
            return None
        self.size = len(whole)
        return found

    def resume(self, editing: Editing) -> None:
        """Go on behind what `read` found, which ends as `editing` does; what was never cleared is written anew."""
        if not 0 < self.size <= LONG:
            return self.begin(editing)
        self.last = editing

    def begin(self, editing: Editing) -> None:
        """Write the whole history anew: for another file, and when its oldest steps were dropped."""
        self.last = editing
        if self.file is None:
            return
        first = editing.at(0).text
        head = {"v": VERSION, "path": str(self.path), "text": first}
        data = "".join(json.dumps(part) + "\n" for part in (head, line(None, editing))).encode()
        with store.writable(self.file.parent):
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            store.replace_file(self.file, data)
        self.size = len(data)

    def add(self, editing: Editing) -> None:
        """What is new since the last time, as one line that is on disk when this returns."""
        last = self.last
        if last is editing:
            return
        if last is None or (last.past and editing.past and last.past[0] is not editing.past[0] and len(last.past) > 1):
            self.begin(editing)
            return
        self.last = editing
        if self.file is None:
            return
        with store.writable(self.file.parent):
            data = (json.dumps(line(last, editing)) + "\n").encode()
            self.size = store.append(self.file, data, self.size)


def line(before: Editing | None, now: Editing) -> dict[str, Any]:
    """A line of the log: `keep` steps of the past and `rest` of the future stay, `past` and `ahead` come to them."""
    old = before or Editing(now.template)
    keep = alike(old.past, now.past)
    rest = alike(old.future[::-1], now.future[::-1])
    return {
        "keep": keep,
        "past": [row(edit) for edit in now.past[keep:]],
        "ahead": [row(edit) for edit in now.future[: len(now.future) - rest]],
        "rest": rest,
        "pending": dict(now.pending),
    }


def alike(one: Sequence[Edit], other: Sequence[Edit]) -> int:
    """With how many steps two histories begin alike."""
    count = 0
    for a, b in zip(one, other, strict=False):
        if a is not b:
            break
        count += 1
    return count


def row(edit: Edit) -> dict[str, Any]:
    """A step as JSON."""
    splice = edit.splice
    return {"name": edit.name, "at": splice.at, "old": splice.old, "new": splice.new,
            "before": dict(edit.before), "after": dict(edit.after)}  # fmt: skip


def step(found: dict[str, Any]) -> Edit:
    """A step from JSON; KeyError, TypeError or ValueError when it is none of ours."""
    splice = Splice(int(found["at"]), str(found["old"]), str(found["new"]))
    return Edit(str(found["name"]), splice, texts(found["before"]), texts(found["after"]))


def texts(found: Any) -> dict[str, str]:
    """What was pending."""
    return {str(key): str(text) for key, text in dict(found).items()}


def folded(data: bytes) -> History:
    """The lines of a log, one after the other."""
    head, *lines = [json.loads(part) for part in data.split(b"\n")[:-1]]
    if head["v"] != VERSION:
        raise ValueError("another format")
    past: list[Edit] = []
    future: list[Edit] = []
    pending: Pending = {}
    for found in lines:
        rest = int(found["rest"])
        past = past[: int(found["keep"])] + [step(part) for part in found["past"]]
        future = [step(part) for part in found["ahead"]] + future[len(future) - rest :]
        pending = texts(found["pending"])
    text = str(head["text"])
    for edit in past:
        text = edit.splice.put(text)
    return History(text, pending, tuple(past), tuple(future))
