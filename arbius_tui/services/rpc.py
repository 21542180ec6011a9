"""One JSON-RPC endpoint through web3: every question has a limit, every trouble becomes a Failure, nothing leaks a key.

This is the plumbing of `chain`; it knows no Engine.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from arbius_tui.domain.errors import Failure
from arbius_tui.services import rpc_errors

if TYPE_CHECKING:
    from web3 import AsyncWeb3
    from web3.providers.async_base import AsyncBaseProvider

Question = Callable[["AsyncWeb3[Any]"], Awaitable[Any]]
"""What to ask: takes web3 and gives its coroutine."""

READ_LIMIT, SEND_LIMIT = 30.0, 60.0
"""Seconds for one question, and for a broadcast: Arbitrum's sequencer answers with the block, after up to 12 s."""

REPEATABLE = (
    "eth_chainId", "eth_blockNumber", "eth_getCode", "eth_call", "eth_estimateGas", "eth_getBlockByNumber",
    "eth_gasPrice", "eth_getTransactionCount", "eth_getBalance", "eth_getTransactionByHash",
    "eth_getTransactionReceipt", "eth_getLogs",
)  # fmt: skip
"""What may be asked again when an answer is lost. Never eth_sendRawTransaction, which web3 repeats unless told."""


@asynccontextmanager
async def open_provider(url: str, limit: float, proxy: str | None) -> AsyncIterator[AsyncBaseProvider]:
    """A web3 provider for an http(s) URL, closed on exit; `limit` is seconds for one try, BadInput `rpc-url`."""
    rpc_errors.check_url(url)
    await asyncio.to_thread(import_module, "web3")
    import aiohttp
    from web3.providers.rpc import AsyncHTTPProvider
    from web3.providers.rpc.utils import ExceptionRetryConfiguration

    provider = AsyncHTTPProvider(
        url,
        # A redirect is not followed: it would carry a signed transaction to a host that nobody chose.
        request_kwargs={
            "timeout": aiohttp.ClientTimeout(total=limit),
            "allow_redirects": False,
            "proxy": proxy,
        },
        exception_retry_configuration=ExceptionRetryConfiguration(
            errors=(aiohttp.ClientError,), retries=3, backoff_factor=0.2, method_allowlist=REPEATABLE
        ),
    )
    try:
        yield provider
    finally:
        await provider.disconnect()


class Rpc:
    """Asks one provider. `limit` and `send_limit` are seconds for a question and for a broadcast, retries included."""

    def __init__(self, provider: AsyncBaseProvider, limit: float, send_limit: float) -> None:
        self.redact = rpc_errors.Redactor(str(getattr(provider, "endpoint_uri", None) or ""))
        self.limit, self.send_limit = limit, send_limit
        self._provider = provider
        self._web3: AsyncWeb3[Any] | None = None

    async def ask(self, method: str, question: Question) -> Any:
        """The answer as web3 formats it, None where the node says null; a Failure in words for everything else."""
        try:
            async with asyncio.timeout(self.send_limit if method == rpc_errors.SEND else self.limit):
                return await question(await self._client())
        except Exception as error:
            raise rpc_errors.failure(error, method, self.redact) from None

    async def number(self, method: str, question: Question) -> int:
        """An answer that must be a whole number."""
        found = await self.ask(method, question)
        if not isinstance(found, int):
            raise rpc_errors.garbled(method, f"{found!r} instead of a number", self.redact)
        return found

    async def call(self, transaction: Mapping[str, Any], block: int | None = None) -> bytes:
        """What a call would return, at the head or after a block; a revert is a Failure in words."""
        sent: Any = dict(transaction)
        # CCIP-Read would let a hostile answer make us fetch URLs.
        found = await self.ask("eth_call", lambda w3: w3.eth.call(sent, block, ccip_read_enabled=False))
        return self._bytes("eth_call", found)

    async def code(self, address: str) -> bytes:
        """The contract at an address, empty where there is none."""
        found = await self.ask("eth_getCode", lambda w3: w3.eth.get_code(w3.to_checksum_address(address)))
        return self._bytes("eth_getCode", found)

    async def balance(self, address: str) -> int:
        """Wei of an account; the address is checksummed."""
        return await self.number("eth_getBalance", lambda w3: w3.eth.get_balance(w3.to_checksum_address(address)))

    async def price(self) -> int:
        """Wei for a unit of gas now: the head's base fee, or what the node asks where there is none."""
        head = await self.ask("eth_getBlockByNumber", lambda w3: w3.eth.get_block("latest"))
        if not isinstance(head, Mapping) or "number" not in head:
            raise rpc_errors.garbled("eth_getBlockByNumber", repr(head), self.redact)
        base = head.get("baseFeePerGas")
        return base if isinstance(base, int) else await self.number("eth_gasPrice", lambda w3: w3.eth.gas_price)

    async def found(self, method: str, question: Question) -> Mapping[str, Any] | None:
        """A transaction or a receipt, None when the chain does not know it."""
        from web3.exceptions import TransactionIndexingInProgress, TransactionNotFound

        async def ask(w3: AsyncWeb3[Any]) -> Any:
            try:
                return await question(w3)
            except (TransactionNotFound, TransactionIndexingInProgress):
                return None

        answer = await self.ask(method, ask)
        if answer is not None and not isinstance(answer, Mapping):
            raise rpc_errors.garbled(method, repr(answer), self.redact)
        return answer

    def _bytes(self, method: str, found: Any) -> bytes:
        if not isinstance(found, bytes):
            raise rpc_errors.garbled(method, f"{found!r} instead of bytes", self.redact)
        return bytes(found)

    async def _client(self) -> AsyncWeb3[Any]:
        if self._web3 is None:
            await asyncio.to_thread(import_module, "web3")
            from web3 import AsyncWeb3

            # None of web3's own middleware: it would ask more than we ask (names, chain ids) and hide bare answers.
            self._web3 = AsyncWeb3(self._provider, middleware=[])
        return self._web3


def is_revert(failure: Failure) -> bool:
    """Whether a failure of `Rpc.call` is the contract's word, not trouble on the way."""
    return not failure.problem.code.startswith("rpc-")
