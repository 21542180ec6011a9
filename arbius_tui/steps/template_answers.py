"""The values of a draft that the model does not say, answered one by one where the author wants to."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

from arbius_tui.domain import inputs
from arbius_tui.domain.draft import Asked, Draft, Mapped, words
from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.questions import Ask, Choice, Question
from arbius_tui.domain.template import Template
from arbius_tui.domain.text import clean
from arbius_tui.steps.template_taken import Taken, counted

KEEP, EACH = "keep", "each"


async def answered(taken: Taken, ask: Ask) -> Taken:
    """The draft with the author's answers; as it is where nobody wants to answer now."""
    made = taken.draft
    if made is None or not (asked := [item for item in made.asked if item.part != "meta"]):
        return taken  # the author writes title, description and links in the template itself
    many = f"{len(asked)} value{'s are' if len(asked) > 1 else ' is'}"
    how = await ask(Choice(
        "draft-asked",
        f"{many} not in the model's document. Answer now?",
        "the draft has put something in each place; step 6 shows all of them as warnings until they are changed",
        default=KEEP,
        rehearsal=KEEP,
        options=((KEEP, "not now: look at each in the template"), (EACH, "ask me for each")),
    ))  # fmt: skip
    if how != EACH:
        return taken
    given = [(item, await value(item, ask)) for item in made.asked if item.key in ANSWERABLE]
    return with_values(taken, made, given)


NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?")
"""As an author types one; not what Python takes beside it, 1_000 and digits of other scripts."""

ANSWERABLE = frozenset({"title", "description", "git", "docker", "min", "max", "default", "type"})
"""Keys whose value is one text or number."""


async def value(item: Asked, ask: Ask) -> Any:
    """The author's value, what was put there for an empty answer; BadInput (`draft-answer`) for one of another kind."""
    text = await ask(Question(f"{item.variable}.{item.key}", f"{item.variable}, {item.key}?", item.reason,
                              default=shown(item.put), rehearsal=shown(item.put)))  # fmt: skip
    if text == shown(item.put):
        return item.put
    if not inputs.is_number(item.put):
        return text
    number = inputs.whole(float(text)) if NUMBER.fullmatch(text) else math.nan
    if math.isfinite(number):
        return int(text) if text.lstrip("+-").isdigit() else number
    raise BadInput(
        "draft-answer",
        f"{clean(text)[:60]!r} is no number for {item.variable}.{item.key}",
        why=item.reason,
        fix="write a number, e.g. 1 or 0.5",
    )


def shown(value: Any) -> str:
    """A value as it is typed."""
    return value if isinstance(value, str) else str(value)


def with_values(taken: Taken, made: Draft, given: list[tuple[Asked, Any]]) -> Taken:
    """The draft with these values in it; what was answered is asked no more."""
    document = {key: part for key, part in made.template.document.items()}
    document["meta"] = dict(document["meta"])
    document["input"] = [dict(row) for row in document["input"]]
    document["output"] = [dict(row) for row in document["output"]]
    places = {row["variable"]: row for row in document["input"]}
    for item, new in given:
        row = {"meta": document["meta"], "output": document["output"][0]}.get(item.part) or places[item.variable]
        row[item.key] = new
    done = [item for item, _ in given]
    left = tuple(item for item in made.asked if item not in done)
    open_rows = {item.variable for item in left if item.part == "input"}
    asked_rows = {item.variable for item in made.asked if item.part == "input"}
    mapped = [Mapped(name, words(places[name])) for name in places if name in asked_rows - open_rows]
    new_draft = replace(made, template=Template.of(document), asked=left, mapped=(*made.mapped, *mapped))
    return replace(
        taken, template=new_draft.template, draft=new_draft, told=f"{taken.told}; then answered: {counted(new_draft)}"
    )
