"""A template while it is edited: its bytes, what was typed and is not valid yet, and the named history of both.

An `Editing` is a value: `do`, `undo` and `redo` give the next one, and the one before stays as it was. The history
keeps each change of the file's text as a splice (where, what stood there, what stands there now), so undoing restores
the bytes exactly, in whatever spelling the author has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from arbius_tui.domain.patching import Patch, patched, shifted, value_at
from arbius_tui.domain.spelling import respelled
from arbius_tui.domain.template import Template

Pending = Mapping[str, str]
"""Texts that are no valid value yet, by the JSON pointer of their field."""
NONE: Pending = MappingProxyType({})
MOST = 500
"""Steps that can be undone at least; twice as many before the oldest are dropped, all at once."""


@dataclass(frozen=True, slots=True)
class Splice:
    """`old` became `new` at this character of the text."""

    at: int = 0
    old: str = ""
    new: str = ""

    @classmethod
    def between(cls, before: str, after: str) -> Splice:
        """The one place in which two texts differ, as short as can be."""
        head = common(before, after)
        tail = common(before[head:][::-1], after[head:][::-1])
        return cls(head, before[head : len(before) - tail], after[head : len(after) - tail])

    def put(self, text: str) -> str:
        """The text after the change; ValueError for a text that it does not belong to."""
        return exchanged(text, self.at, self.old, self.new)

    def take(self, text: str) -> str:
        """The text before it."""
        return exchanged(text, self.at, self.new, self.old)


@dataclass(frozen=True, slots=True)
class Edit:
    """One step of the history: its name (`rename steps to num_steps`), the change of the text, and pending before it.

    Edits in a row with the same `burst` are one step: the typing in one field. `before` and `after` are what was
    pending; `documents` are kept while the program runs, so that undo need not parse.
    """

    name: str
    splice: Splice
    before: Pending = field(default_factory=dict)
    after: Pending = field(default_factory=dict)
    burst: str = ""
    documents: tuple[Any, Any] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Editing:
    """A template in the making. `past` can be undone (last first), `future` redone (next first)."""

    template: Template
    pending: Pending = field(default_factory=dict)
    past: tuple[Edit, ...] = ()
    future: tuple[Edit, ...] = ()

    @property
    def text(self) -> str:
        """The file's text."""
        return self.template.data.decode()

    def do(self, name: str, patch: Patch, pending: Mapping[str, str | None] = NONE, burst: str = "") -> Editing:
        """After these operations; BadInput when they do not fit.

        `pending` says what was typed and is not valid (a text) or is settled now (None), by pointers after the patch.
        """
        document = self.template.document
        after = written(self.template, patch) if patch else self.template  # refuses what does not fit
        kept = {**shifted(self.pending, document, patch), **{k: v for k, v in pending.items() if v is not None}}
        for path in [path for path, text in pending.items() if text is None]:
            kept.pop(path, None)
        return self.reached(name, after, kept, burst)

    def reached(self, name: str, after: Template, pending: Pending, burst: str = "") -> Editing:
        """The history one step longer; nothing happened when nothing differs."""
        if after.data == self.template.data and pending == self.pending:
            return self
        last = self.past[-1] if self.past and burst and self.past[-1].burst == burst else None
        if last is None:
            splice = Splice.between(self.text, after.data.decode())
            documents = (self.template.document, after.document)
            step = Edit(name, splice, self.pending, pending, burst, documents)
            kept = self.past if len(self.past) < 2 * MOST else self.past[-MOST:]
            return Editing(after, pending, (*kept, step))
        start = last.splice.take(self.text)
        splice = Splice.between(start, after.data.decode())
        if splice.old == splice.new and pending == last.before:
            return Editing(after, pending, self.past[:-1])  # typed back to where it began
        first = last.documents[0] if last.documents else None
        both = (first, after.document) if first is not None else None
        step = replace(last, name=name, splice=splice, after=pending, documents=both)
        return Editing(after, pending, (*self.past[:-1], step))

    def undo(self) -> Editing:
        """One step back; the same where there is none."""
        if not self.past:
            return self
        *rest, last = self.past
        known = last.documents[0] if last.documents else None
        before = reread(last.splice.take(self.text), known)
        return Editing(before, last.before, tuple(rest), (replace(last, burst=""), *self.future))

    def redo(self) -> Editing:
        """One step forward again; the same where there is none."""
        if not self.future:
            return self
        step, *rest = self.future
        known = step.documents[1] if step.documents else None
        after = reread(step.splice.put(self.text), known)
        return Editing(after, step.after, (*self.past, step), tuple(rest))

    def at(self, place: int) -> Editing:
        """As it stood after the first `place` steps of the whole history."""
        now = self
        while len(now.past) > place:
            now = now.undo()
        while len(now.past) < place and now.future:
            now = now.redo()
        return now

    def replaced(self, name: str, after: Template) -> Editing:
        """The whole file is another one now, e.g. as the author's own editor left it; that can be undone, too."""
        return self.reached(name, after, NONE)


def written(before: Template, patch: Patch) -> Template:
    """The template after a patch, its other bytes as they were."""
    data = respelled(before.data, patch)
    if any(op == "add" and isinstance(parent_of(before, path), Mapping) for op, path, _ in patch):
        return Template.read(data)  # only the writer knows where a new key stands
    return Template(data, patched(before.document, patch))


def parent_of(template: Template, path: str) -> Any:
    """What holds the place that a pointer names."""
    return value_at(template.document, path.rpartition("/")[0])


def reread(text: str, document: Any = None) -> Template:
    """The template of a text that stood in the history."""
    data = text.encode()
    return Template(data, document) if document is not None else Template.read(data)


def common(one: str, other: str) -> int:
    """How many characters two texts begin with alike; by halving, because comparing slices is quick."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def exchanged(text: str, at: int, old: str, new: str) -> str:
    """The text with one piece exchanged."""
    if text[at : at + len(old)] != old:
        raise ValueError("this step belongs to another text")
    return text[:at] + new + text[at + len(old) :]
