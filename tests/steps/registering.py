"""A registration on a real node over HTTP: the journey stands before step 9, the account is a light keystore."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from arbius_tui.domain import cid as cids
from arbius_tui.domain.engine import MODEL_REGISTERED, model_id
from arbius_tui.domain.events import Done, Event, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.networks import Network
from arbius_tui.domain.records import PinRecord, RegisterRecord, TemplateRecord, WalletRecord
from arbius_tui.domain.secret import Secret
from arbius_tui.rehearsal.chain import REHEARSAL
from arbius_tui.rehearsal.example import example_model
from arbius_tui.rehearsal.world import open_rehearsal
from arbius_tui.services.chain import open_chain
from arbius_tui.services.memory_store import MemoryStore
from arbius_tui.services.vault_keystore import KeystoreVault
from arbius_tui.steps.base import Step, Walk
from tests.services.chains import AUTHOR_KEY, ETHER, address_of, ask
from tests.steps.conftest import Author

AUTHOR = address_of(AUTHOR_KEY)
STORES = ({"id": "kubo", "where": "kubo", "cid": "", "pinned": True, "announced": True, "note": ""},)
TEMPLATE = (
    b'{"meta":{"title":"One of the tests","description":"on an A100","git":"https://example.org/m","docker":"r8.im/a/b",'
    b'"version":1},"input":[{"variable":"prompt","type":"string","required":true,"default":"","description":""}],'
    b'"output":[{"filename":"out-1.png","type":"image"}]}\n'
)


@dataclass
class Desk:
    """A walk before the registration, and what the node itself says afterwards."""

    walk: Walk
    url: str

    async def run(self, step: Step | None = None, name: str = "register", **answers: str) -> list[Event]:
        """Run the step with these answers; every other one is the rehearsal's."""
        author = Author(**{"addr": AUTHOR, "fee": "0.0035", **answers})
        return [event async for event in self.walk.run(name, author, step)]

    @property
    def record(self) -> RegisterRecord | None:
        return self.walk.journey.get(RegisterRecord)

    predicted = model_id(AUTHOR, AUTHOR, 3_500_000_000_000_000, cids.multihash(TEMPLATE))

    def nonce(self) -> int:
        return int(ask(self.url, "eth_getTransactionCount", AUTHOR, "latest"), 16)

    def models(self) -> list[str]:
        """The ids of all registrations on the chain, from its own events."""
        question = {"fromBlock": "0x0", "toBlock": "latest", "address": REHEARSAL.engine, "topics": [MODEL_REGISTERED]}
        return [log["topics"][1] for log in ask(self.url, "eth_getLogs", question)]


def end(events: list[Event]) -> Done:
    assert isinstance(events[-1], Done)
    return events[-1]


def codes(events: list[Event]) -> list[str]:
    return [event.problem.code for event in events if isinstance(event, Trouble)]


def records(path: Path, data: bytes = TEMPLATE) -> tuple[TemplateRecord, PinRecord, WalletRecord]:
    """What the steps before have saved."""
    path.write_bytes(data)
    cid = cids.cid(data)
    return (
        TemplateRecord(str(path), len(data), cid),
        PinRecord(cid, len(data), "", STORES, fetchable=True),
        WalletRecord("author", AUTHOR, "keystore"),
    )


@asynccontextmanager
async def desk(
    node: str,
    folder: Path,
    *,
    through: str = "",
    second: str = "",
    network: Network = REHEARSAL,
    limit: float = 20,
    send_limit: float = 20,
) -> AsyncIterator[Desk]:
    """A desk on this node; `through` is the URL that the wizard uses, if it is a proxy's. The node is set back."""
    snapshot = ask(node, "evm_snapshot")
    ask(node, "anvil_setBalance", AUTHOR, hex(ETHER))
    vault: Any = KeystoreVault(folder / "keys", scrypt_n=2)
    await vault.add("author", Secret(AUTHOR_KEY.hex()), Secret("a password"))
    try:
        async with AsyncExitStack() as stack:
            chain = await stack.enter_async_context(
                open_chain(through or node, network, second=second, limit=limit, send_limit=send_limit)
            )
            services = await stack.enter_async_context(open_rehearsal(folder / "rehearsal"))
            services = replace(services, chain=chain, vaults=(vault,), fund=None, network="sepolia")
            store = MemoryStore(Journey("demo", "sepolia", str(example_model())))
            for record in records(folder / "template.json"):
                store.apply(record)
            yield Desk(Walk(store, services), node)
    finally:
        ask(node, "evm_setAutomine", True)
        ask(node, "evm_revert", snapshot)
