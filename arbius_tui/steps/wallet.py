"""Wallet: the account that signs. Its key stays in a vault; only its name and address are remembered."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import NoReturn

from arbius_tui.domain.errors import BadInput, Failure, Problem
from arbius_tui.domain.events import Done, Event, Found, Line, Saved, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Ask, Choice
from arbius_tui.domain.records import WalletRecord
from arbius_tui.domain.text import amount
from arbius_tui.services.ports import Account, Inspected, Services
from arbius_tui.steps.account_ways import WAYS, opened, ways_of
from arbius_tui.steps.base import Step
from arbius_tui.steps.money import money

PLAY_MONEY = 10**16
"""Wei that the rehearsal gives its throw-away account: 0.01 ETH."""
NEW = "new"


class Wallet(Step):
    """Choose an account, or make one."""

    name = "wallet"

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield the accounts, then the chosen one and what it has."""
        accounts, problems = await found_accounts(services)
        for problem in problems:
            yield Trouble(problem)
        for account in accounts:
            yield Found(account)
        chosen: Account | None = None
        answer = await choose(journey, services, ask, accounts)
        if isinstance(answer, Account):
            chosen = await opened(answer, services, ask)
        else:
            async for event in WAYS[answer].work(services, ask):
                yield event
                if isinstance(event, Found) and isinstance(event.item, Account) and chosen is None:
                    chosen = event.item
        if chosen is None:
            raise BadInput("no-account", "no account came of this", fix="run the step again and choose another way")
        yield Found(chosen)
        yield Saved(WalletRecord(chosen.name, chosen.address, chosen.vault))
        state = "ok"
        async for event in paid_for(journey, services, chosen):
            yield event
            state = "warn" if isinstance(event, Trouble) else state
        listed = [said(account) for account in unique([*accounts, chosen])]
        yield Done(True, 0, {"accounts": listed, "address": chosen.address}, state)


async def paid_for(journey: Journey, services: Services, chosen: Account) -> AsyncGenerator[Event, None]:
    """What it has and lacks; the rehearsal gives it play money first."""
    if services.fund is not None and await services.chain.balance(chosen.address) < PLAY_MONEY:
        await services.fund(chosen.address, PLAY_MONEY)
        yield Line(f"the rehearsal gave it {amount(PLAY_MONEY, 'ETH')} of play money")
    try:
        has = await money(journey, services, chosen.address)
        yield Found(has)
        if has.problem is not None:
            yield Trouble(has.problem)
    except Failure as failure:
        # An account is worth having without a chain: only Register needs to know the balance.
        yield Trouble(warning(failure.problem))


async def found_accounts(services: Services) -> tuple[list[Account], list[Problem]]:
    """All accounts of all vaults; a vault that does not open, and a file that is of no use, are warnings."""
    found: list[Account] = []
    problems: list[Problem] = []
    for vault in services.vaults:
        try:
            found += await vault.accounts()
            if isinstance(vault, Inspected):
                problems += await vault.faults()
        except Failure as failure:
            problems.append(warning(failure.problem))
    return found, problems


async def choose(journey: Journey, services: Services, ask: Ask, accounts: list[Account]) -> Account | str:
    """The account of before, or the author's choice: an account, or the key of a way to get one."""
    known = journey.get(WalletRecord)
    mine = [a for a in accounts if known and (a.name, a.vault) == (known.name, known.kind)]
    default = handle(mine[0], accounts) if mine else None
    throw_away = handle(accounts[0], accounts) if accounts and services.fund else NEW if services.fund else None
    options = [(handle(a, accounts), label(a)) for a in accounts]
    options += [(key, WAYS[key].words) for key in ways_of(services)]
    if not options:
        raise BadInput("no-vault", "there is no vault to keep a key in", fix="choose a network with an account")
    question = Choice(
        "account",
        "Which account signs?",
        "the model id depends on it; with addr equal to it, it owns the fee and the settings",
        default=default,
        rehearsal=default or throw_away,
        options=tuple(options),
    )
    answer = await ask(question)
    return answer if answer in ways_of(services) else named(answer, accounts)


def handle(account: Account, accounts: list[Account]) -> str:
    """What an account is chosen by: its name, with its vault in front where two have the same or it means something."""
    same = [one for one in accounts if one.name == account.name]
    return account.name if len(same) == 1 and account.name not in WAYS else f"{account.vault}/{account.name}"


def named(name: str, accounts: list[Account]) -> Account:
    """The account of this name, `VAULT/NAME` or address; BadInput `no-such-account` or `account-ambiguous`."""
    typed = name.strip()
    full = [a for a in accounts if f"{a.vault}/{a.name}" == typed]
    found = full or [a for a in accounts if typed == a.name or (a.address and typed.lower() == a.address.lower())]
    if not found:
        unknown(typed, accounts)
    if len(found) > 1 and len({a.address for a in found}) > 1:
        raise BadInput(
            "account-ambiguous",
            f"{len(found)} accounts are named {typed}",
            why="each gives another model id",
            fix="name the vault, too: " + ", ".join(f"{a.vault}/{a.name}" for a in found),
        )
    return found[0]


def label(account: Account) -> str:
    """An account as one line of a choice."""
    return f"{account.name}  {account.address or 'its password tells the address'}  {account.vault}"


def said(account: Account) -> dict[str, str]:
    """An account as scripts read it."""
    return {"name": account.name, "address": account.address, "kind": account.vault}


def unknown(name: str, accounts: list[Account]) -> NoReturn:
    """Refuse a name that no vault has."""
    raise BadInput(
        "no-such-account",
        f"no vault has an account named {name}",
        why="it takes an account to sign, or to look",
        fix="one of: " + (", ".join(handle(a, accounts) for a in accounts) or "none yet; answer `new` to make one"),
    )


def unique(accounts: list[Account]) -> list[Account]:
    """Each account once, an opened keystore with the address that it turned out to have."""
    return list({(account.vault, account.name): account for account in accounts}.values())


def warning(problem: Problem) -> Problem:
    """The same problem, holding nothing up."""
    return replace(problem, severity="warn")
