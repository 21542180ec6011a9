"""Pictures of scripted steps in every palette and at both sizes; a change of the look has to be seen and accepted."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.screens import demo
from tests.screens.still import still

SIZES = [(80, 24), (120, 40)]
PALETTES = ["dark", "light", "ansi", "mono"]


@pytest.fixture(autouse=True)
def own_surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("NO_COLOR", raising=False)
    yield
    os.environ.pop("NO_COLOR", None)


async def ready(pilot: Pilot[Any]) -> None:
    """Until the script is through or waits for an answer."""
    screen: Any = pilot.app.screen
    async with asyncio.timeout(20):
        while screen.running and screen.ask.pane is None:
            await pilot.pause()
    await still(pilot)


@pytest.mark.parametrize("palette", PALETTES)
@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("name", ["checks", "register"])
def test_the_look_in_every_palette(name: str, size: tuple[int, int], palette: str, snap_compare: Any) -> None:
    assert snap_compare(demo.app(name, palette), terminal_size=size, run_before=ready)


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("name", ["seed", "error", "ask", "empty", "form", "cpu", "rehearsal", "questions"])
def test_the_look_of_every_state(name: str, size: tuple[int, int], snap_compare: Any) -> None:
    assert snap_compare(demo.app(name, "dark"), terminal_size=size, run_before=ready)


def test_the_look_on_a_small_terminal(snap_compare: Any) -> None:
    assert snap_compare(demo.app("checks", "dark"), terminal_size=(60, 20), run_before=ready)


def test_the_look_of_the_help(snap_compare: Any) -> None:
    async def help_page(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        await pilot.press("f1")
        await pilot.pause()

    assert snap_compare(demo.app("checks", "dark"), terminal_size=(80, 24), run_before=help_page)
