"""The form of a template's part as fields: what is typed, what the model says beside it, and what is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from arbius_tui.domain.errors import Problem
from arbius_tui.widgets.fields import Field, Kind

if TYPE_CHECKING:
    # With the first template; they load pydantic.
    from arbius_tui.domain.editing import Editing
    from arbius_tui.domain.inputs import ModelInput
    from arbius_tui.domain.template_fields import Spec

WORDS = {"error": "ERROR", "warn": "warn", "info": ""}
RANKS = ("error", "warn", "info")


@dataclass(frozen=True)
class Judged:
    """The problems of a template, each found at once by its place and by its part."""

    problems: tuple[Problem, ...] = ()
    places: Mapping[str, Sequence[Problem]] = field(default_factory=dict)
    parts: Mapping[str, Sequence[Problem]] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    """The worst word of each part that has a problem."""

    @classmethod
    def of(cls, problems: Sequence[Problem]) -> Judged:
        """Sorted by place and part; a problem without a part belongs to the file."""
        places: dict[str, list[Problem]] = {}
        parts: dict[str, list[Problem]] = {}
        for problem in problems:
            places.setdefault(problem.path, []).append(problem)
            parts.setdefault(part_id(problem.path), []).append(problem)
        return cls(tuple(problems), places, parts, {id: worst(found) for id, found in parts.items()})

    def at(self, path: str) -> Sequence[Problem]:
        """The problems of a field; of a list's field also those of the list."""
        return self.places.get(path, ())

    def of_part(self, id: str) -> Sequence[Problem]:
        """The problems of a row of the outline."""
        return self.parts.get(id, ())

    def count(self, severity: str) -> int:
        """How many are this bad."""
        return sum(problem.severity == severity for problem in self.problems)


def part_id(path: str) -> str:
    """The row of the outline that a pointer belongs to: `input/3`, `meta/git`, or `file`."""
    keys = path.split("/")[1:3]
    return "/".join(keys) if len(keys) == 2 and keys[0] in ("meta", "input", "output") else "file"


def worst(problems: Sequence[Problem]) -> str:
    """The word of the worst of them."""
    return next((WORDS[rank] for rank in RANKS if any(p.severity == rank for p in problems)), "")


def specs_of(editing: Editing, id: str) -> list[Spec]:
    """The fields of the part under the cursor of the outline."""
    from arbius_tui.domain.template_fields import fields_of

    group, _, key = id.partition("/")
    return fields_of(editing.template.document, "/meta" if group == "meta" else f"/{group}/{key}")


def fields(
    editing: Editing, specs: Sequence[Spec], judged: Judged, model: ModelInput | None, typing: tuple[str, str, bool]
) -> list[Field]:
    """The fields as they are drawn. `typing`: the field that is typed in now, its text, whether it is judged yet."""
    found = []
    for spec in specs:
        here = spec.id == typing[0]
        value = typing[1] if here else editing.pending.get(spec.id, spec.text)
        problems = () if here and not typing[2] else problems_at(judged, spec)
        says = model_says(model, spec) if model else ""
        state = worst(problems) or ("ok" if says and agrees(model, spec) else "")
        found.append(Field(spec.id, spec.label, value, says, state, reason(problems), kind_of(spec), spec.options))
    return found


def problems_at(judged: Judged, spec: Spec) -> Sequence[Problem]:
    """The problems of a field; those of all choices stand at the first."""
    if spec.id.endswith(("/choices/0", "/choices/-")):
        whole = judged.at(spec.id.rpartition("/")[0])
        return [*judged.at(spec.id), *(whole if spec.id.endswith("0") or spec.label == "choice +" else ())]
    return judged.at(spec.id)


def reason(problems: Sequence[Problem]) -> str:
    """What is wrong, in one sentence, and the key that mends it."""
    if not problems:
        return ""
    problem = min(problems, key=lambda p: RANKS.index(p.severity))
    if problem.severity == "info":
        return ""
    mend = f"; F8 {problem.fix.text}" if problem.fix and problem.fix.patch else ""
    return f"{problem.what}{mend}"


def kind_of(spec: Spec) -> Kind:
    """How a field is typed on screen."""
    kinds: dict[str, Kind] = {"flag": "flag", "type": "choice", "output-type": "choice"}
    return kinds.get(spec.kind, "text")


def model_says(model: ModelInput | None, spec: Spec) -> str:
    """What the model has at this field, in eleven cells."""
    if model is None:
        return ""
    says = {"variable": "in model", "type": model.type, "required": "needed" if model.required else ""}
    if model.has_default:
        says["default"] = f"default {short(model.default)}"
    if model.min is not None:
        says["min"] = f"ge {short(model.min)}"
    if model.max is not None:
        says["max"] = f"le {short(model.max)}"
    return says.get(spec.label, "")


def short(value: object) -> str:
    """A value of the model in a few cells."""
    text = str(value)
    return text[:-2] if isinstance(value, float) and text.endswith(".0") else text


def agrees(model: ModelInput | None, spec: Spec) -> bool:
    """Whether the field says what the model says."""
    if model is None:
        return False
    wanted = {"variable": model.name, "default": short(model.default), "min": short(model.min), "max": short(model.max)}
    if spec.label == "type":
        kinds = {"string": ("string",), "integer": ("int",), "number": ("decimal",)}
        return spec.text in (("string_enum", "int_enum") if model.choices else kinds.get(model.type, ()))
    return wanted.get(spec.label) == spec.text
