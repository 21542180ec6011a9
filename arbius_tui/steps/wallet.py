"""Wallet: the account that signs. Its key stays in a vault; only its name and address are remembered."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import ClassVar, NoReturn

from arbius_tui.domain.errors import BadInput, Failure, Problem
from arbius_tui.domain.events import Done, Event, Found, Line, Saved, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.networks import network
from arbius_tui.domain.questions import Ask, Choice, Question
from arbius_tui.domain.records import WalletRecord
from arbius_tui.domain.secret import Secret
from arbius_tui.domain.text import amount
from arbius_tui.services.ports import Account, Keeper, Services
from arbius_tui.steps.base import Step

PLAY_MONEY = 10**16
"""Wei that the rehearsal gives its throw-away account: 0.01 ETH."""
NEW = "new"


@dataclass(frozen=True, slots=True)
class Money:
    """What the account has, in wei, and the same in words."""

    kind: ClassVar[str] = "money"
    id: str
    address: str
    balance_wei: str
    text: str


class Wallet(Step):
    """Choose an account, or make one."""

    name = "wallet"

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield the accounts, then the chosen one and what it has."""
        accounts, problems = await self.accounts(services)
        for problem in problems:
            yield Trouble(problem)
        for account in accounts:
            yield Found(account)
        chosen = await self.choose(journey, services, ask, accounts)
        yield Found(chosen)
        yield Saved(WalletRecord(chosen.name, chosen.address, chosen.vault))
        if services.fund is not None and await services.chain.balance(chosen.address) < PLAY_MONEY:
            await services.fund(chosen.address, PLAY_MONEY)
            yield Line(f"the rehearsal gave it {amount(PLAY_MONEY, 'ETH')} of play money")
        state = "ok"
        try:
            yield Found(await money(services, chosen.address))
        except Failure as failure:
            # An account is worth having without a chain: only Register needs to know the balance.
            yield Trouble(warning(failure.problem))
            state = "warn"
        listed = [{"name": a.name, "address": a.address, "kind": a.vault} for a in unique([*accounts, chosen])]
        yield Done(True, 0, {"accounts": listed, "address": chosen.address}, state)

    async def accounts(self, services: Services) -> tuple[list[Account], list[Problem]]:
        """All accounts of all vaults; a vault that does not open is a warning."""
        found: list[Account] = []
        problems: list[Problem] = []
        for vault in services.vaults:
            try:
                found += await vault.accounts()
            except Failure as failure:
                problems.append(warning(failure.problem))
        return found, problems

    async def choose(self, journey: Journey, services: Services, ask: Ask, accounts: list[Account]) -> Account:
        """The account of before, or the author's choice; the rehearsal makes a throw-away key by itself."""
        keeper = keeper_of(services)
        known = journey.get(WalletRecord)
        default = known.name if known and any(a.name == known.name for a in accounts) else None
        throw_away = accounts[0].name if accounts and services.fund else NEW if services.fund else None
        options = [(a.name, f"{a.name}  {a.address}  {a.vault}") for a in accounts] + [(NEW, "make a new key")]
        question = Choice(
            "account",
            "Which account signs?",
            "the model id depends on it; with addr equal to it, it owns the fee and the settings",
            default=default,
            rehearsal=default or throw_away,
            options=tuple(options),
        )
        name = await ask(question)
        if name != NEW:
            found = next((a for a in accounts if a.name == name), None)
            if found is None:
                unknown(name, accounts)
            return found
        return await self.create(keeper, ask)

    async def create(self, vault: Keeper, ask: Ask) -> Account:
        """A new key under a name of the author's."""
        why = "a short word, for you; the key is never shown"
        name = await ask(Question("account-name", "What shall the new account be called?", why, "author", "throw-away"))
        password = Secret("")
        if vault.needs_password():
            text = "A password for the new key"
            password = await ask.secret(
                Question("new-password", text, "the key is encrypted with it; nobody can reset it")
            )
        return await vault.create(name, password)


def keeper_of(services: Services) -> Keeper:
    """The vault that new keys go into: the first that takes any."""
    found = next((vault for vault in services.vaults if isinstance(vault, Keeper)), None)
    if found is None:
        raise BadInput("no-vault", "there is no vault to keep a key in", fix="choose a network with an account")
    return found


async def money(services: Services, address: str) -> Money:
    """The balance in words."""
    wei = await services.chain.balance(address)
    where = network(services.network).title
    return Money("balance", address, str(wei), f"{amount(wei, 'ETH')} on {where}")


def unknown(name: str, accounts: list[Account]) -> NoReturn:
    """Refuse a name that no vault has."""
    raise BadInput(
        "no-such-account",
        f"no vault has an account named {name}",
        fix="one of: " + (", ".join(a.name for a in accounts) or "none yet; answer `new` to make one"),
    )


def unique(accounts: list[Account]) -> list[Account]:
    """Each account once."""
    return list(dict.fromkeys(accounts))


def warning(problem: Problem) -> Problem:
    """The same problem, holding nothing up."""
    return Problem(problem.code, problem.what, problem.why, problem.fix, problem.detail, "warn", problem.path)
