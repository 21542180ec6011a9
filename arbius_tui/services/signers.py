"""The contract of accounts: who lists them, keeps their keys, signs with them, or sends for them.

A vault lists accounts. What else it can do is said by the protocols it satisfies, and asked with `isinstance`:

    Signer   gives raw bytes; the wizard journals and sends them       keyring, keystore, external signer, rehearsal
    Sender   signs and sends by itself and says only the hash          browser wallet, Frame
    neither  looks only; another device signs the unsigned file        watch

A `Keeper` is a Signer that can also be given a key, and a `Connector` is a vault whose accounts are somebody else's
until the author lets us know them. `domain.transaction_files` writes the unsigned file (`unsigned_file`,
`read_unsigned`) and takes the signed one back (`read_signed`); `domain.transactions` decodes and compares
(`Unsigned.of`, `decode_signed`, `differences`).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, TypeAlias, runtime_checkable

from arbius_tui.domain.errors import Problem
from arbius_tui.domain.secret import Secret
from arbius_tui.domain.transactions import SignedTransaction

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
    "Way",
    "way",
]

Way: TypeAlias = Literal["sign", "send", "watch"]
"""What an account is good for: we get raw bytes, somebody else sends, or we can only look."""


@dataclass(frozen=True)
class Account:
    """An account in a vault. `vault` is the vault's `kind`; the names of one vault are its own.

    Kinds: `keystore`, `keyring`, `rehearsal`, `foundry`, `geth`, `signer` (Clef), `frame`, `browser`, `watch`.
    """

    kind: ClassVar[str] = "account"
    name: str
    address: str
    vault: str


@dataclass(frozen=True)
class Handover:
    """How far a request to somebody else's wallet is: what the author is to do now and, last, the wallet's answer.

    `state`: `ask` (the author has to act: at `url`, or in the wallet that `text` names), `line` (news for the log),
    `connected` (`address` is the account), `sent` (`tx_hash` is the wallet's word for it, not yet believed).
    """

    kind: ClassVar[str] = "handover"
    id: str
    state: Literal["ask", "line", "connected", "sent"]
    text: str
    url: str = field(default="", repr=False)
    """Where the author answers; it may hold a one-time token, so it is shown and neither logged nor kept."""
    address: str = ""
    tx_hash: str = ""


@runtime_checkable
class Vault(Protocol):
    """Whoever has accounts."""

    kind: str

    async def accounts(self) -> tuple[Account, ...]:
        """All accounts, by name. No password and no word of the author is needed for this."""


@runtime_checkable
class Signer(Vault, Protocol):
    """A vault that gives raw bytes. `elsewhere` says who answers outside of this program meanwhile, or is empty."""

    elsewhere: str

    def needs_password(self) -> bool:
        """Whether `sign` (and `create`, `add`) want a password from the author."""

    async def sign(self, name: str, password: Secret, transaction: Mapping[str, Any]) -> SignedTransaction:
        """Sign a complete EIP-1559 transaction; a key is read for this and forgotten.

        What another program signed was decoded and compared: its signer and every field are those of `transaction`.
        """


@runtime_checkable
class Keeper(Signer, Protocol):
    """A vault that keys can be put into."""

    async def create(self, name: str, password: Secret) -> Account:
        """A new key; BadInput if the name is taken. Read back before this returns."""

    async def add(self, name: str, key: Secret, password: Secret) -> Account:
        """Keep a key that the author has; it may have 0x and blanks."""


@runtime_checkable
class Sender(Vault, Protocol):
    """A vault that signs and sends in one go, e.g. MetaMask; raw bytes are never seen."""

    def send(self, name: str, transaction: Mapping[str, Any]) -> AsyncGenerator[Handover, None]:
        """Hand over `to`, `data`, `value` and `chainId`; the wallet chooses nonce, gas and fees. Ends with `sent`.

        Journal the hand-over (sender, nonce expected, model id) BEFORE the first step of this generator, and the hash
        after. TransactionFailed `send-unclear`: it was handed over and nobody knows what became of it, so look for
        models(id), the nonce and the event, and never hand over again unasked. Every other Failure means that nothing
        was sent. The hash is only a claim: fetch the transaction and compare it.
        """


@runtime_checkable
class Connector(Vault, Protocol):
    """A vault whose wallet must first tell us an account, e.g. a browser wallet."""

    def connect(self, name: str) -> AsyncGenerator[Handover, None]:
        """Let the author choose an account there and remember its address under this name. Ends with `connected`."""


@runtime_checkable
class Watcher(Vault, Protocol):
    """A list of addresses; their keys are elsewhere."""

    async def watch(self, name: str, address: str) -> Account:
        """Remember an address; BadInput if the name is taken or the address is none."""


@runtime_checkable
class Opener(Vault, Protocol):
    """A vault that may not know an address before it has opened the keystore; such an Account's address is ""."""

    async def open(self, name: str, password: Secret) -> Account:
        """Open it once to see whose it is; nothing is signed."""


@runtime_checkable
class Inspected(Vault, Protocol):
    """A vault that can say which of its files are of no use."""

    async def faults(self) -> tuple[Problem, ...]:
        """Each as a warning; empty when all is well."""


@runtime_checkable
class Remote(Connector, Protocol):
    """A vault behind a URL that the author names: Clef, Frame. `connect` asks the one that was named last."""

    async def speaks(self, url: str) -> bool:
        """Whether what answers there is of this vault's kind. NotReady when nothing answers, BadInput for no URL."""

    def connect_to(self, name: str, url: str) -> AsyncGenerator[Handover, None]:
        """Ask for its accounts and remember them: `name`, `name-2`, ..; one `connected` for each."""


@runtime_checkable
class Remover(Vault, Protocol):
    """A vault that accounts can be taken out of."""

    async def remove(self, name: str) -> str:
        """Take it off the list; what became of the key, in a sentence. BadInput `no-such-account`."""


def way(vault: Vault) -> Way:
    """What the accounts of this vault are good for."""
    if isinstance(vault, Signer):
        return "sign"
    return "send" if isinstance(vault, Sender) else "watch"
