"""What an account has, what it needs, and the official page that brings the rest."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from arbius_tui.domain.errors import Failure, Fix, Problem
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.networks import Network, network
from arbius_tui.domain.records import TemplateRecord
from arbius_tui.domain.text import amount
from arbius_tui.services import files
from arbius_tui.services.ports import Registration, Services


@dataclass(frozen=True, slots=True)
class Money:
    """What the account has and a registration of this template may cost, in wei, and the same in words.

    `needed_wei` is "0" where it is not known: without a template, or where the engine would refuse it. `short_wei` is
    what is lacking, exact; `bridge` the official page that brings ETH here, `faucet` where test AIUS is minted.
    """

    kind: ClassVar[str] = "money"
    id: str
    address: str
    balance_wei: str
    text: str
    needed_wei: str = "0"
    short_wei: str = "0"
    bridge: str = ""
    faucet: str = ""
    problem: Problem | None = field(default=None, repr=False)


async def money(journey: Journey, services: Services, address: str) -> Money:
    """The balance, the price and the shortfall; what the chain does not say is a Failure of its own."""
    where = network(services.network)
    wei = await services.chain.balance(address)
    needed = await price(journey, services, address)
    short = max(0, needed - wei)
    text = f"{amount(wei, 'ETH')} on {where.title}"
    if needed:
        text += f"; registering takes at most {amount(needed, 'ETH')}"
    faucet = where.address_url(where.token) + "#writeContract" if where.minted else ""
    lacks = lacking(where, address, wei, short) if (short or not wei) and not where.rehearsal else None
    return Money("balance", address, str(wei), text, str(needed), str(short), where.bridge, faucet, lacks)


async def price(journey: Journey, services: Services, address: str) -> int:
    """Wei that registering the journey's template with this account would cost at most, 0 where that is not known."""
    template = journey.get(TemplateRecord)
    if template is None or not template.path or network(services.network).legacy:
        return 0
    try:
        data = await asyncio.to_thread(files.read, Path(template.path))
        return (await services.chain.quote(Registration(address, address, 0, data))).max_cost_wei
    except Failure:
        return 0  # Register says why; here only a figure is missing


def lacking(where: Network, address: str, wei: int, short: int) -> Problem:
    """The account cannot pay yet: a warning here, for there is time until Register."""
    exact = f"{amount(short, 'ETH')} ({short} wei)" if short else "ETH"
    how = f"send it to {address} on {where.title}" + (f", or bridge it: {where.bridge}" if where.bridge else "")
    return Problem(
        "balance-short",
        f"the account lacks {exact} on {where.title}" if short else f"the account has no ETH on {where.title}",
        "registering is a transaction, and its gas is paid in ETH on that chain; AIUS does not pay for it",
        Fix(how),
        f"it has {wei} wei",
        severity="warn",
    )
