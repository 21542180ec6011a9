"""The state of following a model's source: names, storages, generators, and which seeds reach this place."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal

from arbius_tui.domain.flow_values import (
    EVERY,
    NONE,
    NOTHING,
    SEEDS,
    Kind,
    Local,
    Origin,
    Origins,
    Samples,
    Value,
    either,
    own_content,
    union,
)
from arbius_tui.domain.python_source import PythonFile

Phase = Literal["start", "setup", "predict"]
DEEPEST = 110
"""Expressions and statements inside each other that are followed; deeper ones count as unknown."""
MOST = 40_000
"""Expressions and statements that are followed in all, so that no source takes longer than about a second."""


@dataclass(frozen=True, slots=True)
class Generator:
    """A generator's state: when it was seeded, and from what. `start`: never by this code."""

    phase: Phase = "start"
    origins: Origins = NONE


@dataclass(slots=True)
class State:
    """What holds at one place of the source. `reach` says for which of SEEDS the place is reached."""

    variables: dict[str, Value] = field(default_factory=dict)
    attributes: dict[tuple[int, str], Value] = field(default_factory=dict)
    generators: dict[int | str, Generator] = field(default_factory=dict)
    reach: tuple[bool, ...] = EVERY

    def copy(self) -> State:
        """Another state that starts the same."""
        return State(dict(self.variables), dict(self.attributes), dict(self.generators), self.reach)


def joined(a: State, b: State, choice: Samples | None = None) -> State:
    """What holds after one of two ways; `choice` says for which seeds it is the first."""
    variables = {
        name: either(a.variables[name], b.variables[name], choice)
        if name in a.variables and name in b.variables
        else a.variables.get(name) or b.variables.get(name) or NOTHING
        for name in {**a.variables, **b.variables}
    }
    attributes = {
        key: either(a.attributes[key], b.attributes[key], choice)
        if key in a.attributes and key in b.attributes
        else a.attributes.get(key) or b.attributes.get(key) or NOTHING
        for key in {**a.attributes, **b.attributes}
    }
    generators = {
        key: worse(a.generators.get(key, Generator()), b.generators.get(key, Generator()))
        for key in {**a.generators, **b.generators}
    }
    reach = tuple(x or y for x, y in zip(a.reach, b.reach, strict=True))
    return State(variables, attributes, generators, reach)


def worse(a: Generator, b: Generator) -> Generator:
    """Of two states of a generator the one that says less about its numbers."""
    order: tuple[Phase, ...] = ("start", "setup", "predict")
    return Generator(min(a.phase, b.phase, key=order.index), a.origins | b.origins)


@dataclass(frozen=True, slots=True)
class Call:
    """A call, its arguments already followed."""

    node: ast.Call
    file: str
    name: str
    arguments: tuple[Value, ...] = ()
    keywords: Mapping[str, Value] = field(default_factory=dict)
    receiver: Value | None = None
    method: str = ""
    phase: Phase = "predict"

    def argument(self, place: int, *names: str) -> Value | None:
        """The argument at a place or under one of its names, or None where it is not given."""
        if 0 <= place < len(self.arguments):
            return self.arguments[place]
        return next((self.keywords[name] for name in names if name in self.keywords), None)

    @property
    def everything(self) -> tuple[Value, ...]:
        """Receiver, arguments and keywords."""
        return (*((self.receiver,) if self.receiver else ()), *self.arguments, *self.keywords.values())


@dataclass(frozen=True, slots=True)
class TooBig:
    """A place that refuses some of the seeds that miners send, and the largest one it takes (None: it says not)."""

    origin: Origin
    largest: int | None
    how: str
    seeds: tuple[int, ...]
    argument: ast.expr | None = field(default=None, compare=False)


@dataclass(slots=True)
class Frame:
    """A function that is being followed."""

    file: str
    scopes: tuple[dict[str, Value], ...]
    local: Local | None = None
    this: Value | None = None
    owner: Local | None = None
    returned: list[tuple[Value, tuple[bool, ...]]] = field(default_factory=list)
    yielded: list[Value] = field(default_factory=list)
    globals: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Machine:
    """Everything that is known while the source is followed, and what was noticed on the way."""

    files: Mapping[str, PythonFile]
    evaluate: Callable[[Machine, ast.expr], Value]
    run: Callable[[Machine, list[ast.stmt]], bool]
    home: str = ""
    state: State = field(default_factory=State)
    frame: Frame = field(default_factory=lambda: Frame("", ()))
    phase: Phase = "setup"
    heap: dict[int, Origins] = field(default_factory=dict)
    early: set[int] = field(default_factory=set)
    texts: dict[str, int] = field(default_factory=dict)
    modules: dict[str, dict[str, Value]] = field(default_factory=dict)
    control: Origins = NONE
    stack: tuple[ast.AST, ...] = ()
    loops: int = 0
    guarded: int = 0
    depth: int = 0
    steps: int = 0
    cut: bool = False
    top: ast.stmt | None = None
    top_file: str = ""
    only_zero: bool = False
    calls: list[Call] = field(default_factory=list)
    refused: list[TooBig] = field(default_factory=list)
    settings: dict[str, tuple[Value, ast.AST, str]] = field(default_factory=dict)
    seed_passed: bool = False
    world: Origins = NONE

    @contextmanager
    def deeper(self) -> Iterator[bool]:
        """Count one step; False when the source is too deep or too long to go on."""
        self.depth += 1
        self.steps += 1
        fine = self.depth <= DEEPEST and self.steps <= MOST
        self.cut |= not fine
        try:
            yield fine
        finally:
            self.depth -= 1

    def cell(self, text: str = "") -> int:
        """A new storage, or the one that a file of this name has."""
        if text and text in self.texts:
            return self.texts[text]
        made = len(self.heap)
        self.heap[made] = NONE
        if text:
            self.texts[text] = made
        elif self.phase == "setup":
            self.early.add(made)
        return made

    def origin(self, kind: Kind, node: ast.AST, library: str = "") -> Origin:
        """Where something different begins: here."""
        file = self.files[self.frame.file]
        return Origin(
            kind, file.place(node), file.code(node), library, self.only_zero, self.phase == "setup",
            node, self.top, self.top_file,
        )  # fmt: skip

    def content(self, value: Value, node: ast.AST | None = None) -> Origins:
        """Where the content of a value comes from; the name of a file is not its content."""
        found = own_content(value)
        for cell in value.cells:
            found |= self.heap[cell]
            if node is not None and cell in self.state.generators:
                found |= self.drawn(cell, node)
        return found

    def drawn(self, key: int | str, node: ast.AST, library: str = "") -> Origins:
        """Where a number that is drawn here from this generator comes from."""
        state = self.state.generators.get(key, Generator())
        if state.phase == "start":
            return frozenset({self.origin("unseeded", node, library)})
        if state.phase == "setup" and self.phase == "predict" and not any(o.kind == "unseeded" for o in state.origins):
            return state.origins | {self.origin("carried", node, library)}
        return state.origins

    def seeded(self, key: int | str, origins: Origins) -> None:
        """A generator gets a seed here."""
        self.state.generators[key] = Generator(self.phase, origins)

    def changed(self, value: Value, origins: Origins) -> None:
        """Something is written into a value."""
        for cell in value.cells:
            self.heap[cell] |= origins | self.control

    def derived(self, *values: Value, kind: str = "", node: ast.AST | None = None) -> Value:
        """Something new, made of these: it may share their storage, unless that was there before the prediction."""
        both = union(values)
        origins = NONE
        for value in values:
            origins |= self.content(value, node)
        cells = {c for c in both.cells if c not in self.early or self.phase == "setup"}
        cells = {c for c in cells if c not in self.state.generators}
        return Value(origins=origins, names=both.names, cells=frozenset({*cells, self.cell()}), type=kind)

    def seeds_here(self) -> tuple[int, ...]:
        """The seeds for which this place is reached."""
        return tuple(seed for seed, here in zip(SEEDS, self.state.reach, strict=True) if here)

    def settled(self, kept: Samples) -> bool | None:
        """Which way a test goes for every seed that comes here; None where they part or nobody knows."""
        here = [k for k, reached in zip(kept, self.state.reach, strict=True) if reached]
        for way in (True, False):
            if here and all(k is way for k in here):
                return way
        return None

    def lookup(self, name: str) -> Value | None:
        """What a name stands for here, or None."""
        if name in self.frame.globals:
            return self.modules.get(self.frame.file, {}).get(name)
        for scope in (self.state.variables, *self.frame.scopes):
            if name in scope:
                return scope[name]
        return None

    @property
    def here(self) -> tuple[dict[str, Value], ...]:
        """The names that a function which is defined here can see."""
        module = self.modules.get(self.frame.file, {})
        return (self.state.variables, *self.frame.scopes) if self.frame.local else (module,)

    def assign(self, name: str, value: Value) -> None:
        """Bind a name."""
        if self.control:
            value = replace(value, origins=value.origins | self.control)
        scope = self.modules[self.frame.file] if name in self.frame.globals else self.state.variables
        scope[name] = value
