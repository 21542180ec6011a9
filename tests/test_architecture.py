"""The rules that keep the house readable: who imports whom, what loads before the first frame, and sizes."""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "arbius_tui").rglob("*.py"))

HEAVY = {"web3", "docker", "eth_tester", "eth", "keyring", "httpx", "aiohttp", "eth_account", "pydantic", "PIL"}
"""Imported where they are first used: web3 alone costs four times the first frame of a bare Textual app."""

CLASS_LINES, FUNCTION_LINES, FUNCTION_LINES_95 = 200, 50, 25

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def place(path: Path, node: ast.ClassDef | Function) -> str:
    return f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"


def lines(node: ast.ClassDef | Function) -> int:
    """How many lines a definition takes, its decorators not counted."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def definitions() -> Iterator[tuple[Path, ast.ClassDef | Function]]:
    for path in SOURCES:
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ClassDef | Function):
                yield path, node


def public(body: list[ast.stmt]) -> Iterator[ast.ClassDef | Function]:
    """Definitions whose names another module may use, and those inside its public classes."""
    for node in body:
        if isinstance(node, ast.ClassDef | Function) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body)


def is_overload(node: ast.ClassDef | Function) -> bool:
    names = (getattr(d, "attr", None) or getattr(d, "id", None) for d in node.decorator_list)
    return any(name in ("overload", "setter") for name in names)


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120, cwd=ROOT)


def loaded_by(module: str) -> set[str]:
    """The top-level packages that are loaded once this module is."""
    code = f"import sys, {module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = run(sys.executable, "-c", code)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_the_first_frame_waits_for_no_heavy_package() -> None:
    assert not HEAVY & loaded_by("arbius_tui.app")


def test_help_waits_for_no_heavy_package_and_no_screen() -> None:
    assert not (HEAVY | {"textual"}) & loaded_by("arbius_tui.cli")


def test_import_contracts_are_kept() -> None:
    done = run(str(Path(sys.executable).parent / "lint-imports"), "--no-cache")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("kinds", "limit"), [((ast.ClassDef,), CLASS_LINES), ((ast.FunctionDef, ast.AsyncFunctionDef), FUNCTION_LINES)]
)
def test_nothing_is_too_long(kinds: tuple[type, ...], limit: int) -> None:
    long = [
        f"{place(p, node)}: {lines(node)}"
        for p, node in definitions()
        if isinstance(node, kinds) and lines(node) > limit
    ]
    assert not long


def test_nearly_every_function_fits_on_half_a_screen() -> None:
    sizes = sorted(lines(node) for _, node in definitions() if isinstance(node, Function))
    assert sizes[len(sizes) * 95 // 100] <= FUNCTION_LINES_95


def test_every_public_name_says_what_it_is_for() -> None:
    bare = [str(p.relative_to(ROOT)) for p in SOURCES if not ast.get_docstring(parsed(p)) and p.read_text().strip()]
    bare += [
        place(path, node)
        for path in SOURCES
        for node in public(parsed(path).body)
        if not ast.get_docstring(node) and not is_overload(node)
    ]
    assert not bare


def test_no_type_is_ignored() -> None:
    comments = [
        f"{path.relative_to(ROOT)}:{token.start[0]}"
        for path in [*SOURCES, *sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "bench").rglob("*.py"))]
        for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline)
        if token.type == tokenize.COMMENT and ("type: ignore" in token.string or "mypy:" in token.string)
    ]
    assert not comments


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_the_lock_pins_every_package_by_hash_and_names_no_host(name: str) -> None:
    text = (ROOT / name).read_text()
    entries = [
        entry for entry in text.replace("\\\n", " ").splitlines() if entry and not entry.lstrip().startswith("#")
    ]
    assert entries
    assert not [entry for entry in entries if "==" not in entry or "--hash=sha256:" not in entry or "://" in entry]
    assert "--index-url" not in text
