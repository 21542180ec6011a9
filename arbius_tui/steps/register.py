"""Register: the review, one signature, one transaction.

Order: first what was journaled before; then models(id), which makes a second registration a success; then the
simulation, the question, the signature, the journal with fsync, and only then the broadcast (`sending`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from arbius_tui.domain.engine import NOBODY, model_id
from arbius_tui.domain.errors import BadInput, PinFailed, WrongChain
from arbius_tui.domain.events import Done, Event, Found, Line, Saved
from arbius_tui.domain.evm import parse_address
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.networks import for_registration
from arbius_tui.domain.questions import Ask, Confirm, Question
from arbius_tui.domain.records import PinRecord, RegisterRecord, TemplateRecord, WalletRecord
from arbius_tui.domain.secret import Secret
from arbius_tui.domain.template import Template
from arbius_tui.domain.text import amount, exact_bytes, grouped, parse_amount, short
from arbius_tui.services import files
from arbius_tui.services.ports import ChainStatus, Quote, Registration, Services, Signer
from arbius_tui.services.rpc_errors import no_funds
from arbius_tui.steps import sending
from arbius_tui.steps.base import Step
from arbius_tui.steps.pin import valid


@dataclass(frozen=True, slots=True)
class Review:
    """A row of the review: what will be sent, and what it was checked against."""

    kind: ClassVar[str] = "review"
    id: str
    value: str
    state: str
    against: str
    full: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is decided before anybody is asked."""

    registration: Registration
    account: WalletRecord
    template: Template
    path: str
    model_id: str
    status: ChainStatus


class Register(Step):
    """Register the model once."""

    name = "register"

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield the review, then the transaction as it goes on; already registered is a success."""
        for_registration(services.network)
        if (record := unfinished(journey)) is not None:
            async for event in sending.resume(record, services):
                yield event
            return
        plan = await make_plan(journey, services, ask)
        yield Line(f"model id, computed here: {plan.model_id}", "predicted")
        there = await services.chain.model(plan.model_id)
        if there is not None:
            before = journey.get(RegisterRecord)
            same = before is not None and before.model_id == plan.model_id
            record = before if same and before is not None else replace(blank(plan), state="already")
            yield Line(f"already registered, to {there.addr}: nothing is sent")
            yield Saved(record)
            yield sending.seen(record)
            yield Done(True, 0, sending.result(record, already=True))
            return
        async for event in self.fresh(plan, services, ask):
            yield event

    async def fresh(self, plan: Plan, services: Services, ask: Ask) -> AsyncIterator[Event]:
        """Review, confirm, sign, journal, send."""
        quote = await checked(plan, services)
        for row in review(plan, quote, services):
            yield Found(row)
        typed = await ask(confirm(plan, quote, services))
        if typed.strip().lower() != plan.model_id[-4:]:
            raise not_confirmed(plan.model_id[-4:])
        vault = vault_of(services, plan.account.kind)
        password = Secret("")
        if vault.needs_password():
            password = await ask.secret(Question("password", f"The password of {plan.account.name}", "to sign once"))
        signed = await vault.sign(plan.account.name, password, quote.transaction)
        record = replace(blank(plan), state="signed", nonce=signed.nonce, tx_hash=signed.hash, raw=signed.raw)
        yield Saved(record)
        yield sending.seen(record)
        async for event in sending.send(record, services):
            yield event


def unfinished(journey: Journey) -> RegisterRecord | None:
    """The transaction that an earlier run signed and did not see mined."""
    record = journey.get(RegisterRecord)
    return record if record is not None and record.state in ("signed", "sent") else None


async def make_plan(journey: Journey, services: Services, ask: Ask) -> Plan:
    """The registration, from what the steps before found and what the author answers."""
    template = journey.get(TemplateRecord) or TemplateRecord()
    pin, wallet = journey.get(PinRecord) or PinRecord(), journey.get(WalletRecord) or WalletRecord()
    data = await asyncio.to_thread(files.read, Path(template.path))
    parsed = valid(data)
    if parsed.cid != pin.cid:
        raise PinFailed(
            "changed-since-pin",
            "the template has changed since it was pinned",
            why="the bytes pinned must be the bytes registered, or nobody finds the template",
            fix="do step 7 Pin again",
            detail=f"pinned {pin.cid}, now {parsed.cid}",
        )
    own = wallet.address
    owner = "it gets the fees and may change the fee, the address and the allow list later"
    addr = await ask(Question("addr", "Which address shall own the model?", owner, own, own))
    fee = await ask(Question("fee", "What fee shall a task pay, in AIUS?", "AIUS, not ETH", "0", "0"))
    registration = Registration(own, owner_of(addr), parse_amount(fee), data)
    predicted = model_id(own, registration.addr, registration.fee_wei, parsed.multihash)
    return Plan(registration, wallet, parsed, template.path, predicted, await services.chain.status())


def owner_of(typed: str) -> str:
    """The owner's address; the zero address, which the engine refuses, is refused here."""
    address = parse_address(typed)
    if int(address, 16) == 0:
        raise BadInput(
            "address-zero",
            "the owner cannot be the zero address",
            why="the engine refuses it: it marks a model that does not exist",
            fix="give your own address; 0x..01 makes a model that nobody owns",
        )
    return address


def blank(plan: Plan) -> RegisterRecord:
    """What is known before anything is signed."""
    r = plan.registration
    return RegisterRecord(
        model_id=plan.model_id,
        cid=plan.template.cid,
        sender=r.sender,
        addr=r.addr,
        fee_wei=str(r.fee_wei),
        chain_id=plan.status.chain_id,
        engine=plan.status.engine,
    )


async def checked(plan: Plan, services: Services) -> Quote:
    """Engine, CID, id and money, each from the chain itself; any that differs ends here."""
    if plan.status.paused:
        raise WrongChain(
            "engine-paused",
            "the engine is paused",
            why="it refuses every registration until it is not",
            fix="wait, and look again with F5; ask in the Arbius channels how long",
        )
    said = await services.chain.hash_model(plan.registration, plan.template.multihash)
    quote = await services.chain.quote(plan.registration)
    if not said == quote.model_id == plan.model_id:
        raise WrongChain(
            "id-mismatch",
            "the engine computes another model id than we do",
            why="the id is a hash of sender, addr, fee and bytes; another one means another engine or a lying RPC",
            fix="check --rpc and --engine; nothing was signed",
            detail=f"here {plan.model_id}, hashModel {said}, simulated {quote.model_id}",
        )
    if quote.balance_wei < quote.max_cost_wei:
        raise no_funds(plan.account.address, quote.max_cost_wei, quote.balance_wei)
    return quote


def not_confirmed(tail: str) -> BadInput:
    """The typed confirmation was another one."""
    return BadInput(
        "not-confirmed",
        "the characters typed are not the last four of the model id",
        why="this cannot be undone, so it wants to be meant; nothing was sent",
        fix=f"the id ends in {tail}; on the command line --confirm {tail}",
    )


def vault_of(services: Services, kind: str) -> Signer:
    """The vault that the account lies in."""
    for vault in services.vaults:
        if vault.kind == kind and isinstance(vault, Signer):
            return vault
    raise BadInput(
        "no-such-vault", f"the account lies in a {kind}, which is not open here", fix="do step 8 Wallet again"
    )


def confirm(plan: Plan, quote: Quote, services: Services) -> Confirm:
    """The severe question."""
    rehearsal = services.fund is not None
    tail = plan.model_id[-4:]
    return Confirm(
        "confirm",
        f"Type the last 4 characters of the model id to {'rehearse' if rehearsal else 'send'} it",
        f"1 transaction, at most {amount(quote.max_cost_wei, 'ETH')}",
        rehearsal=tail,
        expected=tail,
        fixed="the template, its CID and the model id",
        later="fee, addr and allow list, by addr only",
        safe="the signed hash is in journal.jsonl before it is sent",
        verb="rehearse" if rehearsal else "send",
    )


def review(plan: Plan, quote: Quote, services: Services) -> list[Review]:
    """Every value beside its source."""
    r, status = plan.registration, plan.status
    play = services.fund is not None
    nobody = (
        "nobody can manage it" if r.addr == NOBODY else "owns fee and settings" if r.addr == r.sender else "not yours"
    )
    chain = f"embedded {status.chain_id}, on this machine" if play else f"{services.network} {status.chain_id}"
    return [
        Review("call", "registerModel(addr, fee, template)", "ok", f"ABI V{status.version}"),
        Review("engine", status.engine, "ok", "code, not paused", status.engine),
        Review("chain", chain, "ok", "in process" if play else "eth_chainId"),
        Review("from", f"{short(r.sender)}  nonce {quote.nonce}  {amount(quote.balance_wei, 'ETH')}", "ok",
               "throw-away key" if play else f"{plan.account.kind}: {plan.account.name}", r.sender),
        Review("addr", f"{short(r.addr)}  {nobody}", "warn" if r.addr != r.sender else "ok", "checksum", r.addr),
        Review("fee", f"{amount(r.fee_wei, 'AIUS')} a task  {r.fee_wei} wei", "ok", "AIUS, not ETH"),
        Review("bytes", f"{Path(plan.path).name}  {exact_bytes(plan.template.size)}", "ok", "as pinned", plan.path),
        Review("CID", short(plan.template.cid), "SAME", "here, as pinned", plan.template.cid),
        Review("model id", short(plan.model_id), "SAME", "engine, and free", plan.model_id),
        Review("simulate", f"returns {short(quote.model_id)}", "ok", f"gas {grouped(quote.gas)}", quote.model_id),
        Review("cost", f"at most {amount(quote.max_cost_wei, 'ETH')}", "ok", "covered"),
    ]  # fmt: skip
