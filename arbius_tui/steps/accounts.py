"""Accounts without a journey: list them, make, keep, watch, reach or remove one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.events import Done, Event, Found, Line, Trouble
from arbius_tui.domain.evm import parse_address
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Ask, Confirm
from arbius_tui.domain.secret import Secret
from arbius_tui.services.keys import account_name
from arbius_tui.services.keystores import parsed, read_keystore
from arbius_tui.services.ports import Account, Remover, Services, Watcher
from arbius_tui.steps import account_ways as ways
from arbius_tui.steps.base import Step
from arbius_tui.steps.wallet import found_accounts, named, said


class ListAccounts(Step):
    """All accounts, or the one of this name."""

    name = "wallet"

    def __init__(self, only: str = "") -> None:
        self.only = only

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield each account; a vault that does not open, or a file that is of no use, is a warning."""
        accounts, problems = await found_accounts(services)
        for problem in problems if not self.only else ():
            yield Trouble(problem)
        chosen = accounts
        if self.only:
            chosen = [await ways.opened(named(self.only, accounts), services, ask)]
        for account in chosen:
            yield Found(account)
        if not accounts:
            yield Line("no accounts yet: arbius-tui wallet new NAME")
        yield Done(True, 0, listed(chosen))


@dataclass(frozen=True)
class Kept:
    """What `wallet new` and `wallet import` were given: nothing is a new key."""

    account: str
    key: Secret | None = None
    keystore: Path | None = None
    vault: str = ""
    expected: str = ""
    """The address that the key must have, empty where the author did not say."""


STDIN = Path("the keystore")
"""How a keystore is called that came without a file."""


def is_keystore(text: Secret) -> bool:
    """Whether what came is a keystore's JSON and no key."""
    return text.reveal().lstrip().startswith("{")


def pasted_keystore(text: Secret) -> dict[str, Any]:
    """A keystore that came as text."""
    return parsed(text.reveal().encode("utf-8", "replace"), STDIN)


class KeepKey(Step):
    """A new key, or one that comes on stdin or in a keystore; kept once its address is the one that is meant."""

    name = "wallet"

    def __init__(self, what: Kept) -> None:
        self.what = what

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield the account once it has been read back."""
        async for event in self.work(services, ask):
            yield event
            if isinstance(event, Found) and isinstance(event.item, Account):
                yield Done(True, 0, {**listed([event.item]), "address": event.item.address})
                return

    async def work(self, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """The way that fits what was given."""
        what = self.what
        name, vault = account_name(what.account), ways.keeper_of(services, what.vault)
        expected = parse_address(what.expected) if what.expected else ""
        if what.keystore is not None:
            keystore = await asyncio.to_thread(read_keystore, what.keystore, what.keystore.name)
            work = ways.copied(vault, name, keystore, what.keystore, ask, expected)
        elif what.key is not None and is_keystore(what.key):
            work = ways.copied(vault, name, pasted_keystore(what.key), STDIN, ask, expected)
        elif what.key is not None:
            work = ways.kept(vault, name, what.key, ask, expected=expected)
        else:
            yield Found(await vault.create(name, await ways.password_for(vault, name, ask)))
            return
        async for event in work:
            yield event


class Watch(Step):
    """Remember an address whose key is elsewhere."""

    name = "wallet"

    def __init__(self, account: str, address: str) -> None:
        self.account, self.address = account, address

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield the account."""
        vault = next((vault for vault in services.vaults if isinstance(vault, Watcher)), None)
        if vault is None:
            raise BadInput("no-vault", "nothing is watched on this network", fix="choose a real network: --network one")
        account = await vault.watch(self.account, self.address)
        yield Found(account)
        yield Line("it can look, and write what another device signs: arbius-tui register --unsigned FILE")
        yield Done(True, 0, {**listed([account]), "address": account.address})


class Reach(Step):
    """Remember the accounts of a signer, e.g. Clef or Frame."""

    name = "wallet"

    def __init__(self, account: str, url: str) -> None:
        self.account, self.url = account, url

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield each account that it shows us."""
        found = []
        async for event in ways.reached(services, account_name(self.account), self.url):
            yield event
            if isinstance(event, Found) and isinstance(event.item, Account):
                found.append(event.item)
        yield Done(True, 0, listed(found))


class Remove(Step):
    """Take an account off its list; typed confirmation, because a key may go with it."""

    name = "wallet"

    def __init__(self, account: str) -> None:
        self.account = account

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield what became of the key."""
        accounts, _ = await found_accounts(services)
        account = named(self.account, accounts)
        vault = next((v for v in services.vaults if v.kind == account.vault and isinstance(v, Remover)), None)
        if vault is None:
            raise BadInput(
                "account-not-ours", f"{account.name} belongs to {account.vault}, and is only read here",
                why="files of other tools are never changed", fix=f"remove it with {account.vault} itself",
            )  # fmt: skip
        tail = account.address[-4:]
        typed = await ask(removal(account, tail))
        if typed.strip().lower() != tail.lower():
            raise BadInput(
                "not-confirmed", "the characters typed are not the last four of the address",
                why="an account that is removed can sign no more", fix=f"the address ends in {tail}",
            )  # fmt: skip
        became = await vault.remove(account.name)
        yield Line(f"{account.name} is off the list; {became}")
        yield Done(True, 0, {**listed([]), "address": account.address})


def removal(account: Account, tail: str) -> Confirm:
    """The severe question before an account goes."""
    return Confirm(
        "confirm", f"Type the last 4 characters of {account.address} to remove {account.name}",
        "what it registered stays registered, and only its key can change it", rehearsal=tail, expected=tail,
        fixed="a key in the keyring is deleted; a keystore is set aside, still encrypted",
        later="an address can be watched again", safe="nothing on any chain", verb="remove",
    )  # fmt: skip


def listed(accounts: list[Account]) -> dict[str, object]:
    """Accounts as scripts read them."""
    return {"accounts": [said(account) for account in accounts]}
