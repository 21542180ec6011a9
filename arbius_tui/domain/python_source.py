"""A Python file as text and tree: parsed and never run, with places that fit both."""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

from arbius_tui.domain.finding import Edit, Finding, Place, found

LONGEST = 1_000_000
"""Characters of a file that are worth parsing; a model's own code is far smaller."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class PythonFile:
    """A file: `tree` is empty and `broken` says why where it is no Python."""

    name: str
    text: str
    tree: ast.Module
    broken: Finding | None = None
    lines: tuple[str, ...] = field(default=(), repr=False)

    def place(self, node: ast.AST) -> Place:
        """Where a node stands, the column in characters."""
        line = getattr(node, "lineno", 0)
        return Place(self.name, line, self.column(line, getattr(node, "col_offset", 0)))

    def column(self, line: int, offset: int) -> int:
        """A column in characters; Python counts the bytes of UTF-8."""
        row = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        column = offset if row.isascii() else len(row.encode("utf-8", "replace")[:offset].decode("utf-8", "ignore"))
        return column + (1 if line == 1 and self.text.startswith("\ufeff") else 0)

    def replaced(self, node: ast.AST, text: str) -> Edit:
        """The edit that puts a text in a node's place."""
        start = self.place(node)
        end_line = getattr(node, "end_lineno", None) or start.line
        end = self.column(end_line, getattr(node, "end_col_offset", None) or 0)
        return Edit(start.line, start.column, end_line, end, text)

    def code(self, node: ast.AST, limit: int = 200) -> str:
        """A node's own text."""
        edit = self.replaced(node, "")
        rows = list(self.text.split("\n")[edit.line - 1 : edit.end_line]) if edit.line else []
        if not rows:
            return ""
        rows[-1] = rows[-1][: edit.end_column]
        rows[0] = rows[0][edit.column :]
        return "\n".join(rows)[:limit]

    def before(self, statement: ast.stmt, text: str) -> Edit | None:
        """The edit that adds a line before a statement, or None where the statement does not begin its line."""
        place = self.place(first_line(statement))
        row = self.text.split("\n")[place.line - 1] if place.line else ""
        indent = row[: place.column]
        if indent.strip("\ufeff \t"):
            return None
        return Edit(
            place.line, place.column, place.line, place.column, f"{text}{self.newline}{indent.strip(chr(0xFEFF))}"
        )

    @property
    def newline(self) -> str:
        """How this file ends its lines."""
        return "\r\n" if "\r\n" in self.text else "\n"

    @property
    def can_be_edited(self) -> bool:
        """Whether lines of the text are lines of the tree: a lone carriage return is a line for Python only."""
        return re.search("\r(?!\n)|\x0c", self.text) is None


def first_line(statement: ast.stmt) -> ast.AST:
    """Where a statement begins: its first decorator, if it has any."""
    decorators = getattr(statement, "decorator_list", None)
    return decorators[0] if decorators else statement


def parse(name: str, text: str, python: tuple[int, int] = (3, 11)) -> PythonFile:
    """Parse a file for a version of Python. Never raises: what is no Python has the reason in `broken`."""
    plain = text.removeprefix("\ufeff")
    rows = tuple(plain.split("\n"))
    empty = ast.Module([], [])
    if len(text) > LONGEST:
        return PythonFile(name, text, empty, too_long(name), rows)
    own = sys.version_info[:2]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(plain, feature_version=min(python, own)[1])
            compile(plain, name, "exec", dont_inherit=True)
    except SyntaxError as error:
        return PythonFile(name, text, empty, bad_syntax(name, error, python), rows)
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        return PythonFile(name, text, empty, unreadable(name, str(error)), rows)
    return PythonFile(name, text, tree, None, rows)


def bad_syntax(name: str, error: SyntaxError, python: tuple[int, int]) -> Finding:
    """What cog lets through and the container then dies of; a warning where our own Python is too old to judge."""
    line, column = error.lineno or 0, error.offset or 0
    newer = python > sys.version_info[:2]
    ours = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return found(
        Place(name, line, max(column - 1, 0)),
        "syntax-error",
        f"{name} is not valid Python at line {line}, column {column}: {error.msg}",
        why=(
            f"read with Python {ours}; the model asks for {python[0]}.{python[1]}, which may allow more"
            if newer
            else "cog builds the image all the same; the container then ends in SETUP_FAILED"
        ),
        fix="mend that line",
        severity="warn" if newer else "error",
        detail=(error.text or "").strip()[:200],
    )


def unreadable(name: str, reason: str) -> Finding:
    """A file that Python itself refuses before it looks at the syntax."""
    return found(
        Place(name),
        "syntax-error",
        f"{name} cannot be read as Python{': ' + reason if reason else ''}",
        why="cog builds the image all the same; the container then ends in SETUP_FAILED",
        fix="look for bytes that are no text, and for nesting without end",
    )


def too_long(name: str) -> Finding:
    """A file that is data rather than code."""
    return found(
        Place(name),
        "not-read",
        f"{name} has more than {LONGEST:,} characters and was not read",
        why="what it does with the seed is not known here; the proof with real predictions still is",
        severity="info",
    )


def functions(body: list[ast.stmt]) -> Iterator[Function]:
    """Functions of a body, also those below `if` and `try`."""
    for node in body:
        if isinstance(node, Function):
            yield node
        elif isinstance(node, ast.If | ast.Try):
            yield from functions([*node.body, *node.orelse])


def classes(body: list[ast.stmt]) -> Iterator[ast.ClassDef]:
    """Classes of a body, also those below `if` and `try`."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield node
        elif isinstance(node, ast.If | ast.Try):
            yield from classes([*node.body, *node.orelse])


def dotted(node: ast.AST) -> str:
    """`a.b.c` of names and attributes, or "" for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def bindings(tree: ast.Module) -> dict[str, str]:
    """Names that the file's imports bind, each with what it stands for: `np` -> numpy, `urandom` -> os.urandom."""
    bound: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for item in node.names:
                bound[item.asname or item.name.partition(".")[0]] = (
                    item.name if item.asname else item.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for item in node.names:
                bound[item.asname or item.name] = f"{node.module}.{item.name}"
    return bound


def resolved(node: ast.AST, bound: dict[str, str]) -> str:
    """The full dotted name of an expression under the file's imports, or ""."""
    name = dotted(node)
    head, dot, rest = name.partition(".")
    return f"{bound[head]}{dot}{rest}" if head in bound else name
