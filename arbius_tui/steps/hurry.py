"""A transaction that waits: pay more for it, or put one that does nothing in its place. The nonce stays the same.

So at most one of them is ever mined. Arbitrum takes transactions in the order they come and knows no waiting ones:
there is nothing to replace there, except bytes that were never taken.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any, Literal

from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.events import Event, Line, Saved
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.networks import ARBITRUM, chain_title
from arbius_tui.domain.questions import Ask, Consent
from arbius_tui.domain.records import OwnerRecord, RegisterRecord, TransactionRecord
from arbius_tui.domain.text import amount
from arbius_tui.domain.transactions import Unsigned, decode_signed
from arbius_tui.services.ports import Quote, Services, Signer
from arbius_tui.steps import sending
from arbius_tui.steps.base import Step
from arbius_tui.steps.reviews import not_meant

MORE = 125
"""Percent of the old price that the new one is at least; nodes want 110 to replace a waiting transaction."""

EMPTY_GAS = 100_000
"""Gas for a transaction that does nothing: 21,000, and on Arbitrum the L1 part. The rest is refunded."""


class Hurry(Step):
    """Replace what waits: `speed-up` with the same call at a higher price, `cancel` with nothing at all."""

    name = "register"
    kept: type[TransactionRecord] = RegisterRecord

    def __init__(self, way: Literal["speed-up", "cancel"]) -> None:
        self.way = way

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Journal the replacement, send it, and follow whichever of them is mined."""
        record = waiting(journey.get(self.kept))
        status = await services.chain.status()
        sending.same_chain(record, status.chain_id, status.engine)
        for tx_hash in (record.tx_hash, *record.earlier):
            if await services.chain.receipt(tx_hash, 0) is not None:
                yield Line("it is mined already: there is nothing to replace")
                async for event in sending.follow(record, services):
                    yield event
                return
        if record.chain_id in ARBITRUM and await services.chain.known(record.tx_hash):
            raise first_come(record)
        old, _ = decode_signed(bytes.fromhex(record.raw[2:]))
        wanted = replacement(old, self.way, await services.chain.price())
        await agreed(self.way, wanted, ask)
        vault = sending.vault_of(services, record.vault)
        if not isinstance(vault, Signer):
            raise sending.watch_only(record)
        quote = Quote("", wanted["gas"], wanted["gas"] * wanted["maxFeePerGas"], 0, old.nonce, wanted)
        record = replaced(record, await sending.sign(record, vault, quote, ask), self.way)
        yield Saved(record)
        yield sending.seen(record)
        raw = record.raw if self.way == "speed-up" else record.cancel_raw
        await services.chain.send(raw)
        record = replace(record, state="sent")
        yield Saved(record)
        async for event in sending.follow(record, services):
            yield event


class HurryOwner(Hurry):
    """The same for a later change of a model."""

    name = "owner"
    kept = OwnerRecord


def waiting(record: TransactionRecord | None) -> TransactionRecord:
    """The transaction that waits; BadInput when none does, or when only a wallet has its bytes."""
    if record is None or record.state not in ("signed", "sent"):
        raise BadInput(
            "nothing-waits", "no transaction of this journey waits to be mined",
            fix="look where it stands: arbius-tui status",
        )  # fmt: skip
    if not record.raw:
        raise BadInput(
            "wallet-has-it", "a wallet sent this transaction, and only it can replace it",
            why="its bytes and its key are not here", fix="use the wallet's own speed up or cancel",
        )  # fmt: skip
    return record


def first_come(record: TransactionRecord) -> BadInput:
    """Arbitrum's sequencer has no queue."""
    return BadInput(
        "first-come",
        f"{chain_title(record.chain_id)} takes transactions in the order they come; a higher price changes nothing",
        why="its sequencer has no queue in which one could pass another, and what it took is as good as mined",
        fix="run the step again: it follows the transaction until it is mined",
        detail=record.tx_hash,
    )


def replacement(old: Unsigned, way: str, price: int) -> dict[str, Any]:
    """The fields of the one in its place: same nonce, a higher price."""
    fee = max(2 * price, old.max_fee * MORE // 100 + 1)
    tip = min(fee, max(old.max_tip * MORE // 100 + 1, 1))
    found = {**old.transaction(), "maxFeePerGas": fee, "maxPriorityFeePerGas": tip}
    if way == "cancel":
        found |= {"to": old.sender, "value": 0, "data": "0x", "gas": EMPTY_GAS}
    return found


async def agreed(way: str, wanted: dict[str, Any], ask: Ask) -> None:
    """The author's word for a higher price."""
    most = amount(wanted["gas"] * wanted["maxFeePerGas"], "ETH")
    text = "Pay more for the transaction that waits?" if way == "speed-up" else "Cancel the transaction that waits?"
    why = f"nonce {wanted['nonce']} stays, so at most one of the two is mined; at most {most}"
    changes = "the same call at a higher price" if way == "speed-up" else "nothing is registered, only gas is paid"
    question = Consent(way, text, why, rehearsal="yes", changes=changes, undo="the earlier one may still win")
    if await ask(question) != "yes":
        raise not_meant(way)


def replaced(record: TransactionRecord, signed: TransactionRecord, way: str) -> TransactionRecord:
    """The record that knows both; written before the second is sent."""
    if way == "speed-up":
        return replace(signed, state="sent", earlier=(*record.earlier, record.tx_hash))
    return replace(
        record, state="sent", earlier=(*record.earlier, signed.tx_hash), cancel=signed.tx_hash, cancel_raw=signed.raw
    )
