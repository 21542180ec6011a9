"""Follow a model's source from its start to its output, as a prediction for a miner would go, and run none of it."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from arbius_tui.domain.flow_calls import instantiated, invoke, member
from arbius_tui.domain.flow_expressions import evaluate
from arbius_tui.domain.flow_machine import Call, Machine, TooBig
from arbius_tui.domain.flow_statements import block, imported
from arbius_tui.domain.flow_values import NOTHING, SEEDS, Local, Origin, Origins, Value, constant, union
from arbius_tui.domain.inputs import ModelInput
from arbius_tui.domain.python_source import PythonFile

TYPES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "array": "list", "object": "dict"}
EMPTY = ast.Call(ast.Name("predict"), [], [])


@dataclass(frozen=True, slots=True)
class Flow:
    """What was found on the way: `origins` of the output's bytes, `names` of its files, and what was called."""

    origins: Origins = frozenset()
    names: Origins = frozenset()
    refused: tuple[TooBig, ...] = ()
    calls: tuple[Call, ...] = ()
    settings: Mapping[str, tuple[Value, ast.AST, str]] = field(default_factory=dict)
    output: Value = NOTHING
    seed_used: bool = False
    complete: bool = True


def follow(
    files: Mapping[str, PythonFile], home: str, name: str, method: str, inputs: Sequence[ModelInput], *, text: bool,
    usual: bool = False,
) -> Flow:  # fmt: skip
    """Follow the predictor `name` of the file `home`; `method` is run or predict, "" for a function.

    `text` says that the output is text, not files: then what looks like a path is content. `usual` leaves every
    yes-or-no input at its default, as miners must.
    """
    if home not in files:
        return Flow(complete=False)
    m = Machine(files, evaluate, block, home.rpartition("/")[0])
    imported(m, home)
    m.frame.file = home
    m.frame.scopes = (m.modules[home],)
    target = m.modules[home].get(name, NOTHING)
    if target.local is None:
        return Flow(complete=False)
    function = ready(m, target, target.local, method)
    if function.local is None or isinstance(function.local.node, ast.ClassDef):
        return Flow(complete=False)
    m.phase = "predict"
    given = {item.name: argument(m, item, function.local, usual) for item in inputs}
    output = invoke(m, function, Call(EMPTY, home, "", keywords=given))
    return seen(m, output, text)


def ready(m: Machine, target: Value, local: Local, method: str) -> Value:
    """The method that answers a prediction, after the predictor was made and set up."""
    if not isinstance(local.node, ast.ClassDef):
        return target
    made = instantiated(m, local, Call(EMPTY, m.frame.file, ""))
    setup = member(m, local, "setup")
    if setup:
        invoke(m, Value(local=setup, this=made), Call(EMPTY, m.frame.file, ""))
    m.state.attributes = {key: replace(v, early=True) for key, v in m.state.attributes.items()}
    found = member(m, local, method)
    return Value(local=found, this=made) if found else NOTHING


def argument(m: Machine, item: ModelInput, local: Local, usual: bool) -> Value:
    """An input of the prediction; for the seed, what miners send and the model's bounds let in."""
    if item.name == "seed":
        m.state.reach = tuple(not outside(item, seed) for seed in SEEDS)
        origin = Origin("seed", m.files[local.file].place(local.node), "seed")
        return Value(frozenset({origin}), samples=SEEDS, type="int")
    if usual and item.type == "boolean" and isinstance(item.default, bool):
        return constant(item.default)
    if item.type == "file":
        return Value(cells=frozenset({m.cell()}), type="pathlib.Path", path=True)
    if item.type in ("array", "object", "any"):
        return Value(cells=frozenset({m.cell()}), type=TYPES.get(item.type, ""))
    return Value(type=TYPES.get(item.type, "str"))


def outside(item: ModelInput, seed: int) -> bool:
    """Whether the model's own bounds refuse this seed."""
    return (item.min is not None and seed < item.min) or (item.max is not None and seed > item.max)


def seen(m: Machine, output: Value, text: bool) -> Flow:
    """What there is to say at the end."""
    whole = union([output])
    origins = m.content(whole) | (whole.names if text else frozenset())
    if not text and not origins:
        origins = m.world  # a file that somebody else wrote
    used = m.seed_passed or any(o.kind == "seed" for o in origins | whole.names)
    return Flow(
        origins, frozenset() if text else whole.names, tuple(m.refused), tuple(m.calls), m.settings, output, used,
        complete=not m.cut,
    )  # fmt: skip
