"""What the addr of a model may change later: its fee, the addr itself, and its allow list; the same review as ever.

Only the account in the model's addr may, not the one that registered it; the id stays the same through all of it. These
calls work while the engine is paused, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from arbius_tui.domain.engine import call_data, features, signature
from arbius_tui.domain.errors import BadInput, WrongChain
from arbius_tui.domain.events import Done, Event, Found, Line, Saved
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.networks import for_registration
from arbius_tui.domain.questions import Ask, Choice, Question
from arbius_tui.domain.records import OwnerRecord, WalletRecord
from arbius_tui.domain.registered import parse_id
from arbius_tui.domain.text import amount, grouped, parse_amount, short
from arbius_tui.services.ports import Look, OnChainModel, Quote, Request, Sender, Services
from arbius_tui.services.rpc_errors import no_funds
from arbius_tui.steps import offline, reviews, sending
from arbius_tui.steps.base import Step
from arbius_tui.steps.register import STALE, owner_of
from arbius_tui.steps.reviews import Review, keyless

FUNCTIONS = {
    "set-fee": "setModelFee",
    "set-addr": "setModelAddr",
    "allow": "addToModelAllowList",
    "disallow": "removeFromModelAllowList",
    "open": "disableModelAllowList",
}
"""The engine's function of each action."""

LISTS = ("allow", "disallow", "open")


@dataclass(frozen=True, slots=True)
class Change:
    """One action on one model; `values` are a fee in AIUS, an address, or miners."""

    action: str
    model_id: str
    values: tuple[str, ...] = ()

    @classmethod
    def parse(cls, action: str, model_id: str, values: tuple[str, ...]) -> Change:
        """As it was typed; BadInput for anything that the engine could not take."""
        wanted = {"set-fee": "one fee in AIUS", "set-addr": "one address", "open": "nothing more"}
        count = {"set-fee": 1, "set-addr": 1, "open": 0}.get(action, max(1, len(values)))
        if action not in FUNCTIONS or len(values) != count:
            raise BadInput(
                "owner-action",
                f"{action} takes the model's id and {wanted.get(action, 'one address or more')}",
                fix="set-fee ID AIUS, set-addr ID ADDRESS, allow ID ADDRESS.., disallow ID ADDRESS.., or open ID",
            )
        if action == "set-fee":
            return cls(action, parse_id(model_id), (str(parse_amount(values[0])),))
        found = tuple(owner_of(value, "the owner" if action == "set-addr" else "a miner") for value in values)
        return cls(action, parse_id(model_id), tuple(dict.fromkeys(found)))

    @property
    def function(self) -> str:
        """The engine's function."""
        return FUNCTIONS[self.action]

    def request(self, sender: str) -> Request:
        """The call."""
        id = bytes.fromhex(self.model_id[2:])
        arguments: tuple[object, ...] = (id, self.values)
        if self.action == "set-fee":
            arguments = (id, int(self.values[0]))
        elif self.action in ("set-addr", "open"):
            arguments = (id, *self.values)
        return Request(sender, self.function, call_data(self.function, *arguments))

    def said(self, model: OnChainModel) -> tuple[str, str]:
        """What it was and what it becomes, in words."""
        match self.action:
            case "set-fee":
                return amount(model.fee_wei, "AIUS"), f"{amount(int(self.values[0]), 'AIUS')}  {self.values[0]} wei"
            case "set-addr":
                return model.addr, self.values[0]
            case "open":
                return "listed miners alone", "every miner, for good"
            case _:
                return "as listed", f"{'+' if self.action == 'allow' else '-'} {reviews.miners(self.values)}"

    def done_before(self, model: OnChainModel) -> bool:
        """Whether the chain has it so already."""
        now = {"set-fee": str(model.fee_wei), "set-addr": model.addr}
        return self.action in now and now[self.action] == self.values[0]


class Owner(Step):
    """Review, confirm, sign, journal, send and follow one change; `of` is a model whose change the author is asked."""

    name = "owner"

    def __init__(
        self, change: Change | None = None, unsigned: Path | None = None, signed: Path | None = None, of: str = ""
    ) -> None:
        self.change, self.unsigned, self.signed, self.of = change, unsigned, signed, of

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield the review, then the transaction as it goes on; what the chain has so already is a success."""
        for_registration(services.network)
        before = journey.get(OwnerRecord)
        if before is not None and sending.under_way(before):
            status = await services.chain.status()
            sending.same_chain(before, status.chain_id, status.engine)
            yield Line(f"first what was begun before: {before.function} of {before.model_id}")
            async for event in sending.resume(before, services, ask):
                yield event
            return
        change = self.change or await asked(self.of, ask)
        wallet = journey.get(WalletRecord) or WalletRecord()
        look = await services.chain.look(change.request(wallet.address), change.model_id)
        if change.done_before(known(look, change)):
            yield Line("the engine has it so already: nothing is sent")
            record = replace(blank(change, look, wallet), state="already")
            yield Done(True, 0, {**sending.result(record), "already": True})
            return
        async for event in self.fresh(change, look, wallet, before, services, ask):
            yield event

    async def fresh(
        self,
        change: Change,
        look: Look,
        wallet: WalletRecord,
        before: OwnerRecord | None,
        services: Services,
        ask: Ask,
    ) -> AsyncIterator[Event]:
        """Everything from the review on."""
        quote, request = checked(look, change), change.request(wallet.address)
        looked = asyncio.get_running_loop().time()
        rows = list(review(change, look, known(look, change), quote, wallet, services))
        for row in rows:
            yield Found(row)
        words = (" ".join(change.values),) if change.values else ()
        yield Found(reviews.calldata(request, change.model_id, *words))
        record = replace(blank(change, look, wallet), nonce=quote.nonce)
        if self.unsigned:
            async for event in offline.written(record, quote, rows, self.unsigned):
                yield event
            return
        await meant(change, look, ask)
        if self.signed:
            record = await offline.taken(record, before, quote, self.signed)
        elif quote.balance_wei < quote.max_cost_wei:
            raise no_funds(wallet.address, quote.max_cost_wei, quote.balance_wei)
        keyed = bool(record.raw) or not isinstance(sending.vault_of(services, wallet.kind), Sender)
        question = reviews.confirm(change.model_id, quote, services, *consequence(change), keyed)
        if (await ask(question)).strip().lower() != change.model_id[-4:]:
            raise reviews.not_confirmed(change.model_id[-4:])
        if asyncio.get_running_loop().time() - looked > STALE:
            await services.chain.still(request)
        if record.raw:
            yield Saved(record)
            yield sending.seen(record)
        events = sending.send(record, services) if record.raw else sending.start(record, quote, services, ask)
        async for event in events:
            yield event


ACTIONS = (
    ("set-fee", "another fee for each task"),
    ("set-addr", "hand the model to another address"),
    ("allow", "put miners on the allow list"),
    ("disallow", "take miners off the allow list"),
    ("open", "end the allow list for good"),
)


async def asked(model_id: str, ask: Ask) -> Change:
    """What the author wants to change about this model."""
    action = await ask(Choice("owner-action", "What shall change?", "only the model's addr may", options=ACTIONS))
    typed: tuple[str, ...] = ()
    if action != "open":
        texts = {"set-fee": ("The new fee, in AIUS", "AIUS, not ETH"), "set-addr": ("The new addr", "0x and 40 digits")}
        text, why = texts.get(action, ("The miners' addresses", "with blanks between"))
        typed = tuple((await ask(Question("owner-value", text, why))).split())
    return Change.parse(action, model_id, typed)


def known(look: Look, change: Change) -> OnChainModel:
    """The model; WrongChain when the engine has none, or cannot do this."""
    can = features(look.status.version)
    if not (can.allow_lists if change.action in LISTS else can.set_model):
        raise WrongChain(
            "engine-too-old",
            f"this engine is of version {look.status.version} and has no {change.function}",
            why="fee and addr can be changed since version 4, allow lists since version 6",
            fix="choose the engine that the model lies in: --engine",
        )
    if look.model is None:
        raise WrongChain(
            "model-does-not-exist",
            "the engine has no model of this id",
            why="ids belong to one engine: the same model on another chain must be registered there",
            fix="check the id and the network",
            detail=change.model_id,
        )
    return look.model


def checked(look: Look, change: Change) -> Quote:
    """The quote; the simulation's refusal in words."""
    if look.quote is None:
        raise look.refused or WrongChain("no-quote", "the engine did not answer the simulation", detail=change.model_id)
    return look.quote


async def meant(change: Change, look: Look, ask: Ask) -> None:
    """Giving a model to nobody wants to be meant."""
    if change.action != "set-addr" or not (lost := keyless(change.values[0], look.status.engine)):
        return
    await reviews.give_up(change.values[0], lost, "another address of yours keeps the settings", ask)


def consequence(change: Change) -> tuple[str, str]:
    """What is fixed by it, and what can be changed later."""
    return {
        "set-fee": ("this one transaction", "the fee, as often as you like"),
        "set-addr": (
            "your say in this model: the new addr alone decides from then on",
            "everything, by the new addr",
        ),
        "open": ("the end of the list: no function turns it on again", "fee and addr, by addr only"),
    }.get(change.action, ("this one transaction", "the list, as often as you like"))


def review(
    change: Change, look: Look, model: OnChainModel, quote: Quote, wallet: WalletRecord, services: Services
) -> Iterator[Review]:
    """Every value beside its source."""
    was, becomes = change.said(model)
    yield Review("call", signature(change.function), *reviews.abi(look.status.version))
    for row in reviews.places(look, quote, wallet, services):
        yield replace(row, against="has code") if row.id == "engine" else row
    yield Review("model id", short(change.model_id), "ok", "models(id)", change.model_id)
    mine = model.addr == wallet.address
    whose = "you" if mine else "not you"
    yield Review("addr", f"{short(model.addr)}  {whose}", "ok" if mine else "warn", "models(id)", model.addr)
    yield Review("now", short(was), "ok", "models(id)", was)
    one_way = change.action in ("open", "set-addr")
    yield Review("becomes", short_all(becomes), "warn" if one_way else "ok", "calldata",
                 " ".join(change.values) or becomes)  # fmt: skip
    yield Review("simulate", "the engine takes it", "ok", f"gas {grouped(quote.gas)}")
    yield reviews.cost_row(quote)


def short_all(text: str) -> str:
    """An address cut, other words as they are."""
    return short(text) if text.startswith("0x") else text


def blank(change: Change, look: Look, wallet: WalletRecord) -> OwnerRecord:
    """What is known before anything is signed."""
    return OwnerRecord(
        model_id=change.model_id,
        function=change.function,
        values=change.values,
        sender=wallet.address,
        account=wallet.name,
        vault=wallet.kind,
        chain_id=look.status.chain_id,
        engine=look.status.engine,
    )
