"""Keys in turn: one acts on what the keys before it made, however fast they come.

Textual hands a key to the widget that has the focus when the key arrives. In a burst (a fast hand, a paste, a script)
the keys before it may be queued still, and so may the move of the focus that one of them asks for. Here a key waits
until the queues that the key before it went through are empty.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from time import monotonic

from textual.app import App
from textual.events import Event, Key, Paste
from textual.message_pump import MessagePump


class TurnsApp(App[None]):
    """An app that takes keys and pastes in turn. A key that comes alone costs nothing but a look at some queues."""

    APART = 0.1
    """Seconds between keys after which empty queues are enough: what the key before asked for has begun by then."""
    ROUNDS = 3
    """Rounds of the event loop in which the queues must be empty else: a worker that a key started needs one."""
    PATIENCE = 1.0
    """Seconds that a key waits at most: what waits for something outside must not hold up the keyboard."""

    def __init__(self, *, ansi_color: bool | None = None) -> None:
        super().__init__(ansi_color=ansi_color)
        self._waiting: deque[Event] = deque()
        self._path: tuple[MessagePump, ...] = ()
        self._at = 0.0
        self._calm = self._held = 0

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Keys wait meanwhile, e.g. while a question that they may be meant for is mounted."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1

    async def on_event(self, event: Event) -> None:
        """A key or a paste: now, or after those that wait."""
        if not isinstance(event, Key | Paste) or event.is_forwarded:
            await super().on_event(event)
        elif self._waiting or monotonic() - self._at < self.APART or self._busy():
            self._waiting.append(event)
            if len(self._waiting) == 1:
                self._calm = 0
                self.call_later(self._turn)
        else:
            await self._take(event)

    async def _take(self, event: Event) -> None:
        """Hand the key on, and remember which queues it goes through."""
        self._path = tuple(self._pumps())
        self._at = monotonic()
        await super().on_event(event)

    async def _turn(self) -> None:
        """One round: the next key when all is calm."""
        await asyncio.sleep(0)
        if self._busy() or self._held:
            self._calm = 0
        else:
            self._calm += 1
        if self._calm >= self.ROUNDS or monotonic() - self._at > self.PATIENCE:
            self._calm = 0
            await self._take(self._waiting.popleft())
        if self._waiting:
            self.call_later(self._turn)

    def _busy(self) -> bool:
        """Whether what the last key asked for is still queued somewhere."""
        return any(pump.message_queue_size for pump in (*self._path, *self._pumps()))

    def _pumps(self) -> Iterable[MessagePump]:
        """What a key passes: the focus, what holds it, the screen, the app."""
        if self._screen_stacks and (focused := self.focused) is not None:
            return focused.ancestors_with_self
        return (self.screen, self) if self._screen_stacks else (self,)
