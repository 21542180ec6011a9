"""A registered model's template: from its transaction, proven by the id, else by its CID from a store of blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from arbius_tui.domain import cid as cids
from arbius_tui.domain.errors import Failure, PinFailed, WrongChain
from arbius_tui.domain.registered import Registered, bound_by_id
from arbius_tui.domain.template import Template
from arbius_tui.domain.text import amount
from arbius_tui.services import gateways
from arbius_tui.services.ports import Chain, OnChainModel, Services
from arbius_tui.steps.model import Fact
from arbius_tui.steps.template_taken import Taken


@dataclass(frozen=True, slots=True)
class Answer:
    """What one RPC says of a model: where its engine lies, the model, its registration, or the trouble it had."""

    where: str
    chain_id: int = 0
    engine: str = ""
    model: OnChainModel | None = None
    found: Registered | None = None
    trouble: Failure | None = None

    @property
    def words(self) -> str:
        """Why this RPC gave no registration."""
        return self.trouble.problem.what if self.trouble else f"its engine {self.engine} has no such model"


async def from_chain(model_id: str, services: Services) -> Taken:
    """The template that was registered, proven by the id where the transaction is found, else by the CID.

    Every RPC is asked in its turn until one names a transaction that gives the id: no second one could prove more.
    """
    answers: list[Answer] = []
    for where, chain in services.chains or (("the chain", services.chain),):
        answer = await asked(where, chain, model_id)
        if answer.found and answer.model:
            return of_transaction(answer.found, answer.model, answer.chain_id, in_vain(answers))
        answers.append(answer)
    known = next((answer for answer in answers if answer.model), None)
    if known is None or known.model is None:
        raise unknown(model_id, answers)
    if (wrong := next((a.trouble for a in answers if isinstance(a.trouble, WrongChain) and a.model), None)) is not None:
        raise told_by_all(wrong, answers)
    return await by_cid(model_id, known.model, known.chain_id, services, answers)


async def asked(where: str, chain: Chain, model_id: str) -> Answer:
    """What one RPC says; its trouble is part of the answer."""
    answer = Answer(where)
    try:
        status = await chain.status()
        answer = replace(answer, chain_id=status.chain_id, engine=status.engine)
        model = await chain.model(model_id) if status.has_code else None
        if model is None:
            return answer
        answer = replace(answer, model=model)
        found = await chain.registered(model_id)
    except Failure as failure:
        return replace(answer, trouble=failure)
    hashed = cids.multihash(found.call.template)
    return replace(answer, found=found) if hashed == model.cid else replace(answer, trouble=differs(hashed, model.cid))


def differs(registered: str, named: str) -> WrongChain:
    """Two answers of one RPC that cannot both be right."""
    return WrongChain(
        "registration-differs",
        "the engine names another CID than the one this model was registered with",
        why="the CID of a model never changes: one of the RPC's two answers is wrong",
        fix="take another RPC: --rpc URL",
        detail=f"registered {registered}, models(id).cid {named}",
    )


def unknown(model_id: str, answers: Sequence[Answer]) -> Failure:
    """No RPC knows the model; where none could be asked at all, the first one's trouble."""
    heard = next((answer for answer in answers if answer.trouble is None), None)
    if heard is None and answers[0].trouble is not None:
        return told_by_all(answers[0].trouble, answers)
    engine = f"the engine at {heard.engine} on chain {heard.chain_id}" if heard else "the engine"
    return WrongChain(
        "model-unknown",
        f"{engine} has no model {model_id}",
        why="a model is registered on one chain only",
        fix="compare the id, and choose the network it is on: --network one|sepolia",
        detail=told(answers) if len(answers) > 1 else "",
    )


def told_by_all(failure: Failure, answers: Sequence[Answer]) -> Failure:
    """A failure with what every RPC said, where there are several."""
    if len(answers) > 1:
        problem = failure.problem
        failure.problem = replace(problem, detail="\n".join(filter(None, (problem.detail, told(answers)))))
    return failure


def told(answers: Sequence[Answer]) -> str:
    """Which RPC failed, and why: one line each."""
    return "\n".join(f"{answer.where}: {answer.words}" for answer in answers)


def in_vain(answers: Sequence[Answer]) -> list[Fact]:
    """The RPCs that could not say how the model was registered."""
    return [Fact(f"rpc-{n}", "rpc", "warn", answer.words, answer.where) for n, answer in enumerate(answers, 1)]


def of_transaction(found: Registered, model: OnChainModel, chain_id: int, before: list[Fact]) -> Taken:
    """The template as it stands in the calldata of its registration."""
    where = f"model {found.model_id} on chain {chain_id}"
    facts = [*before, *of_call(found, model)]
    return Taken(Template.parse(found.call.template), f"taken as it was registered: {where}", where, facts=facts)


def of_call(found: Registered, model: OnChainModel) -> list[Fact]:
    """Who registered it, with what, and how that is proven."""
    call = found.call
    proof = "keccak256(sender, addr, fee, CID of these bytes) is the id"
    fee, addr = amount(call.fee_wei, "AIUS"), call.addr
    now = [] if call.addr == model.addr else [f"now {model.addr}"]
    paid = [] if call.fee_wei == model.fee_wei else [f"now {amount(model.fee_wei, 'AIUS')}"]
    return [
        Fact("proof", "proof", "ok", found.model_id, proof),
        Fact("transaction", "transaction", "ok", f"{found.tx_hash} in block {found.block}", "its calldata"),
        Fact("sender", "sender", "ok", found.sender, "the id is made of it"),
        Fact("addr", "addr", "ok", ", ".join([addr, *now]), "may change the model"),
        Fact("fee", "fee", "ok", ", ".join([fee, *paid]), "of a task"),
    ]


async def by_cid(
    model_id: str, model: OnChainModel, chain_id: int, services: Services, answers: Sequence[Answer]
) -> Taken:
    """The template from a store of blocks or a gateway, by the CID that the engine names; every block is hashed."""
    wanted = cids.from_multihash(model.cid)
    place, data = await fetched(wanted, services, told(answers))
    sure = bound_by_id(model_id, model.cid, model.addr, model.fee_wei)
    proof = "the id is made of this CID, its addr and its fee" if sure else "the RPC alone says that it is the model's"
    facts = [
        Fact("proof", "proof", "ok" if sure else "warn", wanted, proof),
        *in_vain(answers),
        Fact("transaction", "transaction", "warn", "no RPC names it", "so sender and calldata are not known"),
    ]
    where = f"model {model_id} on chain {chain_id}"
    return Taken(Template.parse(data), f"taken by its CID from {place}: {where}", where, facts=facts)


async def fetched(wanted: str, services: Services, trouble: str) -> tuple[str, bytes]:
    """The file of this CID and who had it: the author's own nodes first, then all gateways at once."""
    said = [trouble]
    for store in services.ipfs:
        try:
            return store.id, cids.content(await store.block(wanted))
        except Failure as failure:
            said.append(f"{store.id}: {failure.problem.what}")
    try:
        place, block = await gateways.first(services.gateways, wanted)
        return place, cids.content(block)
    except Failure as failure:
        said.append(failure.problem.what)
    raise PinFailed(
        "template-unreachable",
        f"the model is registered, and its template cannot be had: CID {wanted}",
        why="neither the registering transaction, a node nor a gateway gives its bytes",
        fix="take an RPC with full history (--rpc URL), or who can fetch it (--ipfs URL, --gateway URL)",
        detail="\n".join(said),
    )
