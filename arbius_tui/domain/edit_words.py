"""Edits in words, as the command line and a script say them: `set /input/0/min=1`, `add input`, `undo`.

A place is a JSON pointer; instead of its number a row may be named by its variable or file name (`/input/steps/min`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from arbius_tui.domain import template_edits as edits
from arbius_tui.domain.editing import Editing
from arbius_tui.domain.errors import BadInput, Problem
from arbius_tui.domain.lint import lint
from arbius_tui.domain.patching import OPERATIONS, Operation, pointer, tokens
from arbius_tui.domain.template_fields import NotValid, structure
from arbius_tui.domain.text import clean

STEPS = ("undo", "redo")
ALONE = (*STEPS, "restore")
BROUGHT = ("import", "take")
"""What is fetched from elsewhere: rows that this template lacks, or a whole template in place of this one."""
VERBS = ("set", "add", "duplicate", "delete", "move", "fix", "patch", *BROUGHT, *ALONE)


@dataclass(frozen=True, slots=True)
class Change:
    """One edit in words: a verb and what it is about."""

    verb: str
    about: str = ""


def changes(words: Sequence[str]) -> list[Change]:
    """The edits that a row of words says; BadInput (`edit-words`) for a verb that is none or lacks its object."""
    found: list[Change] = []
    rest = list(words)
    while rest:
        verb = rest.pop(0)
        if verb not in VERBS:
            raise wrong(f"{clean(verb)[:40]!r} is no edit", f"it is one of {', '.join(VERBS)}")
        if verb not in ALONE and not rest:
            raise wrong(f"`{verb}` lacks what it is about", f"e.g. {EXAMPLES[verb]}")
        found.append(Change(verb, "" if verb in ALONE else rest.pop(0)))
    if not found:
        raise wrong("no edit is given", "e.g. set /input/0/min=1, add input, undo")
    return found


EXAMPLES = {
    "set": "set /input/steps/max=50", "add": "add input", "duplicate": "duplicate /input/steps",
    "delete": "delete /input/steps", "move": "move /input/steps=up", "fix": "fix /input/steps/max",
    "import": "import http://127.0.0.1:5000", "take": "take other.json",
    "patch": """patch '[{"op": "replace", "path": "/meta/title", "value": "My SDXL"}]'""",
}  # fmt: skip


def act(editing: Editing, change: Change, found: Sequence[Problem] | None = None) -> Editing:
    """The template after an edit in words; BadInput where it cannot be done, also for a value that is not valid."""
    if change.verb in STEPS:
        return stepped(editing, change.verb)
    if change.verb == "restore":
        raise wrong("`restore` is for a file that cannot be read", "`undo` brings the version before back")
    place, _, text = change.about.partition("=")
    if change.verb == "add":
        return row(editing, change.about)
    if change.verb == "patch":
        return edits.patch_of(editing, "patch", operations(change.about))
    path = named(editing.template.document, place)
    if change.verb == "fix":
        return mended(editing, path, lint(editing.template) if found is None else found)
    if change.verb == "set":
        return valid(edits.typed(editing, path, text))
    return placed(editing, change.verb, path, text)


def placed(editing: Editing, verb: str, path: str, where: str) -> Editing:
    """A row or choice duplicated, deleted or moved."""
    if verb == "move":
        return moved(editing, path, where)
    return edits.duplicated(editing, path) if verb == "duplicate" else edits.deleted(editing, path)


def named(document: Mapping[str, Any], place: str) -> str:
    """The pointer that is meant: the name of a row becomes its number."""
    keys = tokens(place)
    rows = document.get(keys[0]) if len(keys) > 1 else None
    if isinstance(rows, list) and not keys[1].isdigit():
        for number, found in enumerate(rows):
            if isinstance(found, Mapping) and keys[1] in (found.get("variable"), found.get("filename")):
                return pointer(keys[0], number, *keys[2:])
    return place


def valid(editing: Editing) -> Editing:
    """Without a person at the keys a value that is not valid is refused."""
    for problem in edits.problems(editing):
        raise BadInput(
            "not-valid", problem.what, why="nothing was changed", fix=problem.fix.text if problem.fix else ""
        )
    return editing


def row(editing: Editing, group: str) -> Editing:
    """A new input or output."""
    if group not in edits.GROUPS:
        raise wrong(f"{clean(group)[:40]!r} has no rows", "add input, or add output")
    return edits.added(editing, group)


def moved(editing: Editing, path: str, where: str) -> Editing:
    """Up, down, or to a place that is counted from 0."""
    if where in ("up", "down"):
        return edits.moved(editing, path, 1 if where == "down" else -1)
    if not (where.isascii() and where.isdigit()):
        raise wrong(f"{clean(where)[:40]!r} is no place", "e.g. move /input/steps=up, =down or =0")
    return edits.moved(editing, path, int(where) - int(path.rpartition("/")[2] or 0))


def mended(editing: Editing, where: str, found: Sequence[Problem]) -> Editing:
    """The fix of the first problem with this code or at this place that a key could apply."""
    for problem in found:
        if where in (problem.code, problem.path) and edits.can_fix(problem):
            return edits.fixed(editing, problem)
    open_to = [problem.path or problem.code for problem in found if edits.can_fix(problem)]
    raise BadInput(
        "no-fix", f"nothing at {clean(where)[:60]} is mended by itself", why="nothing was changed",
        fix=f"what can be: {', '.join(open_to[:12])}" if open_to else "`arbius-tui template check` says what is wrong",
    )  # fmt: skip


def stepped(editing: Editing, verb: str) -> Editing:
    """One step back or forward."""
    after = editing.undo() if verb == "undo" else editing.redo()
    if after is editing:
        raise BadInput(f"no-{verb}", f"there is nothing to {verb}", why="nothing was changed",
                       fix="the history is kept for each file in the project's state")  # fmt: skip
    return after


def operations(text: str) -> list[Operation]:
    """A JSON Patch as it is written in JSON."""
    try:
        found = structure(text)
    except NotValid as error:
        raise wrong("the patch is not JSON", f"e.g. {EXAMPLES['patch']}", str(error)) from None
    rows = [found] if isinstance(found, Mapping) else found
    if not isinstance(rows, list) or not rows or not all(isinstance(part, Mapping) for part in rows):
        raise wrong("the patch is no list of operations", f"e.g. {EXAMPLES['patch']}")
    return [operation(part) for part in rows]


def operation(part: Mapping[str, Any]) -> Operation:
    """One operation of a JSON Patch."""
    op, path = part.get("op"), part.get("path")
    if op not in OPERATIONS or not isinstance(path, str):
        raise wrong(
            f"{clean(json.dumps(op))[:40]} is no operation with a path", f"op is one of {', '.join(OPERATIONS)}"
        )
    needed = {"add": "value", "replace": "value", "move": "from"}.get(op)
    if needed and needed not in part:
        raise wrong(f"a patch that does {op} needs `{needed}`", f"e.g. {EXAMPLES['patch']}")
    return str(op), path, str(part["from"]) if op == "move" else part.get("value")


def wrong(what: str, fix: str, detail: str = "") -> BadInput:
    """Words that are no edit."""
    return BadInput("edit-words", what, why="nothing was changed", fix=fix, detail=detail)
