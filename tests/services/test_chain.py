"""The chain service on a real node over HTTP and on the embedded chain: same calls, same ids, same words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from arbius_tui.domain import engine
from arbius_tui.domain.cid import multihash
from arbius_tui.domain.errors import Failure, InsufficientFunds, TransactionFailed, WrongChain
from arbius_tui.domain.networks import NETWORKS
from arbius_tui.rehearsal.chain import REHEARSAL
from arbius_tui.services import receipts
from tests.services.chains import ETHER, Stage, anvil_stage, ask, embedded_stage, sign

HARDHAT = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
ZERO = "0x" + "00" * 20
UNKNOWN = "0x" + "ab" * 32


@pytest.fixture(params=[pytest.param("anvil", marks=pytest.mark.real), "embedded"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    if request.param == "embedded":
        async with embedded_stage() as found:
            yield found
    else:
        async with anvil_stage(request.getfixturevalue("anvil")) as found:
            yield found


@pytest.fixture
async def rich(stage: Stage) -> Stage:
    """A stage on which the author can pay."""
    await stage.fund(stage.author, ETHER)
    return stage


def summary(failure: Failure) -> tuple[type[Failure], str, str]:
    return type(failure), failure.problem.code, failure.problem.what


async def test_status(stage: Stage) -> None:
    status = await stage.chain.status()
    assert (status.chain_id, status.engine) == (REHEARSAL.chain_id, REHEARSAL.engine)
    assert (status.has_code, status.version, status.paused) == (True, 6, False)
    assert status.block >= 0
    await stage.pause()
    after = await stage.chain.status()
    assert after.paused
    assert after.block > status.block


async def test_a_registration_from_quote_to_receipt(rich: Stage) -> None:
    chain, wanted = rich.chain, rich.registration()
    cid = multihash(wanted.template)
    predicted = engine.model_id(wanted.sender, wanted.addr, wanted.fee_wei, cid)
    assert await chain.model(predicted) is None
    assert await chain.cid(wanted.template) == cid
    assert await chain.hash_model(wanted, cid) == predicted

    quote = await chain.quote(wanted)
    assert (quote.model_id, quote.nonce, quote.balance_wei) == (predicted, 0, ETHER)
    assert quote.max_cost_wei == quote.gas * quote.transaction["maxFeePerGas"]
    assert {key: quote.transaction[key] for key in ("type", "chainId", "nonce", "to", "value", "gas")} == {
        "type": 2,
        "chainId": REHEARSAL.chain_id,
        "nonce": 0,
        "to": REHEARSAL.engine,
        "value": 0,
        "gas": quote.gas,
    }
    assert quote.transaction["data"] == engine.register_calldata(wanted.addr, wanted.fee_wei, wanted.template)
    assert quote.transaction["maxPriorityFeePerGas"] == 0

    tx_hash = await rich.send(quote)
    receipt = await chain.receipt(tx_hash, 10)
    assert receipt is not None
    assert (receipt.ok, receipt.model_id, receipt.tx_hash, receipt.problem) == (True, predicted, tx_hash, None)
    assert receipt.gas_used < quote.gas <= receipt.gas_used * 2
    assert 0 < receipt.cost_wei <= quote.max_cost_wei
    assert await chain.balance(wanted.sender) == ETHER - receipt.cost_wei
    assert await chain.nonce(wanted.sender) == 1
    assert await chain.known(tx_hash)

    model = await chain.model(predicted)
    assert model is not None
    assert (model.addr, model.fee_wei, model.rate_wei, model.cid) == (wanted.addr, wanted.fee_wei, 0, cid)


async def test_a_known_id_is_simulated_for_a_sender_that_cannot_pay(stage: Stage) -> None:
    registration = stage.registration(b"test\n", sender=HARDHAT.lower(), addr=HARDHAT, fee_wei=0)
    quote = await stage.chain.quote(registration)
    assert quote.model_id == "0x4c47e572f6c434fcc1e38d0d9123abe8174732292efe71fb64c2195318da5583"


async def test_an_allow_list_changes_the_call_and_not_the_id(rich: Stage) -> None:
    plain = await rich.chain.quote(rich.registration())
    listed = await rich.chain.quote(rich.registration(allow_list=(HARDHAT,)))
    assert listed.model_id == plain.model_id
    assert listed.transaction["data"].startswith("0x346b5c1e")
    receipt = await rich.chain.receipt(await rich.send(listed), 10)
    assert receipt is not None
    assert receipt.model_id == plain.model_id


async def test_the_largest_template(rich: Stage) -> None:
    largest = b"a" * engine.MAX_TEMPLATE
    assert await rich.chain.cid(largest) == "0x1220bccb9dfee879410fd681d3fdb971d48547d13fcd0613366eeaa32c66aa76b042"
    receipt = await rich.chain.receipt(await rich.send(await rich.chain.quote(rich.registration(largest))), 20)
    assert receipt is not None
    assert receipt.ok


# What the engine and the node refuse. Both stages are held to the same words, so they are written here.

REFUSED = {
    "already registered": (TransactionFailed, "already-registered", "this model is registered already"),
    "addr zero": (TransactionFailed, "address-zero", "the model's addr is the zero address"),
    "paused": (WrongChain, "engine-paused", "the engine is paused"),
    "too big": (TransactionFailed, "template-too-big", "the template is larger than 65,536 bytes"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_the_engine_refuses_in_words_before_anything_is_sent(rich: Stage, case: str) -> None:
    registration = rich.registration()
    if case == "already registered":
        await rich.send(await rich.chain.quote(registration))
    if case == "addr zero":
        registration = replace(registration, addr=ZERO)
    if case == "too big":
        registration = replace(registration, template=b"a" * (engine.MAX_TEMPLATE + 1))
    if case == "paused":
        await rich.pause()
    nonce = await rich.chain.nonce(rich.author)
    with pytest.raises(Failure) as caught:
        await rich.chain.quote(registration)
    assert summary(caught.value) == REFUSED[case]
    assert caught.value.problem.why
    assert caught.value.problem.fix is not None
    assert await rich.chain.nonce(rich.author) == nonce


async def test_the_too_big_template_is_refused_by_the_cid_function_too(stage: Stage) -> None:
    with pytest.raises(TransactionFailed) as caught:
        await stage.chain.cid(b"a" * (engine.MAX_TEMPLATE + 1))
    assert summary(caught.value) == REFUSED["too big"]


async def test_a_mined_failure_is_explained(rich: Stage) -> None:
    quote = await rich.chain.quote(rich.registration())
    await rich.send(quote)
    receipt = await rich.chain.receipt(await rich.send(quote, nonce=1), 10)
    assert receipt is not None
    assert (receipt.ok, receipt.model_id) == (False, "")
    assert receipt.problem is not None
    assert (receipt.problem.code, receipt.problem.what) == REFUSED["already registered"][1:]
    assert receipt.cost_wei > 0


async def test_a_transaction_that_runs_out_of_gas_is_explained(rich: Stage) -> None:
    quote = await rich.chain.quote(rich.registration())
    receipt = await rich.chain.receipt(await rich.send(quote, gas=60_000), 10)
    assert receipt is not None
    assert not receipt.ok
    assert receipt.problem == receipts.OUT_OF_GAS


async def test_no_funds_says_exactly_how_much_is_missing(stage: Stage) -> None:
    await stage.fund(stage.author, 1_000_000)
    quote = await stage.chain.quote(stage.registration())
    assert quote.balance_wei == 1_000_000
    with pytest.raises(InsufficientFunds) as caught:
        await stage.send(quote)
    missing = quote.max_cost_wei - 1_000_000
    assert caught.value.problem.code == "insufficient-funds"
    assert f"({missing} wei)" in caught.value.problem.what
    assert stage.author in caught.value.problem.what
    assert caught.value.exit_code == 8


async def test_another_chain_than_expected(rich: Stage) -> None:
    raw, _ = sign((await rich.chain.quote(rich.registration())).transaction)
    other = rich.on(NETWORKS["one"])
    for attempt in (other.status(), other.quote(rich.registration()), other.send(raw)):
        with pytest.raises(WrongChain) as caught:
            await attempt
        what = "this RPC is a local development chain (31337), not Arbitrum One (42161)"
        assert summary(caught.value) == (WrongChain, "wrong-chain", what)
        assert caught.value.exit_code == 7
    assert await rich.chain.nonce(rich.author) == 0


async def test_a_transaction_signed_for_another_chain(rich: Stage) -> None:
    quote = await rich.chain.quote(rich.registration())
    with pytest.raises(WrongChain) as caught:
        await rich.send(quote, chainId=42161)
    assert summary(caught.value) == (WrongChain, "wrong-chain", "the transaction was signed for another chain")


async def test_no_contract_at_the_engines_address(rich: Stage) -> None:
    empty = replace(REHEARSAL, engine=HARDHAT)
    chain = rich.on(empty)
    status = await chain.status()
    assert (status.has_code, status.version, status.paused) == (False, 0, False)
    for attempt in (chain.quote(rich.registration()), chain.model(UNKNOWN), chain.cid(b"{}")):
        with pytest.raises(WrongChain) as caught:
            await attempt
        assert summary(caught.value) == (WrongChain, "no-engine", f"there is no contract at {HARDHAT}")


async def test_a_used_nonce(rich: Stage) -> None:
    await rich.send(await rich.chain.quote(rich.registration()))
    other = await rich.chain.quote(rich.registration(b"other"))
    with pytest.raises(TransactionFailed) as caught:
        await rich.send(other, nonce=0)
    what = "the account has sent another transaction with this nonce"
    assert summary(caught.value) == (TransactionFailed, "nonce-too-low", what)


async def test_a_price_below_the_blocks_base_fee(rich: Stage) -> None:
    quote = await rich.chain.quote(rich.registration())
    with pytest.raises(TransactionFailed) as caught:
        await rich.send(quote, maxFeePerGas=1)
    assert caught.value.problem.code == "fee-too-low"


async def test_the_same_bytes_again_are_the_same_transaction(rich: Stage) -> None:
    raw, tx_hash = sign((await rich.chain.quote(rich.registration())).transaction)
    assert await rich.chain.send(raw) == tx_hash
    assert await rich.chain.send(raw) == tx_hash
    assert await rich.chain.nonce(rich.author) == 1


async def test_an_unknown_hash(stage: Stage) -> None:
    assert not await stage.chain.known(UNKNOWN)
    assert await stage.chain.receipt(UNKNOWN, 0) is None
    assert await stage.chain.receipt(UNKNOWN, 0.2) is None
    assert await stage.chain.model(UNKNOWN) is None


async def test_bytes_that_are_no_transaction(stage: Stage) -> None:
    with pytest.raises(Failure) as caught:
        await stage.chain.send("0x1234")
    assert isinstance(caught.value, TransactionFailed | WrongChain)


async def test_waiting_for_a_block(anvil: str) -> None:
    async with anvil_stage(anvil) as stage:
        await stage.fund(stage.author, ETHER)
        ask(anvil, "evm_setAutomine", False)
        raw, tx_hash = sign((await stage.chain.quote(stage.registration())).transaction)
        await stage.chain.send(raw)
        assert await stage.chain.known(tx_hash)
        assert await stage.chain.receipt(tx_hash, 0) is None
        assert await stage.chain.nonce(stage.author) == 1
        assert await stage.chain.send(raw) == tx_hash  # it waits already
        ask(anvil, "evm_mine")
        receipt = await stage.chain.receipt(tx_hash, 10)
        assert receipt is not None
        assert receipt.ok


async def test_an_event_of_another_contract_is_not_ours() -> None:
    topics = [engine.MODEL_REGISTERED, UNKNOWN]
    log = {"address": HARDHAT, "topics": topics}
    assert receipts.registered([log], REHEARSAL.engine) == ""
    assert receipts.registered([log, {**log, "address": REHEARSAL.engine.lower()}], REHEARSAL.engine) == UNKNOWN
    assert receipts.registered([{**log, "topics": topics[:1]}], HARDHAT) == ""
