"""Following expressions: what each one's value comes from."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable
from dataclasses import replace

from arbius_tui.domain import flow_calls
from arbius_tui.domain.flow_machine import Call, Machine, joined
from arbius_tui.domain.flow_values import (
    EVERY,
    NONE,
    NOTHING,
    OPERATORS,
    SEEDS,
    UNKNOWN,
    Local,
    Origins,
    Value,
    constant,
    each,
    either,
    looks_like_path,
    suffix_of,
    truth,
    union,
)

SETS = ("set", "frozenset")
NUMBERS = ("int", "float", "bool")


def evaluate(m: Machine, node: ast.expr) -> Value:
    """The value of an expression; unknown where it is too deep or of a form that says nothing."""
    with m.deeper() as fine:
        rule = RULES.get(type(node))
        return rule(m, node) if fine and rule else NOTHING


def _constant(m: Machine, node: ast.expr) -> Value:
    value = node.value if isinstance(node, ast.Constant) else None
    if isinstance(value, int | float | str | bytes) or value is None:
        made = constant(value)
        return replace(made, cells=frozenset({m.cell(str(value))})) if made.path else made
    return NOTHING


def _name(m: Machine, node: ast.expr) -> Value:
    name = node.id if isinstance(node, ast.Name) else ""
    known = m.lookup(name)
    if known is not None:
        return known
    return Value(name=f"builtins.{name}") if hasattr(builtins, name) else NOTHING


def _attribute(m: Machine, node: ast.expr) -> Value:
    if not isinstance(node, ast.Attribute):
        return NOTHING
    owner = m.evaluate(m, node.value)
    return attribute(m, owner, node.attr)


def attribute(m: Machine, owner: Value, name: str) -> Value:
    """An attribute of a value: of a module, of an object of the model's own, or of something unknown."""
    if owner.name in m.modules:
        return m.modules[owner.name].get(name, NOTHING)
    if owner.instance is not None and (owner.instance, name) in m.state.attributes:
        return m.state.attributes[owner.instance, name]
    if owner.local and isinstance(owner.local.node, ast.ClassDef):
        own = own_attribute(m, owner, owner.local, name)
        if own is not None:
            return own
    if owner.name:
        return Value(name=f"{owner.name}.{name}", origins=owner.origins)
    kind = f"{owner.type}.{name}" if owner.type else ""
    made = Value(owner.origins, owner.names, owner.cells, type=kind, path=owner.path and name in PATH_PARTS)
    return replace(made, receiver=owner, method=name, early=owner.early)


def own_attribute(m: Machine, owner: Value, local: Local, name: str) -> Value | None:
    """A method, a property or a value of the model's own class, or None where the class has none of this name."""
    found = flow_calls.member(m, local, name)
    if found is None:
        return flow_calls.class_attribute(m, local, name)
    if isinstance(found.node, ast.ClassDef):
        return Value(local=found)
    made = Value(local=found, this=owner if owner.instance is not None else None)
    return flow_calls.invoke(m, made, flow_calls.bare(m)) if is_property(found) else made


PATH_PARTS = (
    "parent",
    "name",
    "stem",
    "suffix",
    "resolve",
    "absolute",
    "joinpath",
    "with_suffix",
    "with_name",
    "format",
)
"""Attributes and methods of a path, or of a text that names a file, that are names as well."""


def is_property(local: Local) -> bool:
    """Whether a method is read like an attribute."""
    marks = getattr(local.node, "decorator_list", [])
    return any(isinstance(d, ast.Name) and d.id in ("property", "cached_property") for d in marks)


def _call(m: Machine, node: ast.expr) -> Value:
    if not isinstance(node, ast.Call):
        return NOTHING
    function = m.evaluate(m, node.func)
    arguments: list[Value] = []
    for item in node.args:
        value = m.evaluate(m, item.value if isinstance(item, ast.Starred) else item)
        arguments.append(element(m, value, item) if isinstance(item, ast.Starred) else value)
    keywords = {k.arg or "**": m.evaluate(m, k.value) for k in node.keywords}
    call = Call(
        node, m.frame.file, function.name, tuple(arguments), keywords, function.receiver, function.method, m.phase
    )
    return flow_calls.called(m, function, call)


def _binary(m: Machine, node: ast.expr) -> Value:
    if not isinstance(node, ast.BinOp):
        return NOTHING
    left, right = m.evaluate(m, node.left), m.evaluate(m, node.right)
    both = union((left, right))
    path = left.path or (right.path and isinstance(node.op, ast.Div | ast.Add))
    text = left.type in ("str", "") and isinstance(node.op, ast.Mod) and isinstance(left.constant, str)
    if left.type in SETS and isinstance(node.op, ast.BitAnd | ast.BitOr | ast.Sub | ast.BitXor):
        return replace(left, origins=both.origins, cells=both.cells)
    samples = each(OPERATORS[type(node.op)], left, right) if type(node.op) in OPERATORS else None
    kind = "str" if text else left.type if left.type == right.type else ""
    if left.type in NUMBERS and right.type in NUMBERS and left.type != right.type:
        kind = "float"
    content = m.content(left, node) | m.content(right, node)
    return Value(
        left.origins | right.origins if path else content, both.names, both.cells, samples, type=kind, path=path,
        suffix=right.suffix or (left.suffix if text else ""),
        length=left.length + right.length if left.length is not None and right.length is not None else None,
    )  # fmt: skip


def _unary(m: Machine, node: ast.expr) -> Value:
    if not isinstance(node, ast.UnaryOp):
        return NOTHING
    value = m.evaluate(m, node.operand)
    return Value(m.content(value, node), samples=each(OPERATORS[type(node.op)], value), type=value.type)


def _logic(m: Machine, node: ast.expr) -> Value:
    """`a or b`: what stands after is only reached for the seeds that ask for it."""
    if not isinstance(node, ast.BoolOp):
        return NOTHING
    value = m.evaluate(m, node.values[0])
    for item in node.values[1:]:
        kept = (
            truth(value) if isinstance(node.op, ast.Or) else tuple(t if t is UNKNOWN else not t for t in truth(value))
        )
        if all(k is True for k, here in zip(kept, m.state.reach, strict=True) if here):
            return value
        other = under(m, [k is not True for k in kept], item)
        value = either(value, other, kept)
    return value


def under(m: Machine, reached: list[bool], node: ast.expr) -> Value:
    """An expression that is only reached for some seeds."""
    before, zero = m.state, m.only_zero
    m.state = before.copy()
    m.state.reach = tuple(a and b for a, b in zip(before.reach, reached, strict=True))
    m.only_zero = zero or only_zero(before.reach, m.state.reach)
    try:
        return m.evaluate(m, node)
    finally:
        m.state = before if m.state.reach != before.reach else joined(before, m.state)
        m.only_zero = zero


def only_zero(before: tuple[bool, ...], after: tuple[bool, ...]) -> bool:
    """Whether a place is reached for the seed 0 and for no other, though others come this way."""
    return after[0] and not any(after[1:]) and any(before[1:])


def _choice(m: Machine, node: ast.expr) -> Value:
    if not isinstance(node, ast.IfExp):
        return NOTHING
    test = m.evaluate(m, node.test)
    kept = truth(test)
    way = m.settled(kept)
    if way is True:
        return m.evaluate(m, node.body)
    if way is False:
        return m.evaluate(m, node.orelse)
    body = under(m, [k is not False for k in kept], node.body)
    other = under(m, [k is not True for k in kept], node.orelse)
    made = either(body, other, kept)
    return replace(made, origins=made.origins | steering(m, test, node))


def steering(m: Machine, test: Value, node: ast.AST) -> Origins:
    """What a test hands on to everything that depends on it; a clock only ends waiting."""
    return frozenset(o for o in m.content(test, node) if o.kind != "time")


def _compare(m: Machine, node: ast.expr) -> Value:
    if not isinstance(node, ast.Compare):
        return NOTHING
    values = [m.evaluate(m, item) for item in (node.left, *node.comparators)]
    samples: list[bool | object] = list(EVERY)
    for op, left, right in zip(node.ops, values, values[1:], strict=False):
        rule = OPERATORS.get(type(op))
        found = each(rule, left, right) if rule else None
        samples = [both(a, b) for a, b in zip(samples, found or (UNKNOWN,) * len(SEEDS), strict=True)]
    origins = NONE
    for value in values:
        origins |= m.content(value, node)
    if any(isinstance(op, ast.In | ast.NotIn) for op in node.ops):
        key = values[0].type == "hash"
        origins = frozenset(o for o in origins if o.kind != "order" and not (key and o.kind == "hash"))
    known = None if all(s is UNKNOWN for s in samples) else tuple(samples)
    return Value(origins, samples=known, type="bool")


def both(a: object, b: object) -> object:
    """`a and b` where each may be unknown."""
    if a is False or b is False:
        return False
    return UNKNOWN if a is UNKNOWN or b is UNKNOWN else bool(a and b)


def _text(m: Machine, node: ast.expr) -> Value:
    """An f-string; what looks like a file's name shares the storage of that file."""
    if not isinstance(node, ast.JoinedStr):
        return NOTHING
    parts = [m.evaluate(m, part) for part in node.values]
    ends = [node.values[0], node.values[-1]] if node.values else []
    words = [p.value if isinstance(p, ast.Constant) and isinstance(p.value, str) else "" for p in ends]
    path = bool(parts) and (parts[0].path or looks_like_path(words[0]) or bool(suffix_of(words[1])))
    origins = NONE
    for part in parts:
        origins |= part.origins if path else m.content(part, node)
    cells = union(p for p in parts if p.path).cells | (
        {m.cell(m.files[m.frame.file].code(node))} if path else set[int]()
    )
    return Value(origins, union(parts).names, cells, type="str", path=path, suffix=suffix_of(words[1]) if path else "")


def _formatted(m: Machine, node: ast.expr) -> Value:
    value = m.evaluate(m, node.value) if isinstance(node, ast.FormattedValue) else NOTHING
    listed = value.type in SETS and not numbers_only(value)
    return ordered(m, value, node.value) if listed and isinstance(node, ast.FormattedValue) else value


def _several(m: Machine, node: ast.expr) -> Value:
    """A list, tuple or set."""
    if not isinstance(node, ast.List | ast.Tuple | ast.Set):
        return NOTHING
    items = [m.evaluate(m, e.value if isinstance(e, ast.Starred) else e) for e in node.elts]
    starred = any(isinstance(e, ast.Starred) for e in node.elts)
    items = [element(m, v, e) if isinstance(e, ast.Starred) else v for v, e in zip(items, node.elts, strict=True)]
    both_ = union(items)
    suffixes = {item.suffix for item in items}
    cell = frozenset({m.cell()})
    return Value(
        both_.origins, both_.names, both_.cells | cell, type=type(node).__name__.lower(), path=False,
        length=None if starred or isinstance(node, ast.Set) else len(items),
        suffix=suffixes.pop() if len(suffixes) == 1 else "", items=None if starred else tuple(items),
    )  # fmt: skip


def _mapping(m: Machine, node: ast.expr) -> Value:
    if not isinstance(node, ast.Dict):
        return NOTHING
    values = [m.evaluate(m, v) for v in node.values]
    keys = [m.evaluate(m, k) for k in node.keys if k is not None]
    made = union([*keys, *values])
    return Value(made.origins, made.names, made.cells | {m.cell()}, type="dict")


def _subscript(m: Machine, node: ast.expr) -> Value:
    if not isinstance(node, ast.Subscript):
        return NOTHING
    owner, index = m.evaluate(m, node.value), m.evaluate(m, node.slice)
    place = index.constant
    if owner.items is not None and isinstance(place, int) and -len(owner.items) <= place < len(owner.items):
        item = owner.items[place]
        return replace(item, origins=item.origins | m.content(owner, node))
    chosen = frozenset(o for o in m.content(index, node) if not (o.kind == "hash" and index.type == "hash"))
    cut = isinstance(node.slice, ast.Slice)
    return Value(
        m.content(owner, node) | chosen, owner.names, owner.cells, type=owner.type if cut else "",
        path=owner.path and not cut, suffix="" if cut else owner.suffix, early=owner.early,
    )  # fmt: skip


def _slice(m: Machine, node: ast.expr) -> Value:
    if not isinstance(node, ast.Slice):
        return NOTHING
    return union([m.evaluate(m, part) for part in (node.lower, node.upper, node.step) if part is not None])


def element(m: Machine, value: Value, node: ast.AST) -> Value:
    """One element of what is gone through; a set of texts has another order after each start."""
    if value.items:
        items = value.items[0]
        for item in value.items[1:]:
            items = either(items, item)
        return replace(items, origins=items.origins | m.content(value, node), early=value.early)
    value = ordered(m, value, node)
    origins = m.content(value, node) | (value.origins if value.path else NONE)
    kind = "int" if value.type == "range" else ""
    return Value(origins, value.names, value.cells, path=value.path, suffix=value.suffix, early=value.early, type=kind)


def ordered(m: Machine, value: Value, node: ast.AST) -> Value:
    """The value, with the origin that the order of a set is."""
    if value.type not in SETS or numbers_only(value):
        return value
    return replace(value, origins=value.origins | {m.origin("order", node)}, type="")


def numbers_only(value: Value) -> bool:
    """Whether a set or tuple is known to hold nothing but numbers: their hashes are the same everywhere."""
    return value.items is not None and all(
        i.type in NUMBERS or (i.type == "tuple" and numbers_only(i)) for i in value.items
    )


def _comprehension(m: Machine, node: ast.expr) -> Value:
    if not isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
        return NOTHING
    kept = dict(m.state.variables)
    control = m.control
    m.loops += 1
    for part in node.generators:
        source = m.evaluate(m, part.iter)
        flow_calls.bind(m, part.target, element(m, source, part.iter))
        for test in part.ifs:
            m.control |= steering(m, m.evaluate(m, test), test)
    results = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
    values = [m.evaluate(m, result) for result in results]
    added, m.control = m.control, control
    m.loops -= 1
    m.state.variables = kept
    made = union(values)
    kind = {ast.ListComp: "list", ast.SetComp: "set", ast.DictComp: "dict"}.get(type(node), "generator")
    numbers = kind == "set" and values[0].type in NUMBERS
    return Value(
        made.origins | added, made.names, made.cells | {m.cell()}, type=kind, path=False,
        suffix=values[-1].suffix, items=(values[0],) if numbers else None,
    )  # fmt: skip


def _lambda(m: Machine, node: ast.expr) -> Value:
    if not isinstance(node, ast.Lambda):
        return NOTHING
    return Value(local=Local(node, m.frame.file, m.here))


def _inner(m: Machine, node: ast.expr) -> Value:
    """`await x`, `*x`: the value itself."""
    return m.evaluate(m, node.value) if isinstance(node, ast.Await | ast.Starred) else NOTHING


def _yield(m: Machine, node: ast.expr) -> Value:
    if isinstance(node, ast.Yield | ast.YieldFrom) and node.value is not None:
        value = m.evaluate(m, node.value)
        m.frame.yielded.append(element(m, value, node.value) if isinstance(node, ast.YieldFrom) else value)
    return NOTHING


def _walrus(m: Machine, node: ast.expr) -> Value:
    if not isinstance(node, ast.NamedExpr):
        return NOTHING
    value = m.evaluate(m, node.value)
    flow_calls.bind(m, node.target, value)
    return value


RULES: dict[type[ast.expr], Callable[[Machine, ast.expr], Value]] = {
    ast.Constant: _constant, ast.Name: _name, ast.Attribute: _attribute, ast.Call: _call, ast.BinOp: _binary,
    ast.UnaryOp: _unary, ast.BoolOp: _logic, ast.IfExp: _choice, ast.Compare: _compare, ast.JoinedStr: _text,
    ast.FormattedValue: _formatted, ast.List: _several, ast.Tuple: _several, ast.Set: _several, ast.Dict: _mapping,
    ast.Subscript: _subscript, ast.Slice: _slice, ast.ListComp: _comprehension, ast.SetComp: _comprehension,
    ast.GeneratorExp: _comprehension, ast.DictComp: _comprehension, ast.Lambda: _lambda, ast.Await: _inner,
    ast.Starred: _inner, ast.Yield: _yield, ast.YieldFrom: _yield, ast.NamedExpr: _walrus,
}  # fmt: skip
