"""Sending: a transaction from the journal to its receipt, so that a kill at any moment sends nothing twice.

What can be sent is journaled first. Whatever is unclear is looked up by hash, then by the account's nonce, then by
models(id); only the same bytes are ever sent again, and only while their nonce is free. A wallet that sends by itself
gives no bytes: what was handed over is looked for on chain, and never handed over again unasked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeVar

from arbius_tui.domain.errors import BadInput, Failure, TransactionFailed, WrongChain
from arbius_tui.domain.events import Done, Event, Found, Line, Saved
from arbius_tui.domain.questions import Ask, Consent, Question
from arbius_tui.domain.records import UNDER_WAY, OwnerRecord, RegisterRecord, TransactionRecord
from arbius_tui.domain.secret import Secret
from arbius_tui.domain.text import amount
from arbius_tui.services.ports import Quote, Receipt, Sender, SentTransaction, Services, Signer, Vault

RECEIPT_LIMIT = 120.0
"""Seconds to wait for a receipt before saying that it is pending."""

CLAIM_LIMIT, CLAIM_PAUSE = 30.0, 0.5
"""Seconds for which a hash that a wallet claims may be unknown to our RPC, and between two looks."""

REFUSED_FOR_GOOD = frozenset({"fee-too-low", "gas-limit", "transaction-too-big", "nonce-too-high"})
"""What a node says of bytes that it did not take and never will: the next review signs anew, with the same nonce."""

EVENTS = {
    "setModelFee": "ModelFeeChanged",
    "setModelAddr": "ModelAddrChanged",
    "addToModelAllowList": "ModelAllowListUpdated",
    "removeFromModelAllowList": "ModelAllowListUpdated",
    "disableModelAllowList": "ModelAllowListRequirementChanged",
}
"""The event that proves each owner's action."""

R = TypeVar("R", bound=TransactionRecord)


@dataclass(frozen=True, slots=True)
class Sent:
    """The transaction on its way. `state` as in its record."""

    kind: ClassVar[str] = "transaction"
    id: str
    state: str
    tx_hash: str
    nonce: int
    block: int = 0


def seen(record: TransactionRecord) -> Found:
    """The transaction as it stands."""
    return Found(Sent("tx", record.state, record.tx_hash, record.nonce, record.block))


def vault_of(services: Services, kind: str) -> Vault:
    """The vault that the account lies in."""
    for vault in services.vaults:
        if vault.kind == kind:
            return vault
    raise BadInput(
        "no-such-vault", f"the account lies in a {kind}, which is not open here", fix="do step 8 Wallet again"
    )


async def start(record: TransactionRecord, quote: Quote, services: Services, ask: Ask) -> AsyncIterator[Event]:
    """Sign and send, or hand over to a wallet that does both; each is journaled before it can take effect."""
    vault = vault_of(services, record.vault)
    if isinstance(vault, Signer):
        record = await sign(record, vault, quote, ask)
        yield Saved(record)
        yield seen(record)
        async for event in send(record, services):
            yield event
    elif isinstance(vault, Sender):
        async for event in hand_over(replace(record, state="handed", nonce=quote.nonce), vault, quote, services):
            yield event
    else:
        raise watch_only(record)


async def sign(record: R, vault: Signer, quote: Quote, ask: Ask) -> R:
    """The record with the signed bytes; nothing was sent."""
    password = Secret("")
    if vault.needs_password():
        password = await ask.secret(Question("password", f"The password of {record.account}", "to sign once"))
    signed = await vault.sign(record.account, password, quote.transaction)
    return replace(record, state="signed", nonce=signed.nonce, tx_hash=signed.hash, raw=signed.raw)


def watch_only(record: TransactionRecord) -> BadInput:
    """Nobody here can sign for this account."""
    return BadInput(
        "watch-only",
        f"the key of {record.account} is not here: this account can only be looked at",
        why="its transaction is signed on another device: one file goes there, and one comes back",
        fix="write the unsigned transaction: the same command with --unsigned FILE, then --signed FILE",
    )


async def send(record: TransactionRecord, services: Services) -> AsyncIterator[Event]:
    """Broadcast once and follow; a lost answer is looked up and never answered with a second broadcast."""
    try:
        await services.chain.send(record.raw)
    except TransactionFailed as failure:
        if failure.problem.code in REFUSED_FOR_GOOD:
            yield Saved(replace(record, state="failed"))
        if failure.problem.code != "send-unclear":
            raise
        yield Line("the answer was lost; looking the transaction up by its hash")
    record = replace(record, state="sent")
    yield Saved(record)
    yield seen(record)
    async for event in follow(record, services):
        yield event


async def hand_over(record: TransactionRecord, vault: Sender, quote: Quote, services: Services) -> AsyncIterator[Event]:
    """Let a wallet send. Its hash is a claim: the transaction is fetched and compared before anything is believed."""
    yield Saved(record)
    yield seen(record)
    claimed = ""
    try:
        async for step in vault.send(record.account, quote.transaction):
            claimed = step.tx_hash or claimed
            yield Found(step)
    except TransactionFailed as failure:
        if failure.problem.code == "send-unclear":
            raise
        yield Saved(replace(record, state="failed"))
        raise
    except Failure:
        yield Saved(replace(record, state="failed"))
        raise
    record = replace(record, tx_hash=claimed)
    yield Saved(record)
    sent = await claim(record, quote, services)
    record = replace(record, state="sent", nonce=sent.nonce)
    yield Saved(record)
    yield seen(record)
    async for event in follow(record, services):
        yield event


async def claim(record: TransactionRecord, quote: Quote, services: Services) -> SentTransaction:
    """The transaction that a wallet says it sent, if it is ours."""
    loop = asyncio.get_running_loop()
    until = loop.time() + CLAIM_LIMIT
    while (found := await services.chain.transaction(record.tx_hash)) is None:
        if loop.time() > until:
            raise TransactionFailed(
                "claim-unknown",
                "the wallet named a transaction that the chain does not know",
                why="it may still be on its way; nothing is handed over a second time",
                fix="run this step again: it looks for this hash and for the model",
                detail=record.tx_hash,
            )
        await asyncio.sleep(CLAIM_PAUSE)
    wanted = quote.transaction
    pairs = (
        ("sender", found.sender, record.sender), ("engine", found.to, wanted["to"]), ("data", found.data,
        wanted["data"]), ("value", found.value, 0), ("chain", found.chain_id or record.chain_id, record.chain_id),
    )  # fmt: skip
    other = [f"{name}: {short_of(is_)} instead of {short_of(want)}" for name, is_, want in pairs if is_ != want]
    if other:
        raise TransactionFailed(
            "claim-differs",
            "the wallet sent another transaction than the one reviewed",
            why="what it sent is on chain and cannot be called back; it is not this registration",
            fix="look at the transaction in your wallet, then run this step again: it looks whether the model is there",
            detail=f"{record.tx_hash}\n" + "\n".join(other),
        )
    return found


def short_of(value: object) -> str:
    """A value that may be long, as it fits in a line."""
    text = str(value)
    return text if len(text) <= 80 else f"{text[:40]}.. ({len(text)} characters)"


async def resume(record: TransactionRecord, services: Services, ask: Ask) -> AsyncIterator[Event]:
    """What an earlier run journaled: follow it if the chain knows it, else send the same bytes if the nonce is free."""
    if record.state == "handed" and not record.tx_hash:
        async for event in handed(record, services, ask):
            yield event
        return
    yield Line(f"found the transaction of an earlier run: {record.tx_hash}")
    for tx_hash in (record.tx_hash, *record.earlier):
        if await services.chain.known(tx_hash):
            async for event in follow(replace(record, state="sent"), services):
                yield event
            return
    if await services.chain.nonce(record.sender) > record.nonce:
        raise_if_waiting(record, await services.chain.used(record.sender))
        yield Saved(replace(record, state="failed"))
        raise taken(record)
    if not record.raw:
        raise TransactionFailed(
            "claim-unknown",
            "the chain does not know the transaction that the wallet named",
            why="only the wallet has it; nothing is handed over a second time unasked",
            fix="look into the wallet: send it from there, or drop it there and review again",
            detail=record.tx_hash,
        )
    yield Line("the chain does not know it: sending the same bytes")
    async for event in send(record, services):
        yield event


def taken(record: TransactionRecord) -> TransactionFailed:
    """The nonce was used by something else."""
    return TransactionFailed(
        "nonce-taken",
        f"another transaction took nonce {record.nonce} of this account",
        why="the one that was signed can never be mined now",
        fix="run this step again: it looks the model up and signs anew only if it is not there",
        detail=record.tx_hash,
    )


def raise_if_waiting(record: TransactionRecord, used: int) -> None:
    """Another transaction with our nonce that only waits may still be dropped: nothing is given up for it."""
    if used > record.nonce:
        return
    raise TransactionFailed(
        "nonce-waiting",
        f"another transaction with nonce {record.nonce} of this account is waiting to be mined",
        why="only one of the two can be mined, and it was not sent from here",
        fix="wait until it is mined or dropped, then run this step again",
        detail=record.tx_hash,
    )


async def handed(record: TransactionRecord, services: Services, ask: Ask) -> AsyncIterator[Event]:
    """A wallet had it when we were stopped, and we have no hash: the model on chain, then the nonce, tell."""
    yield Line("a wallet was asked to send this before; looking whether it did")
    if isinstance(record, RegisterRecord) and await services.chain.model(record.model_id) is not None:
        found = await services.chain.registered(record.model_id)
        record = replace(record, state="sent", tx_hash=found.tx_hash)
        yield Saved(record)
        async for event in follow(record, services):
            yield event
        return
    moved = await services.chain.nonce(record.sender) > record.nonce
    said = (
        "the account has sent a transaction since, but not this one"
        if moved
        else "the chain knows of no transaction of this account since"
    )
    yield Line(said)
    question = Consent(
        "hand-over-again",
        "Give up the request that the wallet got before?",
        f"{said}. If the wallet still shows it, refuse it there first: answered later, it would cost gas for nothing",
        changes="the next run reviews and asks the wallet anew",
        undo="nothing was sent by this",
    )
    if await ask(question) != "yes":
        raise TransactionFailed(
            "handed-over",
            "the wallet may still have the request",
            why="two requests could become two transactions; the engine takes only the first, but both cost gas",
            fix="answer it in the wallet, or refuse it there, then run this step again",
        )
    yield Saved(replace(record, state="failed"))
    yield Done(False, TransactionFailed.exit_code, result(replace(record, state="failed")))


async def follow(record: TransactionRecord, services: Services) -> AsyncIterator[Event]:
    """Wait for the receipt, of this transaction or of another with its nonce, and compare it with what was meant."""
    receipt = await receipt_of(record, services)
    if receipt is None:
        raise pending(record)
    if receipt.tx_hash == record.cancel:
        yield Saved(replace(mined(record, receipt), state="cancelled"))
        raise cancelled(record, receipt)
    if not receipt.ok:
        yield Saved(replace(mined(record, receipt), state="failed"))
        raise failed(record, receipt)
    final = mined(record, receipt)
    if not proves(record, receipt):
        yield Saved(replace(final, state="failed"))
        raise another(record, receipt)
    yield Saved(final)
    yield seen(final)
    if isinstance(final, RegisterRecord):
        yield Line(f"model id, from the engine's event: {receipt.model_id}", "mined")
    else:
        yield Line(f"the engine's event: {EVENTS[final.function]}", "mined")
    yield Done(True, 0, result(final))


async def receipt_of(record: TransactionRecord, services: Services) -> Receipt | None:
    """The receipt of whichever transaction with this nonce is mined, waited for."""
    hashes = (record.tx_hash, *record.earlier)
    if len(hashes) == 1:
        return await services.chain.receipt(record.tx_hash, RECEIPT_LIMIT)
    loop = asyncio.get_running_loop()
    until = loop.time() + RECEIPT_LIMIT
    while loop.time() < until:
        for tx_hash in hashes:
            if found := await services.chain.receipt(tx_hash, 0):
                return found
        await asyncio.sleep(CLAIM_PAUSE)
    return None


def pending(record: TransactionRecord) -> TransactionFailed:
    """Not mined in time; nothing is lost."""
    return TransactionFailed(
        "still-pending",
        f"not mined after {RECEIPT_LIMIT:.0f} seconds",
        why="it was sent and may still be mined; a second one would cost more and change nothing",
        fix="run this step again later: it looks for this transaction and never sends another",
        detail=record.tx_hash,
    )


def cancelled(record: TransactionRecord, receipt: Receipt) -> TransactionFailed:
    """The one that does nothing was mined."""
    return TransactionFailed(
        "cancelled",
        f"cancelled: nonce {record.nonce} was used by a transaction that does nothing",
        why=f"its gas is paid, {amount(receipt.cost_wei, 'ETH')}; the model is as it was",
        fix="run this step again to review anew",
        detail=receipt.tx_hash,
    )


def failed(record: TransactionRecord, receipt: Receipt) -> TransactionFailed:
    """Mined, and the engine refused it."""
    reason = receipt.problem
    return TransactionFailed(
        reason.code if reason else "reverted",
        f"the transaction was mined and failed: {reason.what if reason else 'the engine gave no reason'}",
        why=f"its gas is paid, {amount(receipt.cost_wei, 'ETH')}; nothing else was changed by it",
        fix=reason.fix.text if reason and reason.fix else "run this step again: it simulates before it signs",
        detail=receipt.tx_hash,
    )


def proves(record: TransactionRecord, receipt: Receipt) -> bool:
    """Whether the engine's own event says what was meant."""
    if isinstance(record, RegisterRecord):
        return receipt.model_id == record.model_id
    return EVENTS[record.function] in receipt.events


def another(record: TransactionRecord, receipt: Receipt) -> TransactionFailed:
    """Mined, and without the event that proves it."""
    if isinstance(record, OwnerRecord) or not receipt.model_id:
        return TransactionFailed(
            "event-missing",
            "the transaction was mined without the engine's event",
            why="without it nothing was changed; another transaction with this nonce may have been mined instead",
            fix="run this step again: it looks the model up first",
            detail=receipt.tx_hash,
        )
    return TransactionFailed(
        "event-mismatch",
        "the engine's event names another model than the one predicted",
        why="what was registered is not what was reviewed",
        fix="compare both ids before you tell anybody about the model",
        detail=f"predicted {record.model_id}, event {receipt.model_id}",
    )


def mined(record: R, receipt: Receipt) -> R:
    """The record with its receipt."""
    record = replace(
        record,
        state="mined",
        tx_hash=receipt.tx_hash,
        block=receipt.block,
        gas_used=receipt.gas_used,
        cost_wei=str(receipt.cost_wei),
    )
    return replace(record, mined_id=receipt.model_id) if isinstance(record, RegisterRecord) else record


def result(record: TransactionRecord, already: bool = False, entry: Any = None) -> dict[str, Any]:
    """What scripts read."""
    both = {
        "model_id": record.model_id,
        "sender": record.sender,
        "chain_id": record.chain_id,
        "engine": record.engine,
        "function": record.function,
        "state": record.state,
        "tx_hash": record.tx_hash,
        "nonce": record.nonce,
        "block": record.block,
        "gas_used": record.gas_used,
        "cost_wei": record.cost_wei,
        "unsigned": record.unsigned or None,
    }
    if isinstance(record, OwnerRecord):
        return {**both, "values": list(record.values)}
    if not isinstance(record, RegisterRecord):
        return both
    listed = list(record.allow_list) if record.allow_list is not None else None
    told = {"cid": record.cid, "addr": record.addr, "fee_wei": record.fee_wei, "allow_list": listed}
    return {**both, **told, "already": already, "entry": entry}


def under_way(record: TransactionRecord | None) -> bool:
    """Whether a transaction may be mined at any moment."""
    return record is not None and record.state in UNDER_WAY


def same_chain(record: TransactionRecord, chain_id: int, engine: str) -> None:
    """WrongChain when what is under way belongs elsewhere: there it must be looked for."""
    if (record.chain_id, record.engine) == (chain_id, engine):
        return
    raise WrongChain(
        "other-deployment",
        f"a transaction is under way on chain {record.chain_id}, engine {record.engine}",
        why="until it is mined or dropped there, another one could be the second of the same account",
        fix="choose that network, --rpc and --engine again, and let it end",
        detail=record.tx_hash,
    )
