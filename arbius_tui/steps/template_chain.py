"""A registered model's template: from its transaction, proven by the id, else by its CID from a store of blocks."""

from __future__ import annotations

from arbius_tui.domain import cid as cids
from arbius_tui.domain.errors import Failure, NotReady, PinFailed, Problem, WrongChain
from arbius_tui.domain.registered import Registered, bound_by_id
from arbius_tui.domain.template import Template
from arbius_tui.domain.text import amount
from arbius_tui.services import gateways
from arbius_tui.services.ports import OnChainModel, Services
from arbius_tui.steps.model import Fact
from arbius_tui.steps.template_taken import Taken


async def from_chain(model_id: str, services: Services) -> Taken:
    """The template that was registered, proven by the id where the transaction is found, else by the CID."""
    status = await services.chain.status()
    model = await services.chain.model(model_id) if status.has_code else None
    if model is None:
        raise WrongChain(
            "model-unknown",
            f"the engine at {status.engine} on chain {status.chain_id} has no model {model_id}",
            why="a model is registered on one chain only",
            fix="compare the id, and choose the network it is on: --network one|sepolia",
        )
    where = f"model {model_id} on chain {status.chain_id}"
    try:
        found = await services.chain.registered(model_id)
    except NotReady as failure:
        return await by_cid(model_id, model, services, failure.problem, where)
    if (hashed := cids.multihash(found.call.template)) != model.cid:
        raise WrongChain(
            "registration-differs",
            "the engine names another CID than the one this model was registered with",
            why="the CID of a model never changes: one of the RPC's two answers is wrong",
            fix="take another RPC: --rpc URL",
            detail=f"registered {hashed}, models(id).cid {model.cid}",
        )
    return Taken(
        Template.parse(found.call.template), f"taken as it was registered: {where}", where, facts=of_call(found, model)
    )


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


async def by_cid(model_id: str, model: OnChainModel, services: Services, trouble: Problem, where: str) -> Taken:
    """The template from a store of blocks or a gateway, by the CID that the engine names; every block is hashed."""
    wanted = cids.from_multihash(model.cid)
    place, data = await fetched(wanted, services, trouble)
    sure = bound_by_id(model_id, model.cid, model.addr, model.fee_wei)
    proof = "the id is made of this CID, its addr and its fee" if sure else "the RPC alone says that it is the model's"
    facts = [
        Fact("proof", "proof", "ok" if sure else "warn", wanted, proof),
        Fact("transaction", "transaction", "warn", trouble.what, "so sender and calldata are not known"),
    ]
    return Taken(Template.parse(data), f"taken by its CID from {place}: {where}", where, facts=facts)


async def fetched(wanted: str, services: Services, trouble: Problem) -> tuple[str, bytes]:
    """The file of this CID and who had it: the author's own nodes first, then all gateways at once."""
    said = [trouble.what]
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
