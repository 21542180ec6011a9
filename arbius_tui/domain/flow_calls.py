"""Following calls: functions of the model's own are gone into; of all others it is known or assumed what they do."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace

from arbius_tui.domain import flow_library
from arbius_tui.domain.flow_machine import Call, Frame, Machine
from arbius_tui.domain.flow_values import NONE, NOTHING, SEEDS, UNKNOWN, Local, Value, either, union

Arguments = ast.arguments


def bare(m: Machine) -> Call:
    """A call without arguments that stands nowhere in the source."""
    return Call(ast.Call(ast.Name("model"), [], []), m.frame.file, "")


def called(m: Machine, function: Value, call: Call) -> Value:
    """The result of a call."""
    m.calls.append(call)
    if function.local is not None:
        return own(m, function, function.local, call)
    if function.name == "builtins.super" and m.frame.this is not None and not call.arguments:
        return parent(m)
    results = handed(m, call)
    made = flow_library.known(m, call, function) or flow_library.unknown(m, call, function)
    if not results:
        return made
    both = union([made, *results])
    for value in call.everything:
        m.changed(value, both.origins)
    return replace(made, origins=both.origins, names=both.names, cells=both.cells)


def handed(m: Machine, call: Call) -> list[Value]:
    """What functions give that were handed over as arguments, to be called there."""
    found: list[Value | None] = []
    for value in call.everything:
        if value.local is not None and value.instance is None and callable_local(value.local):
            found.append(invoke(m, value, opaque(m, value.local, call)))
        elif value.name:
            found.append(flow_library.drawing(m, replace(call, name=value.name, arguments=(), keywords={})))
    return [value for value in found if value is not None]


def own(m: Machine, function: Value, local: Local, call: Call) -> Value:
    """The result of calling a function, a class or an object of the model's own."""
    if callable_local(local):
        return invoke(m, function, call)
    return instantiated(m, local, call) if function.instance is None else instance_called(m, function, call)


def callable_local(local: Local) -> bool:
    """Whether it is a function rather than a class."""
    return not isinstance(local.node, ast.ClassDef)


def opaque(m: Machine, local: Local, call: Call) -> Call:
    """The call of a function that was handed to somebody else: each of its arguments may be anything that he has."""
    anything = m.derived(*(v for v in call.everything if v.local is None), node=call.node)
    arguments = getattr(local.node, "args", None)
    count = len(arguments.posonlyargs) + len(arguments.args) if isinstance(arguments, ast.arguments) else 0
    return replace(call, arguments=(anything,) * count, keywords={})


def parent(m: Machine) -> Value:
    """`super()`: the same object, seen as its parent class."""
    owner, this = m.frame.owner, m.frame.this
    above = bases(m, owner)[:1] if owner else []
    return replace(this, local=above[0] if above else None) if this else NOTHING


def instance_called(m: Machine, function: Value, call: Call) -> Value:
    """`model(x)` where model is an object of the model's own class."""
    for name in ("__call__", "forward"):
        found = member(m, function.local, name) if function.local else None
        if found and callable_local(found):
            return invoke(m, Value(local=found, this=function), call)
    return flow_library.unknown(m, call, function)


def instantiated(m: Machine, local: Local, call: Call) -> Value:
    """A new object of the model's own class; a class without a constructor (a data class) keeps what it is given."""
    cell = m.cell()
    made = Value(cells=frozenset({cell}), local=local, instance=cell, type=getattr(local.node, "name", ""))
    found = member(m, local, "__init__")
    if found and callable_local(found):
        invoke(m, Value(local=found, this=made), call)
        return made
    everything = union(call.everything)
    for name, value in call.keywords.items():
        m.state.attributes[cell, name] = value
    origins = NONE
    for value in call.everything:
        origins |= m.content(value, call.node)
    m.heap[cell] |= origins
    return replace(made, names=everything.names, cells=everything.cells | {cell})


def bases(m: Machine, local: Local | None) -> list[Local]:
    """The parents of a class that are the model's own."""
    found: list[Local] = []
    for base in local.node.bases if local and isinstance(local.node, ast.ClassDef) else ():
        if isinstance(base, ast.Name) and local:
            value = next((scope[base.id] for scope in local.scopes if base.id in scope), NOTHING)
        else:
            value = m.evaluate(m, base)
        if (
            value.local
            and isinstance(value.local.node, ast.ClassDef)
            and value.local.node is not (local and local.node)
        ):
            found.append(value.local)
    return found


def member(m: Machine, local: Local, name: str, depth: int = 0) -> Local | None:
    """A method or inner class of a class or of its parents."""
    body = local.node.body if isinstance(local.node, ast.ClassDef) else []
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == name:
            return Local(node, local.file, local.scopes)
    if depth < 8:
        for base in bases(m, local):
            found = member(m, base, name, depth + 1)
            if found:
                return found
    return None


def class_attribute(m: Machine, local: Local, name: str) -> Value | None:
    """A value that the class itself holds."""
    for node in local.node.body if isinstance(local.node, ast.ClassDef) else ():
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        mine = any(isinstance(t, ast.Name) and t.id == name for t in targets)
        if mine and isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            return replace(m.evaluate(m, node.value), early=True)
    return None


def invoke(m: Machine, function: Value, call: Call) -> Value:
    """Go into a function of the model's own; one that calls itself, or is too deep, gives what it was given."""
    local = function.local
    if local is None or isinstance(local.node, ast.ClassDef) or local.node in m.stack or len(m.stack) > 12:
        return m.derived(*call.everything, node=call.node)
    static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in getattr(local.node, "decorator_list", []))
    given = call.arguments if function.this is None or static else (function.this, *call.arguments)
    bound = parameters(m, local, given, call.keywords)
    frame, variables, stack = m.frame, m.state.variables, m.stack
    owner = function.this.local if function.this else None
    m.frame = Frame(local.file, local.scopes, local, function.this, owner)
    m.state.variables, m.stack = bound, (*stack, local.node)
    if isinstance(local.node, ast.Lambda):
        m.frame.returned.append((m.evaluate(m, local.node.body), m.state.reach))
    else:
        reach = m.state.reach
        m.run(m, local.node.body)
        m.state.reach = reach
    done, m.frame, m.stack = m.frame, frame, stack
    m.state.variables = variables
    return result(done)


def result(frame: Frame) -> Value:
    """What a function gave back: by `return` for the seeds that reach it, and by `yield`."""
    made: Value | None = None
    for value, reach in reversed(frame.returned):
        made = value if made is None else either(value, made, reach if not all(reach) else (UNKNOWN,) * len(SEEDS))
    if frame.yielded:
        everything = union(frame.yielded)
        return replace(everything, type="generator", suffix=frame.yielded[0].suffix)
    return made if made is not None else NOTHING


def parameters(m: Machine, local: Local, given: tuple[Value, ...], keywords: Mapping[str, Value]) -> dict[str, Value]:
    """The names that a function's arguments are bound to."""
    arguments = local.node.args if not isinstance(local.node, ast.ClassDef) else None
    if not isinstance(arguments, ast.arguments):
        return {}
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
    bound: dict[str, Value] = {}
    for name, default in zip(reversed(names), reversed(arguments.defaults), strict=False):
        bound[name] = m.evaluate(m, default)
    for argument, maybe in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=False):
        bound[argument.arg] = m.evaluate(m, maybe) if maybe is not None else NOTHING
    bound |= dict(zip(names, given, strict=False))
    rest = union(given[len(names) :])
    if arguments.vararg:
        bound[arguments.vararg.arg] = rest
    known = {*names, *(a.arg for a in arguments.kwonlyargs)}
    bound |= {name: value for name, value in keywords.items() if name in known}
    if arguments.kwarg:
        bound[arguments.kwarg.arg] = union([v for name, v in keywords.items() if name not in known])
    return {name: bound.get(name, keywords.get("**", NOTHING)) for name in {*names, *known}} | bound


def bind(m: Machine, target: ast.expr, value: Value) -> None:
    """Assign a value to a name, an attribute, an element, or several of these."""
    if isinstance(target, ast.Name):
        m.assign(target.id, value)
    elif isinstance(target, ast.Starred):
        bind(m, target.value, value)
    elif isinstance(target, ast.Tuple | ast.List):
        several = value.items if value.items is not None and len(value.items) == len(target.elts) else None
        for place, part in enumerate(target.elts):
            bind(m, part, several[place] if several else replace(union([value]), type=""))
    elif isinstance(target, ast.Attribute):
        bind_attribute(m, target, value)
    elif isinstance(target, ast.Subscript):
        owner, index = m.evaluate(m, target.value), m.evaluate(m, target.slice)
        key = frozenset(o for o in m.content(index, target) if not (o.kind == "hash" and index.type == "hash"))
        m.changed(owner, m.content(value, target) | key)


def bind_attribute(m: Machine, target: ast.Attribute, value: Value) -> None:
    """`x.y = value`: of an object of the model's own, of a module (a setting), or of something unknown."""
    owner = m.evaluate(m, target.value)
    if m.control:
        value = replace(value, origins=value.origins | m.control)
    if owner.instance is not None:
        m.state.attributes[owner.instance, target.attr] = replace(value, early=m.phase == "setup")
    elif owner.name:
        m.settings[f"{owner.name}.{target.attr}"] = (value, target, m.frame.file)
    else:
        m.changed(owner, m.content(value, target))
