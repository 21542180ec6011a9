"""What a model says to a template: what each has that the other lacks, types, bounds wider than the model's, defaults.

The model speaks through its OpenAPI document. What a task may say and the model refuses costs every miner who takes it;
a server ignores what it does not know, so that a misspelled variable does nothing and nobody is told.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from arbius_tui.domain import inputs
from arbius_tui.domain.draft import MAX_SEED, draft
from arbius_tui.domain.errors import Fix, Problem
from arbius_tui.domain.inputs import ModelInput
from arbius_tui.domain.lint_words import (
    KASUMIS,
    MINERS,
    TYPES,
    Operation,
    Remembered,
    among,
    error,
    finite,
    info,
    is_whole,
    nearest,
    number,
    plain_number,
    shown,
    warn,
)
from arbius_tui.domain.template import Template
from arbius_tui.domain.text import clean

_TAKES = {
    "string": ("string", "string_enum"),
    "integer": ("int", "int_enum"),
    "number": ("decimal", "int", "int_enum"),
    "file": ("string", "string_enum", "file"),
}
"""The types of a row that a model's input of this type takes."""
_CALLED = {
    "string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false", "file": "a file",
    "secret": "a secret", "array": "a list", "object": "an object", "any": "something of several types",
}  # fmt: skip
_EVERY = "every task with such a value fails on every miner"
_COMPARED = 2000
"""Pairs of names; a template of quite another model is not worth more time."""


@dataclass(frozen=True)
class Model:
    """A model as a template has to agree with it: its inputs, and the row that a draft makes of each that can have one.

    `open` holds what the draft had to make up, as (variable, key): no patch may offer it as the model's word.
    """

    inputs: Mapping[str, ModelInput]
    rows: Mapping[str, Mapping[str, Any]]
    left_out: Mapping[str, str]
    open: frozenset[tuple[str, str]] = frozenset()
    known: Remembered = field(default_factory=Remembered, compare=False, repr=False)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Model:
        """The model that an OpenAPI document describes; an odd document describes fewer inputs and raises nothing."""
        made = draft(document)
        rows = {row["variable"]: row for row in made.template.document["input"]}
        left = {item.variable: item.reason for item in made.left_out}
        asked = frozenset((item.variable, item.key) for item in made.asked)
        return cls({item.name: item for item in inputs.read(document)}, rows, left, asked)

    def says(self, variable: str, key: str) -> Any:
        """What the model itself says to a key of a row, None where it says nothing."""
        row = self.rows.get(variable, {})
        return None if (variable, key) in self.open else row.get(key)


def against(template: Template, model: Model) -> list[Problem]:
    """Every problem between a template and a model, in the order of the rows; then what the template leaves out."""
    found = template.document.get("input")
    rows = [(n, row) for n, row in enumerate(found if isinstance(found, list) else ()) if isinstance(row, Mapping)]
    if not model.inputs:
        why = "nothing of the template can be held against it"
        return [warn("model-silent", "/input", "the model's document describes no inputs", why, "ask the model itself")]
    names = {row["variable"] for _, row in rows if isinstance(row.get("variable"), str)}
    made: list[Problem] = []
    for index, row in rows:
        made += model.known.at(f"/input/{index}", row, lambda new: _of_row(new, model))
    free = [name for name in model.inputs if name not in names and name != "seed"]
    offered = _renames(made, template, free, model)
    made = [offered.get(problem.path, problem) for problem in made]
    taken = {problem.fix.patch[0][2] for problem in offered.values() if problem.fix}
    for name in free:
        made += _left(model.inputs[name], model, name in taken or not isinstance(found, list))
    return made + list(_seed(model))


def _of_row(row: Mapping[str, Any], model: Model) -> Iterator[Problem]:
    name = row.get("variable")
    if not isinstance(name, str) or not name or name == "seed":
        return  # lint says it
    item = model.inputs.get(name)
    if item is None:
        what, why = f"the model has no input {shown(name)}", "its server ignores what it does not know: it does nothing"
        yield error("not-in-model", "/variable", what, why, "remove the row, or name it as the model does",
                    ("remove", "", None), readers=MINERS)  # fmt: skip
        return
    wrong = list(_type(row, item, model))
    yield from wrong
    if not wrong:
        yield from _choices(row, item)
        yield from _bounds(row, item, model)
        yield from _default(row, item, model)


def _renames(made: Sequence[Problem], template: Template, free: Sequence[str], model: Model) -> dict[str, Problem]:
    """For variables that the model does not have, each by its place: the nearest input that no row names yet."""
    lost = [problem for problem in made if problem.code == "not-in-model"]
    names = [name for name in free if name in model.rows]
    found: dict[str, Problem] = {}
    for problem in lost if len(lost) * len(names) <= _COMPARED else ():
        index = int(problem.path.split("/")[2])
        better = nearest(str(template.document["input"][index].get("variable")), names)
        if better:
            names.remove(better)
            fix = f"rename it to {clean(better)}, which the model has and the template does not"
            patch = (("replace", problem.path, better),)
            found[problem.path] = replace(problem, fix=Fix(fix, patch=patch))
    return found


# --- a row and its input -----------------------------------------------------------------------------------------


def _type(row: Mapping[str, Any], item: ModelInput, model: Model) -> Iterator[Problem]:
    kind, right = row.get("type"), _TAKES.get(item.type, ())
    if kind not in (*TYPES, "file"):
        return  # lint says it
    if item.type == "file" and kind in right:
        why = "miners send no file; a task would have to give a link, and the model's server would have to fetch it"
        yield warn("model-file", "/type", "the model wants a file here", why, "leave the row out if you can",
                   readers=MINERS)  # fmt: skip
    elif kind not in right:
        what = f"the type is {kind}, and the model wants {_CALLED.get(item.type, item.type)}"
        known = model.rows.get(item.name)
        patch: tuple[Operation, ...] = tuple(_retyped(row, known)) if known else (("remove", "", None),)
        fix = (
            f"make it {known['type']}" if known else f"remove the row: {model.left_out.get(item.name, 'no type fits')}"
        )
        yield error("type-differs", "/type", what, "the model refuses every task", fix, *patch, readers=MINERS)


def _retyped(row: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[Operation]:
    """The operations that give a row the type the model's own draft has, and what belongs to that type."""
    yield "add", "/type", known["type"]
    for key in ("choices", "min", "max", "default"):
        if key in known and (key not in row or key in ("choices", "default")):
            yield "add", f"/{key}", known[key]
        elif key in row and key not in known:
            yield "remove", f"/{key}", None


def _choices(row: Mapping[str, Any], item: ModelInput) -> Iterator[Problem]:
    allowed = [plain_number(choice) if number(choice) else choice for choice in item.choices if choice is not None]
    listed = row.get("choices")
    if allowed and row.get("type") not in ("string_enum", "int_enum"):
        kind = "string_enum" if all(isinstance(choice, str) for choice in allowed) else "int_enum"
        patch: tuple[Operation, ...] = (("add", "/type", kind), ("add", "/choices", allowed))
        patch += tuple(("remove", f"/{key}", None) for key in ("min", "max") if key in row)
        what = f"a task may say anything, and the model takes {len(allowed)} values only"
        yield error("wider-than-model", "/type", what, _EVERY, f"make it {kind} with these choices", *patch,
                    readers=MINERS)  # fmt: skip
    elif isinstance(listed, list) and row.get("type") in ("string_enum", "int_enum"):
        for index, choice in enumerate(listed):
            outside = number(choice) and _outside(choice, item)
            if (allowed and not among(choice, allowed)) or outside:
                path = f"/choices/{index}"
                what = f"the model does not take the choice {shown(choice)}"
                yield error("choice-refused", path, what, _EVERY, "take it out", ("remove", path, None), readers=MINERS)


def _outside(value: float, item: ModelInput) -> bool:
    return (number(item.min) and value < item.min) or (number(item.max) and value > item.max)


def _bounds(row: Mapping[str, Any], item: ModelInput, model: Model) -> Iterator[Problem]:
    if row.get("type") not in ("int", "decimal") or item.choices:
        return
    for key, limit, word in (("min", item.min, "ge"), ("max", item.max, "le")):
        value, path = row.get(key), f"/{key}"
        if not number(limit) or (isinstance(limit, float) and math.isnan(limit)):
            continue
        said = model.says(item.name, key)
        known = said if said is not None else plain_number(limit) if finite(limit) else None
        patch: tuple[Operation, ...] = () if known is None else (("add", path, known),)
        if key not in row:
            fix = f"write {shown(known)}, as the model says"
            yield info("model-bound", path, f"the model has {word} {shown(limit)}", "tasks beyond it fail", fix, *patch)
        elif number(value) and (value < limit if key == "min" else value > limit):
            side = "below" if key == "min" else "above"
            what = f"{shown(value)} is {side} what the model accepts ({word} {shown(limit)})"
            low, high = sorted((plain_number(value), plain_number(limit)))
            why = f"every task with a value from {shown(low)} to {shown(high)}, beyond that bound, fails on every miner"
            yield error("wider-than-model", path, what, why, f"use {shown(known)}", *patch, readers=MINERS)


def _default(row: Mapping[str, Any], item: ModelInput, model: Model) -> Iterator[Problem]:
    said = model.says(item.name, "default")
    patch: tuple[Operation, ...] = () if said is None else (("add", "/default", said),)
    if "default" not in row:
        if item.has_default:
            what, why = f"the model's default is {shown(item.default)}", "miners send the template's, and it has none"
            yield info("model-default", "/default", what, why, "write it", *patch)
        return
    value = row["default"]
    if row.get("required") is True and value == "":
        return
    if _refused(value, item):
        what, why = (
            f"the model refuses the default {shown(value)}",
            "miners send it whenever a task leaves the input out",
        )
        fix = f"use the model's own, {shown(said)}" if patch else "use a value that the model takes"
        yield error("default-refused", "/default", what, why, fix, *patch, readers=KASUMIS)
    elif item.has_default and patch and not among(value, [item.default]):
        what = f"the default is {shown(value)}, and the model's own is {shown(item.default)}"
        why = "miners send the template's; somebody who tries the model itself sees another output"
        yield info("default-differs", "/default", what, why, "use the model's, unless you mean this one", *patch)


def _refused(value: Any, item: ModelInput) -> bool:
    """Whether the model's document says that it does not take this value."""
    if item.choices and not among(value, [choice for choice in item.choices if choice is not None]):
        return True
    if item.type == "string":
        return not isinstance(value, str)
    if item.type in ("integer", "number"):
        return not number(value) or (item.type == "integer" and not is_whole(value)) or _outside(value, item)
    return False


# --- what the template leaves out --------------------------------------------------------------------------------


def _left(item: ModelInput, model: Model, is_taken: bool) -> Iterator[Problem]:
    """An input of the model that has no row; `is_taken` when no row of its own may be offered."""
    name, row = shown(item.name), model.rows.get(item.name)
    patch: tuple[Operation, ...] = (("add", "/input/-", dict(row)),) if row and not is_taken else ()
    if item.required:
        what = f"the model needs {name}, and the template has no row for it"
        fix = "add the row" if row else "give it a default in the model's code"
        yield error(
            "missing-in-template", "/input", what, "every task fails on every miner", fix, *patch, readers=MINERS
        )
    elif row:
        what = f"the model has {name}, and the template has no row for it"
        why = "the model uses its own default in every task; nobody can choose another"
        yield info("not-in-template", "/input", what, why, "add the row, or leave it so", *patch)


def _seed(model: Model) -> Iterator[Problem]:
    item = model.inputs.get("seed")
    fix = "take it as it comes, `seed: int`, and bring it into range in the code: seed % 2**32"
    if item is None:
        why = "miners set `seed` for every task; a model that does not take it must give the same bytes every time"
        fix = "add `seed: int` to predict() and seed everything random with it"
        yield warn("model-no-seed", "/input", "the model has no input named seed", why, fix, readers=MINERS)
    elif item.type not in ("integer", "number"):
        why = f"miners send a whole number from 0 to {MAX_SEED}, and the model would refuse it"
        yield error("model-seed", "/input", f"the model takes `seed` as {item.type}", why, fix, readers=MINERS)
    elif (number(item.max) and item.max < MAX_SEED) or (number(item.min) and item.min > 0):
        bound = f"up to {shown(item.max)}" if number(item.max) and item.max < MAX_SEED else f"from {shown(item.min)}"
        why = f"miners send whole numbers from 0 to {MAX_SEED}; the model would refuse nearly every task"
        yield warn("model-seed", "/input", f"the model takes seeds {bound} only", why, fix, readers=MINERS)


# --- the proof ---------------------------------------------------------------------------------------------------


def all_defaults(template: Template, model: Model, seed: int = 1337) -> dict[str, Any]:
    """The task that says nothing: what a miner sends for it. A required input gets its default, or a sample."""
    found: dict[str, Any] = {}
    listed = template.document.get("input")
    for row in listed if isinstance(listed, list) else ():
        if not isinstance(row, Mapping) or not isinstance(name := row.get("variable"), str):
            continue
        value, item = row.get("default"), model.inputs.get(name)
        if row.get("required") is True and value in ("", None) and item is not None:
            value = inputs.made_up(item)
        if "default" in row or value is not None:
            found[name] = value
    return {**found, "seed": seed}


def refused(template: Template, what: str, code: str, detail: str = "") -> list[Problem]:
    """What a live model said to all defaults, at the rows that its words name (`steps: ...`), else at `input`."""
    listed = template.document.get("input")
    rows = enumerate(listed if isinstance(listed, list) else ())
    names = {row["variable"]: n for n, row in rows if isinstance(row, Mapping) and isinstance(row.get("variable"), str)}
    why = "miners send the template's default of everything that a task leaves out, so such a task fails"
    fix = "change the default to a value that the model takes"
    parts = [part.strip() for part in what.partition("refuses the input: ")[2].split("; ")]
    hit = [(names[name], part) for part in parts if (name := part.partition(":")[0]) in names]
    if code == "input-refused" and hit:
        return [error("default-proved-wrong", f"/input/{n}/default", f"the model refused it: {part}", why, fix,
                      readers=MINERS) for n, part in hit]  # fmt: skip
    found = error("defaults-fail", "/input", f"with every default {what}", why, fix, readers=MINERS)
    return [replace(found, detail=detail)]
