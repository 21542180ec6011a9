"""What each step remembers: one frozen record for each. The first frame needs none of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from arbius_tui.domain.journey import Record


@dataclass(frozen=True)
class ChecksRecord(Record):
    """State word of each check by its id, when they ran (RFC 3339), and which checks each of them needs."""

    step: ClassVar[str] = "checks"
    states: dict[str, str] = field(default_factory=dict)
    at: str = ""
    needs: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelRecord(Record):
    """The model's folder, its predictor (`predict.py:Predictor`), the names of its inputs, and its image.

    `built` is the name that the last build of this folder gave to its image; an image that existed keeps its own.
    """

    step: ClassVar[str] = "model"
    folder: str = ""
    predictor: str = ""
    inputs: tuple[str, ...] = ()
    image: str = ""
    image_id: str = ""
    built: str = ""


@dataclass(frozen=True)
class RunRecord(Record):
    """A Cog server that answers at `url`. `pid` is of a child process we started, 0 if we only found the server."""

    step: ClassVar[str] = "run"
    url: str = ""
    pid: int = 0
    cog: str = ""
    gpu: str = ""
    cpu_only: bool = False
    container: str = ""
    image: str = ""
    image_id: str = ""
    digest: str = ""
    """Under which a registry has the image (`sha256:..`); empty before it was pushed."""
    tried: dict[str, str] = field(default_factory=dict)
    """What was typed into the form of a prediction, by input; never a secret."""


@dataclass(frozen=True)
class SeedTestRecord(Record):
    """The proof. `sha256` lists the hashes of the cases that succeeded on the first server; `cases` are all, on all."""

    step: ClassVar[str] = "seed_test"
    reproducible: bool = False
    sha256: tuple[str, ...] = ()
    cases: tuple[dict[str, Any], ...] = ()
    mime: str = ""
    endpoints: tuple[dict[str, Any], ...] = ()
    diagnosis: tuple[dict[str, Any], ...] = ()
    at: str = ""


@dataclass(frozen=True)
class CasesRecord(Record):
    """What the author changed about the cases of the seed test; domain/case_edits.py reads and writes it."""

    step: ClassVar[str] = "seed_cases"
    inputs: dict[str, Any] = field(default_factory=dict)
    cases: tuple[dict[str, Any], ...] = ()
    without: tuple[str, ...] = ()
    pairwise: bool = False


@dataclass(frozen=True)
class TemplateRecord(Record):
    """The template's file, its size in bytes and its CIDv0; `source` is where it came from, empty for a found file.

    `pending` is what was typed in the editor and is no valid value yet, by JSON pointer; the file has none of it.
    """

    step: ClassVar[str] = "template"
    path: str = ""
    bytes: int = 0
    cid: str = ""
    sha256: str = ""
    source: str = ""
    pending: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PinRecord(Record):
    """The CID that was pinned, the stores that hold it, and who was seen to fetch it.

    `fetchable` is true only when another party found the block, fetched it, and it hashed to the CID: `fetched_by`
    names who. `kept` is the file with exactly these bytes, in case the author's own changes or no store answered.
    `blocked` is why these bytes must not be registered, empty where nothing speaks against it.
    """

    step: ClassVar[str] = "pin"
    cid: str = ""
    bytes: int = 0
    sha256: str = ""
    stores: tuple[dict[str, Any], ...] = ()
    fetchable: bool = False
    fetched_by: tuple[str, ...] = ()
    gateways: tuple[dict[str, Any], ...] = ()
    engine: bool = False
    kept: str = ""
    blocked: str = ""


@dataclass(frozen=True)
class WalletRecord(Record):
    """The account that signs: its name in the vault, its checksum address, and the kind of vault."""

    step: ClassVar[str] = "wallet"
    name: str = ""
    address: str = ""
    kind: str = ""


TransactionState = Literal["unsigned", "handed", "signed", "sent", "mined", "already", "failed", "cancelled"]
"""How far a transaction is. `unsigned`: in a file, for another device; `handed`: to a wallet that sends by itself."""

UNDER_WAY = ("handed", "signed", "sent")
"""States in which a transaction may be mined at any moment; another one must not be made meanwhile."""


@dataclass(frozen=True)
class TransactionRecord(Record):
    """A transaction from the moment it can be sent. Written before it is sent, and again as it goes on.

    `raw` is the signed transaction: it holds no key, but whoever has it can send it. `earlier` are hashes of others
    with the same nonce, one of which will be mined instead. `nonce` is only expected while a wallet has it.
    """

    private: ClassVar[frozenset[str]] = frozenset({"raw", "cancel_raw"})
    state: TransactionState = "signed"
    model_id: str = ""
    function: str = "registerModel"
    sender: str = ""
    account: str = ""
    vault: str = ""
    chain_id: int = 0
    engine: str = ""
    nonce: int = 0
    tx_hash: str = ""
    raw: str = ""
    earlier: tuple[str, ...] = ()
    cancel: str = ""
    cancel_raw: str = ""
    """The one among them that does nothing: with it in a block, nothing was sent after all."""
    unsigned: str = ""
    """The file with the unsigned transaction, if it is signed elsewhere."""
    asked: dict[str, int] = field(default_factory=dict)
    """Nonce, gas and price in that file: what comes back signed must have the same."""
    block: int = 0
    gas_used: int = 0
    cost_wei: str = "0"


@dataclass(frozen=True)
class RegisterRecord(TransactionRecord):
    """A registration. `mined_id` is the id in the engine's own event. Amounts are integers as strings."""

    step: ClassVar[str] = "register"
    mined_id: str = ""
    cid: str = ""
    addr: str = ""
    fee_wei: str = "0"
    allow_list: tuple[str, ...] | None = None


@dataclass(frozen=True)
class OwnerRecord(TransactionRecord):
    """A later change of a model by its addr. `values` are the arguments after the id, as text."""

    step: ClassVar[str] = "owner"
    values: tuple[str, ...] = ()
