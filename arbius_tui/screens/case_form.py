"""A case as a form: its name, seed and what it wants over the model's own inputs, and the texts back as a case."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from arbius_tui.domain import typed_inputs
from arbius_tui.domain.case_edits import value_of
from arbius_tui.domain.case_values import LARGEST_SEED
from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.inputs import ModelInput
from arbius_tui.domain.typed_inputs import NOTHING, Wrong

if TYPE_CHECKING:
    from arbius_tui.steps.seed_case import CaseSeen

NAME, WANTS, AGAINST, BEFORE = "its name", "it wants", "compared to", "before it"
"""Fields that no model has: the name of a parameter has no blank."""
OUTPUT, SAME, DIFFERS = "an output", "the same bytes", "other bytes"
EXPECT = {OUTPUT: "runs", SAME: "same", DIFFERS: "differs"}
BEFORE_WORDS = {"nothing": "", "a second": "pause", "a restart": "restart"}
NOTES = {
    NAME: "how the case is called in the table",
    "seed": "the same seed and the same inputs must give the same bytes",
    WANTS: "what its output is compared for",
    AGAINST: "an earlier case; it matters only for the same bytes and for other bytes",
    BEFORE: "what happens before it: a second of time, or a new process of the model",
}
LONG = 200
"""Characters of a value that is no longer shown for typing, e.g. a picture as a data URL."""


def fields_of(case: CaseSeen, earlier: Sequence[str], inputs: Sequence[ModelInput]) -> list[ModelInput]:
    """The fields of a case; the first run has nothing to be compared to."""
    own = [
        ModelInput(NAME, "string", 0, True),
        ModelInput("seed", "integer", 1, True, min=0, max=LARGEST_SEED),
    ]
    if earlier:
        own += [
            ModelInput(WANTS, "string", 2, True, choices=tuple(EXPECT)),
            ModelInput(AGAINST, "string", 3, True, choices=tuple(earlier)),
        ]
    own.append(ModelInput(BEFORE, "string", 4, True, choices=tuple(BEFORE_WORDS)))
    return [*own, *(optional(item) for item in inputs if item.name != "seed")]


def optional(item: ModelInput) -> ModelInput:
    """An input that may be left as all cases have it; a secret is typed as the @path of its file."""
    return replace(item, required=False, has_default=False, type="string" if item.type == "secret" else item.type)


def texts_of(case: CaseSeen, earlier: Sequence[str]) -> dict[str, str]:
    """What stands in the fields."""
    word = {value: key for key, value in EXPECT.items()}
    pause = {value: key for key, value in BEFORE_WORDS.items()}
    own = {
        NAME: case.title,
        WANTS: word.get(case.expect, OUTPUT),
        AGAINST: case.against if case.against in earlier else (earlier[0] if earlier else ""),
        BEFORE: pause.get(case.before, "nothing"),
    }
    return {**shared_texts(case.inputs), "seed": str(case.seed), **own}


def shared_texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Inputs as they are typed; one that is too long for that is empty, which leaves it as it is."""
    found = {name: typed_inputs.written(value) for name, value in values.items()}
    return {name: text if len(text) <= LONG else "" for name, text in found.items()}


def row_of(
    case: CaseSeen, texts: Mapping[str, str], inputs: Sequence[ModelInput], shared: Mapping[str, Any]
) -> dict[str, Any]:
    """The case that the texts make; what is not valid, or half typed, stays as the case has it."""
    seed = texts["seed"].strip()
    expect = EXPECT.get(texts.get(WANTS, ""), case.expect)
    return {
        "id": case.id,
        "title": texts[NAME].strip() or case.title,
        "seed": int(seed) if seed.isdecimal() and int(seed) <= LARGEST_SEED else case.seed,
        "expect": expect,
        "before": BEFORE_WORDS.get(texts[BEFORE], case.before),
        "against": texts.get(AGAINST) or case.against,
        "why": case.purpose,
        "inputs": {item.name: value for item in inputs if item.name != "seed"
                   for value in own_value(item, case, texts, shared)},
    }  # fmt: skip


def own_value(item: ModelInput, case: CaseSeen, texts: Mapping[str, str], shared: Mapping[str, Any]) -> Sequence[Any]:
    """The value of an input where it is not the one that all cases send; nothing else."""
    text = texts.get(item.name, "")
    before = shared_texts(case.inputs).get(item.name, "")
    if text == before:
        return [case.changes[item.name]] if item.name in case.changes else []
    try:
        value = value_of(replace(item, required=False, has_default=False), text) if text else NOTHING
    except (Wrong, BadInput):
        return [case.changes[item.name]] if item.name in case.changes else []
    if value is NOTHING or (item.name in shared and shared[item.name] == value):
        return []
    return [value]


def text_of(row: Mapping[str, Any]) -> str:
    """A case as a step takes it."""
    return json.dumps(row, ensure_ascii=False)


def plain_row(case: CaseSeen) -> dict[str, Any]:
    """A case as it is."""
    return {"id": case.id, "title": case.title, "seed": case.seed, "expect": case.expect, "before": case.before,
            "against": case.against, "why": case.purpose, "inputs": dict(case.changes)}  # fmt: skip
