"""Register: the review, one signature, one transaction.

Order: first what was journaled before; then models(id), which makes a second registration a success; then the
simulation, the question, the signature, the journal with fsync, and only then the broadcast (`sending`).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from arbius_tui.domain.engine import features, model_id, register_calldata
from arbius_tui.domain.errors import BadInput, Failure, WrongChain
from arbius_tui.domain.events import Done, Event, Found, Line, Saved
from arbius_tui.domain.evm import parse_address
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.networks import for_registration
from arbius_tui.domain.pinning import refuse_other_bytes
from arbius_tui.domain.questions import Ask, Question
from arbius_tui.domain.records import PinRecord, RegisterRecord, TemplateRecord, WalletRecord
from arbius_tui.domain.text import clean, parse_amount
from arbius_tui.services import files
from arbius_tui.services.ports import Look, Quote, Registration, Request, Sender, Services
from arbius_tui.services.rpc_errors import no_funds
from arbius_tui.steps import offline, reviews, sending
from arbius_tui.steps.base import Step
from arbius_tui.steps.pin import valid
from arbius_tui.steps.reviews import Plan, Review, keyless
from arbius_tui.steps.wire_in import entry

__all__ = ["Plan", "Register", "Review"]

STALE = 5.0
"""Seconds after which what the chain said is looked at again before anything is signed."""

NO_LIST = ("", "-", "none", "no")


class Register(Step):
    """Register the model once. `unsigned` ends with a file for another device, `signed` goes on with what it signed.

    `allow_list` names the miners that alone may solve it, None: all may. With `listing` the author is asked for it,
    with `filed` ("unsigned" or "signed") for the file.
    """

    name = "register"

    def __init__(
        self,
        allow_list: tuple[str, ...] | None = None,
        unsigned: Path | None = None,
        signed: Path | None = None,
        listing: bool = False,
        filed: str = "",
    ) -> None:
        self.allow_list, self.unsigned, self.signed, self.listing = allow_list, unsigned, signed, listing
        self.filed = filed
        self.warming: asyncio.Task[object] | None = None

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield the review, then the transaction as it goes on; already registered is a success."""
        async for event in self.work(journey, services, ask):
            record = journey.get(RegisterRecord)
            if isinstance(event, Saved) and isinstance(event.change, RegisterRecord):
                journey, record = journey.having(event.change), event.change
            if isinstance(event, Done) and event.ok and record is not None:
                yield replace(event, result={**event.result, "entry": entry(journey.project, record)})
            else:
                yield event

    async def work(self, journey: Journey, services: Services, ask: Ask) -> AsyncIterator[Event]:
        """The same without the entry for config.json."""
        for_registration(services.network)
        before = journey.get(RegisterRecord)
        if before is not None and sending.under_way(before):
            yield Line(f"first what was begun before: the registration of {before.model_id}")
            status = await services.chain.status()
            sending.same_chain(before, status.chain_id, status.engine)
            async for event in sending.resume(before, services, ask):
                yield event
            return
        if self.filed:
            await self.ask_file(ask)
        self.warming = asyncio.create_task(asyncio.to_thread(import_module, "eth_account"))  # it signs later
        plan = await make_plan(journey, services, ask, self.allow_list, self.listing)
        yield Line(f"model id, computed here: {plan.model_id}", "predicted")
        request = request_of(plan.registration)
        look = await services.chain.look(request, plan.model_id, fee=plan.registration.fee_wei > 0)
        if look.model is not None:
            async for event in there(plan, look, before, services):
                yield event
            return
        if before is not None and before.state == "mined" and before.model_id == plan.model_id:
            yield Line("the chain no longer has the block with the transaction: it was rebuilt without it")
            async for event in sending.resume(replace(before, state="sent", block=0), services, ask):
                yield event
            return
        async for event in self.fresh(plan, look, before, services, ask):
            yield event

    async def ask_file(self, ask: Ask) -> None:
        """The file that goes out, or came back."""
        if self.filed == "unsigned":
            why = "it travels to the device that has the key; nothing is sent"
            question = Question("unsigned", "Where shall the unsigned transaction lie?", why, "unsigned.json")
            self.unsigned = place(await ask(question))
        else:
            why = "what the other device wrote: 0x.. or JSON"
            self.signed = place(await ask(Question("signed", "Where is the signed transaction?", why)))

    async def fresh(
        self, plan: Plan, look: Look, before: RegisterRecord | None, services: Services, ask: Ask
    ) -> AsyncIterator[Event]:
        """Review, confirm, sign, journal, send."""
        quote, request = checked(plan, look), request_of(plan.registration)
        looked = asyncio.get_running_loop().time()
        rows = list(reviews.rows(plan, look, quote, services))
        for row in rows:
            yield Found(row)
        yield Found(reviews.call_of(plan.registration, request))
        await reviews.consents(plan, look, ask)
        record = replace(blank(plan, look), function=request.function, nonce=quote.nonce)
        if self.unsigned:
            async for event in offline.written(record, quote, rows, self.unsigned):
                yield event
            return
        if self.signed:
            record = await offline.taken(record, before, quote, self.signed)
        elif quote.balance_wei < quote.max_cost_wei:
            raise no_funds(plan.account.address, quote.max_cost_wei, quote.balance_wei)
        keyed = not isinstance(sending.vault_of(services, plan.account.kind), Sender) or bool(record.raw)
        question = reviews.confirm(
            plan.model_id, quote, services, "the template, its CID and the model id", later(plan, look), keyed
        )
        if (await ask(question)).strip().lower() != plan.model_id[-4:]:
            raise reviews.not_confirmed(plan.model_id[-4:])
        if asyncio.get_running_loop().time() - looked > STALE:
            await services.chain.still(request)
        if record.raw:
            yield Saved(record)
            yield sending.seen(record)
        events = sending.send(record, services) if record.raw else sending.start(record, quote, services, ask)
        async for event in events:
            yield event


def place(typed: str) -> Path:
    """A path as it was typed, from the home folder or from here."""
    return Path(typed).expanduser().absolute()


def later(plan: Plan, look: Look) -> str:
    """What can be changed later, and by whom."""
    if keyless(plan.registration.addr, look.status.engine):
        return "nothing: the addr is nobody's"
    if plan.registration.allow_list is None:
        return "fee and addr, by addr only; an allow list never"
    return "fee, addr and who is on the list, by addr only; ending the list is for good"


async def there(plan: Plan, look: Look, before: RegisterRecord | None, services: Services) -> AsyncIterator[Event]:
    """The model is registered already: a success, with the block it came in where the RPC knows it."""
    model = look.model
    yield Line(f"already registered, to {model.addr if model else ''}: nothing is sent")
    if before is not None and before.model_id == plan.model_id and before.state in ("mined", "already"):
        record = before
    else:
        record = replace(blank(plan, look), state="already")
        try:
            found = await services.chain.registered(plan.model_id)
        except Failure as failure:
            yield Line(f"since when, this RPC cannot say: {failure.problem.what}")
        else:
            record = replace(record, tx_hash=found.tx_hash, block=found.block)
            yield Line(f"already yours since block {found.block}, transaction {found.tx_hash}")
    yield Saved(record)
    yield sending.seen(record)
    yield Done(True, 0, sending.result(record, already=True))


async def make_plan(
    journey: Journey, services: Services, ask: Ask, allow_list: tuple[str, ...] | None = None, listing: bool = False
) -> Plan:
    """The registration, from what the steps before found and what the author answers."""
    template = journey.get(TemplateRecord) or TemplateRecord()
    pin, wallet = journey.get(PinRecord) or PinRecord(), journey.get(WalletRecord) or WalletRecord()
    data = await asyncio.to_thread(files.read, Path(template.path))
    parsed = await asyncio.to_thread(valid, data)
    refuse_other_bytes(pin, data)
    own = wallet.address
    owner = "it gets the fees and may change the fee, the address and the allow list later"
    addr = owner_of(await ask(Question("addr", "Which address shall own the model?", owner, own, own)))
    fee = await ask(Question("fee", "What fee shall a task pay, in AIUS?", "AIUS, not ETH", "0", "0"))
    if listing:
        why = "addresses with blanks between; only now can a list be given, and ending it is for good. Empty: everybody"
        allow_list = parse_list(await ask(Question("allow-list", "Which miners alone may solve it?", why, "", "")))
    registration = Registration(own, addr, parse_amount(fee), data, allow_list)
    predicted = model_id(own, registration.addr, registration.fee_wei, parsed.multihash)
    code = await services.chain.code(addr) if addr != own else None
    return Plan(registration, wallet, parsed, template.path, predicted, pin, code)


def parse_list(text: str) -> tuple[str, ...] | None:
    """Addresses as they were typed or stand in a file (`#` begins a comment), each once; None for no list."""
    lines = [line.partition("#")[0] for line in text.splitlines()]
    words = re.split(r"[\s,;]+", " ".join(lines).strip())
    if not text.strip() or text.strip().lower() in NO_LIST:
        return None
    found = [owner_of(word, "a miner") for word in words if word]
    twice = next((each for each in found if found.count(each) > 1), "")
    if twice:
        raise BadInput(
            "allow-list-twice",
            f"{clean(twice)} stands twice in the allow list",
            why="most likely another address was meant in its place",
            fix="write each address once",
        )
    return tuple(found)


def owner_of(typed: str, who: str = "the owner") -> str:
    """An address; the zero address, which the engine refuses, is refused here."""
    address = parse_address(typed)
    if int(address, 16) == 0:
        raise BadInput(
            "address-zero",
            f"{who} cannot be the zero address",
            why="the engine refuses it: it marks a model that does not exist",
            fix="give your own address; 0x..01 makes a model that nobody owns",
        )
    return address


def request_of(r: Registration) -> Request:
    """The call of this registration."""
    function = "registerModel" if r.allow_list is None else "registerModelWithAllowList"
    return Request(r.sender, function, register_calldata(r.addr, r.fee_wei, r.template, r.allow_list))


def blank(plan: Plan, look: Look) -> RegisterRecord:
    """What is known before anything is signed."""
    r = plan.registration
    return RegisterRecord(
        model_id=plan.model_id,
        cid=plan.template.cid,
        sender=r.sender,
        addr=r.addr,
        fee_wei=str(r.fee_wei),
        allow_list=r.allow_list,
        account=plan.account.name,
        vault=plan.account.kind,
        chain_id=look.status.chain_id,
        engine=look.status.engine,
    )


def checked(plan: Plan, look: Look) -> Quote:
    """The quote, once version, simulation and id are as they must be; any that is not ends here."""
    if plan.registration.allow_list is not None and not features(look.status.version).allow_lists:
        raise WrongChain(
            "no-allow-lists",
            f"this engine is of version {look.status.version}, which has no allow lists",
            why="they came with version 6",
            fix="register without a list, or choose another engine",
        )
    if look.quote is None:
        raise look.refused or WrongChain("no-quote", "the engine did not answer the simulation")
    if look.quote.model_id != plan.model_id:
        raise WrongChain(
            "id-mismatch",
            "the engine computes another model id than we do",
            why="the id is a hash of sender, addr, fee and bytes; another one means another engine or a lying RPC",
            fix="check --rpc and --engine; nothing was signed",
            detail=f"here {plan.model_id}, simulated {look.quote.model_id}",
        )
    return look.quote
