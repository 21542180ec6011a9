"""One screen for each step. A module is imported when its step is first visited."""

from __future__ import annotations

from importlib import import_module

from arbius_tui.domain.journey import STEPS
from arbius_tui.screens.base import StepScreen

MODULES = {step: f"arbius_tui.screens.{step}" for step in STEPS}
"""Where the screen of each step is: the file has the name of the step."""


def load(step: str) -> type[StepScreen]:
    """The screen of this step: the one subclass of StepScreen that its module defines."""
    module = import_module(MODULES[step])
    own = [v for v in vars(module).values() if isinstance(v, type) and v.__module__ == module.__name__]
    return next(v for v in own if issubclass(v, StepScreen))
