"""The registering transaction of a model, found on a real node and on the embedded chain."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from arbius_tui.domain import engine
from arbius_tui.domain.cid import multihash
from arbius_tui.domain.errors import Failure, NotReady, WrongChain
from arbius_tui.rehearsal.chain import REHEARSAL
from arbius_tui.services.chain import open_chain
from tests.services.chains import ETHER, Stage, anvil_stage, ask, embedded_stage
from tests.services.fault_proxy import FaultProxy

TEMPLATE = b'{"meta":{},"input":[],"output":[]}\n'
FORWARD = "0x363d3d373d3d363d3d73" + REHEARSAL.engine[2:].lower() + "5af100"
"""A contract that calls the engine with what it is called with."""


@pytest.fixture(params=[pytest.param("anvil", marks=pytest.mark.real), "embedded"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    if request.param == "embedded":
        async with embedded_stage() as found:
            await found.fund(found.author, ETHER)
            yield found
    else:
        async with anvil_stage(request.getfixturevalue("anvil")) as found:
            await found.fund(found.author, ETHER)
            yield found


async def registered(stage: Stage, template: bytes = TEMPLATE, **changes: object) -> str:
    """Register; the model's id."""
    quote = await stage.chain.quote(stage.registration(template, **changes))
    receipt = await stage.chain.receipt(await stage.send(quote), 10)
    assert receipt is not None
    assert receipt.ok
    return receipt.model_id


async def test_the_bytes_of_the_transaction_are_given_and_proven(stage: Stage) -> None:
    await registered(stage, b"another one")
    model_id = await registered(stage)
    await registered(stage, b"a third one")
    found = await stage.chain.registered(model_id)
    assert found.call.template == TEMPLATE
    assert (found.model_id, found.sender, found.call.addr) == (model_id, stage.author, stage.author)
    assert found.call.fee_wei == stage.registration().fee_wei
    assert found.call.allow_list is None
    assert found.block > 0
    assert await stage.chain.known(found.tx_hash)


async def test_an_allow_list_and_a_big_template(stage: Stage) -> None:
    listed = (stage.author, "0x" + "11" * 20)
    model_id = await registered(stage, b"x" * 30_000, allow_list=listed)
    found = await stage.chain.registered(model_id)
    assert found.call.template == b"x" * 30_000
    assert found.call.allow_list == listed


async def test_a_model_that_nobody_registered(stage: Stage) -> None:
    with pytest.raises(NotReady) as failure:
        await stage.chain.registered("0x" + "ab" * 32)
    assert failure.value.problem.code == "registration-not-found"


@pytest.mark.real
async def test_a_contract_that_registered_is_the_sender(anvil: str) -> None:
    relay = engine.checksum("0x" + "e1" * 20)
    async with anvil_stage(anvil) as stage:
        await stage.fund(stage.author, ETHER)
        ask(anvil, "anvil_setCode", relay, FORWARD)
        quote = await stage.chain.quote(stage.registration(TEMPLATE))
        tx_hash = await stage.send(quote, to=relay, gas=quote.gas + 100_000)
        receipt = await stage.chain.receipt(tx_hash, 10)
        assert receipt is not None
        found = await stage.chain.registered(receipt.model_id)
        assert (found.sender, found.call.addr) == (relay, stage.author)
        assert receipt.model_id == engine.model_id(relay, stage.author, found.call.fee_wei, multihash(TEMPLATE))


@pytest.mark.real
async def test_an_rpc_that_looks_not_far_back_is_asked_for_the_one_block(anvil: str) -> None:
    async with (
        anvil_stage(anvil) as stage,
        FaultProxy(anvil, "eth_getLogs=error:-32005:block range too large*1") as proxy,
    ):
        await stage.fund(stage.author, ETHER)
        ask(anvil, "anvil_mine", hex(40))
        model_id = await registered(stage)
        ask(anvil, "anvil_mine", hex(300))
        async with open_chain(proxy.url, REHEARSAL) as chain:
            found = await chain.registered(model_id)
        assert found.call.template == TEMPLATE
        methods = [name for seen in proxy.seen for name in seen.names]
        assert methods.count("eth_getLogs") == 2
        assert 5 < methods.count("eth_call") < 14


@pytest.mark.real
@pytest.mark.parametrize(
    ("rules", "kind", "code"),
    [
        (["eth_getLogs=error:-32005:block range too large"], NotReady, "registration-not-found"),
        (["eth_getLogs=error:-32005:too large*1", "eth_call=error:-32000:missing trie node"], NotReady,
         "registration-not-found"),
        (["eth_getLogs=status:403"], NotReady, "rpc-denied"),
        (["eth_getLogs=json:{\"result\": 5}"], NotReady, "registration-not-found"),
        (["eth_getLogs=json:{\"result\": []}"], NotReady, "registration-not-found"),
        (["eth_getTransactionByHash=null"], WrongChain, "registration-differs"),
        (["eth_getTransactionByHash=swap:7b226d657461:7b226d657462"], WrongChain, "registration-differs"),
    ],
)  # fmt: skip
async def test_an_rpc_that_does_not_tell_or_tells_wrong(
    rules: list[str], kind: type[Failure], code: str, anvil: str
) -> None:
    async with anvil_stage(anvil) as stage, FaultProxy(anvil, *rules) as proxy:
        await stage.fund(stage.author, ETHER)
        model_id = await registered(stage)
        async with open_chain(proxy.url, REHEARSAL) as chain:
            with pytest.raises(kind) as failure:
                await chain.registered(model_id)
    assert failure.value.problem.code == code
    assert failure.value.problem.fix is not None


@pytest.mark.real
async def test_the_proof_does_not_need_what_the_engine_says_now(anvil: str) -> None:
    async with anvil_stage(anvil) as stage:
        await stage.fund(stage.author, ETHER)
        model_id = await registered(stage)
        data = engine.call_data("setModelFee", bytes.fromhex(model_id[2:]), 9)
        quote = await stage.chain.quote(stage.registration(b"something else"))
        await stage.chain.receipt(await stage.send(replace(quote, transaction={**quote.transaction, "data": data})), 10)
        model = await stage.chain.model(model_id)
        found = await stage.chain.registered(model_id)
    assert model is not None
    assert (model.fee_wei, found.call.fee_wei) == (9, 3_500_000_000_000_000)
