"""A first template out of a model's own OpenAPI document, and what only the author can decide.

Nothing is invented silently: every input of the model is mapped (the document says it all), asked (a value had to be
put there, and the item says which and why) or left out (the item says what happens then). Why the rules are so: a
miner sends the inputs of the template and nothing else, sends the `default` of every input that a task leaves out,
reads ints as 32 bit, and sets `seed` itself from the task id.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from arbius_tui.domain import inputs
from arbius_tui.domain.inputs import ModelInput
from arbius_tui.domain.template import INT32_MAX, INT32_MIN, Template
from arbius_tui.domain.text import clean

MAX_SEED = 9_007_199_254_740_975
"""The largest seed that a miner makes of a task id (taskid mod 2**53 - 16)."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """An input that the model's document describes completely; `reason` is its row in words."""

    kind: ClassVar[str] = "mapped"
    variable: str
    reason: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A value the document does not say. `put` stands in the template at `key` of `variable` until the author decides.

    `variable` is an input's name, or `meta` or `output`.
    """

    kind: ClassVar[str] = "asked"
    variable: str
    key: str
    put: Any
    reason: str

    @property
    def part(self) -> str:
        """Which part of the template: `meta`, `output` or `input`; an input may be named meta, its keys differ."""
        keys = {"meta": ("title", "description", "git", "docker"), "output": ("filename", "type")}
        return self.variable if self.key in keys.get(self.variable, ()) else "input"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An input of the model that is not in the template; with `blocks` no task can succeed until the model changes."""

    kind: ClassVar[str] = "left-out"
    variable: str
    reason: str
    blocks: bool = False


@dataclass(frozen=True, slots=True)
class Unsaid:
    """What the model demands of an input that is in the template, and that a template cannot say."""

    kind: ClassVar[str] = "unsaid"
    variable: str
    reason: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A drafted template (canonical bytes); each input of the model is in exactly one of the first three lists.

    `total` counts the model's inputs; `seed` is the one that miners set, if the model has it.
    """

    template: Template
    mapped: tuple[Mapped, ...]
    asked: tuple[Asked, ...]
    left_out: tuple[LeftOut, ...]
    unsaid: tuple[Unsaid, ...] = ()
    total: int = 0
    seed: ModelInput | None = None

    @property
    def counts(self) -> dict[str, int]:
        """How many inputs were mapped, asked, left out and refused, and how many values of the whole are asked."""
        return {
            "inputs": self.total,
            "mapped": len(self.mapped),
            "asked": len(self.template.document["input"]) - len(self.mapped),
            "asked_values": len(self.asked),
            "left_out": len(self.left_out),
            "refused": sum(item.blocks for item in self.left_out),
        }


def draft(
    document: Mapping[str, Any],
    meta: Mapping[str, Any] | None = None,
    mime: str = "",
    open_meta: Mapping[str, str] | None = None,
) -> Draft:
    """Draft a template from an OpenAPI document of any Cog generation.

    `meta` holds what is known of title, description, git and docker, `open_meta` why a key of it is still asked;
    `mime` is the media type of a real output, if there was one. Never raises on an odd document: what cannot be read
    is left out or asked.
    """
    mapped: list[Mapped] = []
    asked: list[Asked] = []
    left_out: list[LeftOut] = []
    unsaid: list[Unsaid] = []
    rows: list[dict[str, Any]] = []
    head = _meta(meta or {}, open_meta or {}, asked)
    found = inputs.read(document)
    for item in found:
        if refused := _refusal(item):
            left_out.append(refused)
            continue
        row = _Row(item)
        rows.append(row.build())
        asked += row.asked
        unsaid += [Unsaid(item.name, _demand(rule)) for rule in _rules(item)]
        if not row.asked:
            mapped.append(Mapped(item.name, words(rows[-1])))
    if not found:
        asked.append(Asked("input", "", [], "the document describes no inputs (components.schemas.Input)"))
    output = _output(document, mime, asked)
    seed = next((item for item in found if item.name == "seed"), None)
    template = Template.of({"meta": head, "input": rows, "output": [output]})
    return Draft(template, tuple(mapped), tuple(asked), tuple(left_out), tuple(unsaid), len(found), seed)


def _rules(item: ModelInput) -> list[str]:
    """What the model demands of a value beside type, bounds and choices."""
    number = item.type in ("integer", "number")
    said = [
        f"at least {item.min_length} characters" if item.min_length else "",
        f"at most {item.max_length} characters" if item.max_length is not None else "",
        f"a multiple of {_shown(item.multiple)}" if number and item.multiple not in (None, 1) else "",
        f"like {clean(item.pattern)[:60]}" if item.pattern else "",
    ]
    return [rule for rule in said if rule]


def _demand(rule: str) -> str:
    return f"the model takes only {rule}; a template cannot say so, and a task that breaks it fails"


# --- inputs that have no place in a template ---------------------------------------------------------------------


def _refusal(item: ModelInput) -> LeftOut | None:
    """Why this input is not in the template, or None."""
    if item.name == "seed":
        reason = f"miners set it themselves, from the task id (0 to {MAX_SEED}); a template must not have it"
        return LeftOut(item.name, reason)
    if not item.name.isidentifier() or not item.name.isascii():
        return _without(item, f"{clean(item.name)[:40]!r} is no name that a task can use")
    if item.deprecated and not item.required:
        return _without(item, "the model calls it deprecated")
    reasons = {
        "boolean": "a template has no boolean, and a choice of \"true\" would reach the model as text",
        "file": "miners send no files",
        "secret": "whatever a task says is public on chain",
        "array": "a template has no lists",
        "object": "a template has no objects",
        "any": _several(item) if item.union else "its type is not one that a template has",
    }  # fmt: skip
    if item.type in reasons:
        return _without(item, reasons[item.type])
    why = _no_choice(item) if item.choices else _no_number(item)
    return _without(item, why) if why else None


def _no_choice(item: ModelInput) -> str:
    """Why none of the choices can stand in a template."""
    found = _choices(item)
    if not found:
        return "its choices are neither all text nor all whole numbers of 32 bit"
    fits = isinstance(found[0], str) is (item.type == "string")
    return "" if fits else "none of its choices is of the type that the model takes"


def _no_number(item: ModelInput) -> str:
    """Why no number that the model takes can be sent."""
    if item.type not in ("integer", "number"):
        return ""
    lowest, highest = _limits("int" if item.type == "integer" else "decimal")
    least = [bound for bound in (item.min, item.above) if bound is not None]
    most = [bound for bound in (item.max, item.below) if bound is not None]
    beyond = any(bound > highest for bound in least) or any(bound < lowest for bound in most)
    return "miners read none of the numbers that the model takes" if beyond else ""


def _without(item: ModelInput, why: str) -> LeftOut:
    name = clean(item.name)[:80]
    if item.required:
        cost = "the model cannot run without it, so every task would fail: give it a default in the model's code"
        return LeftOut(name, f"{why}; {cost}", blocks=True)
    if not item.has_default:
        return LeftOut(name, f"{why}; the model runs without it in every task")
    shown = f" {_shown(item.default)}" if item.type not in ("secret", "array", "object", "any") else ""
    return LeftOut(name, f"{why}; the model uses its own default{shown} in every task")


def _several(item: ModelInput) -> str:
    return f"it takes {' or '.join(_KINDS.get(kind, kind) for kind in item.union)}, and a row has one type"


_KINDS = {
    "string": "text", "integer": "a whole number", "number": "a number", "boolean": "yes or no", "array": "a list",
    "object": "an object", "file": "a file", "any": "anything",
}  # fmt: skip
"""The types of a union, as a person says them."""


# --- inputs that have one ----------------------------------------------------------------------------------------


@dataclass
class _Row:
    """A row of `input` in the making; what had to be put there without the document's word is in `asked`."""

    item: ModelInput
    asked: list[Asked] = field(default_factory=list)

    def build(self) -> dict[str, Any]:
        """The row, its keys in the order of the templates that are registered."""
        kind = {"integer": "int", "number": "decimal"}.get(self.item.type, "string")
        if self.item.choices:
            kind = "int_enum" if isinstance(_choices(self.item)[0], int) else "string_enum"
        body = self._choice() if self.item.choices else self._text() if kind == "string" else self._number(kind)
        description = "" if self.item.description == "An enumeration." else clean(self.item.description)
        head = {"variable": self.item.name, "type": kind, "required": self.item.required}
        return head | body | {"description": description}

    def put(self, key: str, value: Any, reason: str) -> Any:
        """A value that the author has to confirm."""
        self.asked.append(Asked(self.item.name, key, value, reason))
        return value

    def _default(self, valid: Callable[[Any], bool], fallback: Any) -> Any:
        """The model's default if it can stand in the template, else `fallback`, asked."""
        if self.item.has_default and valid(self.item.default):
            return inputs.whole(self.item.default)
        if self.item.has_default:
            reason = f"the model's default {_shown(self.item.default)} does not fit the row"
        elif self.item.required:
            reason = "the model has no default; the form shows this one, and a row without default breaks it"
        else:
            reason = (
                "the model has no default; miners send this one whenever a task says nothing. "
                "Without the row the model is never given it"
            )
        return self.put("default", fallback, reason)

    def _text(self) -> dict[str, Any]:
        if self.item.required and not self.item.has_default:
            return {"default": ""}  # As every registered template has it; a required text is never filled from it.
        return {"default": self._default(lambda v: isinstance(v, str), "")}

    def _choice(self) -> dict[str, Any]:
        choices = _choices(self.item)
        if any(inputs.whole(choice) not in choices for choice in self.item.choices if choice is not None):
            self.put("choices", choices, "the model has choices above 32 bit, which miners refuse")
        return {"choices": choices, "default": self._default(lambda value: _among(value, choices), choices[0])}

    def _number(self, kind: str) -> dict[str, Any]:
        low, high = self._bound("min", self.item.min, kind), self._bound("max", self.item.max, kind)
        if low is not None and high is not None and low > high:
            low = self.put("min", high, f"the model's bounds are swapped: {low} to {high}")
        start = next((bound for bound in (low, high) if bound is not None), 1)
        default = self._default(lambda value: _fits(value, kind, low, high), start)
        near_low, near_high = _neighbourhood(default, kind)
        if low is None:
            low = self.put("min", near_low if high is None else min(near_low, high), _UNBOUNDED)
        if high is None:
            high = self.put("max", max(near_high, low), _UNBOUNDED)
        return {"min": low, "max": high, "default": default}

    def _bound(self, key: str, value: float | None, kind: str) -> float | None:
        """The model's bound as the template can have it, None where it has none."""
        apart = self.item.above if key == "min" else self.item.below
        if value is None or _nan(value) or (apart is not None and self._tighter(key, apart, value)):
            return None if apart is None else self._beside(key, apart)
        lowest, highest = _limits(kind)
        bound = min(max(value, lowest), highest)
        if bound != value:
            self.put(key, _whole(bound), f"the model says {_shown(value)}, which is more than miners read")
        elif kind == "int" and bound != int(bound):
            bound = math.ceil(bound) if key == "min" else math.floor(bound)
            self.put(key, bound, f"the model says {_shown(value)}, and an int has whole bounds")
        return _whole(bound)

    def _tighter(self, key: str, apart: float, value: float) -> bool:
        return apart >= value if key == "min" else apart <= value

    def _beside(self, key: str, apart: float) -> float:
        """A bound for a number that may come near an edge and not reach it; a template has no such bound."""
        lowest, highest = _limits("decimal")
        bound = _whole(min(max(self._inside(key, min(max(apart, lowest), highest)), lowest), highest))
        side = "above" if key == "min" else "below"
        self.put(key, bound, f"the model takes what is {side} {_shown(apart)}, not {_shown(apart)} itself")
        return bound

    def _inside(self, key: str, edge: float) -> float:
        """A bound inside an open one: the next whole number, or the model's default where that is nearer."""
        low, item = key == "min", self.item
        near: float = math.floor(edge) + 1 if low else math.ceil(edge) - 1
        given = item.default
        if item.has_default and inputs.is_number(given) and (edge < given < near if low else near < given < edge):
            return given
        closed, apart = (item.max, item.below) if low else (item.min, item.above)
        beyond = [other for other in (closed, apart) if other is not None and not _nan(other)]
        end = min(max((min if low else max)(beyond), -(2**53)), 2**53) if beyond else near
        if (end < near if low else end > near) or end == apart == near:
            return edge + (end - edge) / 4
        return near


_UNBOUNDED = "the model states no bound, and a row without one breaks the form; this one was chosen near the default"


def _nan(value: float) -> bool:
    """Whether it is no number; math.isnan cannot be asked of an int that no double holds."""
    return isinstance(value, float) and math.isnan(value)


def _whole(value: float) -> float:
    """4.0 as 4, so that every generation's document gives the same bytes."""
    return int(value) if value == int(value) else value


def _limits(kind: str) -> tuple[int, int]:
    """What miners read: 32 bit for an int, whole doubles for a decimal."""
    return (INT32_MIN, INT32_MAX) if kind == "int" else (-(2**53), 2**53)


def _neighbourhood(default: float, kind: str) -> tuple[float, float]:
    """Bounds a model is likely to survive: from half to double the default, one step where it is small."""
    half, double = sorted((default / 2, default * 2))
    lowest, highest = _limits(kind)
    if kind == "int":
        near = (math.ceil(half), math.floor(double)) if default else (0, 1)
    elif abs(default) <= 1:
        near = (0, 1) if default >= 0 else (-1, 0)
    else:
        near = (math.floor(half), math.ceil(double))
    return max(near[0], lowest), min(near[1], highest)


def _fits(value: Any, kind: str, low: float | None, high: float | None) -> bool:
    """Whether a default can stand between these bounds."""
    lowest, highest = _limits(kind)
    if not inputs.is_number(value) or not lowest <= value <= highest:
        return False
    if kind == "int" and value != int(value):
        return False
    return (low is None or value >= low) and (high is None or value <= high)


def _choices(item: ModelInput) -> list[Any]:
    """The choices a template can have, each once; empty when they are of no one type or none can be sent."""
    values = [inputs.whole(choice) for choice in item.choices if choice is not None]
    if all(isinstance(value, str) for value in values):
        return list(dict.fromkeys(values))
    if all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        return [value for value in dict.fromkeys(values) if INT32_MIN <= value <= INT32_MAX]
    return []


def _among(value: Any, choices: Sequence[Any]) -> bool:
    """Whether miners would find the value among the choices; true is not 1 to them."""
    return not isinstance(value, bool) and value in choices


# --- what the document does not know -----------------------------------------------------------------------------

_META = {
    "title": "the name people find the model by; no other registered model may have it",
    "description": "say what the model does and on which GPU its outputs were proven",
    "git": "a link to the exact commit of the model's code, ending in /tree/ and 40 hexadecimal digits",
    "docker": "the image miners run, r8.im/OWNER/NAME@sha256: and 64 hexadecimal digits",
}


def _meta(known: Mapping[str, Any], open_keys: Mapping[str, str], asked: list[Asked]) -> dict[str, Any]:
    head: dict[str, Any] = {}
    for key, reason in _META.items():
        head[key] = known.get(key, "")
        if key in open_keys or not head[key]:
            asked.append(Asked("meta", key, head[key], "; ".join(filter(None, (open_keys.get(key), reason)))))
    return {**head, "version": 1, **{key: value for key, value in known.items() if key not in head}}


_FILES = {
    "image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif",
    "video/mp4": "mp4", "video/webm": "webm", "audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3",
}  # fmt: skip
_FAMILIES = {"image": "png", "video": "mp4", "audio": "wav", "text": "txt"}


def _output(document: Mapping[str, Any], mime: str, asked: list[Asked]) -> dict[str, Any]:
    """The one row of `output`; every template known has exactly one."""
    schemas = inputs.schemas_of(document)
    schema = inputs.flat(inputs.mapping(schemas.get("Output")), schemas)
    one = inputs.type_of(_member(schema, schemas))
    media = mime.partition(";")[0].strip().lower()
    family = media.partition("/")[0]
    if family not in _FAMILIES:
        family = "text" if not media and one == "string" else ""
    name = f"out-1.{_FILES.get(media) or _FAMILIES.get(family, 'png')}"
    row = {"filename": name, "type": family or "image"}
    if one in _NO_FILE:
        asked.append(
            Asked("output", "filename", name, f"the model returns {_NO_FILE[one]}, and miners keep files only")
        )
    elif not family:
        seen = "no output was seen yet, and the schema does not say what is in the file"
        if media:
            seen = f"the model returned {clean(media)[:40]}"
        asked.append(Asked("output", "type", row["type"], f"{seen}; it is one of image, video, audio, text"))
    return row


_NO_FILE = {"object": "an object", "array": "lists of lists", "number": "a number", "integer": "a number",
            "boolean": "yes or no"}  # fmt: skip
"""Outputs that are neither a file nor a text."""


def _member(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    """What one output is: the schema itself, or that of a list's items."""
    if inputs.type_of(schema) != "array":
        return schema
    return inputs.flat(inputs.mapping(schema.get("items")), schemas)


def words(row: Mapping[str, Any]) -> str:
    """A row in a few words."""
    parts = [row["type"], "required" if row["required"] else ""]
    parts.append(f"{row['min']} to {row['max']}" if "min" in row else "")
    parts.append(f"{len(row['choices'])} choices" if "choices" in row else "")
    parts.append(f"default {_shown(row['default'])}")
    return ", ".join(part for part in parts if part)


def _shown(value: Any) -> str:
    """A value of somebody else's document, harmless and short."""
    if isinstance(value, list | Mapping):
        return "of several parts"
    if isinstance(value, int) and value.bit_length() > 4096:
        return "a number of very many digits"  # json.dumps refuses to write it
    return clean(json.dumps(value, ensure_ascii=False))[:40]
