"""Annotations of a predictor as cog 0.22 reads them: without running anything, and only the forms that it knows."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from arbius_tui.domain.python_source import PythonFile, bindings, classes, resolved

INPUTS = {
    "str": "string", "int": "integer", "float": "number", "bool": "boolean", "Path": "file", "File": "file",
    "Secret": "secret", "Any": "object", "dict": "object", "Dict": "object",
}  # fmt: skip
"""The last part of a type's name -> the word of domain.inputs."""
MODELS = ("BaseModel", "TypedDict", "NamedTuple")
MANY = ("Iterator", "AsyncIterator", "Generator", "AsyncGenerator", "Iterable")
JOINED = ("ConcatenateIterator", "AsyncConcatenateIterator")

Shape = Literal["file", "files", "text", "texts", "number", "object", "iterator", "text-iterator", "any", ""]


@dataclass(frozen=True, slots=True)
class InputType:
    """The type of an input; `refused` says why cog cannot take it."""

    type: str = "any"
    optional: bool = False
    refused: str = ""


@dataclass(frozen=True, slots=True)
class OutputType:
    """What comes back, in one word and as it was written; `refused` says why cog cannot take it."""

    shape: Shape = ""
    text: str = ""
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Names:
    """What the names of a file stand for."""

    bound: Mapping[str, str]
    own: Mapping[str, ast.ClassDef]
    local: frozenset[str]

    def full(self, node: ast.AST) -> str:
        """The full dotted name."""
        return resolved(node, dict(self.bound))


def names_of(file: PythonFile, local: frozenset[str] = frozenset()) -> Names:
    """The names of a file; `local` are the top-level names of modules that are the model's own."""
    return Names(bindings(file.tree), {c.name: c for c in classes(file.tree.body)}, local)


def unquoted(node: ast.expr) -> ast.expr:
    """An annotation in quotes as what it says."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return ast.parse(node.value.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return node
    return node


def last(name: str) -> str:
    """`typing.List` as List."""
    return name.rpartition(".")[2]


def arguments(node: ast.Subscript) -> list[ast.expr]:
    """What stands in the brackets."""
    return [unquoted(e) for e in (node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice])]


def is_none(node: ast.expr) -> bool:
    """Whether an annotation is None."""
    return isinstance(node, ast.Constant) and node.value is None


def members(node: ast.expr, names: Names) -> list[ast.expr]:
    """The members of `A | B`, `Union[A, B]` or `Optional[A]`; the annotation itself where it is none of these."""
    node = unquoted(node)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return [*members(node.left, names), *members(node.right, names)]
    if isinstance(node, ast.Subscript):
        outer = last(names.full(node.value))
        if outer == "Union":
            return [part for argument in arguments(node) for part in members(argument, names)]
        if outer == "Optional":
            none: ast.expr = ast.Constant(None)
            return [*members(arguments(node)[0], names), none]
        if outer == "Annotated":
            return members(arguments(node)[0], names)
    return [node]


def input_type(node: ast.expr, names: Names) -> InputType:
    """The type of an input. Never raises."""
    parts = members(node, names)
    given = [part for part in parts if not is_none(part)]
    optional = len(given) < len(parts)
    if len(given) != 1:
        return InputType("any", optional, "cog takes no union of several types, only X or None")
    kind, refused = single(given[0], names)
    return InputType(kind, optional, refused)


def single(node: ast.expr, names: Names) -> tuple[str, str]:
    """One type: its word, and why cog refuses it."""
    if isinstance(node, ast.Subscript):
        return generic(node, names)
    name = names.full(node)
    short = last(name)
    if isinstance(node, ast.Name) and node.id in names.own:
        return typed_class(names.own[node.id])
    if short in INPUTS:
        return INPUTS[short], ""
    if short in ("list", "List"):
        return "array", "cog needs to know what is in the list, e.g. list[str]"
    return (
        "any",
        f"cog does not know the type {name or ast.dump(node)[:40]}; it knows str, int, float, bool, Path, Secret",
    )


def typed_class(node: ast.ClassDef) -> tuple[str, str]:
    """A class of the file itself as an input."""
    if any(last(ast.unparse(b)) == "TypedDict" for b in node.bases if isinstance(b, ast.Name | ast.Attribute)):
        return "object", ""
    return "any", f"cog takes no class of your own as an input, and {node.name} is one"


def generic(node: ast.Subscript, names: Names) -> tuple[str, str]:
    """`list[str]`, `dict[str, int]`, and what cog does not take."""
    outer, inner = last(names.full(node.value)), arguments(node)
    if outer in ("dict", "Dict"):
        return "object", ""
    if outer in ("list", "List") and len(inner) == 1:
        one = input_type(inner[0], names)
        if one.optional or one.type == "array":
            return "array", "cog takes lists of plain types only, not lists in lists and not lists with None"
        return "array", one.refused
    if outer == "Literal":
        return "any", "cog takes no Literal; write the type and Input(choices=[...])"
    return "any", f"cog does not know the type {outer}[...]"


def output_type(node: ast.expr, file: PythonFile, names: Names) -> OutputType:
    """What a predictor returns."""
    text = file.code(node, 80)
    parts = members(node, names)
    if any(is_none(part) for part in parts):
        why = "an output may not be None" if len(parts) == 1 else "an output may not be optional"
        return OutputType("any", text, why)
    if len(parts) > 1:
        return OutputType("any", text, "cog takes no union as an output")
    shape, refused = shape_of(parts[0], names)
    return OutputType(shape, text, refused)


def shape_of(node: ast.expr, names: Names) -> tuple[Shape, str]:
    """The shape of an output in one word, and why cog refuses it."""
    if isinstance(node, ast.Subscript):
        return several(node, names)
    name = names.full(node)
    short = last(name)
    if isinstance(node, ast.Name) and node.id in names.own:
        return "object", ""
    plain: dict[str, Shape] = {
        "Path": "file", "File": "file", "str": "text", "int": "number", "float": "number", "bool": "number",
        "dict": "object", "Dict": "object", "Any": "any", "list": "any", "List": "any", "Secret": "text",
    }  # fmt: skip
    if short in plain:
        return plain[short], ""
    if name.partition(".")[0] in names.local:
        return "object", ""
    return "any", f"cog cannot tell what {name or 'this'} is without running it"


def several(node: ast.Subscript, names: Names) -> tuple[Shape, str]:
    """Lists, iterators and objects."""
    outer, inner = last(names.full(node.value)), arguments(node)
    if outer in JOINED:
        return "text-iterator", "" if last(names.full(inner[0])) == "str" else f"{outer} is for str only"
    if outer in ("dict", "Dict"):
        return "object", ""
    shape, refused = shape_of(inner[0], names)
    if outer in ("list", "List"):
        lists: dict[str, Shape] = {"file": "files", "text": "texts"}
        return lists.get(shape, "any"), refused
    if outer in MANY:
        known = outer in ("Iterator", "AsyncIterator")
        return "iterator", refused if known else f"cog knows Iterator and not {outer}"
    return "any", f"cog does not know {outer}[...] as an output"
