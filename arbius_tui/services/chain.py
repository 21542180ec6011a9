"""A chain with an Engine on it: read, simulate, send once, follow.

Nothing here believes an RPC: the chain id is checked before a simulation and before a broadcast, the hash of what is
sent is computed here, and callers compare ids and CIDs with their own. Texts show an RPC's host only (URLs hold keys).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

from arbius_tui.domain import engine
from arbius_tui.domain.errors import Failure, InsufficientFunds, WrongChain
from arbius_tui.domain.networks import Network, chain_title
from arbius_tui.domain.registered import Registered
from arbius_tui.services import receipts, registrations, rpc_errors
from arbius_tui.services.ports import ChainStatus, OnChainModel, Quote, Receipt, Registration
from arbius_tui.services.rpc import READ_LIMIT, SEND_LIMIT, Rpc, open_provider

if TYPE_CHECKING:
    from web3.providers.async_base import AsyncBaseProvider

HEADROOM = 25
"""Percent on top of the estimate: on Arbitrum the L1 part of the gas varies between blocks. The rest is refunded."""

SENT_BEFORE = frozenset({"already-known", "nonce-too-low"})
"""What a node says of bytes that wait or are mined; the second also of other bytes that use up the nonce."""

PAUSES = (0.1, 0.2, 0.4, 0.8, 1.0)
"""Seconds between looks for a receipt; the last one repeats."""


@asynccontextmanager
async def open_chain(
    url: str,
    network: Network,
    *,
    limit: float = READ_LIMIT,
    send_limit: float = SEND_LIMIT,
    proxy: str | None = None,
) -> AsyncIterator[RpcChain]:
    """The chain behind an http(s) RPC URL; nothing is asked yet. Limits are seconds; BadInput `rpc-url`."""
    async with open_provider(url, max(limit, send_limit), proxy) as provider:
        yield RpcChain(provider, network, limit=limit, send_limit=send_limit)


class RpcChain:
    """The chain behind a web3 provider: a node over HTTP, or the embedded chain. Limits are seconds."""

    def __init__(
        self,
        provider: AsyncBaseProvider,
        network: Network,
        *,
        limit: float = READ_LIMIT,
        send_limit: float = SEND_LIMIT,
    ) -> None:
        self.network = network
        self._rpc = Rpc(provider, limit, send_limit)

    @property
    def where(self) -> str:
        """The RPC as it may be shown: scheme and host, never the key in its path."""
        return self._rpc.redact.where

    async def status(self) -> ChainStatus:
        """Chain id, head and engine; WrongChain `wrong-chain` when it is not the expected one.

        Without a contract at the engine's address `has_code` is false and version is 0.
        """
        chain_id = await self._right_chain()
        block = await self._rpc.number("eth_blockNumber", lambda w3: w3.eth.block_number)
        has_code = bool(await self._rpc.code(self.network.engine))
        version = (await self._view("version"))[0] if has_code else 0
        paused = (await self._view("paused"))[0] if has_code else False
        return ChainStatus(chain_id, block, self.network.engine, has_code, version, paused)

    async def model(self, model_id: str) -> OnChainModel | None:
        """The registered model, or None."""
        fee, addr, rate, cid = await self._view("models", _hex(model_id))
        if not int(addr, 16):
            return None
        return OnChainModel(engine.checksum(addr), fee, rate, "0x" + cid.hex())

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
        account = engine.parse_address(address)
        return await self._rpc.number("eth_getBalance", lambda w3: w3.eth.get_balance(w3.to_checksum_address(account)))

    async def nonce(self, address: str) -> int:
        """The next nonce of this account, waiting transactions counted."""
        account = engine.parse_address(address)
        return await self._rpc.number(
            "eth_getTransactionCount",
            lambda w3: w3.eth.get_transaction_count(w3.to_checksum_address(account), "pending"),
        )

    async def quote(self, registration: Registration) -> Quote:
        """Simulate, estimate and build; a revert is a failure in words, and costs nothing.

        An account that cannot pay gets its quote, too (compare `balance_wei`): its transaction may be signed elsewhere,
        later. The model id is what the engine returned; compare it with `engine.model_id`.
        """
        await self._right_chain()
        sender = engine.parse_address(registration.sender)
        name, data = _calldata(registration)
        call: Any = {"from": sender, "to": self.network.engine, "data": data}
        (model_id,) = await self._decoded(name, await self._rpc.call(call))
        estimate = await self._rpc.number("eth_estimateGas", lambda w3: w3.eth.estimate_gas(call))
        gas = estimate + estimate * HEADROOM // 100
        price = 2 * await self._rpc.price()
        nonce = await self.nonce(sender)
        transaction = {
            "type": 2,
            "chainId": self.network.chain_id,
            "nonce": nonce,
            "to": self.network.engine,
            "value": 0,
            "data": data,
            "gas": gas,
            "maxFeePerGas": price,
            "maxPriorityFeePerGas": 0,
        }
        return Quote("0x" + model_id.hex(), gas, gas * price, await self.balance(sender), nonce, transaction)

    async def send(self, raw: str) -> str:
        """Broadcast once, never again by itself; the hash. TransactionFailed `send-unclear` if the answer was lost.

        Bytes that the chain has already, waiting or mined, are as good as taken now.
        """
        await self._right_chain()
        data = _hex(raw)
        tx_hash = "0x" + engine.keccak(data).hex()
        try:
            said = await self._rpc.ask(rpc_errors.SEND, lambda w3: w3.eth.send_raw_transaction(data))
        except InsufficientFunds as refused:
            raise await receipts.shortfall(self._rpc, data, refused) from None
        except Failure as refused:
            if refused.problem.code in SENT_BEFORE and await self.known(tx_hash):
                return tx_hash
            raise
        if not isinstance(said, bytes) or "0x" + said.hex() != tx_hash:
            raise rpc_errors.unclear(self._rpc.redact(f"the node answered {said!r} instead of the hash {tx_hash}"))
        return tx_hash

    async def known(self, tx_hash: str) -> bool:
        """Whether the chain knows this transaction, mined or not."""
        return await receipts.transaction(self._rpc, tx_hash) is not None

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

    async def _right_chain(self) -> int:
        """The chain id, WrongChain if it is not the network's."""
        found = await self._rpc.ask("eth_chainId", lambda w3: w3.eth.chain_id)
        wanted = self.network.chain_id
        if found == wanted:
            return wanted
        what = (
            f"this RPC is {chain_title(found)}, not {self.network.title} ({wanted})"
            if isinstance(found, int)
            else "this RPC does not say which chain it is"
        )
        raise WrongChain(
            "wrong-chain",
            what,
            why="the engine lies on one chain; on another its address belongs to nobody, or to somebody else",
            fix=f"give the URL of an RPC of {self.network.title}, or choose the network that is meant",
            detail=self.where,
        )

    async def _view(self, name: str, *arguments: Any) -> tuple[Any, ...]:
        """What one of the engine's functions returns, decoded."""
        call = {"to": self.network.engine, "data": engine.call_data(name, *arguments)}
        return await self._decoded(name, await self._rpc.call(call))

    async def _decoded(self, name: str, data: bytes) -> tuple[Any, ...]:
        """The results of a function; WrongChain `no-engine` when nothing that answers like an Engine lies there."""
        try:
            return engine.returned(name, data)
        except ValueError as error:
            address = self.network.engine
            what = f"there is no Engine at {address}"
            if not await self._rpc.code(address):
                what = f"there is no contract at {address}"
            raise WrongChain(
                "no-engine",
                what,
                why="a transaction to it would cost gas and register nothing",
                fix="check the network, the RPC, and the engine's address if you gave one",
                detail=str(error),
            ) from None


def _calldata(registration: Registration) -> tuple[str, str]:
    """The function and the calldata of a registration."""
    listed = registration.allow_list
    data = engine.register_calldata(registration.addr, registration.fee_wei, registration.template, listed)
    return ("registerModel" if listed is None else "registerModelWithAllowList"), data


def _hex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
