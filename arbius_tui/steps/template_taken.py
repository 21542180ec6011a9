"""A place that a template can come from, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from arbius_tui.domain.draft import Draft
from arbius_tui.domain.errors import Problem
from arbius_tui.domain.events import Event, Found, Line
from arbius_tui.domain.template import Template
from arbius_tui.steps.model import Fact

Kind = Literal["server", "image", "folder", "schema", "file", "checkout", "model-id"]


@dataclass(frozen=True, slots=True)
class Source:
    """A place to take a template from: `value` is a URL, an image, a path or a model id, as `kind` says.

    An empty `value` of `server` is the journey's own server.
    """

    kind: Kind
    value: str = ""


@dataclass
class Taken:
    """What came of a source: the bytes to write, and how they were made."""

    template: Template
    told: str
    """One line for a person."""
    source: str
    """Where it is from, as the journey keeps it."""
    draft: Draft | None = None
    facts: list[Fact] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def told(taken: Taken) -> Iterator[Event]:
    """What there is to say of a source before the template itself."""
    yield Line(taken.told)
    for fact in taken.facts:
        yield Found(fact)


def counted(made: Draft) -> str:
    """`7 inputs: 5 mapped, 1 asked, 1 left out; 3 values to look at`."""
    n = made.counts
    refused = f" ({n['refused']} that the model needs)" if n["refused"] else ""
    values = f"; {n['asked_values']} values to look at" if n["asked_values"] else ""
    return f"{n['inputs']} inputs: {n['mapped']} mapped, {n['asked']} asked, {n['left_out']} left out{refused}{values}"
