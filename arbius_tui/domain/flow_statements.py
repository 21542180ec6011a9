"""Following statements: what holds after each one, on every way that some seed can take."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace

from arbius_tui.domain.flow_calls import bind
from arbius_tui.domain.flow_expressions import element, only_zero, steering
from arbius_tui.domain.flow_machine import Frame, Machine, TooBig, joined
from arbius_tui.domain.flow_values import (
    EVERY,
    NOTHING,
    OPERATORS,
    UNKNOWN,
    Local,
    Origins,
    Samples,
    Value,
    each,
    truth,
)
from arbius_tui.domain.python_source import dotted

NUMBERS = ("int", "float", "bool")


def block(m: Machine, body: list[ast.stmt]) -> bool:
    """Follow statements one after the other; False when none of them lets the next one be reached."""
    for node in body:
        if m.frame.local is None or len(m.stack) <= 1:
            m.top, m.top_file = node if is_top(m, node) else m.top, m.frame.file
        with m.deeper() as fine:
            if not fine:
                return True
            rule = RULES.get(type(node))
            if rule and not rule(m, node):
                return False
    return True


def is_top(m: Machine, node: ast.stmt) -> bool:
    """Whether a statement stands directly in the function (or module) that is followed first."""
    owner = m.stack[0] if m.stack else None
    body = getattr(owner, "body", None) if owner is not None else m.files[m.frame.file].tree.body
    return isinstance(body, list) and any(node is other for other in body)


def _expression(m: Machine, node: ast.stmt) -> bool:
    if isinstance(node, ast.Expr):
        m.evaluate(m, node.value)
        call = node.value
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            return not (
                call.func.attr in ("exit", "_exit") and m.calls and m.calls[-1].name in ("sys.exit", "os._exit")
            )
    return True


def _assign(m: Machine, node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign):
        value = m.evaluate(m, node.value)
        for target in node.targets:
            bind(m, target, counted(m, target, node.value, value))
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        bind(m, node.target, m.evaluate(m, node.value))
    return True


def counted(m: Machine, target: ast.expr, source: ast.expr, value: Value) -> Value:
    """`self.n = self.n + 1`: what was there before the prediction goes on into the next one."""
    if m.phase != "predict" or not isinstance(target, ast.Attribute | ast.Name):
        return value
    if isinstance(target, ast.Name) and target.id not in m.frame.globals:
        return value
    text = dotted(target)
    again = bool(text) and isinstance(source, ast.BinOp) and text in (dotted(source.left), dotted(source.right))
    old = m.evaluate(m, loaded(target)) if again else NOTHING
    return replace(value, origins=value.origins | {m.origin("counter", target)}) if old.early else value


def loaded(target: ast.expr) -> ast.expr:
    """The target of an assignment as an expression that is read."""
    if isinstance(target, ast.Name):
        return ast.copy_location(ast.Name(target.id, ast.Load()), target)
    if isinstance(target, ast.Attribute):
        return ast.copy_location(ast.Attribute(target.value, target.attr, ast.Load()), target)
    return target


def _augment(m: Machine, node: ast.stmt) -> bool:
    """`x += y`."""
    if not isinstance(node, ast.AugAssign):
        return True
    old, new = m.evaluate(m, loaded(node.target)), m.evaluate(m, node.value)
    origins = m.content(old, node) | m.content(new, node) | (old.origins if old.path else frozenset())
    kept = isinstance(node.target, ast.Attribute) or (
        isinstance(node.target, ast.Name) and node.target.id in m.frame.globals
    )
    if kept and old.early and m.phase == "predict":
        origins |= {m.origin("counter", node)}
    samples = each(OPERATORS[type(node.op)], old, new) if type(node.op) in OPERATORS else None
    kind = old.type if old.type == new.type or old.type in ("list", "set", "str") else ""
    if isinstance(node.target, ast.Subscript):
        bind(m, node.target, Value(origins, samples=samples))
        return True
    m.changed(old, origins)
    length = None if m.loops or old.length is None or new.length is None else old.length + new.length
    bind(m, node.target, Value(origins, old.names | new.names, old.cells | new.cells, samples, type=kind, path=old.path,
                               length=length, suffix=new.suffix or old.suffix))  # fmt: skip
    return True


def _if(m: Machine, node: ast.stmt) -> bool:
    if not isinstance(node, ast.If):
        return True
    test = m.evaluate(m, node.test)
    kept = truth(test)
    way = m.settled(kept)
    if way is True:
        return block(m, node.body)
    if way is False:
        return block(m, node.orelse)
    return branches(m, kept, steering(m, test, node.test), node.body, node.orelse)


def branches(m: Machine, kept: Samples, control: Origins, body: list[ast.stmt], orelse: list[ast.stmt]) -> bool:
    """Two ways that meet again; each only for the seeds that can take it."""
    before, held, zero = m.state, m.control, m.only_zero
    m.control = held | control
    ends = []
    for way, wanted in ((body, False), (orelse, True)):
        m.state = before.copy()
        m.state.reach = tuple(r and k is not wanted for r, k in zip(before.reach, kept, strict=True))
        m.only_zero = zero or only_zero(before.reach, m.state.reach)
        ends.append(m.state if any(m.state.reach) and block(m, way) else None)
        if ends[-1] is not None:
            ends[-1] = m.state
    m.control, m.only_zero = held, zero
    first, second = ends
    if first is not None and second is not None:
        m.state = joined(first, second, kept)
    else:
        m.state = first or second or before
    return first is not None or second is not None


def _for(m: Machine, node: ast.stmt) -> bool:
    if not isinstance(node, ast.For | ast.AsyncFor):
        return True
    source = m.evaluate(m, node.iter)
    item = element(m, source, node.iter)
    repeated(m, node.body, lambda: bind(m, node.target, item))
    return block(m, node.orelse)


def _while(m: Machine, node: ast.stmt) -> bool:
    if not isinstance(node, ast.While):
        return True
    test = m.evaluate(m, node.test)
    if all(t is False for t in truth(test)):
        return block(m, node.orelse)
    held = m.control
    m.control |= steering(m, test, node.test)
    repeated(m, node.body, lambda: None)
    m.control = held
    return block(m, node.orelse)


def repeated(m: Machine, body: list[ast.stmt], begin: Callable[[], None]) -> None:
    """A loop: not at all, once, or again with what the first time left behind."""
    m.loops += 1
    for _ in range(2):
        before = m.state.copy()
        begin()
        if not block(m, body):
            m.state = joined(before, m.state)
            break
        m.state = joined(before, m.state)
    m.loops -= 1


def _with(m: Machine, node: ast.stmt) -> bool:
    if not isinstance(node, ast.With | ast.AsyncWith):
        return True
    for item in node.items:
        value = m.evaluate(m, item.context_expr)
        if item.optional_vars is not None:
            bind(m, item.optional_vars, value)
    return block(m, node.body)


def _try(m: Machine, node: ast.stmt) -> bool:
    if not isinstance(node, ast.Try | ast.TryStar):
        return True
    m.guarded += bool(node.handlers)
    before = m.state.copy()
    reached = block(m, node.body)
    m.guarded -= bool(node.handlers)
    if reached:
        reached = block(m, node.orelse)
    after = m.state if reached else None
    for handler in node.handlers:
        m.state = joined(before.copy(), after.copy()) if after else before.copy()
        if handler.name:
            m.assign(handler.name, NOTHING)
        if block(m, handler.body):
            after = joined(after, m.state) if after else m.state
    m.state = after or before
    return block(m, node.finalbody) and after is not None


def _match(m: Machine, node: ast.stmt) -> bool:
    if not isinstance(node, ast.Match):
        return True
    subject = m.evaluate(m, node.subject)
    control = steering(m, subject, node.subject)
    unknown = (UNKNOWN,) * len(EVERY)
    for case in node.cases:
        for part in ast.walk(case.pattern):
            name = getattr(part, "name", None) if isinstance(part, ast.MatchAs | ast.MatchStar) else None
            if name:
                m.assign(name, subject)
        branches(m, unknown, control, case.body, [])
    return True


def _return(m: Machine, node: ast.stmt) -> bool:
    if isinstance(node, ast.Return):
        value = m.evaluate(m, node.value) if node.value is not None else NOTHING
        if m.control:
            value = replace(value, origins=value.origins | m.control)
        m.frame.returned.append((value, m.state.reach))
    return False


def _raise(m: Machine, node: ast.stmt) -> bool:
    if isinstance(node, ast.Raise):
        refuse(m, node)
    return False


def refuse(m: Machine, node: ast.stmt) -> None:
    """Note a place that ends the prediction for some seeds that miners send, and not for all."""
    seeds = m.seeds_here()
    if m.phase == "predict" and not m.guarded and seeds and not all(m.state.reach):
        m.refused.append(TooBig(m.origin("seed", node), None, "raise", seeds))


def _assert(m: Machine, node: ast.stmt) -> bool:
    if isinstance(node, ast.Assert):
        kept = truth(m.evaluate(m, node.test))
        before = m.state.reach
        m.state.reach = tuple(r and k is False for r, k in zip(before, kept, strict=True))
        if any(m.state.reach):
            refuse(m, node)
        m.state.reach = tuple(r and k is not False for r, k in zip(before, kept, strict=True))
    return any(m.state.reach)


def _define(m: Machine, node: ast.stmt) -> bool:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        m.assign(node.name, Value(local=Local(node, m.frame.file, m.here)))
    return True


def _global(m: Machine, node: ast.stmt) -> bool:
    if isinstance(node, ast.Global):
        m.frame.globals |= set(node.names)
    return True


def _delete(m: Machine, node: ast.stmt) -> bool:
    return True


def _leave(m: Machine, node: ast.stmt) -> bool:
    """`break`, `continue`: what follows in this body is not reached, what follows the loop is."""
    return True


def _import(m: Machine, node: ast.stmt) -> bool:
    if isinstance(node, ast.Import):
        for item in node.names:
            file = local_file(m, item.name)
            head = item.name.partition(".")[0]
            if file:
                imported(m, file)
            if item.asname:
                m.assign(item.asname, Value(name=file or item.name))
            else:
                first = local_file(m, head)
                m.assign(head, Value(name=imported(m, first) if first else head))
    elif isinstance(node, ast.ImportFrom):
        import_from(m, node)
    return True


def import_from(m: Machine, node: ast.ImportFrom) -> None:
    """`from x import y`, of the model's own files or of a library."""
    module = node.module or ""
    if node.level:
        folder = m.frame.file.split("/")[: -node.level]
        module = ".".join([*folder, module]).strip(".")
    file = local_file(m, module)
    names = m.modules[imported(m, file)] if file else {}
    for item in node.names:
        inner = local_file(m, f"{module}.{item.name}")
        if item.name == "*":
            m.state.variables.update(names)
        elif item.name in names:
            m.assign(item.asname or item.name, names[item.name])
        elif inner:
            m.assign(item.asname or item.name, Value(name=imported(m, inner)))
        else:
            m.assign(item.asname or item.name, NOTHING if file else Value(name=f"{module}.{item.name}"))


def local_file(m: Machine, module: str) -> str:
    """The model's own file that a module is, or ""."""
    if not module:
        return ""
    path = module.replace(".", "/")
    folders = ["", m.home, *(m.frame.file.rpartition("/")[:1])]
    for folder in dict.fromkeys(folders):
        start = f"{folder}/" if folder else ""
        for name in (f"{start}{path}.py", f"{start}{path}/__init__.py"):
            if name in m.files:
                return name
    return ""


def imported(m: Machine, file: str) -> str:
    """Follow a file of the model once, as importing does; its names are in `m.modules`."""
    if file in m.modules:
        return file
    m.modules[file] = {}
    frame, variables, stack, top, top_file = m.frame, m.state.variables, m.stack, m.top, m.top_file
    control, loops, phase = m.control, m.loops, m.phase
    m.frame, m.state.variables, m.stack = Frame(file, ()), m.modules[file], ()
    m.control, m.loops, m.phase = frozenset(), 0, "setup"
    block(m, m.files[file].tree.body)
    m.modules[file].update({n: replace(v, early=True) for n, v in m.state.variables.items()})
    m.frame, m.state.variables, m.stack, m.top, m.top_file = frame, variables, stack, top, top_file
    m.control, m.loops, m.phase = control, loops, phase
    return file


RULES: dict[type[ast.stmt], Callable[[Machine, ast.stmt], bool]] = {
    ast.Expr: _expression, ast.Assign: _assign, ast.AnnAssign: _assign, ast.AugAssign: _augment, ast.If: _if,
    ast.For: _for, ast.AsyncFor: _for, ast.While: _while, ast.With: _with, ast.AsyncWith: _with, ast.Try: _try,
    ast.TryStar: _try, ast.Match: _match, ast.Return: _return, ast.Raise: _raise, ast.Assert: _assert,
    ast.FunctionDef: _define, ast.AsyncFunctionDef: _define, ast.ClassDef: _define, ast.Global: _global,
    ast.Delete: _delete, ast.Break: _leave, ast.Continue: _leave, ast.Import: _import, ast.ImportFrom: _import,
}  # fmt: skip
