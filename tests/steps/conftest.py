"""A whole rehearsal world for a test: the real embedded chain, blocks, vault and Cog server, in a temporary folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from arbius_tui.domain.events import Done, Event
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Question
from arbius_tui.domain.secret import Secret
from arbius_tui.rehearsal.example import example_model
from arbius_tui.rehearsal.world import open_rehearsal
from arbius_tui.services.memory_store import MemoryStore
from arbius_tui.services.ports import Services
from arbius_tui.steps.base import Step, Walk


class Author:
    """Answers as a rehearsal does, but for what the test says; remembers what was asked."""

    def __init__(self, **answers: str) -> None:
        self.answers, self.asked = answers, list[Question]()

    async def __call__(self, question: Question) -> str:
        self.asked.append(question)
        answer = self.answers.get(question.id, question.rehearsal)
        assert answer is not None, question
        return answer

    async def secret(self, question: Question) -> Secret:
        self.asked.append(question)
        return Secret("a password")

    @contextmanager
    def terminal(self) -> Iterator[bool]:
        yield False


async def collect(walk: Walk, name: str, author: Author | None = None, step: Step | None = None) -> list[Event]:
    return [event async for event in walk.run(name, author or Author(), step)]


def end(events: list[Event]) -> Done:
    assert isinstance(events[-1], Done)
    return events[-1]


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    async with open_rehearsal(tmp_path / "rehearsal") as found:
        yield found


@pytest.fixture
def walk(services: Services) -> Walk:
    return Walk(MemoryStore(Journey("demo", "rehearsal", str(example_model()))), services)
