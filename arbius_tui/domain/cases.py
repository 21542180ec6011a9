"""The cases of a seed test: what is asked of the model, in which order, and what each answer must be like.

The order matters: a case is compared with an earlier one, and what lies between the two is what the comparison is
about (another seed, other inputs, a second of time, a restart).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, get_args

from arbius_tui.domain.case_values import (
    ABSENT,
    BASE_SEED,
    LARGEST_SEED,
    second_value,
    seed_input,
    usual_seeds,
    values,
    varied,
)
from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.inputs import ModelInput, Sample
from arbius_tui.domain.pairwise import Combined, combined
from arbius_tui.domain.text import clean

TASK_SEED = 6190284716352811
"""A seed as most tasks have it: far above 32 bits, and no round number."""

Expect = Literal["base", "same", "differs", "runs"]
Before = Literal["", "pause", "restart"]

VERSION = 1
"""Of the cases file."""
PAIR = "pair-"
"""How the ids of pairwise cases begin."""
UNREADABLE = "this file of cases cannot be read: "


@dataclass(frozen=True, slots=True)
class Case:
    """One prediction: its seed, what happens before it, and what its output must be like.

    `inputs` are those that differ from the sample that all cases share; `against` is the case it is compared with.
    """

    id: str
    title: str
    seed: int
    expect: Expect
    before: Before = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    against: str = "first"
    why: str = ""


def standard_cases() -> tuple[Case, ...]:
    """The proof of any model, in the order that a diagnosis needs."""
    return (
        Case("first", "first run", BASE_SEED, "base", why="most other cases are compared with this one"),
        Case("again", "same seed again", BASE_SEED, "same",
             why="miners' answers are compared byte by byte; one that differs loses its stake"),
        Case("other-seed", "other seed", BASE_SEED + 1, "differs",
             why="a seed without effect would give every task the same answer"),
        Case("first-again", "first seed again", BASE_SEED, "same",
             why="the prediction before this one must leave no trace in it"),
        Case("after-pause", "a second later", BASE_SEED, "same", "pause",
             why="the time of day must not be in the output"),
        Case("after-restart", "after a restart", BASE_SEED, "same", "restart",
             why="what is drawn anew in each process, or seeded once in setup, shows after a restart"),
        Case("seed-zero", "seed 0", 0, "runs", why="0 is a seed like any other; `if seed:` in a predictor breaks it"),
        Case("seed-zero-again", "seed 0 again", 0, "same", against="seed-zero",
             why="a predictor that takes 0 for no seed draws one of its own"),
        Case("largest-32-bits", "largest of 32 bits", 2**32 - 1, "runs",
             why="numpy takes no seed above this one; torch takes it"),
        Case("over-32-bits", "over 32 bits", 2**32, "runs",
             why=f"miners derive the seed from the task's id, up to {LARGEST_SEED}"),
        Case("largest-seed", "largest seed", LARGEST_SEED, "runs",
             why="this is the largest seed that a miner can send"),
        Case("largest-seed-again", "largest again", LARGEST_SEED, "same", against="largest-seed",
             why="nearly every task has a seed of this size, so it is this one that must repeat"),
    )  # fmt: skip


def cases_for(inputs: Sequence[ModelInput], sample: Sample) -> tuple[Case, ...]:
    """The standard cases and those that the model's own inputs call for: each bound and each choice once.

    The guide's seed gives way where the model's own bounds leave it out.
    """
    made = list(standard_cases())
    place = next(n for n, case in enumerate(made) if case.before == "restart")
    made[place:place] = order_cases(inputs, sample)
    first, other = usual_seeds(seed_input(inputs))
    given = {BASE_SEED: first, BASE_SEED + 1: other}
    listed = (*made, *value_cases(inputs, sample), *miner_case(inputs, sample))
    return tuple(replace(case, seed=given.get(case.seed, case.seed)) for case in listed)


def order_cases(inputs: Sequence[ModelInput], sample: Sample) -> tuple[Case, ...]:
    """A-B-A: other inputs, then the first ones again; nothing for a model without inputs that can change."""
    second = {item.name: value for item in varied(inputs) if (value := second_value(item, sample)) is not ABSENT}
    other = second or next(({i.name: v} for i in varied(inputs) for v in values(i, usual(i, sample))), {})
    if not other:
        return ()
    return (
        Case("second-prompt", "second prompt" if second else "other inputs", BASE_SEED, "runs", inputs=other,
             why="people ask for more than one thing"),
        Case("order-leak", "first inputs again", BASE_SEED, "same",
             why="miners run tasks in any order; a cache or a buffer of the one before must not show"),
        Case("second-prompt-again", "second again", BASE_SEED, "same", inputs=other, against="second-prompt",
             why="what repeats for one input need not repeat for another"),
    )  # fmt: skip


def usual(item: ModelInput, sample: Sample) -> Any:
    """The value of an input in the sample; ABSENT where it is not sent."""
    return sample.inputs.get(item.name, ABSENT)


def value_cases(inputs: Sequence[ModelInput], sample: Sample) -> Iterator[Case]:
    """Every choice and both bounds of every input that the sample does not have already, one at a time."""
    for item in varied(inputs):
        for number, value in enumerate(values(item, usual(item, sample)), 1):
            yield Case(
                f"{item.name}-{number}", f"{item.name} {shown(value)}", BASE_SEED, "runs",
                inputs={item.name: value}, why=f"a task may ask for {item.name} {shown(value)}: the model must take it",
            )  # fmt: skip


def pairs_of(inputs: Sequence[ModelInput], sample: Sample) -> Combined:
    """Every two choices or bounds of two inputs together. Takes its time where a model has many inputs."""
    levels = {i.name: [usual(i, sample), *values(i, usual(i, sample))] for i in varied(inputs)}
    return combined(levels)


def pairwise_cases(inputs: Sequence[ModelInput], sample: Sample, found: Combined) -> tuple[Case, ...]:
    """A case for each combination that no other case has already."""
    seed = usual_seeds(seed_input(inputs))[0]
    seen = [dict(case.inputs) for case in cases_for(inputs, sample)]
    made: list[Case] = []
    for row in found.rows:
        known = {name: value for name, value in row.items() if value is not ABSENT}
        changes = {n: v for n, v in known.items() if n not in sample.inputs or not alike(v, sample.inputs[n])}
        if changes in seen:
            continue
        number = len(made) + 1
        title = ", ".join(f"{name} {shown(value)}" for name, value in changes.items())
        made.append(Case(f"{PAIR}{number}", title[:200], seed, "runs", inputs=changes,
                         why="a task may ask for these together: the model must take them"))  # fmt: skip
    return tuple(made)


def alike(one: Any, other: Any) -> bool:
    """Equal, and of one type: 1 is not yes."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def miner_case(inputs: Sequence[ModelInput], sample: Sample) -> tuple[Case, ...]:
    """The defaults as a miner sends them when a user gave nothing, with a seed as a task has it."""
    defaults = {item.name: item.default for item in inputs if item.has_default and item.name != "seed"}
    if not any(item.name == "seed" for item in inputs):
        return ()
    said = f"{len(defaults)} defaults" if len(defaults) != 1 else "the default"
    return (
        Case("miner-defaults", "as a miner sends", TASK_SEED, "runs",
             why=f"a miner sends {said} and a seed from the task's id; the task fails if the model refuses one"),
    )  # fmt: skip


def shown(value: Any) -> str:
    """A value in a title."""
    return clean(value if isinstance(value, str) else json.dumps(value))[:40]


# -- a file of cases


def written(cases: Sequence[Case], sample: Mapping[str, Any]) -> str:
    """The cases and the sample they share as a file that can be edited and replayed."""
    listed = [row_of(case) for case in cases]
    return json.dumps({"v": VERSION, "inputs": dict(sample), "cases": listed}, indent=2, ensure_ascii=False) + "\n"


def row_of(case: Case) -> dict[str, Any]:
    """A case as a file has it; what is empty, or has no meaning for it, is left out."""
    row = {key: value for key, value in asdict(case).items() if value not in ("", {})}
    return row if case.expect in ("same", "differs") else {k: v for k, v in row.items() if k != "against"}


@dataclass(frozen=True, slots=True)
class CasesFile:
    """What a file of cases holds: the inputs that all cases share, and the cases in their order."""

    inputs: Mapping[str, Any]
    cases: tuple[Case, ...]


def read(text: str) -> CasesFile:
    """A file of cases; BadInput (`cases-file`) says what is wrong in it and where."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise bad(f"it is no JSON: {clean(str(error))[:120]}") from None
    if not isinstance(found, dict) or not isinstance(found.get("cases"), list) or not found["cases"]:
        raise bad('it is no object with a list "cases"')
    if found.get("v", VERSION) != VERSION:
        raise bad(f"it has version {clean(str(found['v']))[:20]}, and this arbius-tui reads {VERSION}")
    inputs = found.get("inputs", {})
    if not isinstance(inputs, dict):
        raise bad('"inputs" is no object')
    cases: list[Case] = []
    for number, row in enumerate(found["cases"], 1):
        cases.append(read_case(number, row, [case.id for case in cases]))
    return CasesFile(inputs, tuple(cases))


def read_case(number: int, row: Any, earlier: Sequence[str], *, anywhere: bool = False) -> Case:
    """One case of a file; only the seed is needed, the rest has a meaning of its own when it is left out.

    With `anywhere` it is not known yet what comes before it.
    """
    if not isinstance(row, dict):
        raise bad(f"case {number} is no object")
    if unknown := set(row) - {f.name for f in fields(Case)}:
        raise bad(f"case {number} has the unknown key {clean(str(sorted(unknown)[0]))[:40]!r}")
    seed = row.get("seed")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= LARGEST_SEED:
        raise bad(f"case {number} has no seed from 0 to {LARGEST_SEED}")
    inputs = row.get("inputs", {})
    if not isinstance(inputs, dict):
        raise bad(f'"inputs" of case {number} is no object')
    case = Case(
        word(row, "id", number) or f"case-{number}", word(row, "title", number) or f"case {number}", seed,
        one_of(row, "expect", Expect, number) or ("runs" if earlier or anywhere else "base"),
        one_of(row, "before", Before, number),
        inputs, word(row, "against", number) or (earlier[0] if earlier else "first"), word(row, "why", number),
    )  # fmt: skip
    if case.id in earlier:
        raise bad(f"case {number} has the id {case.id!r} of an earlier one")
    if anywhere:
        return case
    if case.expect in ("same", "differs") and case.against not in earlier:
        raise bad(f"case {number} is compared with {case.against!r}, which does not come before it")
    return replace(case, expect="runs") if case.expect == "base" and earlier else case


def word(row: Mapping[str, Any], key: str, number: int) -> str:
    """A short text of a case, empty when it is left out."""
    value = row.get(key, "")
    if not isinstance(value, str):
        raise bad(f"{key!r} of case {number} is no text")
    return clean(value)[:200]


def one_of(row: Mapping[str, Any], key: str, allowed: Any, number: int) -> Any:
    """A word of a fixed set, empty when it is left out."""
    value = row.get(key, "")
    if value and value not in get_args(allowed):
        raise bad(f"{key!r} of case {number} is one of {', '.join(w for w in get_args(allowed) if w)}")
    return value


def bad(what: str) -> BadInput:
    """A file of cases that cannot be read."""
    return BadInput(
        "cases-file",
        f"{UNREADABLE}{what}",
        why="a proof must run exactly the cases that were meant",
        fix="write one with: arbius-tui seed-test --write-cases FILE, and change that",
    )
