"""Sending: a signed transaction from the journal to its receipt, so that a kill at any moment sends nothing twice.

Whatever is unclear is looked up by hash, then by the account's nonce, then by models(id); only the same bytes are ever
sent again, and only while their nonce is free.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from arbius_tui.domain.errors import TransactionFailed
from arbius_tui.domain.events import Done, Event, Found, Line, Saved
from arbius_tui.domain.records import RegisterRecord
from arbius_tui.domain.text import amount
from arbius_tui.services.ports import Receipt, Services

RECEIPT_LIMIT = 120.0
"""Seconds to wait for a receipt before saying that it is pending."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The transaction on its way. `state`: signed, sent, mined, already."""

    kind: ClassVar[str] = "transaction"
    id: str
    state: str
    tx_hash: str
    nonce: int
    block: int = 0


def seen(record: RegisterRecord) -> Found:
    """The transaction as it stands."""
    return Found(Sent("tx", record.state, record.tx_hash, record.nonce, record.block))


async def send(record: RegisterRecord, services: Services) -> AsyncIterator[Event]:
    """Broadcast once and follow; a lost answer is looked up and never answered with a second broadcast."""
    try:
        await services.chain.send(record.raw)
    except TransactionFailed as failure:
        if failure.problem.code != "send-unclear":
            raise
        yield Line("the answer was lost; looking the transaction up by its hash")
    record = replace(record, state="sent")
    yield Saved(record)
    yield seen(record)
    async for event in follow(record, services):
        yield event


async def resume(record: RegisterRecord, services: Services) -> AsyncIterator[Event]:
    """What an earlier run journaled: follow it if the chain knows it, else send the same bytes if the nonce is free."""
    yield Line(f"found the transaction of an earlier run: {record.tx_hash}")
    if await services.chain.known(record.tx_hash):
        async for event in follow(record, services):
            yield event
        return
    if await services.chain.nonce(record.sender) > record.nonce:
        yield Saved(replace(record, state="failed"))
        raise TransactionFailed(
            "nonce-taken",
            f"another transaction took nonce {record.nonce} of this account",
            why="the one that was signed can never be mined now",
            fix="run this step again: it looks the model up and signs anew only if it is not there",
            detail=record.tx_hash,
        )
    yield Line("the chain does not know it yet: sending the same bytes")
    async for event in send(record, services):
        yield event


async def follow(record: RegisterRecord, services: Services) -> AsyncIterator[Event]:
    """Wait for the receipt and compare the event's id with ours."""
    receipt = await services.chain.receipt(record.tx_hash, RECEIPT_LIMIT)
    if receipt is None:
        raise TransactionFailed(
            "still-pending",
            f"not mined after {RECEIPT_LIMIT:.0f} seconds",
            why="it was sent and may still be mined; a second one would cost more and change nothing",
            fix="run this step again later: it looks for this transaction and never sends another",
            detail=record.tx_hash,
        )
    if not receipt.ok:
        yield Saved(replace(mined(record, receipt), state="failed"))
        reason = receipt.problem
        raise TransactionFailed(
            reason.code if reason else "reverted",
            f"the transaction was mined and failed: {reason.what if reason else 'the engine gave no reason'}",
            why=f"its gas is paid, {amount(receipt.cost_wei, 'ETH')}; the model is not registered by it",
            fix=reason.fix.text if reason and reason.fix else "run this step again: it simulates before it signs",
            detail=record.tx_hash,
        )
    if receipt.model_id != record.model_id:
        raise TransactionFailed(
            "event-mismatch",
            "the engine's event names another model than the one predicted",
            why="what was registered is not what was reviewed",
            fix="compare both ids before you tell anybody about the model",
            detail=f"predicted {record.model_id}, event {receipt.model_id or 'none'}",
        )
    final = mined(record, receipt)
    yield Saved(final)
    yield seen(final)
    yield Line(f"model id, from the engine's event: {receipt.model_id}", "mined")
    yield Done(True, 0, result(final))


def mined(record: RegisterRecord, receipt: Receipt) -> RegisterRecord:
    """The record with its receipt."""
    return replace(
        record,
        state="mined",
        mined_id=receipt.model_id,
        block=receipt.block,
        gas_used=receipt.gas_used,
        cost_wei=str(receipt.cost_wei),
    )


def result(record: RegisterRecord, already: bool = False) -> dict[str, Any]:
    """What scripts read."""
    return {
        "model_id": record.model_id,
        "cid": record.cid,
        "sender": record.sender,
        "addr": record.addr,
        "fee_wei": record.fee_wei,
        "chain_id": record.chain_id,
        "engine": record.engine,
        "already": already,
        "tx_hash": record.tx_hash,
        "block": record.block,
        "gas_used": record.gas_used,
        "cost_wei": record.cost_wei,
        "unsigned": None,
    }
