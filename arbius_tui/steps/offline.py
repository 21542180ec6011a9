"""Another device signs: the unsigned transaction goes out in a file, and what comes back signed is judged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from arbius_tui.domain.errors import BadInput, TransactionFailed
from arbius_tui.domain.events import Done, Event, Line, Saved
from arbius_tui.domain.records import TransactionRecord
from arbius_tui.domain.text import clean
from arbius_tui.domain.transaction_files import raw_of, read_signed, unsigned_file
from arbius_tui.domain.transactions import Unsigned, decode_signed
from arbius_tui.services import files
from arbius_tui.services.ports import Quote
from arbius_tui.steps.reviews import Review
from arbius_tui.steps.sending import result

R = TypeVar("R", bound=TransactionRecord)

CHOSEN = {"nonce": "nonce", "gas": "gas", "maxFeePerGas": "max_fee", "maxPriorityFeePerGas": "max_tip"}
"""The fields that are of the moment, and their names in `Unsigned`; all others follow from what was reviewed."""


async def written(record: TransactionRecord, quote: Quote, rows: Iterable[Review], path: Path) -> AsyncIterator[Event]:
    """The file for the other device; nothing is sent and nothing is under way."""
    unsigned = Unsigned.of(record.sender, quote.transaction)
    review = {row.id: f"{row.value}  ({row.full})" if row.full not in ("", row.value) else row.value for row in rows}
    await asyncio.to_thread(put, path, unsigned_file(unsigned, review))
    asked = {name: int(quote.transaction[name]) for name in CHOSEN}
    record = replace(record, state="unsigned", unsigned=str(path), asked=asked)
    yield Saved(record)
    yield Line(f"unsigned transaction written to {clean(str(path))}; nothing was sent")
    yield Line(f"sign it with {record.sender}, then: the same command with --signed FILE")
    yield Done(True, 0, result(record), "wait")


def put(path: Path, data: bytes) -> None:
    """A new file; BadInput `file-exists` rather than a file that is replaced."""
    try:
        with open(path, "xb") as file:
            file.write(data)
    except FileExistsError:
        raise BadInput(
            "file-exists", f"{clean(str(path))} is there already", why="a file of yours is never replaced",
            fix="name another file",
        ) from None  # fmt: skip
    except OSError as error:
        raise BadInput(
            "file-not-writable", f"{clean(str(path))} cannot be written: {error.strerror}", fix="name another file"
        ) from None


async def taken(record: R, before: TransactionRecord | None, quote: Quote, path: Path) -> R:
    """The record with the bytes that the other device signed, if they are what was reviewed.

    A file of ours that went out fixes every field. Without one, nonce, gas and price are the device's own choice, and
    the nonce must be the next one of the account.
    """
    data = await asyncio.to_thread(files.read, path)
    asked = Unsigned.of(record.sender, quote.transaction)
    if before is not None and before.state == "unsigned" and before.model_id == record.model_id and before.asked:
        asked = Unsigned.of(record.sender, {**quote.transaction, **before.asked})
    else:
        found, _ = decode_signed(raw_of(data, asked))
        free = {name: getattr(found, field) for name, field in CHOSEN.items()}
        asked = Unsigned.of(record.sender, {**quote.transaction, **free})
    signed = await asyncio.to_thread(read_signed, data, asked)
    if signed.nonce != quote.nonce:
        raise TransactionFailed(
            "nonce-too-low" if signed.nonce < quote.nonce else "nonce-too-high",
            f"it was signed with nonce {signed.nonce}; the next of this account is {quote.nonce}",
            why="nonces are used in order, each once; the account has sent something since, or something is missing",
            fix="write the unsigned file anew and sign that one",
        )
    return replace(record, state="signed", nonce=signed.nonce, tx_hash=signed.hash, raw=signed.raw)
