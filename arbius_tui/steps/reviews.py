"""The review: every value that will be sent, beside what it was checked against, and the questions it raises."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from arbius_tui.domain import pinning
from arbius_tui.domain.engine import FUNCTIONS, NOBODY, WHOLE, author_share, signature
from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.networks import chain_title
from arbius_tui.domain.questions import Ask, Confirm, Consent
from arbius_tui.domain.records import PinRecord, WalletRecord
from arbius_tui.domain.template import Template
from arbius_tui.domain.text import amount, exact_bytes, grouped, short
from arbius_tui.services.ports import Look, Quote, Registration, Request, Services

LEAST_USUAL, MOST_USUAL = 10**12, 10**18
"""Wei of AIUS: the models known on chain ask 0, 0.0035 or 0.007 AIUS; outside of this a unit was likely mistaken."""

NO_KEY = {
    NOBODY: "only the engine's owner could change it, and its fees are lost",
    "0x000000000000000000000000000000000000dEaD": "an address to burn things: nobody has its key",
}
KNOWN_VERSIONS = (5, 6)
"""Versions of the engine whose calls and errors are known here; the simulation decides for any other."""

PRECOMPILES = 0xFFFF
"""Addresses up to here belong to the chain itself."""

DELEGATED = b"\xef\x01\x00"
"""How the code of an account with a key begins that acts through a contract (EIP-7702)."""


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
class Calldata:
    """The call as bytes, 0x hex, and its arguments in words, in the order of the ABI."""

    kind: ClassVar[str] = "calldata"
    id: str
    function: str
    arguments: tuple[tuple[str, str], ...]
    data: str


def calldata(request: Request, *values: str) -> Calldata:
    """The call of a request; `values` are the arguments as a person reads them."""
    names = [part.split(" ")[1].rstrip("_") for part in FUNCTIONS[request.function][0].split(", ")]
    return Calldata("call", signature(request.function), tuple(zip(names, values, strict=True)), request.data)


def call_of(r: Registration, request: Request) -> Calldata:
    """The call of a registration; the template by its size and hash."""
    template = f"{exact_bytes(len(r.template))}  sha256 {hashlib.sha256(r.template).hexdigest()}"
    listed = () if r.allow_list is None else (" ".join(r.allow_list) or "nobody",)
    return calldata(request, r.addr, f"{r.fee_wei} wei", template, *listed)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is decided before anybody is asked. `code`: what lies at addr, None where nobody looked."""

    registration: Registration
    account: WalletRecord
    template: Template
    path: str
    model_id: str
    pin: PinRecord
    code: bytes | None = None


def keyless(addr: str, engine: str) -> str:
    """Why nobody can have the key of this address; empty when somebody may."""
    if addr in NO_KEY:
        return NO_KEY[addr]
    if int(addr, 16) <= PRECOMPILES:
        return "an address of the chain itself: nobody has its key"
    return "the engine itself: it can neither use a fee nor change a model" if addr == engine else ""


async def consents(plan: Plan, look: Look, ask: Ask) -> None:
    """What wants to be meant before the review is confirmed: no owner, an odd fee, a template nobody has."""
    r = plan.registration
    if lost := keyless(r.addr, look.status.engine):
        await give_up(r.addr, lost, "your own address instead keeps the fee and the settings", ask)
    if r.allow_list == ():
        await yes(ask, "empty-allow-list", "Register with an empty allow list?",
                  "no miner may solve its tasks until the addr adds one",
                  "every task waits until a miner is added", "add miners later: owner allow ID ADDRESS")  # fmt: skip
    can = "cannot" if lost else "can"
    if r.fee_wei and not LEAST_USUAL <= r.fee_wei <= MOST_USUAL:
        await yes(ask, "odd-fee", f"Is a fee of {amount(r.fee_wei, 'AIUS')} meant?",
                  "the models on chain ask 0, 0.0035 or 0.007 AIUS; the fee is typed in AIUS, not in wei",
                  "a task that pays less is refused", f"the addr {can} change it later")  # fmt: skip
    if (question := pinning.consent(plan.pin)) and await ask(question) != "yes":
        raise not_meant(question.id)


async def give_up(addr: str, lost: str, safe: str, ask: Ask) -> None:
    """An addr that nobody has the key of wants to be meant, in writing."""
    question = Confirm(
        "nobody",
        "Type nobody to give the model up for good",
        short(addr),
        rehearsal="nobody",
        expected="nobody",
        fixed="fee, addr and allow list, as they are then",
        later=lost,
        safe=safe,
        verb="give it up",
    )
    if (await ask(question)).strip().lower() != "nobody":
        raise not_meant("nobody")


async def yes(ask: Ask, id: str, text: str, why: str, changes: str, undo: str) -> None:
    """A consent that only the author can give."""
    if await ask(Consent(id, text, why, rehearsal="yes", changes=changes, undo=undo)) != "yes":
        raise not_meant(id)


def not_meant(id: str) -> BadInput:
    """The author said no."""
    return BadInput(
        "not-confirmed",
        f"not confirmed ({id}); nothing was sent",
        why="this cannot be undone, so it wants to be meant",
        fix="change the value, or answer it: --answers FILE",
    )


def rows(plan: Plan, look: Look, quote: Quote, services: Services) -> Iterator[Review]:
    """Every value of a registration beside its source."""
    r = plan.registration
    listed = r.allow_list is not None
    call = "registerModelWithAllowList" if listed else "registerModel(addr, fee, template)"
    yield Review("call", call, *abi(look.status.version))
    yield from places(look, quote, plan.account, services)
    yield owner_row(plan, look)
    yield fee_row(plan, look)
    yield Review("bytes", f"{Path(plan.path).name}  {exact_bytes(plan.template.size)}", "ok", "as pinned", plan.path)
    yield cid_row(plan)
    yield Review("model id", short(plan.model_id), "SAME", "engine; free", plan.model_id)
    if r.allow_list is not None:
        full = " ".join(r.allow_list)
        yield Review("allow", miners(r.allow_list), "warn", "only now", full)
    yield Review("simulate", f"returns {short(quote.model_id)}", "ok", f"gas {grouped(quote.gas)}", quote.model_id)
    yield cost_row(quote)


def abi(version: int) -> tuple[str, str]:
    """A state word and what the call was checked against; other versions than those that were read are a warning."""
    return "ok" if version in KNOWN_VERSIONS else "warn", f"ABI V{version}"


def miners(listed: tuple[str, ...]) -> str:
    """An allow list in words."""
    more = f" and {len(listed) - 1} more" if len(listed) > 1 else ""
    return f"{len(listed)} miner{'s' * (len(listed) != 1)}" + (f": {short(listed[0])}{more}" if listed else "")


def places(look: Look, quote: Quote, account: WalletRecord, services: Services) -> Iterator[Review]:
    """Engine, chain and sender: the same rows for every transaction."""
    status, play = look.status, services.fund is not None
    chain = f"embedded {status.chain_id}, on this machine" if play else chain_title(status.chain_id)
    yield Review("engine", status.engine, "ok", "code, not paused", status.engine)
    two = f"2 RPCs: {host(look.where)}, {host(look.second)}" if look.second else "1 RPC alone"
    doubt = f"{chain}; the second RPC is silent: {look.doubt.what}" if look.doubt else chain
    yield Review("chain", chain, "ok" if look.second or play or not look.doubt else "warn",
                 "in process" if play else "2 RPCs" if look.second else "1 RPC",
                 f"{doubt} ({two})" if not play else "")  # fmt: skip
    yield Review("from", f"{short(account.address)}  nonce {quote.nonce}  {rough(quote.balance_wei)}", "ok",
                 "throw-away key" if play else f"{account.kind}: {account.name}", account.address)  # fmt: skip


def host(where: str) -> str:
    """A host without its scheme."""
    return where.rpartition("//")[2]


def rough(wei: int) -> str:
    """A balance in ETH to six digits after the point, rounded down; in wei where that would be nothing."""
    cut = wei - wei % 10**12
    return amount(cut, "ETH") if cut else f"{wei} wei"


def owner_row(plan: Plan, look: Look) -> Review:
    """Who owns the model."""
    r, said = plan.registration, "checksum"
    if r.addr == r.sender:
        return Review("addr", f"{short(r.addr)}  you own fee and settings", "ok", said, r.addr)
    if keyless(r.addr, look.status.engine):
        return Review("addr", f"{short(r.addr)}  nobody can manage it", "warn", "nobody's key", r.addr)
    if plan.code and not plan.code.startswith(DELEGATED):
        return Review("addr", f"{short(r.addr)}  a contract, not you", "warn", f"{len(plan.code):,} B code", r.addr)
    return Review("addr", f"{short(r.addr)}  not you", "warn", said, r.addr)


def fee_row(plan: Plan, look: Look) -> Review:
    """The fee in AIUS and wei, and what of it reaches the addr."""
    fee = plan.registration.fee_wei
    value = f"{amount(fee, 'AIUS')} a task  {fee} wei"
    if not fee:
        return Review("fee", value, "ok", "AIUS, not ETH", "0 wei: tasks pay the author nothing")
    if look.share is None:
        return Review("fee", value, "ok", "AIUS, not ETH", f"{fee} wei")
    gets = author_share(fee, look.share.treasury)
    percent = part(look.share.treasury)
    whose = "this model's own share" if look.share.own else "solutionModelFeePercentage"
    full = f"{fee} wei; the addr gets {amount(gets, 'AIUS')}, the treasury {percent} ({whose})"
    return Review("fee", value, "ok" if gets else "warn", f"you get {part(WHOLE - look.share.treasury)}", full)


def part(share: int) -> str:
    """A share of 10**18 in percent."""
    return amount(share * 100, "").strip() + "%"


def cid_row(plan: Plan) -> Review:
    """The CID, and who else came to it."""
    cid, stores = plan.template.cid, len(plan.pin.stores)
    if not stores:
        return Review("CID", short(cid), "warn", "nobody has it", cid)
    if not plan.pin.fetchable:
        return Review("CID", f"{short(cid)}  not seen fetched by others", "SAME", "engine, pin", cid)
    return Review("CID", short(cid), "SAME", "engine, pin", cid)


def cost_row(quote: Quote) -> Review:
    """What it takes now, and at most."""
    full = f"now {amount(quote.cost_wei, 'ETH')}, at most {amount(quote.max_cost_wei, 'ETH')}; gas {grouped(quote.gas)}"
    if quote.l1_gas:
        full += f", of it {grouped(quote.l1_gas)} for data on Ethereum"
    if quote.balance_wei < quote.max_cost_wei:
        full += f"; lacking {amount(quote.max_cost_wei - quote.balance_wei, 'ETH')}"
        return Review("cost", f"at most {amount(quote.max_cost_wei, 'ETH')}", "FAIL", "not covered", full)
    times = quote.balance_wei // quote.max_cost_wei if quote.max_cost_wei else 0
    said = f"covered {grouped(times)}x" if times > 1 else "covered"
    return Review("cost", f"at most {amount(quote.max_cost_wei, 'ETH')}", "ok", said, full)


def confirm(model_id: str, quote: Quote, services: Services, fixed: str, later: str, keyed: bool = True) -> Confirm:
    """The severe question."""
    rehearsal = services.fund is not None
    tail = model_id[-4:]
    safe = "the signed hash is in journal.jsonl before it is sent" if keyed else "the request is journaled before"
    return Confirm(
        "confirm",
        f"Type the last 4 characters of the model id to {'rehearse' if rehearsal else 'send'} it",
        f"1 transaction, at most {amount(quote.max_cost_wei, 'ETH')}",
        rehearsal=tail,
        expected=tail,
        fixed=fixed,
        later=later,
        safe=safe,
        verb="rehearse" if rehearsal else "send",
    )


def not_confirmed(tail: str) -> BadInput:
    """The typed confirmation was another one."""
    return BadInput(
        "not-confirmed",
        "the characters typed are not the last four of the model id",
        why="this cannot be undone, so it wants to be meant; nothing was sent",
        fix=f"the id ends in {tail}; on the command line --confirm {tail}",
    )
