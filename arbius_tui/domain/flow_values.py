"""What is known about a value while a model's source is followed: where it comes from, and what it is for some seeds.

Nothing is run. A value carries its origins (the seed, a clock, an unseeded generator ...), the storage it may refer to,
and, where that can be computed, the number it is for each of `SEEDS`.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

from arbius_tui.domain.finding import Place

SEEDS = (0, 1337, 33111, 2**31, 2**32 - 1, 2**32, 2**53 - 17)
"""Seeds that miners send, up to the largest: seed = task id mod 2^53 - 16."""
LARGEST = SEEDS[-1]
EVERY = (True,) * len(SEEDS)

Kind = Literal[
    "seed", "time", "entropy", "uuid", "hash", "order", "host", "unseeded", "carried", "counter", "constant", "listing",
    "finish",
]  # fmt: skip


class Missing(Enum):
    """The one value that stands for: nobody knows."""

    UNKNOWN = "unknown"


UNKNOWN = Missing.UNKNOWN
Samples = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a difference comes from. `top` is the statement of the method or module that was being followed."""

    kind: Kind
    place: Place
    code: str = ""
    library: str = ""
    only_zero: bool = False
    in_setup: bool = False
    node: ast.AST | None = field(default=None, compare=False, repr=False)
    top: ast.stmt | None = field(default=None, compare=False, repr=False)
    top_file: str = field(default="", compare=False, repr=False)


Origins = frozenset[Origin]
NONE: Origins = frozenset()


@dataclass(frozen=True, slots=True)
class Local:
    """A function or a class of the model's own code, with the names it can see."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
    file: str
    scopes: tuple[dict[str, Value], ...] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Value:
    """A value. `origins` are of its content; `names` are of the name of a file, which no miner sees.

    `cells` are the storages it may refer to (a picture and the file it is saved to share one). `name` is the full
    dotted name of something imported, `type` that of which it is an instance. `samples` has an entry for each of SEEDS.
    """

    origins: Origins = NONE
    names: Origins = NONE
    cells: frozenset[int] = frozenset()
    samples: Samples | None = None
    name: str = ""
    type: str = ""
    path: bool = False
    length: int | None = None
    suffix: str = ""
    items: tuple[Value, ...] | None = None
    local: Local | None = None
    instance: int | None = None
    this: Value | None = None
    receiver: Value | None = None
    method: str = ""
    early: bool = False

    @property
    def constant(self) -> Any:
        """The one thing it is for every seed, or UNKNOWN."""
        if self.samples is None:
            return UNKNOWN
        first = self.samples[0]
        same = all(type(s) is type(first) and s == first for s in self.samples)
        return first if same and not any(o.kind == "seed" for o in self.origins) else UNKNOWN

    @property
    def is_none(self) -> bool:
        """Whether it is None."""
        return self.constant is None


NOTHING = Value()


def constant(value: Any) -> Value:
    """A literal."""
    text = value if isinstance(value, str) else ""
    kind = type(value).__name__
    return Value(samples=(value,) * len(SEEDS), type=kind, path=looks_like_path(text), suffix=suffix_of(text))


def looks_like_path(text: str) -> bool:
    """Whether a text names a file rather than says something."""
    return bool(suffix_of(text)) or (text.startswith(("/", "./", "~/")) and not any(c.isspace() for c in text))


def suffix_of(text: str) -> str:
    """`.png` of `out-0.png`, or "" for what is a sentence or a number."""
    stem, dot, end = text.rpartition(".")
    fits = dot and 2 <= len(end) <= 11 and end.isalnum() and not end.isdigit() and not any(c.isspace() for c in stem)
    return f".{end.lower()}" if fits else ""


ORDERS = ("order", "listing", "finish")
"""Kinds that decide which comes first, whatever it is that comes."""


def own_content(value: Value) -> Origins:
    """Where the content of a value comes from, storages aside: where a path comes from is only a name."""
    return frozenset(o for o in value.origins if o.kind in ORDERS) if value.path else value.origins


def union(values: Iterable[Value]) -> Value:
    """What is made of all of these: their origins, names and storages."""
    origins, names, cells = NONE, NONE, frozenset[int]()
    for value in values:
        origins |= own_content(value)
        names |= value.names | (value.origins if value.path else NONE)
        cells |= value.cells
    return Value(origins=origins, names=names, cells=cells)


def either(a: Value, b: Value, choice: Samples | None = None) -> Value:
    """One of two values; `choice` says for which seeds it is the first."""
    if a is b:
        return a
    return Value(
        origins=a.origins | b.origins,
        names=a.names | b.names,
        cells=a.cells | b.cells,
        samples=chosen(a.samples, b.samples, choice),
        name=a.name if a.name == b.name else "",
        type=a.type if a.type == b.type else "",
        path=a.path or b.path,
        length=a.length if a.length == b.length else None,
        suffix=a.suffix if a.suffix == b.suffix else "",
        local=a.local or b.local,
        instance=a.instance if a.instance is not None else b.instance,
        this=a.this or b.this,
        receiver=a.receiver or b.receiver,
        method=a.method or b.method,
        early=a.early and b.early,
    )


def chosen(a: Samples | None, b: Samples | None, choice: Samples | None) -> Samples | None:
    """Entry by entry: the one that was chosen, or what both agree on."""
    if a is None and b is None:
        return None
    unknown = (UNKNOWN,) * len(SEEDS)
    picked = []
    for x, y, taken in zip(a or unknown, b or unknown, choice or unknown, strict=True):
        if taken is True or taken is False:
            picked.append(x if taken else y)
        else:
            picked.append(x if type(x) is type(y) and x == y else UNKNOWN)
    return None if all(p is UNKNOWN for p in picked) else tuple(picked)


def truth(value: Value) -> Samples:
    """For each seed: True, False, or UNKNOWN."""
    if value.samples is None:
        return (UNKNOWN,) * len(SEEDS)
    return tuple(UNKNOWN if s is UNKNOWN else bool(s) for s in value.samples)


def each(function: Callable[..., Any], *values: Value) -> Samples | None:
    """A function of the samples, entry by entry; what fails or grows without end is unknown."""
    if any(v.samples is None for v in values):
        return None
    made = tuple(one(function, row) for row in zip(*(v.samples or () for v in values), strict=True))
    return None if all(m is UNKNOWN for m in made) else made


def one(function: Callable[..., Any], row: tuple[Any, ...]) -> Any:
    """One entry."""
    if any(part is UNKNOWN for part in row) or not all(small(part) for part in row):
        return UNKNOWN
    try:
        made = function(*row)
    except (ArithmeticError, TypeError, ValueError, AttributeError, IndexError, KeyError):
        return UNKNOWN
    return made if small(made) else UNKNOWN


def small(value: Any) -> bool:
    """Whether a value costs nothing to calculate with."""
    if isinstance(value, bool | float) or value is None:
        return True
    if isinstance(value, int):
        return value.bit_length() <= 4096
    return isinstance(value, str | bytes) and len(value) <= 4096


def numeric(*values: Any) -> bool:
    """Whether all are numbers."""
    return all(isinstance(value, int | float) for value in values)


def power(a: Any, b: Any) -> Any:
    """a ** b, for exponents that end soon."""
    return a**b if numeric(a, b) and 0 <= b <= 256 else UNKNOWN


def shifted(a: Any, b: Any) -> Any:
    """a << b, for shifts that end soon."""
    return a << b if numeric(a, b) and 0 <= b <= 4096 else UNKNOWN


def times(a: Any, b: Any) -> Any:
    """a * b of numbers; a text is not repeated."""
    return a * b if numeric(a, b) else UNKNOWN


def modulo(a: Any, b: Any) -> Any:
    """a % b of numbers; a text is not formatted."""
    return a % b if numeric(a, b) else UNKNOWN


OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: times, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: modulo, ast.Pow: power, ast.LShift: shifted, ast.RShift: operator.rshift,
    ast.BitAnd: operator.and_, ast.BitOr: operator.or_, ast.BitXor: operator.xor, ast.USub: operator.neg,
    ast.UAdd: operator.pos, ast.Invert: operator.invert, ast.Not: operator.not_, ast.Eq: operator.eq,
    ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Is: lambda a, b: a is b or (numeric(a, b) and a == b),
    ast.IsNot: lambda a, b: not (a is b or (numeric(a, b) and a == b)),
}  # fmt: skip

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "builtins.int": lambda x=0: int(x) if not isinstance(x, str) or len(x) < 400 else UNKNOWN,
    "builtins.float": float, "builtins.abs": abs, "builtins.bool": bool, "builtins.min": min, "builtins.max": max,
    "builtins.round": round, "builtins.pow": lambda a, b, m=None: pow(a, b, m) if m is not None else power(a, b),
    "builtins.divmod": lambda a, b: UNKNOWN, "builtins.str": lambda x: str(x) if numeric(x) else x,
    "math.floor": math.floor, "operator.mod": modulo, "operator.and_": operator.and_,
    "numpy.int64": int, "numpy.uint64": int, "numpy.abs": abs, "numpy.mod": modulo,
    "numpy.clip": lambda x, a, b: max(a, min(b, x)),
}  # fmt: skip
"""Functions of numbers that can be calculated here."""
