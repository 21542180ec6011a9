"""What the stories stand on: the program itself, on a terminal that a test can read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.stories.terminal import Terminal

PROGRAM = str(Path(sys.executable).parent / "arbius-tui")
"""The installed command, as a person runs it."""


@pytest.fixture
def program() -> str:
    """The path of the installed command."""
    return PROGRAM


@pytest.fixture
def launch(home: Path) -> Iterator[Callable[..., Terminal]]:
    """Start arbius-tui on a terminal: `launch("--rehearse", columns=120, rows=40, env={...})`. All end with the test.

    The working directory is the test's own home, so that nothing is found that the test did not put there.
    """
    with ExitStack() as terminals:

        def start(
            *arguments: str,
            columns: int = 80,
            rows: int = 24,
            env: dict[str, str | None] | None = None,
            cwd: str | Path = home,
        ) -> Terminal:
            return terminals.enter_context(Terminal([PROGRAM, *arguments], columns, rows, env, cwd))

        yield start
