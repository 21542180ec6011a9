"""Finds the transaction that registered a model. The engine's event names it; the calldata holds the template.

Nodes differ in how far back one question about events may reach. Where all blocks at once are too many, the block is
found by halving: the engine is asked what it knew of the id at earlier blocks, and then that one block is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from arbius_tui.domain import engine
from arbius_tui.domain.errors import Failure, NotReady, WrongChain
from arbius_tui.domain.registered import Registered, proven
from arbius_tui.services import receipts, rpc_errors
from arbius_tui.services.rpc import Rpc

NO_USE = frozenset({"rpc-unreachable", "rpc-denied", "rpc-not-found"})
"""Troubles that halving would meet 30 times again."""


async def find(rpc: Rpc, address: str, wanted: str) -> Registered:
    """The registration of a model that the engine at `address` has, proven by its id.

    NotReady `registration-not-found` when this RPC cannot say where it is, WrongChain `registration-differs` when what
    it says does not give the id.
    """
    try:
        logs = await events(rpc, address, wanted, 0, "latest")
    except Failure as failure:
        if failure.problem.code in NO_USE:
            raise
        logs = await halved(rpc, address, wanted, failure)
    for log in logs:
        if found := await read(rpc, log, wanted):
            return found
    if logs:
        raise WrongChain(
            "registration-differs",
            "the transaction that the RPC names does not give this model id",
            why="the id is the hash of sender, addr, fee and template; other bytes would be another model",
            fix="take another RPC: --rpc URL",
            detail=rpc.redact.where,
        )
    raise not_found("the RPC has no event of this registration")


async def events(rpc: Rpc, address: str, wanted: str, start: int, end: int | str) -> Sequence[Mapping[str, Any]]:
    """The ModelRegistered events of this id between two blocks."""
    question: Any = {
        "address": address,
        "topics": [engine.MODEL_REGISTERED, wanted],
        "fromBlock": hex(start),
        "toBlock": hex(end) if isinstance(end, int) else end,
    }
    found = await rpc.ask("eth_getLogs", question)
    if not isinstance(found, list | tuple) or not all(isinstance(log, Mapping) for log in found):
        raise rpc_errors.garbled("eth_getLogs", repr(found)[:500], rpc.redact)
    return found


async def halved(rpc: Rpc, address: str, wanted: str, refused: Failure) -> Sequence[Mapping[str, Any]]:
    """The same events, by the block in which the engine began to know the id."""
    low, high = 0, await rpc.number("eth_blockNumber")
    try:
        while low < high:
            middle = (low + high) // 2
            if await knew(rpc, address, wanted, middle):
                high = middle
            else:
                low = middle + 1
        return await events(rpc, address, wanted, low, low)
    except Failure as failure:
        raise not_found(f"{refused.problem.what}\n{failure.problem.what}") from None


async def knew(rpc: Rpc, address: str, wanted: str, block: int) -> bool:
    """Whether the engine knew the model after this block; before the engine there is nothing to answer."""
    call = {"to": address, "data": engine.call_data("models", bytes.fromhex(wanted[2:]))}
    try:
        _, addr, _, _ = engine.returned("models", await rpc.call(call, block))
    except ValueError:
        return False
    return int(addr, 16) != 0


async def read(rpc: Rpc, log: Mapping[str, Any], wanted: str) -> Registered | None:
    """The registration in the transaction of an event, if it gives the id."""
    sent = await receipts.transaction(rpc, as_hex(log.get("transactionHash")))
    if sent is None:
        return None
    data, block = sent.get("input"), sent.get("blockNumber")
    raw = data if isinstance(data, bytes) else bytes.fromhex(as_hex(data)[2:])
    named = [str(sent[key]) for key in ("from", "to") if isinstance(sent.get(key), str)]
    try:
        return proven(
            wanted, bytes(raw), *named, tx_hash=as_hex(log.get("transactionHash")),
            block=rpc.quantity("eth_getTransactionByHash", block),
        )  # fmt: skip
    except Failure:  # an address that is none
        return None


def as_hex(value: Any) -> str:
    """Bytes or a 0x text as 0x text, `0x` for anything else."""
    if isinstance(value, bytes):
        return "0x" + bytes(value).hex()
    text = value.removeprefix("0x") if isinstance(value, str) else ""
    return "0x" + (text if len(text) % 2 == 0 and all(char in "0123456789abcdefABCDEF" for char in text) else "")


def not_found(detail: str) -> NotReady:
    """The engine knows the model, and this RPC does not say in which transaction it came."""
    return NotReady(
        "registration-not-found",
        "the RPC cannot say which transaction registered the model",
        why="the template stands in that transaction alone; many RPCs do not look far back",
        fix="take an RPC with full history (an archive node): --rpc URL",
        detail=detail,
    )
