"""Accounts without a journey: list them, make one, or keep a key that the author has."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from arbius_tui.domain.events import Done, Event, Found, Line, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Ask, Question
from arbius_tui.domain.secret import Secret
from arbius_tui.services.ports import Account, Services
from arbius_tui.steps.base import Step
from arbius_tui.steps.wallet import Wallet, keeper_of, unknown


class ListAccounts(Step):
    """All accounts, or the one of this name."""

    name = "wallet"

    def __init__(self, only: str = "") -> None:
        self.only = only

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield each account; a vault that does not open is a warning."""
        accounts, problems = await Wallet().accounts(services)
        for problem in problems:
            yield Trouble(problem)
        chosen = [a for a in accounts if not self.only or a.name == self.only]
        if self.only and not chosen:
            unknown(self.only, accounts)
        for account in chosen:
            yield Found(account)
        if not accounts:
            yield Line("no accounts yet: arbius-tui wallet new NAME")
        yield Done(True, 0, listed(chosen))


class KeepKey(Step):
    """A new key, or one that comes on stdin, encrypted under a password."""

    name = "wallet"

    def __init__(self, account: str, key: Secret | None) -> None:
        self.account, self.key = account, key

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield the account once it has been read back."""
        vault = keeper_of(services)
        why = "the key is encrypted with it; nobody can reset it"
        password = await ask.secret(Question("new-password", f"A password for {self.account}", why))
        if self.key is None:
            account = await vault.create(self.account, password)
        else:
            account = await vault.add(self.account, self.key, password)
        yield Found(account)
        yield Done(True, 0, listed([account]))


def listed(accounts: list[Account]) -> dict[str, list[dict[str, str]]]:
    """Accounts as scripts read them."""
    return {"accounts": [{"name": a.name, "address": a.address, "kind": a.vault} for a in accounts]}
