"""Several streams of events as one: each goes on by itself, and what comes first is told first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

T = TypeVar("T")

ROOM = 64
"""Events that may wait for whoever reads them."""


async def merged(streams: Sequence[AsyncGenerator[T, None]], at_once: int) -> AsyncGenerator[T, None]:
    """What all streams yield, as it comes; at most `at_once` of them run. A failure of one ends all and comes through.

    Closing it cancels and closes every stream.
    """
    queue: asyncio.Queue[T] = asyncio.Queue(ROOM)
    room = asyncio.Semaphore(at_once)
    tasks = [asyncio.create_task(pump(stream, queue, room)) for stream in streams]
    left = set(tasks)
    try:
        while left or not queue.empty():
            coming = asyncio.ensure_future(queue.get())
            done, _ = await asyncio.wait({coming, *left}, return_when=asyncio.FIRST_COMPLETED)
            if coming in done:
                yield coming.result()
            else:
                coming.cancel()
            left -= done
            for task in done - {coming}:
                await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def pump(stream: AsyncGenerator[T, None], queue: asyncio.Queue[T], room: asyncio.Semaphore) -> None:
    """Move one stream's events to the queue."""
    async with room, aclosing(stream) as events:
        async for event in events:
            await queue.put(event)


async def told_while(work: asyncio.Future[Any], notes: asyncio.Queue[str]) -> AsyncGenerator[str, None]:
    """What is said while the work is done, as it comes; how it went is not asked. Closing this early cancels it."""
    try:
        while not work.done() or not notes.empty():
            coming = asyncio.ensure_future(notes.get())
            try:
                await asyncio.wait({coming, work}, return_when=asyncio.FIRST_COMPLETED)
                if coming.done():
                    yield coming.result()
            finally:
                coming.cancel()
    finally:
        if not work.done():
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
