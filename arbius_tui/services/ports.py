"""What the steps may ask of the outside world, and the shapes that come back.

The real services and the rehearsal satisfy the same protocols; only cli and app choose. All amounts are integers in
wei, all hashes lower-case hex (sha256 without 0x, everything of the chain with 0x), all addresses checksummed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeAlias, TypeVar, runtime_checkable

from arbius_tui.domain.errors import Fix, Problem
from arbius_tui.domain.gpus import Gpu
from arbius_tui.domain.journey import Journey, Record
from arbius_tui.domain.secret import Secret
from arbius_tui.services.signers import (
    Account,
    Connector,
    Handover,
    Inspected,
    Keeper,
    Opener,
    Remote,
    Remover,
    Sender,
    SignedTransaction,
    Signer,
    Vault,
    Watcher,
    way,
)

if TYPE_CHECKING:
    from arbius_tui.domain.cog_words import Doctor
    from arbius_tui.domain.images import Image
    from arbius_tui.domain.registered import Registered
    from arbius_tui.services.cog_build import BuildEvent
    from arbius_tui.services.containers_state import ContainerState

__all__ = [
    "Account",
    "Connector",
    "Handover",
    "Inspected",
    "Keeper",
    "Opener",
    "Remote",
    "Remover",
    "Sender",
    "SignedTransaction",
    "Signer",
    "Vault",
    "Watcher",
    "way",
]
"""The contract of accounts lies in a file of its own, and is used from here like all others."""

T = TypeVar("T")
Blob: TypeAlias = bytes
CheckState = Literal["ok", "warn", "FAIL", "wait", "off"]
Gpus = Literal["all", "none", "auto"]


@dataclass(frozen=True)
class Check:
    """One thing this machine has or lacks. `needed_by` lists steps; `raw` is what the tool printed, clean.

    `needs` lists ids of checks: without them this one waits (state `wait`) or has nothing to look at (`off`).
    """

    kind: ClassVar[str] = "check"
    id: str
    group: str
    state: CheckState
    found: str
    why: str
    needed_by: tuple[str, ...] = ()
    fix: Fix | None = None
    raw: str = ""
    seconds: float = 0.0
    title: str = ""
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Subject:
    """The model that a forecast is made for: its folder and its built image, each empty where it is not known."""

    folder: str = ""
    image: str = ""


class Toolchain(Protocol):
    """What is installed and running here."""

    def checks(self, only: str | None = None, subject: Subject | None = None) -> AsyncIterator[Check]:
        """Every check: first all as `wait` in their order, then each again as it ends. Never raises for a finding.

        `only` names groups or ids, with commas between. A check whose `needs` are not there waits for them unasked.
        """


@dataclass(frozen=True)
class Health:
    """A Cog server's own word: STARTING READY BUSY SETUP_FAILED DEFUNCT UNHEALTHY UNKNOWN, and its setup log."""

    status: str
    logs: str = ""
    cog: str = ""
    since: str = ""
    """When the server began its setup, in its own words: another time is another process."""


@dataclass(frozen=True)
class Output:
    """One output of a prediction, decoded: its bytes were hashed and are not kept, but for a short `head`.

    `path` is where they were written if somebody wanted them.
    """

    filename: str
    mime: str
    bytes: int
    sha256: str
    head: Blob = b""
    path: str = ""


@dataclass(frozen=True)
class Prediction:
    """A prediction that succeeded; one that did not is a Failure (`model-failed`, `prediction-refused`, ...)."""

    outputs: tuple[Output, ...]
    seconds: float
    shape: str = ""
    logs: str = ""


class Predictions(Protocol):
    """Cog's HTTP server at any URL."""

    async def health(self, url: str) -> Health:
        """What /health-check says; NotReady when nothing answers like a Cog server."""

    def wait_ready(self, url: str, limit: float) -> AsyncIterator[Health]:
        """Each change of health until READY; NotReady on failure or after `limit` seconds."""

    async def schema(self, url: str) -> dict[str, Any]:
        """The OpenAPI document of the model."""

    async def predict(
        self, url: str, inputs: Mapping[str, Any], limit: float = 600, folder: Path | None = None
    ) -> Prediction:
        """Run once and hash what is really there; a spurious 409 is retried. In `folder`, if any, lie the outputs."""


@dataclass(frozen=True)
class Server:
    """A running model: where it answers, and what we would have to end."""

    url: str
    pid: int = 0
    container: str = ""
    started_by_us: bool = False
    machine: str = ""
    """Which other machine's Docker Engine has the container, as the author named it."""


class ModelServers(Protocol):
    """Whoever can start a model's server."""

    async def start(self, folder: Path) -> Server:
        """Start the server of the model in this folder; READY is for Predictions to say."""

    async def restart(self, server: Server) -> Server:
        """The same model in a new process; NotReady (`not-ours`) for a server we did not start."""

    async def stop(self, server: Server) -> None:
        """End it, if we started it."""

    async def alive(self, server: Server) -> bool:
        """Whether the process or container that we remember is still ours and runs."""

    def while_running(self, server: Server, healths: AsyncIterator[Health]) -> AsyncGenerator[Health, None]:
        """These healths; NotReady that says why, when the process or container that we started ends meanwhile."""


class Containers(ModelServers, Protocol):
    """Images as running containers; those of one project, by their label."""

    async def start_image(self, reference: str, *, gpus: Gpus | None = None) -> Server:
        """Start an image in place of whatever ran for this project; no `gpus` means the choice of the command line."""

    async def find_again(self) -> Server | None:
        """The newest container of this project that runs."""

    async def state(self, server: Server) -> ContainerState:
        """The container now."""

    def logs(self, server: Server, *, follow: bool = True, tail: int = 200) -> AsyncGenerator[str, None]:
        """Its log as plain lines, the last `tail` first; with `follow` until it ends."""

    async def during(self, server: Server, work: Coroutine[Any, Any, T]) -> T:
        """What the work gives; NotReady that says why, when the container ends meanwhile."""

    async def clear(self) -> int:
        """Remove every container of this project; how many there were."""

    async def gpu(self, server: Server) -> Gpu:
        """The GPU that the model in this container sees, and its driver; nothing where that is not known."""


class Machines(Protocol):
    """Docker Engines other than this machine's own, each by its URL or the name of its docker context."""

    async def start(self, machine: str, reference: str, *, gpus: Gpus | None = None) -> Server:
        """Start an image there, which must be there, in place of what an earlier test left; its port is reached."""

    def of(self, server: Server) -> Containers:
        """Whoever has this server's container."""

    async def image(self, server: Server) -> str:
        """The id of the image that runs in it."""


class Hosted(Protocol):
    """Replicate's API."""

    async def known(self) -> bool:
        """Whether there is a token for it: one that was given, or one in the keyring."""

    def give(self, token: Secret) -> None:
        """Use this token as long as this process runs."""

    async def hardware(self, url: str) -> str:
        """What a hosted model runs on, where the API says it."""

    async def account(self) -> str:
        """Whose token it is; NotReady when Replicate refuses it."""

    async def keep(self) -> str:
        """Put the token that was given into the keyring; the keyring's name. NotReady where there is none."""


class Builder(Protocol):
    """Whoever makes an image of a model's folder. The whole log of the last build is in the file `log`."""

    log: Path

    def build(self, folder: Path, tag: str, dockerfile: str = "") -> AsyncGenerator[BuildEvent, None]:
        """Build; the last event is `Built`. A Failure in words where there is no image in the end."""

    async def image(self, reference: str) -> Image:
        """What this machine has under this name or id; NotReady (`no-image`)."""

    async def images(self) -> tuple[Image, ...]:
        """The images of Cog's on this machine, the newest first."""

    async def doctor(self, folder: Path) -> Doctor:
        """What `cog doctor` finds in this folder; NotReady without a cog that has it."""

    async def login(self, token: Secret) -> str:
        """Log in to Replicate's registry with a CLI token; the user. NotReady says why not."""


@dataclass(frozen=True)
class Stored:
    """A block in one store. `announced`: others were told; `alone`: it is known that nobody can fetch it from there.

    `sort` is what the store is: `kubo`, `pinata`, `psa` or `embedded`. Who was seen to fetch it is in `PinRecord`.
    """

    kind: ClassVar[str] = "store"
    id: str
    where: str
    cid: str
    pinned: bool
    announced: bool
    note: str = ""
    sort: str = "kubo"
    alone: bool = False


@runtime_checkable
class Ipfs(Protocol):
    """A place that keeps blocks and gives them back."""

    id: str
    """How it is named on screen and in JSON, e.g. `kubo 127.0.0.1:5001` or `embedded`."""

    async def pin(self, data: bytes, name: str) -> Stored:
        """Store and pin these bytes as one UnixFS file; PinFailed (`cid-mismatch`) if the store says another CID."""

    async def block(self, cid: str) -> bytes:
        """The raw block, its hash checked against the CID; PinFailed if it cannot be had."""

    async def pinned(self, cid: str) -> bool:
        """Whether this store has it pinned now."""


@runtime_checkable
class Peer(Protocol):
    """A node of IPFS that takes part in the network: it finds, fetches and gives out blocks."""

    id: str

    async def identity(self) -> tuple[str, tuple[str, ...]]:
        """Its peer id, and the addresses where others reach it; none when it runs offline."""

    async def has(self, cid: str) -> bool:
        """Whether the block lies on it now; the network is not asked."""

    async def providers(self, cid: str, number: int = 3) -> tuple[str, ...]:
        """Peer ids of nodes that say they have it."""

    async def block(self, cid: str) -> bytes:
        """The raw block from wherever it finds it, its hash checked; PinFailed if it cannot be had."""

    async def connect(self, address: str) -> bool:
        """Connect to a peer; whether it worked."""

    async def config(self, key: str) -> Any:
        """A value of its configuration; None where nothing is set."""

    async def probe(self, data: bytes) -> str:
        """Put a block that nobody else has on it, unpinned; its CID."""

    async def forget(self, cid: str) -> None:
        """Take such a block away again."""


class PinService(Protocol):
    """A pinning service."""

    id: str

    async def pin(self, data: bytes, name: str, near: Sequence[Peer] = ()) -> Stored:
        """Have these bytes pinned; `near` are nodes that have them. PinFailed (`cid-mismatch`) for another CID."""

    async def pinned(self, cid: str) -> bool:
        """Whether it says that it has it pinned now."""


class StoreToken(Protocol):
    """The token of a store: the keyring's, or one that was given."""

    place: str

    async def remembered(self) -> Secret | None:
        """What the keyring has for this place."""

    async def keep(self) -> str:
        """Put the one in use into the keyring; the keyring's name. NotReady where there is none."""


@runtime_checkable
class Guarded(Protocol):
    """A store that may want a token."""

    token: StoreToken

    async def give(self, token: Secret) -> None:
        """Use this token from the next call on; BadInput for what can be none."""


class Gateway(Protocol):
    """Somebody who may have a block, and is not believed. `local`: it answers on this machine."""

    id: str
    base: str
    local: bool

    async def cached(self, cid: str) -> bool:
        """Whether the node behind it has the block already."""

    async def block(self, cid: str) -> bytes:
        """The raw block, its hash checked against the CID; PinFailed if it cannot be had."""


@dataclass(frozen=True)
class ChainStatus:
    """What the chain says of itself and of the engine."""

    chain_id: int
    block: int
    engine: str
    has_code: bool
    version: int
    paused: bool


@dataclass(frozen=True)
class OnChainModel:
    """models(id) as the engine keeps it; `cid` is the 34-byte multihash as 0x hex."""

    addr: str
    fee_wei: int
    rate_wei: int
    cid: str


@dataclass(frozen=True)
class Registration:
    """What is to be registered: exactly these bytes, by this sender."""

    sender: str
    addr: str
    fee_wei: int
    template: bytes = field(repr=False)
    allow_list: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Quote:
    """A simulated registration: the id the engine returned, what it costs at most, and a transaction to sign."""

    model_id: str
    gas: int
    max_cost_wei: int
    balance_wei: int
    nonce: int
    transaction: Mapping[str, Any]


@dataclass(frozen=True)
class Receipt:
    """A mined transaction. `model_id` is from the engine's own event, empty when there was none.

    `problem` says why it failed when `ok` is false.
    """

    tx_hash: str
    ok: bool
    block: int
    gas_used: int
    cost_wei: int
    model_id: str
    problem: Problem | None = None


class Chain(Protocol):
    """A chain with an Engine on it."""

    async def status(self) -> ChainStatus:
        """Chain id, head and engine; WrongChain when it is not the expected one."""

    async def model(self, model_id: str) -> OnChainModel | None:
        """The registered model, or None."""

    async def registered(self, model_id: str) -> Registered:
        """The registration of a model that exists, proven by its id; NotReady `registration-not-found` without it."""

    async def cid(self, template: bytes) -> str:
        """The engine's own generateIPFSCID, as 0x hex."""

    async def hash_model(self, registration: Registration, cid: str) -> str:
        """The engine's own hashModel."""

    async def balance(self, address: str) -> int:
        """Wei."""

    async def quote(self, registration: Registration) -> Quote:
        """eth_call, estimate and build. A revert is a WrongChain or TransactionFailed in words."""

    async def send(self, raw: str) -> str:
        """Broadcast once, never again by itself; the hash. TransactionFailed `send-unclear` if the answer was lost."""

    async def known(self, tx_hash: str) -> bool:
        """Whether the chain knows this transaction, mined or not."""

    async def nonce(self, address: str) -> int:
        """The next nonce of this account."""

    async def receipt(self, tx_hash: str, limit: float) -> Receipt | None:
        """The receipt, waited for at most `limit` seconds; None when it is not mined by then."""


class Store(Protocol):
    """The journey on disk."""

    def load(self) -> Journey:
        """The journey as it stands."""

    def apply(self, change: Record) -> Journey:
        """Journal the change (fsync), then write the state (temporary file, fsync, rename); the new journey."""


@dataclass(frozen=True)
class Services:
    """Everything a step may use. `fund` gives play money and exists only in the rehearsal.

    `containers` and `builder` need Docker and exist only outside of it.
    """

    toolchain: Toolchain
    servers: ModelServers
    predictions: Predictions
    ipfs: tuple[Ipfs, ...]
    vaults: tuple[Vault, ...]
    chain: Chain
    network: str
    out: Path
    fund: Fund | None = None
    endpoints: tuple[str, ...] = ()
    containers: Containers | None = None
    machines: Machines | None = None
    hosted: Hosted | None = None
    builder: Builder | None = None
    image: str = ""
    """The image that the author named on the command line."""
    gpus: Gpus = "auto"
    state: Path | None = None
    """The folder of this project's state, for what may be thrown away again, e.g. the outputs of the last try."""
    gateways: tuple[Gateway, ...] = ()
    """Who may have blocks of others; none in the rehearsal."""
    remotes: tuple[PinService, ...] = ()
    """Pinning services that the author named."""
    proving: tuple[Gateway, ...] = ()
    """Gateways that are asked whether others can fetch what was pinned."""
    store: Callable[[str], Ipfs | PinService] | None = None
    """Opens a place to pin to by its name or address; None in the rehearsal. It is closed with the world."""
    lasting: bool = True
    """Whether the journey is kept; a command that is given everything leaves nothing behind."""
    chains: tuple[tuple[str, Chain], ...] = ()
    """The chain through each RPC, with the RPC as it may be shown; the first is `chain`. None in the rehearsal."""


class Fund(Protocol):
    """Play money on the embedded chain."""

    async def __call__(self, address: str, wei: int) -> None:
        """Give this account so much."""


class World(Protocol):
    """Opens services for one project and closes them: the real world or the rehearsal."""

    def open(self, journey: Journey) -> AbstractAsyncContextManager[Services]:
        """The services for this journey's network."""
