"""Literals of a signature as cog 0.22 reads them: what it cannot read without running, it drops or refuses."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from enum import Enum
from typing import Any


class Unread(Enum):
    """The one value that stands for: cog cannot read this without running it."""

    UNREAD = "unread"


UNREAD = Unread.UNREAD


def literal(node: ast.expr) -> Any:
    """A literal's value, or UNREAD. Sums, f-strings and calls are none, even of constants."""
    if isinstance(node, ast.Constant):
        fine = node.value is None or isinstance(node.value, str | int | float)
        return node.value if fine else UNREAD
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = literal(node.operand)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return -value if isinstance(node.op, ast.USub) else value
        return UNREAD
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        items = [literal(e) for e in node.elts]
        return UNREAD if UNREAD in items else items
    if isinstance(node, ast.Dict):
        return pairs(node)
    return UNREAD


def pairs(node: ast.Dict) -> Any:
    """A literal dictionary; its keys that are texts or numbers."""
    made: dict[Any, Any] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        name = literal(key) if key is not None else UNREAD
        if not isinstance(name, str | int | float | bool):
            return UNREAD
        made[name] = literal(value)
    return made


def module_scope(tree: ast.Module) -> dict[str, Any]:
    """Names that the module sets to literals at its top level."""
    scope: dict[str, Any] = {}
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) and len(node.targets) == 1 else None
        target = node.target if isinstance(node, ast.AnnAssign) else target
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if isinstance(target, ast.Name) and value is not None:
            found = literal(value)
            if found is not UNREAD:
                scope[target.id] = found
    return scope


def value_of(node: ast.expr, scope: Mapping[str, Any]) -> Any:
    """A literal, or a name that the module sets to one; else UNREAD."""
    if isinstance(node, ast.Name):
        return scope.get(node.id, UNREAD)
    return literal(node)


def choices_of(node: ast.expr, scope: Mapping[str, Any]) -> Any:
    """The list of choices: a literal, a name, a sum of these, or `list(NAMES.keys())`; else UNREAD."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = choices_of(node.left, scope), choices_of(node.right, scope)
        return UNREAD if UNREAD in (left, right) else [*left, *right]
    if isinstance(node, ast.Call):
        return listed(node, scope)
    found = value_of(node, scope)
    return found if isinstance(found, list) else UNREAD


def listed(node: ast.Call, scope: Mapping[str, Any]) -> Any:
    """`list(NAMES.keys())` and `list(NAMES.values())` of a literal dictionary."""
    inner = node.args[0] if isinstance(node.func, ast.Name) and node.func.id == "list" and node.args else None
    if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
        table = value_of(inner.func.value, scope) if isinstance(inner.func.value, ast.Name) else UNREAD
        if isinstance(table, dict) and inner.func.attr in ("keys", "values"):
            return list(table.keys() if inner.func.attr == "keys" else table.values())
    return UNREAD


def fits(value: Any, kind: str) -> bool:
    """Whether a default is of the input's type."""
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    sorts: dict[str, tuple[type, ...]] = {"string": (str,), "boolean": (bool,), "file": (str,), "secret": (str,)}
    return kind not in sorts or isinstance(value, sorts[kind])
