"""One registration, however it is interrupted: never two transactions, never a lost one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from arbius_tui.domain.errors import TransactionFailed
from arbius_tui.domain.events import Line, Saved, Trouble
from arbius_tui.domain.records import RegisterRecord
from arbius_tui.services.on_demand import OnDemandChain
from arbius_tui.services.ports import Chain, Services
from arbius_tui.steps.base import Walk
from tests.steps.conftest import Author, collect, end


@pytest.fixture
async def ready(walk: Walk) -> Walk:
    """A walk that stands before the registration."""
    for name in ("run", "template", "pin", "wallet"):
        assert end(await collect(walk, name)).ok
    return walk


class Chaos:
    """The embedded chain with a fault put in front of `send`; counts what was really broadcast."""

    def __init__(self, chain: Chain, *, before: bool = False, after: bool = False) -> None:
        self.chain, self.before, self.after, self.sends = chain, before, after, 0

    def __getattr__(self, name: str) -> object:
        return getattr(self.chain, name)

    async def send(self, raw: str) -> str:
        self.sends += 1
        if self.before:
            raise KeyboardInterrupt
        answer = await self.chain.send(raw)
        if self.after:
            raise TransactionFailed("send-unclear", "the answer was lost")
        return answer


def broken(walk: Walk, **faults: bool) -> Chaos:
    chaos = Chaos(walk.services.chain, **faults)
    walk.services = replace(walk.services, chain=chaos)
    return chaos


async def nonce(walk: Walk, record: RegisterRecord) -> int:
    return await walk.services.chain.nonce(record.sender)


async def test_signed_is_journaled_before_it_is_sent(ready: Walk) -> None:
    states = []
    ready.watchers.append(lambda j: states.append((j.get(RegisterRecord) or RegisterRecord()).state))
    chaos = broken(ready)
    events = await collect(ready, "register")
    assert end(events).ok
    assert chaos.sends == 1
    saved = [
        event.change.state for event in events if isinstance(event, Saved) and isinstance(event.change, RegisterRecord)
    ]
    assert saved == ["signed", "sent", "mined"]


async def test_killed_before_the_broadcast_the_same_bytes_are_sent(ready: Walk) -> None:
    chaos = broken(ready, before=True)
    with pytest.raises(KeyboardInterrupt):
        await collect(ready, "register")
    signed = ready.journey.get(RegisterRecord)
    assert signed
    assert signed.state == "signed"
    assert await ready.services.chain.nonce(signed.sender) == 0
    chaos.before = False
    author = Author()
    events = await collect(ready, "register", author)
    final = ready.journey.get(RegisterRecord)
    assert end(events).ok
    assert final
    assert (final.tx_hash, final.raw, final.state) == (signed.tx_hash, signed.raw, "mined")
    assert await nonce(ready, final) == 1
    assert author.asked == []


async def test_a_lost_answer_is_looked_up_and_not_sent_again(ready: Walk) -> None:
    chaos = broken(ready, after=True)
    events = await collect(ready, "register")
    record = ready.journey.get(RegisterRecord)
    assert end(events).ok
    assert record
    assert (record.state, chaos.sends) == ("mined", 1)
    assert any(isinstance(e, Line) and "answer was lost" in e.text for e in events)


async def test_killed_after_the_broadcast_it_is_found(ready: Walk) -> None:
    events = await collect(ready, "register")
    mined = ready.journey.get(RegisterRecord)
    assert mined
    await ready.save(replace(mined, state="sent", block=0, gas_used=0, mined_id=""))
    chaos = broken(ready)
    events = await collect(ready, "register")
    again = ready.journey.get(RegisterRecord)
    assert end(events).ok
    assert again
    assert (again.state, again.block, chaos.sends) == ("mined", mined.block, 0)
    assert await nonce(ready, again) == 1


async def test_another_transaction_took_the_nonce(ready: Walk) -> None:
    events = await collect(ready, "register")
    mined = ready.journey.get(RegisterRecord)
    assert mined
    await ready.save(replace(mined, state="signed", tx_hash="0x" + "11" * 32, raw="0x02c0"))
    chaos = broken(ready)
    events = await collect(ready, "register")
    assert end(events).exit == 9
    assert "nonce-taken" in {e.problem.code for e in events if isinstance(e, Trouble)}
    assert chaos.sends == 0
    # The next run signs nothing either: the model is there already.
    done = end(await collect(ready, "register"))
    assert done.ok
    assert done.result["already"] is True


async def test_a_wrong_confirmation_sends_nothing(ready: Walk) -> None:
    chaos = broken(ready)
    events = await collect(ready, "register", Author(confirm="zzzz"))
    assert end(events).exit == 2
    assert chaos.sends == 0
    assert ready.journey.get(RegisterRecord) is None


@pytest.mark.parametrize(("answers", "code", "problem"), [
    ({"addr": "0x0000000000000000000000000000000000000000"}, 2, "address-zero"),
    ({"addr": "not an address"}, 2, "address"),
    ({"fee": "lots"}, 2, "amount"),
])  # fmt: skip
async def test_bad_answers_are_refused(ready: Walk, answers: dict[str, str], code: int, problem: str) -> None:
    chaos = broken(ready)
    events = await collect(ready, "register", Author(**answers))
    codes = {e.problem.code for e in events if isinstance(e, Trouble)}
    assert (end(events).exit, chaos.sends, codes) == (code, 0, {problem})


async def test_the_review_names_a_source_for_every_value(ready: Walk) -> None:
    events = await collect(ready, "register")
    rows = {e.item.id: e.item for e in events if getattr(getattr(e, "item", None), "kind", "") == "review"}
    assert list(rows) == [
        "call",
        "engine",
        "chain",
        "from",
        "addr",
        "fee",
        "bytes",
        "CID",
        "model id",
        "simulate",
        "cost",
    ]
    assert all(row.against for row in rows.values())
    assert rows["engine"].value == "0x9b51Ef044d3486A1fB0A2D55A6e0CeeAdd323E66"


def test_the_chain_on_demand_has_every_call_of_a_chain() -> None:
    wanted = {name for name in vars(Chain) if not name.startswith("_")}
    assert wanted <= set(vars(OnDemandChain))
    assert Services.__dataclass_fields__["chain"]
