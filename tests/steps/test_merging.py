"""Several streams as one: nothing is lost, nothing waits for the slowest, and an end is an end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from arbius_tui.steps.merging import merged


async def numbers(start: int, count: int, gate: asyncio.Event | None = None) -> AsyncGenerator[int, None]:
    for n in range(count):
        if gate:
            await gate.wait()
        yield start + n


async def test_everything_comes_and_each_stream_keeps_its_order() -> None:
    found = [n async for n in merged([numbers(0, 200), numbers(1000, 200), numbers(2000, 3)], 8)]
    assert sorted(found) == [*range(200), *range(1000, 1200), *range(2000, 2003)]
    assert [n for n in found if n < 1000] == [*range(200)]


async def test_a_stream_that_waits_holds_up_no_other() -> None:
    gate, found = asyncio.Event(), []
    async with aclosing(merged([numbers(0, 2, gate), numbers(1000, 50)], 8)) as stream:
        async for n in stream:
            found.append(n)
            if len(found) == 50:
                gate.set()
    assert found[:50] == [*range(1000, 1050)]
    assert found[50:] == [0, 1]


async def test_no_more_than_so_many_run_at_once() -> None:
    running, most = set(), 0

    async def one(n: int) -> AsyncGenerator[int, None]:
        nonlocal most
        running.add(n)
        most = max(most, len(running))
        await asyncio.sleep(0)
        yield n
        running.discard(n)

    assert sorted([n async for n in merged([one(n) for n in range(20)], 3)]) == [*range(20)]
    assert most == 3


async def test_a_failure_comes_through_and_ends_the_others() -> None:
    closed = []

    async def fails() -> AsyncGenerator[int, None]:
        yield 1
        raise ValueError("boom")

    async def goes_on() -> AsyncGenerator[int, None]:
        try:
            while True:
                await asyncio.sleep(0)
                yield 2
        finally:
            closed.append(True)

    async def read() -> None:
        async with aclosing(merged([fails(), goes_on()], 8)) as stream:
            async for _ in stream:
                pass

    with pytest.raises(ValueError, match="boom"):
        await read()
    assert closed


async def test_whoever_stops_reading_ends_all() -> None:
    closed = []

    async def endless() -> AsyncGenerator[int, None]:
        try:
            while True:
                await asyncio.sleep(0)
                yield 1
        finally:
            closed.append(True)

    async with aclosing(merged([endless(), endless()], 8)) as stream:
        async for _ in stream:
            break
    assert len(closed) == 2
