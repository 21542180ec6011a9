"""What the author changed about the cases of a seed test: samples, cases added or rewritten, cases taken away, pairs.

Only changes are kept, so that a model that gets another input gets its cases too, and so that a command line can say
the same: `--sample NAME=VALUE`, `--case JSON`, `--without ID`, `--pairwise`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from typing import Any

from arbius_tui.domain import cases as listed
from arbius_tui.domain import typed_inputs
from arbius_tui.domain.case_values import BASE_SEED, LARGEST_SEED
from arbius_tui.domain.cases import Case
from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.inputs import ModelInput, as_sent
from arbius_tui.domain.text import clean
from arbius_tui.domain.typed_inputs import NOTHING, FromFile, Wrong

KEYS = tuple(f.name for f in fields(Case))


@dataclass(frozen=True)
class Edits:
    """The changes. A case in `cases` with the id of one that the model calls for stands in its place."""

    inputs: Mapping[str, Any] = field(default_factory=dict)
    cases: tuple[Case, ...] = ()
    without: tuple[str, ...] = ()
    pairwise: bool = False

    def having(self, case: Case) -> Edits:
        """With this case, new or in place of the one with its id."""
        if any(known.id == case.id for known in self.cases):
            cases = tuple(case if known.id == case.id else known for known in self.cases)
        else:
            cases = (*self.cases, case)
        return replace(self, cases=cases, without=tuple(id for id in self.without if id != case.id))

    def lacking(self, id: str) -> Edits:
        """Without the case of this id, whoever made it."""
        kept = tuple(case for case in self.cases if case.id != id)
        return replace(self, cases=kept, without=(*(known for known in self.without if known != id), id))


def applied(edits: Edits, made: Sequence[Case]) -> tuple[Case, ...]:
    """The model's own cases with the changes; BadInput `case-needed` when a case lacks the one it is compared with."""
    own = {case.id: case for case in edits.cases}
    found = [own.pop(case.id, case) for case in made]
    found = [case for case in (*found, *own.values()) if case.id not in edits.without]
    for place, case in enumerate(found):
        earlier = {one.id for one in found[:place]}
        if case.expect in ("same", "differs") and case.against not in earlier:
            raise needed(case)
    return tuple(found)


def needed(case: Case) -> BadInput:
    """A case is compared with one that is not there, or comes later."""
    return BadInput(
        "case-needed",
        f"{case.id} is compared with {case.against}, which does not come before it",
        why="a repeat proves nothing without the run that it repeats",
        fix=f"keep {case.against}, or take {case.id} away first, or let it be compared with another case",
    )


# -- a case as it is typed


def case_of(text: str, inputs: Sequence[ModelInput], known: Sequence[Case]) -> Case:
    """A case from JSON: `{"prompt": "x", "seed": 3}`, or as a file of cases has it; BadInput `case-wrong`.

    Where it has an object `inputs`, all other keys are those of a case. Else each key that is an input of the model is
    that input. Without an id it is a new case.
    """
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        raise wrong(f"{clean(text)[:60]!r} is no JSON") from None
    if not isinstance(row, dict):
        raise wrong(f"{clean(text)[:60]!r} is no JSON object")
    return case_from(row, inputs, known)


def case_from(row: Mapping[str, Any], inputs: Sequence[ModelInput], known: Sequence[Case]) -> Case:
    """The same from an object."""
    names = {item.name for item in inputs if item.name != "seed"}
    whole = isinstance(row.get("inputs"), Mapping)
    flat = {key: value for key, value in row.items() if key in names and not whole}
    rest = {key: value for key, value in row.items() if key not in flat}
    if unknown := [str(key) for key in rest if key not in KEYS]:
        raise wrong(no_such_input(unknown[0], [*sorted(names), *KEYS]))
    given = rest.get("inputs", {})
    if not isinstance(given, Mapping):
        raise wrong('"inputs" is no object')
    values = checked({**given, **flat}, inputs)
    number = free_number([case.id for case in known])
    row = {"id": f"case-{number}", "title": f"my case {number}", "seed": seed_of(known), **rest, "inputs": values}
    ids = [case.id for case in known]
    earlier = ids[: ids.index(row["id"])] if row["id"] in ids else ids
    try:
        return listed.read_case(number, row, earlier)
    except BadInput as error:
        raise wrong(error.problem.what.removeprefix(listed.UNREADABLE)) from None


def checked(values: Mapping[str, Any], inputs: Sequence[ModelInput]) -> dict[str, Any]:
    """Inputs as they are kept; BadInput `case-wrong` for one that the model does not have or does not take."""
    found: dict[str, Any] = {}
    known = {item.name: item for item in inputs if item.name != "seed"}
    for name, value in values.items():
        if name not in known:
            raise wrong(no_such_input(str(name), sorted(known)))
        try:
            found[name] = value_of(known[name], typed_inputs.written(value))
        except Wrong as error:
            raise wrong(f"{name}: {error}") from None
    return {name: value for name, value in found.items() if value is not NOTHING}


def value_of(item: ModelInput, text: str) -> Any:
    """The value that a text means, as it is kept: a file stays the @path of it, and is read when the case runs."""
    value = typed_inputs.parse(item, text)
    if isinstance(value, FromFile):
        return f"@{value.path}"
    if item.type == "secret":
        raise Wrong("a secret is kept nowhere; write @FILE")
    return as_sent(value)


def samples(pairs: Iterable[str], inputs: Sequence[ModelInput]) -> dict[str, Any]:
    """`NAME=VALUE` texts as the inputs that all cases share; an empty one is NOTHING: the model's own counts again.

    BadInput `case-wrong`.
    """
    known = {item.name: item for item in inputs if item.name != "seed"}
    try:
        texts = typed_inputs.pairs(pairs, list(known.values()))
        return {name: value_of(known[name], text) if text else NOTHING for name, text in texts.items()}
    except Wrong as error:
        raise wrong(str(error)) from None


def seed_of(known: Sequence[Case]) -> int:
    """The seed that most cases have."""
    return known[0].seed if known else BASE_SEED


def free_number(ids: Collection[str]) -> int:
    """A number that none of these ids of cases ends in."""
    return next(n for n in range(1, len(ids) + 2) if not {*ids} & {f"case-{n}", f"tried-{n}", f"tried-{n}-again"})


def tried(values: Mapping[str, Any], seed: Any, known: Sequence[Case], name: str = "") -> tuple[Case, Case]:
    """A prediction that was tried as two cases: it runs, and the same seed gives the same bytes once more."""
    number = free_number([case.id for case in known])
    title = clean(name)[:60] or f"tried {number}"
    fits = isinstance(seed, int) and not isinstance(seed, bool) and 0 <= seed <= LARGEST_SEED
    first = Case(
        f"tried-{number}", title, seed if fits else seed_of(known), "runs", inputs=dict(values),
        why="you tried it on the Run step and kept it",
    )  # fmt: skip
    again = replace(
        first, id=f"{first.id}-again", title=f"{title} again", expect="same", against=first.id,
        why="what you tried must come out the same a second time",
    )  # fmt: skip
    return first, again


def no_such_input(name: str, known: Sequence[str]) -> str:
    """Words for a name that the model does not have."""
    near = get_close_matches(name, known, 1)
    return f"the model has no input {clean(name)[:60]!r}{f'; did you mean {near[0]}?' if near else ''}"


def wrong(what: str) -> BadInput:
    """A case that cannot be."""
    return BadInput(
        "case-wrong",
        f"this case cannot be: {what}",
        why="a case asks the model for what a task may ask",
        fix='write it as JSON, e.g. --case \'{"prompt": "x", "seed": 3}\'; --dry-run lists inputs and cases',
    )


# -- as flags and as saved


def flags(edits: Edits) -> list[str]:
    """The words of a command line that make these changes."""
    words: list[str] = []
    for name, value in edits.inputs.items():
        words += ["--sample", f"{name}={typed_inputs.written(value)}"]
    for case in edits.cases:
        words += ["--case", text_of(case)]
    for id in edits.without:
        words += ["--without", id]
    return [*words, *(["--pairwise"] if edits.pairwise else [])]


def text_of(case: Case) -> str:
    """A case as `case_of` reads it."""
    return json.dumps({**listed.row_of(case), "inputs": dict(case.inputs)}, ensure_ascii=False)


def recalled(found: Mapping[str, Any]) -> Edits:
    """The changes as they were saved; what is damaged is left out, so that a damaged state still opens."""
    cases: list[Case] = []
    rows = found.get("cases")
    for number, row in enumerate(rows if isinstance(rows, list | tuple) else (), 1):
        try:
            cases.append(listed.read_case(number, row, [], anywhere=True))
        except BadInput:
            continue
    inputs, without = found.get("inputs"), found.get("without")
    return Edits(
        dict(inputs) if isinstance(inputs, Mapping) else {},
        tuple({case.id: case for case in cases}.values()),
        tuple(id for id in (without if isinstance(without, list | tuple) else ()) if isinstance(id, str)),
        found.get("pairwise") is True,
    )
