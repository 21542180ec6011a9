"""The ways to an account: a new key, one that the author has, a keystore, an address alone, somebody else's wallet.

Each yields events, and the accounts that came of it as `Found`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arbius_tui.domain.errors import BadInput, NotReady
from arbius_tui.domain.events import Event, Found, Line
from arbius_tui.domain.questions import Ask, Choice, Consent, Question
from arbius_tui.domain.secret import Secret
from arbius_tui.services.keys import account_name, address_of, parsed_key
from arbius_tui.services.keystores import opened as opened_keystore
from arbius_tui.services.keystores import read_keystore
from arbius_tui.services.ports import Account, Connector, Keeper, Opener, Remote, Services, Watcher

Work = Callable[[Services, Ask], AsyncGenerator[Event, None]]
NAME_WHY = "a short word, for you; the key is never shown"
ONCE_ONLY = "the key is encrypted with it; nobody can reset it"


@dataclass(frozen=True)
class Way:
    """A way to an account: its words in a choice, and what does it."""

    words: str
    work: Work


def keeper_of(services: Services, kind: str = "") -> Keeper:
    """The vault that keys go into: of this kind, or the first that takes any."""
    keepers = [vault for vault in services.vaults if isinstance(vault, Keeper)]
    for vault in keepers:
        if kind in ("", vault.kind):
            return vault
    raise BadInput(
        "no-vault",
        f"there is no {kind} to keep a key in" if kind else "there is no vault to keep a key in",
        fix=f"one of: {', '.join(vault.kind for vault in keepers)}" if keepers else "choose a network with an account",
    )


async def kept_in(services: Services, ask: Ask) -> Keeper:
    """The vault that a key shall go into; asked only where there is more than one."""
    keepers = [vault for vault in services.vaults if isinstance(vault, Keeper)]
    if len(keepers) < 2:
        return keeper_of(services)
    words = {
        "keystore": "an encrypted file of yours; each signature asks for its password",
        "keyring": "this system's own keyring; every program of yours can read it while it is unlocked",
    }
    options = tuple((vault.kind, words.get(vault.kind, vault.kind)) for vault in keepers)
    why = "an encrypted file is the safer one; the keyring asks less often"
    return keeper_of(
        services, await ask(Choice("vault", "Where shall the key be kept?", why, "keystore", None, options))
    )


async def name_of(ask: Ask, default: str) -> str:
    """The name of an account that is made."""
    question = Question("account-name", "What shall the account be called?", NAME_WHY, default, "throw-away")
    return account_name(await ask(question))


async def password_for(vault: Keeper, name: str, ask: Ask) -> Secret:
    """A password for a new keystore; typed twice where a person types it, so that a slip is not for ever."""
    if not vault.needs_password():
        return Secret("")
    first = await ask.secret(Question("new-password", f"A password for {name}", ONCE_ONLY))
    again = await ask.secret(Question("new-password-again", "The same password again", "a slip would lock you out"))
    if first.reveal() != again.reveal():
        raise BadInput(
            "passwords-differ",
            "the two passwords are not the same",
            why="a password with a slip in it would lock you out of the key",
            fix="do it again, and type the same one twice",
        )
    return first


async def new_key(services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
    """A key that nobody has seen."""
    vault = await kept_in(services, ask)
    name = await name_of(ask, "author")
    yield Found(await vault.create(name, await password_for(vault, name, ask)))


async def pasted_key(services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
    """A key that the author has: its length and its address are shown, and it is kept only if that is the one meant."""
    vault = await kept_in(services, ask)
    name = await name_of(ask, "author")
    why = "typed or pasted unseen; with or without 0x. Never a seed phrase, and never on a machine you do not trust"
    key = await ask.secret(Question("key", "The private key", why))
    async for event in kept(vault, name, key, ask):
        yield event


async def kept(
    vault: Keeper, name: str, key: Secret, ask: Ask, *, password: Secret | None = None, expected: str = ""
) -> AsyncGenerator[Event, None]:
    """Show whose key it is, ask, and keep it; one `password` serves where there is one already.

    With `expected` nobody is asked: the address is that one, or nothing is kept.
    """
    tidy = parsed_key(key)
    address = await asyncio.to_thread(address_of, tidy)
    yield Line(f"{len(key)} characters came; the key is that of {address}")
    meant = Consent(
        "key-address", f"Is {address} the account you mean?", "a key that is mistyped is another account", "yes", "yes",
        changes=f"the key is kept in the {vault.kind} as {name}", undo=f"arbius-tui wallet remove {name}",
    )  # fmt: skip
    if expected != address if expected else await ask(meant) != "yes":
        raise BadInput(
            "key-not-meant",
            "nothing was kept",
            why=f"this key is that of {address}, which is not the account you mean",
            fix="take the key of the right account from your wallet",
        )
    secret = password if password is not None else await password_for(vault, name, ask)
    yield Found(await vault.add(name, tidy, secret))


async def from_keystore(services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
    """A keystore file of another tool, copied into ours."""
    where = "e.g. ~/.foundry/keystores/NAME or UTC--..; it is only read"
    path = home_of(await ask(Question("keystore-file", "Which keystore file?", where)))
    name = await name_of(ask, "author")
    vault = keeper_of(services)
    keystore = await asyncio.to_thread(read_keystore, path, path.name)
    async for event in copied(vault, name, keystore, path, ask):
        yield event


def home_of(typed: str) -> Path:
    """A path as people type it, with ~ for their home."""
    return Path(typed.strip()).expanduser()


async def copied(
    vault: Keeper, name: str, keystore: Mapping[str, Any], path: Path, ask: Ask, expected: str = ""
) -> AsyncGenerator[Event, None]:
    """A copy of a keystore, encrypted with the same password at full cost."""
    password = await ask.secret(Question("password", f"The password of {path.name}", "the copy has the same one"))
    key = await asyncio.to_thread(opened_keystore, keystore, password, path, path.name)
    async for event in kept(vault, name, key, ask, password=password, expected=expected):
        yield event


async def watched(services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
    """An address alone: the transaction is written to a file, and signed on another device."""
    vault = next(vault for vault in services.vaults if isinstance(vault, Watcher))
    why = "its key stays where it is, e.g. in a hardware wallet; a file goes there and comes back signed"
    address = await ask(Question("watch-address", "Which address?", why))
    yield Found(await vault.watch(await name_of(ask, "cold"), address))


async def external(services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
    """Clef or Frame, by its URL or socket."""
    why = "Clef: http://127.0.0.1:8550 or ~/.clef/clef.ipc; Frame: http://127.0.0.1:1248"
    url = await ask(Question("signer-url", "Where does the signer answer?", why, "http://127.0.0.1:8550"))
    async for event in reached(services, await name_of(ask, "signer"), url):
        yield event


async def reached(services: Services, name: str, url: str) -> AsyncGenerator[Event, None]:
    """The accounts of the signer at this URL, whatever its kind."""
    for vault in services.vaults:
        if isinstance(vault, Remote) and await vault.speaks(url):
            async for step in vault.connect_to(name, url):
                yield Line(step.text)
            for account in await vault.accounts():
                if account.name == name or account.name.startswith(f"{name}-"):
                    yield Found(account)
            return
    raise NotReady(
        "signer-unknown", "what answers there is neither Clef nor a wallet like Frame",
        why="the wizard must know how to ask for a signature", fix="check the URL and the port of your signer",
    )  # fmt: skip


async def browser(services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
    """A wallet in the author's browser."""
    vault = next(v for v in services.vaults if isinstance(v, Connector) and not isinstance(v, Remote))
    name = await name_of(ask, "browser")
    async for step in vault.connect(name):
        yield Found(step) if step.state == "ask" else Line(step.text)
    for account in await vault.accounts():
        if account.name == name:
            yield Found(account)


WAYS: dict[str, Way] = {
    "new": Way("make a new key", new_key),
    "paste": Way("paste a private key that you have", pasted_key),
    "import": Way("copy a keystore file of another tool", from_keystore),
    "browser": Way("a wallet in your browser: MetaMask and others; its key stays there", browser),
    "url": Way("Clef or Frame, by its URL; its key stays there", external),
    "watch": Way("an address alone: another device signs a file, e.g. a hardware wallet", watched),
}
"""Every way by the answer that chooses it."""


def ways_of(services: Services) -> list[str]:
    """The ways that these services have; the rehearsal has only its throw-away key."""
    vaults = services.vaults
    if services.fund is not None:
        return ["new"] if any(isinstance(vault, Keeper) for vault in vaults) else []
    has = {
        "new": any(isinstance(vault, Keeper) for vault in vaults),
        "browser": any(isinstance(vault, Connector) and not isinstance(vault, Remote) for vault in vaults),
        "url": any(isinstance(vault, Remote) for vault in vaults),
        "watch": any(isinstance(vault, Watcher) for vault in vaults),
    }
    has |= {"paste": has["new"], "import": has["new"]}
    return [key for key in WAYS if has[key]]


async def opened(account: Account, services: Services, ask: Ask) -> Account:
    """The account with its address, which for a keystore that does not state it takes its password."""
    if account.address:
        return account
    for vault in services.vaults:
        if vault.kind == account.vault and isinstance(vault, Opener):
            why = "its file does not say its address; it is opened once to see, and nothing is signed"
            password = await ask.secret(Question("password", f"The password of {account.name}", why))
            return await vault.open(account.name, password)
    raise BadInput("no-such-account", f"the address of {account.name} is not known", fix="choose another account")
