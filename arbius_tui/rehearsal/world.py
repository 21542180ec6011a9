"""The rehearsal's services for one project: nothing outside this machine, nothing that is worth anything."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from arbius_tui.domain.networks import NETWORKS
from arbius_tui.rehearsal.blocks import EmbeddedBlocks
from arbius_tui.rehearsal.server import LocalServers
from arbius_tui.rehearsal.toolchain import RehearsalToolchain
from arbius_tui.rehearsal.vault import RehearsalVault
from arbius_tui.services.on_demand import OnDemand, OnDemandChain
from arbius_tui.services.ports import Chain, Services
from arbius_tui.services.predictions import CogPredictions

if TYPE_CHECKING:
    from arbius_tui.rehearsal.chain import EmbeddedChain


@asynccontextmanager
async def open_rehearsal(folder: Path, endpoints: tuple[str, ...] = ()) -> AsyncIterator[Services]:
    """Everything below `folder`: the chain's transactions, the blocks, the throw-away key, the server's log.

    The chain is opened when it is first asked. A server that was started here ends with this.
    """

    @asynccontextmanager
    async def open_embedded() -> AsyncIterator[EmbeddedChain]:
        from arbius_tui.rehearsal.chain import EmbeddedChain

        async with EmbeddedChain(folder / "chain") as chain:
            yield chain

    @asynccontextmanager
    async def open_chain() -> AsyncIterator[Chain]:
        from arbius_tui.services.chain import RpcChain

        yield RpcChain((await embedded()).provider, NETWORKS["rehearsal"])

    async def fund(address: str, wei: int) -> None:
        await (await embedded()).fund(address, wei)

    servers = LocalServers(folder / "server")
    async with OnDemand(open_embedded) as embedded, OnDemand(open_chain) as chain, CogPredictions() as predictions:
        try:
            yield Services(
                toolchain=RehearsalToolchain(folder),
                servers=servers,
                predictions=predictions,
                ipfs=(EmbeddedBlocks(folder / "blocks"),),
                vaults=(RehearsalVault(folder / "keys"),),
                chain=OnDemandChain(chain),
                network="rehearsal",
                out=folder / "out",
                fund=fund,
                endpoints=endpoints,
                state=folder,
            )
        finally:
            await servers.aclose()
