"""A chain that is opened by the first question asked of it: it costs time, and most steps never need it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Generic, TypeVar

from arbius_tui.services.ports import (
    Chain,
    ChainStatus,
    Look,
    OnChainModel,
    Quote,
    Receipt,
    Registration,
    Request,
    SentTransaction,
)

if TYPE_CHECKING:
    from arbius_tui.domain.registered import Registered

T = TypeVar("T")


class OnDemand(Generic[T]):
    """Opens what `open` gives when it is first wanted, once, and closes it at the end of the `async with`."""

    def __init__(self, open: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        self._open, self._stack, self._lock = open, AsyncExitStack(), asyncio.Lock()
        self._opened: list[T] = []

    async def __call__(self) -> T:
        """The opened thing."""
        async with self._lock:
            if not self._opened:
                self._opened.append(await self._stack.enter_async_context(self._open()))
        return self._opened[0]

    async def __aenter__(self) -> OnDemand[T]:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.clear()
        await self._stack.aclose()


class OnDemandChain:
    """Implements Chain; every call goes to the chain that the first one opened."""

    def __init__(self, chain: OnDemand[Chain]) -> None:
        self._chain = chain

    async def status(self) -> ChainStatus:
        """See Chain."""
        return await (await self._chain()).status()

    async def model(self, model_id: str) -> OnChainModel | None:
        """See Chain."""
        return await (await self._chain()).model(model_id)

    async def registered(self, model_id: str) -> Registered:
        """See Chain."""
        return await (await self._chain()).registered(model_id)

    async def cid(self, template: bytes) -> str:
        """See Chain."""
        return await (await self._chain()).cid(template)

    async def hash_model(self, registration: Registration, cid: str) -> str:
        """See Chain."""
        return await (await self._chain()).hash_model(registration, cid)

    async def balance(self, address: str) -> int:
        """See Chain."""
        return await (await self._chain()).balance(address)

    async def quote(self, registration: Registration) -> Quote:
        """See Chain."""
        return await (await self._chain()).quote(registration)

    async def look(self, request: Request, model_id: str, fee: bool = False) -> Look:
        """See Chain."""
        return await (await self._chain()).look(request, model_id, fee)

    async def still(self, request: Request) -> None:
        """See Chain."""
        await (await self._chain()).still(request)

    async def code(self, address: str) -> bytes:
        """See Chain."""
        return await (await self._chain()).code(address)

    async def transaction(self, tx_hash: str) -> SentTransaction | None:
        """See Chain."""
        return await (await self._chain()).transaction(tx_hash)

    async def used(self, address: str) -> int:
        """See Chain."""
        return await (await self._chain()).used(address)

    async def price(self) -> int:
        """See Chain."""
        return await (await self._chain()).price()

    async def final(self, block: int) -> str:
        """See Chain."""
        return await (await self._chain()).final(block)

    async def send(self, raw: str) -> str:
        """See Chain."""
        return await (await self._chain()).send(raw)

    async def known(self, tx_hash: str) -> bool:
        """See Chain."""
        return await (await self._chain()).known(tx_hash)

    async def nonce(self, address: str) -> int:
        """See Chain."""
        return await (await self._chain()).nonce(address)

    async def receipt(self, tx_hash: str, limit: float) -> Receipt | None:
        """See Chain."""
        return await (await self._chain()).receipt(tx_hash, limit)
