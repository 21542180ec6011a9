"""What is known about one model so far: the state that is saved.

A journey is where the author stands, a state word for each step, and one record for each step that has something to
remember. Records are plain JSON here and become typed on demand (pydantic), so that opening a saved journey costs
nothing before the first frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, ClassVar, Literal, TypeVar

from arbius_tui.domain.errors import NotReady

Json = Mapping[str, Any]

STEPS = (
    "checks", "model", "run", "seed_test", "publish", "template", "pin", "wallet", "register", "wire_in", "after",
)  # fmt: skip
"""The names of the steps in their order; they are the file names in steps/ and screens/."""

StepState = Literal["-", "wait", "run", "ok", "warn", "FAIL", "off"]
"""`-`: nobody has touched it. `off`: there is nothing to do here. The others as everywhere."""


@dataclass(frozen=True)
class Record:
    """A fact to remember. One frozen dataclass for each step; `private` names keys no face and no JSON line shows."""

    step: ClassVar[str]
    private: ClassVar[frozenset[str]] = frozenset()

    def public(self) -> dict[str, Any]:
        """The record as it may be shown."""
        return {"step": self.step, **{k: v for k, v in asdict(self).items() if k not in self.private}}


R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Place(Record):
    """Where the author stands, if that changed, and how a step went; the only record that is not a step's own."""

    step: ClassVar[str] = ""
    at: str = ""
    states: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Journey:
    """One model's journey. `network` is a key of networks.NETWORKS; `model_dir` is absolute or empty."""

    project: str
    network: str = "one"
    model_dir: str = ""
    at: str = "checks"
    states: Mapping[str, str] = field(default_factory=dict)
    records: Mapping[str, Json] = field(default_factory=dict)
    saved_at: str = ""

    def state(self, step: str) -> str:
        """The state word of a step, `-` when nobody has touched it."""
        return self.states.get(step, "-")

    def get(self, kind: type[R]) -> R | None:
        """The record of this kind, or None; NotReady (`state-damaged`) when the saved one does not fit it."""
        raw = self.records.get(kind.step)
        if raw is None:
            return None
        from pydantic import TypeAdapter, ValidationError

        known = {f.name for f in fields(kind)}
        try:
            return TypeAdapter(kind).validate_python({k: v for k, v in raw.items() if k in known})
        except ValidationError as error:
            raise NotReady(
                "state-damaged",
                f"what was saved of the step {kind.step} cannot be read",
                why="a journey goes on only from facts it can trust",
                fix=f"run the step {kind.step} again; nothing on chain is touched by that",
                detail=str(error),
            ) from None

    def having(self, change: Record) -> Journey:
        """The journey after this change."""
        if isinstance(change, Place):
            return replace(self, at=change.at or self.at, states={**self.states, **change.states})
        return replace(self, records={**self.records, change.step: asdict(change)})


def order(step: str) -> int:
    """The number of a step, from 1."""
    return STEPS.index(step) + 1
