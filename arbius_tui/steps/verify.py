"""Verify: any model id, from its bytes to those who list it. Nothing that anybody says is believed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from arbius_tui.domain import cid as cids
from arbius_tui.domain.errors import Failure, Fix, PinFailed, Problem, WrongChain
from arbius_tui.domain.events import Done, Event, Found, Line, Trouble
from arbius_tui.domain.evm import checksum
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.networks import network
from arbius_tui.domain.questions import Ask
from arbius_tui.domain.registered import Registered, parse_id
from arbius_tui.domain.text import amount, exact_bytes, grouped
from arbius_tui.services.gateways import first
from arbius_tui.services.listings import Listing, listings
from arbius_tui.services.ports import OnChainModel, Services
from arbius_tui.steps.base import Step

LISTED_WRONGLY = 3
"""Exit code: the model is sound, and somebody lists it with other values."""


@dataclass(frozen=True, slots=True)
class Row:
    """A thing that was looked at. `state`: SAME, ok, warn, FAIL or off."""

    kind: ClassVar[str] = "audit"
    id: str
    title: str
    state: str
    found: str
    why: str


class Verify(Step):
    """Audit a model id. `checkout` is one of the Arbius repository, looked through for who lists the model."""

    name = "verify"

    def __init__(self, model_id: str, checkout: Path | None = None) -> None:
        self.model_id, self.checkout = model_id, checkout
        self.problems: list[Problem] = []
        self.exit = 0
        self.bytes: int | None = None

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield a row for each link of the chain: engine, transaction, CID, block, listings."""
        wanted = parse_id(self.model_id)
        status = await services.chain.status()
        if not status.has_code:
            raise WrongChain(
                "no-engine", f"there is no contract at {status.engine}", fix="check --network and --engine"
            )
        model = await services.chain.model(wanted)
        if model is None:
            yield Found(Row("on-chain", "on chain", "FAIL", "the engine does not know this id", WHY["on-chain"]))
            raise WrongChain(
                "model-does-not-exist",
                f"the engine on {network(services.network).title} has no model of this id",
                why="ids belong to one engine: the same model on another chain must be registered there",
                fix="check the id and the network; `arbius-tui id FILE` computes what a registration will give",
                detail=wanted,
            )
        fee = f"fee {amount(model.fee_wei, 'AIUS')}"
        yield Found(Row("on-chain", "on chain", "ok", f"addr {model.addr}  {fee}", WHY["on-chain"]))
        async for event in self.transaction(wanted, model, services):
            yield event
        async for event in self.block(model, services):
            yield event
        async for event in self.lists(wanted, model):
            yield event
        for problem in self.problems:
            yield Trouble(problem)
        told = {"addr": model.addr, "fee_wei": str(model.fee_wei), "rate_wei": str(model.rate_wei), "cid": model.cid}
        result: dict[str, Any] = {
            "model_id": wanted, "chain_id": status.chain_id, "engine": status.engine, "on_chain": told,
            "cid": cids.from_multihash(model.cid), "bytes_found": self.bytes is not None, "bytes": self.bytes,
            "matches": not any(p.severity == "error" for p in self.problems), "problems": self.problems,
        }  # fmt: skip
        yield Done(not self.exit, self.exit, result)

    def wrong(self, problem: Problem, code: int) -> None:
        """Remember what is wrong; the first thing decides how it ends."""
        self.problems.append(problem)
        if problem.severity == "error":
            self.exit = self.exit or code

    async def transaction(self, wanted: str, model: OnChainModel, services: Services) -> AsyncIterator[Event]:
        """The registration, from the transaction that made it: bytes to CID to id."""
        try:
            found = await services.chain.registered(wanted)
        except Failure as failure:
            severity: Any = "error" if isinstance(failure, WrongChain) else "warn"
            self.wrong(replace(failure.problem, severity=severity), WrongChain.exit_code)
            state = "FAIL" if severity == "error" else "off"
            yield Found(Row("transaction", "transaction", state, failure.problem.what, WHY["transaction"]))
            return
        self.bytes = len(found.call.template)
        said = f"{found.tx_hash}  block {grouped(found.block)}  by {found.sender}"
        yield Found(Row("transaction", "transaction", "ok", said, WHY["transaction"]))
        yield Found(Row("id", "model id", "SAME", f"{wanted} is the hash of sender, addr, fee and CID", WHY["id"]))
        computed = cids.multihash(found.call.template)
        same = computed == model.cid
        text = f"{cids.from_multihash(computed)} from {exact_bytes(self.bytes)} of calldata"
        yield Found(Row("CID", "CID", "SAME" if same else "FAIL", text, WHY["CID"]))
        if not same:
            self.wrong(other_cid(computed, model.cid), WrongChain.exit_code)
        for line in changed(found, model):
            yield Line(line)

    async def block(self, model: OnChainModel, services: Services) -> AsyncIterator[Event]:
        """Whether anybody gives the block, its hash checked."""
        cid = cids.from_multihash(model.cid)
        for store in services.ipfs:
            try:
                await store.block(cid)
            except Failure as failure:
                yield Found(Row(store.id, store.id, "off", failure.problem.what, WHY["block"]))
            else:
                yield Found(Row(store.id, store.id, "SAME", cid, WHY["block"]))
        if not services.gateways:
            return
        try:
            who, data = await first(services.gateways, cid)
        except Failure as failure:
            yield Found(Row("gateway", "gateways", "warn", failure.problem.what, WHY["block"]))
            severity: Any = "error" if self.bytes is None else "warn"
            self.wrong(replace(nobody(cid), detail=failure.problem.what, severity=severity), PinFailed.exit_code)
            return
        yield Found(Row("gateway", "gateways", "SAME", f"{who} has it, {exact_bytes(len(data))}", WHY["block"]))

    async def lists(self, wanted: str, model: OnChainModel) -> AsyncIterator[Event]:
        """Who names the id in a checkout, and whether they say what is on chain."""
        if self.checkout is None:
            yield Found(Row("listings", "listed by", "off", "no checkout was given (--repo DIR)", WHY["listings"]))
            return
        found = await asyncio.to_thread(listings, self.checkout, wanted)
        if not found:
            yield Found(Row("listings", "listed by", "warn", "nobody in this checkout", WHY["listings"]))
        for listing in found:
            wrong = differences(listing, model)
            place = f"{listing.file}:{listing.line}"
            said = "; ".join(wrong) or ("as on chain" if listing.says else "names the id")
            yield Found(Row(place, place, "FAIL" if wrong else "ok", said, WHY["listings"]))
            if wrong:
                self.wrong(listed_wrongly(place, wrong), LISTED_WRONGLY)


WHY = {
    "on-chain": "miners and the website find the model by this id",
    "transaction": "the template stands in the calldata of the transaction that registered it",
    "id": "the id binds sender, addr, fee and bytes: whoever changes one of them has another model",
    "CID": "miners fetch the template by this hash of its bytes",
    "block": "without the block nobody can read the template, and nobody can use the model",
    "listings": "a consumer with another value shows users another model than the one that runs",
}
"""Why each row is looked at."""


def differences(listing: Listing, model: OnChainModel) -> list[str]:
    """What a listing says otherwise than the chain. A fee or an addr may have been changed since it was listed."""
    says = dict(listing.says)
    found = []
    if (said := says.get("cid", "")) and multihash_of(said) != model.cid:
        found.append(f"cid {said}, on chain {model.cid}")
    if (said := says.get("addr", "")) and said.lower() != model.addr.lower():
        found.append(f"addr {said}, on chain {model.addr}")
    if (said := says.get("fee", "")) and said.isdigit() and int(said) != model.fee_wei:
        found.append(f"fee {said}, on chain {model.fee_wei}")
    return found


def multihash_of(said: str) -> str:
    """A CID or a multihash as 0x hex, as it was said where it is neither."""
    if said.lower().startswith("0x"):
        return said.lower()
    try:
        return cids.to_multihash(said)
    except Failure:
        return said


def changed(found: Registered, model: OnChainModel) -> list[str]:
    """What its addr has changed since the registration."""
    lines = []
    if found.call.fee_wei != model.fee_wei:
        lines.append(f"fee at registration {amount(found.call.fee_wei, 'AIUS')}; the id stays with it")
    if checksum(found.call.addr) != model.addr:
        lines.append(f"addr at registration {found.call.addr}; the id stays with it")
    if found.call.allow_list is not None:
        lines.append(f"registered with an allow list of {len(found.call.allow_list)}")
    return lines


def other_cid(computed: str, said: str) -> Problem:
    """Bytes and chain disagree."""
    return Problem(
        "cid-mismatch",
        "the CID on chain is not that of the registered bytes",
        "miners look for the CID on chain; another RPC may say another",
        Fix("take another RPC: --rpc URL"),
        f"computed {computed}, on chain {said}",
    )


def nobody(cid: str) -> Problem:
    """No gateway has it."""
    return Problem(
        "gateway-absent",
        f"no gateway has the template {cid}",
        "miners and the website fetch it by this CID; without it nobody can use the model",
        Fix("pin the very same bytes: arbius-tui template draft --model-id ID -o FILE, then arbius-tui pin FILE"),
    )


def listed_wrongly(place: str, wrong: list[str]) -> Problem:
    """A consumer says something else."""
    return Problem(
        "listed-wrongly",
        f"{place} lists the model with other values: {'; '.join(wrong)}",
        "its users see another model than the one that runs",
        Fix("correct the entry; `arbius-tui wire-in` prints a whole one"),
        path=place,
    )
