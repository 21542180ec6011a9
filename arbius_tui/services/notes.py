"""A word to the author from deep inside a call, e.g. that a rate limit is waited for; nobody has to listen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

LISTENER: ContextVar[Callable[[str], None] | None] = ContextVar("LISTENER", default=None)


def tell(text: str) -> None:
    """Say something to whoever listens in this task."""
    if (listener := LISTENER.get()) is not None:
        listener(text)


@contextmanager
def heard(listener: Callable[[str], None]) -> Iterator[None]:
    """Within it `tell` reaches this listener; tasks that begin within it inherit it."""
    token = LISTENER.set(listener)
    try:
        yield
    finally:
        LISTENER.reset(token)
