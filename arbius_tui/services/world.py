"""The real services for one project: this machine's tools, a server or an image, Kubo, vaults, and an RPC."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from arbius_tui.domain.evm import parse_address
from arbius_tui.domain.networks import Network, network
from arbius_tui.domain.places import REPLICATE
from arbius_tui.domain.secret import Secret
from arbius_tui.services.builder import ImageBuilder
from arbius_tui.services.chain import open_chain
from arbius_tui.services.cog import CogCli
from arbius_tui.services.containers import Containers
from arbius_tui.services.gateways import PROVING, PUBLIC, Gateway
from arbius_tui.services.ipfs_address import default_address
from arbius_tui.services.machines import Machines
from arbius_tui.services.on_demand import OnDemand, OnDemandChain
from arbius_tui.services.ports import Chain, Gpus, Health, ModelServers, Prediction, Server, Services, Vault
from arbius_tui.services.predictions import CogPredictions
from arbius_tui.services.replicate import ReplicatePredictions
from arbius_tui.services.rpc_errors import Redactor
from arbius_tui.services.servers import Endpoints, restart_argv
from arbius_tui.services.stores import Stores
from arbius_tui.services.tokens import ReplicateToken
from arbius_tui.services.toolchain import Toolchain
from arbius_tui.services.vault_external import ClefVault, FrameVault
from arbius_tui.services.vault_found import found_vaults
from arbius_tui.services.vault_keyring import KeyringVault
from arbius_tui.services.vault_keystore import KeystoreVault
from arbius_tui.services.vault_watch import WatchVault


@dataclass(frozen=True, slots=True)
class Settings:
    """What flags and the config file say about the world; empty means the default.

    `project` is the label of this project's containers, `state` the folder of its journey.
    """

    network: str = "one"
    rpc: tuple[str, ...] = ()
    engine: str = ""
    chain_id: int = 0
    endpoints: tuple[str, ...] = ()
    restart_command: str = ""
    ipfs: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    remotes: tuple[str, ...] = ()
    store_token: Secret | None = None
    """The token of the pinning service that was named, else of the Kubo RPC."""
    out: Path = Path()
    image: str = ""
    gpus: Gpus = "auto"
    project: str = "model"
    state: Path = Path()
    lasting: bool = True
    token: Secret | None = None
    """Replicate's API token from a file; None: the keyring's."""

    def chosen(self) -> Network:
        """The network, with another engine or chain id where the author names one."""
        found = network(self.network)
        engine = parse_address(self.engine) if self.engine else found.engine
        return replace(found, engine=engine, chain_id=self.chain_id or found.chain_id, rpcs=self.rpc or found.rpcs)


class EitherServers:
    """Implements `ports.ModelServers`: a server in a container is Docker's, every other one is the author's."""

    def __init__(self, containers: Containers, machines: Machines, endpoints: Endpoints, named: bool) -> None:
        self.containers, self.machines, self.endpoints, self.named = containers, machines, endpoints, named

    async def start(self, folder: Path) -> Server:
        """The image that was named; without one nothing is started."""
        return await (self.containers if self.named else self.endpoints).start(folder)

    async def restart(self, server: Server) -> Server:
        """The same model in a new process."""
        return await self.of(server).restart(server)

    async def stop(self, server: Server) -> None:
        """End it, if we started it."""
        await self.of(server).stop(server)

    async def alive(self, server: Server) -> bool:
        """Whether it is still ours and runs."""
        return await self.of(server).alive(server)

    def while_running(self, server: Server, healths: AsyncIterator[Health]) -> AsyncGenerator[Health, None]:
        """The healths, for as long as what we started runs."""
        return self.of(server).while_running(server, healths)

    def of(self, server: Server) -> ModelServers:
        """Who has this server."""
        if server.machine:
            return self.machines.of(server)
        return self.containers if server.container else self.endpoints


class EitherPredictions:
    """Implements `ports.Predictions`: `replicate:..` is asked through Replicate's API, any URL as a Cog server."""

    def __init__(self, cog: CogPredictions, replicate: ReplicatePredictions) -> None:
        self.cog, self.replicate = cog, replicate

    async def health(self, url: str) -> Health:
        """What the server says of itself."""
        return await self.of(url).health(url)

    def wait_ready(self, url: str, limit: float) -> AsyncGenerator[Health, None]:
        """Each change of health until READY."""
        return self.of(url).wait_ready(url, limit)

    async def schema(self, url: str) -> dict[str, Any]:
        """The model's OpenAPI document."""
        return await self.of(url).schema(url)

    async def predict(
        self, url: str, inputs: Mapping[str, Any], limit: float = 600, folder: Path | None = None
    ) -> Prediction:
        """Run once, and hash what is really there."""
        return await self.of(url).predict(url, inputs, limit, folder)

    def of(self, url: str) -> CogPredictions | ReplicatePredictions:
        """Who speaks to this server."""
        return self.replicate if url.startswith(REPLICATE) else self.cog


PROOFS = 3
"""How often a gateway is asked for what was just announced: its first search may give up before it finds it."""


def proving(where: Network) -> tuple[str, ...]:
    """Gateways that prove a pin where none is named: public ones, for the real engine of Arbitrum One only."""
    return PROVING if where.key == "one" and where.chain_id == network("one").chain_id else ()


def vaults_of(data: Path) -> tuple[Vault, ...]:
    """All vaults of this machine; `data` is where our own keystores and lists lie. None is asked before a step asks."""
    return (
        KeystoreVault(data / "keys"),
        KeyringVault(data / "keyring.json"),
        *found_vaults(Path.home(), data),
        ClefVault(data / "signers.json"),
        FrameVault(data / "frame.json"),
        WatchVault(data / "watch.json"),
    )


def on_demand(url: str, where: Network) -> OnDemand[Chain]:
    """The chain through one RPC; nothing is opened before it is asked."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Chain]:
        async with open_chain(url, where) as found:
            yield found

    return OnDemand(opened)


@asynccontextmanager
async def open_world(settings: Settings, data: Path) -> AsyncIterator[Services]:
    """The services; `data` is where keystores lie. Nothing is asked of the network or Docker before a step asks."""
    where = settings.chosen()
    async with AsyncExitStack() as stack:
        chains = [(Redactor(url).where, await stack.enter_async_context(on_demand(url, where))) for url in where.rpcs]
        cog = await stack.enter_async_context(CogPredictions())
        hosted = await stack.enter_async_context(ReplicatePredictions(ReplicateToken(settings.token)))
        stores = await stack.enter_async_context(Stores(settings.ipfs, settings.remotes, settings.store_token))
        restart = restart_argv(settings.restart_command) if settings.restart_command else ()
        boxes = await stack.enter_async_context(Containers(settings.project, image=settings.image, gpus=settings.gpus))
        machines = await stack.enter_async_context(Machines(settings.project, settings.gpus))
        ends = Endpoints(restart, "".join(settings.endpoints[:1]))
        yield Services(
            toolchain=Toolchain(where, ipfs=settings.ipfs[0] if settings.ipfs else default_address()),
            servers=EitherServers(boxes, machines, ends, bool(settings.image)),
            predictions=EitherPredictions(cog, hosted),
            ipfs=tuple(stores.nodes),
            remotes=tuple(stores.remotes),
            store=stores.open,
            gateways=tuple(Gateway(address) for address in settings.gateways or PUBLIC),
            proving=tuple(Gateway(address, tries=PROOFS) for address in settings.gateways or proving(where)),
            vaults=vaults_of(data),
            chain=OnDemandChain(chains[0][1]),
            chains=tuple((name, OnDemandChain(chain)) for name, chain in chains),
            network=settings.network,
            out=settings.out,
            endpoints=settings.endpoints,
            containers=boxes,
            machines=machines,
            hosted=hosted,
            builder=ImageBuilder(CogCli(), boxes.images, settings.state / "build.log"),
            image=settings.image,
            gpus=settings.gpus,
            state=settings.state,
            lasting=settings.lasting,
        )
