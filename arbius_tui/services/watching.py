"""Waiting for a model's server while somebody looks whether what it runs in is still there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

from arbius_tui.domain.errors import NotReady
from arbius_tui.services.ports import Health

Look: TypeAlias = Callable[[], Awaitable[NotReady | None]]
"""Why the server cannot answer; None while what it runs in is well."""


async def ended(look: Look, pause: float) -> NotReady:
    """Wait until a look finds why the server cannot answer; `pause` seconds lie between two looks."""
    while True:
        if found := await look():
            return found
        await asyncio.sleep(pause)


async def while_running(healths: AsyncIterator[Health], look: Look, pause: float) -> AsyncGenerator[Health, None]:
    """The healths that `Predictions.wait_ready` gives, but NotReady as soon as a look says why there will be no more.

    Of the failures of both the looker's own one is the better, unless the server itself says why its setup failed.
    """
    watch = asyncio.ensure_future(ended(look, pause))
    tasks: list[asyncio.Future[Any]] = [watch]
    try:
        while True:
            coming = asyncio.ensure_future(anext(healths))
            tasks[1:] = [coming]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                raise watch.result()
            try:
                yield coming.result()
            except StopAsyncIteration:
                return
            except NotReady as failure:
                if failure.problem.code == "setup-failed":
                    raise
                raise await look() or failure from None
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if isinstance(healths, AsyncGenerator):
            await healths.aclose()
