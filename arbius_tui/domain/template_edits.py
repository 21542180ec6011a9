"""What an author does to a template: each is one named step of its history.

Type a text into a field, choose a type, add, duplicate, delete and move rows and choices, apply the fix of a problem.
A text that is no valid value is kept as pending, and the file keeps the last valid one: nobody is trapped, nothing is
lost.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from arbius_tui.domain.editing import Editing
from arbius_tui.domain.errors import BadInput, Fix, Problem
from arbius_tui.domain.patching import Operation, Patch, tokens, value_at
from arbius_tui.domain.template import Spelled
from arbius_tui.domain.template_fields import (
    ABSENT,
    ENUMS,
    INTEGER,
    NUMBERS,
    NotValid,
    Spec,
    dumped,
    fields_of,
    meant,
    number,
    part_of,
    shown,
)
from arbius_tui.domain.text import clean

GROUPS = ("input", "output")
EXTENSIONS = {"image": "png", "video": "mp4", "audio": "wav", "text": "txt"}


# --- fields ------------------------------------------------------------------------------------------------------


def field_at(editing: Editing, path: str) -> Spec:
    """The field at a pointer; BadInput (`no-field`) where there is none."""
    fields = fields_of(editing.template.document, part_of(path))
    for field in fields:
        if field.id == path:
            return field
    raise BadInput(
        "no-field", f"the template has no field {clean(path)[:80]}", why="nothing was changed",
        fix=f"there are {', '.join(f.id for f in fields)}" if fields else "`arbius-tui template show` lists the parts",
    )  # fmt: skip


def typed(editing: Editing, path: str, text: str, burst: str = "") -> Editing:
    """A text typed into a field. Texts of one `burst` are one step; what is not valid is kept as pending."""
    field = field_at(editing, path)
    if field.kind == "type":
        return retyped(editing, path, text)
    name = edit_name(editing, field, text, burst)
    try:
        value = meant(field, text)
    except NotValid:
        return editing.do(name, back(editing, field, burst), {path: text}, burst)
    return editing.do(name, operations(editing, field, value), {settled(editing, path): None}, burst)


def back(editing: Editing, field: Spec, burst: str) -> Patch:
    """What brings the value back that was emptied on the way to a text that is not valid."""
    last = editing.past[-1] if editing.past and burst and editing.past[-1].burst == burst else None
    if field.there or last is None or last.documents is None:
        return ()
    value = value_at(last.documents[0], field.id, ABSENT)
    return () if value is ABSENT else (("add", field.id, value),)


def settled(editing: Editing, path: str) -> str:
    """The pointer of what was typed, after the edit: a new choice has a number then."""
    return path if not path.endswith("/-") else path[:-1] + str(len(value_at(editing.template.document, path[:-2], [])))


def operations(editing: Editing, field: Spec, value: Any) -> Patch:
    """What makes the field this value."""
    if value is ABSENT:
        return (("remove", field.id, None),) if field.there else ()
    if field.id.endswith("/choices/-"):
        choices = field.id[:-2]
        known = value_at(editing.template.document, choices, None)
        return (("add", field.id, value),) if known is not None else (("add", choices, [value]),)
    if field.there and same(value_at(editing.template.document, field.id), value):
        return ()
    return (("replace" if field.there else "add", field.id, value),)


def same(one: Any, other: Any) -> bool:
    """Whether two values are written alike."""
    return type(one) is type(other) and dumped(one) == dumped(other)


def edit_name(editing: Editing, field: Spec, text: str, burst: str = "") -> str:
    """`rename steps to num_steps`, `max 20 -> 50`, `choice 2 512 -> 640`: from where the typing began."""
    was, now = start_of(editing, field, burst), brief(text)
    if field.id.endswith("/-") or was is None:
        return f"add {field.label.rstrip(' +0123456789')} {now}"
    if field.label == "variable":
        return f"rename {brief(was) or 'row'} to {now or 'nothing'}"
    return f"{field.label} {brief(was) or 'empty'} -> {now or 'empty'}"


def start_of(editing: Editing, field: Spec, burst: str) -> str | None:
    """What the field said before the typing of this burst; None when the typing made the field."""
    last = editing.past[-1] if editing.past and burst and editing.past[-1].burst == burst else None
    if last is None or last.documents is None:
        return editing.pending.get(field.id, field.text)
    known = next((f for f in fields_of(last.documents[0], part_of(field.id)) if f.id == field.id), None)
    return last.before.get(field.id, known.text) if known else None


def brief(text: str) -> str:
    """A text of the history: harmless and short."""
    text = clean(text).replace("\n", " ")
    return text if len(text) <= 24 else text[:22] + ".."


def problems(editing: Editing) -> list[Problem]:
    """What was typed and is not valid, each with what would be."""
    return [pending_problem(editing, path, text) for path, text in editing.pending.items()]


def pending_problem(editing: Editing, path: str, text: str) -> Problem:
    """The problem of one text that is not valid."""
    label, valid, kept = tokens(path)[-1], "another value", ""
    try:
        field = field_at(editing, path)
        label, kept = field.label, field.text
        meant(field, text)
    except NotValid as error:
        valid = str(error)
    except BadInput:
        pass
    why = f"the file keeps {brief(kept)} until it is" if kept else "the file has no value here until it is"
    fix = Fix(f"type {valid}")
    return Problem("not-valid", f"`{label}` is {brief(text)!r}, not {valid}", why, fix, path=path)


# --- the type of a row -------------------------------------------------------------------------------------------


def retyped(editing: Editing, path: str, kind: str) -> Editing:
    """A row of another type: default and choices are taken along where they can be said, bounds where they count."""
    field = field_at(editing, path)
    row_path = part_of(path)
    row = value_at(editing.template.document, row_path)
    if kind not in field.options:
        raise BadInput("no-type", f"{brief(kind)!r} is no type of a row", why="nothing was changed",
                       fix=f"it is one of {', '.join(field.options)}")  # fmt: skip
    patch: list[Operation] = [("replace" if field.there else "add", path, kind)]
    patch += taken_along(row_path, row, kind)
    return editing.do(f"type {field.text or 'empty'} -> {kind}", patch if kind != field.text else ())


def taken_along(path: str, row: Mapping[str, Any], kind: str) -> list[Operation]:
    """What else changes with the type: nothing is made up, what cannot be said any more goes."""
    patch: list[Operation] = []
    if kind not in NUMBERS:
        patch += [("remove", f"{path}/{key}", None) for key in ("min", "max") if key in row]
    choices = row.get("choices")
    if kind not in ENUMS:
        patch += [("remove", f"{path}/choices", None)] if "choices" in row else []
    elif isinstance(choices, list):
        told = [converted(kind, choice) for choice in choices]
        patch += [("replace", f"{path}/choices", told)] if told != choices else []
    else:
        first = [converted(kind, row["default"])] if row.get("default") not in (None, "") else []
        patch.append(("replace" if "choices" in row else "add", f"{path}/choices", first))
    if "default" in row and not same(told := converted(kind, row["default"]), row["default"]):
        patch.append(("replace", f"{path}/default", told))
    return patch


def converted(kind: str, value: Any) -> Any:
    """A value as this type says it, or as it is where that cannot be."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return value
    if kind in ("string", "string_enum"):
        return shown(value)
    if kind == "decimal" or isinstance(value, int):
        try:
            return number("decimal", value) if isinstance(value, str) else value
        except NotValid:
            return value
    text = shown(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        text = str(int(value))
    return int(text) if INTEGER.fullmatch(text) and text != "-0" else value


# --- rows and choices --------------------------------------------------------------------------------------------


def rows(editing: Editing, group: str) -> list[Any]:
    """The rows of `input` or `output`, or the choices of a row; empty where there is no array."""
    found = value_at(editing.template.document, group if group.startswith("/") else f"/{group}")
    return found if isinstance(found, list) else []


def added(editing: Editing, group: str, place: int | None = None, row: Mapping[str, Any] | None = None) -> Editing:
    """A new row, at the end or at `place`; a group that is not there yet begins with it."""
    known = rows(editing, group)
    made = dict(row) if row else new_row(editing, group)
    name = f"add {brief(str(made.get('variable') or made.get('filename') or group))}"
    if value_at(editing.template.document, f"/{group}") is None:
        return editing.do(name, [("add", f"/{group}", [made])])
    at = len(known) if place is None else min(max(place, 0), len(known))
    return editing.do(name, [("add", f"/{group}/{at}", made)])


def new_row(editing: Editing, group: str) -> dict[str, Any]:
    """A row to begin with: an optional text, or the next output file."""
    known = rows(editing, group)
    if group == "output":
        names = {str(row.get("filename", "")).partition(".")[0] for row in known if isinstance(row, Mapping)}
        number = next(n for n in range(1, len(known) + 2) if f"out-{n}" not in names)
        return {"filename": f"out-{number}.png", "type": "image"}
    name = free_name({str(row.get("variable")) for row in known if isinstance(row, Mapping)}, "input", len(known) + 1)
    return {"variable": name, "type": "string", "required": False, "default": "", "description": ""}


def free_name(names: set[str], stem: str, number: int = 0) -> str:
    """`stem` with a number that no row has yet."""
    name = f"{stem}_{number}" if number else stem
    while name in names:
        number = number + 1 if number else 2
        name = f"{stem}_{number}"
    return name


def duplicated(editing: Editing, path: str) -> Editing:
    """The row or choice once more, right below; its variable gets a name that is free."""
    parent, place = in_list(editing, path)
    row = rows(editing, parent)[place]
    if isinstance(row, Mapping) and isinstance(row.get("variable"), str):
        names = {str(other.get("variable")) for other in rows(editing, parent) if isinstance(other, Mapping)}
        stem = re.sub(r"_copy(_[0-9]+)?$", "", row["variable"]) + "_copy"
        row = {**row, "variable": free_name(names, stem)}
    name = f"duplicate {row_name(editing, path)}"
    return editing.do(name, [("add", f"{parent}/{place + 1}", row)])


def deleted(editing: Editing, path: str) -> Editing:
    """Without this row or choice."""
    in_list(editing, path)
    return editing.do(f"delete {row_name(editing, path)}", [("remove", path, None)])


def moved(editing: Editing, path: str, by: int) -> Editing:
    """The row or choice so many places further down (or up); the same at the ends."""
    parent, place = in_list(editing, path)
    goal = min(max(place + by, 0), len(rows(editing, parent)) - 1)
    if goal == place:
        return editing
    word = "up" if goal < place else "down"
    return editing.do(f"move {row_name(editing, path)} {word}", [("move", f"{parent}/{goal}", path)])


def in_list(editing: Editing, path: str) -> tuple[str, int]:
    """The array that holds this row or choice, and its place; BadInput (`no-row`) for anything else."""
    parent, _, last = path.rpartition("/")
    group = parent.strip("/") in GROUPS or parent.endswith("/choices")
    if not group or not last.isdigit() or int(last) >= len(rows(editing, parent)):
        raise BadInput("no-row", f"there is no row at {clean(path)[:80] or 'that place'}", why="nothing was changed",
                       fix="name one, e.g. /input/0 or /output/0")  # fmt: skip
    return parent, int(last)


def row_name(editing: Editing, path: str) -> str:
    """How a row or choice is called in the history."""
    row = value_at(editing.template.document, path)
    if isinstance(row, Mapping):
        return brief(str(row.get("variable") or row.get("filename") or path.strip("/").replace("/", " ")))
    return f"choice {brief(shown(row))}" if not isinstance(row, Spelled) else f"choice {row.spelling}"


# --- a fix, and a patch of anybody -------------------------------------------------------------------------------


def fixed(editing: Editing, problem: Problem) -> Editing:
    """The fix of a problem, applied; BadInput (`no-fix`) when no key can apply it."""
    fix = problem.fix
    if fix is None or not fix.patch:
        raise BadInput("no-fix", "no key mends this", why=problem.what, fix=fix.text if fix else "")
    return patch_of(editing, fix.text, fix.patch)


def can_fix(problem: Problem) -> bool:
    """Whether a key can apply the fix."""
    return problem.fix is not None and bool(problem.fix.patch)


def patch_of(editing: Editing, name: str, patch: Patch) -> Editing:
    """Any JSON Patch as one step; what was typed and not valid at the places that it writes is settled by it."""
    written = {path for op, path, _ in patch if op in ("add", "replace")}
    return editing.do(brief_name(name), patch, {path: None for path in written})


def brief_name(name: str) -> str:
    """A sentence as the name of a step."""
    name = clean(name).replace("\n", " ")
    return name if len(name) <= 60 else name[:58] + ".."
