"""The problems of a template that is edited: found in the frame of a key, or right after it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar

from textual import work as worker
from textual.timer import Timer

from arbius_tui.domain.errors import Problem
from arbius_tui.screens.part_fields import Judged
from arbius_tui.screens.session import Session
from arbius_tui.screens.template_ways import TemplateWays

if TYPE_CHECKING:
    # With the first template; they load pydantic.
    from arbius_tui.domain.editing import Editing


class TemplateJudged(TemplateWays):
    """Judges each state of the template."""

    QUICK: ClassVar[float] = 0.006
    """Seconds that judging may take inside of a frame; what takes longer is done in a thread after it."""
    SOON: ClassVar[float] = 0.05
    """Seconds after the last key before such a judgement begins."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.took = 0.0
        self.later: Timer | None = None
        self.notes: list[tuple[Problem, Any]] = []

    def tell(self) -> None:
        """Hook: whoever keeps the file hears of the newest state."""

    def judge(self, editing: Editing) -> None:
        """In this frame where that is quick, else right after the author pauses."""
        if self.later:
            self.later.stop()
        if self.took > self.QUICK:
            self.later = self.set_timer(self.SOON, self.judge_later)
            return
        began = perf_counter()
        self.judged = Judged.of(self.problems_of(editing))
        self.took = perf_counter() - began

    @worker(group="judge", exclusive=True, exit_on_error=False)
    async def judge_later(self) -> None:
        """In a thread, so that a key is never held up."""
        editing = self.editing
        if editing is None:
            return
        began = perf_counter()
        found = await asyncio.to_thread(lambda: Judged.of(self.problems_of(editing)))
        self.took = perf_counter() - began
        if editing is self.editing:
            self.judged = found
            self.tell()
            self.draw()

    def problems_of(self, editing: Editing) -> Sequence[Problem]:
        """What was typed and is not valid, what the lint finds, and what the draft could not know."""
        from arbius_tui.domain.lint import lint
        from arbius_tui.domain.lint_model import against
        from arbius_tui.domain.patching import value_at
        from arbius_tui.domain.template_edits import problems

        document = editing.template.document
        notes = [note for note, value in self.notes if value_at(document, note.path) == value]
        model = against(editing.template, self.model.model) if self.model else []
        return [*problems(editing), *lint(editing.template), *model, *unsaid(notes, model)]


def unsaid(notes: Sequence[Problem], model: Sequence[Problem]) -> list[Problem]:
    """What the step said and the model does not say again now."""
    said = {(problem.code, problem.path) for problem in model}
    return [note for note in notes if (note.code, note.path) not in said]
