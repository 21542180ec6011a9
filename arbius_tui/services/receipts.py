"""What became of a transaction: found by its hash, read, and explained when it failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arbius_tui.domain import engine
from arbius_tui.domain.errors import Failure, Fix, InsufficientFunds, Problem
from arbius_tui.services import rpc_errors
from arbius_tui.services.ports import Receipt, SentTransaction
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

RECEIPT = "eth_getTransactionReceipt"


async def transaction(rpc: Rpc, tx_hash: str) -> Mapping[str, Any] | None:
    """A transaction as the node tells it, None when it does not know the hash."""
    return await rpc.found("eth_getTransactionByHash", tx_hash)


async def compared(rpc: Rpc, tx_hash: str) -> SentTransaction | None:
    """The same with its parts read; NotReady `rpc-garbled` when it is no transaction."""
    if (found := await transaction(rpc, tx_hash)) is None:
        return None
    try:
        data = found.get("input", found.get("data", "0x"))
        return SentTransaction(
            tx_hash,
            engine.parse_address(str(found["from"])),
            engine.parse_address(str(found["to"])) if found.get("to") else "",
            "0x" + bytes.fromhex(str(data)[2:]).hex(),
            number(found["nonce"]),
            number(found.get("value") or "0x0"),
            number(found["chainId"]) if found.get("chainId") else None,
            number(found.get("blockNumber") or "0x0"),
            number(found.get("maxFeePerGas") or found.get("gasPrice") or "0x0"),
        )
    except (KeyError, TypeError, ValueError, Failure) as error:
        raise rpc_errors.garbled("eth_getTransactionByHash", repr(error), rpc.redact) from None


async def receipt(rpc: Rpc, tx_hash: str, address: str) -> Receipt | None:
    """The receipt as it is now, None while it is not mined; only the events of the engine at `address` count."""
    found = await rpc.found(RECEIPT, tx_hash)
    if found is None or found.get("blockNumber", "") is None:  # some nodes have a receipt of what waits
        return None
    try:
        ok, block, used = number(found["status"]) == 1, number(found["blockNumber"]), number(found["gasUsed"])
        cost = used * number(found["effectiveGasPrice"])
        model_id, events = registered(found["logs"], address), named(found["logs"], address)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise rpc_errors.garbled(RECEIPT, repr(error), rpc.redact) from None
    problem = None if ok else await why(rpc, tx_hash, block, used)
    return Receipt(tx_hash, ok, block, used, cost, model_id, problem, events)


async def why(rpc: Rpc, tx_hash: str, block: int, used: int) -> Problem:
    """The reason of a transaction that failed: it is called again as it was, before its block and after it."""
    sent = await transaction(rpc, tx_hash) or {}
    if used >= number(sent.get("gas") or hex(used + 1)):
        return OUT_OF_GAS
    call = {key: sent[name] for key, name in REPLAYED.items() if sent.get(name) is not None}
    for at in (block - 1, block):
        try:
            await rpc.call(call, at)
        except Failure as failure:
            if is_revert(failure):
                return failure.problem
    return NO_REASON


def number(found: Any) -> int:
    """A quantity; ValueError for anything else."""
    if not isinstance(found, str) or not found.startswith("0x"):
        raise ValueError(f"{found!r} is no quantity")
    return int(found, 16)


def ours(logs: Any, address: str) -> list[list[str]]:
    """The topics of the engine's events."""
    found = [(str(log["address"]).lower(), [str(topic).lower() for topic in log["topics"]]) for log in logs]
    return [topics for where, topics in found if where == address.lower()]


def registered(logs: Any, address: str) -> str:
    """The id in the ModelRegistered event of the engine at this address, empty when there is none."""
    for topics in ours(logs, address):
        if len(topics) == 2 and topics[0] == engine.MODEL_REGISTERED:
            return topics[1]
    return ""


def named(logs: Any, address: str) -> tuple[str, ...]:
    """The engine's events in their order, by name; those that an author does not meet are left out."""
    names = {engine.topic(engine.signature(name)): name for name in engine.EVENTS}
    return tuple(names[topics[0]] for topics in ours(logs, address) if topics and topics[0] in names)


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
