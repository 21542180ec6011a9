"""A chain with an Engine on it: read, simulate, send once, follow.

Nothing here believes an RPC: the chain id is checked before a simulation and before a broadcast, the hash of what is
sent is computed here, a second RPC is asked for the same, and callers compare ids and CIDs with their own. Texts show
an RPC's host only (URLs hold keys).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from time import monotonic
from typing import Any, TypeVar

from arbius_tui.domain import engine
from arbius_tui.domain.errors import Failure, InsufficientFunds, WrongChain
from arbius_tui.domain.networks import Network
from arbius_tui.domain.registered import Registered
from arbius_tui.services import looks, receipts, registrations, rpc_errors
from arbius_tui.services.ports import (
    ChainStatus,
    Look,
    OnChainModel,
    Quote,
    Receipt,
    Registration,
    Request,
    SentTransaction,
)
from arbius_tui.services.rpc import READ_LIMIT, SEND_LIMIT, Provider, Rpc, open_provider

T = TypeVar("T")

SENT_BEFORE = frozenset({"already-known", "nonce-too-low"})
"""What a node says of bytes that wait or are mined; the second also of other bytes that use up the nonce."""

PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.0)
"""Seconds between looks for a receipt; the last one repeats."""

FRESH = 5.0
"""Seconds for which the chain id that an RPC told is taken for true."""


@asynccontextmanager
async def open_chain(
    url: str,
    network: Network,
    *,
    second: str = "",
    limit: float = READ_LIMIT,
    send_limit: float = SEND_LIMIT,
    proxy: str | None = None,
) -> AsyncIterator[RpcChain]:
    """The chain behind an http(s) RPC URL; nothing is asked yet. Limits are seconds; BadInput `rpc-url`.

    `second` is another RPC of the same chain, asked for its opinion before anything is signed.
    """
    longest = max(limit, send_limit)
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(open_provider(url, longest, proxy))
        other = await stack.enter_async_context(open_provider(second, limit, proxy)) if second else None
        yield RpcChain(first, network, limit=limit, send_limit=send_limit, second=other)


class RpcChain:
    """The chain behind JSON-RPC: a node over HTTP, or the embedded chain. Limits are seconds."""

    def __init__(
        self,
        provider: Provider,
        network: Network,
        *,
        limit: float = READ_LIMIT,
        send_limit: float = SEND_LIMIT,
        second: Provider | None = None,
    ) -> None:
        self.network = network
        self._rpc = Rpc(provider, limit, send_limit)
        self._second = Rpc(second, limit, send_limit) if second else None
        self._right_at = -FRESH

    @property
    def where(self) -> str:
        """The RPC as it may be shown: scheme and host, never the key in its path."""
        return self._rpc.redact.where

    async def status(self) -> ChainStatus:
        """Chain id, head and engine; WrongChain `wrong-chain` when it is not the expected one.

        Without a contract at the engine's address `has_code` is false and version is 0.
        """
        address = self.network.engine
        questions = [("eth_chainId",), ("eth_blockNumber",), ("eth_getCode", address, "latest")]
        chain_id, block, code, *views = await self._rpc.batch(
            [*questions, looks.view(address, "version"), looks.view(address, "paused")]
        )
        self._right_chain(chain_id)
        has_code = bool(self._rpc.data("eth_getCode", code))
        number = self._rpc.quantity("eth_blockNumber", block)
        if not has_code:
            return ChainStatus(self.network.chain_id, number, address, False, 0, False)
        version, paused = [(await self._returned(*pair))[0] for pair in zip(("version", "paused"), views, strict=True)]
        return ChainStatus(self.network.chain_id, number, address, True, version, paused)

    async def model(self, model_id: str) -> OnChainModel | None:
        """The registered model, or None."""
        return looks.on_chain(await self._view("models", _hex(model_id)))

    async def registered(self, model_id: str) -> Registered:
        """The registration of a model that exists, proven by its id; see `registrations.find`."""
        return await registrations.find(self._rpc, self.network.engine, model_id)

    async def cid(self, template: bytes) -> str:
        """The engine's own generateIPFSCID, as 0x hex; TransactionFailed `template-too-big` above 65,536 bytes."""
        (cid,) = await self._view("generateIPFSCID", template)
        return f"0x{cid.hex()}"

    async def hash_model(self, registration: Registration, cid: str) -> str:
        """The engine's own hashModel, as 0x hex."""
        model = (registration.fee_wei, registration.addr, 0, _hex(cid))
        (model_id,) = await self._view("hashModel", model, registration.sender)
        return f"0x{model_id.hex()}"

    async def balance(self, address: str) -> int:
        """Wei."""
        return await self._rpc.balance(engine.parse_address(address))

    async def nonce(self, address: str) -> int:
        """The next nonce of this account, waiting transactions counted."""
        return await self._rpc.nonce(engine.parse_address(address))

    async def used(self, address: str) -> int:
        """How many nonces of this account are used up by mined transactions."""
        return await self._rpc.nonce(engine.parse_address(address), "latest")

    async def code(self, address: str) -> bytes:
        """The contract at an address, empty where there is none."""
        return await self._rpc.code(address)

    async def price(self) -> int:
        """Wei for a unit of gas now."""
        head = await self._rpc.ask("eth_getBlockByNumber", "latest", False)
        base = self._rpc.base_fee(head)
        return base if base is not None else await self._rpc.number("eth_gasPrice")

    async def quote(self, registration: Registration) -> Quote:
        """Simulate, estimate and build; a revert is a failure in words, and costs nothing.

        An account that cannot pay gets its quote, too (compare `balance_wei`): its transaction may be signed elsewhere,
        later. The model id is what the engine returned; compare it with `engine.model_id`.
        """
        found = await looks.Looking(self._rpc, self.network, looks.request_of(registration)).look()
        self._right_chain(found.chain)
        return await self._sure(found.quote)

    async def look(self, request: Request, model_id: str, fee: bool = False) -> Look:
        """All that a review shows, in one request where the node takes several questions."""
        looking = looks.Looking(self._rpc, self.network, request, model_id, fee)
        found, opinion = await asyncio.gather(looking.look(), looks.opinion(self._second, self.network, request))
        self._right_chain(found.chain)
        seen = await self._sure(found.all)
        return looks.with_opinion(seen, self.where, opinion)

    async def still(self, request: Request) -> None:
        """The same call simulated once more; a revert is a failure in words."""
        call = {"from": request.sender, "to": self.network.engine, "data": request.data}
        chain_id, said = await self._rpc.batch([("eth_chainId",), ("eth_call", call, "latest")])
        self._right_chain(chain_id)
        self._rpc.data("eth_call", said)

    async def send(self, raw: str) -> str:
        """Broadcast once, never again by itself; the hash. TransactionFailed `send-unclear` if the answer was lost.

        Bytes that the chain has already, waiting or mined, are as good as taken now.
        """
        if monotonic() - self._right_at > FRESH:
            self._right_chain(await self._rpc.ask("eth_chainId"))
        data = _hex(raw)
        tx_hash = "0x" + engine.keccak(data).hex()
        try:
            said = await self._rpc.ask(rpc_errors.SEND, "0x" + data.hex())
        except InsufficientFunds as refused:
            raise await receipts.shortfall(self._rpc, data, refused) from None
        except Failure as refused:
            if refused.problem.code in SENT_BEFORE and await self.known(tx_hash):
                return tx_hash
            raise
        if said != tx_hash:
            raise rpc_errors.unclear(self._rpc.redact(f"the node answered {said!r} instead of the hash {tx_hash}"))
        return tx_hash

    async def known(self, tx_hash: str) -> bool:
        """Whether the chain knows this transaction, mined or not."""
        return await receipts.transaction(self._rpc, tx_hash) is not None

    async def transaction(self, tx_hash: str) -> SentTransaction | None:
        """The transaction with this hash, None where the chain does not know it."""
        return await receipts.compared(self._rpc, tx_hash)

    async def receipt(self, tx_hash: str, limit: float) -> Receipt | None:
        """The receipt, waited for at most `limit` seconds; None when it is not mined by then.

        `model_id` is from ModelRegistered of our engine. For a transaction that failed, `problem` says why. Troubles of
        the RPC are waited out; only one that lasts to the end is raised.
        """
        deadline, pauses = monotonic() + limit, iter(PAUSES)
        while True:
            trouble: Failure | None = None
            try:
                if found := await receipts.receipt(self._rpc, tx_hash, self.network.engine):
                    return found
            except Failure as failure:
                trouble = failure
            pause = next(pauses, PAUSES[-1])
            if monotonic() + pause > deadline:
                if trouble:
                    raise trouble
                return None
            await asyncio.sleep(pause)

    async def final(self, block: int) -> str:
        """How firm a block is: by the tags `finalized` and `safe`, which on Arbitrum follow Ethereum's."""
        tags = {"final": "finalized", "safe": "safe"}
        heads = await self._rpc.batch([("eth_getBlockByNumber", tag, False) for tag in tags.values()])
        for word, head in zip(tags, heads, strict=True):
            number = head.get("number") if isinstance(head, dict) else None
            if number is not None and self._rpc.quantity("eth_getBlockByNumber", number) >= block:
                return word
        return "latest"

    def _right_chain(self, found: Any) -> None:
        """WrongChain if this chain id is not the network's; a Failure that came in its place is raised."""
        looks.right_chain(self._rpc, self.network, found)
        self._right_at = monotonic()

    async def _view(self, name: str, *arguments: Any) -> tuple[Any, ...]:
        """What one of the engine's functions returns, decoded."""
        _, call, _ = looks.view(self.network.engine, name, *arguments)
        return await self._returned(name, "0x" + (await self._rpc.call(call)).hex())

    async def _returned(self, name: str, found: Any) -> tuple[Any, ...]:
        """An answer decoded; WrongChain `no-engine` when nothing that answers like an Engine lies there."""
        data = self._rpc.data("eth_call", found)
        return await self._sure(lambda: looks.Looked.returned(name, data))

    async def _sure(self, read: Callable[[], T]) -> T:
        """What is read from answers; WrongChain `no-engine` when they are none of an Engine."""
        try:
            return read()
        except looks.NoEngine as error:
            said = str(error)
        address = self.network.engine
        there = await self._rpc.code(address)
        raise WrongChain(
            "no-engine",
            f"there is no Engine at {address}" if there else f"there is no contract at {address}",
            why="a transaction to it would cost gas and register nothing",
            fix="check the network, the RPC, and the engine's address if you gave one",
            detail=said,
        )


def _hex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
