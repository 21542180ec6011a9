"""What became of a transaction: found by its hash, read, and explained when it failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arbius_tui.domain import engine
from arbius_tui.domain.errors import Failure, Fix, InsufficientFunds, Problem
from arbius_tui.services import rpc_errors
from arbius_tui.services.ports import Receipt
from arbius_tui.services.rpc import Rpc, is_revert

OUT_OF_GAS = Problem(
    "out-of-gas",
    "the transaction ran out of gas",
    "the chain became more expensive between the estimate and the block; the gas is spent, nothing was registered",
    Fix("review and sign again: the gas is estimated anew"),
)
NO_REASON = Problem(
    "reverted",
    "the transaction failed, and nobody can say why",
    "called again it does not fail: something changed between",
    Fix("review and sign again; the simulation before it costs nothing"),
)

REPLAYED = {"from": "from", "to": "to", "data": "input", "value": "value", "gas": "gas"}
"""The keys of a call, and of the mined transaction that they are taken from."""


async def transaction(rpc: Rpc, tx_hash: str) -> Mapping[str, Any] | None:
    """A transaction as the node tells it, None when it does not know the hash."""
    from hexbytes import HexBytes

    return await rpc.found("eth_getTransactionByHash", lambda w3: w3.eth.get_transaction(HexBytes(tx_hash)))


async def receipt(rpc: Rpc, tx_hash: str, address: str) -> Receipt | None:
    """The receipt as it is now, None while it is not mined; only the events of the engine at `address` count."""
    from hexbytes import HexBytes

    method = "eth_getTransactionReceipt"
    found = await rpc.found(method, lambda w3: w3.eth.get_transaction_receipt(HexBytes(tx_hash)))
    if found is None:
        return None
    try:
        ok, block, used = found["status"] == 1, int(found["blockNumber"]), int(found["gasUsed"])
        cost = used * int(found["effectiveGasPrice"])
        model_id = registered(found["logs"], address)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise rpc_errors.garbled(method, repr(error), rpc.redact) from None
    problem = None if ok else await why(rpc, tx_hash, block, used)
    return Receipt(tx_hash, ok, block, used, cost, model_id, problem)


async def why(rpc: Rpc, tx_hash: str, block: int, used: int) -> Problem:
    """The reason of a transaction that failed: it is called again as it was, before its block and after it."""
    sent = await transaction(rpc, tx_hash) or {}
    if used >= int(sent.get("gas") or used + 1):
        return OUT_OF_GAS
    call = {key: sent[name] for key, name in REPLAYED.items() if sent.get(name) is not None}
    for at in (block - 1, block):
        try:
            await rpc.call(call, at)
        except Failure as failure:
            if is_revert(failure):
                return failure.problem
    return NO_REASON


def registered(logs: Any, address: str) -> str:
    """The id in the ModelRegistered event of the engine at this address, empty when there is none."""
    for log in logs:
        topics = [bytes(topic).hex() for topic in log["topics"]]
        ours = str(log["address"]).lower() == address.lower()
        if ours and len(topics) == 2 and "0x" + topics[0] == engine.MODEL_REGISTERED:
            return "0x" + topics[1]
    return ""


async def shortfall(rpc: Rpc, raw: bytes, refused: InsufficientFunds) -> InsufficientFunds:
    """A node's refusal with the exact sum that is missing, where the signed transaction and the balance can be read."""
    from eth_account import Account
    from eth_account.typed_transactions.typed_transaction import TypedTransaction
    from hexbytes import HexBytes

    try:
        sender = str(Account.recover_transaction(HexBytes(raw)))
        sent = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
        needed = int(sent["gas"]) * int(sent["maxFeePerGas"]) + int(sent["value"])
    except (KeyError, TypeError, ValueError):  # another kind of transaction: the node's own words stay
        return refused
    balance = await rpc.balance(sender)
    return rpc_errors.no_funds(sender, needed, balance) if balance < needed else refused
