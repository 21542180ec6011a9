"""Waiting for a picture to be complete."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot


async def still(pilot: Pilot[Any]) -> None:
    """Until the screen has stopped changing: rows that came last are laid out a moment later on a busy machine."""
    before = None
    while before != (before := picture(pilot.app)):
        await pilot.pause(0.1)


def picture(app: Any) -> list[str]:
    """Every line as it is painted, with its looks."""
    return [repr(list(strip)) for strip in app.screen._compositor.render_strips()]
